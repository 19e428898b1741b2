package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// Code says what went wrong, as a value to compare with: errors.Is(err,
// store.ErrNotFound). The texts are stable. Package tenancy has further codes of its own,
// of the same type.
type Code string

// Error makes a Code a sentinel error.
func (c Code) Error() string { return string(c) }

// The codes of a store.
const (
	// ErrInvalid: a statement that no store can run, or an option that cannot be; Field
	// says which. Nothing was written.
	ErrInvalid Code = "invalid"
	// ErrNotFound: no such row.
	ErrNotFound Code = "not_found"
	// ErrAlreadyExists: a unique key is taken; Field says which.
	ErrAlreadyExists Code = "already_exists"
	// ErrConflict: the version is not the stored one.
	ErrConflict Code = "conflict"
	// ErrReferenced: another row, perhaps of the host's, refers to what should go.
	ErrReferenced Code = "referenced"
	// ErrEventsPruned: the position is below what Prune left.
	ErrEventsPruned Code = "events_pruned"
	// ErrReadOnly: a write inside View, or a database that cannot be written.
	ErrReadOnly Code = "read_only"
	// ErrCanceled: the context ended first; context.Canceled or DeadlineExceeded is wrapped.
	ErrCanceled Code = "canceled"
	// ErrBusy: another writer held the database too long. Nothing was written; try again.
	ErrBusy Code = "busy"
	// ErrClosed: the store, or the transaction, has ended.
	ErrClosed Code = "closed"
	// ErrStorageFull: no room on the disk. Nothing of the transaction was kept.
	ErrStorageFull Code = "storage_full"
	// ErrCorrupt: the database is damaged.
	ErrCorrupt Code = "corrupt"
	// ErrNotADatabase: the file is something else.
	ErrNotADatabase Code = "not_a_database"
	// ErrSchema: the tables are missing, older or newer than this program's; the text says which.
	ErrSchema Code = "schema"
	// ErrInternal: none of the above; the cause is wrapped.
	ErrInternal Code = "internal"
)

// Error is the error of a store. Only Code is always set. Its text holds no secret and
// no words of a driver; those are behind Unwrap.
type Error struct {
	// Code is what to compare with.
	Code Code
	// Kind and Key name the row: Table.Kind, and its id.
	Kind, Key string
	// Field is the key, the column or the option at fault.
	Field string
	// Reason says what is wrong, for a person.
	Reason string
	// Err is the cause.
	Err error
}

// Error is one line: `organization "org_...": not_found`.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind)
	if e.Key != "" {
		b.WriteString(" " + strconv.Quote(e.Key))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(string(e.Code))
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, code) work.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// CodeOf is the Code of an error of a store: "" for nil, [ErrCanceled] for a bare
// context error, and [ErrInternal] for an error that carries none.
func CodeOf(err error) Code {
	var e *Error
	var code Code
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	case errors.As(err, &code):
		return code
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ErrCanceled
	default:
		return ErrInternal
	}
}
