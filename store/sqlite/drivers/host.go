package drivers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// refused: New reports what a handle lacks.
func refused(t *testing.T, p place) {
	for dsn, want := range p.Refused {
		path := filepath.Join(t.TempDir(), "refused.db")
		name := dsn
		if dsn != ":memory:" {
			name = fmt.Sprintf(dsn, path)
		}
		_, err := sqlite.New(t.Context(), dial(t, name))
		require.ErrorIs(t, err, store.ErrInvalid, dsn)
		require.ErrorContains(t, err, want, dsn)
	}
}

// immediate: a handle whose transactions begin with the write lock works if its reads do not take it, and is
// refused otherwise. A host may have such a handle beside that of the Store.
func immediate(t *testing.T, p place) {
	db, st := p.open(t)
	other := p.handle(t, p.path, "_txlock=immediate", p.Hasty)
	second, err := sqlite.New(t.Context(), other)
	if p.LocksReads {
		require.ErrorIs(t, err, store.ErrInvalid)
		require.ErrorContains(t, err, "leave _txlock out of the DSN")
	} else {
		require.NoError(t, err)
		putUsers(t, second, 1)
	}
	tx := begin(t, other)
	require.False(t, hasUser(t, st.InTx(tx), 2))
	require.False(t, hasUser(t, st, 2)) // reads do not wait
	putUsers(t, st.InTx(tx), 2)
	require.NoError(t, tx.Commit())
	require.True(t, hasUser(t, st, 2))
	require.NoError(t, db.Ping())
}

// leftAlone: New changes nothing about the handle, and Close leaves it open.
func leftAlone(t *testing.T, p place) {
	db, st := p.open(t)
	db.SetMaxOpenConns(1)
	_, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	putUsers(t, st, 1)
	require.NoError(t, st.Close())
	require.ErrorIs(t, st.Update(t.Context(), insertUsers(t, 2)), store.ErrClosed)
	execute(t, db, `CREATE TABLE hosts (id INTEGER)`)
}

// closed: the host may close its handle first.
func closed(t *testing.T, p place) {
	db, st := p.open(t)
	require.NoError(t, db.Close())
	require.ErrorIs(t, st.Update(t.Context(), insertUsers(t, 1)), store.ErrClosed)
	require.ErrorIs(t, st.View(t.Context(), func(store.Rows) error { return nil }), store.ErrClosed)
}

// schema: missing tables and the tables of a newer program give different errors.
func schema(t *testing.T, p place) {
	_, err := sqlite.New(t.Context(), p.handle(t, filepath.Join(t.TempDir(), "empty.db")))
	require.ErrorIs(t, err, store.ErrSchema)
	require.ErrorContains(t, err, "call sqlite.Migrate first")
	db, _ := p.open(t)
	execute(t, db, `INSERT INTO tenancy_schema (version) VALUES (10000)`)
	require.ErrorIs(t, sqlite.Migrate(t.Context(), db), store.ErrSchema)
}

// joined: rows of tenancy and of the host are kept or rolled back together, whichever side began the
// transaction.
func joined(t *testing.T, p place) {
	db, st := p.open(t)
	execute(t, db, `CREATE TABLE hosts (user_id TEXT NOT NULL REFERENCES tenancy_users (id))`)
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	for n, keep := range []bool{false, true} {
		tx := begin(t, db)
		ctx, in, err := svc.Join(t.Context(), st.InTx(tx))
		require.NoError(t, err)
		ada, err := in.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
		require.NoError(t, err)
		_, err = tx.Exec(`INSERT INTO hosts VALUES (?)`, ada.ID.String())
		require.NoError(t, err)
		if keep {
			require.NoError(t, tx.Commit())
		} else {
			require.NoError(t, tx.Rollback())
		}
		page, err := svc.Users.List(t.Context(), tenancy.UserQuery{})
		require.NoError(t, err)
		require.Len(t, page.Items, n)
	}
}

// joinedDeferred: a host's transaction that has read, while another has written since, is busy.
func joinedDeferred(t *testing.T, p place) {
	db, st := p.open(t)
	in := st.InTx(begin(t, db))
	require.False(t, hasUser(t, in, 1))
	putUsers(t, st, 1)
	err := in.Update(t.Context(), insertUsers(t, 2))
	require.ErrorIs(t, err, store.ErrBusy)
	require.ErrorContains(t, err, "begin anew")
}

// joinedEnded: after SQLite has rolled back by itself, nothing of Freehold's is committed alone. After the
// host's end everything is closed.
func joinedEnded(t *testing.T, p place) {
	db, st := p.open(t)
	tx := begin(t, db)
	putUsers(t, st.InTx(tx), 1)
	_, err := tx.Exec(`ROLLBACK`)
	require.NoError(t, err)
	require.ErrorIs(t, st.InTx(tx).Update(t.Context(), insertUsers(t, 2)), store.ErrClosed)
	require.Error(t, tx.Commit())
	tx = begin(t, db)
	require.NoError(t, tx.Rollback())
	require.ErrorIs(t, st.InTx(tx).Update(t.Context(), insertUsers(t, 3)), store.ErrClosed)
	for n := range 4 {
		require.False(t, hasUser(t, st, n), n)
	}
}

// oneConnection: if a host's transaction uses the handle's one connection, nothing inside it needs another, and
// calls that wait outside obey their context.
func oneConnection(t *testing.T, p place) {
	db, st := p.open(t)
	db.SetMaxOpenConns(1)
	tx := begin(t, db)
	putUsers(t, st.InTx(tx), 1)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, st.View(ctx, func(store.Rows) error { return nil }), store.ErrCanceled)
	require.NoError(t, tx.Commit())
	require.True(t, hasUser(t, st, 1))
}

// backup: a copy is complete, and the driver opens it.
func backup(t *testing.T, p place) {
	_, st := p.open(t)
	putUsers(t, st, 1)
	copied := filepath.Join(t.TempDir(), "copy.db")
	require.NoError(t, st.Backup(t.Context(), copied))
	info, err := os.Stat(copied)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.True(t, hasUser(t, p.store(t, p.handle(t, copied)), 1))
	stats, err := st.Stats(t.Context())
	require.NoError(t, err)
	require.Positive(t, stats.Pages)
	require.Positive(t, stats.LogBytes)
	require.EqualValues(t, 1, stats.Writes)
}
