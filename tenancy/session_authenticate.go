package tenancy

import (
	"cmp"
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Authenticated is the user who bears a session's token, with their session, organization and membership.
type Authenticated struct {
	Session      Session      `json:"session"`               // the entry that the request uses
	User         User         `json:"user"`                  // the bearer of the token
	Organization Organization `json:"organization,omitzero"` // zero: none chosen
	// Member is the membership in the organization; its Roles are sorted by priority, the primary one first (rule R4).
	Member Member `json:"member,omitzero"`
}

// Authenticate returns the user of a session token, and the entry that the request uses (rule S1). With an
// organization, it is the entry into that organization, which [Sessions.Enter] adds. So two tabs of a browser
// can work in two organizations. With the zero id, it is the entry that [Sessions.Switch] or the last sign-in
// made current. If that entry has ended and another one lives, no organization is chosen: the Session is then
// one of the others, without its organization, and serves only for calls that need none.
//
// Each call reads and checks the user, the organization, the membership and the limits of age and idleness
// again; sessions are not cached. It reads one snapshot. Where an entry exists, the number of statements is the
// same for everybody.
//
// At most once a minute, or once in a tenth of the idle limit if that is shorter, Authenticate records that the
// session was used. That is a write of its own, without an event. If it fails, the failure is logged to
// Config.Logger, and the call succeeds.
//
// On a bound Service the Organization has only its id, name and slug.
//
// Errors: [ErrInvalidToken]; [ErrSessionExpired]; [ErrSessionEnded] with the [EndReason] as its Reason;
// [ErrNotFound] where the session lives and has no entry into the organization, whether or not that
// organization exists.
func (g Sessions) Authenticate(ctx context.Context, token string, in OrganizationID) (Authenticated, error) {
	type answer struct {
		Authenticated
		seen time.Time // zero: nothing to record
	}
	found, err := read(ctx, g.s, sessionsAuthenticate, "", func(ctx context.Context, c *call) (answer, error) {
		if err := c.sessions().readAhead(ctx, token, in); err != nil {
			return answer{}, err
		}
		secret, err := c.sessions().open(ctx, token)
		if err != nil {
			return answer{}, err
		}
		if err := c.access().authorize(ctx, scope{user: secret.UserID}); err != nil {
			return answer{}, err
		}
		s, held, err := c.sessions().opened(ctx, secret, in)
		if err != nil {
			return answer{}, err
		}
		var seen time.Time
		// An entry that stands in for the current one is not used in its own organization.
		if !held.standsIn && c.now.Sub(s.LastSeenAt) >= c.instance.config.seenEvery(held.organization) {
			seen = c.now
		}
		authenticated, err := c.sessions().authenticated(ctx, s, held)
		return answer{authenticated, seen}, err
	})
	if err != nil {
		return Authenticated{}, err
	}
	if !found.seen.IsZero() && g.s.touchSession(ctx, found.Session.ID, found.seen) {
		found.Session.LastSeenAt = found.seen
	}
	found.User = g.s.redact(found.User)
	if g.s.principal != nil { // a guest may not read the whole organization either
		org := found.Organization
		found.Organization = Organization{ID: org.ID, DisplayName: org.DisplayName, Slug: org.Slug}
	}
	return found.Authenticated, nil
}

// seenEvery is how often the use of a session is recorded.
func (c Config) seenEvery(org *Organization) time.Duration {
	idle, _ := c.sessionLimits(org)
	return min(idle/10, time.Minute)
}

// touchPatience is how long a request waits for other writers before it gives up recording that a session was
// used.
const touchPatience = 250 * time.Millisecond

func (s *Service) touchSession(ctx context.Context, id SessionID, at time.Time) bool {
	ctx, cancel := context.WithTimeout(ctx, touchPatience)
	defer cancel()
	err := s.store.Update(ctx, func(rows store.Rows) error { return newTxn(rows).Sessions().Touch(ctx, id, at) })
	if err != nil {
		s.instance.config.Logger.WarnContext(ctx, "freehold: a session's last use could not be noted", "session", id.String(), "error", err)
	}
	return err == nil
}

// open finds the secret of a session's token. It does not check whether an entry is still valid: see
// [sessionRules.opened].
func (ss sessionRules) open(ctx context.Context, raw string) (storedSecret, error) {
	raw = readToken(raw)
	secret, err := ss.c.secret(ctx, secretSession, raw)
	switch CodeOf(err) {
	case ErrTokenUsed:
		err = ss.whySpent(ctx, raw)
	case ErrTokenExpired:
		err = &Error{Code: ErrSessionExpired, Field: "token"}
	}
	return secret, err
}

// whySpent returns the error for a token that is not valid any more: its session has ended, or has a newer
// token.
func (ss sessionRules) whySpent(ctx context.Context, raw string) error {
	hash, _ := hashToken(raw)
	secret, err := ss.c.tx.Secrets().Get(ctx, hash)
	if err != nil {
		return err
	}
	if secret.SessionID.IsZero() {
		n, err := ss.c.tx.Sessions().Count(ctx, ss.living(sessionFilter{ClientID: typed.Of(secret.client())}))
		if err == nil && n == 0 {
			err = sessionEnded(EndedNoEntry)
		}
		return cmp.Or(err, sessionEnded(endedRotated))
	}
	s, err := ss.c.tx.Sessions().Get(ctx, secret.SessionID)
	if err != nil && CodeOf(err) != ErrNotFound {
		return err
	}
	return sessionEnded(cmp.Or(s.EndReason, endedRotated))
}

// endedRotated is the Reason of a token that a newer one has replaced.
const endedRotated EndReason = "token_replaced"

// current returns the current entry if it is live, and the error for an ended one if it is not.
func (ss sessionRules) current(ctx context.Context, secret storedSecret) (Session, error) {
	if secret.SessionID.IsZero() {
		return Session{}, sessionEnded(EndedNoEntry)
	}
	s, err := ss.c.tx.Sessions().Get(ctx, secret.SessionID)
	switch {
	case CodeOf(err) == ErrNotFound: // it was deleted with its organization
		return Session{}, sessionEnded(EndedOrganization)
	case err == nil && !s.EndedAt.IsZero():
		err = sessionEnded(s.EndReason)
	}
	return s, err
}

// opened returns the entry that a token opens, and the rows that it depends on: see [Sessions.Authenticate].
func (ss sessionRules) opened(ctx context.Context, secret storedSecret, in OrganizationID) (Session, sessionFacts, error) {
	s, why := ss.entryAt(ctx, secret, in)
	if why == nil {
		var held sessionFacts
		if held, why = ss.upheld(ctx, s); why == nil {
			return s, held, nil
		}
	}
	if !over(why) {
		return Session{}, sessionFacts{}, why
	}
	found, facts, err := ss.anyEntry(ctx, secret)
	switch {
	case err != nil:
		return Session{}, sessionFacts{}, err
	case found.ID.IsZero() && in.IsZero():
		return Session{}, sessionFacts{}, why
	case found.ID.IsZero():
		return Session{}, sessionFacts{}, ss.whyOver(ctx, secret)
	case !in.IsZero():
		return Session{}, sessionFacts{}, notFound(in)
	}
	found, facts = found.nowhere(facts)
	return found, facts, nil
}

// over reports whether an error says that an entry is not valid any more.
func over(err error) bool { return CodeOf(err) == ErrSessionEnded || CodeOf(err) == ErrSessionExpired }

// whyOver returns the error for a session that has no entry left: the one of its current entry.
func (ss sessionRules) whyOver(ctx context.Context, secret storedSecret) error {
	s, err := ss.current(ctx, secret)
	if err == nil {
		_, err = ss.upheld(ctx, s)
	}
	return err
}

func sessionEnded(why EndReason) error {
	return &Error{Code: ErrSessionEnded, Field: "token", Reason: string(why)}
}

// sessionFacts are the rows that a session depends on.
type sessionFacts struct {
	user         User
	connection   Connection    // the connection that it came through; zero: none
	home         *Organization // the connection's organization, if that is not the chosen one
	organization *Organization // nil: none chosen
	membership   *Membership   // in that organization
	standsIn     bool          // an entry into an organization that is shown where none is chosen
}

// upheld reads the rows that a session depends on, and refuses a session that is not valid any more (rules S1,
// S2).
func (ss sessionRules) upheld(ctx context.Context, s Session) (sessionFacts, error) {
	if !s.EndedAt.IsZero() {
		return sessionFacts{}, sessionEnded(s.EndReason)
	}
	user, err := ss.c.users().get(ctx, s.UserID)
	switch code := CodeOf(err); {
	case code == ErrMerged:
		return sessionFacts{}, sessionEnded(EndedMerged)
	case code == ErrNotFound || err == nil && !user.SuspendedAt.IsZero():
		return sessionFacts{}, sessionEnded(EndedUser)
	case err != nil:
		return sessionFacts{}, err
	}
	held := sessionFacts{user: user}
	if err := ss.stillVouched(ctx, s, &held); err != nil {
		return sessionFacts{}, err
	}
	if !s.OrganizationID.IsZero() {
		if err := ss.upheldThere(ctx, s, &held); err != nil {
			return sessionFacts{}, err
		}
	}
	if ss.c.now.Before(ss.c.instance.config.runsOut(s, held.organization)) {
		return held, nil
	}
	return sessionFacts{}, &Error{Code: ErrSessionExpired, Field: "token"}
}

// stillVouched refuses a session whose connection does not vouch for it any more (rules P6, P9). The connection
// was disabled, deleted or moved to another provider, or its organization was suspended or archived; or the
// session is in another organization, and the connection cannot verify the user's address any more.
func (ss sessionRules) stillVouched(ctx context.Context, s Session, held *sessionFacts) error {
	if s.ConnectionID.IsZero() {
		return nil
	}
	c, err := ss.c.tx.Connections().Get(ctx, s.ConnectionID)
	switch {
	case CodeOf(err) == ErrNotFound || err == nil && !c.upholds(s):
		return sessionEnded(EndedConnection)
	case err != nil:
		return err
	}
	held.connection = c
	if c.OrganizationID == s.OrganizationID {
		return nil
	}
	home, err := ss.c.tx.Organizations().Get(ctx, c.OrganizationID)
	if err != nil {
		return err
	}
	held.home = &home
	speaks, err := ss.speaksFor(ctx, *held)
	if err == nil && (!speaks || home.ended(s)) {
		err = sessionEnded(EndedConnection)
	}
	return err
}

// upholds reports whether a connection still vouches for a session that came through it.
func (c Connection) upholds(s Session) bool {
	return c.State == ConnectionActive && c.SessionsEpoch == s.ConnectionEpoch
}

// upheldThere does the part of upheld for the organization and the membership.
func (ss sessionRules) upheldThere(ctx context.Context, s Session, held *sessionFacts) error {
	org, err := ss.c.tx.Organizations().Get(ctx, s.OrganizationID)
	if err != nil && CodeOf(err) != ErrNotFound {
		return err
	}
	if err != nil || org.ended(s) {
		return sessionEnded(EndedOrganization)
	}
	m, err := ss.c.tx.Memberships().Get(ctx, s.MembershipID)
	switch {
	case CodeOf(err) == ErrNotFound || err == nil && m.UserID != s.UserID:
		return sessionEnded(EndedRemoved)
	case err != nil:
		return err
	case m.Status != MembershipActive:
		return sessionEnded(EndedDeactivated)
	}
	held.organization, held.membership = &org, &m
	return nil
}

// ended reports whether an organization has ended a session in it, with all others.
func (org Organization) ended(s Session) bool {
	return !org.SuspendedAt.IsZero() || !org.ArchivedAt.IsZero() || !s.SelectedAt.After(org.SessionsEndedAt)
}

// runsOut returns when a session expires, unless it is used before.
func (c Config) runsOut(s Session, org *Organization) time.Time {
	idle, longest := c.sessionLimits(org)
	first := s.ExpiresAt
	for _, limit := range []time.Time{s.ProvedAt.Add(longest), s.LastSeenAt.Add(idle)} {
		if limit.Before(first) {
			first = limit
		}
	}
	return first
}

// authenticated returns the rows of a session in the form that Authenticate returns.
func (ss sessionRules) authenticated(ctx context.Context, s Session, held sessionFacts) (Authenticated, error) {
	found := Authenticated{Session: s, User: held.user}
	if held.organization == nil {
		return found, nil
	}
	found.Organization = *held.organization
	members, err := ss.c.members().views(ctx, []Membership{*held.membership}, []Organization{*held.organization}, []User{held.user})
	if err != nil {
		return Authenticated{}, err
	}
	found.Member = members[0]
	return found, nil
}
