package sqlite

import (
	"context"
	"database/sql"
	"errors"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/freehold-dev/freehold/store"
)

// closedError is the error of a closed Store.
var closedError error = &store.Error{Code: store.ErrClosed, Reason: "the store is closed"}

// handleClosed is the text of an error that database/sql does not export.
const handleClosed = "sql: database is closed"

// translate gives an error of database/sql or of the driver its code. Unwrap returns the driver's error.
func translate(ctx context.Context, err error) error {
	var told *store.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &told):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &store.Error{Code: store.ErrCanceled, Err: err}
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, sql.ErrConnDone):
		return &store.Error{Code: store.ErrClosed, Reason: "the transaction has ended", Err: err}
	case err.Error() == handleClosed:
		return &store.Error{Code: store.ErrClosed, Reason: "the handle is closed", Err: err}
	}
	result, ok := resultOf(err)
	if !ok {
		return &store.Error{Code: store.ErrInternal, Err: err}
	}
	code, reason := explain(result)
	if code == store.ErrCanceled && ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	return &store.Error{Code: code, Reason: reason, Err: err}
}

// explain turns SQLite's extended result code into a code of package store.
func explain(result int) (code store.Code, reason string) {
	if result == sqlite3.SQLITE_BUSY_SNAPSHOT {
		return store.ErrBusy, "the transaction began by reading, and another has written since: roll back and begin anew"
	}
	if result == sqlite3.SQLITE_IOERR_SHMSIZE {
		return store.ErrStorageFull, "there is no room for the file that connections share, of 32 KiB or more"
	}
	switch result & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return store.ErrBusy, "another connection holds the lock"
	case sqlite3.SQLITE_INTERRUPT:
		return store.ErrCanceled, ""
	case sqlite3.SQLITE_FULL:
		return store.ErrStorageFull, ""
	case sqlite3.SQLITE_READONLY:
		return store.ErrReadOnly, "the database cannot be written"
	case sqlite3.SQLITE_CORRUPT:
		return store.ErrCorrupt, ""
	case sqlite3.SQLITE_NOTADB:
		return store.ErrNotADatabase, ""
	case sqlite3.SQLITE_CANTOPEN:
		return store.ErrInternal, "a file of the database cannot be opened"
	case sqlite3.SQLITE_IOERR:
		return store.ErrInternal, "the disk refused to read or write"
	default:
		return store.ErrInternal, ""
	}
}

// constraint returns the extended code of a violated constraint, or 0.
func constraint(err error) int {
	if result, _ := resultOf(err); result&0xff == sqlite3.SQLITE_CONSTRAINT {
		return result
	}
	return 0
}

// ends reports whether SQLite may have rolled back the whole transaction by itself after this error. A further
// statement would then run outside of it.
func ends(err error) bool {
	result, _ := resultOf(err)
	switch result & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CORRUPT:
		return true
	default:
		return false
	}
}
