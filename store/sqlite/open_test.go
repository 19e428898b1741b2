package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

// TestOpenOddPaths: no character of a path means anything to SQLite or its driver.
func TestOpenOddPaths(t *testing.T) {
	names := []string{
		"file.db?_pragma=foreign_keys(0)", "a b.db", "what?.db", "mode=ro&cache=shared", "?mode=memory", "100%.db", "%41.db", "#1.db", "a+b;c.db",
		"quote'\".db", "ünïcødé-日本.db", "back\\slash.db", "new\nline.db",
	}
	if testing.Short() {
		names = names[:2]
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			st := openAt(t, filepath.Join(dir, name))
			putUsers(t, st, 1)
			files, err := filepath.Glob(filepath.Join(dir, "*"))
			require.NoError(t, err)
			require.Contains(t, files, filepath.Join(dir, name))
			require.True(t, hasUser(t, st, 1))
		})
	}
}

func TestOpenRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	st := openAt(t, "app.db")
	t.Chdir(t.TempDir()) // connections that open later still find it
	putUsers(t, st, 1)
	require.True(t, hasUser(t, st, 1))
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		options     sqlite.Options
		path, field string
		text        string
	}{
		"no path":           {field: "path", text: "store/memory"},
		"memory":            {path: ":memory:", field: "path", text: "store/memory"},
		"a URI":             {path: "file:app.db", field: "path", text: "URI"},
		"zero byte":         {path: "a\x00b", field: "path", text: "zero byte"},
		"directory":         {path: dir, field: "path", text: "is a directory"},
		"missing directory": {path: filepath.Join(dir, "no", "app.db"), field: "path", text: "directory is missing"},
		"synchronous":       {path: filepath.Join(dir, "a.db"), options: sqlite.Options{Synchronous: 9}, field: "synchronous"},
		"busy timeout":      {path: filepath.Join(dir, "a.db"), options: sqlite.Options{BusyTimeout: -1}, field: "busy_timeout"},
		"readers":           {path: filepath.Join(dir, "a.db"), options: sqlite.Options{Readers: -1}, field: "readers"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.options.Open(t.Context(), c.path)
			var told *store.Error
			require.ErrorAs(t, err, &told)
			require.Equal(t, store.ErrInvalid, told.Code)
			require.Equal(t, c.field, told.Field)
			require.Contains(t, told.Error(), c.text)
		})
	}
}

// TestOpenSets: what Open is said to set is set, on every connection.
func TestOpenSets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	for level, want := range map[sqlite.Synchronous]string{sqlite.Full: "2", sqlite.Normal: "1"} {
		st, err := sqlite.Options{Synchronous: level}.Open(t.Context(), path)
		require.NoError(t, err)
		for pragma, want := range map[string]string{"journal_mode": "wal", "foreign_keys": "1", "synchronous": want} {
			require.Equal(t, []string{want}, column(t, st.DB(), "PRAGMA "+pragma), pragma)
		}
		require.NoError(t, st.Close())
	}
	st, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	require.Equal(t, []string{"2"}, column(t, st.DB(), "PRAGMA synchronous")) // Full is the default
	require.NoError(t, st.Close())
}

// TestClosed: after Close everything answers closed, and what waits for its turn too.
func TestClosed(t *testing.T) {
	st := open(t)
	putUsers(t, st, 1)
	inside, waiting := make(chan struct{}), make(chan error)
	err := st.Update(t.Context(), func(tx store.Rows) error {
		go func() {
			close(inside)
			waiting <- st.Update(context.Background(), insertUser(t, 3))
		}()
		<-inside
		require.NoError(t, st.Close())
		require.ErrorIs(t, <-waiting, store.ErrClosed)
		return tx.Insert(t.Context(), userTable, user(2)) // what runs may finish
	})
	require.NoError(t, err)
	require.NoError(t, st.Close())
	nothing := func(store.Rows) error { return nil }
	require.ErrorIs(t, st.View(t.Context(), nothing), store.ErrClosed)
	require.ErrorIs(t, st.Update(t.Context(), nothing), store.ErrClosed)
	require.ErrorIs(t, st.InTx(nil).View(t.Context(), nothing), store.ErrClosed)
}

// TestCloseWhileReading: a reader in use is closed when it is given back, which
// goleak and the removal of the directory would tell.
func TestCloseWhileReading(t *testing.T) {
	st := open(t)
	putUsers(t, st, 1)
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		require.NoError(t, st.Close())
		_, err := rowtest.Get(t.Context(), tx, userTable, id(1))
		return err
	}))
}

// TestLastConnectionCleansUp: Close leaves one file, with everything in it.
func TestLastConnectionCleansUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st := openAt(t, path)
	putUsers(t, st, 1)
	require.True(t, hasUser(t, st, 1))
	require.NoError(t, st.Close())
	_, err := os.Stat(path + "-wal")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.True(t, hasUser(t, openAt(t, path), 1))
}

// TestReadersWait: more Views than readers wait for one, under their context.
func TestReadersWait(t *testing.T) {
	st, err := sqlite.Options{Readers: 1}.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	require.NoError(t, st.View(t.Context(), func(store.Rows) error {
		ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
		defer stop()
		err := st.View(ctx, func(store.Rows) error { return nil })
		require.ErrorIs(t, err, store.ErrCanceled)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		return nil
	}))
	require.False(t, hasUser(t, st, 1)) // and the one reader is free again
}
