package sqlite_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// town is a Store with an organization, a user and their membership, each number 1.
func town(t *testing.T) store.Store {
	t.Helper()
	st := open(t)
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		require.NoError(t, tx.Insert(ctx, organizationTable, organization(1)))
		require.NoError(t, tx.Insert(ctx, userTable, user(1)))
		return tx.Insert(ctx, membershipTable, membership(1, 1, 1))
	})
	return st
}

// TestMissingParent: SQLite's second guard is told as the parent's not_found, and the
// transaction goes on.
func TestMissingParent(t *testing.T) {
	put(t, town(t), func(ctx context.Context, tx store.Rows) error {
		var told *store.Error
		require.ErrorAs(t, tx.Insert(ctx, membershipTable, membership(2, 2, 1)), &told)
		require.Equal(t, store.ErrNotFound, told.Code)
		require.Equal(t, "organization", told.Kind)
		require.Equal(t, tenancy.OrganizationID(id(2)).String(), told.Key)

		moved := next(membership(1, 1, 2))
		require.ErrorAs(t, tx.Update(ctx, membershipTable, moved), &told)
		require.Equal(t, "user", told.Kind)

		_, err := rowtest.Get(ctx, tx, membershipTable, id(1))
		return err
	})
}

// TestReferenced: what something refers to does not go, be it ours or the host's, by
// a foreign key or a trigger of its own.
func TestReferenced(t *testing.T) {
	put(t, town(t), func(ctx context.Context, tx store.Rows) error {
		err := tx.Delete(ctx, userTable, id(1))
		require.ErrorIs(t, err, store.ErrReferenced)
		require.EqualError(t, err, `user "`+tenancy.UserID(id(1)).String()+`": referenced`)
		_, err = tx.DeleteAll(ctx, organizationTable, []store.Cond{rowtest.Cond(organizationTable, "archived_at", store.IsNull)})
		require.ErrorIs(t, err, store.ErrReferenced)
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
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		require.ErrorIs(t, tx.Delete(ctx, userTable, id(2)), store.ErrReferenced)
		return tx.Delete(ctx, userTable, id(1))
	})
}

// TestHostUniqueIndex: a key that the table does not describe is told without a field.
func TestHostUniqueIndex(t *testing.T) {
	st := open(t)
	_, err := st.DB().Exec(`CREATE UNIQUE INDEX host ON tenancy_users (created_at)`)
	require.NoError(t, err)
	putUsers(t, st, 1)
	var told *store.Error
	require.ErrorAs(t, st.Update(t.Context(), insertUser(t, 2)), &told)
	require.Equal(t, store.ErrAlreadyExists, told.Code)
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
	err = st.View(t.Context(), func(tx store.Rows) error {
		_, err := rowtest.Get(t.Context(), tx, userTable, id(1))
		return err
	})
	require.EqualError(t, err, "user: corrupt: merged_into")
}
