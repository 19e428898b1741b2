// Package sqlitetest opens SQLite stores for tests, each on its own file.
package sqlitetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/freehold-dev/freehold/store/sqlite"
)

// New opens an empty, migrated store on a file in a directory of the test, and closes it when the test ends.
// The file is a copy of one that was migrated once, and commits do not wait for the disk. So New takes about as
// long as writing a file.
func New(t testing.TB) *sqlite.Store {
	t.Helper()
	empty, err := migrated()
	must(t, err)
	path := filepath.Join(t.TempDir(), "app.db")
	must(t, os.WriteFile(path, empty, 0o600))
	st, err := sqlite.Options{Synchronous: sqlite.Normal}.Open(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	_, err = st.DB().ExecContext(t.Context(), `PRAGMA synchronous = OFF`) // enough, because the handle has one connection
	must(t, err)
	return st
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("sqlitetest: %v", err)
	}
}

// migrated is the content of a file with empty tables.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "migrated")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "app.db")
	st, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := st.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
