package memory

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func appendEvents(t *testing.T, s *Store, n int, make func(i int) tenancy.Event) {
	write(t, s, func(tx tenancy.Tx) error {
		for i := range n {
			if err := tx.Events().Append(t.Context(), make(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// E1: a read examines a bounded number of rows, and says where to go on.
func TestReadsAreBounded(t *testing.T) {
	s := New()
	here := tenancy.OrganizationID{1}
	appendEvents(t, s, store.MaxExamined+10, func(i int) tenancy.Event {
		e := tenancy.Event{Subject: "x", OrganizationID: tenancy.OrganizationID{2}}
		if i > store.MaxExamined {
			e.OrganizationID, e.Subject = here, "y"
		}
		return e
	})
	require.NoError(t, tenancy.Typed(s).View(t.Context(), func(tx tenancy.Tx) error {
		read := func(f tenancy.EventFilter, span tenancy.LogSpan) ([]tenancy.Event, tenancy.Position, bool) {
			list, next, done, err := tx.Events().Read(t.Context(), f, span)
			require.NoError(t, err)
			return list, next, done
		}
		last := tenancy.EventFilter{Subject: tenancy.Of("y")}
		list, next, done := read(last, tenancy.LogSpan{Limit: 5})
		require.Empty(t, list)
		require.False(t, done)
		require.EqualValues(t, store.MaxExamined, next)
		list, next, done = read(last, tenancy.LogSpan{Limit: 50, After: next})
		require.Len(t, list, 9)
		require.True(t, done)
		require.EqualValues(t, store.MaxExamined+10, next)

		list, next, done = read(tenancy.EventFilter{OrganizationID: tenancy.Of(here)}, tenancy.LogSpan{Limit: 4})
		require.Len(t, list, 4) // by the index: nothing else was examined
		require.False(t, done)
		require.EqualValues(t, store.MaxExamined+5, next)

		list, next, done = read(last, tenancy.LogSpan{Limit: 9, Desc: true})
		require.Len(t, list, 9)
		require.False(t, done)
		require.EqualValues(t, store.MaxExamined+2, next)
		return nil
	}))
}

// E1: a transaction reads what was committed before it, and numbers that were
// rolled back come again.
func TestOwnEventsAreUnseen(t *testing.T) {
	s := New()
	one := func(int) tenancy.Event { return tenancy.Event{Subject: "committed"} }
	appendEvents(t, s, 1, one)
	seen := func(ctx context.Context, tx tenancy.Tx) {
		list, next, done, err := tx.Events().Read(ctx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.EqualValues(t, 1, next)
		require.True(t, done)
		last, err := tx.Events().Last(ctx)
		require.NoError(t, err)
		require.EqualValues(t, 1, last)
	}
	require.ErrorIs(t, tenancy.Typed(s).Update(t.Context(), func(tx tenancy.Tx) error {
		require.NoError(t, tx.Events().Append(t.Context(), tenancy.Event{Subject: "undone"}))
		seen(t.Context(), tx)
		return errUndo
	}), errUndo)
	appendEvents(t, s, 1, one)
	require.EqualValues(t, 2, logOf(s).last)
}

// U7: a person's data goes from the events that concern them, from those that only
// list them, and from those of the same transaction; no other event changes.
func TestRedactFindsPeople(t *testing.T) {
	s := New()
	ada, bob := tenancy.UserID{1}, tenancy.UserID{2}
	event := func(of tenancy.UserID, people ...tenancy.UserID) tenancy.Event {
		return tenancy.Event{UserID: of, Data: []byte(`{"a":1}`), Previous: []byte(`{}`), People: people}
	}
	write(t, s, func(tx tenancy.Tx) error {
		require.NoError(t, tx.Events().Append(t.Context(), event(ada, ada, ada)))
		require.NoError(t, tx.Events().Append(t.Context(), event(bob, ada)))
		require.NoError(t, tx.Events().Append(t.Context(), event(bob)))
		n, err := tx.Events().Redact(t.Context(), ada)
		require.Equal(t, 2, n)
		return err
	})
	require.NoError(t, tenancy.Typed(s).View(t.Context(), func(tx tenancy.Tx) error {
		list, _, _, err := tx.Events().Read(t.Context(), tenancy.EventFilter{}, tenancy.LogSpan{Limit: 10})
		require.Len(t, list, 3)
		for i, e := range list {
			require.Equal(t, i < 2, e.Redacted)
			require.Equal(t, i < 2, e.Data == nil && e.Previous == nil)
		}
		return err
	}))
	write(t, s, func(tx tenancy.Tx) error {
		n, err := tx.Events().Redact(t.Context(), ada)
		require.Zero(t, n) // nothing left to change
		return err
	})
}

// E1: pruning sets a floor, and the last position stays.
func TestPruneKeepsAFloor(t *testing.T) {
	s := New()
	begin := time.Unix(1000, 0)
	appendEvents(t, s, 5, func(i int) tenancy.Event {
		return tenancy.Event{Time: begin.Add(time.Duration(i) * time.Second), People: []tenancy.UserID{{9}}}
	})
	write(t, s, func(tx tenancy.Tx) error {
		n, err := tx.Events().Prune(t.Context(), begin.Add(3*time.Second), 2)
		require.Equal(t, 2, n)
		return err
	})
	require.NoError(t, tenancy.Typed(s).View(t.Context(), func(tx tenancy.Tx) error {
		for after, code := range []tenancy.Code{0: "", 1: tenancy.ErrEventsPruned, 2: "", 3: ""} {
			_, _, _, err := tx.Events().Read(t.Context(), tenancy.EventFilter{}, tenancy.LogSpan{After: tenancy.Position(after), Limit: 1})
			require.Equal(t, code, tenancy.CodeOf(err), "after %d", after)
		}
		return nil
	}))
	write(t, s, func(tx tenancy.Tx) error {
		n, err := tx.Events().Prune(t.Context(), begin.Add(time.Hour), 100)
		require.Equal(t, 3, n)
		return err
	})
	state := s.current.Load()
	require.EqualValues(t, 5, logOf(s).last)
	require.EqualValues(t, 5, logOf(s).floor)
	for i := range 2 { // the people went with their events
		require.Zero(t, state.tables[len(state.tables)-1-i].trees[0].Len())
	}
}

// logOf is the committed log of the events.
func logOf(s *Store) *table {
	for i, known := range *s.schemas.Load() {
		if known.source == &tenancy.EventLog().Table {
			return s.current.Load().table(i, *s.schemas.Load())
		}
	}
	return nil
}
