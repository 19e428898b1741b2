package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

func TestStats(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st := openAt(t, path)
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	for range 3 {
		_, err = svc.Organizations.Create(t.Context(), tenancy.NewOrganization{DisplayName: "Acme"})
		require.NoError(t, err)
	}
	_, err = svc.Users.Create(t.Context(), tenancy.NewUser{Email: "ada@mail.example"})
	require.NoError(t, err)
	held := make(chan struct{})
	go func() { // who waits is counted
		defer close(held)
		require.Eventually(t, func() bool {
			got, err := st.Stats(t.Context())
			return err == nil && got.Waiting == 1
		}, 10*time.Second, time.Millisecond)
	}()
	waits := make(chan error, 1)
	require.NoError(t, st.Update(store.For(t.Context(), "hold"), func(store.Rows) error {
		go func() { waits <- st.Update(t.Context(), func(store.Rows) error { return nil }) }()
		<-held
		return nil
	}))
	require.NoError(t, <-waits)

	got, err := st.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 4096, got.PageSize)
	require.Greater(t, got.Pages, int64(50))
	require.GreaterOrEqual(t, got.FreePages, int64(0))
	require.Positive(t, got.LogBytes)
	require.Zero(t, got.Waiting)
	require.EqualValues(t, 6, got.Writes)
	purposes := map[string]time.Duration{}
	for i, hold := range got.Slowest {
		purposes[hold.Purpose] = hold.For
		if i > 0 {
			require.LessOrEqual(t, hold.For, got.Slowest[i-1].For)
		}
		require.WithinDuration(t, time.Now(), hold.At, time.Minute)
	}
	require.Len(t, purposes, 4)
	require.Contains(t, purposes, "create organization")
	require.Contains(t, purposes, "create user")
	require.Contains(t, purposes, "hold")
	require.Contains(t, purposes, "")

	host, err := sqlite.New(t.Context(), handle(t, path))
	require.NoError(t, err)
	got, err = host.Stats(t.Context())
	require.NoError(t, err)
	require.Positive(t, got.LogBytes)
	require.Empty(t, got.Slowest)
	require.NoError(t, st.Close())
	_, err = st.Stats(t.Context())
	require.ErrorIs(t, err, store.ErrClosed)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = host.Stats(ctx)
	require.ErrorIs(t, err, store.ErrCanceled)
}

// TestStatsForget: what is told of is of the last ten minutes, and of bounded size.
func TestStatsForget(t *testing.T) {
	h, now := sqlite.NewHolds(), time.Unix(1e9, 0)
	h.Note("old", now.Add(-time.Second), now)
	now = now.Add(6 * time.Minute)
	h.Note("new", now.Add(-2*time.Second), now)
	h.Note("new", now.Add(-time.Millisecond), now)
	names := func() (list []string) {
		for _, hold := range h.Slowest(now) {
			list = append(list, hold.Purpose)
		}
		return list
	}
	require.Equal(t, []string{"new", "old"}, names())
	require.Equal(t, 2*time.Second, h.Slowest(now)[0].For)
	now = now.Add(6 * time.Minute)
	require.Equal(t, []string{"new"}, names())
	now = now.Add(10 * time.Minute)
	require.Empty(t, names())
	for i := range 2_000 {
		h.Note(string(rune(i)), now.Add(-time.Duration(i)), now)
	}
	require.Len(t, names(), 20)
	require.Equal(t, "others", names()[0])
}

// TestStorageFullAtOpen: SQLite tells a disk that has no room for what connections share as an error of
// the disk.
func TestStorageFullAtOpen(t *testing.T) {
	const shmSize = 10 | 19<<8 // SQLITE_IOERR_SHMSIZE
	require.Equal(t, store.ErrStorageFull, sqlite.CodeOfResult(shmSize))
	require.Equal(t, store.ErrInternal, sqlite.CodeOfResult(10))
}
