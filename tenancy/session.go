package tenancy

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
)

// EndReason is the reason why a session ended (rule S2).
type EndReason string

// The reasons. A session that expired has none.
const (
	EndedSignOut EndReason = "signed_out" // the user signed out
	// EndedRevoked: the user revoked it from another session, or somebody else revoked it.
	EndedRevoked     EndReason = "revoked"
	EndedDeactivated EndReason = "membership_deactivated" // the user's membership in the organization became inactive
	EndedRemoved     EndReason = "membership_removed"     // the user's membership in the organization was deleted
	EndedUser        EndReason = "user_suspended"         // the host suspended the user
	EndedMerged      EndReason = "user_merged"            // the user was merged into another
	EndedTakenOver   EndReason = "taken_over"             // the owner of the address took the account over (rule U4)
	EndedTooMany     EndReason = "too_many"               // it was the oldest beyond Limits.UserSessions
	// EndedOrganization: the organization was suspended, archived or deleted, or all its sessions were ended.
	EndedOrganization EndReason = "organization_closed"
	// EndedConnection: the connection that it came through was disabled, deleted, or moved to another provider
	// (rule P9).
	EndedConnection   EndReason = "connection_closed"
	EndedUnlinked     EndReason = "identity_unlinked" // the identity that it came by was unlinked (rule P9)
	EndedEmailChanged EndReason = "email_changed"     // the user changed their address from another session (rule U5)
	// EndedReplaced: a newer entry of the same client into the same organization replaced it (rule S1).
	EndedReplaced EndReason = "replaced"
	// EndedNoEntry: the session's last entry ended while no organization was chosen. No Session has this
	// reason; only the error for a token has it.
	EndedNoEntry EndReason = "no_entry_left"
)

// Session is an entry of a signed-in user into one organization, or a sign-in without an
// organization (rule S1). A client, such as a browser, has one token and up to 20 entries: one
// for each organization that it works in. The entries of a client have the same ClientID. Each
// has its own evidence, limits and end. An entry never moves to another organization.
type Session struct {
	ID      SessionID `json:"id"`      // never changes
	Version int64     `json:"version"` // counts changes from 1 (rule G11)
	UserID  UserID    `json:"user_id"` // the user who is signed in
	// ClientID is the id of the client's first entry, which may have ended. It is zero where the reader is not
	// the session's user.
	ClientID       SessionID      `json:"-"`
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // zero: none chosen
	MembershipID   MembershipID   `json:"membership_id,omitzero"`   // the user's membership there; zero: none chosen
	IdentityID     IdentityID     `json:"identity_id,omitzero"`     // the identity that the user came by
	Method         SignInMethod   `json:"method,omitempty"`         // how they signed in
	ConnectionID   ConnectionID   `json:"connection_id,omitzero"`   // the connection that the user came through
	SecondFactor   bool           `json:"second_factor,omitempty"`  // the user showed a second factor, too
	// ConnectionEpoch is the SessionsEpoch that the connection had at the sign-in. The session is valid as long
	// as that stays the same (rule P9).
	ConnectionEpoch int64 `json:"connection_epoch,omitempty"`
	// Confined means that the session cannot leave the organization that it was started for, because its
	// connection proves nothing elsewhere (rule P6).
	Confined bool `json:"confined,omitempty"`
	// ProvedAt is when the user showed the evidence. An entry that reuses the evidence of another entry has the
	// ProvedAt of that one.
	ProvedAt   time.Time `json:"proved_at,omitzero"`
	UserAgent  string    `json:"user_agent,omitempty"` // the user agent of the [Request] that it started with
	Address    string    `json:"address,omitempty"`    // the network address of that Request
	SelectedAt time.Time `json:"selected_at,omitzero"` // when the user entered the organization
	// ExpiresAt is when it expires at the latest (rule S1); of an ended session, when it ended.
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`    // when it ended; zero: it has not ended, or it expired
	EndReason  EndReason `json:"end_reason,omitempty"` // "" = it has not ended, or it expired
	LastSeenAt time.Time `json:"-"`                    // when it was last used; not part of the versioned row
	CreatedAt  time.Time `json:"created_at,omitzero"`  // when it was created
	UpdatedAt  time.Time `json:"updated_at,omitzero"`  // when it last changed, with Version
}

// SessionID is the id of a session, ses_...
type SessionID = ID[Session]

func (Session) idPrefix() string { return "ses" }

func (s Session) rowID() [16]byte { return s.ID }

func (s *Session) stamps() (*int64, *time.Time) { return &s.Version, &s.UpdatedAt }

// Sessions is the group of methods on sessions.
type Sessions struct{ s *Service }

// NewSession is the input of [Sessions.Start]. UserID and Method are required; the other fields may be empty.
type NewSession struct {
	UserID         UserID         // the user who signs in
	OrganizationID OrganizationID // zero = no organization is chosen yet
	// The following fields say what the user has shown. Decoding cannot set them.
	Method     SignInMethod `json:"-"` // how they signed in; 1 to 64 of a-z, 0-9, _ and -
	IdentityID IdentityID   `json:"-"` // the identity that the user came by
	// ConnectionID is the connection that the user came through; required with single sign-on, else zero.
	ConnectionID ConnectionID `json:"-"`
	SecondFactor bool         `json:"-"` // the user showed a second factor, too
	// Confined means that the session never leaves OrganizationID (rule P6). It is required in the connection's
	// own organization if the user's address is not on a verified domain of that organization.
	Confined bool `json:"-"`
}

// StartedSession is a session with its token. No other call returns the token (rule G10): put it into the
// user's cookie.
type StartedSession struct {
	Session Session `json:"session"` // the session that was started
	Token   Token   `json:"-"`       // for the cookie, or the Authorization header
	// ExpiresAt is when the token expires at the latest, for any of its entries.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Start starts a session for a host that decides about sign-ins by itself (rule S1). To leave the decision to
// the library, use [Service.SignIn]. Start refuses the users that SignIn refuses. If the user has
// Limits.UserSessions sessions already, the oldest one ends. The [Request] of ctx gives the device and the
// network address, so that the user can recognize the session later.
//
// Errors: [ErrInvalid], also for a session that must be confined; [ErrNotFound] for the user, the identity, a
// connection that is not active, or an organization of which the user is not an active member; [ErrMerged];
// [ErrForbidden] for a suspended user; [ErrOrganizationClosed]; [ErrSignInRefused] where a policy demands
// another way to sign in (rules P2, P3).
func (g Sessions) Start(ctx context.Context, in NewSession) (StartedSession, error) {
	return write(ctx, g.s, sessionsStart, in.UserID.String(), func(ctx context.Context, c *call) (StartedSession, error) {
		return c.sessions().start(ctx, in)
	})
}

func (ss sessionRules) start(ctx context.Context, in NewSession) (StartedSession, error) {
	if !providerForm.MatchString(string(in.Method)) {
		return StartedSession{}, invalid("method", "is not 1 to 64 of a-z, 0-9, _ and -")
	}
	if in.Confined && in.OrganizationID.IsZero() {
		return StartedSession{}, invalid("confined", "needs an organization")
	}
	if (in.Method == MethodSingleSignOn) == in.ConnectionID.IsZero() {
		return StartedSession{}, invalid("connection_id", "goes with single sign-on, and single sign-on with it")
	}
	through, err := ss.cameThrough(ctx, in.ConnectionID)
	if err != nil {
		return StartedSession{}, err
	}
	if err := ss.lockBearer(ctx, in.UserID, in.OrganizationID, through.OrganizationID); err != nil {
		return StartedSession{}, err
	}
	if through, err = ss.cameThrough(ctx, in.ConnectionID); err != nil {
		return StartedSession{}, err
	}
	if err := ss.c.access().authorize(ctx, scope{}); err != nil {
		return StartedSession{}, err
	}
	if err := ss.entranceAhead(ctx, in.UserID, in.OrganizationID); err != nil {
		return StartedSession{}, err
	}
	user, err := ss.c.users().get(ctx, in.UserID)
	if err != nil {
		return StartedSession{}, err
	}
	if !user.SuspendedAt.IsZero() {
		return StartedSession{}, &Error{Code: ErrForbidden, Reason: string(ReasonUserSuspended)}
	}
	home, err := ss.cameBy(ctx, user, in, through.Epoch)
	if err != nil {
		return StartedSession{}, err
	}
	at, err := ss.entrance(ctx, user.ID, in.OrganizationID)
	if err != nil {
		return StartedSession{}, err
	}
	if err := ss.c.policies().satisfies(ctx, user, in.OrganizationID, evidence{in.Method, in.ConnectionID, in.SecondFactor}); err != nil {
		return StartedSession{}, err
	}
	return ss.startSession(ctx, newSession{
		user: user, organization: at.organization, membership: at.membership, home: home, identity: in.IdentityID, method: in.Method,
		connection: in.ConnectionID, connectionEpoch: through.SessionsEpoch, secondFactor: in.SecondFactor, confined: in.Confined,
	})
}

// cameBy checks that the identity and the connection of a new session exist and fit the user. It returns the
// connection's organization.
func (ss sessionRules) cameBy(ctx context.Context, user User, in NewSession, epoch int64) (*Organization, error) {
	if !in.IdentityID.IsZero() {
		identity, err := ss.c.tx.Identities().Get(ctx, in.IdentityID)
		if err == nil && identity.UserID != in.UserID {
			err = notFound(in.IdentityID)
		}
		if err == nil {
			err = in.through(identity, epoch)
		}
		if err != nil {
			return nil, err
		}
	}
	if in.ConnectionID.IsZero() {
		return nil, nil
	}
	return ss.vouches(ctx, user, in)
}

// through refuses an identity at a provider that is not the session's, and an identity at a provider that the
// connection does not use any more.
func (in NewSession) through(identity Identity, epoch int64) error {
	if in.ConnectionID.IsZero() {
		if looksLikeConnection(identity.Provider) {
			return invalid("identity_id", "is at a connection, which is not given")
		}
		return nil
	}
	if identity.Provider != connectionProvider(in.ConnectionID) || identity.Epoch != epoch {
		return invalid("identity_id", "is not at the connection")
	}
	return nil
}

// cameThrough returns the connection that a session came through; zero if there is none.
func (ss sessionRules) cameThrough(ctx context.Context, id ConnectionID) (Connection, error) {
	if id.IsZero() {
		return Connection{}, nil
	}
	c, err := ss.c.tx.Connections().Get(ctx, id)
	if CodeOf(err) == ErrNotFound { // the caller reports that in its turn
		err = nil
	}
	return c, err
}

// vouches checks that a connection is active and that it may vouch for the user. If the user's address is not
// on a verified domain of its organization, the connection vouches for them only there (rule P6). It returns
// that organization.
func (ss sessionRules) vouches(ctx context.Context, user User, in NewSession) (*Organization, error) {
	c, err := ss.c.tx.Connections().Get(ctx, in.ConnectionID)
	if err != nil {
		return nil, err
	}
	org, err := ss.c.tx.Organizations().Get(ctx, c.OrganizationID)
	switch {
	case err != nil:
		return nil, err
	case c.State != ConnectionActive || !org.ArchivedAt.IsZero():
		return nil, notFound(c.ID)
	case !org.SuspendedAt.IsZero():
		return nil, &Error{Code: ErrOrganizationClosed}
	case in.Confined && in.OrganizationID == org.ID:
		return &org, nil
	}
	_, entitled, err := ss.c.domains().verifiedFor(ctx, org.ID, user.EmailKey)
	if err == nil && !entitled {
		err = invalid("confined", "is wanted, and the organization of the connection: it proves nothing elsewhere")
	}
	return &org, err
}

// lockBearer takes the locks for starting or moving a session: of the user, of the chosen organization, and of
// the connection's organization, as far as they exist.
func (ss sessionRules) lockBearer(ctx context.Context, user UserID, organizations ...OrganizationID) error {
	locks := []store.LockKey{lockUser(user)}
	for _, id := range organizations {
		if !id.IsZero() {
			locks = append(locks, lockOrganization(id))
		}
	}
	return ss.c.lock(ctx, locks...)
}

// newSession describes a session that is about to start. The caller holds the lock of the user, and of the
// organization if there is one.
type newSession struct {
	id                     SessionID // zero = a new one
	user                   User
	organization           *Organization // nil: none chosen
	membership             *Membership   // in that organization
	home                   *Organization // the connection's organization; nil: it came through no connection
	identity               IdentityID
	method                 SignInMethod
	connection             ConnectionID
	connectionEpoch        int64
	secondFactor, confined bool
	client                 storedSecret // the secret of the session that it is added to; zero: it is a session of its own
}

const maxUserAgent = 256 // characters

// startSession starts a session after all checks (rule S1), and records the sign-in.
func (ss sessionRules) startSession(ctx context.Context, in newSession) (StartedSession, error) {
	s := Session{
		ID: newID(ss.c, in.id), Version: 1, UserID: in.user.ID, IdentityID: in.identity, Method: in.method,
		ConnectionID: in.connection, ConnectionEpoch: in.connectionEpoch, SecondFactor: in.secondFactor, Confined: in.confined,
		ProvedAt: ss.c.now, LastSeenAt: ss.c.now, CreatedAt: ss.c.now, UpdatedAt: ss.c.now,
	}
	if s.ClientID = s.ID; !in.client.ID.IsZero() {
		s.ClientID = in.client.client()
	}
	s.noteRequest(RequestOf(ctx))
	ss.place(&s, in.organization, in.membership, in.home)
	if err := ss.addEntry(ctx, s, in.client); err != nil {
		return StartedSession{}, err
	}
	if !in.client.ID.IsZero() {
		if err := ss.c.spend(ctx, in.client); err != nil {
			return StartedSession{}, err
		}
	}
	// No entry of the token lasts longer, whatever evidence adds it.
	started := StartedSession{Session: s, ExpiresAt: s.ProvedAt.Add(ss.c.instance.config.SessionFor)}
	var err error
	started.Token, err = ss.c.issue(ctx, storedSecret{
		Kind: secretSession, UserID: s.UserID, Subject: s.ClientID.String(), SessionID: s.ID, ExpiresAt: started.ExpiresAt,
	})
	if err != nil {
		return StartedSession{}, err
	}
	if err := ss.c.tx.Users().Touch(ctx, s.UserID, ss.c.now); err != nil {
		return StartedSession{}, err
	}
	if err := ss.arrived(ctx, s); err != nil {
		return StartedSession{}, err
	}
	return started, ss.recordSession(ctx, EventSessionStarted, s, nil, in.user.person())
}

// noteRequest records the device and the network address of an entry, as far as they are known.
func (s *Session) noteRequest(r Request) {
	s.UserAgent = cmp.Or(excerpt(r.UserAgent, maxUserAgent), s.UserAgent)
	if r.Address.IsValid() {
		s.Address = r.Address.String()
	}
}

// place sets where a session is, and when it expires at the latest; its age counts from its evidence. It also
// makes the session later than the last time when all sessions in that organization, or in the connection's
// own, were ended, whatever the clocks say.
func (ss sessionRules) place(s *Session, org *Organization, m *Membership, home *Organization) {
	s.OrganizationID, s.MembershipID, s.SelectedAt = OrganizationID{}, MembershipID{}, ss.c.now
	if home != nil {
		s.SelectedAt = laterThan(s.SelectedAt, home.SessionsEndedAt)
	}
	if org != nil {
		s.OrganizationID, s.MembershipID = org.ID, m.ID
		s.SelectedAt = laterThan(s.SelectedAt, org.SessionsEndedAt)
	}
	_, longest := ss.c.instance.config.sessionLimits(org)
	s.ExpiresAt = s.ProvedAt.Add(longest)
}

// laterThan returns now, or, if instant is not before now, the time just after instant.
func laterThan(now, instant time.Time) time.Time {
	if now.After(instant) {
		return now
	}
	return instant.Add(time.Microsecond)
}

// sessionLimits returns how long a session may be unused and how old it may get: the stricter of the
// application's and the organization's limits (rule O3).
func (c Config) sessionLimits(org *Organization) (idle, longest time.Duration) {
	idle, longest = c.SessionIdle, c.SessionFor
	if org == nil {
		return idle, longest
	}
	return stricter(idle, org.Settings.SessionIdle), stricter(longest, org.Settings.SessionFor)
}

// limited ends every session in an organization whose session limits were raised, so that sessions which
// expired under the old limits do not come back (rule S2).
func (ss sessionRules) limited(before Organization, org *Organization) {
	idle, longest := ss.c.instance.config.sessionLimits(&before)
	newIdle, newLongest := ss.c.instance.config.sessionLimits(org)
	if newIdle > idle || newLongest > longest {
		ss.endAllSessions(org)
	}
}

// recordRaised writes the event that every session in an organization ended because its limits were raised. An
// organization.updated event alone does not say so (rule E1).
func (ss sessionRules) recordRaised(ctx context.Context, kind EventType, before, org Organization) error {
	if kind != EventOrganizationUpdated || org.SessionsEndedAt.Equal(before.SessionsEndedAt) {
		return nil
	}
	return ss.c.record(ctx, org.event(EventOrganizationSessionsEnded))
}

// mayLimitSessions refuses a change of the session limits to an actor without the permission for policies:
// these settings are a policy.
func (ss sessionRules) mayLimitSessions(ctx context.Context, org Organization, in OrganizationUpdate) error {
	idle := in.SessionIdle != nil && *in.SessionIdle != org.Settings.SessionIdle
	if ss.c.service.principal == nil || !idle && (in.SessionFor == nil || *in.SessionFor == org.Settings.SessionFor) {
		return nil
	}
	own, err := ss.c.access().grantsOf(ctx, org.ID)
	if err == nil && !permits(own.Grants, rbac.WritePolicies) {
		field := "session_for"
		if idle {
			field = "session_idle"
		}
		err = ss.c.access().deny(scope{organization: org.ID}, forbidden(field))
	}
	if err != nil {
		return err
	}
	return ss.c.owners().ownersOnly(ctx, org.ID, func(Policy) bool { return true })
}

// stricter returns the shorter of two durations; the second may be zero, which means not set.
func stricter(a, b time.Duration) time.Duration {
	if b == 0 {
		return a
	}
	return min(a, b)
}

// arrived records on the membership that a session entered its organization.
func (ss sessionRules) arrived(ctx context.Context, s Session) error {
	if s.MembershipID.IsZero() {
		return nil
	}
	return ss.c.tx.Memberships().Touch(ctx, s.MembershipID, ss.c.now)
}

// excerpt shortens a text from a stranger to most characters, and removes characters that break a line or
// change its direction. It accepts every text, so that nobody is kept out because of their browser's name.
func excerpt(s string, most int) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if misleading(r) {
			return -1
		}
		return r
	}, s)
	runes := []rune(strings.TrimSpace(s))
	return string(runes[:min(most, len(runes))])
}
