package servicetest

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"time"

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

// starting is a sign-in by password, at an organization or at none.
func starting(user tenancy.UserID, org tenancy.OrganizationID) tenancy.NewSession {
	return tenancy.NewSession{
		UserID: user, OrganizationID: org, Method: "password",
	}
}

// session starts a session.
func (w *world) session(user tenancy.User, org tenancy.OrganizationID) tenancy.StartedSession {
	w.t.Helper()
	started, err := w.svc.Sessions.Start(w.ctx, starting(user.ID, org))
	w.NoError(err)
	return started
}

// lives checks that a token's session lives, and gives what it says.
func (w *world) lives(token tenancy.Token) tenancy.Authenticated {
	w.t.Helper()
	found, err := w.svc.Sessions.Authenticate(w.ctx, token.Reveal())
	w.NoError(err)
	return found
}

// ended checks that a token's session does not, and why.
func (w *world) ended(token tenancy.Token, code tenancy.Code, reason string) {
	w.t.Helper()
	_, err := w.svc.Sessions.Authenticate(w.ctx, token.Reveal())
	w.Equal(reason, w.failed(err, code, "token").Reason)
}

var nowhereYet tenancy.OrganizationID

func startSession(w *world) {
	ada := w.user("ada")
	acme := w.owned("Acme", ada)
	w.clock.advance(time.Hour)
	in := starting(ada.ID, acme.ID)
	in.SecondFactor = true
	from := tenancy.WithRequest(w.ctx, tenancy.Request{
		UserAgent: " Browser\r\n/1.0\u202e" + strings.Repeat("ü", 500) + "\xff", Address: netip.MustParseAddr("192.0.2.7"),
	})
	var started tenancy.StartedSession
	got := w.emits(func() (err error) { started, err = w.svc.Sessions.Start(from, in); return err }, some(tenancy.EventSessionStarted))
	s := started.Session
	w.tells(got[0], event{kind: tenancy.EventSessionStarted, org: acme.ID, user: ada.ID, subject: s.ID.String(), data: s})
	w.Regexp(`^session_[a-z2-7]{58}$`, started.Token.Reveal())
	w.Equal(w.member(acme, ada).ID, s.MembershipID)
	w.Equal(tenancy.SignInMethod("password"), s.Method)
	w.True(s.SecondFactor)
	w.Equal("Browser/1.0"+strings.Repeat("ü", 245), s.UserAgent) // 256 characters, none that misleads
	w.Equal("192.0.2.7", s.Address)
	w.Equal(w.clock.at, s.CreatedAt)
	w.Equal(w.clock.at, s.LastSeenAt)
	w.Equal(w.clock.at, s.SelectedAt)
	w.Equal(w.clock.at.Add(30*24*time.Hour), s.ExpiresAt)
	w.Equal([]tenancy.Session{s}, w.dump().Sessions)
	w.Equal(w.clock.at, w.getUser(ada.ID).LastSignInAt)
	w.Equal(w.clock.at, w.member(acme, ada).LastSignInAt)

	// A zone may be any text, of any length.
	for address, want := range map[string]string{"fe80::1": "fe80::1", "::ffff:192.0.2.7": "192.0.2.7"} {
		from := tenancy.WithRequest(w.ctx, tenancy.Request{Address: netip.MustParseAddr(address).WithZone(strings.Repeat("a\r\n", 9000))})
		started, err := w.svc.Sessions.Start(from, in)
		w.NoError(err)
		w.Equal(want, started.Session.Address)
	}

	none := w.session(ada, nowhereYet).Session
	w.True(none.OrganizationID.IsZero())
	w.True(none.MembershipID.IsZero())
}

func startRefused(w *world) {
	ada, bob, gone := w.user("ada"), w.user("bob"), w.user("gone")
	acme, shut, stored := w.owned("Acme", ada), w.owned("Shut", ada), w.owned("Stored", ada)
	w.add(acme, bob)
	w.deactivate(acme, bob)
	waiting := w.user("waiting")
	w.pend(acme, waiting)
	theirs := w.link(bob, google("b-1", "", false))
	w.archive(stored)
	_, err := w.svc.Organizations.Suspend(w.ctx, shut.ID)
	w.NoError(err)
	barred := w.user("barred")
	_, err = w.svc.Users.Suspend(w.ctx, barred.ID)
	w.NoError(err)
	_, err = w.svc.Users.Merge(w.ctx, gone.ID, ada.ID)
	w.NoError(err)
	for name, c := range map[string]struct {
		in   tenancy.NewSession
		code tenancy.Code
	}{
		"a suspended user":             {starting(barred.ID, nowhereYet), tenancy.ErrForbidden},
		"a merged user":                {starting(gone.ID, nowhereYet), tenancy.ErrMerged},
		"no such user":                 {starting(nobody, nowhereYet), tenancy.ErrNotFound},
		"an inactive member":           {starting(bob.ID, acme.ID), tenancy.ErrNotFound},
		"a pending member":             {starting(waiting.ID, acme.ID), tenancy.ErrNotFound},
		"no member":                    {starting(barred.ID, acme.ID), tenancy.ErrForbidden},
		"no such organization":         {starting(ada.ID, nowhere), tenancy.ErrNotFound},
		"an archived organization":     {starting(ada.ID, stored.ID), tenancy.ErrNotFound},
		"a suspended organization":     {starting(ada.ID, shut.ID), tenancy.ErrOrganizationClosed},
		"suspended, and not a member":  {starting(bob.ID, shut.ID), tenancy.ErrNotFound},
		"another user's identity":      {tenancy.NewSession{UserID: ada.ID, Method: "google", IdentityID: theirs.ID}, tenancy.ErrNotFound},
		"a connection that is nowhere": {tenancy.NewSession{UserID: ada.ID, Method: tenancy.MethodSingleSignOn, ConnectionID: w.config.NewID()}, tenancy.ErrNotFound},
	} {
		w.each(name, func(w *world) {
			w.refuses(c.code, "", func() error { _, err := w.svc.Sessions.Start(w.ctx, c.in); return err })
		})
	}
}

// startByPolicy: P2, P3 bind whoever signs people in.
func startByPolicy(w *world) {
	ada := w.user("ada")
	acme := w.owned("Acme", ada)
	_, err := w.svc.Policies.Set(w.ctx, acme.ID, tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, BindsOwners: ptr(true),
	})
	w.NoError(err)
	in := starting(ada.ID, acme.ID)
	w.refuses(tenancy.ErrSignInRefused, "", func() error { _, err := w.svc.Sessions.Start(w.ctx, in); return err })
	w.session(ada, nowhereYet)
	in.SecondFactor = true
	_, err = w.svc.Sessions.Start(w.ctx, in)
	w.NoError(err)
}

func tooManySessions(w *world) {
	ada := w.user("ada")
	started := make([]tenancy.StartedSession, 5)
	for i := range started {
		w.clock.advance(time.Minute)
		started[i] = w.session(ada, nowhereYet)
	}
	for i, s := range started {
		if i < 2 {
			w.ended(s.Token, tenancy.ErrSessionEnded, string(tenancy.EndedTooMany))
		} else {
			w.lives(s.Token)
		}
	}
	// What ran out takes nobody's place.
	w.clock.advance(31 * 24 * time.Hour)
	w.emits(func() error { w.session(ada, nowhereYet); return nil }, some(tenancy.EventSessionStarted))
}

func authenticate(w *world) {
	w.declare()
	ada := w.user("ada")
	acme := w.owned("Acme", w.user("owner"))
	w.ownRoles(acme.ID)
	w.add(acme, ada, rbac.Guest, editor, rbac.Admin, clerk)
	started := w.session(ada, acme.ID)
	var found tenancy.Authenticated
	w.silent(func() error { found = w.lives(started.Token); return nil })
	w.Equal(started.Session, found.Session)
	w.Equal(w.getUser(ada.ID), found.User)
	w.Equal(acme, found.Organization)
	w.Equal(w.member(acme, ada), found.Member)
	w.Equal(rbac.Admin, found.Member.Roles[0]) // R4
	none := w.lives(w.session(ada, nowhereYet).Token)
	w.Zero(none.Organization)
	w.Zero(none.Member)

	// Oneself, and nobody else (A2).
	me, other := w.svc.As(tenancy.UserPrincipal(ada.ID)), w.svc.As(tenancy.UserPrincipal(w.user("eve").ID))
	_, err := me.Sessions.Authenticate(w.ctx, started.Token.Reveal())
	w.NoError(err)
	_, err = other.Sessions.Authenticate(w.ctx, started.Token.Reveal())
	w.failed(err, tenancy.ErrForbidden, "")
	mine, err := me.Sessions.Authenticate(w.ctx, started.Token.Reveal())
	w.NoError(err)
	w.NotZero(found.User.LastSignInAt)
	w.Zero(mine.User.LastSignInAt) // U2
}

// reevaluated: the rows themselves are asked each time, not only whether somebody has
// ended the session.
func reevaluated(w *world) {
	ada := w.user("ada")
	acme := w.owned("Acme", ada)
	m := w.member(acme, ada).Membership
	token := w.session(ada, acme.ID).Token
	stranger := w.user("stranger")
	for name, c := range map[string]struct {
		why    tenancy.EndReason
		change func(rows store.Rows) error
	}{
		"user suspended": {tenancy.EndedUser, func(rows store.Rows) error {
			user, err := getRow(w.ctx, rows, ada.ID)
			w.NoError(err)
			user.SuspendedAt = w.clock.at
			user.Version++
			return updateRow(w.ctx, rows, user)
		}},
		"user merged": {tenancy.EndedMerged, func(rows store.Rows) error {
			user, err := getRow(w.ctx, rows, ada.ID)
			w.NoError(err)
			user.MergedInto = nobody
			user.Version++
			return updateRow(w.ctx, rows, user)
		}},
		"organization suspended": {tenancy.EndedOrganization, func(rows store.Rows) error {
			org := acme
			org.SuspendedAt = w.clock.at
			org.Version++
			return updateRow(w.ctx, rows, org)
		}},
		"organization archived": {tenancy.EndedOrganization, func(rows store.Rows) error {
			org := acme
			org.ArchivedAt = w.clock.at
			org.Version++
			return updateRow(w.ctx, rows, org)
		}},
		"membership inactive": {tenancy.EndedDeactivated, func(rows store.Rows) error {
			gone := m
			gone.Status = tenancy.MembershipInactive
			gone.Version++
			return updateRow(w.ctx, rows, gone)
		}},
		"membership another's": {tenancy.EndedRemoved, func(rows store.Rows) error {
			moved := m
			moved.UserID = stranger.ID
			moved.Version++
			return updateRow(w.ctx, rows, moved)
		}},
		"membership gone": {tenancy.EndedRemoved, func(rows store.Rows) error {
			assignments, _, _ := tenancy.RowsOf[tenancy.RoleAssignment]()
			_, err := rows.DeleteAll(w.ctx, assignments, []store.Cond{{
				Column: assignments.Index("membership_id"), Op: store.OneOf, Values: []store.Value{{ID: m.ID}},
			}})
			w.NoError(err)
			memberships, _, _ := tenancy.RowsOf[tenancy.Membership]()
			return rows.Delete(w.ctx, memberships, m.ID)
		}},
	} {
		w.each(name, func(w *world) {
			w.unchanged(func() {
				w.Equal(errStop, w.store.Update(w.ctx, func(rows store.Rows) error {
					w.NoError(c.change(rows))
					_, in, err := w.svc.Join(w.ctx, joined{rows, w.store})
					w.NoError(err)
					_, err = in.Sessions.Authenticate(w.ctx, token.Reveal())
					w.Equal(string(c.why), w.failed(err, tenancy.ErrSessionEnded, "token").Reason)
					return errStop
				}))
			})
			w.lives(token)
		})
	}
}

func sessionTokens(w *world) {
	ada := w.user("ada")
	raw := w.session(ada, nowhereYet).Token.Reveal()
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
		"Authenticate": func() error { _, err := w.svc.Sessions.Authenticate(w.ctx, token); return err },
		"Switch":       func() error { _, err := w.svc.Sessions.Switch(w.ctx, token, nowhereYet); return err },
		"SignOut":      func() error { return w.svc.Sessions.SignOut(w.ctx, token) },
	}
}

// lostSession is a genuine token of a session that was never kept.
func (w *world) lostSession() string {
	w.t.Helper()
	var token string
	w.Equal(errStop, w.svc.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		user, err := tx.Users.Create(ctx, tenancy.NewUser{Email: "lost@acme.example"})
		w.NoError(err)
		started, err := tx.Sessions.Start(ctx, starting(user.ID, nowhereYet))
		w.NoError(err)
		token = started.Token.Reveal()
		return errStop
	}))
	return token
}

// authenticateInside: a transaction sees its own sessions, and others see none of them
// before its commit.
func authenticateInside(w *world) {
	ada := w.user("ada")
	acme := w.owned("Acme", ada)
	token := w.session(ada, acme.ID).Token
	w.Equal(errStop, w.svc.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.NoError(tx.Sessions.RevokeByOrganization(ctx, acme.ID))
		_, err := tx.Sessions.Authenticate(ctx, token.Reveal())
		w.failed(err, tenancy.ErrSessionEnded, "token")
		again, err := tx.Sessions.Start(ctx, starting(ada.ID, acme.ID)) // begun after the end, at the same instant
		w.NoError(err)
		_, err = tx.Sessions.Authenticate(ctx, again.Token.Reveal())
		w.NoError(err)
		w.NoError(tx.Sessions.RevokeByOrganization(ctx, acme.ID))
		_, err = tx.Sessions.Authenticate(ctx, again.Token.Reveal())
		w.failed(err, tenancy.ErrSessionEnded, "token")
		return errStop
	}))
	w.lives(token)
}

// constantAuthenticate counts the statements: with one role or many, declared or an
// organization's own, in an organization of one or of many.
func constantAuthenticate(w *world) {
	statements := 0
	w.declare()
	counting := w.another(func(c *tenancy.Config) {
		c.Store = &faultStore{inner: w.store, statement: func() error { statements++; return nil }, commit: fine, begin: func() {}}
	})
	ada, bob := w.user("ada"), w.user("bob")
	acme := w.owned("Acme", ada)
	w.ownRoles(acme.ID)
	w.add(acme, bob, editor, helper, clerk, auditor, rbac.Guest)
	w.members(acme, 50)
	counts := map[int]bool{}
	for _, user := range []tenancy.User{ada, bob} {
		for range 3 {
			token := w.session(user, acme.ID).Token
			statements = 0
			_, err := counting.Sessions.Authenticate(w.ctx, token.Reveal())
			w.NoError(err)
			counts[statements] = true
			w.LessOrEqual(statements, 7) // token, session, user, organization, membership, roles, their order
		}
	}
	w.LessOrEqual(len(counts), 2) // built-in roles need no look at their order
}

func lastSeen(w *world) {
	ada := w.user("ada")
	started := w.session(ada, nowhereYet)
	seen := func() time.Time { return w.dump().Sessions[0].LastSeenAt }
	begin := w.clock.at
	w.clock.advance(time.Minute - time.Microsecond)
	w.silent(func() error { w.lives(started.Token); return nil })
	w.Equal(begin, seen())
	w.clock.advance(time.Microsecond)
	w.emits(func() error { w.Equal(w.clock.at, w.lives(started.Token).Session.LastSeenAt); return nil })
	w.Equal(w.clock.at, seen())
	w.Equal(int64(1), w.dump().Sessions[0].Version)

	// A tenth of the idle limit, where that is less.
	hasty := w.another(func(c *tenancy.Config) { c.SessionIdle = time.Minute })
	w.clock.advance(6 * time.Second)
	_, err := hasty.Sessions.Authenticate(w.ctx, started.Token.Reveal())
	w.NoError(err)
	w.Equal(w.clock.at, seen())

	// The write fails, and the call does not.
	var log strings.Builder
	broken := w.another(func(c *tenancy.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Store = &faultStore{inner: w.store, statement: fine, commit: func() error { return errors.New("no room") }, begin: func() {}}
	})
	w.clock.advance(time.Hour)
	w.unchanged(func() {
		found, err := broken.Sessions.Authenticate(w.ctx, started.Token.Reveal())
		w.NoError(err)
		w.Equal(seen(), found.Session.LastSeenAt)
	})
	w.Contains(log.String(), "no room")
	w.NotContains(log.String(), started.Token.Reveal())
}
