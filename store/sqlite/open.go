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

// Synchronous says how far a commit has gone when it is acknowledged.
type Synchronous uint8

// The levels.
const (
	// Full waits for the disk: what was acknowledged survives a loss of power.
	Full Synchronous = iota
	// Normal waits only now and then, and commits about three times as fast: what was
	// acknowledged survives the end of the process, but a loss of power may take the
	// last commits with it. The database stays whole either way.
	Normal
)

// Options are the choices that [Open] makes by itself. Every zero field has a
// default.
type Options struct {
	// Synchronous is [Full] by default.
	Synchronous Synchronous
	// BusyTimeout is how long a writer waits for one of another handle or process
	// before it answers [store.ErrBusy]; 10 seconds by default.
	BusyTimeout time.Duration
	// Readers is how many may read at once; GOMAXPROCS, and at least 2, by default.
	// Many more than the machine has processors starve the writer.
	Readers int
}

// Open opens the file at path with the default [Options], creates it if it is not
// there (its directory must be), for its owner alone to read (mode 0600), and migrates its tables.
//
// Errors: [store.ErrInvalid] with the field "path" for a path that cannot be
// opened and for ":memory:" and "", which package store/memory does better;
// [store.ErrNotADatabase], [store.ErrCorrupt], [store.ErrReadOnly],
// [store.ErrStorageFull]; [store.ErrSchema] if a newer program has migrated the
// file; [store.ErrBusy] if another process keeps it locked.
func Open(ctx context.Context, path string) (*Store, error) { return Options{}.Open(ctx, path) }

// Open is the function [Open] with these options; a negative or unknown one is
// [store.ErrInvalid].
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

// writerWait is how long SQLite itself waits for a lock, deaf to any context, before
// persist has a look at it.
const writerWait = 50 * time.Millisecond

// walLimit is the size to which a checkpoint cuts a log that a long reader has let
// grow, in bytes.
const walLimit = checkpointAt

func (o Options) writerPragmas() url.Values {
	return url.Values{
		"_txlock":       {"immediate"},
		"_busy_timeout": {milliseconds(min(writerWait, o.BusyTimeout))},
		"_pragma": {
			"journal_mode(WAL)",
			o.synchronous(),
			"foreign_keys(1)",
			"secure_delete(1)",   // what Erase took is not to be read from free space
			"temp_store(MEMORY)", // what a savepoint may have to put back: in a file it would halve an import
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

// handle makes a handle of up to size connections, none of them opened yet.
func (o Options) handle(file string, size int, pragmas url.Values) *sql.DB {
	connector, err := driver.NewConnector(file + "?" + pragmas.Encode())
	if err != nil {
		panic("sqlite: " + err.Error()) // it refuses a malformed query, and Encode makes none
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

// createPrivate makes the file, if it is not there, so that its owner alone can read it; SQLite gives
// the files beside it the same mode. What is wrong with the path, opening it tells.
func createPrivate(path string) {
	if file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = file.Close()
	}
}

// fileURI is the URI of a file, in which no character of the path means anything
// to SQLite or to the driver.
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
	if !strings.HasPrefix(slashed, "/") { // a drive letter
		slashed = "/" + slashed
	}
	return "file://" + escapePath(slashed), nil
}

// escapePath is stricter than url.PathEscape, which leaves characters that SQLite
// reads as something else.
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
