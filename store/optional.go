package store

import "context"

// SingleWriter is an optional part of a [Store]. Without it, transactions that write
// are taken to overlap.
type SingleWriter interface {
	// SingleWriter reports that one transaction writes at a time, Update's or the host's: the
	// function of an Update is entered only once every Update that was entered before
	// has ended, and so has every transaction of the host's that has written. A store
	// that says so wrongly makes checks answer from stale access.
	SingleWriter() bool
}

// ReadersWait is an optional part of a [Store]. Without it, a reader is taken to never
// wait for a transaction that is open.
type ReadersWait interface {
	// ReadersWait reports that a View may have to wait for a transaction that the host has
	// open. It is asked before each View.
	ReadersWait() bool
}

// Joined is an optional part of a [Store]: of one that works inside a transaction
// that the host has begun and ends. A Service joins no other (tenancy.Service.Join).
//
// Such a Store is for one goroutine. Its Update is a savepoint: where it fails it undoes
// itself alone, and its function never runs twice.
type Joined interface {
	Store
	// Root is the Store whose transaction this is: the one that was asked to join, not
	// a wrapper of it.
	Root() Store
}

// Unwrapper is an optional part of a [Store] that wraps another: to count, trace or
// log. It promises that each View and Update of the wrapper is one of the other. Without
// it a wrapper hides the optional parts of what it wraps, and a joined store is not
// recognised.
type Unwrapper interface {
	// Unwrap is the Store underneath.
	Unwrap() Store
}

// As finds an optional part in a Store or in what it wraps, the outermost first.
func As[T any](s Store) (part T, ok bool) {
	for s != nil {
		if part, ok = s.(T); ok {
			return part, true
		}
		wrapper, wraps := s.(Unwrapper)
		if !wraps {
			break
		}
		s = wrapper.Unwrap()
	}
	return part, false
}

// Innermost is the Store under all wrappers.
func Innermost(s Store) Store {
	for {
		wrapper, ok := s.(Unwrapper)
		if !ok {
			return s
		}
		s = wrapper.Unwrap()
	}
}

// Query is a read over several tables that a SQL backend can do in one statement. Who
// asks has a way to read the same from the tables, and a test that compares the two.
// A Query is known by its address and must not be changed.
type Query struct {
	// Name is for logs.
	Name string
	// SQL is a select in the common subset of SQL dialects. Its arguments are ?1, ?2 and
	// so on.
	SQL string
	// Dialect has another text for a backend that needs one, by the name of its
	// dialect: "sqlite", "postgres".
	Dialect map[string]string
	// Args and Columns are the types of the arguments and of the result, as if they were
	// columns of a table; a Name is for errors.
	Args, Columns []Column
}

// RunQuery runs a query on rows where they are a [Querier]; ok is false where they are
// not, or where the backend does not run q.
func RunQuery(ctx context.Context, rows Rows, q *Query, args []Value, yield func(Row) error) (ok bool, err error) {
	if querier, is := rows.(Querier); is {
		return querier.Query(ctx, q, args, yield)
	}
	return false, nil
}

// Querier is an optional part of [Rows]: it runs a [Query]. Without it, and where ok
// is false, the caller reads the tables.
type Querier interface {
	// Query calls yield for each row of the result; the row is yield's until it returns,
	// and its texts for good. ok is false, and yield was not called, where this backend
	// does not run q.
	Query(ctx context.Context, q *Query, args []Value, yield func(Row) error) (ok bool, err error)
}

// CountTo counts the rows that pass all conditions, and stops at limit: a limit of n + 1 says whether
// there are more than n. It asks rows where they are a [LimitedCounter], and lists up to limit rows
// otherwise. A limit below 1 is [ErrInvalid], with the field "limit".
func CountTo(ctx context.Context, rows Rows, t *Table, where []Cond, limit int) (int, error) {
	if counter, is := rows.(LimitedCounter); is {
		return counter.CountTo(ctx, t, where, limit)
	}
	n := 0
	err := rows.List(ctx, t, where, Range{Limit: limit}, func(Row) error {
		n++
		return nil
	})
	return n, err
}

// LimitedCounter is an optional part of [Rows]: a count that stops at a limit. Without it [CountTo] lists
// the rows, and reads each of them whole.
type LimitedCounter interface {
	// CountTo counts the rows that pass all conditions, and answers limit where they are as
	// many or more. limit is at least 1.
	CountTo(ctx context.Context, t *Table, where []Cond, limit int) (int, error)
}
