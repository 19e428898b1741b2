package memory

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
)

// The suites read all rows again where the snapshot has moved, and rely on it to stay where
// nothing was committed.
func TestSnapshotsMoveWithCommits(t *testing.T) {
	s := New()
	is := func() (is any) {
		require.NoError(t, s.View(t.Context(), func(own store.Rows) error {
			is = underlying(t, own).(*tx).Snapshot()
			return nil
		}))
		return is
	}
	before := is()
	require.Error(t, s.Update(t.Context(), func(tx store.Rows) error {
		require.NoError(t, tx.Insert(t.Context(), userTable, named(1, "not kept")))
		require.Same(t, before, is())
		return errors.New("undone")
	}))
	require.Same(t, before, is())
	fillUsers(t, s, "kept", 1, 2)
	require.NotSame(t, before, is())
}
