package sqlite_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// town is a Store with an organization, a user and their membership, each number 1.
func town(t *testing.T) store.Store {
	t.Helper()
	st := open(t)
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		require.NoError(t, tx.Organizations().Insert(ctx, organization(1)))
		require.NoError(t, tx.Users().Insert(ctx, user(1)))
		return tx.Memberships().Insert(ctx, membership(1, 1, 1))
	})
	return st
}

// TestMissingParent: SQLite's second guard is told as the parent's not_found, and the
// transaction goes on.
func TestMissingParent(t *testing.T) {
	put(t, town(t), func(ctx context.Context, tx tenancy.Tx) error {
		var told *tenancy.Error
		require.ErrorAs(t, tx.Memberships().Insert(ctx, membership(2, 2, 1)), &told)
		require.Equal(t, tenancy.ErrNotFound, told.Code)
		require.Equal(t, "organization", told.Kind)
		require.Equal(t, organization(2).ID.String(), told.Key)

		moved := membership(1, 1, 2)
		moved.Version++
		require.ErrorAs(t, tx.Memberships().Update(ctx, moved), &told)
		require.Equal(t, "user", told.Kind)

		_, err := tx.Memberships().Get(ctx, id(1))
		return err
	})
}

// TestReferenced: what something refers to does not go, be it ours or the host's, by
// a foreign key or a trigger of its own.
func TestReferenced(t *testing.T) {
	put(t, town(t), func(ctx context.Context, tx tenancy.Tx) error {
		err := tx.Users().Delete(ctx, id(1))
		require.ErrorIs(t, err, tenancy.ErrReferenced)
		require.EqualError(t, err, `user "`+user(1).ID.String()+`": referenced`)
		_, err = tx.Organizations().DeleteAll(ctx, tenancy.OrganizationFilter{Archived: tenancy.Of(false)})
		require.ErrorIs(t, err, tenancy.ErrReferenced)
		return nil
	})
	st := open(t)
	putUsers(t, st, 1, 2)
	for _, text := range []string{
		`CREATE TABLE notes (user_id TEXT REFERENCES tenancy_users (id) ON DELETE RESTRICT)`,
		`INSERT INTO notes SELECT max(id) FROM tenancy_users`,
	} {
		_, err := st.DB().Exec(text)
		require.NoError(t, err)
	}
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		require.ErrorIs(t, tx.Users().Delete(ctx, id(2)), tenancy.ErrReferenced)
		return tx.Users().Delete(ctx, id(1))
	})
}

// TestHostUniqueIndex: a key that the catalogue does not know is told without a field.
func TestHostUniqueIndex(t *testing.T) {
	st := open(t)
	_, err := st.DB().Exec(`CREATE UNIQUE INDEX host ON tenancy_users (created_at)`)
	require.NoError(t, err)
	putUsers(t, st, 1)
	var told *tenancy.Error
	require.ErrorAs(t, tenancy.Typed(st).Update(t.Context(), insertUser(t, 2)), &told)
	require.Equal(t, tenancy.ErrAlreadyExists, told.Code)
	require.Empty(t, told.Field)
	require.NotNil(t, told.Err)
}

// TestDoctored: a value that no program of ours wrote is corruption, not a wrong
// answer.
func TestDoctored(t *testing.T) {
	st := open(t)
	putUsers(t, st, 1)
	_, err := st.DB().Exec(`UPDATE tenancy_users SET merged_into = 'org_00000000000000000000000001'`)
	require.NoError(t, err)
	err = tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
		_, err := tx.Users().Get(t.Context(), id(1))
		return err
	})
	require.EqualError(t, err, "user: corrupt: merged_into")
}
