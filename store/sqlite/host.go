package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// New makes a Store on a handle of the host. It neither configures nor migrates nor closes the handle. It
// checks what it needs, and its error says in one sentence what is missing. Put all settings into the DSN, so
// that every connection has them:
//
//	file:app.db?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)&_pragma=secure_delete(1)&_txlock=immediate
//
// That is the DSN of modernc.org/sqlite. Other drivers of SQLite work, too, if they behave as docs/sqlite.md
// says; it has their DSNs. Never open one file with two drivers in a process: that corrupts it.
//
// Errors: [store.ErrInvalid] with the field "db" for a handle that is not of SQLite, of an SQLite that is too
// old, or of a driver that does not behave; for a database in memory, and for a handle without foreign keys,
// busy timeout or write-ahead log; [store.ErrSchema] if [Migrate] must run first, or a newer program has
// migrated.
//
// Reads and writes of the Store use the handle's connections together with the host. If there is only one
// (SetMaxOpenConns(1)), calls wait for an open transaction of the host; see [Store.InTx]. The handle decides
// how durable a commit is (PRAGMA synchronous). A writer notices only after the handle's busy timeout that its
// context has ended.
func New(ctx context.Context, db *sql.DB) (*Store, error) {
	if db == nil {
		return nil, invalid("db", "is nil")
	}
	if err := inspect(ctx, db); err != nil {
		return nil, err
	}
	if err := current(ctx, db); err != nil {
		return nil, err
	}
	defaults, err := Options{}.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &pool{db: db}
	p.learn(ctx, fixed())
	return newStore(nil, p, defaults.BusyTimeout), nil
}

// inspect looks at two connections if the handle allows as many: a pragma that was set by a statement, and not
// in the DSN, applies to one connection only.
func inspect(ctx context.Context, db *sql.DB) error {
	for range 2 {
		conn, err := db.Conn(ctx)
		if err != nil {
			return translate(ctx, err)
		}
		defer func() { _ = conn.Close() }()
		if err := inspectConn(ctx, conn); err != nil {
			return err
		}
		if db.Stats().MaxOpenConnections == 1 {
			return nil
		}
	}
	return nil
}

func inspectConn(ctx context.Context, conn *sql.Conn) error {
	if err := behaves(ctx, conn); err != nil {
		return err
	}
	for _, need := range needs {
		var has string // stays empty if the library lacks the pragma: there is no row
		if err := conn.QueryRowContext(ctx, `PRAGMA `+need.pragma).Scan(&has); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return translate(ctx, err)
		}
		if !need.ok(strings.ToLower(has)) {
			return invalid("db", fmt.Sprintf("PRAGMA %s is %q on a connection of the handle: %s", need.pragma, has, need.advice))
		}
	}
	return readsFreely(ctx, conn)
}

// needs is what every connection of a host's handle must have set.
var needs = []struct {
	pragma string
	ok     func(string) bool
	advice string
}{
	{"encoding", is("utf-8"), "only UTF-8 orders texts as tenancy does"},
	{"journal_mode", is("wal"), "put _pragma=journal_mode(WAL) into the DSN (_journal_mode=WAL of mattn/go-sqlite3); a database in memory cannot have it, take store/memory"},
	{"foreign_keys", is("1"), "put _pragma=foreign_keys(1) into the DSN (_foreign_keys=1 of mattn/go-sqlite3)"},
	{"busy_timeout", func(has string) bool { return has != "0" }, "put _pragma=busy_timeout(5000) into the DSN (_busy_timeout=5000 of mattn/go-sqlite3)"},
}

func is(want string) func(string) bool { return func(has string) bool { return has == want } }

// current returns nil if the tables are those of this program.
func current(ctx context.Context, db *sql.DB) error {
	known, err := steps()
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, db)
	switch {
	case err != nil:
		return err
	case version == 0:
		return &store.Error{Code: store.ErrSchema, Reason: "there are no tables of tenancy: call sqlite.Migrate first"}
	case version < len(known):
		return &store.Error{
			Code:   store.ErrSchema,
			Reason: fmt.Sprintf("the tables are at version %d of %d: call sqlite.Migrate first", version, len(known)),
		}
	default:
		return notNewer(version, len(known))
	}
}
