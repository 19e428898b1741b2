package tenancy

import (
	"context"
	"slices"
)

// signIn is one attempt on its way.
type signIn struct {
	*work
	in       attempt
	decision Decision

	connection Connection // of single sign-on
	home       Organization
	opened     Organization // the last that was read under its lock
	invitation *presented
	target     OrganizationID // where to; zero: not said

	user     User     // zero: nobody yet
	identity Identity // zero: unknown, or there is but the mailbox
	domain   Domain   // the verified one that the person's address is on; zero: none
	entitled bool     // the connection can verify the person's address (rule P6)
	members  []Membership
	rules    map[OrganizationID]Policy
	created  bool
	joined   Member // where they got in just now; zero: nowhere
	grouped  bool   // and have the roles of their groups by it
}

// decide ends an attempt that is not let through.
func (n *signIn) decide(d Decision) error {
	n.decision = d
	return errDecided
}

func (n *signIn) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		n.names, n.find, n.holdDomain, n.identify, n.admit, n.arrive,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// names reads what the attempt names: connection, invitation, organization.
func (n *signIn) names(ctx context.Context) (err error) {
	if !n.in.ConnectionID.IsZero() {
		if err := n.readConnection(ctx); err != nil {
			return err
		}
	}
	if err := n.readInvitation(ctx); err != nil {
		return err
	}
	if inv := n.invitation; inv != nil {
		if named := n.in.OrganizationID; !named.IsZero() && !inv.OrganizationID.IsZero() && named != inv.OrganizationID {
			return invalid("organization_id", "is not the invitation's")
		}
	}
	if n.target = n.in.OrganizationID; n.target.IsZero() && n.invitation != nil {
		n.target = n.invitation.OrganizationID
	}
	n.target = or(n.target, n.home.ID)
	return nil
}

// readInvitation finds the invitation of the token that was brought, if one was.
func (n *signIn) readInvitation(ctx context.Context) error {
	if n.in.Invitation == "" {
		return nil
	}
	inv, err := n.presented(ctx, n.in.Invitation)
	if code, refused := saysNo(err); refused {
		return n.decide(Decision{Kind: DecisionInvitationRefused, Code: code})
	}
	if err == nil {
		n.invitation = &inv
	}
	return err
}

// readConnection finds the connection, and shuts out where its organization is shut.
func (n *signIn) readConnection(ctx context.Context) (err error) {
	id := n.in.ConnectionID
	if n.connection, err = n.Connections().Get(ctx, id); err != nil {
		return err
	}
	n.homes = map[ConnectionID]OrganizationID{id: n.connection.OrganizationID}
	if n.home, err = n.Organizations().Get(ctx, n.connection.OrganizationID); err != nil {
		return err
	}
	switch {
	case n.connection.State != ConnectionActive || !n.home.ArchivedAt.IsZero():
		return notFound(id)
	case !n.home.SuspendedAt.IsZero():
		return n.decide(Decision{Kind: DecisionSuspended, OrganizationID: n.home.ID})
	}
	n.opened = n.home
	return nil
}

// find finds whom the attempt may be of, and takes the locks: of the roles that may be
// given, of the address that may be given to a user, of the user, of the organizations
// of the connection, the invitation and the address's domain. Where others write at the
// same time, all is read again under them until it stays.
func (n *signIn) find(ctx context.Context) error {
	for {
		if err := n.look(ctx); err != nil {
			return err
		}
		if err := n.lockFound(ctx); err != nil || n.singleWriter {
			return err
		}
		locked := n.basis()
		if err := n.look(ctx); err != nil {
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

// basis is what the locks were taken by, and hold still.
type basis struct {
	user     UserID
	identity IdentityID
	address  string
	domain   DomainID
	role     string
}

func (n *signIn) basis() basis {
	return basis{n.user.ID, n.identity.ID, n.address(), n.domain.ID, n.domain.Role}
}

// stillNamed reads under the locks what the attempt names: a connection may have been
// switched off, and a token replaced.
func (n *signIn) stillNamed(ctx context.Context) error {
	if err := n.readInvitation(ctx); err != nil || n.in.ConnectionID.IsZero() {
		return err
	}
	return n.readConnection(ctx)
}

// look finds the user by the identity, else by the address.
func (n *signIn) look(ctx context.Context) (err error) {
	n.user, n.identity = User{}, Identity{}
	if n.in.Subject != "" {
		n.identity, err = n.work.identity(ctx, n.in.provider(), n.in.Subject)
		if err == nil {
			n.user, err = n.work.user(ctx, n.identity.UserID)
			return err
		}
		if CodeOf(err) != ErrNotFound {
			return err
		}
	}
	if n.in.emailKey != "" {
		n.user, err = n.userAt(ctx, n.in.emailKey)
		return err
	}
	return n.in.malformed
}

func (n *signIn) lockFound(ctx context.Context) error {
	roles := remapped(n.connection.Groups, nil)
	if n.invitation != nil {
		roles = append(roles, n.invitation.Roles...)
	}
	if err := n.readDomain(ctx); err != nil {
		return err
	}
	if err := n.lockDeclared(ctx, append(roles, n.domain.Role)...); err != nil {
		return err
	}
	var locks []LockKey
	if n.identity.ID.IsZero() && n.in.emailKey != "" {
		locks = append(locks, lockEmail(n.in.emailKey))
	}
	if !n.user.ID.IsZero() {
		locks = append(locks, lockUser(n.user.ID))
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
	return n.Lock(ctx, locks...)
}

// address is that of the user whose identity is known, else the one told.
func (n *signIn) address() string {
	if !n.identity.ID.IsZero() {
		return n.user.EmailKey
	}
	return n.in.emailKey
}

// readDomain finds the verified domain of the person's address.
func (n *signIn) readDomain(ctx context.Context) error {
	domain, ok, err := n.verifiedDomain(ctx, n.address())
	n.domain = domain
	n.entitled = ok && domain.OrganizationID == n.home.ID
	return err
}

// confined reports whether what the person came by proves nothing outside the
// organization of the connection (rule P6).
func (n *signIn) confined() bool { return !n.in.ConnectionID.IsZero() && !n.entitled }

// proved reports whether the address told is the person's.
func (n *signIn) proved() bool { return n.in.emailKey != "" && n.proves(n.in.emailKey) }

// proves reports whether an address is the person's. A connection can say so only where
// it is entitled to (rules U4, P6); whoever holds a token that went only to the mailbox
// has read it (rule I4).
func (n *signIn) proves(emailKey string) bool {
	if n.invitation != nil && n.invitation.mailed && n.invitation.EmailKey == emailKey {
		return true
	}
	return n.in.emailKey == emailKey && (n.in.MailProved || n.in.EmailVerified && !n.confined())
}

// holdDomain holds the attempt against the policy of the organization that the
// person's domain belongs to (rule P2), before it hears anything else. Only who has
// shown to be somebody can be exempt.
func (n *signIn) holdDomain(ctx context.Context) error {
	who := n.user.ID
	if n.identity.ID.IsZero() && !n.proved() {
		who = UserID{}
	}
	if !who.IsZero() {
		members, err := n.membershipsOf(ctx, who)
		if err != nil {
			return err
		}
		n.members = members
	}
	if err := n.readRules(ctx); err != nil {
		return err
	}
	missing, err := n.domainLack(ctx, n.rules[n.domain.OrganizationID], who, n.in.evidence())
	if err != nil || missing.kind == "" {
		return err
	}
	return n.decide(missing.decision())
}

// readRules reads the policies that may bind, in one query as long as there is but one
// organization to sign in to.
func (n *signIn) readRules(ctx context.Context) (err error) {
	ids := []OrganizationID{n.domain.OrganizationID, n.target}
	if active := n.active(); n.target.IsZero() && len(active) == 1 {
		ids[1] = active[0].OrganizationID
	}
	slices.SortFunc(ids, OrganizationID.Compare)
	n.rules, err = n.policies(ctx, slices.Compact(ids)...)
	for _, id := range ids {
		if _, ok := n.rules[id]; !ok {
			n.rules[id] = Policy{OrganizationID: id}
		}
	}
	return err
}

func (l lack) decision() Decision {
	return Decision{Kind: l.kind, OrganizationID: l.organization, Connections: l.connections, Methods: l.methods}
}

// active are the memberships that give access.
func (n *signIn) active() []Membership {
	return slices.DeleteFunc(slices.Clone(n.members), func(m Membership) bool { return m.Status != MembershipActive })
}

// at is the person's membership of an organization, in whatever status; zero: none.
func (n *signIn) at(id OrganizationID) Membership {
	i := slices.IndexFunc(n.members, func(m Membership) bool { return m.OrganizationID == id })
	if i < 0 {
		return Membership{}
	}
	return n.members[i]
}
