package tenancy

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Revoke ends a session (rule S2). Whoever runs an organization can end those that
// are there. One that has ended stays as it is, without an event.
//
// Errors: [ErrNotFound]; [ErrForbidden] for a member who has more than the actor (rule
// R6).
func (g Sessions) Revoke(ctx context.Context, id SessionID) error {
	return exec(ctx, g.s, sessionsRevoke, id.String(), func(ctx context.Context, w *work) error {
		s, err := w.lockSession(ctx, id)
		if err != nil {
			return err
		}
		if err := w.mayRevoke(ctx, s); err != nil {
			return err
		}
		return w.endSessions(ctx, SessionFilter{ID: Of(id)}, EndedRevoked)
	})
}

// lockSession takes the locks of a session's user and organization, and asks whether
// the actor may. Under the user's lock a session goes nowhere else.
func (w *work) lockSession(ctx context.Context, id SessionID) (Session, error) {
	return underLock(ctx, w, func() (Session, error) { return w.session(ctx, id) }, func(s Session) error {
		if err := w.Lock(ctx, lockUser(s.UserID)); err != nil {
			return err
		}
		s, err := w.Sessions().Get(ctx, id)
		if err != nil || s.OrganizationID.IsZero() {
			return err
		}
		return w.Lock(ctx, lockOrganization(s.OrganizationID))
	})
}

// session reads a session for the actor, as [work.reach] does an invitation.
func (w *work) session(ctx context.Context, id SessionID) (Session, error) {
	s, err := w.Sessions().Get(ctx, id)
	if CodeOf(err) == ErrNotFound {
		return Session{}, w.absent(ctx, err)
	}
	if err != nil {
		return Session{}, err
	}
	return s, w.mayTell(ctx, s)
}

// mayTell lets an actor at a session that is their own, or is where they may look. Of
// others they do not hear that they are there.
func (w *work) mayTell(ctx context.Context, s Session) error {
	p := w.service.principal
	if p != nil && p.user != s.UserID && s.OrganizationID.IsZero() {
		return w.unreachable(ctx, noUser, notFound(s.ID))
	}
	return w.authorize(ctx, scope{organization: s.OrganizationID, user: s.UserID, missing: notFound(s.ID)})
}

// mayRevoke refuses an actor to act on a member who has more than they (rule R6).
func (w *work) mayRevoke(ctx context.Context, s Session) error {
	if p := w.service.principal; p == nil || p.user == s.UserID || !s.EndedAt.IsZero() {
		return nil
	}
	m, err := w.Memberships().Get(ctx, s.MembershipID)
	if err != nil {
		return err
	}
	return w.mayTouch(ctx, m)
}

// RevokeAll ends all of a user's sessions but those named, wherever they are (rule
// S2).
//
// Errors: [ErrNotFound], [ErrMerged].
func (g Sessions) RevokeAll(ctx context.Context, user UserID, but ...SessionID) error {
	return exec(ctx, g.s, sessionsRevokeAll, user.String(), func(ctx context.Context, w *work) error {
		if err := w.Lock(ctx, lockUser(user)); err != nil {
			return err
		}
		if err := w.authorize(ctx, scope{user: user}); err != nil {
			return err
		}
		if _, err := w.user(ctx, user); err != nil {
			return err
		}
		return w.endSessions(ctx, SessionFilter{UserID: Of(user)}, EndedRevoked, but...)
	})
}

// RevokeByOrganization ends every session in an organization, the owners' and the
// caller's own too (rules S2, O2). However many they are, it is one write and one
// event: the organization notes the instant, and what was there before has ended.
//
// Errors: [ErrNotFound].
func (g Sessions) RevokeByOrganization(ctx context.Context, id OrganizationID) error {
	return exec(ctx, g.s, sessionsRevokeByOrganization, id.String(), func(ctx context.Context, w *work) error {
		if err := w.Lock(ctx, lockOrganization(id)); err != nil {
			return err
		}
		if err := w.authorize(ctx, scope{organization: id}); err != nil {
			return err
		}
		org, err := w.Organizations().Get(ctx, id)
		if err != nil {
			return err
		}
		w.endAllSessions(&org)
		if err := put(ctx, w, w.Organizations().Update, &org); err != nil {
			return err
		}
		return w.record(ctx, org.event(EventOrganizationSessionsEnded))
	})
}

// endAllSessions ends every session in an organization with the change that keeps it
// (rule O2).
func (w *work) endAllSessions(org *Organization) {
	org.SessionsEndedAt = after(w.now, org.SessionsEndedAt)
}

// SignOut ends the session of a token, at its bearer's wish.
//
// Errors: [ErrInvalidToken], [ErrSessionEnded], [ErrSessionExpired].
func (g Sessions) SignOut(ctx context.Context, token string) error {
	return exec(ctx, g.s, sessionsSignOut, "", func(ctx context.Context, w *work) error {
		_, s, err := w.lockToken(ctx, token, OrganizationID{})
		if err != nil {
			return err
		}
		return w.endSessions(ctx, SessionFilter{ID: Of(s.ID)}, EndedSignOut)
	})
}

// endSessions ends the live sessions that pass a filter, but those named, and spends
// their tokens (rule S2). Whoever calls it holds the lock of each user or
// organization concerned, so that none begins meanwhile.
func (w *work) endSessions(ctx context.Context, f SessionFilter, why EndReason, but ...SessionID) error {
	f.Ended = Of(false)
	live, err := collect(ctx, w.Sessions(), f)
	if err != nil {
		return err
	}
	live = slices.DeleteFunc(live, func(s Session) bool {
		return slices.Contains(but, s.ID) || !w.now.Before(s.ExpiresAt)
	})
	return w.end(ctx, why, live...)
}

// end ends sessions. What ended expires with that, so that a sweep finds by one date
// what ran out and what ended.
func (w *work) end(ctx context.Context, why EndReason, live ...Session) error {
	if len(live) == 0 {
		return nil
	}
	subjects := make([]string, len(live))
	for i, s := range live {
		subjects[i] = s.ID.String()
		before := s
		s.EndedAt, s.EndReason, s.ExpiresAt = w.now, why, w.now
		if err := put(ctx, w, w.Sessions().Update, &s); err != nil {
			return err
		}
		if err := w.recordSession(ctx, EventSessionEnded, s, &before); err != nil {
			return err
		}
	}
	return w.spendOf(ctx, SecretSession, subjects...)
}

// liveSessions are those of a user that have neither ended nor run out.
func (w *work) liveSessions(ctx context.Context, user UserID) ([]Session, error) {
	live, err := collect(ctx, w.Sessions(), SessionFilter{UserID: Of(user), Ended: Of(false)})
	return slices.DeleteFunc(live, func(s Session) bool { return !w.now.Before(s.ExpiresAt) }), err
}

// makeRoom ends the oldest of a user's sessions where one more would be too many: of
// those that are confined first, and for one that is confined first of those through the
// same connection. So a provider that proves nothing about a person, and signs in as them
// over and over, ends no session but its own.
func (w *work) makeRoom(ctx context.Context, user UserID, coming Session) error {
	mine, most := SessionFilter{UserID: Of(user), Ended: Of(false)}, w.config.Limits.UserSessions
	n, err := w.Sessions().Count(ctx, mine)
	if err != nil || n < most {
		return err
	}
	live, err := w.liveSessions(ctx, user)
	if err != nil {
		return err
	}
	stays := func(s Session) int {
		switch {
		case coming.Confined && s.Confined && s.ConnectionID == coming.ConnectionID:
			return 0
		case s.Confined:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(live, func(a, b Session) int {
		return cmp.Or(cmp.Compare(stays(a), stays(b)), a.CreatedAt.Compare(b.CreatedAt))
	})
	return w.end(ctx, EndedTooMany, live[:max(0, len(live)-most+1)]...)
}

const (
	sessionsRemembered = 30 * 24 * time.Hour // how long one that ran out or ended is kept
	swept              = 500                 // most that one Sweep removes, and as many tokens
	sweepEvery         = 10 * time.Minute
)

// Sweep removes sessions that ran out or ended over 30 days ago, and tokens of
// whatever kind that did: some of each, so that nobody waits for it, and says how
// many went. [Service.Run] calls it every ten minutes; without that, call it now and
// then until it gives 0.
func (g Sessions) Sweep(ctx context.Context) (int, error) {
	return write(ctx, g.s, sessionsSweep, "", func(ctx context.Context, w *work) (int, error) {
		if err := w.authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		return w.sweepSessions(ctx)
	})
}

func (w *work) sweepSessions(ctx context.Context) (int, error) {
	due := Span{Limit: swept, Order: ByDue}
	sessions, err := w.Sessions().List(ctx, SessionFilter{DueBefore: w.now.Add(-sessionsRemembered)}, due)
	if err != nil {
		return 0, err
	}
	tokens, err := w.Secrets().List(ctx, SecretFilter{DueBefore: w.now.Add(-secretsRemembered)}, due)
	if err != nil {
		return 0, err
	}
	gone := 0
	if len(sessions) > 0 {
		ids := make([]SessionID, len(sessions))
		for i, s := range sessions {
			ids[i] = s.ID
		}
		if gone, err = w.Sessions().DeleteAll(ctx, SessionFilter{ID: Of(ids...)}); err != nil {
			return 0, err
		}
	}
	if len(tokens) == 0 {
		return gone, nil
	}
	ids := make([]SecretID, len(tokens))
	for i, s := range tokens {
		ids[i] = s.ID
	}
	n, err := w.Secrets().DeleteAll(ctx, SecretFilter{ID: Of(ids...)})
	return gone + n, err
}
