package model

import (
	"context"
	"errors"
	"log/slog"
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
	want := m.s.starts(org, tenancy.Session{
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

// switchTo is Switch: the session stays, and its token is replaced (S1).
func (m *signInMachine) switchTo() {
	t, org := m.drawToken(), m.drawOrg()
	if t.raw == "" {
		return
	}
	if m.rarely("to none", 5) {
		org = tenancy.OrganizationID{}
	}
	session := m.s.sessions[t.session]
	var why reasons
	code, reason := m.s.opens(t)
	why.when(code != "", code)
	if code == "" {
		why.when(session.Confined && session.OrganizationID != org || !m.s.satisfied(m.s.users[session.UserID], org, evidenceOf(session)), tenancy.ErrSignInRefused)
		why.when(!org.IsZero() && !m.s.isActive(org, session.UserID), tenancy.ErrNotFound)
		why.when(m.s.connections[session.ConnectionID].OrganizationID != org && !m.s.speaks(session), tenancy.ErrSignInRefused)
		door := m.s.door(org) // S2: it would have ended there
		why.when(door != nil && m.s.now.After(door.ended) && !session.CreatedAt.After(door.ended), tenancy.ErrSignInRefused)
	}
	got, err := m.svc.Sessions.Switch(m.ctx, t.raw, org)
	if m.fails(err, why...) {
		m.toldWhy(err, reason)
		return
	}
	session = m.s.place(session, org)
	session.LastSeenAt = m.s.now
	m.s.sessions[session.ID] = session
	require.Equal(m.rt, session, bare(got.Session))
	m.s.spendTokens(session.ID)
	m.s.issue(got)
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
	_, err := m.svc.Sessions.Authenticate(m.ctx, "session_none")
	m.fails(err, tenancy.ErrInvalidToken)
}

// present compares what a token opens for the program, and for a Service that is bound to
// the session as the program got it. The first notes that the session was seen.
func (m *signInMachine) present(t modelToken) {
	code, reason := m.s.opens(t)
	var why, bound reasons
	why.when(code != "", code)
	bound.when(code != "", tenancy.ErrSessionEnded)
	bound.when(code == "" && !m.s.speaks(t.given), tenancy.ErrForbidden) // it counts as confined
	before := m.slow.times
	got, err := m.svc.Sessions.Authenticate(m.ctx, t.raw)
	if m.fails(err, why...) {
		m.toldWhy(err, reason)
	} else {
		m.seen(t, got, m.slow.times > before)
	}
	if code != "" || !t.given.Confined { // a confined one reaches no account
		_, err = m.svc.As(tenancy.SessionPrincipal(t.given)).Users.Get(m.ctx, t.given.UserID)
		m.fails(err, bound...)
	}
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
func (m *signInMachine) seen(t modelToken, got tenancy.Authenticated, late bool) {
	session := m.s.sessions[t.session]
	if m.s.now.Sub(session.LastSeenAt) >= modelSeen && !late {
		session.LastSeenAt = m.s.now
		m.s.sessions[session.ID] = session
	}
	require.Equal(m.rt, session, bare(got.Session))
	require.Equal(m.rt, session.UserID, got.User.ID)
	require.Equal(m.rt, session.OrganizationID, got.Organization.ID)
	require.Equal(m.rt, session.MembershipID, got.Member.ID)
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
	if !m.fails(m.svc.Sessions.SignOut(m.ctx, t.raw), why...) {
		m.s.end(tenancy.EndedSignOut, func(s tenancy.Session) bool { return s.ID == t.session })
	}
}

func (m *signInMachine) revokeAll() {
	user, kept := m.drawUser(), m.drawToken().session
	_, there := m.s.users[user.ID]
	var why reasons
	why.when(!there, tenancy.ErrNotFound)
	if !m.fails(m.svc.Sessions.RevokeAll(m.ctx, user.ID, kept), why...) {
		m.s.end(tenancy.EndedRevoked, func(s tenancy.Session) bool { return s.UserID == user.ID && s.ID != kept })
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
