package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/freehold-dev/freehold/store"
)

// Synchronous says how safe the data of a commit is when the commit returns.
type Synchronous uint8

// The levels.
const (
	// Full waits for the disk: a commit that has returned survives a loss of power.
	Full Synchronous = iota
	// Normal waits for the disk only now and then, and commits about three times as fast. A commit that has
	// returned survives the end of the process, but a loss of power may undo the last commits. The database
	// stays consistent in both cases.
	Normal
)

// Options configure [Open]. Every zero field has a default.
type Options struct {
	// Synchronous is [Full] by default.
	Synchronous Synchronous
	// BusyTimeout is how long a writer waits for a writer of another handle or process, before it returns
	// [store.ErrBusy]; 10 seconds by default.
	BusyTimeout time.Duration
	// Readers is how many may read at once; by default GOMAXPROCS, and at least 2. With many more readers than
	// processors, writers get too little time.
	Readers int
}

// Open opens the file at path with the default [Options] and migrates its tables. If the file does not exist,
// Open creates it, so that only its owner can read it (mode 0600); the directory must exist.
//
// Errors: [store.ErrInvalid] with the field "path" for a path that cannot be opened, and for ":memory:" and ""
// (use package store/memory); [store.ErrNotADatabase], [store.ErrCorrupt], [store.ErrReadOnly],
// [store.ErrStorageFull]; [store.ErrSchema] if a newer program has migrated the file; [store.ErrBusy] if
// another process keeps it locked.
func Open(ctx context.Context, path string) (*Store, error) { return Options{}.Open(ctx, path) }

// Open is the function [Open] with these options. A negative or unknown option is [store.ErrInvalid].
func (o Options) Open(ctx context.Context, path string) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	file, err := fileURI(path)
	if err != nil {
		return nil, err
	}
	createPrivate(path)
	s := newStore(
		newReaders(o.handle(file, o.Readers, o.readerPragmas()), o.Readers),
		&pool{db: o.handle(file, 1, o.writerPragmas())},
		o.BusyTimeout,
	)
	s.checkpoints = newCheckpoints(o.handle(file, 1, o.checkpointPragmas()), path)
	if err := s.prepare(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Synchronous > Normal:
		return o, invalid("synchronous", "unknown level")
	case o.BusyTimeout < 0:
		return o, invalid("busy_timeout", "is negative")
	case o.Readers < 0:
		return o, invalid("readers", "is negative")
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 10 * time.Second
	}
	if o.Readers == 0 {
		o.Readers = max(2, runtime.GOMAXPROCS(0))
	}
	return o, nil
}

// writerWait is how long SQLite itself waits for a lock. It ignores contexts during that time; persist then
// checks the context and tries again.
const writerWait = 50 * time.Millisecond

// walLimit is the size to which a checkpoint cuts a log that grew during a long read, in bytes.
const walLimit = checkpointAt

func (o Options) writerPragmas() url.Values {
	return url.Values{
		"_txlock":       {"immediate"},
		"_busy_timeout": {milliseconds(min(writerWait, o.BusyTimeout))},
		"_pragma": {
			"journal_mode(WAL)",
			o.synchronous(),
			"foreign_keys(1)",
			"secure_delete(1)",   // nobody can read from free space what Erase removed
			"temp_store(MEMORY)", // for the undo data of savepoints: in a file it would halve the speed of an import
			fmt.Sprintf("journal_size_limit(%d)", walLimit),
		},
	}
}

func (o Options) checkpointPragmas() url.Values {
	return url.Values{
		"_busy_timeout": {milliseconds(checkpointWait)},
		"_pragma":       {o.synchronous(), fmt.Sprintf("journal_size_limit(%d)", walLimit)},
	}
}

func (o Options) synchronous() string {
	if o.Synchronous == Normal {
		return "synchronous(NORMAL)"
	}
	return "synchronous(FULL)"
}

func (o Options) readerPragmas() url.Values {
	return url.Values{
		"_busy_timeout": {milliseconds(o.BusyTimeout)},
		"_query_only":   {"1"},
	}
}

// handle makes a handle of up to size connections, and opens none yet.
func (o Options) handle(file string, size int, pragmas url.Values) *sql.DB {
	connector, err := driver.NewConnector(file + "?" + pragmas.Encode())
	if err != nil {
		panic("sqlite: " + err.Error()) // cannot happen: it refuses malformed queries only, and Encode makes none
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}

// prepare opens the file, migrates it and prepares the fixed statements.
func (s *Store) prepare(ctx context.Context) error {
	err := persist(ctx, s.patience, func() error { return translate(ctx, s.writers.db.PingContext(ctx)) })
	if isCantOpen(err) {
		return &store.Error{
			Code: store.ErrInvalid, Field: "path",
			Reason: "cannot be opened or created: it is a directory, or its directory is missing or closed to us", Err: err,
		}
	}
	if err != nil {
		return err
	}
	if err := onConn(ctx, s.writers.db, func(conn *sql.Conn) error { return migrate(ctx, conn, s.patience) }); err != nil {
		return err
	}
	s.writers.learn(ctx, fixed())
	return nil
}

// createPrivate creates the file, if it does not exist, so that only its owner can read it; SQLite gives the
// files beside it the same mode. It reports no error: opening the file will.
func createPrivate(path string) {
	if file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = file.Close()
	}
}

// fileURI returns the URI of a file. It escapes every character of the path that has a meaning to SQLite or to
// the driver.
func fileURI(path string) (string, error) {
	switch {
	case path == "" || strings.HasPrefix(path, ":memory:"):
		return "", invalid("path", "a database in memory is what package store/memory is for")
	case strings.HasPrefix(path, "file:"):
		return "", invalid("path", "is a URI; the path of a file is wanted")
	case strings.ContainsRune(path, 0):
		return "", invalid("path", "holds a zero byte")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", &store.Error{Code: store.ErrInvalid, Field: "path", Reason: "is relative to a directory that is gone", Err: err}
	}
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") { // a Windows path begins with a drive letter
		slashed = "/" + slashed
	}
	return "file://" + escapePath(slashed), nil
}

// escapePath is stricter than url.PathEscape, which leaves characters that have a meaning to SQLite.
func escapePath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/-._~:", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func milliseconds(d time.Duration) string { return fmt.Sprint(max(1, d.Milliseconds())) }

func invalid(field, reason string) error {
	return &store.Error{Code: store.ErrInvalid, Field: field, Reason: reason}
}

func isCantOpen(err error) bool {
	result, _ := resultOf(err)
	return result&0xff == sqlite3.SQLITE_CANTOPEN
}
