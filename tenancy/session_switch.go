package tenancy

import (
	"context"
	"time"
)

// Switch takes a session to another organization, or with the zero id to none (rule
// S1): membership and policies are asked as at sign-in. The session stays the same and
// gets a new token; the one given is dead at once, whether or not it was the same
// organization. Of several that switch by one token, one does.
//
// Errors: [ErrInvalidToken], [ErrSessionEnded], [ErrSessionExpired]; [ErrNotFound] for an
// organization that they are no active member of; [ErrOrganizationClosed];
// [ErrSignInRefused] with a Reason where they have to sign in anew: a policy wants
// another way (rules P2, P3), the session is older than the organization lets any
// get (rule O3), it would have ended there meanwhile (rule S2), it is confined to its own
// organization, or the connection that it came through cannot verify the person's address
// any more (rule P6). A refused one stays as it was.
func (g Sessions) Switch(ctx context.Context, token string, organization OrganizationID) (StartedSession, error) {
	return write(ctx, g.s, sessionsSwitch, "", func(ctx context.Context, w *work) (StartedSession, error) {
		return w.switchTo(ctx, token, organization)
	})
}

func (w *work) switchTo(ctx context.Context, raw string, id OrganizationID) (StartedSession, error) {
	secret, s, err := w.lockToken(ctx, raw, id)
	if err != nil {
		return StartedSession{}, err
	}
	held, err := w.upheld(ctx, s)
	if err != nil {
		return StartedSession{}, err
	}
	if s.Confined && s.OrganizationID != id {
		return StartedSession{}, refusedSignIn("the session is confined to its organization")
	}
	if held.connection.OrganizationID != id {
		speaks, err := w.speaksFor(ctx, held)
		if err != nil {
			return StartedSession{}, err
		}
		if !speaks {
			return StartedSession{}, refusedSignIn("the connection that the session came through says nothing about the person's address")
		}
	}
	at, err := w.entrance(ctx, s.UserID, id)
	if err != nil {
		return StartedSession{}, err
	}
	if w.rested(s, at.organization) {
		return StartedSession{}, refusedSignIn("the session went unused for too long, or is from before all sessions there ended")
	}
	if err := w.satisfies(ctx, held.user, id, s.evidence()); err != nil {
		return StartedSession{}, err
	}
	before := s
	home := held.home
	if home == nil && !s.ConnectionID.IsZero() {
		home = held.organization
	}
	w.place(&s, at.organization, at.membership, home)
	if !w.now.Before(s.ExpiresAt) {
		return StartedSession{}, refusedSignIn("the session is too old there")
	}
	return w.rotate(ctx, secret, before, s)
}

// speaksFor reports whether the connection that a session came through, if it did, can
// verify the person's address still (rule P6): the domain may be gone, or the address have
// moved. If it cannot, the session is good for nothing outside the connection's organization.
func (w *work) speaksFor(ctx context.Context, held holding) (bool, error) {
	home := held.connection.OrganizationID
	if home.IsZero() {
		return true, nil
	}
	return w.speaks(ctx, home, held.user.EmailKey)
}

// rested reports whether a session would have ended, had it been at an organization all the
// while: it began before all sessions there were ended, or was not used for longer than the
// organization allows (rule S2). When it was last seen is known to a minute. A clock that
// has not come to the end of all sessions yet was set back, and says nothing of before.
func (w *work) rested(s Session, org *Organization) bool {
	if org == nil {
		return false
	}
	idle, _ := w.config.sessionLimits(org)
	earlier := w.now.After(org.SessionsEndedAt) && !s.CreatedAt.After(org.SessionsEndedAt)
	return earlier || !w.now.Before(s.LastSeenAt.Add(idle+time.Minute))
}

// rotate keeps a session that has moved, and gives it a new token for the old one.
func (w *work) rotate(ctx context.Context, old Secret, before, s Session) (StartedSession, error) {
	if err := put(ctx, w, w.Sessions().Update, &s); err != nil {
		return StartedSession{}, err
	}
	if err := w.spend(ctx, old); err != nil {
		return StartedSession{}, err
	}
	token, err := w.issueSession(ctx, s)
	if err != nil {
		return StartedSession{}, err
	}
	s.LastSeenAt = w.now
	if err := w.Sessions().Touch(ctx, s.ID, w.now); err != nil {
		return StartedSession{}, err
	}
	if err := w.arrived(ctx, s); err != nil {
		return StartedSession{}, err
	}
	if err := w.recordDeparture(ctx, before, s); err != nil {
		return StartedSession{}, err
	}
	return StartedSession{s, token}, w.recordSession(ctx, EventSessionSwitched, s, &before)
}

// lockToken finds the session of a token, takes the locks of its user and of an
// organization if one is named, and asks whether the actor may. What it gives was
// read under the locks. From then on it is the session's user who acts, through it (rule
// G12).
func (w *work) lockToken(ctx context.Context, raw string, organization OrganizationID) (Secret, Session, error) {
	secret, s, err := w.bearer(ctx, raw)
	if err != nil {
		return Secret{}, Session{}, err
	}
	var home Connection
	if !w.singleWriter && !organization.IsZero() {
		if home, err = w.cameThrough(ctx, s.ConnectionID); err != nil {
			return Secret{}, Session{}, err
		}
	}
	if err := w.lockBearer(ctx, secret.UserID, organization, home.OrganizationID); err != nil {
		return Secret{}, Session{}, err
	}
	if secret, s, err = w.bearer(ctx, raw); err != nil {
		return Secret{}, Session{}, err
	}
	if err := w.authorize(ctx, scope{user: s.UserID}); err != nil {
		return Secret{}, Session{}, err
	}
	w.actor, w.through = Actor{Kind: ActorUser, ID: s.UserID.String()}, s.ID.String()
	return secret, s, nil
}

// entrance finds the organization that somebody wants to be at, and their membership
// there. To whoever is no active member it is not there; one that is suspended is
// closed to members too. None named, none found.
func (w *work) entrance(ctx context.Context, user UserID, id OrganizationID) (holding, error) {
	if id.IsZero() {
		return holding{}, nil
	}
	m, err := w.membership(ctx, id, user)
	if CodeOf(err) == ErrNotFound {
		return holding{}, notFound(id)
	}
	if err != nil {
		return holding{}, err
	}
	org, err := w.Organizations().Get(ctx, id)
	switch {
	case err != nil:
		return holding{}, err
	case m.Status != MembershipActive || !org.ArchivedAt.IsZero():
		return holding{}, notFound(id)
	case !org.SuspendedAt.IsZero():
		return holding{}, &Error{Code: ErrOrganizationClosed}
	}
	return holding{organization: &org, membership: &m}, nil
}

func refusedSignIn(reason string) error {
	return &Error{Code: ErrSignInRefused, Reason: reason}
}
