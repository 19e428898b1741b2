package tenancy

import (
	"cmp"
	"context"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Switch makes the entry into an organization the current one, and adds it as [Sessions.Enter] does
// where there is none (rule S1). With the zero id no organization is current; the entries stay. The
// token stays the same, and so do the other entries: another tab goes on in its organization. The
// current entry is what [Sessions.Authenticate] gives where no organization is named.
//
// The Decision is that of Enter. With the zero id its Session is as Authenticate gives it then.
//
// Errors: those of Enter, but for the zero id.
func (g Sessions) Switch(ctx context.Context, token string, organization OrganizationID) (Decision, error) {
	return write(ctx, g.s, sessionsSwitch, "", func(ctx context.Context, c *call) (Decision, error) {
		if organization.IsZero() {
			return c.sessions().leave(ctx, token)
		}
		d, secret, err := c.sessions().enter(ctx, token, organization)
		if err != nil || d.Kind != DecisionSignedIn {
			return d, err
		}
		return d, c.sessions().keepCurrent(ctx, secret, d.Session.ID)
	})
}

// leave makes no entry current.
func (ss sessionRules) leave(ctx context.Context, raw string) (Decision, error) {
	secret, err := ss.lockToken(ctx, raw, OrganizationID{})
	if err != nil {
		return Decision{}, err
	}
	s, held, err := ss.opened(ctx, secret, OrganizationID{})
	if err != nil {
		return Decision{}, err
	}
	if s.OrganizationID.IsZero() { // as it is
		return Decision{Kind: DecisionSignedIn, User: held.user, Session: s}, nil
	}
	if err := ss.keepCurrent(ctx, secret, SessionID{}); err != nil {
		return Decision{}, err
	}
	secret.SessionID = SessionID{}
	s, held, err = ss.anyEntry(ctx, secret)
	if err != nil {
		return Decision{}, err
	}
	s, held = s.nowhere(held)
	return Decision{Kind: DecisionSignedIn, User: held.user, Session: s}, nil
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
// while: its evidence is from before all sessions there were ended, or it was not used for longer
// than the organization allows (rule S2). When it was last seen is known to a minute.
func (ss sessionRules) rested(s Session, org *Organization) bool {
	if org == nil {
		return false
	}
	idle, _ := ss.c.instance.config.sessionLimits(org)
	return !s.ProvedAt.After(org.SessionsEndedAt) || !ss.c.now.Before(s.LastSeenAt.Add(idle+time.Minute))
}

// lockToken finds the secret of a session's token, takes the locks of its user and of an
// organization if one is named, and asks whether the actor may. What it gives was
// read under the locks. From then on it is the session's user who acts, through it (rule
// G12).
func (ss sessionRules) lockToken(ctx context.Context, raw string, organization OrganizationID) (storedSecret, error) {
	secret, err := ss.open(ctx, raw)
	if err != nil {
		return storedSecret{}, err
	}
	if err := ss.lockEntrance(ctx, secret.UserID, organization); err != nil {
		return storedSecret{}, err
	}
	if secret, err = ss.open(ctx, raw); err != nil {
		return storedSecret{}, err
	}
	if err := ss.c.access().authorize(ctx, scope{user: secret.UserID}); err != nil {
		return storedSecret{}, err
	}
	ss.c.actor = Actor{Kind: ActorUser, ID: secret.UserID.String()}
	ss.c.client, ss.c.through = secret.client(), cmp.Or(secret.SessionID, secret.client()).String()
	return secret, nil
}

// lockEntrance takes the locks of a user, and of the organization that they want to be at. Of an
// organization that they are not in it takes none: otherwise anybody could make its writers wait.
// Nobody gets into one without the user's lock.
func (ss sessionRules) lockEntrance(ctx context.Context, user UserID, organization OrganizationID) error {
	if err := ss.lockBearer(ctx, user); err != nil || ss.c.instance.singleWriter || organization.IsZero() {
		return err
	}
	n, err := ss.c.tx.Memberships().Count(ctx, membershipFilter{OrganizationID: typed.Of(organization), UserID: typed.Of(user)})
	if err != nil || n == 0 {
		return err
	}
	return ss.lockBearer(ctx, user, organization)
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
