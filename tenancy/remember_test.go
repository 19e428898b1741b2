package tenancy

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/store/typed"
)

// A call asks the store once for a row that it reads several times, and asks again for
// whatever may have become another: behind a lock, after a write, and where a part of the
// call was undone.
func TestWhatIsRememberedIsWhatTheStoreHolds(t *testing.T) {
	ctx := t.Context()
	err := memory.New().Update(ctx, func(raw store.Rows) error {
		rows := &counted{Rows: raw}
		tx := txn{border: border{remember(rows)}}
		past := newTxn(raw) // writes what tx does not hear of
		org := Organization{ID: OrganizationID{1}, Version: 1, DisplayName: "one"}
		require.NoError(t, past.Organizations().Insert(ctx, org))
		rename := func(name string) {
			org.DisplayName, org.Version = name, org.Version+1
			require.NoError(t, past.Organizations().Update(ctx, org))
		}
		reads := func(name string, asked int) {
			t.Helper()
			rows.gets = 0
			got, err := tx.Organizations().Get(ctx, org.ID)
			require.NoError(t, err)
			require.Equal(t, name, got.DisplayName)
			require.Equal(t, asked, rows.gets)
		}
		reads("one", 1)
		reads("one", 1) // no lock yet
		require.NoError(t, tx.Lock(ctx, lockOrganization(org.ID)))
		reads("one", 1)
		reads("one", 0)
		rename("two")
		require.NoError(t, tx.Lock(ctx, lockUser(UserID{1})))
		reads("two", 1)

		own := org
		own.DisplayName, own.Version = "three", org.Version+1
		require.NoError(t, tx.Organizations().Update(ctx, own))
		reads("three", 1)
		org = own

		undone := errors.New("undone")
		require.ErrorIs(t, tx.Savepoint(ctx, func() error {
			own.DisplayName, own.Version = "four", org.Version+1
			require.NoError(t, tx.Organizations().Update(ctx, own))
			reads("four", 1)
			return undone
		}), undone)
		reads("three", 1)

		require.NoError(t, tx.Organizations().Delete(ctx, org.ID))
		_, err := tx.Organizations().Get(ctx, org.ID)
		require.Equal(t, ErrNotFound, CodeOf(err))
		return nil
	})
	require.NoError(t, err)
}

// What needs no statement ends with its context, as a statement does.
func TestWhatIsRememberedIsCanceled(t *testing.T) {
	err := memory.New().Update(t.Context(), func(raw store.Rows) error {
		ctx, cancel := context.WithCancel(t.Context())
		tx := txn{border: border{rememberAll(raw)}}
		require.NoError(t, tx.Users().Insert(ctx, User{ID: UserID{1}, Version: 1}))
		cancel()
		_, err := tx.Users().Get(ctx, UserID{1})
		require.Equal(t, ErrCanceled, CodeOf(err))
		_, err = tx.Memberships().List(ctx, membershipFilter{UserID: typed.Of(UserID{1})}, listSpan{Limit: 1})
		require.Equal(t, ErrCanceled, CodeOf(err))
		return nil
	})
	require.NoError(t, err)
}

type counted struct {
	store.Rows
	gets int
}

func (c *counted) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	c.gets++
	return c.Rows.Get(ctx, t, id, row)
}
