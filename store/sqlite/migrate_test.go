package sqlite_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// TestMigrateConcurrently: several processes may start at once on an empty file.
func TestMigrateConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	failed := make(chan error)
	const openers = 6
	for range openers {
		go func() {
			st, err := sqlite.Open(t.Context(), path)
			if err == nil {
				err = st.Close()
			}
			failed <- err
		}()
	}
	for range openers {
		require.NoError(t, <-failed)
	}
	require.True(t, !hasUser(t, openAt(t, path), 1))
}

func TestMigrateAgain(t *testing.T) {
	db, st := host(t)
	putUsers(t, st, 1)
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	require.True(t, hasUser(t, st, 1))
}

// TestMigrateCanceled: a context that has ended migrates nothing.
func TestMigrateCanceled(t *testing.T) {
	db := handle(t, filepath.Join(t.TempDir(), "app.db"))
	require.ErrorIs(t, sqlite.Migrate(canceled(t), db), store.ErrCanceled)
	_, err := sqlite.New(t.Context(), db)
	require.ErrorIs(t, err, store.ErrSchema)
}

// TestMigrationsByHand: the files alone make a database that New accepts.
func TestMigrationsByHand(t *testing.T) {
	db := handle(t, filepath.Join(t.TempDir(), "app.db"))
	files, err := fs.Glob(sqlite.Migrations(), "*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		script, err := fs.ReadFile(sqlite.Migrations(), file)
		require.NoError(t, err)
		tx := begin(t, db)
		_, err = tx.Exec(string(script))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
	}
	require.Len(t, column(t, db, `SELECT version || '' FROM tenancy_schema`), len(files)) // each notes itself
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	putUsers(t, st, 1)
}

// TestMigrateRows: rows of an older version go on with nothing set that is new.
func TestMigrateRows(t *testing.T) {
	db := handle(t, filepath.Join(t.TempDir(), "app.db"))
	for _, file := range []string{"0001_tenancy.sql", "0002_access.sql"} {
		script, err := fs.ReadFile(sqlite.Migrations(), file)
		require.NoError(t, err)
		_, err = db.Exec(string(script))
		require.NoError(t, err)
	}
	old := organization(1)
	_, err := db.Exec(`INSERT INTO tenancy_organizations (id, version, display_name, name_key, slug, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		tenancy.OrganizationID(id(1)), 1, "organization 0000001", "organization 0000001", "slug-1", noon.UnixMicro(), noon.UnixMicro())
	require.NoError(t, err)
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		got, err := rowtest.Get(t.Context(), tx, organizationTable, old[0].ID)
		require.Equal(t, old, got)
		return err
	}))
}

// TestMigrateClaims: claims that waited before looks were kept are looked at as soon as may be
// (D3), for nobody (R6).
func TestMigrateClaims(t *testing.T) {
	db := handle(t, filepath.Join(t.TempDir(), "app.db"))
	files, err := fs.Glob(sqlite.Migrations(), "*.sql")
	require.NoError(t, err)
	for _, file := range files[:7] {
		script, err := fs.ReadFile(sqlite.Migrations(), file)
		require.NoError(t, err)
		_, err = db.Exec(string(script))
		require.NoError(t, err)
	}
	org := tenancy.OrganizationID(id(1))
	_, err = db.Exec(`INSERT INTO tenancy_organizations (id, version, display_name, name_key, slug, created_at, updated_at) VALUES (?, 1, 'o', 'o', 'o', 1, 1)`, org)
	require.NoError(t, err)
	for i, state := range []string{"pending", "failed", "verified"} {
		_, err := db.Exec(`INSERT INTO tenancy_domains (id, version, organization_id, name, state, challenge, subdomains, joining, created_at, updated_at)
			VALUES (?, 1, ?, ?, ?, 'token', 0, 'off', 5, 5)`, tenancy.DomainID(id(2+i)), org, state+".example", state)
		require.NoError(t, err)
	}
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	want := "dlk_" + strings.TrimPrefix(tenancy.DomainID(id(2)).String(), "dom_") + " " + org.String() + " user 5"
	require.Equal(t, []string{want}, column(t, db, `SELECT id || ' ' || organization_id || ' ' || actor || ' ' || due_at FROM tenancy_domain_looks`))
}

// TestNewerSchema: what a newer program has migrated is refused by all three.
func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	db := openAt(t, path).DB()
	_, err := db.Exec(`INSERT INTO tenancy_schema (version) VALUES (99)`)
	require.NoError(t, err)
	_, err = sqlite.Open(t.Context(), path)
	require.ErrorIs(t, err, store.ErrSchema)
	require.ErrorContains(t, err, "version 99, newer than the")
	_, err = sqlite.New(t.Context(), handle(t, path))
	require.ErrorIs(t, err, store.ErrSchema)
	require.ErrorIs(t, sqlite.Migrate(t.Context(), db), store.ErrSchema)
}

// TestFailedMigration: a table of the host's in the way undoes the whole step.
func TestFailedMigration(t *testing.T) {
	db := handle(t, filepath.Join(t.TempDir(), "app.db"))
	_, err := db.Exec(`CREATE TABLE tenancy_users (id TEXT)`)
	require.NoError(t, err)
	require.ErrorIs(t, sqlite.Migrate(t.Context(), db), store.ErrInternal)
	require.Equal(t, []string{"tenancy_users"}, column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'tenancy_%'`))
	_, err = db.Exec(`DROP TABLE tenancy_users`)
	require.NoError(t, err)
	require.NoError(t, sqlite.Migrate(t.Context(), db))
}

// TestMigrateSettings: what connections keep moves into a table of its own, and the join codes
// that stand count as before.
func TestMigrateSettings(t *testing.T) {
	db := handle(t, filepath.Join(t.TempDir(), "app.db"))
	files, err := fs.Glob(sqlite.Migrations(), "*.sql")
	require.NoError(t, err)
	for _, file := range files[:8] {
		script, err := fs.ReadFile(sqlite.Migrations(), file)
		require.NoError(t, err)
		_, err = db.Exec(string(script))
		require.NoError(t, err)
	}
	acme, now := tenancy.OrganizationID(id(1)), noon.UnixMicro()
	exec := func(query string, args ...any) {
		_, err := db.Exec(query, args...)
		require.NoError(t, err)
	}
	exec(`INSERT INTO tenancy_organizations (id, version, display_name, name_key, created_at, updated_at) VALUES (?, 1, 'Acme', 'acme', ?2, ?2)`, acme, now)
	want := []tenancy.Connection{{Settings: map[string]string{"cert": "x"}, Groups: map[string]string{"eng": "guest"}}, {Settings: map[string]string{"cert": "y"}}, {Groups: map[string]string{"all": "member"}}, {}}
	for i, c := range [][2]any{{`{"cert":"x"}`, `{"eng":"guest"}`}, {`{"cert":"y"}`, nil}, {nil, `{"all":"member"}`}, {nil, nil}} {
		exec(`INSERT INTO tenancy_connections (id, version, organization_id, protocol, name, state, settings, group_roles, created_at, updated_at)
			VALUES (?1, 3, ?2, 'saml', 'SSO', 'active', ?4, ?5, ?3, ?3)`, tenancy.ConnectionID(id(10+i)), acme, now, c[0], c[1])
	}
	for i, c := range [][3]any{{nil, 7, nil}, {2, 1, nil}, {2, 2, nil}, {nil, 0, now}} {
		exec(`INSERT INTO tenancy_join_codes (id, version, organization_id, allowed_domains, max_uses, uses, expires_at, revoked_at, created_at, updated_at)
			VALUES (?1, 1, ?2, '[]', ?4, ?5, ?6, ?7, ?3, ?3)`, tenancy.JoinCodeID(id(20+i)), acme, now, c[0], c[1], noon.Add(time.Hour).UnixMicro(), c[2])
	}
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	st, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	svc, err := tenancy.New(tenancy.Config{Store: st, Now: func() time.Time { return noon }, Limits: tenancy.Limits{JoinCodes: 3}})
	require.NoError(t, err)
	for i, w := range want {
		got, err := svc.Connections.Get(t.Context(), acme, tenancy.ConnectionID(id(10+i)))
		require.NoError(t, err)
		require.Equal(t, w.Settings, got.Settings)
		require.Equal(t, w.Groups, got.Groups)
		require.EqualValues(t, 3, got.Version)
	}
	require.Equal(t, []string{"3"}, column(t, db, `SELECT count(*) || '' FROM tenancy_connection_settings`))
	_, err = svc.JoinCodes.Create(t.Context(), tenancy.NewJoinCode{OrganizationID: acme})
	require.NoError(t, err) // two stand: one is used up, and one revoked
	_, err = svc.JoinCodes.Create(t.Context(), tenancy.NewJoinCode{OrganizationID: acme})
	require.ErrorIs(t, err, tenancy.ErrInvalid)
}

// TestMigrateEventTimes: in an older log an event may be earlier than the one before it (E1).
// It gets the time of that, and so does one from the future; no other row is written.
func TestMigrateEventTimes(t *testing.T) {
	db := handle(t, filepath.Join(t.TempDir(), "app.db"))
	files, err := fs.Glob(sqlite.Migrations(), "*.sql")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_event_times.sql") {
			break
		}
		script, err := fs.ReadFile(sqlite.Migrations(), file)
		require.NoError(t, err)
		_, err = db.Exec(string(script))
		require.NoError(t, err)
	}
	const future = 1 << 60
	for i, at := range []int{future, -7, -9, 5, 5, 3, 4, future, 8, 6, 9} {
		_, err := db.Exec(`INSERT INTO tenancy_events (position, id, type, subject, actor, time, redacted) VALUES (?, ?, 'user.created', 's', 'host', ?, 0)`,
			3*i+2, tenancy.EventID(id(i+1)), at)
		require.NoError(t, err)
	}
	_, err = db.Exec(`CREATE TABLE written (position INTEGER);
		CREATE TRIGGER writes AFTER UPDATE ON tenancy_events BEGIN INSERT INTO written VALUES (old.position); END`)
	require.NoError(t, err)
	require.NoError(t, sqlite.Migrate(t.Context(), db))
	require.Equal(t, []string{"2 -9", "5 -7", "8 -7", "11 5", "14 5", "17 5", "20 5", "23 5", "26 8", "29 8", "32 9"},
		column(t, db, `SELECT position || ' ' || time FROM tenancy_events ORDER BY position`))
	require.Equal(t, []string{"2", "8", "17", "20", "23", "29"}, column(t, db, `SELECT position || '' FROM written ORDER BY position`))
}
