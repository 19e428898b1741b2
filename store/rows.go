package store

import (
	"context"

	"github.com/freehold-dev/freehold/tenancy"
)

// Rows is what a backend implements for one of its transactions: statements on
// rows of whichever table, and the log. What callers may do wrong is caught before
// it gets here: Rows is never called after the transaction's end, for a write in a
// View, with an empty set of values, with an order that the table lacks, or with a
// context that has ended already.
//
// A row that is passed in is the caller's again afterwards: what is kept of it is
// copied.
//
// Errors carry a [tenancy.Code]: see [Table.NotFound], [Table.Stale],
// [Table.Taken], and the codes of storage itself. A failed statement changes
// nothing and leaves the transaction usable.
type Rows interface {
	// Get fills row, which has a place for each column, whatever was in it.
	Get(ctx context.Context, t *Table, id [16]byte, row Row) error
	// List calls yield for each row in turn. The row is yield's until it returns,
	// and its texts for good; yield may call other methods of Rows and write, which
	// does not change what this List gives.
	List(ctx context.Context, t *Table, where []Cond, r Range, yield func(Row) error) error
	// Count counts the rows that pass the conditions.
	Count(ctx context.Context, t *Table, where []Cond) (int, error)
	// Insert adds a row; errors as for [tenancy.Table].
	Insert(ctx context.Context, t *Table, row Row) error
	// Update replaces the row with row's id, version row[1]-1, and leaves t.Touch.
	Update(ctx context.Context, t *Table, row Row) error
	// Touch sets t.Touch, which is not 0; without such a row it does nothing.
	Touch(ctx context.Context, t *Table, id [16]byte, micros int64) error
	// Delete removes a row.
	Delete(ctx context.Context, t *Table, id [16]byte) error
	// DeleteAll removes the rows that pass the conditions, of which there is one at least.
	DeleteAll(ctx context.Context, t *Table, where []Cond) (int, error)
	// Lock is [tenancy.Tx.Lock]: nothing to do where transactions that write run one
	// at a time anyway.
	Lock(ctx context.Context, keys []LockKey) error
	// Savepoint is [tenancy.Tx.Savepoint], for fn's error and for its panic.
	Savepoint(ctx context.Context, fn func() error) error

	// Append adds an event, and the people besides the one in its user_id whose data
	// it holds.
	Append(ctx context.Context, t *Table, row Row, people []tenancy.UserID) error
	// Events reads the log as [tenancy.Log.Read] does, examining at most [MaxExamined]
	// rows.
	Events(ctx context.Context, t *Table, where []Cond, span tenancy.LogSpan, yield func(tenancy.Position, Row) error) (next tenancy.Position, done bool, err error)
	// Last is [tenancy.Log.Last].
	Last(ctx context.Context) (tenancy.Position, error)
	// Prune is [tenancy.Log.Prune], before an instant in microseconds.
	Prune(ctx context.Context, before int64, limit int) (int, error)
	// Redact is [tenancy.Log.Redact].
	Redact(ctx context.Context, person tenancy.UserID) (int, error)
}

// AccessReader is an optional part of [Rows]: [tenancy.AccessReader] in one statement.
type AccessReader interface {
	// Access is the method of that name there.
	Access(ctx context.Context, organization tenancy.OrganizationID, user tenancy.UserID) (tenancy.AccessFacts, error)
}

// MaxExamined bounds how many events one read looks at.
const MaxExamined = 10_000

// Run gives fn a typed transaction over rows, and ends it when fn returns or
// panics. A backend calls it inside View, with readOnly, and inside Update.
func Run(rows Rows, readOnly bool, fn func(Tx) error) error {
	t := newTx(rows, readOnly)
	defer func() { t.ended = true }()
	if fast, ok := rows.(AccessReader); ok {
		return fn(&fastTx{t, fast})
	}
	return fn(t)
}

// Underlying gives the Rows of a transaction that [Run] made, so that a backend
// finds its own again; ok is false for any other Tx, or after its end.
func Underlying(t Tx) (rows Rows, ok bool) {
	if fast, ok := t.(*fastTx); ok {
		t = fast.tx
	}
	own, ok := t.(*tx)
	if !ok || own.ended {
		return nil, false
	}
	return own.rows, true
}
