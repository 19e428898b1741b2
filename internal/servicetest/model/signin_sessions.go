package model

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// start is Sessions.Start, by the program's own word (S1, P6).
func (m *signInMachine) start() {
	user, org := m.drawUser(), m.drawOrg()
	if m.rarely("nowhere", 3) {
		org = tenancy.OrganizationID{}
	}
	in := tenancy.NewSession{UserID: user.ID, OrganizationID: org, Method: tenancy.MethodPassword}
	if in.SecondFactor = m.rarely("a second factor", 3); m.rarely("through a connection", 2) {
		in.Method, in.ConnectionID = tenancy.MethodSingleSignOn, m.drawConnection().ID
	}
	in.Confined = m.rarely("confined", 4)
	var why reasons
	_, there := m.s.users[user.ID]
	c, connected := m.s.connections[in.ConnectionID]
	through := !in.ConnectionID.IsZero()
	confined := in.Confined && c.OrganizationID == org
	why.when(!there || through && (!connected || c.State != tenancy.ConnectionActive), tenancy.ErrNotFound)
	why.when(!org.IsZero() && !m.s.isActive(org, user.ID), tenancy.ErrNotFound)
	why.when(!user.SuspendedAt.IsZero(), tenancy.ErrForbidden)
	why.when(in.Confined && org.IsZero() || through && connected && !confined && !m.s.holds(c.OrganizationID, user.Email), tenancy.ErrInvalid)
	why.when(!m.s.satisfied(user, org, modelEvidence{in.Method, in.ConnectionID, in.SecondFactor}), tenancy.ErrSignInRefused)
	got, err := m.svc.Sessions.Start(m.ctx, in)
	if m.fails(err, why...) {
		return
	}
	want := m.s.starts(org, tenancy.SessionID{}, tenancy.Session{
		ID: got.Session.ID, UserID: user.ID, Method: in.Method, ConnectionID: in.ConnectionID, ConnectionEpoch: c.SessionsEpoch,
		SecondFactor: in.SecondFactor, Confined: in.Confined,
	})
	require.Equal(m.rt, want, bare(got.Session))
	m.s.issue(got)
}

// satisfied reports whether the policies let evidence through: that of the domain which
// the user's address is on, and that of the organization (P2, P3).
func (s *signInState) satisfied(user tenancy.User, org tenancy.OrganizationID, by modelEvidence) bool {
	if holder := s.holder(user.Email); holder != nil {
		if _, ok := s.domainLacks(holder.id, user.ID, by); !ok {
			return false
		}
	}
	if s.door(org) == nil {
		return true
	}
	_, ok := s.organizationLacks(org, user.ID, by)
	return ok
}

// enter is Enter (S1).
func (m *signInMachine) enter() {
	if t := m.drawToken(); t.raw != "" {
		m.enters(t, m.drawOrg(), m.svc.Sessions.Enter, false)
	}
}

// switchTo is Switch: the entry becomes the current one.
func (m *signInMachine) switchTo() {
	t, org := m.drawToken(), m.drawOrg()
	if t.raw == "" {
		return
	}
	if !m.rarely("to none", 5) {
		if session, ok := m.enters(t, org, m.svc.Sessions.Switch, true); ok {
			m.s.tokenOf(t.raw).session = session
		}
		return
	}
	var why reasons
	code, reason := m.s.opens(t)
	why.when(code != "", code)
	got, err := m.svc.Sessions.Switch(m.ctx, t.raw, tenancy.OrganizationID{})
	if m.fails(err, why...) {
		m.toldWhy(err, reason)
		return
	}
	kept := m.s.tokenOf(t.raw)
	if shown := m.s.shown(t); !shown.OrganizationID.IsZero() {
		kept.session = tenancy.SessionID{}
	}
	require.Equal(m.rt, m.s.shown(*kept), bare(got.Session))
}

// enters calls Enter or Switch, which uses an entry that there is, and compares what comes of it.
func (m *signInMachine) enters(
	t modelToken, org tenancy.OrganizationID, call func(context.Context, string, tenancy.OrganizationID) (tenancy.Decision, error), uses bool,
) (tenancy.SessionID, bool) {
	var why reasons
	code, reason := m.s.opens(t)
	why.when(code != "", code)
	user := t.given.UserID
	why.when(code == "" && !m.s.isActive(org, user), tenancy.ErrNotFound)
	got, err := call(m.ctx, t.raw, org)
	if m.fails(err, why...) {
		m.toldWhy(err, reason)
		return tenancy.SessionID{}, false
	}
	from, counts := m.s.counting(t, org)
	require.Equal(m.rt, counts, got.Kind == tenancy.DecisionSignedIn, "%s", got.Kind)
	if !counts {
		return tenancy.SessionID{}, false
	}
	kept := m.s.tokenOf(t.raw)
	switch {
	case from.OrganizationID == org && uses:
		from.LastSeenAt = m.s.now
		m.s.sessions[from.ID] = from
	case from.OrganizationID != org:
		from.ID = got.Session.ID
		from = m.s.starts(org, kept.session, from)
		if m.s.sessions[kept.session].EndReason == tenancy.EndedReplaced && m.s.sessions[kept.session].OrganizationID == org {
			kept.session = from.ID // in the place of the current one
		}
	}
	require.Equal(m.rt, from, bare(got.Session))
	return from.ID, true
}

// counting is the entry of a token whose evidence counts in an organization (P2, P3, P6, S2).
func (s *signInState) counting(t modelToken, org tenancy.OrganizationID) (tenancy.Session, bool) {
	list := s.holding(t)
	slices.SortStableFunc(list, func(a, b tenancy.Session) int {
		switch org {
		case b.OrganizationID:
			return 1
		case a.OrganizationID:
			return -1
		}
		return 0
	})
	door := s.door(org)
	for _, session := range list {
		c, linked := s.connections[session.ConnectionID]
		elsewhere := session.Confined || linked && c.OrganizationID != org || !s.outlives(session, org) || !session.ProvedAt.After(door.ended)
		if session.OrganizationID != org && elsewhere || !s.satisfied(s.users[session.UserID], org, evidenceOf(session)) {
			continue
		}
		return session, true
	}
	return tenancy.Session{}, false
}

// toldWhy compares the reason of a session that has ended.
func (m *signInMachine) toldWhy(err error, want tenancy.EndReason) {
	m.rt.Helper()
	var e *tenancy.Error
	if errors.As(err, &e) && e.Code == tenancy.ErrSessionEnded {
		require.Equal(m.rt, string(want), e.Reason)
	}
}

// authenticate presents a token, or one that is none.
func (m *signInMachine) authenticate() {
	if t := m.drawToken(); t.raw != "" && !m.rarely("a false one", 12) {
		m.present(t)
		return
	}
	_, err := m.svc.Sessions.Authenticate(m.ctx, "session_none", tenancy.OrganizationID{})
	m.fails(err, tenancy.ErrInvalidToken)
}

// present compares what a token opens for the program, also in each organization (M17), and for a
// Service that is bound to the session as the program got it. The first notes that the session was
// seen.
func (m *signInMachine) present(t modelToken) {
	code, reason := m.s.opens(t)
	var why reasons
	why.when(code != "", code)
	before := m.slow.times
	got, err := m.svc.Sessions.Authenticate(m.ctx, t.raw, tenancy.OrganizationID{})
	if m.fails(err, why...) {
		m.toldWhy(err, reason)
	} else {
		m.seen(m.s.shown(t), got, m.slow.times > before)
	}
	for _, door := range m.s.orgs {
		m.presentIn(t, door.id)
	}
	given := m.s.sessions[t.given.ID]
	code, _ = m.s.overBy(given)
	var bound reasons
	bound.when(code != "", tenancy.ErrSessionEnded)
	bound.when(code == "" && !m.s.speaks(given), tenancy.ErrForbidden) // it counts as confined
	if code != "" || !given.Confined {                                 // a confined one reaches no account
		_, err = m.svc.As(tenancy.SessionPrincipal(t.given)).Users.Get(m.ctx, t.given.UserID)
		m.fails(err, bound...)
	}
}

// presentIn compares the entry that a token opens in an organization.
func (m *signInMachine) presentIn(t modelToken, org tenancy.OrganizationID) {
	code, reason := m.s.opens(t)
	var why reasons
	why.when(code != "", code)
	list := m.s.holding(t)
	at := slices.IndexFunc(list, func(session tenancy.Session) bool { return session.OrganizationID == org })
	why.when(code == "" && at < 0, tenancy.ErrNotFound)
	before := m.slow.times
	got, err := m.svc.Sessions.Authenticate(m.ctx, t.raw, org)
	if m.fails(err, why...) {
		m.toldWhy(err, reason)
		return
	}
	m.seen(list[at], got, m.slow.times > before)
}

// unnoted counts the warnings that the last use of a session could not be noted, which Authenticate waits
// for no longer than a moment: a disk that others keep busy may take one.
type unnoted struct{ times int }

func (u *unnoted) Enabled(context.Context, slog.Level) bool { return true }

func (u *unnoted) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "last use could not be noted") {
		u.times++
	}
	return nil
}

func (u *unnoted) WithAttrs([]slog.Attr) slog.Handler { return u }

func (u *unnoted) WithGroup(string) slog.Handler { return u }

// seen compares what a token opened. late says that its use could not be noted.
func (m *signInMachine) seen(want tenancy.Session, got tenancy.Authenticated, late bool) {
	standsIn := want.OrganizationID != m.s.sessions[want.ID].OrganizationID // and is not used at its organization
	if !standsIn && m.s.now.Sub(want.LastSeenAt) >= modelSeen && !late {
		want.LastSeenAt = m.s.now
		session := m.s.sessions[want.ID]
		session.LastSeenAt = m.s.now
		m.s.sessions[want.ID] = session
	}
	require.Equal(m.rt, want, bare(got.Session))
	require.Equal(m.rt, want.UserID, got.User.ID)
	require.Equal(m.rt, want.OrganizationID, got.Organization.ID)
	require.Equal(m.rt, want.MembershipID, got.Member.ID)
}

// signOut ends the session of a token, also where what it rests on has gone.
func (m *signInMachine) signOut() {
	t := m.drawToken()
	if t.raw == "" {
		return
	}
	var why reasons
	why.when(t.spent, tenancy.ErrSessionEnded)
	why.when(!t.spent && !m.s.now.Before(t.expires), tenancy.ErrSessionExpired)
	if code, _ := m.s.opens(t); len(why) == 0 && len(m.s.entries(t)) == 0 {
		why.when(true, code)
	}
	if !m.fails(m.svc.Sessions.SignOut(m.ctx, t.raw), why...) {
		m.s.end(tenancy.EndedSignOut, func(s tenancy.Session) bool { return s.ClientID == t.given.ClientID })
	}
}

func (m *signInMachine) revokeAll() {
	user, kept := m.drawUser(), m.drawToken().given
	_, there := m.s.users[user.ID]
	var why reasons
	why.when(!there, tenancy.ErrNotFound)
	if !m.fails(m.svc.Sessions.RevokeAll(m.ctx, user.ID, kept.ID), why...) {
		m.s.end(tenancy.EndedRevoked, func(s tenancy.Session) bool {
			return s.UserID == user.ID && (kept.ID.IsZero() || s.ClientID != kept.ClientID)
		})
		m.s.voidPendings(user.ID)
	}
}

// revokeThere ends all sessions in an organization by an instant on its row (O2).
func (m *signInMachine) revokeThere() {
	org := m.drawOrg()
	door := m.s.door(org)
	var why reasons
	why.when(door == nil, tenancy.ErrNotFound)
	if m.fails(m.svc.Sessions.RevokeByOrganization(m.ctx, org), why...) {
		return
	}
	door.ended = m.s.now
}
