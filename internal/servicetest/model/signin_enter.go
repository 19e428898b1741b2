package model

import (
	"slices"

	"github.com/freehold-dev/freehold/tenancy"
)

// admits lets the person in where their domain or their connection does (D7, P6), and
// turns away who has nothing to do where they want to.
func (n *modelSignIn) admits() bool {
	if n.confined() && n.target != n.home {
		return n.outside(n.target, "")
	}
	switch {
	case n.target.IsZero():
		n.drawn()
	case !n.isActive(n.target, n.user.ID):
		if !n.enters() {
			return false
		}
	}
	if n.uninvited() && len(n.activeAt(n.user.ID)) == 0 {
		return n.stops(modelOutcome{kind: tenancy.DecisionInvitationNeeded})
	}
	return true
}

// uninvited reports whether the person is new where registration is closed.
func (n *modelSignIn) uninvited() bool { return n.out.created && n.closed }

func (n *modelSignIn) outside(org tenancy.OrganizationID, code tenancy.Code) bool {
	kind := tenancy.DecisionNotMember
	if n.uninvited() {
		kind = tenancy.DecisionInvitationNeeded
	}
	return n.stops(modelOutcome{kind: kind, org: org, code: code})
}

// offers reports whether the person has a proved address on a domain of an organization.
func (n *modelSignIn) offers(door *modelDoor) bool {
	return n.holds(door.id, n.address()) && !n.user.EmailVerifiedAt.IsZero()
}

// drawn does for a person who did not say where to what the organization of their domain
// offers (D7).
func (n *modelSignIn) drawn() {
	door := n.holder(n.address())
	if door == nil || !n.offers(door) {
		return
	}
	switch n.status(door.id, n.user.ID) {
	case "":
		if code := n.barred(door.id, n.user); door.joining == tenancy.JoiningAuto && code != "" {
			n.out.refused, n.out.refusedCode = door.id, code
			return
		}
	case tenancy.MembershipInactive:
		if door.joining == tenancy.JoiningAuto { // P5: it says so
			n.out.refused, n.out.refusedCode = door.id, tenancy.ErrMembershipInactive
		}
		return
	default:
		return
	}
	switch door.joining {
	case tenancy.JoiningSuggest:
		n.out.suggested = []tenancy.OrganizationID{door.id}
	case tenancy.JoiningAuto:
		n.joins(door)
	}
}

// enters lets the person into the organization that they named. An inactive member is
// not let back in (M5).
func (n *modelSignIn) enters() bool {
	door := n.door(n.target)
	if door == nil {
		return n.stops(modelOutcome{err: tenancy.ErrNotFound})
	}
	code := tenancy.Code("")
	if n.status(door.id, n.user.ID) == tenancy.MembershipInactive {
		code = tenancy.ErrMembershipInactive
	}
	way := n.offers(door) && (door.id == n.home && door.admits || door.joining == tenancy.JoiningAuto)
	if way && code == "" {
		code = n.barred(door.id, n.user)
	}
	if !way || code != "" {
		return n.outside(door.id, code)
	}
	n.joins(door)
	return true
}

func (n *modelSignIn) joins(door *modelDoor) {
	n.members[modelPair{door.id, n.user.ID}] = modelEntry{n.fresh.member, tenancy.MembershipActive}
	n.out.joined = door.id
}

// arrives picks the organization (P7), holds the attempt against its policy (P3), and
// starts the session.
func (n *modelSignIn) arrives() bool {
	active := n.activeAt(n.user.ID)
	at := n.target
	switch {
	case !at.IsZero():
	case n.in.later:
		return n.chooses(active)
	case n.seized:
		n.out.choices = active
	case len(active) == 1:
		at = active[0]
	case len(active) > 1:
		return n.chooses(active)
	}
	if !at.IsZero() {
		if missing, ok := n.organizationLacks(at, n.user.ID, n.evidence()); !ok {
			return n.stops(missing)
		}
	}
	n.out.kind, n.out.user, n.out.org = tenancy.DecisionSignedIn, n.user.ID, at
	client, current := n.continued(n.in.within, n.user.ID)
	n.out.session = n.starts(at, current, tenancy.Session{
		ID: n.fresh.session, ClientID: client, UserID: n.user.ID, IdentityID: n.identity.ID, Method: n.in.method, ConnectionID: n.in.connection,
		ConnectionEpoch: n.c.SessionsEpoch, SecondFactor: n.in.second, Confined: n.confined(),
	})
	return true
}

// chooses leaves it to the person where to.
func (n *modelSignIn) chooses(active []tenancy.OrganizationID) bool {
	return n.stops(modelOutcome{
		kind: tenancy.DecisionChooseOrganization, choices: active, suggested: n.out.suggested, refused: n.out.refused, refusedCode: n.out.refusedCode,
		tookOver: n.out.tookOver,
	})
}

// starts begins a session, or adds an entry to that of a client, which has a current one (S1).
func (s *signInState) starts(at tenancy.OrganizationID, current tenancy.SessionID, session tenancy.Session) tenancy.Session {
	if session.ClientID.IsZero() {
		session.ClientID = session.ID
	}
	if session.ProvedAt.IsZero() {
		session.ProvedAt = s.now
	}
	session.CreatedAt, session.LastSeenAt, session.ExpiresAt = s.now, s.now, session.ProvedAt.Add(modelSessionFor)
	session = s.place(session, at)
	s.sessions[session.ID] = session
	s.end(tenancy.EndedReplaced, func(other tenancy.Session) bool {
		return other.ID != session.ID && other.ClientID == session.ClientID && other.OrganizationID == at
	})
	s.makeRoom(session, current)
	return session
}

// signIn makes an attempt, sometimes into a session.
func (m *signInMachine) signIn() {
	in, attempt := m.drawAttempt()
	if m.rarely("into a session", 3) {
		in.Session = m.drawToken().raw
		attempt.within = in.Session
	}
	m.attempt(in, attempt)
}

// link makes one that links to the user of a session.
func (m *signInMachine) link() {
	in, attempt := m.drawAttempt()
	in.LinkTo = m.drawToken().raw
	attempt.linkTo = in.LinkTo
	if in.LinkTo != "" {
		m.attempt(in, attempt)
	}
}

func (m *signInMachine) attempt(in tenancy.Attempt, attempt modelAttempt) {
	d, err := m.svc.SignIn(m.ctx, in)
	want, next := m.s.decides(attempt, m.fresh(d, attempt))
	m.sameOutcome(want, d, err)
	if m.s = next; d.Kind == tenancy.DecisionSignedIn {
		m.s.issue(d.Started())
	}
	if !d.Pending.IsZero() {
		m.s.pendings[len(m.s.pendings)-1].raw = d.Pending.Reveal()
	}
}

// fresh reads what the Service called what it made.
func (m *signInMachine) fresh(d tenancy.Decision, attempt modelAttempt) modelFresh {
	fresh := modelFresh{user: d.User.ID, identity: d.Session.IdentityID, session: d.Session.ID}
	if d.Member != nil {
		fresh.member = d.Member.ID
	}
	if d.Kind != tenancy.DecisionLinked {
		return fresh
	}
	list, err := m.svc.Identities.List(m.ctx, d.User.ID)
	m.fails(err)
	for _, i := range list {
		if i.Provider == attempt.provider() && i.Subject == attempt.subject {
			fresh.identity = i.ID
		}
	}
	return fresh
}

// sortedIDs puts what has no order of its own into one.
func sortedIDs[T interface{ Compare(T) int }](ids []T) []T {
	slices.SortFunc(ids, func(a, b T) int { return a.Compare(b) })
	return ids
}
