package store

import "context"

// SingleWriter is an optional part of a [Store]. Without it, callers assume that writing transactions overlap.
type SingleWriter interface {
	// SingleWriter reports that only one transaction writes at a time, of Update or of the host. The function
	// of an Update then starts only after every earlier Update has ended, and every transaction of the host
	// that has written. If a store reports this and it is not true, checks answer from stale access.
	SingleWriter() bool
}

// ReadersWait is an optional part of a [Store]. Without it, callers assume that a reader never waits for an
// open transaction.
type ReadersWait interface {
	// ReadersWait reports that a View may have to wait for a transaction that the host has open. Callers ask
	// before each View.
	ReadersWait() bool
}

// Joined is an optional part of a [Store] that works inside a transaction which the host began and will end. A
// Service joins no other Store (tenancy.Service.Join).
//
// One goroutine at a time may use such a Store. Its Update is a savepoint: a failure rolls back only this
// Update, and its function never runs twice.
type Joined interface {
	Store
	// Root returns the Store whose transaction this is. It returns the Store that was asked to join, not a
	// wrapper of it.
	Root() Store
}

// Unwrapper is an optional part of a [Store] that wraps another one, to count, trace or log. It promises that
// each View and Update of the wrapper is one View or Update of the other Store. Without it, a wrapper hides the
// optional parts of the Store that it wraps, and callers do not recognize a joined store.
type Unwrapper interface {
	// Unwrap returns the wrapped Store.
	Unwrap() Store
}

// As finds an optional part of a Store or of the Stores that it wraps, the outermost first.
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

// Innermost returns the Store under all wrappers.
func Innermost(s Store) Store {
	for {
		wrapper, ok := s.(Unwrapper)
		if !ok {
			return s
		}
		s = wrapper.Unwrap()
	}
}

// Query is a read of several tables that an SQL backend can do in one statement. Its caller can also read the
// same from the tables, and a test compares the two ways. A Query is identified by its address and must not be
// changed.
type Query struct {
	// Name is for logs.
	Name string
	// SQL is a select in the common subset of SQL dialects. Its arguments are ?1, ?2 and so on.
	SQL string
	// Dialect has other texts for backends that need one, by the name of the dialect: "sqlite", "postgres".
	Dialect map[string]string
	// Args and Columns are the types of the arguments and of the result, described as columns of a table; their
	// Names appear in errors.
	Args, Columns []Column
}

// RunQuery runs a query on rows if they are a [Querier]. ok is false if they are not, or if the backend does
// not run q.
func RunQuery(ctx context.Context, rows Rows, q *Query, args []Value, yield func(Row) error) (ok bool, err error) {
	if querier, is := rows.(Querier); is {
		return querier.Query(ctx, q, args, yield)
	}
	return false, nil
}

// Querier is an optional part of [Rows]. It runs a [Query]. Without it, or if ok is false, the caller reads the
// tables.
type Querier interface {
	// Query calls yield for each row of the result. The row is valid until yield returns; its texts stay valid.
	// If this backend does not run q, ok is false and yield was not called.
	Query(ctx context.Context, q *Query, args []Value, yield func(Row) error) (ok bool, err error)
}

// CountTo counts the rows that pass all conditions, and stops at limit: a limit of n + 1 shows whether there
// are more than n. It uses the [LimitedCounter] of rows if there is one, and otherwise lists up to limit rows.
// A limit below 1 is [ErrInvalid], with the field "limit".
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

// LimitedCounter is an optional part of [Rows]. It counts up to a limit. Without it, [CountTo] lists the rows
// and reads each of them whole.
type LimitedCounter interface {
	// CountTo counts the rows that pass all conditions. It returns limit if there are limit rows or more. limit
	// is at least 1.
	CountTo(ctx context.Context, t *Table, where []Cond, limit int) (int, error)
}
