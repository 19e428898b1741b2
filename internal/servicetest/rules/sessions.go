package rules

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// sessionRules are the chapter on sessions and claims.
func sessionRules() []rule {
	few := func(c *tenancy.Config) { c.Limits.UserSessions = 3 }
	return []rule{
		{"S1 start", on(startSession)},
		{"S1 start refuses whom nobody would let in", on(startRefused)},
		{"S1 P3 start is held to the policies", on(startByPolicy)},
		{"S1 one session too many ends the oldest", with(few, tooManySessions)},
		{"S1 authenticate says who and where", on(authenticate)},
		{"S1 authenticate asks the rows, each time", on(reevaluated)},
		{"S1 a token that is none is invalid_token", on(sessionTokens)},
		{"S1 in a transaction", on(authenticateInside)},
		{"S1 limits of age and idleness, over a year", on(sessionLimits)},
		{"S1 the stricter limit wins, and its change counts at once", on(stricterLimits)},
		{"S1 the limits are a policy", on(limitsAsActor)},
		{"S1 attack: a limit that is raised brings a session back", on(raisedLimits)},
		{"S1 last seen is written now and then, and fails nothing", on(lastSeen)},
		{"S1 authenticate takes as many statements for everybody", on(constantAuthenticate)},
		{"S1 switch", on(switchSession)},
		{"G7 attack: a switch tells one organization of another", atDoor(switchTells)},
		{"S1 switch is refused and leaves everything", on(switchRefused)},
		{"P6 a confined session never leaves", on(confinedSession)},
		{"S1 one token, 64 switches", on(switchRace)},
		{"S1 S2 authenticate beside switch, revoke and deactivate", on(sessionRace)},
		{"S2 every change ends what it must", on(endings)},
		{"S2 revoke", on(revokeSession)},
		{"S2 all sessions in an organization end by one write", on(revokeByOrganization)},
		{"S2 an actor ends what they may", on(revokeAsActor)},
		{"S2 lists by user and by organization", on(sessionLists)},
		{"S2 sweep", on(sweepSessions)},
		{"U4 a takeover ends the sessions from before", on(takeOverSessions)},
		{"U7 nothing of a session stays behind a person", on(eraseSessions)},
		{"S3 claims", on(claims)},
		{"S3 what is missing is left out", on(bareClaims)},
		{"S3 reserved names", on(reservedClaims)},
		{"G10 a session's token shows itself to nobody", on(sessionSecrets)},
	}
}

// lives checks that a token's session lives, and gives what it says.
func (w *world) lives(token tenancy.Token) tenancy.Authenticated {
	w.T.Helper()
	found, err := w.Svc.Sessions.Authenticate(w.Ctx, token.Reveal(), servicetest.NowhereYet)
	w.NoError(err)
	return found
}

// ended checks that a token's session does not, and why.
func (w *world) ended(token tenancy.Token, code tenancy.Code, reason string) {
	w.T.Helper()
	_, err := w.Svc.Sessions.Authenticate(w.Ctx, token.Reveal(), servicetest.NowhereYet)
	w.Equal(reason, w.Failed(err, code, "token").Reason)
}

func startSession(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	w.Clock.Advance(time.Hour)
	in := servicetest.Starting(ada.ID, acme.ID)
	in.SecondFactor = true
	from := tenancy.WithRequest(w.Ctx, tenancy.Request{
		UserAgent: " Browser\r\n/1.0\u202e" + strings.Repeat("ü", 500) + "\xff", Address: netip.MustParseAddr("192.0.2.7"),
	})
	var started tenancy.StartedSession
	got := w.emits(func() (err error) { started, err = w.Svc.Sessions.Start(from, in); return err }, some(tenancy.EventSessionStarted))
	s := started.Session
	w.tells(got[0], event{kind: tenancy.EventSessionStarted, org: acme.ID, user: ada.ID, subject: s.ID.String(), data: s})
	w.Regexp(`^session_[a-z2-7]{58}$`, started.Token.Reveal())
	w.Equal(w.Member(acme, ada).ID, s.MembershipID)
	w.Equal(tenancy.SignInMethod("password"), s.Method)
	w.True(s.SecondFactor)
	w.Equal("Browser/1.0"+strings.Repeat("ü", 245), s.UserAgent) // 256 characters, none that misleads
	w.Equal("192.0.2.7", s.Address)
	w.Equal(w.Clock.At, s.CreatedAt)
	w.Equal(w.Clock.At, s.LastSeenAt)
	w.Equal(w.Clock.At, s.SelectedAt)
	w.Equal(w.Clock.At.Add(30*24*time.Hour), s.ExpiresAt)
	w.Equal([]tenancy.Session{s}, w.Dump().Sessions)
	w.Equal(w.Clock.At, w.getUser(ada.ID).LastSignInAt)
	w.Equal(w.Clock.At, w.Member(acme, ada).LastSignInAt)

	// A zone may be any text, of any length.
	for address, want := range map[string]string{"fe80::1": "fe80::1", "::ffff:192.0.2.7": "192.0.2.7"} {
		from := tenancy.WithRequest(w.Ctx, tenancy.Request{Address: netip.MustParseAddr(address).WithZone(strings.Repeat("a\r\n", 9000))})
		started, err := w.Svc.Sessions.Start(from, in)
		w.NoError(err)
		w.Equal(want, started.Session.Address)
	}

	none := w.Session(ada, servicetest.NowhereYet).Session
	w.True(none.OrganizationID.IsZero())
	w.True(none.MembershipID.IsZero())
}

func startRefused(w *world) {
	ada, bob, gone := w.User("ada"), w.User("bob"), w.User("gone")
	acme, shut, stored := w.Owned("Acme", ada), w.Owned("Shut", ada), w.Owned("Stored", ada)
	w.Add(acme, bob)
	w.Deactivate(acme, bob)
	waiting := w.User("waiting")
	w.pend(acme, waiting)
	theirs := w.Link(bob, google("b-1", "", false))
	w.Archive(stored)
	_, err := w.Svc.Organizations.Suspend(w.Ctx, shut.ID)
	w.NoError(err)
	barred := w.User("barred")
	_, err = w.Svc.Users.Suspend(w.Ctx, barred.ID)
	w.NoError(err)
	_, err = w.Svc.Users.Merge(w.Ctx, gone.ID, ada.ID)
	w.NoError(err)
	for name, c := range map[string]struct {
		in   tenancy.NewSession
		code tenancy.Code
	}{
		"a suspended user":             {servicetest.Starting(barred.ID, servicetest.NowhereYet), tenancy.ErrForbidden},
		"a merged user":                {servicetest.Starting(gone.ID, servicetest.NowhereYet), tenancy.ErrMerged},
		"no such user":                 {servicetest.Starting(servicetest.Nobody, servicetest.NowhereYet), tenancy.ErrNotFound},
		"an inactive member":           {servicetest.Starting(bob.ID, acme.ID), tenancy.ErrNotFound},
		"a pending member":             {servicetest.Starting(waiting.ID, acme.ID), tenancy.ErrNotFound},
		"no member":                    {servicetest.Starting(barred.ID, acme.ID), tenancy.ErrForbidden},
		"no such organization":         {servicetest.Starting(ada.ID, servicetest.Nowhere), tenancy.ErrNotFound},
		"an archived organization":     {servicetest.Starting(ada.ID, stored.ID), tenancy.ErrNotFound},
		"a suspended organization":     {servicetest.Starting(ada.ID, shut.ID), tenancy.ErrOrganizationClosed},
		"suspended, and not a member":  {servicetest.Starting(bob.ID, shut.ID), tenancy.ErrNotFound},
		"another user's identity":      {tenancy.NewSession{UserID: ada.ID, Method: "google", IdentityID: theirs.ID}, tenancy.ErrNotFound},
		"a connection that is nowhere": {tenancy.NewSession{UserID: ada.ID, Method: tenancy.MethodSingleSignOn, ConnectionID: w.Config.NewID()}, tenancy.ErrNotFound},
	} {
		w.each(name, func(w *world) {
			w.refuses(c.code, "", func() error { _, err := w.Svc.Sessions.Start(w.Ctx, c.in); return err })
		})
	}
}

// startByPolicy: P2, P3 bind whoever signs people in.
func startByPolicy(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	_, err := w.Svc.Policies.Set(w.Ctx, acme.ID, tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, BindsOwners: servicetest.Ptr(true),
	})
	w.NoError(err)
	in := servicetest.Starting(ada.ID, acme.ID)
	w.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := w.Svc.Sessions.Start(w.Ctx, in); return err })
	w.Session(ada, servicetest.NowhereYet)
	in.SecondFactor = true
	_, err = w.Svc.Sessions.Start(w.Ctx, in)
	w.NoError(err)
}

func tooManySessions(w *world) {
	ada := w.User("ada")
	started := make([]tenancy.StartedSession, 5)
	for i := range started {
		w.Clock.Advance(time.Minute)
		started[i] = w.Session(ada, servicetest.NowhereYet)
	}
	for i, s := range started {
		if i < 2 {
			w.ended(s.Token, tenancy.ErrSessionEnded, string(tenancy.EndedTooMany))
		} else {
			w.lives(s.Token)
		}
	}
	// What ran out takes nobody's place.
	w.Clock.Advance(31 * 24 * time.Hour)
	w.emits(func() error { w.Session(ada, servicetest.NowhereYet); return nil }, some(tenancy.EventSessionStarted))
}

func authenticate(w *world) {
	w.Declare()
	ada := w.User("ada")
	acme := w.Owned("Acme", w.User("owner"))
	w.OwnRoles(acme.ID)
	w.Add(acme, ada, rbac.Guest, servicetest.Editor, rbac.Admin, servicetest.Clerk)
	started := w.Session(ada, acme.ID)
	var found tenancy.Authenticated
	w.silent(func() error { found = w.lives(started.Token); return nil })
	w.Equal(started.Session, found.Session)
	w.Equal(w.getUser(ada.ID), found.User)
	w.Equal(acme, found.Organization)
	w.Equal(w.Member(acme, ada), found.Member)
	w.Equal(rbac.Admin, found.Member.Roles[0]) // R4
	none := w.lives(w.Session(ada, servicetest.NowhereYet).Token)
	w.Zero(none.Organization)
	w.Zero(none.Member)

	// Oneself, and nobody else (A2).
	me, other := w.Svc.As(tenancy.UserPrincipal(ada.ID)), w.Svc.As(tenancy.UserPrincipal(w.User("eve").ID))
	_, err := me.Sessions.Authenticate(w.Ctx, started.Token.Reveal(), servicetest.NowhereYet)
	w.NoError(err)
	_, err = other.Sessions.Authenticate(w.Ctx, started.Token.Reveal(), servicetest.NowhereYet)
	w.Failed(err, tenancy.ErrForbidden, "")
	mine, err := me.Sessions.Authenticate(w.Ctx, started.Token.Reveal(), servicetest.NowhereYet)
	w.NoError(err)
	w.NotZero(found.User.LastSignInAt)
	w.Zero(mine.User.LastSignInAt) // U2
}

// reevaluated: the rows themselves are asked each time, not only whether somebody has
// ended the session.
func reevaluated(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	m := w.Member(acme, ada).Membership
	token := w.Session(ada, acme.ID).Token
	stranger := w.User("stranger")
	for name, c := range map[string]struct {
		why    tenancy.EndReason
		change func(rows store.Rows) error
	}{
		"user suspended": {tenancy.EndedUser, func(rows store.Rows) error {
			user, err := servicetest.GetRow(w.Ctx, rows, ada.ID)
			w.NoError(err)
			user.SuspendedAt = w.Clock.At
			user.Version++
			return servicetest.UpdateRow(w.Ctx, rows, user)
		}},
		"user merged": {tenancy.EndedMerged, func(rows store.Rows) error {
			user, err := servicetest.GetRow(w.Ctx, rows, ada.ID)
			w.NoError(err)
			user.MergedInto = servicetest.Nobody
			user.Version++
			return servicetest.UpdateRow(w.Ctx, rows, user)
		}},
		"organization suspended": {tenancy.EndedOrganization, func(rows store.Rows) error {
			org := acme
			org.SuspendedAt = w.Clock.At
			org.Version++
			return servicetest.UpdateRow(w.Ctx, rows, org)
		}},
		"organization archived": {tenancy.EndedOrganization, func(rows store.Rows) error {
			org := acme
			org.ArchivedAt = w.Clock.At
			org.Version++
			return servicetest.UpdateRow(w.Ctx, rows, org)
		}},
		"membership inactive": {tenancy.EndedDeactivated, func(rows store.Rows) error {
			gone := m
			gone.Status = tenancy.MembershipInactive
			gone.Version++
			return servicetest.UpdateRow(w.Ctx, rows, gone)
		}},
		"membership another's": {tenancy.EndedRemoved, func(rows store.Rows) error {
			moved := m
			moved.UserID = stranger.ID
			moved.Version++
			return servicetest.UpdateRow(w.Ctx, rows, moved)
		}},
		"membership gone": {tenancy.EndedRemoved, func(rows store.Rows) error {
			assignments, _, _ := tenancy.RowsOf[tenancy.RoleAssignment]()
			_, err := rows.DeleteAll(w.Ctx, assignments, []store.Cond{{
				Column: assignments.Index("membership_id"), Op: store.OneOf, Values: []store.Value{{ID: m.ID}},
			}})
			w.NoError(err)
			memberships, _, _ := tenancy.RowsOf[tenancy.Membership]()
			return rows.Delete(w.Ctx, memberships, m.ID)
		}},
	} {
		w.each(name, func(w *world) {
			w.unchanged(func() {
				w.Equal(servicetest.ErrStop, w.Store.Update(w.Ctx, func(rows store.Rows) error {
					w.NoError(c.change(rows))
					_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
					w.NoError(err)
					_, err = in.Sessions.Authenticate(w.Ctx, token.Reveal(), servicetest.NowhereYet)
					w.Equal(string(c.why), w.Failed(err, tenancy.ErrSessionEnded, "token").Reason)
					return servicetest.ErrStop
				}))
			})
			w.lives(token)
		})
	}
}

func sessionTokens(w *world) {
	ada := w.User("ada")
	raw := w.Session(ada, servicetest.NowhereYet).Token.Reveal()
	proof := w.proof(ada, "new@acme.example").Token.Reveal()
	for name, token := range map[string]string{
		"empty": "", "another kind's": proof, "another prefix": "emailproof_" + strings.TrimPrefix(raw, "session_"),
		"truncated": raw[:len(raw)-1], "longer": raw + "a", "upper case": strings.ToUpper(raw), "NUL": raw + "\x00",
		"invalid UTF-8": "\xff", "huge": strings.Repeat(raw, 1000), "a session's of another store": w.lostSession(),
	} {
		w.each(name, func(w *world) {
			for _, call := range w.byToken(token) {
				w.refuses(tenancy.ErrInvalidToken, "token", call)
			}
		})
	}
	w.refuses(tenancy.ErrInvalidToken, "token", func() error { return w.confirm(raw) }) // nor the other way
}

// byToken are the calls that take a session's token.
func (w *world) byToken(token string) map[string]func() error {
	return map[string]func() error{
		"Authenticate": func() error { _, err := w.Svc.Sessions.Authenticate(w.Ctx, token, servicetest.NowhereYet); return err },
		"Switch":       func() error { _, err := w.Svc.Sessions.Switch(w.Ctx, token, servicetest.NowhereYet); return err },
		"Enter":        func() error { _, err := w.Svc.Sessions.Enter(w.Ctx, token, servicetest.Nowhere); return err },
		"SignOut":      func() error { return w.Svc.Sessions.SignOut(w.Ctx, token) },
	}
}

// lostSession is a genuine token of a session that was never kept.
func (w *world) lostSession() string {
	w.T.Helper()
	var token string
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		user, err := tx.Users.Create(ctx, tenancy.NewUser{Email: "lost@acme.example"})
		w.NoError(err)
		started, err := tx.Sessions.Start(ctx, servicetest.Starting(user.ID, servicetest.NowhereYet))
		w.NoError(err)
		token = started.Token.Reveal()
		return servicetest.ErrStop
	}))
	return token
}

// authenticateInside: a transaction sees its own sessions, and others see none of them
// before its commit.
func authenticateInside(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	token := w.Session(ada, acme.ID).Token
	w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.NoError(tx.Sessions.RevokeByOrganization(ctx, acme.ID))
		_, err := tx.Sessions.Authenticate(ctx, token.Reveal(), servicetest.NowhereYet)
		w.Failed(err, tenancy.ErrSessionEnded, "token")
		again, err := tx.Sessions.Start(ctx, servicetest.Starting(ada.ID, acme.ID)) // begun after the end, at the same instant
		w.NoError(err)
		_, err = tx.Sessions.Authenticate(ctx, again.Token.Reveal(), servicetest.NowhereYet)
		w.NoError(err)
		w.NoError(tx.Sessions.RevokeByOrganization(ctx, acme.ID))
		_, err = tx.Sessions.Authenticate(ctx, again.Token.Reveal(), servicetest.NowhereYet)
		w.Failed(err, tenancy.ErrSessionEnded, "token")
		return servicetest.ErrStop
	}))
	w.lives(token)
}

// constantAuthenticate counts the statements: with one role or many, declared or an
// organization's own, in an organization of one or of many.
func constantAuthenticate(w *world) {
	statements := 0
	w.Declare()
	counting := w.Another(func(c *tenancy.Config) {
		c.Store = &servicetest.FaultStore{Inner: w.Store, Statement: func() error { statements++; return nil }, Commit: servicetest.Fine, Begin: func() {}}
	})
	ada, bob := w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", ada)
	w.OwnRoles(acme.ID)
	w.Add(acme, bob, servicetest.Editor, servicetest.Helper, servicetest.Clerk, servicetest.Auditor, rbac.Guest)
	w.Members(acme, 50)
	counts := map[int]bool{}
	for _, user := range []tenancy.User{ada, bob} {
		for range 3 {
			token := w.Session(user, acme.ID).Token
			statements = 0
			_, err := counting.Sessions.Authenticate(w.Ctx, token.Reveal(), servicetest.NowhereYet)
			w.NoError(err)
			counts[statements] = true
			w.LessOrEqual(statements, 7) // token, session, user, organization, membership, roles, their order
		}
	}
	w.LessOrEqual(len(counts), 2) // built-in roles need no look at their order
}

func lastSeen(w *world) {
	ada := w.User("ada")
	started := w.Session(ada, servicetest.NowhereYet)
	seen := func() time.Time { return w.Dump().Sessions[0].LastSeenAt }
	begin := w.Clock.At
	w.Clock.Advance(time.Minute - time.Microsecond)
	w.silent(func() error { w.lives(started.Token); return nil })
	w.Equal(begin, seen())
	w.Clock.Advance(time.Microsecond)
	w.emits(func() error { w.Equal(w.Clock.At, w.lives(started.Token).Session.LastSeenAt); return nil })
	w.Equal(w.Clock.At, seen())
	w.Equal(int64(1), w.Dump().Sessions[0].Version)

	// A tenth of the idle limit, where that is less.
	hasty := w.Another(func(c *tenancy.Config) { c.SessionIdle = time.Minute })
	w.Clock.Advance(6 * time.Second)
	_, err := hasty.Sessions.Authenticate(w.Ctx, started.Token.Reveal(), servicetest.NowhereYet)
	w.NoError(err)
	w.Equal(w.Clock.At, seen())

	// The write fails, and the call does not.
	var log strings.Builder
	broken := w.Another(func(c *tenancy.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Store = &servicetest.FaultStore{Inner: w.Store, Statement: servicetest.Fine, Commit: func() error { return errors.New("no room") }, Begin: func() {}}
	})
	w.Clock.Advance(time.Hour)
	w.unchanged(func() {
		found, err := broken.Sessions.Authenticate(w.Ctx, started.Token.Reveal(), servicetest.NowhereYet)
		w.NoError(err)
		w.Equal(seen(), found.Session.LastSeenAt)
	})
	w.Contains(log.String(), "no room")
	w.NotContains(log.String(), started.Token.Reveal())
}
