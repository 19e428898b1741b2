package sqlite_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

func canceled(t testing.TB) context.Context {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	return ctx
}

func TestNotADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter.txt")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("Dear Ada, "), 1000), 0o600))
	_, err := sqlite.Open(t.Context(), path)
	require.ErrorIs(t, err, store.ErrNotADatabase)
	require.Equal(t, "not_a_database", err.Error()) // the driver's words are behind Unwrap
}

// TestCorrupt: damaged pages are told, by reads and by writes.
func TestCorrupt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st := openAt(t, path)
	appendEvents(t, st, 1)
	schema, err := strconv.Atoi(column(t, st.DB(), `SELECT page_count || '' FROM pragma_page_count`)[0])
	require.NoError(t, err)
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		for n := range 1000 {
			require.NoError(t, tx.Insert(ctx, userTable, user(n)))
		}
		return nil
	})
	require.NoError(t, st.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	const page = 4096
	for from := schema * page; from+page <= len(file); from += page { // the schema lies before
		copy(file[from:from+page], bytes.Repeat([]byte{0xa5}, page))
	}
	require.NoError(t, os.WriteFile(path, file, 0o600))

	st = openAt(t, path)
	list := func(tx store.Rows) error {
		_, err := rowtest.List(t.Context(), tx, userTable, nil, store.Range{Limit: 1000})
		return err
	}
	require.ErrorIs(t, st.View(t.Context(), list), store.ErrCorrupt)
	require.ErrorIs(t, st.Update(t.Context(), list), store.ErrCorrupt)
}

// TestStorageFull: an Update that finds no room keeps nothing, even where its
// function goes on; what was acknowledged stays, and there is no way to slip a
// statement out of the transaction that SQLite has rolled back.
func TestStorageFull(t *testing.T) {
	st := open(t)
	putUsers(t, st, 0)
	pages := column(t, st.DB(), `SELECT page_count || '' FROM pragma_page_count`)
	_, err := st.DB().Exec(`PRAGMA max_page_count = ` + pages[0])
	require.NoError(t, err)
	ctx := t.Context()
	err = st.Update(ctx, func(tx store.Rows) error {
		for n := 1; ; n++ {
			if err := tx.Insert(ctx, userTable, user(n)); err != nil {
				require.ErrorIs(t, err, store.ErrStorageFull)
				break
			}
		}
		require.ErrorIs(t, tx.Delete(ctx, userTable, id(0)), store.ErrStorageFull)
		require.ErrorIs(t, tx.Savepoint(ctx, func() error { return nil }), store.ErrStorageFull)
		return nil
	})
	require.ErrorIs(t, err, store.ErrStorageFull)
	require.True(t, hasUser(t, st, 0))
	require.False(t, hasUser(t, st, 1))
	_, err = st.DB().Exec(`PRAGMA max_page_count = 100000`)
	require.NoError(t, err)
	putUsers(t, st, 1)
}

// TestStorageFullInTx: the same in a host's transaction, which is over then.
func TestStorageFullInTx(t *testing.T) {
	st := open(t)
	putUsers(t, st, 0)
	pages := column(t, st.DB(), `SELECT page_count || '' FROM pragma_page_count`)
	_, err := st.DB().Exec(`PRAGMA max_page_count = ` + pages[0])
	require.NoError(t, err)
	tx := begin(t, st.DB())
	in := st.InTx(tx)
	for n := 1; err == nil; n++ {
		err = in.Update(t.Context(), insertUser(t, n))
	}
	require.ErrorIs(t, err, store.ErrStorageFull)
	err = in.Update(t.Context(), func(inner store.Rows) error { return inner.Delete(t.Context(), userTable, id(0)) })
	require.Error(t, err)
	_ = tx.Rollback()
	require.True(t, hasUser(t, st, 0))
	require.False(t, hasUser(t, st, 1))
}

// TestReadOnly: a handle that cannot write is read from, and says so to writers.
func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	writer := openAt(t, path)
	putUsers(t, writer, 1)
	for _, parameter := range []string{"mode=ro", "_query_only=1"} {
		st, err := sqlite.New(t.Context(), handle(t, path, parameter))
		require.NoError(t, err)
		require.True(t, hasUser(t, st, 1))
		err = st.Update(t.Context(), insertUser(t, 2))
		require.ErrorIs(t, err, store.ErrReadOnly)
		require.NoError(t, st.Close())
	}
}

// TestCancel: a context that ends inside an Update keeps nothing, whatever fn makes
// of it; one that ends while it waits for its turn answers at once.
func TestCancel(t *testing.T) {
	st := open(t)
	ctx, stop := context.WithCancel(t.Context())
	err := st.Update(ctx, func(tx store.Rows) error {
		require.NoError(t, tx.Insert(ctx, userTable, user(1)))
		require.ErrorIs(t, st.Update(canceled(t), insertUser(t, 2)), store.ErrCanceled)
		stop()
		for range 1000 { // the transaction itself does not end with the context
			runtime.Gosched()
			_, err := rowtest.Get(t.Context(), tx, userTable, id(1))
			require.NoError(t, err)
		}
		err := tx.Insert(ctx, userTable, user(3))
		require.ErrorIs(t, err, store.ErrCanceled)
		require.ErrorIs(t, err, context.Canceled)
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	for n := range 4 {
		require.False(t, hasUser(t, st, n))
	}
	putUsers(t, st, 1)
}

// TestCancelWaiting: a writer in the queue minds its context.
func TestCancelWaiting(t *testing.T) {
	st := open(t)
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		inner, stop := context.WithCancel(ctx)
		waiting := make(chan error)
		go func() { waiting <- st.Update(inner, insertUser(t, 2)) }()
		stop()
		require.ErrorIs(t, <-waiting, store.ErrCanceled)
		return tx.Insert(ctx, userTable, user(1))
	})
}

// endingContext has ended, and does not admit it the first time that it is asked: as
// one does that ends just after a statement has begun.
type endingContext struct {
	context.Context
	asked *int
}

func (c endingContext) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

func (c endingContext) Err() error {
	if *c.asked++; *c.asked == 1 {
		return nil
	}
	return context.Canceled
}

// TestWritesRunToTheirEnd: SQLite rolls back the whole transaction when a statement
// that writes is interrupted, so none is.
func TestWritesRunToTheirEnd(t *testing.T) {
	put(t, open(t), func(ctx context.Context, tx store.Rows) error {
		ending := endingContext{ctx, new(int)}
		require.NoError(t, tx.Insert(ending, userTable, user(1)))
		require.Error(t, ending.Err())
		_, err := rowtest.Get(ctx, tx, userTable, id(1))
		return err
	})
}

// TestCancelScan: a long read stops in the middle, and the connection serves on.
func TestCancelScan(t *testing.T) {
	st := open(t)
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		for n := range 3000 {
			require.NoError(t, tx.Insert(ctx, userTable, user(n)))
		}
		return nil
	})
	_, err := st.DB().Exec(`
		DROP TABLE tenancy_role_assignments;
		CREATE VIEW tenancy_role_assignments AS
			SELECT a.id, a.version, '' AS role, b.id AS user_id FROM tenancy_users AS a, tenancy_users AS b WHERE a.id || b.id = ''`)
	require.NoError(t, err)
	ctx, stop := context.WithTimeout(t.Context(), testTick)
	defer stop()
	err = st.View(ctx, func(tx store.Rows) error {
		_, err := tx.Count(ctx, assignmentTable, nil) // 9,000,000 pairs
		return err
	})
	require.ErrorIs(t, err, store.ErrCanceled)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, hasUser(t, st, 1))
}
