package memory

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
)

// Random statements on stores that are cloned in between: each keeps to a model of its own,
// whatever the others write, and whatever is taken back.
func TestClonesGoTheirOwnWays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stores, models := []*Store{New()}, []*model{newModel()}
		for range rapid.IntRange(2, 8).Draw(rt, "transactions") {
			i := rapid.IntRange(0, len(stores)-1).Draw(rt, "store")
			if rapid.Bool().Draw(rt, "clone") {
				stores, models = append(stores, stores[i].Clone()), append(models, models[i].clone())
			}
			w := &walker{T: rt, ctx: t.Context(), model: models[i].clone()}
			err, panicked := caught(func() error {
				return stores[i].Update(t.Context(), func(tx store.Rows) error {
					w.rows = underlying(rt, tx)
					w.statements(15)
					return w.end()
				})
			})
			if err == nil && !panicked {
				models[i] = w.model
				models[i].base = models[i].last
			}
		}
		for i, s := range stores {
			require.NoError(rt, s.View(t.Context(), func(tx store.Rows) error {
				w := &walker{T: rt, ctx: t.Context(), rows: underlying(rt, tx), model: models[i]}
				w.compareAll()
				return nil
			}))
		}
	})
}

func named(n int, name string) store.Row {
	return userRow(map[string]any{"id": [16]byte{byte(n >> 8), byte(n)}, "name_key": name})
}

// fillUsers inserts users from..to-1, all of one name, in one transaction.
func fillUsers(t *testing.T, s *Store, name string, from, to int) {
	t.Helper()
	write(t, s, func(tx store.Rows) error {
		for n := from; n < to; n++ {
			if err := tx.Insert(t.Context(), userTable, named(n, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Both write behind the same record, into one slab and over its end.
func TestCloneSharesNoSlab(t *testing.T) {
	s := New()
	fillUsers(t, s, "before", 0, 10)
	clone := s.Clone()
	fillUsers(t, s, "original", 10, 500)
	fillUsers(t, clone, "clone", 10, 500)
	for name, st := range map[string]*Store{"original": s, "clone": clone} {
		require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
			all := users(t, tx)
			require.Len(t, all, 500)
			for _, u := range all[10:] {
				require.Equal(t, name, rowtest.At(userTable, u, "name_key").Text)
			}
			return nil
		}))
	}
}

// A clone is of one commit, also under a writer who never rests.
func TestCloneUnderAWriter(t *testing.T) {
	s := New()
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := range 200 {
			fillUsers(t, s, "pair", 2*n, 2*n+2)
		}
	})
	for n := range 50 {
		clone := s.Clone()
		fillUsers(t, clone, fmt.Sprint(n), 1000, 1002)
		require.NoError(t, clone.View(t.Context(), func(tx store.Rows) error {
			users, err := tx.Count(t.Context(), userTable, nil)
			require.Zero(t, users%2)
			return err
		}))
		require.NoError(t, clone.Close())
	}
	writing.Wait()
}

func TestCloneInAnUpdateAndAfterTheEnd(t *testing.T) {
	s := New()
	fillUsers(t, s, "kept", 0, 2)
	count := func(s *Store) (n int) {
		require.NoError(t, s.View(t.Context(), func(tx store.Rows) (err error) {
			n, err = tx.Count(t.Context(), userTable, nil)
			return err
		}))
		return n
	}
	write(t, s, func(tx store.Rows) error {
		require.NoError(t, tx.Insert(t.Context(), userTable, named(7, "not yet")))
		require.Equal(t, 2, count(s.Clone()))
		return nil
	})
	write(t, s, func(tx store.Rows) error {
		for range 3 {
			require.NoError(t, tx.Append(t.Context(), eventLog, eventRow(map[string]any{"subject": "x"}), nil))
		}
		_, err := tx.Prune(t.Context(), eventLog, time.Now().UnixMicro(), 2)
		return err
	})
	clone := s.Clone()
	require.NoError(t, s.Close())
	require.Equal(t, 3, count(clone))
	require.NoError(t, clone.View(t.Context(), func(tx store.Rows) error {
		last, err := tx.Last(t.Context(), eventLog)
		require.NoError(t, err)
		require.EqualValues(t, 3, last)
		_, _, _, err = rowtest.Events(t.Context(), tx, eventLog, nil, store.LogSpan{After: 1, Limit: 1})
		require.ErrorIs(t, err, store.ErrEventsPruned)
		return nil
	}))
	require.ErrorIs(t, s.Clone().View(t.Context(), func(store.Rows) error { return nil }), store.ErrClosed)
}
