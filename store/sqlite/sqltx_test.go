package sqlite_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

func service(t *testing.T, st store.Store) *tenancy.Service {
	t.Helper()
	svc, err := tenancy.New(tenancy.Config{Store: st})
	require.NoError(t, err)
	return svc
}

// TestSQLTx: a host's row is written under a Transact, and kept or undone with it;
// its events stay unseen for who joins from there (E1).
func TestSQLTx(t *testing.T) {
	st := open(t)
	_, err := st.DB().Exec(`CREATE TABLE notes (user_id TEXT REFERENCES tenancy_users (id))`)
	require.NoError(t, err)
	svc := service(t, st)
	signUp := func(fail error) error {
		return svc.Transact(t.Context(), func(ctx context.Context, in *tenancy.Service) error {
			ada, err := in.Users.Create(ctx, tenancy.NewUser{Email: "ada@example.com"})
			require.NoError(t, err)
			tx, err := sqlite.SQLTx(in)
			require.NoError(t, err)
			_, err = tx.ExecContext(ctx, `INSERT INTO notes VALUES (?)`, ada.ID)
			require.NoError(t, err)
			require.Zero(t, last(t, st.InTx(tx)))
			return fail
		})
	}
	require.ErrorIs(t, signUp(errOurs), errOurs)
	require.Empty(t, column(t, st.DB(), `SELECT user_id FROM notes`))
	require.NoError(t, signUp(nil))
	require.Len(t, column(t, st.DB(), `SELECT user_id FROM notes JOIN tenancy_users ON id = user_id`), 1)
	require.Positive(t, last(t, st))
}

func TestSQLTxRefuses(t *testing.T) {
	_, err := sqlite.SQLTx(service(t, open(t)))
	require.ErrorIs(t, err, tenancy.ErrInvalid) // no Transact

	mem := memory.New()
	defer func() { require.NoError(t, mem.Close()) }()
	for _, st := range []store.Store{open(t), mem} {
		var kept *tenancy.Service
		require.NoError(t, service(t, st).Transact(t.Context(), func(_ context.Context, in *tenancy.Service) error {
			kept = in
			_, err = sqlite.SQLTx(in)
			return nil
		}))
		require.Equal(t, st == mem, err != nil)
		_, err = sqlite.SQLTx(kept) // after its end
		require.ErrorIs(t, err, tenancy.ErrInvalid)
	}
}

// TestJoin: the whole Service inside a host's transaction.
func TestJoin(t *testing.T) {
	st, _, tx := withHostTable(t)
	svc := service(t, st)
	_, in, err := svc.Join(t.Context(), st.InTx(tx))
	require.NoError(t, err)
	ada, err := in.Users.Create(t.Context(), tenancy.NewUser{Email: "ada@example.com"})
	require.NoError(t, err)
	_, err = in.Users.Create(t.Context(), tenancy.NewUser{Email: "ada@example.com"})
	require.ErrorIs(t, err, tenancy.ErrAlreadyExists)
	_, err = tx.Exec(`INSERT INTO notes (user_id) VALUES (?)`, ada.ID)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	got, err := svc.Users.Get(t.Context(), ada.ID)
	require.NoError(t, err)
	require.Equal(t, ada, got)
	_, _, err = svc.Join(t.Context(), open(t).InTx(nil)) // of another Store
	require.ErrorIs(t, err, tenancy.ErrInvalid)
}
