package tenancy

import (
	"cmp"
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// signIn is the state of one attempt.
type signIn struct {
	w        *call
	in       attempt
	decision Decision
	dead     deadInvitation // an invitation that does not work, and that this attempt goes on without
	session  SessionID      // the session, if one starts

	connection Connection        // of single sign-on
	groups     map[string]string // its groups, if they were read in advance; nil: they were not
	home       Organization
	opened     Organization // the last organization that was read under its lock
	invitation *presented
	target     OrganizationID // the organization to enter; zero: not named

	user     User     // zero: not known yet
	identity Identity // zero: unknown, or the evidence is only a mailbox
	// stale has the same subject, from before the connection moved to another provider (rule U4); zero: none.
	stale    Identity
	linking  Session      // the session that adds a way to sign in (Attempt.LinkTo); zero: this is a sign-in
	domain   Domain       // the verified domain of the person's address; zero: none
	entitled bool         // the connection can verify the person's address (rules P6, U10)
	moves    bool         // the connection may also change the address to the one that it asserts
	members  []Membership // the active memberships
	rules    map[OrganizationID]Policy
	created  bool
	seized   bool   // the account was set up by another person, who lost it (rule U5)
	joined   Member // the membership that the person just got; zero: none
	grouped  bool   // that membership has the roles of their groups
	shown    shownSoFar
}

// decide ends an attempt that is refused.
func (n *signIn) decide(d Decision) error {
	n.decision = d
	return errDecided
}

func (n *signIn) run(ctx context.Context) error {
	steps := []func(context.Context) error{n.names, n.find, n.holdDomain, n.identify, n.admission().admit, n.arrive}
	if n.in.LinkTo != "" {
		steps = []func(context.Context) error{n.names, n.find, n.link}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// names reads what the attempt names: connection, session, invitation, organization.
func (n *signIn) names(ctx context.Context) (err error) {
	if err := n.readAhead(ctx); err != nil {
		return err
	}
	if !n.in.connection.IsZero() {
		if err := n.readConnection(ctx); err != nil {
			return err
		}
	}
	if err := n.readLinking(ctx); err != nil {
		return err
	}
	if err := n.readInvitation(ctx); err != nil {
		return err
	}
	if inv := n.invitation; inv != nil {
		into := !inv.OrganizationID.IsZero() || inv.Found != nil
		if named := n.in.OrganizationID; into && !named.IsZero() && named != inv.OrganizationID {
			return invalid("organization_id", "is not the invitation's")
		}
		if n.in.Found != nil && into {
			return invalid("found", "does not go with an invitation that leads into an organization")
		}
		if n.in.emailKey == "" { // the address that the invitation was sent to
			n.in.invited, n.in.emailKey = inv.Email, inv.EmailKey
		}
	}
	if n.target = n.in.OrganizationID; n.target.IsZero() && n.invitation != nil {
		n.target = n.invitation.OrganizationID
	}
	if !n.founds() {
		n.target = cmp.Or(n.target, n.home.ID)
	}
	return nil
}

// readLinking finds the session of a user who adds a way to sign in.
//
// Errors: [ErrSignInRequired] for a session that is not valid, or is confined.
func (n *signIn) readLinking(ctx context.Context) error {
	if n.in.LinkTo == "" {
		return nil
	}
	s, err := n.w.users().liveSession(ctx, n.in.LinkTo)
	n.linking = s
	return err
}

// readInvitation finds the invitation of the token, if the attempt has one.
func (n *signIn) readInvitation(ctx context.Context) error {
	if !n.in.brings() {
		return nil
	}
	var inv presented
	var err error
	if n.in.kept.IsZero() {
		inv, err = n.w.invitations().presented(ctx, n.in.Invitation)
	} else {
		inv, err = n.w.invitations().presentedBefore(ctx, n.in.kept)
	}
	if code, refused := refusalCode(err); refused {
		return n.decide(Decision{Kind: DecisionInvitationRefused, OrganizationID: inv.leads(), Code: code})
	}
	if err == nil {
		n.invitation = &inv
	}
	return err
}

// readConnection finds the connection, and refuses the attempt if its organization is suspended or archived.
func (n *signIn) readConnection(ctx context.Context) (err error) {
	id := n.in.connection
	if n.connection, err = n.connectionWithGroups(ctx); err != nil {
		return err
	}
	n.w.homes = map[ConnectionID]OrganizationID{id: n.connection.OrganizationID}
	if n.home, err = n.w.tx.Organizations().Get(ctx, n.connection.OrganizationID); err != nil {
		return err
	}
	switch {
	case n.connection.State != ConnectionActive || !n.home.ArchivedAt.IsZero():
		return notFound(id)
	case n.connection.Epoch != n.in.epoch:
		// The connection moved to another provider after the program read it. The program's checks of the old
		// provider say nothing about the new one.
		return stale(id)
	case !n.home.SuspendedAt.IsZero():
		return n.shut(n.home.ID)
	}
	n.opened = n.home
	return nil
}

// shut refuses a person because an organization is suspended.
func (n *signIn) shut(id OrganizationID) error {
	return n.decide(Decision{Kind: DecisionSuspended, OrganizationID: id, Reason: ReasonOrganizationSuspended})
}

// find finds the user of the attempt and takes the locks: of the roles that may be given, of the address and
// the identity, of the user, and of the organizations of the connection, the invitation and the address's
// domain. On a store with several writers it then reads everything again, and repeats this until nothing has
// changed.
func (n *signIn) find(ctx context.Context) error {
	for {
		if err := n.findUser(ctx); err != nil {
			return err
		}
		if err := n.lockFound(ctx); err != nil {
			return err
		}
		if n.w.instance.singleWriter {
			return n.notePerson()
		}
		locked := n.basis()
		if err := n.readAhead(ctx); err != nil {
			return err
		}
		if err := n.findUser(ctx); err != nil {
			return err
		}
		if err := n.readDomain(ctx); err != nil {
			return err
		}
		if n.basis() == locked {
			return n.stillNamed(ctx)
		}
	}
}

// basis has the rows that determined the locks; under the locks they cannot change.
type basis struct {
	user     UserID
	identity IdentityID
	stale    UserID
	address  string
	domain   DomainID
	role     string
}

func (n *signIn) basis() basis {
	return basis{n.user.ID, n.identity.ID, n.stale.UserID, n.address(), n.domain.ID, n.domain.Role}
}

// stillNamed reads again under the locks what the attempt names: meanwhile a connection may have been disabled,
// a token replaced, or a session ended.
func (n *signIn) stillNamed(ctx context.Context) error {
	if err := n.rereadPending(ctx); err != nil {
		return err
	}
	if err := n.readInvitation(ctx); err != nil {
		return err
	}
	if err := n.readLinking(ctx); err != nil {
		return err
	}
	if !n.in.connection.IsZero() {
		if err := n.readConnection(ctx); err != nil {
			return err
		}
	}
	return n.notePerson()
}

// findUser finds the user: of the session that adds a way to sign in, else by the identity, else by the
// address.
func (n *signIn) findUser(ctx context.Context) (err error) {
	n.user, n.identity, n.stale = User{}, Identity{}, Identity{}
	if n.in.subject != "" {
		found, err := n.w.identities().find(ctx, n.in.provider(), n.in.subject)
		switch {
		case err != nil && CodeOf(err) != ErrNotFound:
			return err
		case err == nil && found.Epoch != n.connection.Epoch:
			n.stale = found
		case err == nil:
			n.identity = found
		}
	}
	switch {
	case !n.linking.ID.IsZero():
		n.user, err = n.w.users().get(ctx, n.linking.UserID)
	case !n.identity.ID.IsZero():
		n.user, err = n.w.users().get(ctx, n.identity.UserID)
	case n.in.emailKey != "":
		n.user, err = n.w.invitations().userAt(ctx, n.in.emailKey)
	default:
		err = n.in.malformed
	}
	n.acts()
	return err
}

// acts makes the person, if they are known, the actor of all later changes (rule G12).
func (n *signIn) acts() {
	if n.user.ID.IsZero() {
		return
	}
	n.w.throughAt = n.linking.OrganizationID // of a new session: see arrive
	n.w.actor, n.w.through = Actor{Kind: ActorUser, ID: n.user.ID.String()}, cmp.Or(n.linking.ID, n.session).String()
}

func (n *signIn) lockFound(ctx context.Context) error {
	roles := remapped(n.connection.Groups, nil)
	if n.invitation != nil {
		roles = append(roles, n.invitation.Roles...)
	}
	if n.founds() {
		roles = append(roles, n.w.instance.config.CreatorRole, n.w.instance.config.DefaultRole)
	}
	if err := n.readDomain(ctx); err != nil {
		return err
	}
	if err := n.w.roles().lockDeclared(ctx, append(roles, n.domain.Role)...); err != nil {
		return err
	}
	var locks []store.LockKey
	if (n.identity.ID.IsZero() || n.connection.UpdatesEmail) && n.in.emailKey != "" {
		locks = append(locks, lockEmail(n.in.emailKey))
	}
	if n.identity.ID.IsZero() && n.in.subject != "" {
		locks = append(locks, lockIdentity(n.in.provider(), n.in.subject))
	}
	for _, id := range []UserID{n.user.ID, n.stale.UserID} {
		if !id.IsZero() {
			locks = append(locks, lockUser(id))
		}
	}
	for _, id := range []OrganizationID{n.home.ID, n.domain.OrganizationID} {
		if !id.IsZero() {
			locks = append(locks, lockOrganization(id))
		}
	}
	if inv := n.invitation; inv != nil {
		locks = append(locks, lockEmail(inv.EmailKey))
		if !inv.OrganizationID.IsZero() {
			locks = append(locks, lockOrganization(inv.OrganizationID))
		}
	}
	if len(locks) == 0 {
		return nil
	}
	return n.w.lock(ctx, locks...)
}

// address returns the address of the known user, else the address in the evidence.
func (n *signIn) address() string {
	if !n.identity.ID.IsZero() || !n.linking.ID.IsZero() {
		return n.user.EmailKey
	}
	return n.in.emailKey
}

// readDomain finds the verified domain of the person's address, and whether the connection may vouch for the
// person (rule P6). For a known user, the stored address counts. The asserted address replaces it only if this
// same connection had proved the stored one, and its organization holds the domains of both addresses: an
// organization that gave up a domain vouches for nobody on it (rule U10).
func (n *signIn) readDomain(ctx context.Context) error {
	domain, ok, err := n.w.domains().verifiedDomain(ctx, n.address())
	n.domain = domain
	n.entitled = ok && domain.OrganizationID == n.home.ID
	n.moves = false
	if err != nil || !n.entitled || n.identity.ID.IsZero() || !n.in.vouched ||
		n.user.EmailProvedBy != n.in.connection.String() || n.in.emailKey == n.user.EmailKey {
		return err
	}
	_, n.moves, err = n.w.domains().verifiedFor(ctx, n.home.ID, n.in.emailKey)
	return err
}

// confined reports whether the person's evidence proves nothing outside the connection's organization (rule
// P6).
func (n *signIn) confined() bool { return !n.in.connection.IsZero() && !n.entitled }

// proved reports whether the address in the evidence is proved to be the person's.
func (n *signIn) proved() bool { return n.proves(n.in.emailKey) }

// proves reports whether an address is proved to be the person's. A connection proves it only if it is entitled
// to (rules U4, P6). The token of an invitation that only the mailbox has seen proves it for a new user, and
// for an account whose address nobody has proved. It does not open an account with a proved address: no
// tenant's mail may do that (rule I4).
func (n *signIn) proves(emailKey string) bool {
	if emailKey == "" { // the user has no address (rule U13)
		return false
	}
	if n.holdsInvitation(emailKey) && n.user.EmailVerifiedAt.IsZero() {
		return true
	}
	return n.in.mailboxKey == emailKey || n.in.emailKey == emailKey && n.in.vouched && !n.confined()
}

// holdsInvitation reports whether the person brings a token that was sent to an address, and that only its
// mailbox has seen.
func (n *signIn) holdsInvitation(emailKey string) bool {
	return n.invitation != nil && n.invitation.mailed && emailKey != "" && n.invitation.EmailKey == emailKey
}

// provedBy returns what proves the address in the evidence, for the user's EmailProvedBy.
func (n *signIn) provedBy() string {
	if n.in.vouched && n.in.mailboxKey == "" && !n.confined() {
		return n.in.provider()
	}
	return EmailProvedByMail
}

// holdDomain checks the attempt against the policy of the organization that holds the person's domain (rule
// P2), before it gets any other answer. Only a person who has proved who they are can be exempt.
func (n *signIn) holdDomain(ctx context.Context) error {
	who := n.user.ID
	if n.identity.ID.IsZero() && !n.proved() {
		who = UserID{}
	}
	if !who.IsZero() {
		if err := n.readMembers(ctx, who); err != nil {
			return err
		}
	}
	n.comeBack()
	if err := n.readRules(ctx); err != nil {
		return err
	}
	missing, err := n.w.policies().missingForDomain(ctx, n.rules[n.domain.OrganizationID], who, n.in.evidence())
	if err != nil || missing.kind == "" {
		return err
	}
	return n.decide(missing.decision())
}

// fewMemberships is how many memberships are read for a sign-in that names its organization.
const fewMemberships = 50

// readMembers reads the person's active memberships. Of a person with many, it reads those in the organizations
// that the attempt may lead to, and some others; if they must choose, as many as the choice shows.
func (n *signIn) readMembers(ctx context.Context, who UserID) error {
	active := membershipFilter{UserID: typed.Of(who), Status: typed.Of(MembershipActive)}
	members, err := n.w.tx.Memberships().List(ctx, active, listSpan{Limit: fewMemberships + 1})
	if err != nil {
		return err
	}
	n.members = members
	if len(members) <= fewMemberships {
		return nil
	}
	if n.target.IsZero() {
		if n.members, err = n.w.tx.Memberships().List(ctx, active, listSpan{Limit: MaxLimit}); err != nil {
			return err
		}
	}
	named := []OrganizationID{n.target, n.home.ID, n.domain.OrganizationID, n.dead.organization}
	if n.invitation != nil {
		named = append(named, n.invitation.OrganizationID)
	}
	slices.SortFunc(named, OrganizationID.Compare)
	// By their unique key, so without a condition on the status.
	pairs := membershipFilter{UserID: typed.Of(who), OrganizationID: typed.Of(slices.Compact(named)...)}
	there, err := n.w.tx.Memberships().List(ctx, pairs, listSpan{Limit: len(named)})
	if err != nil {
		return err
	}
	for _, m := range there {
		if m.Status == MembershipActive && !slices.ContainsFunc(n.members, func(other Membership) bool { return other.ID == m.ID }) {
			n.members = append(n.members, m)
		}
	}
	return nil
}

// comeBack leads a member who opens a spent invitation of their own organization into that organization (rule
// I6).
func (n *signIn) comeBack() {
	if id := n.dead.organization; n.target.IsZero() && !n.founds() && !id.IsZero() && n.activeAt(id) {
		n.target = id
	}
}

// readRules reads the policies that may bind, in one query while only one organization can be the target. The
// policy of a domain whose organization is suspended does not bind (rule P2).
func (n *signIn) readRules(ctx context.Context) (err error) {
	ids := []OrganizationID{n.domain.OrganizationID, n.target}
	if n.target.IsZero() && len(n.members) == 1 {
		ids[1] = n.members[0].OrganizationID
	}
	slices.SortFunc(ids, OrganizationID.Compare)
	if err := n.w.policies().readAhead(ctx, slices.Compact(slices.Clone(ids))...); err != nil {
		return err
	}
	if n.rules, err = n.w.policies().read(ctx, slices.Compact(ids)...); err != nil {
		return err
	}
	for _, id := range ids {
		if _, ok := n.rules[id]; !ok {
			n.rules[id] = Policy{OrganizationID: id}
		}
	}
	return n.rest(ctx)
}

// rest makes the policy of the domain's organization bind nobody, if that organization is suspended or archived
// (rule P2). Its lock is held, so the row that is read here serves later checks, too.
func (n *signIn) rest(ctx context.Context) (err error) {
	p := n.rules[n.domain.OrganizationID]
	if !p.Domain.binds() {
		return nil
	}
	if n.opened.ID != p.OrganizationID {
		if n.opened, err = n.w.tx.Organizations().Get(ctx, p.OrganizationID); err != nil {
			return err
		}
	}
	n.rules[p.OrganizationID] = p.atRest(n.opened)
	return nil
}

func (l unmet) decision() Decision {
	return Decision{Kind: l.kind, OrganizationID: l.organization, Connections: viewsOf(l.connections), Methods: l.methods}
}

// at returns the person's active membership in an organization; zero: none.
func (n *signIn) at(id OrganizationID) Membership {
	i := slices.IndexFunc(n.members, func(m Membership) bool { return m.OrganizationID == id })
	if i < 0 {
		return Membership{}
	}
	return n.members[i]
}

// activeAt reports whether the person is an active member of an organization.
func (n *signIn) activeAt(id OrganizationID) bool { return n.at(id).Status == MembershipActive }
