package memory

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
)

// Rewriting the same rows over and over takes no more than a bounded share of
// garbage, changes nothing that a reader sees, and leaves old snapshots as they were.
func TestCompaction(t *testing.T) {
	s := New()
	const n = 500
	ids := make([][16]byte, n)
	write(t, s, func(tx store.Rows) error {
		for i := range ids {
			ids[i] = [16]byte{1, byte(i >> 8), byte(i)}
			email := fmt.Sprintf("%d@example.com", i%7*1000+i) // in another order than the ids
			err := tx.Insert(t.Context(), userTable, userRow(map[string]any{"id": ids[i], "name_key": "n", "email": email, "email_key": email}))
			if err != nil {
				return err
			}
		}
		return nil
	})
	compactions := 0
	require.NoError(t, s.View(t.Context(), func(old store.Rows) error {
		before := users(t, old)
		generation := userVersion(s).dir
		for round := range 60 {
			write(t, s, func(tx store.Rows) error { return touch(t, tx, ids, round) })
			tab := userVersion(s)
			require.False(t, tab.wasteful())
			if tab.dir != generation {
				generation = tab.dir
				compactions++
			}
		}
		require.Equal(t, before, users(t, old))
		live := 0
		userVersion(s).trees[0].Scan(func(r ref) bool {
			live += userVersion(s).room(r)
			return true
		})
		require.Equal(t, live, userVersion(s).live)
		return nil
	}))
	require.Greater(t, compactions, 1)

	require.NoError(t, s.View(t.Context(), func(tx store.Rows) error {
		for order := range userVersion(s).trees {
			require.LessOrEqual(t, userVersion(s).trees[order].Len(), n)
		}
		for i, u := range users(t, tx) {
			require.Equal(t, ids[i], u[0].ID)
			require.EqualValues(t, 59, rowtest.At(userTable, u, "last_sign_in_at").Int)
			found, err := rowtest.List(t.Context(), tx, userTable, []store.Cond{rowtest.OneOf(userTable, "email_key", rowtest.At(userTable, u, "email_key").Text)}, store.Range{Limit: 2})
			require.NoError(t, err)
			require.Len(t, found, 1)
		}
		return nil
	}))
}

// What is counted as live and dead is what lies in the slabs: nothing is left there
// of what was undone, whether the table was written to before or not.
func TestGarbageIsCounted(t *testing.T) {
	s := New()
	for i := range 3 {
		write(t, s, func(tx store.Rows) error {
			u := userRow(map[string]any{"id": [16]byte{byte(i)}, "name_key": "a name"})
			undone := func() {
				require.ErrorIs(t, tx.Savepoint(t.Context(), func() error {
					other := rowtest.With(userTable, u, map[string]any{"id": [16]byte{100}})
					require.NoError(t, tx.Insert(t.Context(), userTable, other))
					require.NoError(t, tx.Delete(t.Context(), userTable, other[0].ID))
					return errUndo
				}), errUndo)
			}
			undone()
			require.NoError(t, tx.Insert(t.Context(), userTable, u))
			require.Error(t, tx.Insert(t.Context(), userTable, u))
			undone()
			return tx.Update(t.Context(), userTable, next(u))
		})
	}
	tab := userVersion(s)
	size := tab.room(tab.trees[0].Items()[0])
	require.Equal(t, 3*size, tab.live)
	require.Equal(t, 3*size, tab.dead)
	require.Equal(t, unit+6*size, tab.used)
}

func write(t *testing.T, s *Store, fn func(store.Rows) error) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), fn))
}

func touch(t *testing.T, tx store.Rows, ids [][16]byte, micros int) error {
	for _, id := range ids {
		if err := tx.Touch(t.Context(), userTable, id, int64(micros)); err != nil {
			return err
		}
	}
	return nil
}

func users(t *testing.T, tx store.Rows) []store.Row {
	list, err := rowtest.List(t.Context(), tx, userTable, nil, store.Range{Limit: math.MaxInt})
	require.NoError(t, err)
	return list
}

func userVersion(s *Store) *table {
	tx := &tx{store: s}
	return s.current.Load().tables[tx.place(userTable)]
}
