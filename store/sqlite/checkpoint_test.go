package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

// TestLongLogIsCut: a log that a reader of another handle has let grow is moved and cut once the
// reader is gone, while the Store goes on to write.
func TestLongLogIsCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long.db")
	st, err := sqlite.Options{Synchronous: sqlite.Normal}.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	other, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	text := strings.Repeat("x", 1<<18)
	n := 0
	write := func() {
		n++
		require.NoError(t, st.Update(t.Context(), func(tx store.Rows) error {
			return tx.Insert(t.Context(), userTable, rowtest.With(userTable, user(n), map[string]any{"display_name": text}))
		}))
	}
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	require.NoError(t, other.View(t.Context(), func(rows store.Rows) error {
		_, err := rows.Count(t.Context(), userTable, nil) // the snapshot begins
		require.NoError(t, err)
		for range 80 {
			write()
		}
		require.Greater(t, size(), int64(sqlite.CheckpointAt))
		return nil
	}))
	require.Eventually(t, func() bool { write(); return size() < sqlite.CheckpointAt }, 20*time.Second, 10*time.Millisecond)
}
