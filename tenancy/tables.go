package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// entities are the descriptions of all rows, parents before children, the log's last.
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

// Tables lists the tables of this package, parents before children, for tests that hold
// a backend and its schema to them. The events lie apart, in [EventLog].
func Tables() []*store.Table {
	tables := make([]*store.Table, len(entities)-1)
	for i := range tables {
		tables[i] = entities[i].table
	}
	return tables
}

// EventLog is the log of this package's events, for the same tests.
func EventLog() *store.Log { return eventLog }

// RowsOf gives the table of an entity, how a value becomes a row of it, and how it comes
// back: for tests and tools that work on a store past the Service. What is written so has
// passed no rule and has no event. The [Position] of an [Event] is not in its row.
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

// Order names the column that a list runs along; ties, and [ByID], go by id. An
// order that an entity does not have is [ErrInvalid].
type Order uint8

// The orders.
const (
	ByID         Order = iota // every entity; for default ids, the order of creation
	ByName                    // organizations, users, memberships: folded name
	ByEmail                   // users, memberships, invitations: canonical address
	ByDue                     // secrets, invitations, sessions, pending sign-ins and proofs of mailboxes: expiry; counts of those: when they begin anew; domains: the next recheck; looks at claims: the next one; mails: when they went; former slugs: when they are free
	ByTime                    // denials: the minute; invitations: when a mail that waits is tried
	ByJoined                  // memberships: when they joined
	ByLastSignIn              // memberships, within each 10,000 by id: when they last signed in there

	byWord Order = 100 // memberships: the first of their words, and so on; for searches alone
)

// listSpan says which rows of an order: those beyond After, at most Limit (at least
// one), descending if Desc.
type listSpan struct {
	After *typed.Place
	Limit int
	Order Order
	Desc  bool
}

// table is the table of one entity in a transaction, for ids of that entity alone.
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

// blank is a row of this width for one statement.
func (t *txn) blank(width int) store.Row {
	if len(t.scratch) < width {
		t.scratch = make(store.Row, width)
	}
	return t.scratch[:width]
}

func bind[V Entity, F any](t *txn, e *typed.Entity[V, F]) table[V, F] {
	return table[V, F]{typed.BindTo(&t.border, &t.scratch, e)}
}

// orEvery is the constraint of a filter, or, where there is none, every value that the column
// may have, if wanted, which is where no key leads to the rows: indexes by organization or by user go by the state next, and a store
// merges what each state has.
func orEvery[T comparable](in typed.In[T], wanted bool, every ...T) typed.In[T] {
	if in.IsSet() || !wanted {
		return in
	}
	return typed.Of(every...)
}
