package tenancy

import (
	"cmp"
	"context"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// Switch makes the entry into an organization the current one (rule S1). If there is none, it adds one, as
// [Sessions.Enter] does. With the zero id no organization is current, and the entries stay. The token stays the
// same, and so do the other entries: another browser tab goes on in its organization. The current entry is the
// one that [Sessions.Authenticate] returns if no organization is named.
//
// The Decision is that of Enter. With the zero id its Session is the one that Authenticate then returns.
//
// Errors: those of Enter, except the one for the zero id.
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
	if s.OrganizationID.IsZero() { // no organization is current already
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

// speaksFor reports whether the connection that a session came through can still verify the user's address
// (rule P6). It cannot after the domain is lost, or after the user changed the address. Then the session is
// valid only in the connection's organization. A session without a connection always passes.
func (ss sessionRules) speaksFor(ctx context.Context, held sessionFacts) (bool, error) {
	home := held.connection.OrganizationID
	if home.IsZero() {
		return true, nil
	}
	return ss.c.connections().speaks(ctx, home, held.user.EmailKey)
}

// rested reports whether a session would have ended if it had been in an organization all the time: its
// evidence is older than the end of all sessions there, or it was unused for longer than the organization
// allows (rule S2). The time of its last use is known to the minute.
func (ss sessionRules) rested(s Session, org *Organization) bool {
	if org == nil {
		return false
	}
	idle, _ := ss.c.instance.config.sessionLimits(org)
	return !s.ProvedAt.After(org.SessionsEndedAt) || !ss.c.now.Before(s.LastSeenAt.Add(idle+time.Minute))
}

// lockToken finds the secret of a session's token, takes the locks of its user and of an organization if one is
// named, and checks that the actor may make the call. Its result was read under the locks. From then on the
// actor of the call is the session's user, through the session (rule G12).
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

// lockEntrance takes the locks of a user and of the organization that they want to enter. If they are not in
// that organization, it does not lock it: otherwise anybody could make its writers wait. Nobody gets in without
// the user's lock.
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

// entrance finds the organization that a user wants to enter, and their membership in it. It is not found for a
// user who is not an active member; a suspended organization is closed for its members, too. The zero id finds
// nothing.
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
