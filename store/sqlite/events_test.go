package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// appendEvents appends the events with these numbers in one Update.
func appendEvents(t testing.TB, st store.Store, numbers ...int) {
	t.Helper()
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		for _, n := range numbers {
			if err := tx.Events().Append(ctx, event(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// positions reads once.
func positions(t testing.TB, st store.Store, f tenancy.EventFilter, span tenancy.LogSpan) (at []tenancy.Position) {
	t.Helper()
	require.NoError(t, tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
		events, _, _, err := tx.Events().Read(t.Context(), f, span)
		for _, e := range events {
			at = append(at, e.Position)
		}
		return err
	}))
	return at
}

// TestEventsUnseenBeforeCommit (E1): a writing transaction sees what was committed
// before it, also after a savepoint has given its numbers back.
func TestEventsUnseenBeforeCommit(t *testing.T) {
	st := open(t)
	appendEvents(t, st, 1)
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		err := tx.Savepoint(ctx, func(tx tenancy.Tx) error {
			require.NoError(t, tx.Events().Append(ctx, event(2)))
			return errOurs
		})
		require.Equal(t, errOurs, err)
		require.NoError(t, tx.Events().Append(ctx, event(3)))
		at, err := tx.Events().Last(ctx)
		require.EqualValues(t, 1, at)
		require.NoError(t, err)
		for _, desc := range []bool{false, true} {
			events, next, done, err := tx.Events().Read(ctx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 5, Desc: desc})
			require.NoError(t, err)
			require.Len(t, events, 1)
			require.EqualValues(t, 1, next)
			require.True(t, done)
		}
		return nil
	})
	require.Equal(t, []tenancy.Position{1, 2}, positions(t, st, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 5}))
}

// TestLastNeverMovesBack (E1): neither a rollback nor pruning everything moves it.
func TestLastNeverMovesBack(t *testing.T) {
	st := open(t)
	require.Zero(t, last(t, st))
	appendEvents(t, st, 1, 2, 3)
	require.Equal(t, errOurs, tenancy.Typed(st).Update(t.Context(), func(tx tenancy.Tx) error {
		require.NoError(t, tx.Events().Append(t.Context(), event(4)))
		return errOurs
	}))
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		n, err := tx.Events().Prune(ctx, noon.Add(time.Hour), 100)
		require.Equal(t, 3, n)
		return err
	})
	require.EqualValues(t, 3, last(t, st))
	appendEvents(t, st, 5)
	require.EqualValues(t, 4, last(t, st))
}

// TestPrune (E1, E3): the oldest go, up to the first that is too young; a place below
// them is told, the start is not.
func TestPrune(t *testing.T) {
	st := open(t)
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		for n, age := range []int{5, 4, 1, 3, 2} {
			e := event(n)
			e.Time = noon.Add(-time.Duration(age) * time.Hour)
			e.People = []tenancy.UserID{id(7), id(7), id(8)}
			require.NoError(t, tx.Events().Append(ctx, e))
		}
		return nil
	})
	for _, want := range []int{1, 1, 0} { // by the limit, by the limit, by the age of the third
		put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
			n, err := tx.Events().Prune(ctx, noon.Add(-2*time.Hour), 1)
			require.Equal(t, want, n)
			return err
		})
	}
	require.Equal(t, []tenancy.Position{3, 4, 5}, positions(t, st, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 9}))
	require.Equal(t, []tenancy.Position{3, 4, 5}, positions(t, st, tenancy.EventFilter{}, tenancy.LogSpan{After: 2, Limit: 9}))
	require.Equal(t, []tenancy.Position{}, append([]tenancy.Position{}, positions(t, st, tenancy.EventFilter{}, tenancy.LogSpan{After: 1, Limit: 9, Desc: true})...))
	err := tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
		_, _, _, err := tx.Events().Read(t.Context(), tenancy.EventFilter{}, tenancy.LogSpan{After: 1, Limit: 9})
		return err
	})
	require.ErrorIs(t, err, tenancy.ErrEventsPruned)
	require.Equal(t, []string{"3", "4", "5"}, column(t, st.DB(), `SELECT DISTINCT position || '' FROM tenancy_event_people`))
}

// TestRedact: it finds the person concerned and the people besides, once each.
func TestRedact(t *testing.T) {
	st := open(t)
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		for n := range 4 {
			e := event(n)
			e.UserID, e.People = id(n), []tenancy.UserID{id(n + 1)}
			require.NoError(t, tx.Events().Append(ctx, e))
		}
		for _, want := range []int{2, 0} {
			n, err := tx.Events().Redact(ctx, id(2))
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		return nil
	})
	require.NoError(t, tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
		events, _, _, err := tx.Events().Read(t.Context(), tenancy.EventFilter{}, tenancy.LogSpan{Limit: 9})
		for i, e := range events {
			require.Equal(t, i == 1 || i == 2, e.Redacted)
			require.Equal(t, e.Redacted, e.Data == nil)
		}
		return err
	}))
}

// TestReadExaminesSoMany: a filter that matches little gives an empty page and a
// place to go on from, along each of the indexes and in both directions.
func TestReadExaminesSoMany(t *testing.T) {
	st := open(t)
	const total = store.MaxExamined + 50
	put(t, st, func(ctx context.Context, tx tenancy.Tx) error {
		for n := range total {
			e := event(n)
			e.OrganizationID, e.UserID = id(1), id(2)
			if n == 0 || n == total-1 {
				e.Type = tenancy.EventUserErased
			}
			require.NoError(t, tx.Events().Append(ctx, e))
		}
		return nil
	})
	rare := tenancy.Of(tenancy.EventUserErased, tenancy.EventUserMerged)
	for name, f := range map[string]tenancy.EventFilter{
		"position":     {Type: rare},
		"organization": {Type: rare, OrganizationID: tenancy.Of[tenancy.OrganizationID](id(1))},
		"user":         {Type: rare, UserID: tenancy.Of[tenancy.UserID](id(2)), Actor: tenancy.Of(tenancy.Actor{Kind: tenancy.ActorHost})},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
				read := func(span tenancy.LogSpan, found int, next tenancy.Position, done bool) {
					events, at, end, err := tx.Events().Read(t.Context(), f, span)
					require.NoError(t, err)
					require.Len(t, events, found)
					require.Equal(t, next, at)
					require.Equal(t, done, end)
				}
				read(tenancy.LogSpan{Limit: 1}, 1, store.MaxExamined, false)
				read(tenancy.LogSpan{After: 1, Limit: 1}, 0, store.MaxExamined+1, false)
				read(tenancy.LogSpan{After: store.MaxExamined, Limit: 1}, 1, total, true)
				read(tenancy.LogSpan{Limit: 5, Desc: true}, 1, total-store.MaxExamined+1, false)
				read(tenancy.LogSpan{After: total - store.MaxExamined + 1, Limit: 5, Desc: true}, 1, 1, true)
				return nil
			}))
		})
	}
}

// TestReadPages: done is told with the last page, and the limit is kept.
func TestReadPages(t *testing.T) {
	st := open(t)
	appendEvents(t, st, 0, 1, 2, 3)
	require.NoError(t, tenancy.Typed(st).View(t.Context(), func(tx tenancy.Tx) error {
		for _, c := range []struct {
			filter tenancy.EventFilter
			span   tenancy.LogSpan
			want   []tenancy.Position
			next   tenancy.Position
			done   bool
		}{
			{span: tenancy.LogSpan{Limit: 3}, want: []tenancy.Position{1, 2, 3}, next: 3},
			{span: tenancy.LogSpan{After: 3, Limit: 3}, want: []tenancy.Position{4}, next: 4, done: true},
			{span: tenancy.LogSpan{After: 4, Limit: 3}, next: 4, done: true},
			{span: tenancy.LogSpan{Limit: 4}, want: []tenancy.Position{1, 2, 3, 4}, next: 4, done: true},
			{span: tenancy.LogSpan{Limit: 2, Desc: true}, want: []tenancy.Position{4, 3}, next: 3},
			{span: tenancy.LogSpan{After: 3, Limit: 2, Desc: true}, want: []tenancy.Position{2, 1}, next: 1, done: true},
			{
				filter: tenancy.EventFilter{OrganizationID: tenancy.Of[tenancy.OrganizationID](id(1))},
				span:   tenancy.LogSpan{Limit: 1}, want: []tenancy.Position{2}, next: 2,
			},
			{filter: tenancy.EventFilter{Since: noon, Until: noon}, span: tenancy.LogSpan{Limit: 1}, next: 4, done: true},
		} {
			events, next, done, err := tx.Events().Read(t.Context(), c.filter, c.span)
			require.NoError(t, err)
			var at []tenancy.Position
			for _, e := range events {
				at = append(at, e.Position)
			}
			require.Equal(t, c.want, at, c.span)
			require.Equal(t, c.next, next, c.span)
			require.Equal(t, c.done, done, c.span)
		}
		return nil
	}))
}
