package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// metrics is what a host puts round a Store to count what it costs.
type metrics struct {
	store.Store
	transactions, inserts *int
}

func (m metrics) View(ctx context.Context, fn func(store.Rows) error) error {
	*m.transactions++
	return m.Store.View(ctx, func(rows store.Rows) error { return fn(counted{rows, m}) })
}

func (m metrics) Update(ctx context.Context, fn func(store.Rows) error) error {
	*m.transactions++
	return m.Store.Update(ctx, func(rows store.Rows) error { return fn(counted{rows, m}) })
}

func (m metrics) Unwrap() store.Store { return m.Store }

type counted struct {
	store.Rows
	metrics metrics
}

func (c counted) Insert(ctx context.Context, t *store.Table, row store.Row) error {
	*c.metrics.inserts++
	return c.Rows.Insert(ctx, t, row)
}

func (c counted) Unwrap() store.Rows { return c.Rows }

// TestWrapped: a Store in a wrapper still joins the host's transactions, and shows its own
// to the host.
func TestWrapped(t *testing.T) {
	st, db, tx := withHostTable(t)
	count := func() int { return len(column(t, db, `SELECT user_id FROM notes`)) }
	m := metrics{st, new(int), new(int)}
	svc := service(t, m)
	ctx, in, err := svc.Join(t.Context(), metrics{st.InTx(tx), m.transactions, m.inserts})
	require.NoError(t, err)
	ada, err := in.Users.Create(ctx, tenancy.NewUser{Email: "ada@example.com"})
	require.NoError(t, err)
	require.Equal(t, 1, *m.inserts)
	_, err = svc.Users.Get(ctx, ada.ID) // would wait for the transaction on a handle of one connection
	require.ErrorIs(t, err, tenancy.ErrInTransaction)
	_, err = tx.Exec(`INSERT INTO notes (user_id) VALUES (?)`, ada.ID)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	require.Equal(t, 1, count())

	undone := errors.New("undone")
	err = sqlite.Transact(t.Context(), svc, func(ctx context.Context, in *tenancy.Service, tx *sql.Tx) error {
		bob, err := in.Users.Create(ctx, tenancy.NewUser{Email: "bob@example.com"})
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, `INSERT INTO notes (user_id) VALUES (?)`, bob.ID)
		require.NoError(t, err)
		return undone
	})
	require.Equal(t, undone, err)
	require.Equal(t, 1, count())
	require.Equal(t, 2, *m.inserts)
	_, err = svc.Users.GetByEmail(t.Context(), "bob@example.com")
	require.ErrorIs(t, err, tenancy.ErrNotFound)
}

// TestTransactElsewhere: what is not over this package says so, and nothing runs.
func TestTransactElsewhere(t *testing.T) {
	svc := service(t, open(t))
	bound := svc.As(tenancy.UserPrincipal(id(1)))
	err := sqlite.Transact(t.Context(), bound, func(context.Context, *tenancy.Service, *sql.Tx) error { panic("not for an actor") })
	require.ErrorIs(t, err, tenancy.ErrForbidden)
}
