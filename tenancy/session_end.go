package tenancy

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Revoke ends a session (rule S2). If the host or the session's user calls it, it ends all entries of the
// session's client. Administrators of an organization can end only the entries into that organization; the user
// then needs a new sign-in for it in this browser. On an entry that has ended, Revoke changes nothing and
// writes no event. If a newer sign-in has replaced the entry, Revoke ends the newer one.
//
// Errors: [ErrNotFound]; [ErrForbidden] for a member with more permissions than the actor (rule R6).
func (g Sessions) Revoke(ctx context.Context, id SessionID) error {
	return exec(ctx, g.s, sessionsRevoke, id.String(), func(ctx context.Context, c *call) error {
		s, err := c.sessions().lockSession(ctx, id)
		if err != nil {
			return err
		}
		if err := c.sessions().mayRevoke(ctx, s); err != nil {
			return err
		}
		ends := sessionFilter{ID: typed.Of(id)}
		all, err := c.sessions().endsAll(ctx, s)
		if err != nil {
			return err
		}
		switch {
		case all:
			ends = sessionFilter{ClientID: typed.Of(s.ClientID)}
		case s.EndReason == EndedReplaced: // revoke the one that replaced it
			ends = sessionFilter{ClientID: typed.Of(s.ClientID), OrganizationID: typed.Of(s.OrganizationID)}
		}
		return c.sessions().endSessions(ctx, ends, EndedRevoked)
	})
}

// endsAll reports whether the actor ends a session with all of its entries, as the host and the session's user
// do. A user who acts through a session that is confined, or counts as confined, ends only the one entry (rule
// P6).
func (ss sessionRules) endsAll(ctx context.Context, s Session) (bool, error) {
	p := ss.c.service.principal
	switch {
	case p == nil:
		return true, nil
	case p.user != s.UserID || p.session != nil && p.session.Confined:
		return false, nil
	case p.session == nil:
		return true, nil
	}
	own, err := ss.c.tx.Sessions().Get(ctx, p.session.ID)
	if err != nil {
		return false, err
	}
	held, err := ss.upheld(ctx, own)
	if err != nil {
		return false, err
	}
	return ss.speaksFor(ctx, held)
}

// lockSession takes the locks of a session's user and organization, and checks that the actor may make the
// call. Under the user's lock the session cannot move.
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

// get reads a session for the actor, as [invitationRules.authorizedInvitation] reads an invitation.
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

// mayTell lets an actor see their own sessions, and those in an organization whose sessions they may read.
// Other sessions are not found.
func (ss sessionRules) mayTell(ctx context.Context, s Session) error {
	p := ss.c.service.principal
	if p != nil && p.user != s.UserID && s.OrganizationID.IsZero() {
		return ss.c.access().unreachable(ctx, noUser, notFound(s.ID))
	}
	return ss.c.access().authorize(ctx, scope{organization: s.OrganizationID, user: s.UserID, missing: notFound(s.ID)})
}

// mayRevoke refuses an actor who acts on a member with more permissions than the actor has (rule R6).
func (ss sessionRules) mayRevoke(ctx context.Context, s Session) error {
	p := ss.c.service.principal
	switch {
	case p == nil || p.user == s.UserID:
		return nil
	case s.EndReason == EndedReplaced: // this is about the session that replaced it, which may have another membership
		m, err := ss.c.members().get(ctx, s.OrganizationID, s.UserID)
		if CodeOf(err) == ErrNotFound { // then no session has replaced it
			return nil
		}
		if err != nil {
			return err
		}
		return ss.c.members().mayTouch(ctx, m)
	case !s.EndedAt.IsZero():
		return nil
	}
	m, err := ss.c.tx.Memberships().Get(ctx, s.MembershipID)
	if err != nil {
		return err
	}
	return ss.c.members().mayTouch(ctx, m)
}

// RevokeAll ends all of a user's sessions in all organizations (rule S2), and their pending sign-ins (rule P5).
// It spares the clients to which the sessions in but belong.
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

// RevokeByOrganization ends every session in an organization, also those of owners and of the caller (rules S2,
// O2). It is one write and one event, for any number of sessions: the organization records the time, and all
// sessions from before have ended.
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

// endAllSessions sets the time at which all sessions in an organization end (rule O2). The caller saves the
// organization.
func (ss sessionRules) endAllSessions(org *Organization) {
	org.SessionsEndedAt = laterThan(ss.c.now, org.SessionsEndedAt)
}

// SignOut ends the session of a token, with all its entries. Call it when the user signs out.
//
// Errors: [ErrInvalidToken], [ErrSessionEnded], [ErrSessionExpired].
func (g Sessions) SignOut(ctx context.Context, token string) error {
	return exec(ctx, g.s, sessionsSignOut, "", func(ctx context.Context, c *call) error {
		secret, err := c.sessions().lockToken(ctx, token, OrganizationID{})
		if err != nil {
			return err
		}
		live, err := c.sessions().liveOf(ctx, sessionFilter{ClientID: typed.Of(secret.client())})
		if err == nil && len(live) == 0 {
			err = c.sessions().whyOver(ctx, secret)
		}
		if err != nil {
			return err
		}
		return c.sessions().end(ctx, EndedSignOut, live...)
	})
}

// endSessions ends the live sessions that pass a filter, except those of the clients of the sessions in but. It
// also ends the tokens that have no session left (rule S2). The caller holds the lock of each user or
// organization concerned, so that no session starts meanwhile.
func (ss sessionRules) endSessions(ctx context.Context, f sessionFilter, why EndReason, but ...SessionID) error {
	live, err := ss.liveOf(ctx, f)
	if err != nil {
		return err
	}
	kept, err := ss.clientsOf(ctx, f, live, but)
	if err != nil {
		return err
	}
	live = slices.DeleteFunc(live, func(s Session) bool { return slices.Contains(kept, s.ClientID) })
	return ss.end(ctx, why, live...)
}

// clientsOf returns the clients of the given sessions that pass a filter. It looks among the live ones, and
// reads those that have ended.
func (ss sessionRules) clientsOf(ctx context.Context, f sessionFilter, live []Session, ids []SessionID) (clients []SessionID, err error) {
	var ended []SessionID
	for _, id := range ids {
		if i := slices.IndexFunc(live, func(s Session) bool { return s.ID == id }); i >= 0 {
			clients = append(clients, live[i].ClientID)
		} else if !id.IsZero() {
			ended = append(ended, id)
		}
	}
	if len(ended) == 0 {
		return clients, nil
	}
	f.ID = typed.Of(ended...)
	found, err := ss.c.tx.Sessions().List(ctx, f, listSpan{Limit: len(ended)})
	for _, s := range found {
		clients = append(clients, s.ClientID)
	}
	return clients, err
}

// end ends sessions. It also sets their expiry to now, so that a sweep finds expired and ended sessions by one
// date. The token of a client ends with its last session.
func (ss sessionRules) end(ctx context.Context, why EndReason, live ...Session) error {
	if len(live) == 0 {
		return nil
	}
	var clients []SessionID
	for _, s := range live {
		if !slices.Contains(clients, s.ClientID) {
			clients = append(clients, s.ClientID)
		}
		before := s
		s.EndedAt, s.EndReason, s.ExpiresAt = ss.c.now, why, ss.c.now
		if err := put(ctx, ss.c, ss.c.tx.Sessions().Update, &s); err != nil {
			return err
		}
		if err := ss.recordSession(ctx, EventSessionEnded, s, &before, EventPerson{}); err != nil {
			return err
		}
	}
	left, err := ss.c.tx.Sessions().List(ctx, ss.living(sessionFilter{ClientID: typed.Of(clients...)}), listSpan{Limit: math.MaxInt32})
	if err != nil {
		return err
	}
	var dead []string
	for _, client := range clients {
		if !slices.ContainsFunc(left, func(s Session) bool { return s.ClientID == client }) {
			dead = append(dead, client.String())
		}
	}
	if len(dead) == 0 {
		return nil
	}
	return ss.c.spendOf(ctx, secretSession, dead...)
}

// living narrows a filter to sessions that have neither ended nor expired. An ended session has expired, too,
// so an index skips it, however often somebody signs in (rule G9).
func (ss sessionRules) living(f sessionFilter) sessionFilter {
	f.Ended, f.DueAfter = typed.Of(false), ss.c.now
	return f
}

// liveOf returns the sessions that pass a filter and have neither ended nor expired, by id. A user, and so a
// membership, has at most Limits.UserSessions of them.
func (ss sessionRules) liveOf(ctx context.Context, f sessionFilter) ([]Session, error) {
	live, err := ss.c.tx.Sessions().List(ctx, ss.living(f), listSpan{Limit: math.MaxInt32, Order: ByDue})
	slices.SortFunc(live, func(a, b Session) int { return a.ID.Compare(b.ID) })
	return live, err
}

// liveSessions returns a user's sessions that have neither ended nor expired, by id.
func (ss sessionRules) liveSessions(ctx context.Context, user UserID) ([]Session, error) {
	return ss.liveOf(ctx, sessionFilter{UserID: typed.Of(user)})
}

// makeRoom ends the oldest of a user's sessions where another one would be too many. Confined sessions end
// first; and if the new one is confined, first those that came through the same connection. So a provider that
// proves nothing about a user, and signs in as them over and over, ends only sessions of its own. If the new
// session is another entry of a client that exists already, current is that client's current entry. Then the
// client's other entries end before those of other clients, and the current entry ends last.
func (ss sessionRules) makeRoom(ctx context.Context, coming Session, current SessionID) error {
	most := ss.c.instance.config.Limits.UserSessions
	added := coming.ClientID != coming.ID
	there := 0
	if added {
		there = 1
	}
	n, err := ss.c.tx.Sessions().Count(ctx, ss.living(sessionFilter{UserID: typed.Of(coming.UserID)}))
	if err != nil || n-there < most {
		return err
	}
	live, err := ss.liveSessions(ctx, coming.UserID)
	if err != nil {
		return err
	}
	live = slices.DeleteFunc(live, func(s Session) bool { return s.ID == coming.ID })
	stays := func(s Session) int {
		switch {
		case s.ID == current:
			return 4
		case coming.Confined && s.Confined && s.ConnectionID == coming.ConnectionID:
			return 0
		case added && s.ClientID == coming.ClientID && !coming.Confined:
			return 1
		case s.Confined:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(live, func(a, b Session) int {
		return cmp.Or(cmp.Compare(stays(a), stays(b)), a.CreatedAt.Compare(b.CreatedAt))
	})
	return ss.end(ctx, EndedTooMany, live[:max(0, len(live)-most+1)]...)
}

const (
	sessionsRemembered = 30 * 24 * time.Hour // how long an expired or ended session is kept, at least
	swept              = 500                 // the most sessions, and the most tokens, that one Sweep deletes
	sweepEvery         = 10 * time.Minute
)

// Sweep deletes sessions that expired or ended over 30 days ago (or Config.SessionFor ago, if that is longer),
// tokens of all kinds that did so over 30 days ago, and expired pending sign-ins. It deletes a part of each, so
// that it blocks others for a short time only, and returns how many it deleted. [Service.Run] calls it every
// ten minutes. Without Run, call it from time to time until it returns 0.
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
	// A revoked entry is kept as long as evidence from before may be valid: see outlived.
	remembered := max(sessionsRemembered, ss.c.instance.config.SessionFor)
	sessions, err := ss.c.tx.Sessions().List(ctx, sessionFilter{DueBefore: ss.c.now.Add(-remembered)}, due)
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
