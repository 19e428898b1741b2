package drivers

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// parents: a missing parent, and a row that another row needs, are reported. The other row may be Freehold's or
// the host's, with a foreign key or a trigger.
func parents(t *testing.T, p place) {
	db, st := p.open(t)
	ctx := t.Context()
	require.NoError(t, st.Update(ctx, func(tx store.Rows) error {
		require.NoError(t, tx.Insert(ctx, organizationTable, organization(1)))
		require.NoError(t, tx.Insert(ctx, userTable, user(1)))
		require.NoError(t, tx.Insert(ctx, userTable, user(2)))
		require.NoError(t, tx.Insert(ctx, membershipTable, membership(1, 1, 1)))
		var told *store.Error
		require.ErrorAs(t, tx.Insert(ctx, membershipTable, membership(2, 2, 1)), &told)
		require.Equal(t, store.ErrNotFound, told.Code)
		require.Equal(t, "organization", told.Kind)
		require.ErrorIs(t, tx.Delete(ctx, userTable, id(1)), store.ErrReferenced)
		return nil
	}))
	execute(t, db, `CREATE TABLE hosts (user_id TEXT REFERENCES tenancy_users (id) ON DELETE RESTRICT)`, `INSERT INTO hosts SELECT max(id) FROM tenancy_users`)
	require.ErrorIs(t, st.Update(ctx, func(tx store.Rows) error { return tx.Delete(ctx, userTable, id(2)) }), store.ErrReferenced)
}

// keys: a taken key is reported with its field, and a key of the host's without.
func keys(t *testing.T, p place) {
	db, st := p.open(t)
	putUsers(t, st, 1)
	var told *store.Error
	for field, change := range map[string]map[string]any{"id": {"email_key": "other"}, "email": {"id": id(2)}} {
		err := st.Update(t.Context(), func(tx store.Rows) error {
			return tx.Insert(t.Context(), userTable, rowtest.With(userTable, user(1), change))
		})
		require.ErrorAs(t, err, &told)
		require.Equal(t, store.ErrAlreadyExists, told.Code)
		require.Equal(t, field, told.Field)
	}
	execute(t, db, `CREATE UNIQUE INDEX host ON tenancy_users (created_at)`)
	require.ErrorAs(t, st.Update(t.Context(), insertUsers(t, 2)), &told)
	require.Equal(t, store.ErrAlreadyExists, told.Code)
	require.Empty(t, told.Field)
}

// canceled: a context that ends inside an Update keeps nothing, and the connection can be used again.
func canceled(t *testing.T, p place) {
	_, st := p.open(t)
	ctx, stop := context.WithCancel(t.Context())
	err := st.Update(ctx, func(tx store.Rows) error {
		require.NoError(t, tx.Insert(ctx, userTable, user(1)))
		stop()
		require.ErrorIs(t, tx.Insert(ctx, userTable, user(2)), store.ErrCanceled)
		return nil
	})
	require.ErrorIs(t, err, store.ErrCanceled)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, hasUser(t, st, 1))
	putUsers(t, st, 1)
}

// canceledRead: a long read stops in the middle, and the connection can be used again.
func canceledRead(t *testing.T, p place) {
	db, st := p.open(t)
	execute(t, db, `DROP TABLE tenancy_role_assignments`, `
		CREATE VIEW tenancy_role_assignments AS
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
			SELECT i AS id, i AS version FROM n WHERE i < 0`)
	db.SetMaxOpenConns(1)
	assignments := rowtest.Table(tenancy.Tables(), "tenancy_role_assignments")
	for range 3 {
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := st.View(ctx, func(tx store.Rows) error {
			_, err := tx.Count(ctx, assignments, nil)
			return err
		})
		stop()
		require.ErrorIs(t, err, store.ErrCanceled)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.False(t, hasUser(t, st, 1))
	}
	putUsers(t, st, 1)
}

// busy: a writer waits for another's lock for the handle's timeout and the Store's own patience. Readers do not
// wait, and the context ends the wait.
func busy(t *testing.T, p place) {
	db, st := p.open(t)
	other := begin(t, p.handle(t, p.path))
	_, err := other.Exec(`DELETE FROM tenancy_users`)
	require.NoError(t, err)
	require.False(t, hasUser(t, st, 1))
	db.SetMaxOpenConns(1)
	execute(t, db, `PRAGMA busy_timeout = 20`)
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	require.ErrorIs(t, st.Update(ctx, insertUsers(t, 1)), store.ErrCanceled)
	tx := begin(t, db)
	err = st.InTx(tx).Update(t.Context(), insertUsers(t, 1))
	require.ErrorIs(t, err, store.ErrBusy)
	require.ErrorContains(t, err, "another connection holds the lock")
	require.NoError(t, tx.Rollback())
	require.NoError(t, other.Rollback())
	putUsers(t, st, 1)
}

// longWait: writers of two Stores on two handles all get their turns, and none fails.
func longWait(t *testing.T, p place) {
	_, one := p.open(t)
	_, two := p.open(t)
	failed := make(chan error, 4)
	for g := range 4 {
		st := []store.Store{one, two}[g%2]
		go func() {
			var err error
			for n := range 25 {
				if err == nil {
					err = st.Update(context.Background(), func(tx store.Rows) error {
						return tx.Insert(context.Background(), userTable, user(100*g+n))
					})
				}
			}
			failed <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-failed)
	}
	require.NoError(t, one.View(t.Context(), func(tx store.Rows) error {
		n, err := tx.Count(t.Context(), userTable, nil)
		require.Equal(t, 100, n)
		return err
	}))
}

// full: an Update that runs out of space keeps nothing, and no statement runs after the transaction that SQLite
// has rolled back.
func full(t *testing.T, p place) {
	db, st := p.open(t)
	db.SetMaxOpenConns(1)
	putUsers(t, st, 0)
	limit := func(pages int) { execute(t, db, `PRAGMA max_page_count = `+strconv.Itoa(pages)) }
	limit(1) // as many as the file has now
	ctx := t.Context()
	err := st.Update(ctx, func(tx store.Rows) error {
		var err error
		for n := 1; err == nil; n++ {
			err = tx.Insert(ctx, userTable, user(n))
		}
		require.ErrorIs(t, err, store.ErrStorageFull)
		require.ErrorIs(t, tx.Delete(ctx, userTable, id(0)), store.ErrStorageFull)
		return nil
	})
	require.ErrorIs(t, err, store.ErrStorageFull)
	require.True(t, hasUser(t, st, 0))
	require.False(t, hasUser(t, st, 1))

	in := st.InTx(begin(t, db))
	err = nil
	for n := 1; err == nil; n++ {
		err = in.Update(ctx, insertUsers(t, n))
	}
	require.ErrorIs(t, err, store.ErrStorageFull)
	require.Error(t, in.Update(ctx, insertUsers(t, 0)))
}

// readOnly: reads work on a handle that cannot write, and writes return ErrReadOnly.
func readOnly(t *testing.T, p place) {
	_, writer := p.open(t)
	putUsers(t, writer, 1)
	for _, parameter := range []string{"mode=ro", p.QueryOnly} {
		_, st := p.open(t, parameter)
		require.True(t, hasUser(t, st, 1))
		require.ErrorIs(t, st.Update(t.Context(), insertUsers(t, 2)), store.ErrReadOnly)
		require.True(t, hasUser(t, st, 1))
	}
}

func notADatabase(t *testing.T, p place) {
	path := filepath.Join(t.TempDir(), "letter.txt")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("Dear Ada, "), 1000), 0o600))
	db := p.handle(t, path)
	_, err := sqlite.New(t.Context(), db)
	require.ErrorIs(t, err, store.ErrNotADatabase)
	require.ErrorIs(t, sqlite.Migrate(t.Context(), db), store.ErrNotADatabase)
}

// corrupt: reads and writes report damaged pages.
func corrupt(t *testing.T, p place) {
	db, err := sql.Open("sqlite3", p.path)
	require.NoError(t, err)
	var roots []int
	rows, err := db.Query(`SELECT rootpage FROM sqlite_master WHERE tbl_name = 'tenancy_users'`)
	require.NoError(t, err)
	for rows.Next() {
		roots = append(roots, 0)
		require.NoError(t, rows.Scan(&roots[len(roots)-1]))
	}
	require.NoError(t, rows.Err())
	require.NoError(t, db.Close())
	const page = 4096
	file, err := os.ReadFile(p.path)
	require.NoError(t, err)
	for _, root := range roots {
		copy(file[(root-1)*page:root*page], bytes.Repeat([]byte{0xa5}, page))
	}
	require.NoError(t, os.WriteFile(p.path, file, 0o600))
	_, st := p.open(t)
	list := func(tx store.Rows) error {
		_, err := rowtest.List(t.Context(), tx, userTable, nil, store.Range{Limit: 10})
		return err
	}
	require.ErrorIs(t, st.View(t.Context(), list), store.ErrCorrupt)
	require.ErrorIs(t, st.Update(t.Context(), list), store.ErrCorrupt)
}

// timesAsTexts: a text that looks like a time stays unchanged, even as the result of an expression.
func timesAsTexts(t *testing.T, p place) {
	_, st := p.open(t)
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		for _, text := range []string{"2026-03-04T12:00:00Z", "2026-03-04T12:00:00.5+02:00", "2026-03-04T12:00:00.50Z", "2026-03-04 12:00:00", "true"} {
			got, err := query(t.Context(), tx, `SELECT '`+text+`'`)
			require.NoError(t, err)
			require.Equal(t, []string{text}, got)
		}
		return nil
	}))
}

// readEnded: SQLite may end a read by itself, as it does when the disk fails; the connection can then write as
// before.
func readEnded(t *testing.T, p place) {
	db, st := p.open(t)
	db.SetMaxOpenConns(1)
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		_, err := query(t.Context(), tx, `ROLLBACK`)
		return err
	}))
	putUsers(t, st, 1)
	require.True(t, hasUser(t, st, 1))
}
