// Package store is the contract between package tenancy and the backend that keeps its rows. It contains
// everything that the author of a backend needs to know. It has no entities and no rules.
//
// For most uses, take an existing backend (store/memory, store/sqlite), give it to tenancy.New, and ignore this
// package.
//
// To write a backend, implement [Store] on your database. Its View and Update begin a transaction, put a
// [Guard] in front of your [Rows], and call the given function. Test the result with package storetest. A
// backend sets no default values and no times, normalizes nothing, and implements no rule about tenancy. Each
// statement describes its table ([Table], [Log]), and a backend may get a table for the first time at any
// moment.
package store

import "context"

// Store keeps rows. It is safe for concurrent use. Its errors are of type [*Error].
//
// A Store may have further methods. [SingleWriter], [ReadersWait], [Joined] and [Unwrapper] describe them, and
// what callers do if they are missing.
type Store interface {
	// View runs fn on one snapshot: fn does not see what others commit meanwhile, and writes fail with
	// [ErrReadOnly]. A reader never waits for a writer. View returns the error of fn unchanged.
	View(ctx context.Context, fn func(Rows) error) error
	// Update runs fn in a transaction, which commits as a whole or not at all. If fn returns an error or
	// panics, Update rolls back and passes the error or panic on unchanged. Two Updates that lock a common key
	// behave as if one ran after the other. Update may run fn again from the start. So fn must set its results
	// and not add to them, and it must return the errors of its statements: by them a store knows whether to
	// repeat.
	Update(ctx context.Context, fn func(Rows) error) error
}

// Rows is one transaction: statements on the rows of all tables, and the logs. It sees its own writes. One
// goroutine at a time may use it. After its end it returns [ErrClosed].
//
// The caller may change a row again after a call that took it, because the store copies what it keeps. A failed
// statement changes nothing, and the transaction can continue.
//
// A backend that implements Rows need not check for its callers' mistakes: the [Guard] in front of it does. See
// there for the calls that never reach a backend.
type Rows interface {
	// Get fills row, which has a place for each column, and overwrites its contents. Errors: [Table.NotFound].
	Get(ctx context.Context, t *Table, id [16]byte, row Row) error
	// List calls yield for each row in turn. The row is valid until yield returns; its texts stay valid. yield
	// may call other methods and write; that does not change what this List returns. An error of yield ends the
	// list, and List returns it.
	List(ctx context.Context, t *Table, where []Cond, r Range, yield func(Row) error) error
	// Count counts the rows that pass all conditions.
	Count(ctx context.Context, t *Table, where []Cond) (int, error)
	// Insert adds a row. Errors: [Table.Taken] for a unique key or an id that already exists; [Table.NotFound]
	// of the table that a column refers to, if the backend checks.
	Insert(ctx context.Context, t *Table, row Row) error
	// Update replaces the row with row's id. The stored version must be one less than row's. The column
	// Table.Touch does not change. Errors: [Table.Stale], [Table.NotFound], and those of Insert.
	Update(ctx context.Context, t *Table, row Row) error
	// UpdateAll sets columns of the rows that pass all conditions and that have another value in at least one
	// of these columns. If [Table.Versioned], it raises the version of each of these rows by one. It returns
	// their number.
	UpdateAll(ctx context.Context, t *Table, where []Cond, set []Set) (int, error)
	// Touch sets the column Table.Touch to a time, in microseconds, and does not change the version. A row that
	// does not exist is no error.
	Touch(ctx context.Context, t *Table, id [16]byte, micros int64) error
	// Delete removes a row. Errors: [Table.NotFound]; [ErrReferenced] if another row needs it and the backend
	// checks.
	Delete(ctx context.Context, t *Table, id [16]byte) error
	// DeleteAll removes the rows that pass all conditions and returns their number.
	DeleteAll(ctx context.Context, t *Table, where []Cond) (int, error)

	// Lock excludes every other transaction that locks one of the keys, until this transaction ends. The keys of
	// one call come in ascending order of [LockKey.Compare], because a [Guard] sorts them. A later call may lock
	// lower keys: the store detects the deadlock that can follow, and Update then runs its function again. After
	// Lock, read again what you read before. If only one transaction writes at a time, Lock does nothing.
	Lock(ctx context.Context, keys ...LockKey) error
	// Savepoint runs fn as a part that can fail alone. If fn returns an error or panics, Savepoint undoes only
	// what fn wrote, and passes the error or panic on unchanged. Locks stay.
	Savepoint(ctx context.Context, fn func() error) error

	// Append adds an event. people are the people whose data it contains, in addition to the one in its column
	// Log.Person; a person may be named twice. The store assigns the position, so that the order of positions
	// is the order of commits. Times never decrease along positions: if the column Log.Time is earlier than in
	// the event before it, which may be of this transaction, the store writes that event's time instead. Pruned
	// events do not count.
	Append(ctx context.Context, l *Log, event Row, people [][16]byte) error
	// Events reads a log in the order of its positions. It calls yield for up to span.Limit events that were
	// committed before this transaction and that pass all conditions. It examines at most [MaxExamined] events.
	// next is the position to continue from: the last event examined, or span.After if there was none. done
	// reports whether that is the end. Conditions [Less] and [AtLeast] on the column Log.Time limit the
	// positions ([Log.Between]): events outside are not examined. An ascending read from below the pruned floor
	// is [ErrEventsPruned].
	Events(ctx context.Context, l *Log, where []Cond, span LogSpan, yield func(position int64, event Row) error) (next int64, done bool, err error)
	// Last returns the position of the newest event committed before this transaction, or 0 if there is none.
	// It never decreases. A change of Last shows that something has changed.
	Last(ctx context.Context, l *Log) (int64, error)
	// Prune removes up to limit of the oldest events that are from before a time, in microseconds, and returns
	// their number.
	Prune(ctx context.Context, l *Log, before int64, limit int) (int, error)
	// Redact sets the columns Log.Blank to null, and Log.Redacted, in events of a person. It goes in the order
	// of positions: up to limit events after the position after, and then those of this transaction. It returns
	// how many it changed. next is the last event that it reached, to continue from, or 0 if there are no more.
	// Redact also removes the person from the people of such an event, because an id may be made from an
	// address.
	Redact(ctx context.Context, l *Log, person [16]byte, after int64, limit int) (changed int, next int64, err error)
}

// MaxExamined limits how many events one read of a log examines.
const MaxExamined = 10_000
