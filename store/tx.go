package store

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// tx is a backend's transaction as package tenancy sees it. It refuses what must
// not reach a backend.
type tx struct {
	rows     Rows
	readOnly bool
	ended    bool

	organizations   table[tenancy.Organization, tenancy.OrganizationFilter]
	users           table[tenancy.User, tenancy.UserFilter]
	identities      table[tenancy.Identity, tenancy.IdentityFilter]
	memberships     table[tenancy.Membership, tenancy.MembershipFilter]
	roleAssignments table[tenancy.RoleAssignment, tenancy.RoleAssignmentFilter]
	roles           table[tenancy.Role, tenancy.RoleFilter]
	permissions     table[tenancy.Permission, tenancy.PermissionFilter]
	secrets         table[tenancy.Secret, tenancy.SecretFilter]
	denials         table[tenancy.Denial, tenancy.DenialFilter]
	invitations     table[tenancy.Invitation, tenancy.InvitationFilter]
	joinCodes       table[tenancy.JoinCode, tenancy.JoinCodeFilter]
	joinRequests    table[tenancy.JoinRequest, tenancy.JoinRequestFilter]
	domains         table[tenancy.Domain, tenancy.DomainFilter]
	connections     table[tenancy.Connection, tenancy.ConnectionFilter]
	policies        table[tenancy.Policy, tenancy.PolicyFilter]
	sessions        table[tenancy.Session, tenancy.SessionFilter]
	events          log
}

func newTx(rows Rows, readOnly bool) *tx {
	c := Describe()
	t := &tx{rows: rows, readOnly: readOnly}
	t.organizations = bind(t, c.Organizations)
	t.users = bind(t, c.Users)
	t.identities = bind(t, c.Identities)
	t.memberships = bind(t, c.Memberships)
	t.roleAssignments = bind(t, c.RoleAssignments)
	t.roles = bind(t, c.Roles)
	t.permissions = bind(t, c.Permissions)
	t.secrets = bind(t, c.Secrets)
	t.denials = bind(t, c.Denials)
	t.invitations = bind(t, c.Invitations)
	t.joinCodes = bind(t, c.JoinCodes)
	t.joinRequests = bind(t, c.JoinRequests)
	t.domains = bind(t, c.Domains)
	t.connections = bind(t, c.Connections)
	t.policies = bind(t, c.Policies)
	t.sessions = bind(t, c.Sessions)
	t.events = log{tx: t, entity: c.Events}
	return t
}

func (t *tx) Organizations() tenancy.Table[tenancy.Organization, tenancy.OrganizationFilter] {
	return &t.organizations
}

func (t *tx) Users() tenancy.Table[tenancy.User, tenancy.UserFilter] { return &t.users }

func (t *tx) Identities() tenancy.Table[tenancy.Identity, tenancy.IdentityFilter] {
	return &t.identities
}

func (t *tx) Memberships() tenancy.Table[tenancy.Membership, tenancy.MembershipFilter] {
	return &t.memberships
}

func (t *tx) RoleAssignments() tenancy.Table[tenancy.RoleAssignment, tenancy.RoleAssignmentFilter] {
	return &t.roleAssignments
}

func (t *tx) Roles() tenancy.Table[tenancy.Role, tenancy.RoleFilter] { return &t.roles }

func (t *tx) Permissions() tenancy.Table[tenancy.Permission, tenancy.PermissionFilter] {
	return &t.permissions
}

func (t *tx) Denials() tenancy.Table[tenancy.Denial, tenancy.DenialFilter] { return &t.denials }

func (t *tx) Secrets() tenancy.Table[tenancy.Secret, tenancy.SecretFilter] { return &t.secrets }

func (t *tx) Events() tenancy.Log { return &t.events }

func (t *tx) Lock(ctx context.Context, keys ...LockKey) error {
	if err := t.mayWrite(ctx); err != nil {
		return err
	}
	sorted := slices.SortedFunc(slices.Values(keys), LockKey.Compare)
	return t.rows.Lock(ctx, slices.Compact(sorted))
}

func (t *tx) Savepoint(ctx context.Context, fn func(Tx) error) error {
	if err := t.mayWrite(ctx); err != nil {
		return err
	}
	return t.rows.Savepoint(ctx, func() error { return fn(t) })
}

func (t *tx) mayRead(ctx context.Context) error {
	if t.ended {
		return &tenancy.Error{Code: tenancy.ErrClosed, Reason: "the transaction has ended"}
	}
	if err := ctx.Err(); err != nil {
		return &tenancy.Error{Code: tenancy.ErrCanceled, Err: err}
	}
	return nil
}

func (t *tx) mayWrite(ctx context.Context) error {
	if err := t.mayRead(ctx); err != nil {
		return err
	}
	if t.readOnly {
		return &tenancy.Error{Code: tenancy.ErrReadOnly, Reason: "a view does not write"}
	}
	return nil
}

// fastTx is a tx over rows that read access in one statement.
type fastTx struct {
	*tx
	fast AccessReader
}

func (t *fastTx) Access(ctx context.Context, organization tenancy.OrganizationID, user tenancy.UserID) (tenancy.AccessFacts, error) {
	if err := t.mayRead(ctx); err != nil {
		return tenancy.AccessFacts{}, err
	}
	return t.fast.Access(ctx, organization, user)
}

func (t *fastTx) Savepoint(ctx context.Context, fn func(Tx) error) error {
	return t.tx.Savepoint(ctx, func(Tx) error { return fn(t) })
}

// log is the events of a tx.
type log struct {
	tx      *tx
	entity  *Entity[tenancy.Event, tenancy.EventFilter]
	scratch Row
}

func (l *log) Append(ctx context.Context, e tenancy.Event) error {
	if err := l.tx.mayWrite(ctx); err != nil {
		return err
	}
	if l.scratch == nil {
		l.scratch = make(Row, len(l.entity.Columns))
	}
	l.entity.Write(&e, l.scratch)
	return l.tx.rows.Append(ctx, &l.entity.Table, l.scratch, e.People)
}

func (l *log) Read(ctx context.Context, filter tenancy.EventFilter, span tenancy.LogSpan) (list []tenancy.Event, next tenancy.Position, done bool, err error) {
	if err := l.tx.mayRead(ctx); err != nil {
		return nil, 0, false, err
	}
	if span.Limit < 1 {
		return nil, 0, false, badSpan("limit")
	}
	where, none := l.entity.Where(filter)
	if none {
		return nil, span.After, true, nil
	}
	next, done, err = l.tx.rows.Events(ctx, &l.entity.Table, where, span, func(at tenancy.Position, row Row) error {
		e := l.entity.Read(row)
		e.Position = at
		list = append(list, e)
		return nil
	})
	if err != nil {
		return nil, 0, false, err
	}
	return list, next, done, nil
}

func (l *log) Last(ctx context.Context) (tenancy.Position, error) {
	if err := l.tx.mayRead(ctx); err != nil {
		return 0, err
	}
	return l.tx.rows.Last(ctx)
}

func (l *log) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := l.tx.mayWrite(ctx); err != nil {
		return 0, err
	}
	if limit < 1 {
		return 0, badSpan("limit")
	}
	return l.tx.rows.Prune(ctx, before.UnixMicro(), limit)
}

func (l *log) Redact(ctx context.Context, person tenancy.UserID) (int, error) {
	if err := l.tx.mayWrite(ctx); err != nil {
		return 0, err
	}
	return l.tx.rows.Redact(ctx, person)
}

func badSpan(field string) error {
	return &tenancy.Error{Code: tenancy.ErrInvalid, Field: field}
}
