// Package store is the contract between package tenancy and what keeps its rows, and
// all that a writer of a backend needs to know. It knows no entity and no rule.
//
// For most uses, take a backend that is there (store/memory, store/sqlite), give it to
// tenancy.New, and leave this package alone.
//
// To write a backend, implement [Store] on your database. Its View and Update begin a
// transaction, put a [Guard] in front of your [Rows], and call the function that they
// were given. Hold the whole to package storetest. A backend sets no default, stamps no
// time, normalises nothing and holds no rule about tenancy: it is told what a table
// looks like ([Table], [Log]) with each statement, and may meet a table at any time for
// the first time.
//
// Package store/typed turns Go values into rows and back.
package store

import "context"

// Store keeps rows. It is safe for concurrent use. Its errors are of the type
// [*Error].
//
// A Store may have further methods: [SingleWriter], [ReadersWait], [Joined] and
// [Unwrapper] say which, and what callers do without.
type Store interface {
	// View runs fn over one snapshot: what others commit meanwhile stays unseen, and
	// writes fail with [ErrReadOnly]. A reader never waits for a writer. The error of fn
	// is passed on as it is.
	View(ctx context.Context, fn func(Rows) error) error
	// Update runs fn in a transaction of which all is kept or nothing: the error or
	// panic of fn rolls back and is passed on as it is. Two Updates that took a common
	// Lock behave as if one ran after the other. fn may run again from the start, so it
	// must set what it returns, not add to it, and it passes on the errors of its
	// statements, by which a store knows that it should.
	Update(ctx context.Context, fn func(Rows) error) error
}

// Rows is one transaction: statements on rows of whichever table, and the logs. It
// sees its own writes, is for one goroutine, and answers [ErrClosed] after its end.
//
// A row that is passed in is the caller's again afterwards: what is kept of it is
// copied. A failed statement changes nothing and leaves the transaction usable.
//
// A backend implements Rows without looking for mistakes of its callers: a [Guard]
// stands before it. See there for what never reaches it.
type Rows interface {
	// Get fills row, which has a place for each column, whatever was in it. Errors:
	// [Table.NotFound].
	Get(ctx context.Context, t *Table, id [16]byte, row Row) error
	// List calls yield for each row in turn. The row is yield's until it returns, and
	// its texts for good; yield may call other methods and write, which does not change
	// what this List gives. An error of yield ends the list and is passed on.
	List(ctx context.Context, t *Table, where []Cond, r Range, yield func(Row) error) error
	// Count counts the rows that pass all conditions.
	Count(ctx context.Context, t *Table, where []Cond) (int, error)
	// Insert adds a row. Errors: [Table.Taken] for a unique key or an id that is there
	// already, [Table.NotFound] of the table that a column refers to, where the backend
	// looks.
	Insert(ctx context.Context, t *Table, row Row) error
	// Update replaces the row of row's id, whose stored version must be one less than
	// row's; it leaves the column Table.Touch. Errors: [Table.Stale], [Table.NotFound],
	// and those of Insert.
	Update(ctx context.Context, t *Table, row Row) error
	// UpdateAll sets columns of the rows that pass all conditions and hold something else in
	// one of them, raises the version of each of these by one if [Table.Versioned], and says
	// how many they are.
	UpdateAll(ctx context.Context, t *Table, where []Cond, set []Set) (int, error)
	// Touch sets the column Table.Touch to an instant, in microseconds, and leaves the
	// version. A row that is not there is no error.
	Touch(ctx context.Context, t *Table, id [16]byte, micros int64) error
	// Delete removes a row. Errors: [Table.NotFound]; [ErrReferenced] where another row
	// needs it and the backend looks.
	Delete(ctx context.Context, t *Table, id [16]byte) error
	// DeleteAll removes the rows that pass all conditions and says how many.
	DeleteAll(ctx context.Context, t *Table, where []Cond) (int, error)

	// Lock excludes every other transaction that locks one of the keys, until the end of
	// this one. Lock in ascending order of [LockKey.Compare], within a call and from call
	// to call, and read again afterwards what was read before. A deadlock across calls
	// is detected: Update runs its function again. Where transactions that write run one
	// at a time there is nothing to do.
	Lock(ctx context.Context, keys ...LockKey) error
	// Savepoint runs fn as a part that can fail alone: the error or panic of fn undoes
	// what fn wrote, and no more, and is passed on as it is. Locks stay.
	Savepoint(ctx context.Context, fn func() error) error

	// Append adds an event, and the people besides the one in its column Log.Person
	// whose data it holds; naming one twice is no error. The store gives the position,
	// so that the order of positions is the order of commits. Times never decrease along
	// positions: where the column Log.Time is earlier than in the event before, one of this
	// transaction too, the store keeps that one's time in its place. What is pruned counts no more.
	Append(ctx context.Context, l *Log, event Row, people [][16]byte) error
	// Events reads a log in the order of its positions and calls yield for up to
	// span.Limit events that were committed before this transaction and pass all
	// conditions. It examines at most [MaxExamined] events. next is where to go on from:
	// the last event examined, or span.After where none was; done says whether that is
	// the end. Conditions [Less] and [AtLeast] on the column Log.Time bound the positions
	// ([Log.Between]): what lies outside is not examined. An ascending read from below the
	// pruned floor is [ErrEventsPruned].
	Events(ctx context.Context, l *Log, where []Cond, span LogSpan, yield func(position int64, event Row) error) (next int64, done bool, err error)
	// Last is the position of the newest event committed before this transaction, 0
	// before the first. It never moves back: it is the sign that something changed.
	Last(ctx context.Context, l *Log) (int64, error)
	// Prune removes up to limit of the oldest events, all of them from before that
	// instant, in microseconds, and says how many.
	Prune(ctx context.Context, l *Log, before int64, limit int) (int, error)
	// Redact sets the columns Log.Blank to null, and Log.Redacted, in events of a person: in the order of
	// positions, up to limit of those behind after, and then in those of this transaction. It says how
	// many it changed. next is the last that it came to, to go on from, or 0 where there are no more. That
	// such an event lists the person is forgotten: their id may be made from an address.
	Redact(ctx context.Context, l *Log, person [16]byte, after int64, limit int) (changed int, next int64, err error)
}

// MaxExamined bounds how many events one read of a log looks at.
const MaxExamined = 10_000
