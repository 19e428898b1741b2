package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct{ dsn, text string }{
		"memory":             {"file::memory:?_pragma=foreign_keys(1)&_busy_timeout=1", "store/memory"},
		"no log":             {"file:DIR/a.db?_pragma=foreign_keys(1)&_busy_timeout=1", "journal_mode"},
		"no foreign keys":    {"file:DIR/a.db?_pragma=journal_mode(WAL)&_busy_timeout=1", "foreign_keys"},
		"no busy timeout":    {"file:DIR/a.db?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)", "busy_timeout"},
		"UTF-16":             {"file:DIR/a.db?_pragma=encoding('UTF-16')&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_busy_timeout=1", "encoding"},
		"a pragma by Exec":   {"file:DIR/a.db?_pragma=journal_mode(WAL)&_busy_timeout=1", "foreign_keys"},
		"no tables, in WAL":  {"file:DIR/a.db?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_busy_timeout=1", "call sqlite.Migrate"},
		"a missing database": {"file:DIR/a.db?mode=ro&_pragma=foreign_keys(1)&_busy_timeout=1", "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open("sqlite", replaceDir(c.dsn, t.TempDir()))
			require.NoError(t, err)
			defer func() { require.NoError(t, db.Close()) }()
			if name == "a pragma by Exec" {
				_, err := db.Exec(`PRAGMA foreign_keys = 1`) // on the one connection there is
				require.NoError(t, err)
			}
			_, err = sqlite.New(t.Context(), db)
			require.ErrorContains(t, err, c.text)
		})
	}
	_, err := sqlite.New(t.Context(), nil)
	require.ErrorIs(t, err, store.ErrInvalid)
	require.ErrorIs(t, sqlite.Migrate(t.Context(), nil), store.ErrInvalid)
}

func replaceDir(dsn, dir string) string {
	for i := range len(dsn) - 3 {
		if dsn[i:i+3] == "DIR" {
			return dsn[:i] + dir + dsn[i+3:]
		}
	}
	return dsn
}

// otherDriver is no SQLite at all.
type otherDriver struct{}

func (otherDriver) Connect(context.Context) (driver.Conn, error) { return otherConn{}, nil }
func (otherDriver) Driver() driver.Driver                        { return nil }

type otherConn struct{}

func (otherConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("42P01") }
func (otherConn) Close() error                        { return nil }
func (otherConn) Begin() (driver.Tx, error)           { return nil, errors.New("no") }

func TestNewRefusesAnotherDriver(t *testing.T) {
	db := sql.OpenDB(otherDriver{})
	defer func() { require.NoError(t, db.Close()) }()
	_, err := sqlite.New(t.Context(), db)
	require.EqualError(t, err, "invalid: db: the handle's driver is none of SQLite")
}

// TestHostHandle: a Store on a host's handle does what an opened one does, its
// transactions take the write lock before they read, and Close leaves the handle.
func TestHostHandle(t *testing.T) {
	for _, single := range []bool{false, true} {
		db, st := host(t)
		if single {
			db.SetMaxOpenConns(1)
		}
		putUsers(t, st, 1, 2)
		require.True(t, hasUser(t, st, 2))
		require.ErrorIs(t, st.Update(t.Context(), insertUser(t, 1)), store.ErrAlreadyExists)
		require.NoError(t, st.Close())
		require.ErrorIs(t, st.Update(t.Context(), insertUser(t, 3)), store.ErrClosed)
		require.NoError(t, db.Ping())
	}
}

// TestHostHandleClosed: the host may close its handle first.
func TestHostHandleClosed(t *testing.T) {
	db, st := host(t)
	require.NoError(t, db.Close())
	require.ErrorIs(t, st.Update(t.Context(), insertUser(t, 3)), store.ErrClosed)
	require.ErrorIs(t, st.View(t.Context(), func(store.Rows) error { return nil }), store.ErrClosed)
}

// TestHostWritersTakeTheLockFirst: an Update on a host's handle holds the write lock
// before its function reads, else it could fail with BUSY_SNAPSHOT when it writes.
func TestHostWritersTakeTheLockFirst(t *testing.T) {
	db, st := host(t)
	require.False(t, locked(t, db))
	put(t, st, func(context.Context, store.Rows) error {
		require.True(t, locked(t, db))
		return nil
	})
	require.NoError(t, st.View(t.Context(), func(store.Rows) error {
		require.False(t, locked(t, db))
		return nil
	}))
}

// locked reports whether someone holds the write lock.
func locked(t *testing.T, db *sql.DB) bool {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = conn.ExecContext(t.Context(), `PRAGMA busy_timeout = 1`)
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	if err == nil {
		_, err := conn.ExecContext(t.Context(), `ROLLBACK`)
		require.NoError(t, err)
	}
	return err != nil
}

// count has goroutines read a number and write it back one higher.
func count(t *testing.T, goroutines, rounds int, stores ...store.Store) {
	t.Helper()
	failed := make(chan error, goroutines)
	for g := range goroutines {
		go func() {
			var err error
			for range rounds {
				if err == nil {
					err = stores[g%len(stores)].Update(context.Background(), increment)
				}
			}
			failed <- err
		}()
	}
	for range goroutines {
		require.NoError(t, <-failed)
	}
	require.NoError(t, stores[0].View(t.Context(), func(tx store.Rows) error {
		u, err := rowtest.Get(t.Context(), tx, userTable, id(0))
		require.EqualValues(t, 1+goroutines*rounds, u[1].Int)
		return err
	}))
}

func increment(tx store.Rows) error {
	u, err := rowtest.Get(context.Background(), tx, userTable, id(0))
	if err != nil {
		return err
	}
	return tx.Update(context.Background(), userTable, next(u))
}

// TestManyHandles: no SQLITE_BUSY surfaces from transactions that are ours.
func TestManyHandles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	a, b := openAt(t, path), openAt(t, path)
	putUsers(t, a, 0)
	count(t, 8, 25, a, b)
}

// TestBusyTimeout: a lock that another process keeps is waited for so long, and
// then is busy; the context ends the wait earlier.
func TestBusyTimeout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st, err := sqlite.Options{BusyTimeout: 20 * time.Millisecond}.Open(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	other, err := handle(t, path, "_txlock=immediate").Begin()
	require.NoError(t, err)
	require.ErrorIs(t, st.Update(t.Context(), insertUser(t, 1)), store.ErrBusy)
	require.False(t, hasUser(t, st, 1)) // readers do not wait
	patient := openAt(t, path)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	require.ErrorIs(t, patient.Update(ctx, insertUser(t, 1)), store.ErrCanceled)
	require.NoError(t, other.Rollback())
	putUsers(t, st, 1)
}
