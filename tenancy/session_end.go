package tenancy

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Revoke ends a session (rule S2). Whoever runs an organization can end those that
// are there. One that has ended stays as it is, without an event.
//
// Errors: [ErrNotFound]; [ErrForbidden] for a member who has more than the actor (rule
// R6).
func (g Sessions) Revoke(ctx context.Context, id SessionID) error {
	return exec(ctx, g.s, sessionsRevoke, id.String(), func(ctx context.Context, c *call) error {
		s, err := c.sessions().lockSession(ctx, id)
		if err != nil {
			return err
		}
		if err := c.sessions().mayRevoke(ctx, s); err != nil {
			return err
		}
		return c.sessions().endSessions(ctx, sessionFilter{ID: typed.Of(id)}, EndedRevoked)
	})
}

// lockSession takes the locks of a session's user and organization, and asks whether
// the actor may. Under the user's lock a session goes nowhere else.
func (ss sessionRules) lockSession(ctx context.Context, id SessionID) (Session, error) {
	return underLock(ctx, ss.c, func() (Session, error) { return ss.get(ctx, id) }, func(s Session) error {
		if err := ss.c.lock(ctx, lockUser(s.UserID)); err != nil {
			return err
		}
		s, err := ss.c.tx.Sessions().Get(ctx, id)
		if err != nil || s.OrganizationID.IsZero() {
			return err
		}
		return ss.c.lock(ctx, lockOrganization(s.OrganizationID))
	})
}

// get reads a session for the actor, as [invitationRules.authorizedInvitation] does an invitation.
func (ss sessionRules) get(ctx context.Context, id SessionID) (Session, error) {
	s, err := ss.c.tx.Sessions().Get(ctx, id)
	if CodeOf(err) == ErrNotFound {
		return Session{}, ss.c.access().absent(ctx, err)
	}
	if err != nil {
		return Session{}, err
	}
	return s, ss.mayTell(ctx, s)
}

// mayTell lets an actor at a session that is their own, or is where they may look. Of
// others they do not hear that they are there.
func (ss sessionRules) mayTell(ctx context.Context, s Session) error {
	p := ss.c.service.principal
	if p != nil && p.user != s.UserID && s.OrganizationID.IsZero() {
		return ss.c.access().unreachable(ctx, noUser, notFound(s.ID))
	}
	return ss.c.access().authorize(ctx, scope{organization: s.OrganizationID, user: s.UserID, missing: notFound(s.ID)})
}

// mayRevoke refuses an actor to act on a member who has more than they (rule R6).
func (ss sessionRules) mayRevoke(ctx context.Context, s Session) error {
	if p := ss.c.service.principal; p == nil || p.user == s.UserID || !s.EndedAt.IsZero() {
		return nil
	}
	m, err := ss.c.tx.Memberships().Get(ctx, s.MembershipID)
	if err != nil {
		return err
	}
	return ss.c.members().mayTouch(ctx, m)
}

// RevokeAll ends all of a user's sessions but those named, wherever they are (rule
// S2), and their pending sign-ins (rule P5).
//
// Errors: [ErrNotFound], [ErrMerged].
func (g Sessions) RevokeAll(ctx context.Context, user UserID, but ...SessionID) error {
	return exec(ctx, g.s, sessionsRevokeAll, user.String(), func(ctx context.Context, c *call) error {
		if err := c.access().mayLock(ctx, scope{user: user}); err != nil {
			return err
		}
		if err := c.lock(ctx, lockUser(user)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{user: user}); err != nil {
			return err
		}
		if _, err := c.users().get(ctx, user); err != nil {
			return err
		}
		if err := c.pendings().void(ctx, user); err != nil {
			return err
		}
		return c.sessions().endSessions(ctx, sessionFilter{UserID: typed.Of(user)}, EndedRevoked, but...)
	})
}

// RevokeByOrganization ends every session in an organization, the owners' and the
// caller's own too (rules S2, O2). However many they are, it is one write and one
// event: the organization notes the instant, and what was there before has ended.
//
// Errors: [ErrNotFound].
func (g Sessions) RevokeByOrganization(ctx context.Context, id OrganizationID) error {
	return exec(ctx, g.s, sessionsRevokeByOrganization, id.String(), func(ctx context.Context, c *call) error {
		if err := c.access().mayLock(ctx, scope{organization: id}); err != nil {
			return err
		}
		if err := c.lock(ctx, lockOrganization(id)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{organization: id}); err != nil {
			return err
		}
		org, err := c.tx.Organizations().Get(ctx, id)
		if err != nil {
			return err
		}
		c.sessions().endAllSessions(&org)
		if err := put(ctx, c, c.tx.Organizations().Update, &org); err != nil {
			return err
		}
		return c.record(ctx, org.event(EventOrganizationSessionsEnded))
	})
}

// endAllSessions ends every session in an organization with the change that keeps it
// (rule O2).
func (ss sessionRules) endAllSessions(org *Organization) {
	org.SessionsEndedAt = laterThan(ss.c.now, org.SessionsEndedAt)
}

// SignOut ends the session of a token, at its bearer's wish.
//
// Errors: [ErrInvalidToken], [ErrSessionEnded], [ErrSessionExpired].
func (g Sessions) SignOut(ctx context.Context, token string) error {
	return exec(ctx, g.s, sessionsSignOut, "", func(ctx context.Context, c *call) error {
		_, s, err := c.sessions().lockToken(ctx, token, OrganizationID{})
		if err != nil {
			return err
		}
		return c.sessions().endSessions(ctx, sessionFilter{ID: typed.Of(s.ID)}, EndedSignOut)
	})
}

// endSessions ends the live sessions that pass a filter, but those named, and spends
// their tokens (rule S2). Whoever calls it holds the lock of each user or
// organization concerned, so that none begins meanwhile.
func (ss sessionRules) endSessions(ctx context.Context, f sessionFilter, why EndReason, but ...SessionID) error {
	live, err := ss.liveOf(ctx, f)
	if err != nil {
		return err
	}
	live = slices.DeleteFunc(live, func(s Session) bool { return slices.Contains(but, s.ID) })
	return ss.end(ctx, why, live...)
}

// end ends sessions. What ended expires with that, so that a sweep finds by one date
// what ran out and what ended.
func (ss sessionRules) end(ctx context.Context, why EndReason, live ...Session) error {
	if len(live) == 0 {
		return nil
	}
	subjects := make([]string, len(live))
	for i, s := range live {
		subjects[i] = s.ID.String()
		before := s
		s.EndedAt, s.EndReason, s.ExpiresAt = ss.c.now, why, ss.c.now
		if err := put(ctx, ss.c, ss.c.tx.Sessions().Update, &s); err != nil {
			return err
		}
		if err := ss.recordSession(ctx, EventSessionEnded, s, &before, EventPerson{}); err != nil {
			return err
		}
	}
	return ss.c.spendOf(ctx, secretSession, subjects...)
}

// living narrows a filter to the sessions that have neither ended nor run out. What ended
// expired with that, so an index leads past it, however often somebody signs in (rule G9).
func (ss sessionRules) living(f sessionFilter) sessionFilter {
	f.Ended, f.DueAfter = typed.Of(false), ss.c.now
	return f
}

// liveOf are those that pass a filter and have neither ended nor run out, by id: of a user, and so
// of a membership, no more than Limits.UserSessions.
func (ss sessionRules) liveOf(ctx context.Context, f sessionFilter) ([]Session, error) {
	live, err := ss.c.tx.Sessions().List(ctx, ss.living(f), listSpan{Limit: math.MaxInt32, Order: ByDue})
	slices.SortFunc(live, func(a, b Session) int { return a.ID.Compare(b.ID) })
	return live, err
}

// liveSessions are those of a user that have neither ended nor run out, by id.
func (ss sessionRules) liveSessions(ctx context.Context, user UserID) ([]Session, error) {
	return ss.liveOf(ctx, sessionFilter{UserID: typed.Of(user)})
}

// makeRoom ends the oldest of a user's sessions where one more would be too many: of
// those that are confined first, and for one that is confined first of those through the
// same connection. So a provider that proves nothing about a person, and signs in as them
// over and over, ends no session but its own.
func (ss sessionRules) makeRoom(ctx context.Context, user UserID, coming Session) error {
	most := ss.c.instance.config.Limits.UserSessions
	n, err := ss.c.tx.Sessions().Count(ctx, ss.living(sessionFilter{UserID: typed.Of(user)}))
	if err != nil || n < most {
		return err
	}
	live, err := ss.liveSessions(ctx, user)
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
	return ss.end(ctx, EndedTooMany, live[:max(0, len(live)-most+1)]...)
}

const (
	sessionsRemembered = 30 * 24 * time.Hour // how long one that ran out or ended is kept
	swept              = 500                 // most that one Sweep removes, and as many tokens
	sweepEvery         = 10 * time.Minute
)

// Sweep removes sessions that ran out or ended over 30 days ago, tokens of
// whatever kind that did, and pending sign-ins that ran out: some of each, so that nobody waits for it, and says how
// many went. [Service.Run] calls it every ten minutes; without that, call it now and
// then until it gives 0.
func (g Sessions) Sweep(ctx context.Context) (int, error) {
	return write(ctx, g.s, sessionsSweep, "", func(ctx context.Context, c *call) (int, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		pending, err := c.pendings().sweepPending(ctx)
		if err != nil {
			return 0, err
		}
		total, err := c.sessions().sweepSessions(ctx)
		return total + pending, err
	})
}

func (ss sessionRules) sweepSessions(ctx context.Context) (int, error) {
	due := listSpan{Limit: swept, Order: ByDue}
	sessions, err := ss.c.tx.Sessions().List(ctx, sessionFilter{DueBefore: ss.c.now.Add(-sessionsRemembered)}, due)
	if err != nil {
		return 0, err
	}
	tokens, err := ss.c.tx.Secrets().List(ctx, secretFilter{DueBefore: ss.c.now.Add(-secretsRemembered)}, due)
	if err != nil {
		return 0, err
	}
	total := 0
	if len(sessions) > 0 {
		ids := make([]SessionID, len(sessions))
		for i, s := range sessions {
			ids[i] = s.ID
		}
		if total, err = ss.c.tx.Sessions().DeleteAll(ctx, sessionFilter{ID: typed.Of(ids...)}); err != nil {
			return 0, err
		}
	}
	if len(tokens) == 0 {
		return total, nil
	}
	ids := make([]storedSecretID, len(tokens))
	for i, s := range tokens {
		ids[i] = s.ID
	}
	n, err := ss.c.tx.Secrets().DeleteAll(ctx, secretFilter{ID: typed.Of(ids...)})
	return total + n, err
}
