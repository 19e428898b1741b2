package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// What is in this file is for the tests of stores that were written against typed
// tables, until they are written against rows.

// Table is a typed table.
type Table[V Entity, F any] interface {
	// Get is that of [typed.Table].
	Get(ctx context.Context, id ID[V]) (V, error)
	// List is that of [typed.Table].
	List(ctx context.Context, filter F, span Span) ([]V, error)
	// Count is that of [typed.Table].
	Count(ctx context.Context, filter F) (int, error)
	// Insert is that of [typed.Table].
	Insert(ctx context.Context, v V) error
	// Update is that of [typed.Table].
	Update(ctx context.Context, v V) error
	// Touch is that of [typed.Table].
	Touch(ctx context.Context, id ID[V], at time.Time) error
	// Delete is that of [typed.Table].
	Delete(ctx context.Context, id ID[V]) error
	// DeleteAll is that of [typed.Table].
	DeleteAll(ctx context.Context, filter F) (int, error)
}

// Tx is a transaction with typed tables.
type Tx struct{ *txn }

// TxOf is a Tx over rows.
func TxOf(rows store.Rows) Tx { return Tx{newTxn(rows)} }

// Raw is the rows under it.
func (t Tx) Raw() store.Rows { return t.txn.rows }

// Savepoint is that of the rows.
func (t Tx) Savepoint(ctx context.Context, fn func(Tx) error) error {
	return t.txn.Savepoint(ctx, func() error { return fn(t) })
}

// TypedStore is a store whose transactions have typed tables.
type TypedStore struct{ Store store.Store }

// Typed makes one.
func Typed(s store.Store) TypedStore { return TypedStore{s} }

// View is that of the store.
func (s TypedStore) View(ctx context.Context, fn func(Tx) error) error {
	return fromStore(s.Store.View(ctx, func(rows store.Rows) error { return fn(TxOf(rows)) }))
}

// Update is that of the store.
func (s TypedStore) Update(ctx context.Context, fn func(Tx) error) error {
	return fromStore(s.Store.Update(ctx, func(rows store.Rows) error { return fn(TxOf(rows)) }))
}

// Keys of locks.
type (
	LockKey   = store.LockKey
	LockClass = uint8
)

// Classes of locks.
const (
	LockRoles        = classRoles
	LockEmail        = classEmail
	LockIdentity     = classIdentity
	LockUser         = classUser
	LockOrganization = classOrganization
	LockDomain       = classDomain
)

// Catalogue is every entity's description.
type Catalogue struct {
	Organizations   *typed.Entity[Organization, OrganizationFilter]
	Users           *typed.Entity[User, UserFilter]
	Identities      *typed.Entity[Identity, IdentityFilter]
	Memberships     *typed.Entity[Membership, MembershipFilter]
	RoleAssignments *typed.Entity[RoleAssignment, RoleAssignmentFilter]
	Roles           *typed.Entity[Role, RoleFilter]
	Permissions     *typed.Entity[Permission, PermissionFilter]
	Secrets         *typed.Entity[Secret, SecretFilter]
	Denials         *typed.Entity[Denial, DenialFilter]
	Invitations     *typed.Entity[Invitation, InvitationFilter]
	JoinCodes       *typed.Entity[JoinCode, JoinCodeFilter]
	JoinRequests    *typed.Entity[JoinRequest, JoinRequestFilter]
	Domains         *typed.Entity[Domain, DomainFilter]
	Connections     *typed.Entity[Connection, ConnectionFilter]
	Policies        *typed.Entity[Policy, PolicyFilter]
	Sessions        *typed.Entity[Session, SessionFilter]
	Events          *typed.Entity[Event, EventFilter]
}

// Describe gives the catalogue.
func Describe() *Catalogue {
	return &Catalogue{
		Organizations:   organizationRows,
		Users:           userRows,
		Identities:      identityRows,
		Memberships:     membershipRows,
		RoleAssignments: roleAssignmentRows,
		Roles:           roleTable,
		Permissions:     permissionRows,
		Secrets:         secretRows,
		Denials:         denialRows,
		Invitations:     invitationRows,
		JoinCodes:       joinCodeRows,
		JoinRequests:    joinRequestRows,
		Domains:         domainRows,
		Connections:     connectionRows,
		Policies:        policyRows,
		Sessions:        sessionRows,
		Events:          eventRows,
	}
}

// Organizations is a table.
func (t Tx) Organizations() Table[Organization, OrganizationFilter] { return t.txn.Organizations() }

// Users is a table.
func (t Tx) Users() Table[User, UserFilter] { return t.txn.Users() }

// Identities is a table.
func (t Tx) Identities() Table[Identity, IdentityFilter] { return t.txn.Identities() }

// Memberships is a table.
func (t Tx) Memberships() Table[Membership, MembershipFilter] { return t.txn.Memberships() }

// RoleAssignments is a table.
func (t Tx) RoleAssignments() Table[RoleAssignment, RoleAssignmentFilter] {
	return t.txn.RoleAssignments()
}

// Roles is a table.
func (t Tx) Roles() Table[Role, RoleFilter] { return t.txn.Roles() }

// Permissions is a table.
func (t Tx) Permissions() Table[Permission, PermissionFilter] { return t.txn.Permissions() }

// Secrets is a table.
func (t Tx) Secrets() Table[Secret, SecretFilter] { return t.txn.Secrets() }

// Denials is a table.
func (t Tx) Denials() Table[Denial, DenialFilter] { return t.txn.Denials() }

// Invitations is a table.
func (t Tx) Invitations() Table[Invitation, InvitationFilter] { return t.txn.Invitations() }

// JoinCodes is a table.
func (t Tx) JoinCodes() Table[JoinCode, JoinCodeFilter] { return t.txn.JoinCodes() }

// JoinRequests is a table.
func (t Tx) JoinRequests() Table[JoinRequest, JoinRequestFilter] { return t.txn.JoinRequests() }

// Domains is a table.
func (t Tx) Domains() Table[Domain, DomainFilter] { return t.txn.Domains() }

// Connections is a table.
func (t Tx) Connections() Table[Connection, ConnectionFilter] { return t.txn.Connections() }

// Policies is a table.
func (t Tx) Policies() Table[Policy, PolicyFilter] { return t.txn.Policies() }

// Sessions is a table.
func (t Tx) Sessions() Table[Session, SessionFilter] { return t.txn.Sessions() }
