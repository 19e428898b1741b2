package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// Code says what went wrong. Compare with errors.Is(err, store.ErrNotFound). The texts are stable. Package
// tenancy has more codes of this type.
type Code string

// Error makes a Code a sentinel error.
func (c Code) Error() string { return string(c) }

// The codes of a store.
const (
	// ErrInvalid: a statement that no store can run, or an impossible option; Field says which. Nothing was
	// written.
	ErrInvalid Code = "invalid"
	// ErrNotFound: the row does not exist.
	ErrNotFound Code = "not_found"
	// ErrAlreadyExists: another row has the same unique key; Field says which.
	ErrAlreadyExists Code = "already_exists"
	// ErrConflict: the version is not the stored version.
	ErrConflict Code = "conflict"
	// ErrReferenced: another row, perhaps of the host, refers to the row to delete.
	ErrReferenced Code = "referenced"
	// ErrEventsPruned: the position is below those that Prune kept.
	ErrEventsPruned Code = "events_pruned"
	// ErrReadOnly: a write inside View, or to a database that is read-only.
	ErrReadOnly Code = "read_only"
	// ErrCanceled: the context ended first; the error wraps context.Canceled or DeadlineExceeded.
	ErrCanceled Code = "canceled"
	// ErrBusy: another writer held the database too long. Nothing was written; try again.
	ErrBusy Code = "busy"
	// ErrClosed: the store is closed, or the transaction has ended.
	ErrClosed Code = "closed"
	// ErrStorageFull: the disk is full. Nothing of the transaction was kept.
	ErrStorageFull Code = "storage_full"
	// ErrCorrupt: the database is damaged.
	ErrCorrupt Code = "corrupt"
	// ErrNotADatabase: the file is not a database.
	ErrNotADatabase Code = "not_a_database"
	// ErrSchema: the tables are missing, or older or newer than this program expects; the text says which.
	ErrSchema Code = "schema"
	// ErrInternal: any other error; it wraps the cause.
	ErrInternal Code = "internal"
)

// Error is the error of a store. Only Code is always set. Its text contains no secrets and no text of a driver;
// Unwrap returns the driver's error.
type Error struct {
	// Code is the code to compare with.
	Code Code
	// Kind and Key name the row: its Table.Kind and its id.
	Kind, Key string
	// Field is the key, the column or the option that is wrong.
	Field string
	// Reason says what is wrong, for a person.
	Reason string
	// Err is the cause.
	Err error
}

// Error returns one line: `organization "org_...": not_found`.
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, code) work.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// CodeOf returns the Code of an error of a store: "" for nil, [ErrCanceled] for a bare context error, and
// [ErrInternal] for an error without a Code.
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
