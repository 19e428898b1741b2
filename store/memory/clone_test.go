package memory

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/tenancy"
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
				return tenancy.Typed(stores[i]).Update(t.Context(), func(tx tenancy.Tx) error {
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
			require.NoError(rt, tenancy.Typed(s).View(t.Context(), func(tx tenancy.Tx) error {
				w := &walker{T: rt, ctx: t.Context(), rows: underlying(rt, tx), model: models[i]}
				w.compareAll()
				return nil
			}))
		}
	})
}

func named(n int, name string) tenancy.User {
	return tenancy.User{ID: tenancy.UserID{byte(n >> 8), byte(n)}, Version: 1, NameKey: name}
}

// fillUsers inserts users from..to-1, all of one name, in one transaction.
func fillUsers(t *testing.T, s *Store, name string, from, to int) {
	t.Helper()
	write(t, s, func(tx tenancy.Tx) error {
		for n := from; n < to; n++ {
			if err := tx.Users().Insert(t.Context(), named(n, name)); err != nil {
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
		require.NoError(t, tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
			users, err := tx.Users().List(t.Context(), tenancy.UserFilter{}, tenancy.Span{Limit: 1000})
			require.Len(t, users, 500)
			for _, u := range users[10:] {
				require.Equal(t, name, u.NameKey)
			}
			return err
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
		require.NoError(t, tenancy.Typed(clone).View(t.Context(), func(tx tenancy.Tx) error {
			users, err := tx.Users().Count(t.Context(), tenancy.UserFilter{})
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
		require.NoError(t, tenancy.Typed(s).View(t.Context(), func(tx tenancy.Tx) (err error) {
			n, err = tx.Users().Count(t.Context(), tenancy.UserFilter{})
			return err
		}))
		return n
	}
	write(t, s, func(tx tenancy.Tx) error {
		require.NoError(t, tx.Users().Insert(t.Context(), named(7, "not yet")))
		require.Equal(t, 2, count(s.Clone()))
		return nil
	})
	write(t, s, func(tx tenancy.Tx) error {
		for range 3 {
			require.NoError(t, tx.Events().Append(t.Context(), tenancy.Event{Subject: "x"}))
		}
		_, err := tx.Events().Prune(t.Context(), time.Now(), 2)
		return err
	})
	clone := s.Clone()
	require.NoError(t, s.Close())
	require.Equal(t, 3, count(clone))
	require.NoError(t, tenancy.Typed(clone).View(t.Context(), func(tx tenancy.Tx) error {
		last, err := tx.Events().Last(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 3, last)
		_, _, _, err = tx.Events().Read(t.Context(), tenancy.EventFilter{}, tenancy.LogSpan{After: 1, Limit: 1})
		require.ErrorIs(t, err, tenancy.ErrEventsPruned)
		return nil
	}))
	require.ErrorIs(t, tenancy.Typed(s.Clone()).View(t.Context(), func(tenancy.Tx) error { return nil }), tenancy.ErrClosed)
}
