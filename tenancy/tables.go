package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// entities describes the rows of all tables, parents before children; the tables of the log come last.
var entities = []struct {
	table *store.Table
	rows  any // of the type *typed.Entity
}{
	{organizationRows.Table, organizationRows},
	{userRows.Table, userRows},
	{identityRows.Table, identityRows},
	{membershipRows.Table, membershipRows},
	{roleAssignmentRows.Table, roleAssignmentRows},
	{roleRows.Table, roleRows},
	{permissionRows.Table, permissionRows},
	{secretRows.Table, secretRows},
	{denialRows.Table, denialRows},
	{invitationRows.Table, invitationRows},
	{joinCodeRows.Table, joinCodeRows},
	{joinRequestRows.Table, joinRequestRows},
	{removalRows.Table, removalRows},
	{memberAddressRows.Table, memberAddressRows},
	{domainRows.Table, domainRows},
	{domainLookRows.Table, domainLookRows},
	{connectionRows.Table, connectionRows},
	{connectionSettingsRows.Table, connectionSettingsRows},
	{policyRows.Table, policyRows},
	{sessionRows.Table, sessionRows},
	{sentMailRows.Table, sentMailRows},
	{foundingRows.Table, foundingRows},
	{formerSlugRows.Table, formerSlugRows},
	{seatCountRows.Table, seatCountRows},
	{pendingSignInRows.Table, pendingSignInRows},
	{declarationMarkRows.Table, declarationMarkRows},
	{sealRows.Table, sealRows},
	{mailboxProofRows.Table, mailboxProofRows},
	{proofCountRows.Table, proofCountRows},
	{&eventLog.Table, eventRows},
}

// Tables returns the tables of this package, parents before children. It is for tests that check a backend and
// its schema. Events are not among them: see [EventLog].
func Tables() []*store.Table {
	tables := make([]*store.Table, len(entities)-1)
	for i := range tables {
		tables[i] = entities[i].table
	}
	return tables
}

// EventLog returns the log of this package's events, for the same tests.
func EventLog() *store.Log { return eventLog }

// RowsOf returns the table of an entity, and functions that encode a value as a row and decode it. It is for
// tests and tools that use a store without the Service. What they write passes no rule and has no event. The
// row of an [Event] does not contain its [Position].
func RowsOf[V Entity]() (table *store.Table, encode func(V) store.Row, decode func(store.Row) V) {
	for _, e := range entities {
		rows, ok := e.rows.(interface {
			Write(v *V, row store.Row)
			Read(row store.Row) V
		})
		if !ok {
			continue
		}
		encode := func(v V) store.Row {
			row := make(store.Row, len(e.table.Columns))
			rows.Write(&v, row)
			return row
		}
		return e.table, encode, rows.Read
	}
	panic("tenancy: an entity without rows")
}

// Order names the column that a list is sorted by. Rows with the same value, and [ByID], are sorted by id. An
// order that a list does not have is [ErrInvalid].
type Order uint8

// The orders.
const (
	ByID    Order = iota // all lists; for default ids, this is the order of creation
	ByName               // organizations, users, memberships: the folded name
	ByEmail              // users, memberships, invitations: the canonical address
	// ByDue sorts by the next time that matters. Secrets, invitations, sessions, pending sign-ins and proofs of
	// mailboxes: when they expire. Counts of proofs: when they start again. Domains: the next recheck. Looks at
	// claims: the next one. Mails: when they were sent. Former slugs: when they become free.
	ByDue
	ByTime       // denials: the minute; invitations: when a waiting mail is tried
	ByJoined     // memberships: when the user joined
	ByLastSignIn // memberships, within each 10,000 by id: the last sign-in to the organization

	byWord Order = 100 // memberships: the first of their words, and so on; only for searches
)

// listSpan selects rows in an order: those after After, at most Limit (at least one), descending if Desc.
type listSpan struct {
	After *typed.Place
	Limit int
	Order Order
	Desc  bool
}

// table is the table of one entity in a transaction. It accepts only ids of that entity.
type table[V Entity, F any] struct {
	rows typed.Table[V, F]
}

func (t table[V, F]) Get(ctx context.Context, id ID[V]) (V, error) { return t.rows.Get(ctx, id) }

func (t table[V, F]) List(ctx context.Context, filter F, s listSpan) ([]V, error) {
	return t.rows.List(ctx, filter, typed.Span{After: s.After, Limit: s.Limit, Order: typed.Order(s.Order), Desc: s.Desc})
}

func (t table[V, F]) Count(ctx context.Context, filter F) (int, error) {
	return t.rows.Count(ctx, filter)
}

func (t table[V, F]) CountTo(ctx context.Context, filter F, limit int) (int, error) {
	return t.rows.CountTo(ctx, filter, limit)
}

func (t table[V, F]) Insert(ctx context.Context, v V) error { return t.rows.Insert(ctx, v) }

func (t table[V, F]) Update(ctx context.Context, v V) error { return t.rows.Update(ctx, v) }

func (t table[V, F]) UpdateAll(ctx context.Context, filter F, v V, columns ...string) (int, error) {
	return t.rows.UpdateAll(ctx, filter, v, columns...)
}

func (t table[V, F]) Touch(ctx context.Context, id ID[V], at time.Time) error {
	return t.rows.Touch(ctx, id, at)
}

func (t table[V, F]) Delete(ctx context.Context, id ID[V]) error { return t.rows.Delete(ctx, id) }

func (t table[V, F]) DeleteAll(ctx context.Context, filter F) (int, error) {
	return t.rows.DeleteAll(ctx, filter)
}

// txn is one transaction of the store, with the tables of this package.
type txn struct {
	border
	scratch store.Row
}

func newTxn(rows store.Rows) *txn { return &txn{border: border{rows}} }

// blank returns an empty row of a width, for use in one statement.
func (t *txn) blank(width int) store.Row {
	if len(t.scratch) < width {
		t.scratch = make(store.Row, width)
	}
	return t.scratch[:width]
}

func bind[V Entity, F any](t *txn, e *typed.Entity[V, F]) table[V, F] {
	return table[V, F]{typed.BindTo(&t.border, &t.scratch, e)}
}

// orEvery returns the constraint of a filter. If there is none and wanted is true, it returns the constraint to
// every value that the column may have. That helps where no unique key leads to the rows: indexes by
// organization or by user have the state as their next column, and the store merges the rows of each state.
func orEvery[T comparable](in typed.In[T], wanted bool, every ...T) typed.In[T] {
	if in.IsSet() || !wanted {
		return in
	}
	return typed.Of(every...)
}
