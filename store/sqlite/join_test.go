package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

var errOurs = errors.New("the caller's own")

// withHostTable is a host with a table that references ours, and a transaction.
func withHostTable(t *testing.T, more ...string) (*sqlite.Store, *sql.DB, *sql.Tx) {
	t.Helper()
	db, st := host(t, more...)
	_, err := db.Exec(`CREATE TABLE notes (user_id TEXT NOT NULL REFERENCES tenancy_users (id), body TEXT)`)
	require.NoError(t, err)
	return st, db, begin(t, db)
}

func begin(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func note(t *testing.T, tx *sql.Tx, n int) {
	t.Helper()
	_, err := tx.Exec(`INSERT INTO notes (user_id, body) VALUES (?, 'x')`, tenancy.UserID(id(n)))
	require.NoError(t, err)
}

func notes(t *testing.T, db *sql.DB) int {
	t.Helper()
	return len(column(t, db, `SELECT body FROM notes`))
}

// TestInTxTogether: rows of tenancy and the host's own are kept or vanish together.
func TestInTxTogether(t *testing.T) {
	st, db, tx := withHostTable(t)
	putUsers(t, st.InTx(tx), 1)
	note(t, tx, 1)
	require.False(t, hasUser(t, st, 1))
	require.NoError(t, tx.Commit())
	require.True(t, hasUser(t, st, 1))
	require.Equal(t, 1, notes(t, db))

	tx = begin(t, db)
	putUsers(t, st.InTx(tx), 2)
	note(t, tx, 2)
	require.NoError(t, tx.Rollback())
	require.False(t, hasUser(t, st, 2))
	require.Equal(t, 1, notes(t, db))
}

// TestInTxUndoesOnlyItself: an error and a panic take back one call, not the host's
// rows, nor the calls before.
func TestInTxUndoesOnlyItself(t *testing.T) {
	st, db, tx := withHostTable(t)
	in := st.InTx(tx)
	putUsers(t, in, 1)
	note(t, tx, 1)
	runs := 0
	err := in.Update(t.Context(), func(inner store.Rows) error {
		runs++
		require.NoError(t, inner.Insert(t.Context(), userTable, user(2)))
		return errOurs
	})
	require.Equal(t, errOurs, err)
	require.Equal(t, 1, runs)
	require.PanicsWithValue(t, "ours", func() {
		_ = in.Update(t.Context(), func(inner store.Rows) error {
			require.NoError(t, inner.Insert(t.Context(), userTable, user(3)))
			panic("ours")
		})
	})
	putUsers(t, in, 4)
	require.NoError(t, tx.Commit())
	for n, want := range map[int]bool{1: true, 2: false, 3: false, 4: true} {
		require.Equal(t, want, hasUser(t, st, n), n)
	}
	require.Equal(t, 1, notes(t, db))
}

func TestInTxNested(t *testing.T) {
	st, _, tx := withHostTable(t)
	in := st.InTx(tx)
	put(t, in, func(ctx context.Context, outer store.Rows) error {
		require.NoError(t, outer.Insert(ctx, userTable, user(1)))
		require.Equal(t, errOurs, in.Update(ctx, func(inner store.Rows) error {
			require.NoError(t, inner.Insert(ctx, userTable, user(2)))
			return errOurs
		}))
		return st.InTx(tx).Update(ctx, insertUser(t, 3))
	})
	require.NoError(t, tx.Commit())
	for n, want := range map[int]bool{1: true, 2: false, 3: true} {
		require.Equal(t, want, hasUser(t, st, n), n)
	}
}

func TestInTxViewDoesNotWrite(t *testing.T) {
	st, _, tx := withHostTable(t)
	in := st.InTx(tx)
	putUsers(t, in, 1)
	require.True(t, hasUser(t, in, 1)) // it sees its own
	require.ErrorIs(t, in.View(t.Context(), insertUser(t, 2)), store.ErrReadOnly)
}

// TestInTxEnded: after the host's commit or rollback everything answers closed.
func TestInTxEnded(t *testing.T) {
	st, db, tx := withHostTable(t)
	get := func(inner store.Rows) error {
		_, err := rowtest.Get(t.Context(), inner, userTable, id(1))
		return err
	}
	for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
		in := st.InTx(tx)
		require.NoError(t, end(tx))
		require.ErrorIs(t, in.View(t.Context(), get), store.ErrClosed)
		require.ErrorIs(t, in.Update(t.Context(), func(store.Rows) error { return nil }), store.ErrClosed)
		tx = begin(t, db)
	}
	require.NoError(t, tx.Rollback())
	require.ErrorIs(t, st.InTx(nil).Update(t.Context(), get), store.ErrInvalid)
}

// TestInTxEndedBySQLite: where SQLite has rolled back on its own and the host goes
// on, our rows must not be committed alone.
func TestInTxEndedBySQLite(t *testing.T) {
	st, _, tx := withHostTable(t)
	in := st.InTx(tx)
	putUsers(t, in, 1)
	_, err := tx.Exec(`ROLLBACK`) // as a full disk or an interrupted write would
	require.NoError(t, err)
	require.ErrorIs(t, in.Update(t.Context(), insertUser(t, 2)), store.ErrClosed)
	require.ErrorIs(t, st.InTx(tx).Update(t.Context(), insertUser(t, 3)), store.ErrClosed)
	require.Error(t, tx.Commit())
	for n := range 4 {
		require.False(t, hasUser(t, st, n), n)
	}
}

// TestInTxDeferred: a host's transaction that has read and finds that another wrote
// since is busy; one that begins immediately is not.
func TestInTxDeferred(t *testing.T) {
	st, _, tx := withHostTable(t)
	require.False(t, hasUser(t, st.InTx(tx), 1))
	putUsers(t, st, 1)
	err := st.InTx(tx).Update(t.Context(), insertUser(t, 2))
	require.ErrorIs(t, err, store.ErrBusy)
	require.ErrorContains(t, err, "begin anew")
	require.NoError(t, tx.Rollback())

	st, _, tx = withHostTable(t, "_txlock=immediate")
	require.False(t, hasUser(t, st.InTx(tx), 1))
	putUsers(t, st.InTx(tx), 2)
	require.NoError(t, tx.Commit())
}

// TestInTxTakesTheLock: an Update that has only read so far excludes other writers,
// as Lock promises.
func TestInTxTakesTheLock(t *testing.T) {
	st, db, tx := withHostTable(t)
	put(t, st.InTx(tx), func(ctx context.Context, inner store.Rows) error {
		return inner.Lock(ctx, store.LockKey{Class: 4, Value: "x"})
	})
	require.True(t, locked(t, db))
}

// TestInTxOfDB: an opened Store is joined through its own handle, or another one on
// the same file.
func TestInTxOfDB(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st := openAt(t, path)
	for n, db := range []*sql.DB{st.DB(), handle(t, path)} {
		tx := begin(t, db)
		putUsers(t, st.InTx(tx), n)
		require.False(t, hasUser(t, st, n))
		require.NoError(t, tx.Commit())
		require.True(t, hasUser(t, st, n))
	}
}

// TestInTxSingleConnection: with the handle's one connection in the transaction,
// nothing inside needs another; a call outside waits until its context ends.
func TestInTxSingleConnection(t *testing.T) {
	db, st := host(t)
	db.SetMaxOpenConns(1)
	tx := begin(t, db)
	in := st.InTx(tx)
	putUsers(t, in, 1)
	require.NoError(t, in.View(t.Context(), func(inner store.Rows) error { // a statement that is not prepared ahead
		_, err := rowtest.List(t.Context(), inner, userTable, []store.Cond{rowtest.Cond(userTable, "name_key", store.Prefix, "u")}, store.Range{Limit: 3})
		return err
	}))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, st.View(ctx, func(store.Rows) error { return nil }), store.ErrCanceled)
	require.NoError(t, tx.Commit())
	require.True(t, hasUser(t, st, 1))
}

func TestRoot(t *testing.T) {
	st, _, tx := withHostTable(t)
	in, ok := st.InTx(tx).(interface{ Root() store.Store })
	require.True(t, ok)
	require.Same(t, st, in.Root())
}

// TestInTxHidesItsEvents (E1): inside the transaction its events are unseen, also by
// a second InTx of it, and by a first one that only reads.
func TestInTxHidesItsEvents(t *testing.T) {
	st, _, tx := withHostTable(t)
	appendEvents(t, st, 1, 2)
	first := st.InTx(tx)
	appendEvents(t, first, 3)
	first = nil
	runtime.GC() // what is known of the transaction hangs on it, not on what joined it
	runtime.GC()
	second := st.InTx(tx)
	require.EqualValues(t, 2, last(t, second))
	require.Equal(t, []int64{1, 2}, positions(t, second, nil, store.LogSpan{Limit: 9}))
	appendEvents(t, second, 4)
	require.EqualValues(t, 2, last(t, second))
	require.NoError(t, tx.Commit())
	require.EqualValues(t, 4, last(t, st))
}

// TestSessionsAreForgotten: what is known of a transaction goes with it.
func TestSessionsAreForgotten(t *testing.T) {
	db, st := host(t)
	for range 50 {
		tx, err := db.Begin()
		require.NoError(t, err)
		putUsers(t, st.InTx(tx), 1)
		require.NoError(t, tx.Rollback())
	}
	require.Eventually(t, func() bool {
		runtime.GC()
		return sqlite.Sessions(st) < 5
	}, testPatience, testTick)
}
