package memory

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// Rewriting the same rows over and over takes no more than a bounded share of
// garbage, changes nothing that a reader sees, and leaves old snapshots as they were.
func TestCompaction(t *testing.T) {
	s := New()
	const n = 500
	ids := make([][16]byte, n)
	write(t, s, func(tx tenancy.Tx) error {
		for i := range ids {
			ids[i] = tenancy.UserID{1, byte(i >> 8), byte(i)}
			email := fmt.Sprintf("%d@example.com", i%7*1000+i) // in another order than the ids
			err := tx.Users().Insert(t.Context(), tenancy.User{ID: ids[i], Version: 1, NameKey: "n", Email: email, EmailKey: email})
			if err != nil {
				return err
			}
		}
		return nil
	})
	compactions := 0
	require.NoError(t, tenancy.Typed(s).View(t.Context(), func(old tenancy.Tx) error {
		before := users(t, old)
		generation := userTable(s).dir
		for round := range 60 {
			write(t, s, func(tx tenancy.Tx) error { return touch(t, tx, ids, round) })
			tab := userTable(s)
			require.False(t, tab.wasteful())
			if tab.dir != generation {
				generation = tab.dir
				compactions++
			}
		}
		require.Equal(t, before, users(t, old))
		live := 0
		userTable(s).trees[0].Scan(func(r ref) bool {
			live += userTable(s).room(r)
			return true
		})
		require.Equal(t, live, userTable(s).live)
		return nil
	}))
	require.Greater(t, compactions, 1)

	require.NoError(t, tenancy.Typed(s).View(t.Context(), func(tx tenancy.Tx) error {
		for order := range userTable(s).trees {
			require.LessOrEqual(t, userTable(s).trees[order].Len(), n)
		}
		for i, u := range users(t, tx) {
			require.EqualValues(t, ids[i], u.ID)
			require.Equal(t, time.UnixMicro(59).UTC(), u.LastSignInAt)
			found, err := tx.Users().List(t.Context(), tenancy.UserFilter{EmailKey: tenancy.Of(u.EmailKey)}, tenancy.Span{Limit: 2})
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
		write(t, s, func(tx tenancy.Tx) error {
			u := tenancy.User{ID: tenancy.UserID{byte(i)}, Version: 1, NameKey: "a name"}
			undone := func() {
				require.ErrorIs(t, tx.Savepoint(t.Context(), func(tx tenancy.Tx) error {
					other := u
					other.ID = tenancy.UserID{100}
					require.NoError(t, tx.Users().Insert(t.Context(), other))
					require.NoError(t, tx.Users().Delete(t.Context(), other.ID))
					return errUndo
				}), errUndo)
			}
			undone()
			require.NoError(t, tx.Users().Insert(t.Context(), u))
			require.Error(t, tx.Users().Insert(t.Context(), u))
			undone()
			u.Version = 2
			return tx.Users().Update(t.Context(), u)
		})
	}
	tab := userTable(s)
	size := tab.room(tab.trees[0].Items()[0])
	require.Equal(t, 3*size, tab.live)
	require.Equal(t, 3*size, tab.dead)
	require.Equal(t, unit+6*size, tab.used)
}

func write(t *testing.T, s *Store, fn func(tenancy.Tx) error) {
	t.Helper()
	require.NoError(t, tenancy.Typed(s).Update(t.Context(), fn))
}

func touch(t *testing.T, tx tenancy.Tx, ids [][16]byte, micros int) error {
	for _, id := range ids {
		if err := tx.Users().Touch(t.Context(), id, time.UnixMicro(int64(micros))); err != nil {
			return err
		}
	}
	return nil
}

func users(t *testing.T, tx tenancy.Tx) []tenancy.User {
	list, err := tx.Users().List(t.Context(), tenancy.UserFilter{}, tenancy.Span{Limit: math.MaxInt})
	require.NoError(t, err)
	return list
}

func userTable(s *Store) *table {
	tx := &tx{store: s}
	return s.current.Load().tables[tx.place(tenancy.Describe().Users.Table)]
}
