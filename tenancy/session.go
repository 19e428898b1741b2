package tenancy

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
)

// EndReason is why a session ended (rule S2).
type EndReason string

// The reasons. A session that ran out has none.
const (
	EndedSignOut      EndReason = "signed_out"             // by the person
	EndedRevoked      EndReason = "revoked"                // by the user from another session, or by somebody else
	EndedDeactivated  EndReason = "membership_deactivated" // the membership there became inactive
	EndedRemoved      EndReason = "membership_removed"     // the membership there is gone
	EndedUser         EndReason = "user_suspended"         // the host suspended the user
	EndedMerged       EndReason = "user_merged"            // the user was merged into another
	EndedTakenOver    EndReason = "taken_over"             // the address's owner took the account over (rule U4)
	EndedTooMany      EndReason = "too_many"               // the oldest over Limits.UserSessions
	EndedOrganization EndReason = "organization_closed"    // the organization is suspended, archived or gone, or ended its sessions
	// EndedConnection: the connection that it came through was switched off, deleted, or
	// pointed to another provider (rule P9).
	EndedConnection   EndReason = "connection_closed"
	EndedUnlinked     EndReason = "identity_unlinked" // the identity that it came by (rule P9)
	EndedEmailChanged EndReason = "email_changed"     // the person moved their address from another session (rule U5)
	EndedReplaced     EndReason = "replaced"          // a newer entry of the same client into the same organization (rule S1)
	// EndedNoEntry: no organization was chosen in the session, and its last entry ended. No
	// Session has this reason; only the error of a token does.
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
	// ClientID is the id of the client's first entry, which may have ended. It is zero where
	// somebody else than the user reads the session.
	ClientID       SessionID      `json:"-"`
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // zero: none chosen
	MembershipID   MembershipID   `json:"membership_id,omitzero"`   // their membership there; zero: none chosen
	IdentityID     IdentityID     `json:"identity_id,omitzero"`     // the identity that they came by
	Method         SignInMethod   `json:"method,omitempty"`         // how they signed in
	ConnectionID   ConnectionID   `json:"connection_id,omitzero"`   // through which connection
	SecondFactor   bool           `json:"second_factor,omitempty"`  // they showed a second factor as well
	// ConnectionEpoch is the SessionsEpoch that the connection had then: the session holds
	// as long as that stays (rule P9).
	ConnectionEpoch int64 `json:"connection_epoch,omitempty"`
	// Confined keeps the session in the one organization that it was started for: its
	// connection proves nothing elsewhere (rule P6).
	Confined bool `json:"confined,omitempty"`
	// ProvedAt is when the person showed the evidence. An entry that was made from the
	// evidence of another one has the ProvedAt of that.
	ProvedAt   time.Time `json:"proved_at,omitzero"`
	UserAgent  string    `json:"user_agent,omitempty"` // of the [Request] that it started with
	Address    string    `json:"address,omitempty"`    // network address, likewise
	SelectedAt time.Time `json:"selected_at,omitzero"` // when the organization was entered
	ExpiresAt  time.Time `json:"expires_at,omitzero"`  // at the latest (rule S1); of one that ended, when it did
	EndedAt    time.Time `json:"ended_at,omitzero"`    // zero: it has not ended, or its time ran out
	EndReason  EndReason `json:"end_reason,omitempty"` // "" = it has not ended, or its time ran out
	LastSeenAt time.Time `json:"-"`                    // outside the versioned row
	CreatedAt  time.Time `json:"created_at,omitzero"`  // when it was made
	UpdatedAt  time.Time `json:"updated_at,omitzero"`  // when it last changed, with Version
}

// SessionID is the id of a session, ses_...
type SessionID = ID[Session]

func (Session) idPrefix() string { return "ses" }

func (s Session) rowID() [16]byte { return s.ID }

func (s *Session) stamps() (*int64, *time.Time) { return &s.Version, &s.UpdatedAt }

// Sessions is the group of methods on sessions.
type Sessions struct{ s *Service }

// NewSession is what Start needs: a user and how they signed in; the rest may be
// empty.
type NewSession struct {
	UserID         UserID         // the user who signs in
	OrganizationID OrganizationID // zero = none chosen yet
	// The rest says what the person has shown, which no decoder can set.
	Method       SignInMethod `json:"-"` // how they signed in; 1 to 64 of a-z, 0-9, _ and -
	IdentityID   IdentityID   `json:"-"` // which of the user's identities they came by
	ConnectionID ConnectionID `json:"-"` // through which connection: with single sign-on, and only then
	SecondFactor bool         `json:"-"` // they showed a second factor as well
	// Confined: it never leaves OrganizationID (rule P6). It must be, at the connection's
	// own, where the user's address is not on a verified domain of that organization.
	Confined bool `json:"-"`
}

// StartedSession is a session and the token by which its bearer is known. The token
// is shown here and never again (rule G10): put it into the person's cookie.
type StartedSession struct {
	Session Session `json:"session"` // what was started
	Token   Token   `json:"-"`       // for the cookie, or the Authorization header
	// ExpiresAt is when the token runs out at the latest, whichever entry it is used for.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Start begins a session for a host that signs people in by itself (rule S1); see
// [Service.SignIn] for one that leaves the decision here. It refuses whom SignIn would. The
// user's oldest session ends where they have Limits.UserSessions already. The [Request] of
// ctx says by which device and from where, for the person to know the session by.
//
// Errors: [ErrInvalid], also for a session that has to be confined; [ErrNotFound] for the
// user, the identity, a connection that is not active, or an organization that they are
// no active member of; [ErrMerged]; [ErrForbidden] for a suspended user;
// [ErrOrganizationClosed]; [ErrSignInRefused] where a policy wants another way to sign
// in (rules P2, P3).
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

// cameBy checks that what a session is said to have come by is there, and the user's. It
// gives the connection's organization.
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

// through refuses an identity at another provider than the session is said to have come
// by, and one of a provider that the connection has left.
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

// cameThrough is the connection that a session is said to have come by; zero where
// there is none.
func (ss sessionRules) cameThrough(ctx context.Context, id ConnectionID) (Connection, error) {
	if id.IsZero() {
		return Connection{}, nil
	}
	c, err := ss.c.tx.Connections().Get(ctx, id)
	if CodeOf(err) == ErrNotFound { // to be told in its turn
		err = nil
	}
	return c, err
}

// vouches checks that a connection is in use, and that it can vouch for a user: for one
// whose address is not on its organization's verified domains only there (rule P6). It
// gives that organization.
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

// lockBearer takes the locks that a session's beginning and moving need: of the user,
// and of the organization chosen and that of the connection, if there are any.
func (ss sessionRules) lockBearer(ctx context.Context, user UserID, organizations ...OrganizationID) error {
	locks := []store.LockKey{lockUser(user)}
	for _, id := range organizations {
		if !id.IsZero() {
			locks = append(locks, lockOrganization(id))
		}
	}
	return ss.c.lock(ctx, locks...)
}

// newSession is a session on its way. Whoever makes one holds the user's lock, and the
// organization's if there is one.
type newSession struct {
	id                     SessionID // zero = a new one
	user                   User
	organization           *Organization // nil: none chosen
	membership             *Membership   // there
	home                   *Organization // the connection's; nil: it came through none
	identity               IdentityID
	method                 SignInMethod
	connection             ConnectionID
	connectionEpoch        int64
	secondFactor, confined bool
	client                 storedSecret // of the session that it is added to; zero: it is a session of its own
}

const maxUserAgent = 256 // characters

// startSession begins a session that nothing speaks against any more (rule S1), and
// notes the sign-in.
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
	// No entry lasts longer, by whatever evidence it is added.
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

// noteRequest notes by which device and from where an entry is made, as far as that is known.
func (s *Session) noteRequest(r Request) {
	s.UserAgent = cmp.Or(excerpt(r.UserAgent, maxUserAgent), s.UserAgent)
	if r.Address.IsValid() {
		s.Address = r.Address.String()
	}
}

// place says where a session is, and until when at the latest: its age counts from its
// evidence. Whatever the clocks say, it comes after the last end of all sessions there, and of all
// at the home of its connection.
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

// laterThan is now, or just after an instant that is not before it.
func laterThan(now, instant time.Time) time.Time {
	if now.After(instant) {
		return now
	}
	return instant.Add(time.Microsecond)
}

// sessionLimits are how long a session may go unused and how old it may get: the
// stricter of what the application and the organization say (rule O3).
func (c Config) sessionLimits(org *Organization) (idle, longest time.Duration) {
	idle, longest = c.SessionIdle, c.SessionFor
	if org == nil {
		return idle, longest
	}
	return stricter(idle, org.Settings.SessionIdle), stricter(longest, org.Settings.SessionFor)
}

// limited ends every session in an organization whose limits on them were raised: of
// those that ran out under the old ones, none is to come back (rule S2).
func (ss sessionRules) limited(before Organization, org *Organization) {
	idle, longest := ss.c.instance.config.sessionLimits(&before)
	newIdle, newLongest := ss.c.instance.config.sessionLimits(org)
	if newIdle > idle || newLongest > longest {
		ss.endAllSessions(org)
	}
}

// recordRaised tells that every session in an organization has ended because its limits on
// them were raised: an organization.updated by itself does not say so (rule E1).
func (ss sessionRules) recordRaised(ctx context.Context, kind EventType, before, org Organization) error {
	if kind != EventOrganizationUpdated || org.SessionsEndedAt.Equal(before.SessionsEndedAt) {
		return nil
	}
	return ss.c.record(ctx, org.event(EventOrganizationSessionsEnded))
}

// mayLimitSessions refuses an actor to change what is a policy, and not just a setting,
// without the permission for policies.
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

// stricter is the shorter of two durations of which the second may not be set.
func stricter(a, b time.Duration) time.Duration {
	if b == 0 {
		return a
	}
	return min(a, b)
}

// arrived notes on the membership that a session came there.
func (ss sessionRules) arrived(ctx context.Context, s Session) error {
	if s.MembershipID.IsZero() {
		return nil
	}
	return ss.c.tx.Memberships().Touch(ctx, s.MembershipID, ss.c.now)
}

// excerpt is what a stranger's text may take up: no more than most characters, none of
// which breaks a line or turns its direction. Nobody is kept out for their browser's
// name.
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
