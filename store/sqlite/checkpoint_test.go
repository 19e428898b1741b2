package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

// TestLogIsBounded: where somebody always reads, the log never begins anew by itself. It is cut,
// while the Store goes on to write.
func TestLogIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 160 MB, which takes minutes under the race detector")
	}
	path := filepath.Join(t.TempDir(), "long.db")
	st, err := sqlite.Options{Synchronous: sqlite.Normal}.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	other, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				assert.NoError(t, other.View(t.Context(), func(rows store.Rows) error {
					_, err := rows.Count(t.Context(), userTable, nil) // the snapshot begins
					time.Sleep(15 * time.Millisecond)
					return err
				}))
			}
		})
	}
	text := strings.Repeat("x", 1<<17)
	most, written := int64(0), 0
	for n := 1; written < 10*sqlite.CheckpointAt; n++ {
		require.NoError(t, st.Update(t.Context(), func(tx store.Rows) error {
			return tx.Insert(t.Context(), userTable, rowtest.With(userTable, user(n), map[string]any{"display_name": text}))
		}))
		written += len(text)
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		most = max(most, info.Size())
	}
	close(done)
	readers.Wait()
	t.Logf("figures: log: %d MB written, at most %d MB in the log", written>>20, most>>20)
	require.Less(t, most, int64(8*sqlite.CheckpointAt))
}

// TestLogOfALinkedFile: the log lies beside the file that a link leads to.
func TestLogOfALinkedFile(t *testing.T) {
	target, link := filepath.Join(t.TempDir(), "target.db"), filepath.Join(t.TempDir(), "link.db")
	st, err := sqlite.Open(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, st.Close())
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no links here: ", err)
	}
	st, err = sqlite.Open(t.Context(), link)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	require.FileExists(t, sqlite.LogPath(st))
}
