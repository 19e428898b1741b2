package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
)

// appendEvents appends the events with these numbers in one Update.
func appendEvents(t testing.TB, st store.Store, numbers ...int) {
	t.Helper()
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		for _, n := range numbers {
			if err := tx.Append(ctx, eventLog, event(n), nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// positions reads once.
func positions(t testing.TB, st store.Store, where []store.Cond, span store.LogSpan) (at []int64) {
	t.Helper()
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		events, _, _, err := rowtest.Events(t.Context(), tx, eventLog, where, span)
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
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		err := tx.Savepoint(ctx, func() error {
			require.NoError(t, tx.Append(ctx, eventLog, event(2), nil))
			return errOurs
		})
		require.Equal(t, errOurs, err)
		require.NoError(t, tx.Append(ctx, eventLog, event(3), nil))
		at, err := tx.Last(ctx, eventLog)
		require.EqualValues(t, 1, at)
		require.NoError(t, err)
		for _, desc := range []bool{false, true} {
			events, next, done, err := rowtest.Events(ctx, tx, eventLog, nil, store.LogSpan{Limit: 5, Desc: desc})
			require.NoError(t, err)
			require.Len(t, events, 1)
			require.EqualValues(t, 1, next)
			require.True(t, done)
		}
		return nil
	})
	require.Equal(t, []int64{1, 2}, positions(t, st, nil, store.LogSpan{Limit: 5}))
}

// TestLastNeverMovesBack (E1): neither a rollback nor pruning everything moves it.
func TestLastNeverMovesBack(t *testing.T) {
	st := open(t)
	require.Zero(t, last(t, st))
	appendEvents(t, st, 1, 2, 3)
	require.Equal(t, errOurs, st.Update(t.Context(), func(tx store.Rows) error {
		require.NoError(t, tx.Append(t.Context(), eventLog, event(4), nil))
		return errOurs
	}))
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		n, err := tx.Prune(ctx, eventLog, noon.Add(time.Hour).UnixMicro(), 100)
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
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		for n, age := range []int{5, 4, 1, 3, 2} {
			e := rowtest.With(&eventLog.Table, event(n), map[string]any{"time": noon.Add(-time.Duration(age) * time.Hour).UnixMicro()})
			require.NoError(t, tx.Append(ctx, eventLog, e, [][16]byte{id(7), id(7), id(8)}))
		}
		return nil
	})
	for _, want := range []int{1, 1, 0} { // by the limit, by the limit, by the age of the third
		put(t, st, func(ctx context.Context, tx store.Rows) error {
			n, err := tx.Prune(ctx, eventLog, noon.Add(-2*time.Hour).UnixMicro(), 1)
			require.Equal(t, want, n)
			return err
		})
	}
	require.Equal(t, []int64{3, 4, 5}, positions(t, st, nil, store.LogSpan{Limit: 9}))
	require.Equal(t, []int64{3, 4, 5}, positions(t, st, nil, store.LogSpan{After: 2, Limit: 9}))
	require.Equal(t, []int64{}, append([]int64{}, positions(t, st, nil, store.LogSpan{After: 1, Limit: 9, Desc: true})...))
	err := st.View(t.Context(), func(tx store.Rows) error {
		_, _, _, err := rowtest.Events(t.Context(), tx, eventLog, nil, store.LogSpan{After: 1, Limit: 9})
		return err
	})
	require.ErrorIs(t, err, store.ErrEventsPruned)
	require.Equal(t, []string{"3", "4", "5"}, column(t, st.DB(), `SELECT DISTINCT position || '' FROM tenancy_event_people`))
}

// TestRedact: it finds the person concerned and the people besides, once each.
func TestRedact(t *testing.T) {
	st := open(t)
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		for n := range 4 {
			e := rowtest.With(&eventLog.Table, event(n), map[string]any{"user_id": id(n)})
			require.NoError(t, tx.Append(ctx, eventLog, e, [][16]byte{id(n + 1)}))
		}
		for _, want := range []int{2, 0} {
			n, _, err := tx.Redact(ctx, eventLog, id(2), 0, 10)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		return nil
	})
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		events, _, _, err := rowtest.Events(t.Context(), tx, eventLog, nil, store.LogSpan{Limit: 9})
		for i, e := range events {
			redacted := rowtest.At(&eventLog.Table, e.Row, "redacted").Int != 0
			require.Equal(t, i == 1 || i == 2, redacted)
			require.Equal(t, redacted, rowtest.At(&eventLog.Table, e.Row, "data").Null)
		}
		return err
	}))
}

// TestReadExaminesSoMany: a filter that matches little gives an empty page and a
// place to go on from, along each of the indexes and in both directions.
func TestReadExaminesSoMany(t *testing.T) {
	st := open(t)
	const total = store.MaxExamined + 50
	put(t, st, func(ctx context.Context, tx store.Rows) error {
		for n := range total {
			e := rowtest.With(&eventLog.Table, event(n), map[string]any{"organization_id": id(1), "user_id": id(2)})
			if n == 0 || n == total-1 {
				e = rowtest.With(&eventLog.Table, e, map[string]any{"type": "user.erased"})
			}
			require.NoError(t, tx.Append(ctx, eventLog, e, nil))
		}
		return nil
	})
	is := func(name string, values ...any) store.Cond { return rowtest.OneOf(&eventLog.Table, name, values...) }
	rare := is("type", "user.erased", "user.merged")
	for name, where := range map[string][]store.Cond{
		"position":     {rare},
		"organization": {rare, is("organization_id", id(1))},
		"user":         {rare, is("user_id", id(2)), is("actor", "host")},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
				read := func(span store.LogSpan, found int, next int64, done bool) {
					events, at, end, err := rowtest.Events(t.Context(), tx, eventLog, where, span)
					require.NoError(t, err)
					require.Len(t, events, found)
					require.Equal(t, next, at)
					require.Equal(t, done, end)
				}
				read(store.LogSpan{Limit: 1}, 1, store.MaxExamined, false)
				read(store.LogSpan{After: 1, Limit: 1}, 0, store.MaxExamined+1, false)
				read(store.LogSpan{After: store.MaxExamined, Limit: 1}, 1, total, true)
				read(store.LogSpan{Limit: 5, Desc: true}, 1, total-store.MaxExamined+1, false)
				read(store.LogSpan{After: total - store.MaxExamined + 1, Limit: 5, Desc: true}, 1, 1, true)
				return nil
			}))
		})
	}
}

// TestReadPages: done is told with the last page, and the limit is kept.
func TestReadPages(t *testing.T) {
	st := open(t)
	appendEvents(t, st, 0, 1, 2, 3)
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		for _, c := range []struct {
			where []store.Cond
			span  store.LogSpan
			want  []int64
			next  int64
			done  bool
		}{
			{span: store.LogSpan{Limit: 3}, want: []int64{1, 2, 3}, next: 3},
			{span: store.LogSpan{After: 3, Limit: 3}, want: []int64{4}, next: 4, done: true},
			{span: store.LogSpan{After: 4, Limit: 3}, next: 4, done: true},
			{span: store.LogSpan{Limit: 4}, want: []int64{1, 2, 3, 4}, next: 4, done: true},
			{span: store.LogSpan{Limit: 2, Desc: true}, want: []int64{4, 3}, next: 3},
			{span: store.LogSpan{After: 3, Limit: 2, Desc: true}, want: []int64{2, 1}, next: 1, done: true},
			{
				where: []store.Cond{rowtest.OneOf(&eventLog.Table, "organization_id", id(1))},
				span:  store.LogSpan{Limit: 1}, want: []int64{2}, next: 2,
			},
			{where: []store.Cond{rowtest.Cond(&eventLog.Table, "time", store.Less, noon.UnixMicro())}, span: store.LogSpan{Limit: 1}, done: true},
		} {
			events, next, done, err := rowtest.Events(t.Context(), tx, eventLog, c.where, c.span)
			require.NoError(t, err)
			var at []int64
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
