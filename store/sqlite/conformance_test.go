package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/store/storetest"
)

// blank gives paths of migrated files without rows: making one anew for each of
// hundreds of cases would take most of their time.
func blank(t *testing.T) func(*testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blank.db")
	st, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, st.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	return func(t *testing.T) string {
		t.Helper()
		fresh := filepath.Join(t.TempDir(), "app.db")
		require.NoError(t, os.WriteFile(fresh, file, 0o600))
		return fresh
	}
}

func TestConformance(t *testing.T) {
	fresh := blank(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		st := openAt(t, fresh(t))
		_, err := st.DB().Exec(`PRAGMA synchronous = OFF`) // it has one connection
		require.NoError(t, err)
		return st
	})
}

// TestConformanceOfHost is the same on a host's handle, which begins deferred.
func TestConformanceOfHost(t *testing.T) {
	fresh := blank(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		st, err := sqlite.New(t.Context(), handle(t, fresh(t), "_pragma=synchronous(OFF)"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, st.Close()) })
		return st
	})
}
