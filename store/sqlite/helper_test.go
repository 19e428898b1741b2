package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/store/sqlite/sqlitetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dsn is what the documentation of New tells a host to write.
const dsn = "file:%s?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_busy_timeout=5000"

var noon = time.Date(2026, 3, 4, 12, 0, 0, 1000, time.UTC)

// open opens a Store on a fresh file that never waits for the disk: the suites open some thousand.
func open(t testing.TB) *sqlite.Store {
	t.Helper()
	return sqlitetest.New(t)
}

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

// Tables and the log of package tenancy, for rows by the names of their columns.
var (
	organizationTable = rowtest.Table(tenancy.Tables(), "tenancy_organizations")
	userTable         = rowtest.Table(tenancy.Tables(), "tenancy_users")
	membershipTable   = rowtest.Table(tenancy.Tables(), "tenancy_memberships")
	assignmentTable   = rowtest.Table(tenancy.Tables(), "tenancy_role_assignments")
	eventLog          = tenancy.EventLog()
)

func organization(n int) store.Row {
	name := fmt.Sprintf("organization %07d", n)
	return rowtest.Row(organizationTable, map[string]any{
		"id": id(n), "display_name": name, "name_key": name, "slug": fmt.Sprintf("slug-%d", n),
		"allowed_domains": "[]", "blocked_domains": "[]", "created_at": noon.UnixMicro(), "updated_at": noon.UnixMicro(),
	})
}

func user(n int) store.Row {
	return rowtest.Row(userTable, map[string]any{
		"id": id(n), "email": email(n), "email_key": email(n), "name_key": email(n), "created_at": noon.UnixMicro(), "updated_at": noon.UnixMicro(),
	})
}

func email(n int) string { return fmt.Sprintf("user%07d@example.com", n) }

// membership is of the organization and the user with these numbers.
func membership(n, org, usr int) store.Row {
	return rowtest.Row(membershipTable, map[string]any{
		"id": id(n), "organization_id": id(org), "user_id": id(usr), "status": "active", "joined_via": "added",
		"joined_at": noon.UnixMicro(), "created_at": noon.UnixMicro(), "updated_at": noon.UnixMicro(), "name_key": email(usr), "email_key": email(usr),
	})
}

func event(n int) store.Row {
	return rowtest.Row(&eventLog.Table, map[string]any{
		"id": id(n), "type": "user.created", "subject": "usr_x", "actor": "host", "time": noon.UnixMicro(),
		"organization_id": id(n % 2), "user_id": id(n % 3), "data": "{}",
	})
}

// next is a row one version on.
func next(row store.Row) store.Row {
	row = slices.Clone(row)
	row[1].Int++
	return row
}

func put(t testing.TB, st store.Store, fn func(ctx context.Context, tx store.Rows) error) {
	t.Helper()
	require.NoError(t, st.Update(t.Context(), func(tx store.Rows) error { return fn(t.Context(), tx) }))
}

// putUsers inserts the users with these numbers.
func putUsers(t testing.TB, st store.Store, numbers ...int) {
	t.Helper()
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		for _, n := range numbers {
			if err := tx.Insert(ctx, userTable, user(n)); err != nil {
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
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		_, err = rowtest.Get(t.Context(), tx, userTable, id(n))
		return nil
	}))
	if err != nil {
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	return err == nil
}

// last is the change signal.
func last(t testing.TB, st store.Store) int64 {
	t.Helper()
	var at int64
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) (err error) {
		at, err = tx.Last(t.Context(), eventLog)
		return err
	}))
	return at
}

// insertUser is the shortest function that writes.
func insertUser(t testing.TB, n int) func(store.Rows) error {
	return func(tx store.Rows) error { return tx.Insert(t.Context(), userTable, user(n)) }
}

// Bounds of waiting for what happens in the background: the collector.
const (
	testPatience = 10 * time.Second
	testTick     = 10 * time.Millisecond
)
