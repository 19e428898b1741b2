package model

import (
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// modelAttempt is what an attempt shows and wants, as the model reads it.
type modelAttempt struct {
	method     tenancy.SignInMethod
	connection tenancy.ConnectionID
	epoch      int64 // of the connection, as the program had read it
	subject    string
	email      string
	vouched    bool // the provider says that email is the person's
	mailbox    string
	credential bool // the subject is the program's own
	second     bool
	org        tenancy.OrganizationID
	linkTo     string
	later      bool   // ChooseLater
	pending    int    // the pending sign-in that it goes on with, from 1; 0: none
	within     string // the token of a session that the evidence is added to
}

// modelOutcome is what comes of it. An error has a code and no kind.
type modelOutcome struct {
	err         tenancy.Code
	kind        tenancy.DecisionKind
	code        tenancy.Code
	reason      tenancy.Reason
	org         tenancy.OrganizationID
	connections []tenancy.ConnectionID
	methods     []tenancy.SignInMethod
	choices     []tenancy.OrganizationID
	suggested   []tenancy.OrganizationID
	user        tenancy.UserID
	created     bool
	linked      bool
	tookOver    bool
	joined      tenancy.OrganizationID
	refused     tenancy.OrganizationID // that lets people in, and not an inactive member, or who was removed
	refusedCode tenancy.Code
	session     tenancy.Session
	pending     bool
}

// modelFresh are the ids that the Service made in this attempt.
type modelFresh struct {
	user     tenancy.UserID
	identity tenancy.IdentityID
	member   tenancy.MembershipID
	session  tenancy.SessionID
}

// modelSignIn is one attempt on its way through the rules. It works on a copy of the
// state, which is kept where the attempt is let through.
type modelSignIn struct {
	*signInState
	in       modelAttempt
	fresh    modelFresh
	out      modelOutcome
	c        tenancy.Connection
	home     tenancy.OrganizationID // of the connection
	target   tenancy.OrganizationID
	user     tenancy.User
	found    bool // there is a user
	identity tenancy.Identity
	known    bool             // the identity is linked, and of the connection's epoch
	stale    tenancy.Identity // of an earlier epoch; zero: none
	entitled bool             // the connection can verify the person's address (P6)
	moves    bool             // the address asserted counts instead of the stored one (U10)
	seized   bool
	shown    bool         // they have proved who they are
	whom     modelPending // as it will be kept
}

// decides makes an attempt on a copy of the state. It gives the state then: another one
// only where the attempt is let through (P5).
func (s *signInState) decides(in modelAttempt, fresh modelFresh) (modelOutcome, *signInState) {
	if in.pending > 0 {
		switch p := s.pendings[in.pending-1]; {
		case p.gone:
			return modelOutcome{err: tenancy.ErrInvalidToken}, s
		case !s.now.Before(p.expires):
			return modelOutcome{err: tenancy.ErrTokenExpired}, s
		default:
			in = p.resumes(in)
		}
	}
	n := &modelSignIn{signInState: s.clone(), in: in, fresh: fresh}
	steps := []func() bool{n.names, n.finds, n.person, n.heldByDomain, n.identifies, n.admits, n.arrives}
	if in.linkTo != "" {
		steps = []func() bool{n.names, n.finds, n.links}
	}
	for _, step := range steps {
		if !step() {
			return n.settles(n.out, s)
		}
	}
	return n.settles(n.out, n.signInState)
}

// stops ends the attempt with a decision, which tells nothing of what had been done.
func (n *modelSignIn) stops(out modelOutcome) bool {
	n.out = out
	return false
}

// names looks at what the attempt names (P1, U4).
func (n *modelSignIn) names() bool {
	if !n.in.connection.IsZero() {
		c, ok := n.connections[n.in.connection]
		switch {
		case !ok || c.State != tenancy.ConnectionActive:
			return n.stops(modelOutcome{err: tenancy.ErrNotFound})
		case c.Epoch != n.in.epoch:
			return n.stops(modelOutcome{err: tenancy.ErrConflict})
		}
		n.c, n.home = c, c.OrganizationID
	}
	if n.in.linkTo != "" {
		session, good := n.good(n.in.linkTo)
		if !good {
			return n.stops(modelOutcome{err: tenancy.ErrSignInRequired})
		}
		n.user, n.found = n.users[session.UserID], true
	}
	if n.target = n.in.org; n.target.IsZero() {
		n.target = n.home
	}
	return true
}

// provider is that of the identity that the person came by.
func (in modelAttempt) provider() string {
	if in.connection.IsZero() {
		return string(in.method)
	}
	return in.connection.String()
}

// finds finds the person: by the session that links, by the identity, by the address. An
// identity from before the connection was pointed elsewhere is as good as none (U4).
func (n *modelSignIn) finds() bool {
	if i, ok := n.signInState.identity(n.in.provider(), n.in.subject); ok && i.Epoch == n.c.Epoch {
		n.identity, n.known = i, true
	} else if ok {
		n.stale = i
	}
	switch {
	case n.in.linkTo != "":
	case n.known:
		n.user, n.found = n.users[n.identity.UserID], true
	default:
		n.user, n.found = n.userAt(n.in.email)
	}
	n.entitles()
	return true
}

// address is the one that counts: the stored one of somebody who is known (U10).
func (n *modelSignIn) address() string {
	if n.known || n.in.linkTo != "" {
		return n.user.Email
	}
	return n.in.email
}

// entitles is P6 and U10: a connection speaks for addresses on its own organization's
// domains, and moves one that it had proved to another of those.
func (n *modelSignIn) entitles() {
	through := !n.in.connection.IsZero()
	n.entitled = through && n.holds(n.home, n.address())
	n.moves = n.entitled && n.known && n.in.vouched && n.user.EmailProvedBy == n.in.connection.String() &&
		n.in.email != n.user.Email && n.holds(n.home, n.in.email)
}

func (n *modelSignIn) confined() bool { return !n.in.connection.IsZero() && !n.entitled }

// proves reports whether an address was shown to be the person's (U4, P6).
func (n *modelSignIn) proves(address string) bool {
	return address != "" && (n.in.mailbox == address || n.in.email == address && n.in.vouched && !n.confined())
}

// provedBy is for the user's EmailProvedBy.
func (n *modelSignIn) provedBy() string {
	if n.in.vouched && n.in.mailbox == "" && !n.confined() {
		return n.in.provider()
	}
	return tenancy.EmailProvedByMail
}

// told is what the identity keeps of the address: verified only by proof, or by the word
// of a provider that speaks for that domain.
func (n *modelSignIn) told() (email string, verified bool) {
	word := n.in.connection.IsZero() || n.moves || n.entitled && servicetest.DomainOf(n.in.email) == servicetest.DomainOf(n.address())
	return n.in.email, n.in.email != "" && (n.in.mailbox == n.in.email || n.in.vouched && word)
}

// links is Attempt.LinkTo: no address is compared.
func (n *modelSignIn) links() bool {
	switch {
	case n.in.subject == "":
		return n.stops(modelOutcome{err: tenancy.ErrInvalid})
	case n.known && n.identity.UserID != n.user.ID:
		return n.stops(modelOutcome{kind: tenancy.DecisionIdentityConflict, code: tenancy.ErrIdentityConflict})
	case !n.mayEnter():
		return false
	}
	switch {
	case !n.known:
		n.attach()
	case n.in.email != "":
		n.refresh()
	}
	n.out.kind, n.out.user = tenancy.DecisionLinked, n.user.ID
	return true
}

// mayEnter is P6: where a connection cannot verify the address of somebody it sends for
// the first time, they have to be a member already.
func (n *modelSignIn) mayEnter() bool {
	if !n.confined() || n.found && n.isActive(n.home, n.user.ID) {
		return true
	}
	return n.stops(modelOutcome{kind: tenancy.DecisionInvitationNeeded, org: n.home})
}

// attach links the identity, and unlinks the one of an earlier epoch.
func (n *modelSignIn) attach() {
	if !n.stale.ID.IsZero() {
		n.unlinkIdentity(n.stale)
	}
	i := tenancy.Identity{ID: n.fresh.identity, UserID: n.user.ID, Provider: n.in.provider(), Subject: n.in.subject, Epoch: n.c.Epoch}
	i.Email, i.EmailVerified = n.told()
	n.identities[i.ID] = i
	n.identity, n.out.linked = i, true
}

func (n *modelSignIn) refresh() {
	n.identity.Email, n.identity.EmailVerified = n.told()
	n.identities[n.identity.ID] = n.identity
}

// unlinkIdentity takes an identity and the sessions that came by it (P9).
func (s *signInState) unlinkIdentity(i tenancy.Identity) {
	s.end(tenancy.EndedUnlinked, func(session tenancy.Session) bool { return session.IdentityID == i.ID })
	delete(s.identities, i.ID)
}

// heldByDomain is P2. Only somebody who has shown to be the person can be exempt.
func (n *modelSignIn) heldByDomain() bool {
	door := n.holder(n.address())
	if door == nil {
		return true
	}
	who := n.user.ID
	if !n.known && !n.proves(n.in.email) {
		who = tenancy.UserID{}
	}
	if missing, ok := n.domainLacks(door.id, who, n.evidence()); !ok {
		return n.stops(missing)
	}
	return true
}

// identifies settles who the person is (U4).
func (n *modelSignIn) identifies() bool {
	suspended := modelOutcome{kind: tenancy.DecisionSuspended, reason: tenancy.ReasonUserSuspended}
	if n.known {
		if !n.user.SuspendedAt.IsZero() {
			return n.stops(suspended)
		}
		n.recognize()
		return true
	}
	switch {
	case !n.mayEnter():
		return false
	case !n.proves(n.in.email):
		return n.stops(modelOutcome{kind: tenancy.DecisionVerifyEmail})
	case n.found && !n.user.SuspendedAt.IsZero():
		return n.stops(suspended)
	case n.second():
		return n.stops(modelOutcome{kind: tenancy.DecisionIdentityConflict, code: tenancy.ErrIdentityConflict})
	}
	n.claims()
	if n.in.subject != "" {
		n.attach()
	}
	return true
}

// second reports whether the person has another subject at the provider, of its present
// epoch. What the program keeps itself may be renewed.
func (n *modelSignIn) second() bool {
	if n.in.subject == "" || n.in.credential || !n.found || n.user.EmailVerifiedAt.IsZero() {
		return false
	}
	for _, i := range n.identities {
		if i.UserID == n.user.ID && i.Provider == n.in.provider() && i.Epoch == n.c.Epoch {
			return true
		}
	}
	return false
}

// recognize brings a known person up to date: a first proof of their address throws out
// whoever had set the account up otherwise, and the connection may move it (U4, U10).
func (n *modelSignIn) recognize() {
	if n.user.EmailVerifiedAt.IsZero() && n.proves(n.user.Email) {
		before := n.user
		n.user = n.takeOver(n.user, n.provedBy(), n.identity.ID, tenancy.SessionID{})
		n.moved(before, n.user)
		n.out.tookOver = true
	}
	n.reproves()
	if _, taken := n.userAt(n.in.email); n.moves && n.c.UpdatesEmail && !taken {
		before := n.user
		n.user.Email, n.user.PendingEmail = n.in.email, ""
		n.user.EmailVerifiedAt, n.user.EmailProvedBy = n.now, n.in.provider()
		n.spendMails(n.user.ID)
		n.voidPendings(n.user.ID)
		n.users[n.user.ID] = n.user
		n.moved(before, n.user)
		n.entitles()
	}
	if n.in.email != "" {
		n.refresh()
	}
}

// claims gives the person the account of their address: a new one, or one that nobody has
// proved, which they take over.
func (n *modelSignIn) claims() {
	switch {
	case !n.found:
		n.user = tenancy.User{ID: n.fresh.user, Email: n.in.email, EmailVerifiedAt: n.now, EmailProvedBy: n.provedBy()}
		n.users[n.user.ID] = n.user
		n.out.created = true
	case n.user.EmailVerifiedAt.IsZero():
		before := n.user
		n.user = n.takeOver(n.user, n.provedBy(), tenancy.IdentityID{}, tenancy.SessionID{})
		n.out.tookOver, n.seized = true, true
		n.signInState.seized(before, n.user)
	default:
		n.reproves()
	}
}

// reproves is U10: what a connection had proved is somebody's own once they prove it
// otherwise.
func (n *modelSignIn) reproves() {
	had, now := strings.HasPrefix(n.user.EmailProvedBy, "con_"), strings.HasPrefix(n.provedBy(), "con_")
	if had && !now && n.proves(n.user.Email) {
		n.user.EmailProvedBy, n.moves = n.provedBy(), false
		n.users[n.user.ID] = n.user
	}
}

// takeOver is U5: all that an account could be entered by goes, but what the proof came
// by.
func (s *signInState) takeOver(user tenancy.User, by string, identity tenancy.IdentityID, session tenancy.SessionID) tenancy.User {
	s.expel(user.ID, identity)
	s.end(tenancy.EndedTakenOver, func(other tenancy.Session) bool { return other.UserID == user.ID && other.ID != session })
	user.EmailVerifiedAt, user.EmailProvedBy, user.PendingEmail = s.now, by, ""
	s.users[user.ID] = user
	return user
}

// expel takes the identities and the mails on their way.
func (s *signInState) expel(user tenancy.UserID, kept tenancy.IdentityID) {
	for id, i := range s.identities {
		if i.UserID == user && id != kept {
			delete(s.identities, id)
		}
	}
	s.spendMails(user)
	s.voidPendings(user)
}

func (s *signInState) spendMails(user tenancy.UserID) {
	for i := range s.mails {
		if s.mails[i].user == user {
			s.mails[i].spent = true
		}
	}
}

// evidence is what policies look at.
type modelEvidence struct {
	method     tenancy.SignInMethod
	connection tenancy.ConnectionID
	second     bool
}

func (n *modelSignIn) evidence() modelEvidence {
	return modelEvidence{n.in.method, n.in.connection, n.in.second}
}

func evidenceOf(s tenancy.Session) modelEvidence {
	return modelEvidence{s.Method, s.ConnectionID, s.SecondFactor}
}

// domainLacks is P2: what the policy of a domain's holder still wants.
func (s *signInState) domainLacks(holder tenancy.OrganizationID, user tenancy.UserID, by modelEvidence) (modelOutcome, bool) {
	p := s.policies[holder]
	rule := p.Domain
	allowed := len(rule.Methods) == 0 || slices.Contains(rule.Methods, by.method)
	if by.method == tenancy.MethodSingleSignOn && len(rule.Methods) > 0 { // of the holder's own
		c := s.connections[by.connection]
		allowed = allowed && c.OrganizationID == holder && c.State == tenancy.ConnectionActive
	}
	sent := !rule.ConnectionID.IsZero() && by.connection != rule.ConnectionID
	factor := rule.SecondFactor && !by.second
	if allowed && !sent && !factor || s.exempt(p, user) {
		return modelOutcome{}, true
	}
	missing := modelOutcome{kind: tenancy.DecisionSecondFactor, org: holder}
	switch {
	case sent:
		missing.kind, missing.connections = tenancy.DecisionUseSingleSignOn, []tenancy.ConnectionID{rule.ConnectionID}
	case !allowed && slices.Contains(rule.Methods, tenancy.MethodSingleSignOn):
		missing.kind, missing.connections = tenancy.DecisionUseSingleSignOn, s.activeConnections(holder)
		if len(rule.Methods) > 1 {
			missing.kind, missing.methods = tenancy.DecisionUseOtherMethod, rule.Methods
		}
	case !allowed:
		missing.kind, missing.methods = tenancy.DecisionUseOtherMethod, rule.Methods
	}
	return missing, false
}

// organizationLacks is P3: what the policy of the organization chosen still wants.
func (s *signInState) organizationLacks(org tenancy.OrganizationID, user tenancy.UserID, by modelEvidence) (modelOutcome, bool) {
	p := s.policies[org]
	rule := p.Organization
	own := s.activeConnections(org)
	if !rule.ConnectionID.IsZero() {
		own = slices.DeleteFunc(own, func(id tenancy.ConnectionID) bool { return id != rule.ConnectionID })
	}
	came := slices.Contains(own, by.connection)
	if came || !rule.SingleSignOn && (!rule.SecondFactor || by.second) || s.exempt(p, user) {
		return modelOutcome{}, true
	}
	if rule.SingleSignOn {
		return modelOutcome{kind: tenancy.DecisionUseSingleSignOn, org: org, connections: own}, false
	}
	return modelOutcome{kind: tenancy.DecisionSecondFactor, org: org}, false
}

// exempt is M16 and P3: active members by name, and owners unless they are bound.
func (s *signInState) exempt(p tenancy.Policy, user tenancy.UserID) bool {
	if slices.Contains(p.Exempt, user) {
		return s.isActive(p.OrganizationID, user)
	}
	return !p.BindsOwners && !user.IsZero() && s.door(p.OrganizationID).owner == user
}
