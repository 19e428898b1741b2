package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
)

// The suites read all rows again where the snapshot has moved, and rely on it to stay where
// nothing was committed.
func TestSnapshotsMoveWithCommits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st := openAt(t, path)
	is := func() (is any) {
		require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
			rows, ok := store.Underlying(tx)
			require.True(t, ok)
			is = rows.(interface{ Snapshot() any }).Snapshot()
			return nil
		}))
		require.NotNil(t, is)
		return is
	}
	before := is()
	require.Equal(t, before, is())
	require.ErrorIs(t, st.Update(t.Context(), func(tx store.Rows) error {
		require.NoError(t, insertUser(t, 1)(tx))
		require.Equal(t, before, is())
		return errOurs
	}), errOurs)
	require.Equal(t, before, is())

	putUsers(t, st, 1)
	after := is()
	require.NotEqual(t, before, after)
	_, err := st.DB().Exec(`UPDATE tenancy_users SET name_key = 'other'`) // the host's, on the writer's connection
	require.NoError(t, err)
	require.NotEqual(t, after, is())
	after = is()
	_, err = handle(t, path).Exec(`UPDATE tenancy_users SET name_key = 'another'`)
	require.NoError(t, err)
	require.NotEqual(t, after, is())
}
