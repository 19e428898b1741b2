package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dsn is what the documentation of New tells a host to write.
const dsn = "file:%s?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_busy_timeout=5000"

var noon = time.Date(2026, 3, 4, 12, 0, 0, 1000, time.UTC)

// open opens a Store on a fresh file, at the level that does not wait for the disk. The
// file is a copy of one that was migrated: the suites open some thousand.
func open(t testing.TB) *sqlite.Store {
	t.Helper()
	fresh, err := migrated()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "app.db")
	require.NoError(t, os.WriteFile(path, fresh, 0o600))
	return openAt(t, path)
}

// migrated is a file with empty tables.
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

func openAt(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Options{Synchronous: sqlite.Normal}.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st
}

// handle is a host's own handle on the file.
func handle(t testing.TB, path string, more ...string) *sql.DB {
	t.Helper()
	name := fmt.Sprintf(dsn, path)
	for _, parameter := range more {
		name += "&" + parameter
	}
	db, err := sql.Open("sqlite", name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// host is a migrated handle and the Store made of it.
func host(t testing.TB, more ...string) (*sql.DB, *sqlite.Store) {
	t.Helper()
	db := handle(t, filepath.Join(t.TempDir(), "host.db"), more...)
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return db, st
}

func id(n int) (raw [16]byte) {
	binary.BigEndian.PutUint64(raw[8:], uint64(n))
	return raw
}

func organization(n int) tenancy.Organization {
	name := fmt.Sprintf("organization %07d", n)
	return tenancy.Organization{
		ID: id(n), Version: 1, DisplayName: name, NameKey: name, Slug: fmt.Sprintf("slug-%d", n), CreatedAt: noon, UpdatedAt: noon,
	}
}

func user(n int) tenancy.User {
	email := fmt.Sprintf("user%07d@example.com", n)
	return tenancy.User{ID: id(n), Version: 1, Email: email, EmailKey: email, NameKey: email, CreatedAt: noon, UpdatedAt: noon}
}

// membership is of the organization and the user with these numbers.
func membership(n, org, usr int) tenancy.Membership {
	return tenancy.Membership{
		ID: id(n), Version: 1, OrganizationID: id(org), UserID: id(usr), Status: tenancy.MembershipActive, JoinedVia: tenancy.JoinedAdded,
		JoinedAt: noon, CreatedAt: noon, UpdatedAt: noon, NameKey: user(usr).NameKey, EmailKey: user(usr).EmailKey,
	}
}

func event(n int) tenancy.Event {
	return tenancy.Event{
		ID: id(n), Type: tenancy.EventUserCreated, Subject: "usr_x", Actor: tenancy.Actor{Kind: tenancy.ActorHost}, Time: noon,
		OrganizationID: id(n % 2), UserID: id(n % 3), Data: []byte(`{}`),
	}
}

func put(t testing.TB, st store.Store, fn func(ctx context.Context, tx tenancy.Tx) error) {
	t.Helper()
	require.NoError(t, tenancy.Typed(st).Update(t.Context(), func(tx tenancy.Tx) error { return fn(t.Context(), tx) }))
}

// putUsers inserts the users with these numbers.
func putUsers(t testing.TB, st store.Store, numbers ...int) {
	t.Helper()
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		for _, n := range numbers {
			if err := tx.Users().Insert(ctx, user(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// hasUser reports whether the store holds the user with this number.
func hasUser(t testing.TB, st store.Store, n int) bool {
	t.Helper()
	var err error
	require.NoError(t, tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
		_, err = tx.Users().Get(t.Context(), id(n))
		return nil
	}))
	if err != nil {
		require.ErrorIs(t, err, tenancy.ErrNotFound)
	}
	return err == nil
}

// last is the change signal.
func last(t testing.TB, st store.Store) tenancy.Position {
	t.Helper()
	var at tenancy.Position
	require.NoError(t, tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) (err error) {
		at, err = tx.Events().Last(t.Context())
		return err
	}))
	return at
}

// insertUser is the shortest function that writes.
func insertUser(t testing.TB, n int) func(tenancy.Tx) error {
	return func(tx tenancy.Tx) error { return tx.Users().Insert(t.Context(), user(n)) }
}

// Bounds of waiting for what happens in the background: the collector.
const (
	testPatience = 10 * time.Second
	testTick     = 10 * time.Millisecond
)
