package tenancy

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/rbac"
)

// Store keeps rows and nothing else: every rule is in [Service]. Backends are in
// store/memory and store/sqlite; package store has what it takes to write another,
// and store/storetest holds it to this contract.
//
// A Store is safe for concurrent use. Its errors carry a [Code].
type Store interface {
	// View runs fn over one snapshot: what others commit meanwhile stays unseen,
	// and writes fail with [ErrReadOnly]. Readers never wait for a writer.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs fn in a transaction of which all is kept or nothing: fn's error
	// or panic rolls back and is passed on. Two Updates that took a common Lock
	// behave as if one ran after the other. fn may run again from the start, so
	// it must set what it returns, not add to it, and it passes on the errors of its
	// statements, by which a store knows that it should.
	Update(ctx context.Context, fn func(Tx) error) error
}

// Tx is one transaction's view of the tables. It sees its own writes, is for one
// goroutine, and answers [ErrClosed] after its end.
type Tx interface {
	// Organizations and its like give the table of one entity.
	Organizations() Table[Organization, OrganizationFilter]
	Users() Table[User, UserFilter]
	Identities() Table[Identity, IdentityFilter]
	Memberships() Table[Membership, MembershipFilter]
	RoleAssignments() Table[RoleAssignment, RoleAssignmentFilter]
	Roles() Table[Role, RoleFilter]
	Permissions() Table[Permission, PermissionFilter]
	Secrets() Table[Secret, SecretFilter]
	Denials() Table[Denial, DenialFilter]
	Invitations() Table[Invitation, InvitationFilter]
	JoinCodes() Table[JoinCode, JoinCodeFilter]
	JoinRequests() Table[JoinRequest, JoinRequestFilter]
	Domains() Table[Domain, DomainFilter]
	Connections() Table[Connection, ConnectionFilter]
	Policies() Table[Policy, PolicyFilter]
	Sessions() Table[Session, SessionFilter]
	Events() Log
	// Lock excludes every other transaction that locks one of these keys, until the
	// end of this one. Lock in ascending order of [LockKey.Compare], within a
	// call and from call to call, and read again afterwards what was read before.
	// A deadlock across calls is detected: Update runs fn again.
	Lock(ctx context.Context, keys ...LockKey) error
	// Savepoint runs fn as a part that can fail alone: fn's error or panic undoes
	// what fn wrote, and no more, and is passed on. Locks stay.
	Savepoint(ctx context.Context, fn func(Tx) error) error
}

// Table keeps the rows of one entity. Values are copied at the border: what a
// caller does later to a value it passed or received changes nothing here.
//
// A unique key that is taken makes Insert and Update fail with
// [ErrAlreadyExists] and the key's Field; the transaction goes on unharmed.
type Table[V Entity, F any] interface {
	// Get gives one row, or [ErrNotFound].
	Get(ctx context.Context, id ID[V]) (V, error)
	// List gives up to span.Limit of the rows that pass the filter, in span's order.
	List(ctx context.Context, filter F, span Span) ([]V, error)
	// Count counts the rows that pass the filter.
	Count(ctx context.Context, filter F) (int, error)
	// Insert adds a row; an id that is there already is [ErrAlreadyExists].
	Insert(ctx context.Context, v V) error
	// Update replaces the row of v's id, whose stored Version must be v.Version-1:
	// else [ErrConflict], or [ErrNotFound] without such a row. A touched column
	// keeps its value.
	Update(ctx context.Context, v V) error
	// Touch sets the one column that lies outside the versioned row, the last
	// sign-in of users and memberships (rule G12) and when a session was last seen
	// (rule S1); [ErrInvalid] for others. It moves no Version, and a row that is gone
	// is no error.
	Touch(ctx context.Context, id ID[V], at time.Time) error
	// Delete removes a row, or answers [ErrNotFound].
	Delete(ctx context.Context, id ID[V]) error
	// DeleteAll removes the rows that pass the filter and says how many. A filter
	// that constrains nothing is [ErrInvalid].
	DeleteAll(ctx context.Context, filter F) (int, error)
}

// Order names the column that a List runs along; ties, and [ByID], go by id. An
// order that an entity does not have is [ErrInvalid].
type Order uint8

// The orders.
const (
	ByID    Order = iota // every entity; for default ids, the order of creation
	ByName               // organizations, users, memberships: folded name
	ByEmail              // users, memberships, invitations: canonical address
	ByDue                // secrets, invitations and sessions: expiry; domains: the next recheck
	ByTime               // denials: the minute
)

// Key is a place in an order: a row's sort column and its id. Text or Int is set
// as the order wants it, neither for [ByID].
type Key struct {
	Text string
	Int  int64
	ID   [16]byte
}

// Span says which rows of an order: those beyond After, at most Limit (at least
// one), descending if Desc.
type Span struct {
	After *Key
	Limit int
	Order Order
	Desc  bool
}

// In is a constraint of a filter: a set of values of which one must match. The
// zero In does not constrain; [Of] without values matches nothing, so that an
// empty slice never means everything.
type In[T comparable] struct {
	set    bool
	values []T
}

// Of is the constraint "one of these".
func Of[T comparable](values ...T) In[T] { return In[T]{set: true, values: values} }

// IsSet reports whether the field constrains.
func (in In[T]) IsSet() bool { return in.set }

// Values are the values allowed; they are not to be changed.
func (in In[T]) Values() []T { return in.values }

// OrganizationFilter selects organizations. Fields are joined by and.
type OrganizationFilter struct {
	ID         In[OrganizationID]
	Slug       In[string]
	ExternalID In[string]
	Suspended  In[bool]
	Archived   In[bool]
	// DefaultRole and CreatorRole are the settings of these names.
	DefaultRole In[string]
	CreatorRole In[string]
	NamePrefix  string // of NameKey
}

// UserFilter selects users. Fields are joined by and.
type UserFilter struct {
	ID          In[UserID]
	EmailKey    In[string]
	ExternalID  In[string]
	Suspended   In[bool]
	Merged      In[bool]
	MergedInto  In[UserID]
	NamePrefix  string // of NameKey
	EmailPrefix string // of EmailKey
}

// IdentityFilter selects identities. Fields are joined by and.
type IdentityFilter struct {
	ID       In[IdentityID]
	UserID   In[UserID]
	Provider In[string]
	Subject  In[string]
}

// MembershipFilter selects memberships. Fields are joined by and.
type MembershipFilter struct {
	ID             In[MembershipID]
	OrganizationID In[OrganizationID]
	UserID         In[UserID]
	Status         In[MembershipStatus]
	InvitationID   In[InvitationID]
	NamePrefix     string // of NameKey
	EmailPrefix    string // of EmailKey
}

// RoleAssignmentFilter selects role assignments. Fields are joined by and.
type RoleAssignmentFilter struct {
	ID             In[RoleAssignmentID]
	OrganizationID In[OrganizationID]
	MembershipID   In[MembershipID]
	UserID         In[UserID]
	Role           In[string]
	Source         In[RoleSource]
	SourceID       In[string]
	Active         In[bool]
}

// RoleFilter selects roles. Fields are joined by and.
type RoleFilter struct {
	ID      In[RoleID]
	Scope   In[string] // the organization's id as text, or "" for application roles
	Slug    In[string]
	Extends In[string]
}

// PermissionFilter selects declared permissions. Fields are joined by and.
type PermissionFilter struct {
	ID   In[PermissionID]
	Slug In[rbac.Permission]
}

// DenialFilter selects denials. Fields are joined by and.
type DenialFilter struct {
	ID             In[DenialID]
	Actor          In[Actor]
	Method         In[string]
	OrganizationID In[OrganizationID]
	Since          time.Time // Minute at this instant or later
	Until          time.Time // Minute before this instant
}

// AccessReader is an optional part of a [Tx]: the facts about one user in one
// organization in one statement, where the tables would take four.
type AccessReader interface {
	// Access gives the facts; what is not there is no error.
	Access(ctx context.Context, organization OrganizationID, user UserID) (AccessFacts, error)
}

// AccessFacts are what a decision on access is made from. They are no decision.
type AccessFacts struct {
	OrganizationFound     bool
	OrganizationSuspended bool
	OrganizationArchived  bool
	UserFound             bool // and not merged into another
	UserSuspended         bool
	MembershipID          MembershipID // zero: no membership
	Status                MembershipStatus
	Roles                 []string // of the assignments without a scope, in no order, perhaps repeated
}

// SecretFilter selects secrets. Fields are joined by and.
type SecretFilter struct {
	ID        In[SecretID]
	Kind      In[SecretKind]
	UserID    In[UserID]
	Subject   In[string]
	OpenFor   In[string] // see [Secret.OpenFor]
	DueBefore time.Time  // ExpiresAt before this instant
}

// InvitationFilter selects invitations. Fields are joined by and.
type InvitationFilter struct {
	ID             In[InvitationID]
	OrganizationID In[OrganizationID] // of the zero id: into the application
	EmailKey       In[string]
	InviterID      In[UserID]
	UserID         In[UserID]
	State          In[InvitationState] // as stored: one that ran out may be pending still
	EmailPrefix    string              // of EmailKey
	DueBefore      time.Time           // ExpiresAt before this instant
	DueAfter       time.Time           // ExpiresAt after this instant
}

// JoinCodeFilter selects join codes. Fields are joined by and.
type JoinCodeFilter struct {
	ID             In[JoinCodeID]
	OrganizationID In[OrganizationID]
	Role           In[string]
	Revoked        In[bool]
}

// JoinRequestFilter selects join requests. Fields are joined by and.
type JoinRequestFilter struct {
	ID             In[JoinRequestID]
	OrganizationID In[OrganizationID]
	UserID         In[UserID]
	State          In[JoinRequestState]
}

// DomainFilter selects domains. Fields are joined by and.
type DomainFilter struct {
	ID             In[DomainID]
	OrganizationID In[OrganizationID]
	Name           In[string]
	State          In[DomainState] // as stored
	Role           In[string]
	DueBefore      time.Time // DueAt before this instant
}

// ConnectionFilter selects connections. Fields are joined by and.
type ConnectionFilter struct {
	ID             In[ConnectionID]
	OrganizationID In[OrganizationID]
	State          In[ConnectionState]
}

// PolicyFilter selects policies. Fields are joined by and.
type PolicyFilter struct {
	ID             In[PolicyID]
	OrganizationID In[OrganizationID]
}

// SessionFilter selects sessions. Fields are joined by and.
type SessionFilter struct {
	ID             In[SessionID]
	UserID         In[UserID]
	OrganizationID In[OrganizationID]
	MembershipID   In[MembershipID]
	Ended          In[bool]
	DueBefore      time.Time // ExpiresAt before this instant
}

// Log is the events of a store in the order of their commits (rule E1).
type Log interface {
	// Append adds an event. The store gives the position, so that position order
	// is commit order; it is seen by Read and Last only after the commit.
	Append(ctx context.Context, e Event) error
	// Read gives up to span.Limit events that pass the filter, and the position to
	// go on from: that of the last row examined, or span.After where none was. It
	// examines a bounded number of rows, so it may give none and still not be at the
	// end; done says whether it is. Ascending reads below the pruned floor are
	// [ErrEventsPruned].
	Read(ctx context.Context, filter EventFilter, span LogSpan) (events []Event, next Position, done bool, err error)
	// Last is the position of the newest committed event, 0 before the first. It
	// never moves back: it is the sign that something changed.
	Last(ctx context.Context) (Position, error)
	// Prune removes up to limit of the oldest events, all of them from before that
	// instant and none behind one that is not, and says how many went.
	Prune(ctx context.Context, before time.Time, limit int) (int, error)
	// Redact empties Data and Previous of every event that lists the person, those of
	// this transaction too, and says how many it changed.
	Redact(ctx context.Context, person UserID) (int, error)
}

// LogSpan says which events: those beyond After (0 = from the start, or from the
// end if Desc), at most Limit of them.
type LogSpan struct {
	After Position
	Limit int
	Desc  bool
}

// EventFilter selects events. Fields are joined by and.
type EventFilter struct {
	Type           In[EventType]
	OrganizationID In[OrganizationID]
	UserID         In[UserID]
	Subject        In[string]
	Actor          In[Actor]
	Since          time.Time // at this instant or later
	Until          time.Time // before this instant
}

// LockClass is what a lock is about. Classes are taken in this order.
type LockClass uint8

// The classes of locks, lowest first.
const (
	LockRoles        LockClass = iota + 1 // application roles and permissions
	LockEmail                             // a canonical address
	LockIdentity                          // a subject at a provider
	LockUser                              // a user and what hangs on them
	LockOrganization                      // an organization and all in it
	LockDomain                            // a verified domain
)

// LockKey names what [Tx.Lock] excludes.
type LockKey struct {
	Class LockClass
	Value string
}

// Compare orders keys: by class, then by value.
func (k LockKey) Compare(other LockKey) int {
	if c := cmp.Compare(k.Class, other.Class); c != 0 {
		return c
	}
	return strings.Compare(k.Value, other.Value)
}

func lockEmail(canonical string) LockKey { return LockKey{LockEmail, canonical} }

func lockIdentity(provider, subject string) LockKey {
	return LockKey{LockIdentity, provider + " " + subject}
}

func lockUser(id UserID) LockKey { return LockKey{LockUser, id.String()} }

func lockOrganization(id OrganizationID) LockKey { return LockKey{LockOrganization, id.String()} }

func lockRoles() LockKey { return LockKey{Class: LockRoles} }

func lockDomain(name string) LockKey { return LockKey{LockDomain, name} }
