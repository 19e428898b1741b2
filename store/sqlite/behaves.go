package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/freehold-dev/freehold/store"
)

// oldest is the minor number of the oldest SQLite 3 that has strict tables.
const oldest = 37

// behaves checks on a connection of the host that its driver does what every driver must do. It tries each
// thing, because neither a name nor a DSN shows it. It writes nothing, and opens no file.
//
// Errors: [store.ErrInvalid] with the field "db", and what the driver lacks.
func behaves(ctx context.Context, conn *sql.Conn) error {
	for _, ask := range []func(context.Context, *sql.Conn) error{isSQLite, tellsResults, keepsTypes} {
		if err := ask(ctx, conn); err != nil {
			if ctx.Err() != nil {
				return translate(ctx, ctx.Err())
			}
			return err
		}
	}
	return nil
}

// lacking is the error for a driver that lacks something.
func lacking(reason string, err error) error {
	return &store.Error{Code: store.ErrInvalid, Field: "db", Reason: reason, Err: err}
}

func isSQLite(ctx context.Context, conn *sql.Conn) error {
	var version string
	if err := conn.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return lacking("the handle's driver is none of SQLite", err)
	}
	parts := strings.Split(version, ".")
	if len(parts) < 2 || parts[0] != "3" {
		return lacking("the handle's driver is none of SQLite 3 but of "+version, nil)
	}
	if minor, err := strconv.Atoi(parts[1]); err != nil || minor < oldest {
		return lacking(fmt.Sprintf("the handle's SQLite is %s, and 3.%d has the first strict tables", version, oldest), err)
	}
	// The tables check JSON documents, and accept null. Old libraries may have no JSON, or refuse null as a
	// wrong document.
	var valid bool
	err := conn.QueryRowContext(ctx, `SELECT json_valid('{}') = 1 AND json_valid(NULL) IS NULL`).Scan(&valid)
	if err != nil || !valid {
		return lacking("the handle's SQLite "+version+" has no JSON, or not that of newer versions, in which json_valid(NULL) is null", err)
	}
	return nil
}

// tellsResults checks for extended result codes: only they distinguish a taken key from a missing parent. The
// error for an unknown collation has one, and needs no table.
func tellsResults(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT 'a' = 'b' COLLATE tenancy_asks_for_a_code`)
	result, _ := resultOf(err)
	if result == sqlite3.SQLITE_ERROR_MISSING_COLLSEQ {
		return nil
	}
	return lacking("the errors of the handle's driver do not tell the extended result codes of SQLite", err)
}

// keepsTypes checks that a value is read back as SQLite stores it.
func keepsTypes(ctx context.Context, conn *sql.Conn) error {
	var number, text, null any
	if err := conn.QueryRowContext(ctx, `SELECT 1, 'text', NULL`).Scan(&number, &text, &null); err != nil {
		return translate(ctx, err)
	}
	if number == int64(1) && text == "text" && null == nil {
		return nil
	}
	return lacking(fmt.Sprintf(
		"the handle's driver reads a number, a text and null as %T, %T and %T, and not as int64, string and nil", number, text, null), nil)
}

// readsFreely checks that a transaction which only reads takes no write lock. Otherwise every read would wait
// for every writer, and a read inside of a transaction for itself. A connection that may not write cannot begin
// a transaction with the write lock: that fails at once, no matter which connection has the lock.
func readsFreely(ctx context.Context, conn *sql.Conn) (err error) {
	var before int
	if err := conn.QueryRowContext(ctx, `PRAGMA query_only`).Scan(&before); err != nil {
		return translate(ctx, err)
	}
	ctx = context.WithoutCancel(ctx) // the connection is the host's, so it must be left as it was
	if _, err := conn.ExecContext(ctx, `PRAGMA query_only = 1`); err != nil {
		return translate(ctx, err)
	}
	defer func() {
		if _, failed := conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA query_only = %d`, before)); err == nil {
			err = translate(ctx, failed)
		}
	}()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		return translate(ctx, tx.Rollback())
	}
	switch result, ok := resultOf(err); {
	case !ok:
		return lacking("the handle's driver begins no transaction that only reads", err)
	case result&0xff == sqlite3.SQLITE_READONLY:
		return lacking("the handle's driver takes the write lock for transactions that only read: leave _txlock out of the DSN", err)
	default:
		return translate(ctx, err)
	}
}
