package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
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
	return write(ctx, g.s, sessionsSwitch, "", func(ctx context.Context, c *call) (StartedSession, error) {
		return c.sessions().switchTo(ctx, token, organization)
	})
}

func (ss sessionRules) switchTo(ctx context.Context, raw string, id OrganizationID) (StartedSession, error) {
	secret, s, err := ss.lockToken(ctx, raw, id)
	if err != nil {
		return StartedSession{}, err
	}
	if err := ss.entranceAhead(ctx, s.UserID, id); err != nil {
		return StartedSession{}, err
	}
	held, err := ss.upheld(ctx, s)
	if err != nil {
		return StartedSession{}, err
	}
	if s.Confined && s.OrganizationID != id {
		return StartedSession{}, refusedSignIn("the session is confined to its organization")
	}
	if held.connection.OrganizationID != id {
		speaks, err := ss.speaksFor(ctx, held)
		if err != nil {
			return StartedSession{}, err
		}
		if !speaks {
			return StartedSession{}, refusedSignIn("the connection that the session came through says nothing about the person's address")
		}
	}
	at, err := ss.entrance(ctx, s.UserID, id)
	if err != nil {
		return StartedSession{}, err
	}
	if ss.rested(s, at.organization) {
		return StartedSession{}, refusedSignIn("the session went unused for too long, or is from before all sessions there ended")
	}
	if err := ss.c.policies().satisfies(ctx, held.user, id, s.evidence()); err != nil {
		return StartedSession{}, err
	}
	before := s
	home := held.home
	if home == nil && !s.ConnectionID.IsZero() {
		home = held.organization
	}
	ss.place(&s, at.organization, at.membership, home)
	if !ss.c.now.Before(s.ExpiresAt) {
		return StartedSession{}, refusedSignIn("the session is too old there")
	}
	return ss.rotate(ctx, secret, before, s)
}

// speaksFor reports whether the connection that a session came through, if it did, can
// verify the person's address still (rule P6): the domain may be gone, or the address have
// moved. If it cannot, the session is good for nothing outside the connection's organization.
func (ss sessionRules) speaksFor(ctx context.Context, held sessionFacts) (bool, error) {
	home := held.connection.OrganizationID
	if home.IsZero() {
		return true, nil
	}
	return ss.c.connections().speaks(ctx, home, held.user.EmailKey)
}

// rested reports whether a session would have ended, had it been at an organization all the
// while: it began before all sessions there were ended, or was not used for longer than the
// organization allows (rule S2). When it was last seen is known to a minute. A clock that
// has not come to the end of all sessions yet was set back, and says nothing of before.
func (ss sessionRules) rested(s Session, org *Organization) bool {
	if org == nil {
		return false
	}
	idle, _ := ss.c.instance.config.sessionLimits(org)
	earlier := ss.c.now.After(org.SessionsEndedAt) && !s.CreatedAt.After(org.SessionsEndedAt)
	return earlier || !ss.c.now.Before(s.LastSeenAt.Add(idle+time.Minute))
}

// rotate keeps a session that has moved, and gives it a new token for the old one.
func (ss sessionRules) rotate(ctx context.Context, old storedSecret, before, s Session) (StartedSession, error) {
	if err := put(ctx, ss.c, ss.c.tx.Sessions().Update, &s); err != nil {
		return StartedSession{}, err
	}
	if err := ss.c.spend(ctx, old); err != nil {
		return StartedSession{}, err
	}
	token, err := ss.issueSession(ctx, s)
	if err != nil {
		return StartedSession{}, err
	}
	s.LastSeenAt = ss.c.now
	if err := ss.c.tx.Sessions().Touch(ctx, s.ID, ss.c.now); err != nil {
		return StartedSession{}, err
	}
	if err := ss.arrived(ctx, s); err != nil {
		return StartedSession{}, err
	}
	if err := ss.recordDeparture(ctx, before, s); err != nil {
		return StartedSession{}, err
	}
	return StartedSession{s, token}, ss.recordSession(ctx, EventSessionSwitched, s, &before, EventPerson{})
}

// lockToken finds the session of a token, takes the locks of its user and of an
// organization if one is named, and asks whether the actor may. What it gives was
// read under the locks. From then on it is the session's user who acts, through it (rule
// G12).
func (ss sessionRules) lockToken(ctx context.Context, raw string, organization OrganizationID) (storedSecret, Session, error) {
	_, s, err := ss.bearer(ctx, raw)
	if err != nil {
		return storedSecret{}, Session{}, err
	}
	if err := ss.lockSwitch(ctx, s, organization); err != nil {
		return storedSecret{}, Session{}, err
	}
	secret, s, err := ss.bearer(ctx, raw)
	if err != nil {
		return storedSecret{}, Session{}, err
	}
	if err := ss.c.access().authorize(ctx, scope{user: s.UserID}); err != nil {
		return storedSecret{}, Session{}, err
	}
	ss.c.actor, ss.c.through = Actor{Kind: ActorUser, ID: s.UserID.String()}, s.ID.String()
	return secret, s, nil
}

// lockSwitch takes the locks of a session's user, of the organization that they want to be at,
// and of the home of their connection. Of an organization that they are not in it takes none:
// otherwise anybody could make its writers wait. Nobody gets into one without the user's lock.
func (ss sessionRules) lockSwitch(ctx context.Context, s Session, organization OrganizationID) error {
	if ss.c.instance.singleWriter || organization.IsZero() {
		return ss.lockBearer(ctx, s.UserID)
	}
	home, err := ss.cameThrough(ctx, s.ConnectionID)
	if err != nil {
		return err
	}
	if err := ss.lockBearer(ctx, s.UserID); err != nil {
		return err
	}
	pair := membershipFilter{OrganizationID: typed.Of(organization), UserID: typed.Of(s.UserID)}
	n, err := ss.c.tx.Memberships().Count(ctx, pair)
	if err != nil {
		return err
	}
	if n == 0 {
		organization = OrganizationID{}
	}
	return ss.lockBearer(ctx, s.UserID, organization, home.OrganizationID)
}

// entrance finds the organization that somebody wants to be at, and their membership
// there. To whoever is no active member it is not there; one that is suspended is
// closed to members too. None named, none found.
func (ss sessionRules) entrance(ctx context.Context, user UserID, id OrganizationID) (sessionFacts, error) {
	if id.IsZero() {
		return sessionFacts{}, nil
	}
	m, err := ss.c.members().get(ctx, id, user)
	if CodeOf(err) == ErrNotFound {
		return sessionFacts{}, notFound(id)
	}
	if err != nil {
		return sessionFacts{}, err
	}
	org, err := ss.c.tx.Organizations().Get(ctx, id)
	switch {
	case err != nil:
		return sessionFacts{}, err
	case m.Status != MembershipActive || !org.ArchivedAt.IsZero():
		return sessionFacts{}, notFound(id)
	case !org.SuspendedAt.IsZero():
		return sessionFacts{}, &Error{Code: ErrOrganizationClosed}
	}
	return sessionFacts{organization: &org, membership: &m}, nil
}

func refusedSignIn(reason string) error {
	return &Error{Code: ErrSignInRefused, Reason: reason}
}
