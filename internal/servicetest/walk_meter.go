package servicetest

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// cost counts the work of a store. A call of a table or of the log is one statement. A row is
// read for each row that the statement gives, and written for each row that it changes.
type cost struct{ transactions, statements, locks, read, written int }

// meter is a store that counts, and that keeps no change: it rolls each transaction back and
// answers as if it had committed.
type meter struct {
	tenancy.Store
	cost
	slow bool // its transactions are no [tenancy.AccessReader]
}

func (m *meter) View(ctx context.Context, fn func(tenancy.Tx) error) error {
	m.transactions++
	return m.Store.View(ctx, func(tx tenancy.Tx) error { return fn(m.over(tx)) })
}

func (m *meter) Update(ctx context.Context, fn func(tenancy.Tx) error) error {
	m.transactions++
	err := m.Store.Update(ctx, func(tx tenancy.Tx) error {
		if err := fn(m.over(tx)); err != nil {
			return err
		}
		return errUndone
	})
	if errors.Is(err, errUndone) {
		return nil
	}
	return err
}

const errUndone = tenancy.Code("undone")

// over is tx with a meter. It stays a [tenancy.AccessReader] where tx is one.
func (m *meter) over(tx tenancy.Tx) tenancy.Tx {
	fast, ok := tx.(tenancy.AccessReader)
	if !ok {
		m.slow = true
		return meteredTx{tx, m, true}
	}
	return fastMeteredTx{meteredTx{tx, m, false}, fast}
}

// meteredTx is a transaction of a meter. Without a [tenancy.AccessReader], a Get of an
// organization or a user is a part of reading access, and counts as one row either way.
type meteredTx struct {
	tenancy.Tx
	meter *meter
	slow  bool // it is no [tenancy.AccessReader]
}

type fastMeteredTx struct {
	meteredTx
	fast tenancy.AccessReader
}

func (t fastMeteredTx) Access(ctx context.Context, organization tenancy.OrganizationID, user tenancy.UserID) (tenancy.AccessFacts, error) {
	t.meter.statements++
	facts, err := t.fast.Access(ctx, organization, user)
	t.meter.read += 1 + len(facts.Roles)
	return facts, err
}

func (t meteredTx) Lock(ctx context.Context, keys ...tenancy.LockKey) error {
	t.meter.locks += len(keys)
	return t.Tx.Lock(ctx, keys...)
}

func (t meteredTx) Savepoint(ctx context.Context, fn func(tenancy.Tx) error) error {
	return t.Tx.Savepoint(ctx, func(tx tenancy.Tx) error { return fn(t.meter.over(tx)) })
}

func (t meteredTx) Organizations() tenancy.Table[tenancy.Organization, tenancy.OrganizationFilter] {
	return meteredTable[tenancy.Organization, tenancy.OrganizationFilter]{t.Tx.Organizations(), t.meter, t.slow}
}

func (t meteredTx) Users() tenancy.Table[tenancy.User, tenancy.UserFilter] {
	return meteredTable[tenancy.User, tenancy.UserFilter]{t.Tx.Users(), t.meter, t.slow}
}

func (t meteredTx) Identities() tenancy.Table[tenancy.Identity, tenancy.IdentityFilter] {
	return metered(t.Tx.Identities(), t.meter)
}

func (t meteredTx) Memberships() tenancy.Table[tenancy.Membership, tenancy.MembershipFilter] {
	return metered(t.Tx.Memberships(), t.meter)
}

func (t meteredTx) RoleAssignments() tenancy.Table[tenancy.RoleAssignment, tenancy.RoleAssignmentFilter] {
	return metered(t.Tx.RoleAssignments(), t.meter)
}

func (t meteredTx) Roles() tenancy.Table[tenancy.Role, tenancy.RoleFilter] {
	return metered(t.Tx.Roles(), t.meter)
}

func (t meteredTx) Permissions() tenancy.Table[tenancy.Permission, tenancy.PermissionFilter] {
	return metered(t.Tx.Permissions(), t.meter)
}

func (t meteredTx) Secrets() tenancy.Table[tenancy.Secret, tenancy.SecretFilter] {
	return metered(t.Tx.Secrets(), t.meter)
}

func (t meteredTx) Denials() tenancy.Table[tenancy.Denial, tenancy.DenialFilter] {
	return metered(t.Tx.Denials(), t.meter)
}

func (t meteredTx) Invitations() tenancy.Table[tenancy.Invitation, tenancy.InvitationFilter] {
	return metered(t.Tx.Invitations(), t.meter)
}

func (t meteredTx) JoinCodes() tenancy.Table[tenancy.JoinCode, tenancy.JoinCodeFilter] {
	return metered(t.Tx.JoinCodes(), t.meter)
}

func (t meteredTx) JoinRequests() tenancy.Table[tenancy.JoinRequest, tenancy.JoinRequestFilter] {
	return metered(t.Tx.JoinRequests(), t.meter)
}

func (t meteredTx) Domains() tenancy.Table[tenancy.Domain, tenancy.DomainFilter] {
	return metered(t.Tx.Domains(), t.meter)
}

func (t meteredTx) Connections() tenancy.Table[tenancy.Connection, tenancy.ConnectionFilter] {
	return metered(t.Tx.Connections(), t.meter)
}

func (t meteredTx) Policies() tenancy.Table[tenancy.Policy, tenancy.PolicyFilter] {
	return metered(t.Tx.Policies(), t.meter)
}

func (t meteredTx) Sessions() tenancy.Table[tenancy.Session, tenancy.SessionFilter] {
	return metered(t.Tx.Sessions(), t.meter)
}

func (t meteredTx) Events() tenancy.Log { return meteredLog{t.Tx.Events(), t.meter} }

// meteredTable is a table of a meter.
type meteredTable[V tenancy.Entity, F any] struct {
	tenancy.Table[V, F]
	meter *meter
	one   bool // Get reads one row, found or not
}

func metered[V tenancy.Entity, F any](t tenancy.Table[V, F], m *meter) tenancy.Table[V, F] {
	return meteredTable[V, F]{t, m, false}
}

func (t meteredTable[V, F]) Get(ctx context.Context, id tenancy.ID[V]) (V, error) {
	t.meter.statements++
	v, err := t.Table.Get(ctx, id)
	if err == nil || t.one {
		t.meter.read++
	}
	return v, err
}

func (t meteredTable[V, F]) List(ctx context.Context, filter F, span tenancy.Span) ([]V, error) {
	t.meter.statements++
	rows, err := t.Table.List(ctx, filter, span)
	t.meter.read += len(rows)
	return rows, err
}

func (t meteredTable[V, F]) Count(ctx context.Context, filter F) (int, error) {
	t.meter.statements++
	t.meter.read++
	return t.Table.Count(ctx, filter)
}

func (t meteredTable[V, F]) Insert(ctx context.Context, v V) error {
	t.meter.wrote(1)
	return t.Table.Insert(ctx, v)
}

func (t meteredTable[V, F]) Update(ctx context.Context, v V) error {
	t.meter.wrote(1)
	return t.Table.Update(ctx, v)
}

func (t meteredTable[V, F]) Touch(ctx context.Context, id tenancy.ID[V], at time.Time) error {
	t.meter.wrote(1)
	return t.Table.Touch(ctx, id, at)
}

func (t meteredTable[V, F]) Delete(ctx context.Context, id tenancy.ID[V]) error {
	t.meter.wrote(1)
	return t.Table.Delete(ctx, id)
}

func (t meteredTable[V, F]) DeleteAll(ctx context.Context, filter F) (int, error) {
	n, err := t.Table.DeleteAll(ctx, filter)
	t.meter.wrote(n)
	return n, err
}

func (m *meter) wrote(rows int) {
	m.statements++
	m.written += rows
}

// meteredLog is the log of a meter.
type meteredLog struct {
	tenancy.Log
	meter *meter
}

func (l meteredLog) Append(ctx context.Context, e tenancy.Event) error {
	l.meter.wrote(1)
	return l.Log.Append(ctx, e)
}

func (l meteredLog) Read(ctx context.Context, filter tenancy.EventFilter, span tenancy.LogSpan) ([]tenancy.Event, tenancy.Position, bool, error) {
	l.meter.statements++
	events, next, done, err := l.Log.Read(ctx, filter, span)
	l.meter.read += len(events)
	return events, next, done, err
}

func (l meteredLog) Last(ctx context.Context) (tenancy.Position, error) {
	l.meter.statements++
	l.meter.read++
	return l.Log.Last(ctx)
}

func (l meteredLog) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := l.Log.Prune(ctx, before, limit)
	l.meter.wrote(n)
	return n, err
}

func (l meteredLog) Redact(ctx context.Context, person tenancy.UserID) (int, error) {
	n, err := l.Log.Redact(ctx, person)
	l.meter.wrote(n)
	return n, err
}
