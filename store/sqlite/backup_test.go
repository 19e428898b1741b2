package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

// TestBackup makes copies while a writer commits, and opens each of them: all are whole, and hold
// what was acknowledged before the copy began.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	w := newCrashWriter(t, filepath.Join(dir, "app.db"), sqlite.Normal)
	w.commit(1)
	var last atomic.Int64
	last.Store(1)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 2; ; n++ {
			select {
			case <-stop:
				return
			default:
				w.commit(n)
				last.Store(int64(n))
			}
		}
	}()
	copies, begun, slowest := servicetest.Soak(20, 3), time.Now(), time.Duration(0)
	for range copies {
		before, at := last.Load(), time.Now()
		copied := filepath.Join(dir, "copy.db")
		require.NoError(t, w.st.Backup(t.Context(), copied))
		slowest = max(slowest, time.Since(at))
		after := last.Load() + 1 // which may be kept and not told of yet
		rows := int64(crashRows(t, copied))
		require.GreaterOrEqual(t, rows, before)
		require.LessOrEqual(t, rows, after)
		require.NoError(t, os.Remove(copied))
		time.Sleep(time.Until(at.Add(servicetest.Every(time.Second / 2))))
	}
	close(stop)
	<-stopped
	t.Logf("figures: backup: %d copies beside %d commits in %v, the slowest took %v, 0 torn", copies, last.Load(), time.Since(begun).Round(time.Millisecond), slowest.Round(time.Millisecond))
	left, err := filepath.Glob(filepath.Join(dir, "*.part"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestBackupOfHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	putUsers(t, openAt(t, path), 3)
	st, err := sqlite.New(t.Context(), handle(t, path))
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "what? 100%.db")
	require.NoError(t, st.Backup(t.Context(), copied))
	require.True(t, hasUser(t, openAt(t, copied), 3))
}

func TestBackupRefuses(t *testing.T) {
	st := open(t)
	putUsers(t, st, 1)
	dir := t.TempDir()
	there := filepath.Join(dir, "there.db")
	require.NoError(t, os.WriteFile(there, []byte("Dear Ada"), 0o600))
	for name, c := range map[string]struct {
		path string
		want store.Code
	}{
		"a file that is there": {there, store.ErrAlreadyExists},
		"no path":              {"", store.ErrInvalid},
		"in memory":            {":memory:", store.ErrInvalid},
		"a URI":                {"file:copy.db", store.ErrInvalid},
		"no directory":         {filepath.Join(dir, "no", "copy.db"), store.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			err := st.Backup(t.Context(), c.path)
			require.ErrorIs(t, err, c.want)
		})
	}
	text, err := os.ReadFile(there)
	require.NoError(t, err)
	require.Equal(t, "Dear Ada", string(text))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, st.Backup(ctx, filepath.Join(dir, "copy.db")), store.ErrCanceled)
	require.NoError(t, st.Close())
	require.ErrorIs(t, st.Backup(t.Context(), filepath.Join(dir, "copy.db")), store.ErrClosed)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
}

// TestPrivate: what Open and Backup make, and what SQLite makes beside it, is the owner's alone to read.
func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	st := openAt(t, filepath.Join(dir, "app.db"))
	putUsers(t, st, 1)
	require.NoError(t, st.Backup(t.Context(), filepath.Join(dir, "copy.db")))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 4) // the database, its log, what connections share, the copy
	for _, file := range files {
		info, err := file.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file.Name())
	}
}
