package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// crashWriter commits, again and again, a user, their membership and a row of the
// host's, which belong together.
type crashWriter struct {
	t   *testing.T
	st  *sqlite.Store
	svc *tenancy.Service
	org tenancy.OrganizationID
}

const crashTable = `CREATE TABLE IF NOT EXISTS host_rows (
	n INTEGER NOT NULL PRIMARY KEY,
	membership_id TEXT NOT NULL REFERENCES tenancy_memberships (id)
) STRICT`

func newCrashWriter(t *testing.T, path string, level sqlite.Synchronous) *crashWriter {
	t.Helper()
	st, err := sqlite.Options{Synchronous: level}.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	_, err = st.DB().ExecContext(t.Context(), crashTable)
	require.NoError(t, err)
	w := &crashWriter{t: t, st: st, svc: svc}
	org, err := svc.Organizations.GetBySlug(t.Context(), "acme")
	if tenancy.CodeOf(err) == tenancy.ErrNotFound {
		org, err = svc.Organizations.Create(t.Context(), tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme"})
	}
	require.NoError(t, err)
	w.org = org.ID
	return w
}

// next is the number of the first commit that is not there yet.
func (w *crashWriter) next() (n int) {
	require.NoError(w.t, w.st.DB().QueryRowContext(w.t.Context(), `SELECT coalesce(max(n), 0) + 1 FROM host_rows`).Scan(&n))
	return n
}

// commit makes the n-th commit, by turns in a transaction of the Service's and in one
// of the host's.
func (w *crashWriter) commit(n int) {
	if n%2 == 0 {
		require.NoError(w.t, w.svc.Transact(w.t.Context(), func(ctx context.Context, in *tenancy.Service) error {
			tx, err := sqlite.SQLTx(in)
			if err != nil {
				return err
			}
			return w.write(ctx, in, tx, n)
		}))
		return
	}
	tx, err := w.st.DB().BeginTx(w.t.Context(), nil)
	require.NoError(w.t, err)
	_, in, err := w.svc.Join(w.t.Context(), w.st.InTx(tx))
	require.NoError(w.t, err)
	require.NoError(w.t, w.write(w.t.Context(), in, tx, n))
	require.NoError(w.t, tx.Commit())
}

func (w *crashWriter) write(ctx context.Context, in *tenancy.Service, tx *sql.Tx, n int) error {
	user, err := in.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("user%d@crash.example", n)})
	if err != nil {
		return err
	}
	member, err := in.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: w.org, UserID: user.ID})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO host_rows (n, membership_id) VALUES (?, ?)`, n, member.ID)
	return err
}

// crashTorn counts what there is of a commit without the rest of it.
var crashTorn = map[string]string{
	"a row of the host's without its membership": `SELECT count(*) FROM host_rows
		WHERE membership_id NOT IN (SELECT id FROM tenancy_memberships)`,
	"a membership without its row of the host's": `SELECT count(*) FROM tenancy_memberships
		WHERE id NOT IN (SELECT membership_id FROM host_rows)`,
	"a membership without its role": `SELECT count(*) FROM tenancy_memberships
		WHERE id NOT IN (SELECT membership_id FROM tenancy_role_assignments)`,
	"a membership without its event": `SELECT count(*) FROM tenancy_memberships
		WHERE id NOT IN (SELECT subject FROM tenancy_events WHERE type = 'membership.created')`,
	"a user without a membership": `SELECT count(*) FROM tenancy_users
		WHERE id NOT IN (SELECT user_id FROM tenancy_memberships)`,
	"a user without their event": `SELECT count(*) FROM tenancy_users
		WHERE id NOT IN (SELECT subject FROM tenancy_events WHERE type = 'user.created')`,
	"an event without what it tells of": `SELECT count(*) FROM tenancy_events WHERE subject NOT IN (
		SELECT id FROM tenancy_users UNION ALL SELECT id FROM tenancy_memberships UNION ALL SELECT id FROM tenancy_organizations)`,
	"a commit missing before another":   `SELECT coalesce(max(n), 0) - count(*) FROM host_rows`,
	"a row that refers to none":         `SELECT count(*) FROM pragma_foreign_key_check`,
	"a complaint of SQLite's own check": `SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'`,
}

// crashRows opens the file as the next process would and gives the number of commits
// that are there, each of them whole.
func crashRows(t *testing.T, path string) int {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		return 0
	}
	st, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	return wholeRows(t, st)
}

// wholeRows counts the commits, each of them whole. A file that died young has no
// table of the host's yet.
func wholeRows(t *testing.T, st *sqlite.Store) (n int) {
	t.Helper()
	_, err := st.DB().ExecContext(t.Context(), crashTable)
	require.NoError(t, err)
	for what, query := range crashTorn {
		require.NoError(t, st.DB().QueryRowContext(t.Context(), query).Scan(&n))
		require.Zero(t, n, what)
	}
	require.NoError(t, st.DB().QueryRowContext(t.Context(), `SELECT count(*) FROM host_rows`).Scan(&n))
	return n
}
