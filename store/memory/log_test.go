package memory

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
)

func appendEvents(t *testing.T, s *Store, n int, make func(i int) store.Row, people ...[16]byte) {
	write(t, s, func(tx store.Rows) error {
		for i := range n {
			if err := tx.Append(t.Context(), eventLog, make(i), people); err != nil {
				return err
			}
		}
		return nil
	})
}

// E1: a read examines a bounded number of rows, and says where to go on.
func TestReadsAreBounded(t *testing.T) {
	s := New()
	here := [16]byte{1}
	appendEvents(t, s, store.MaxExamined+10, func(i int) store.Row {
		if i > store.MaxExamined {
			return eventRow(map[string]any{"subject": "y", "organization_id": here})
		}
		return eventRow(map[string]any{"subject": "x", "organization_id": [16]byte{2}})
	})
	require.NoError(t, s.View(t.Context(), func(tx store.Rows) error {
		read := func(where store.Cond, span store.LogSpan) ([]rowtest.Event, int64, bool) {
			list, next, done, err := rowtest.Events(t.Context(), tx, eventLog, []store.Cond{where}, span)
			require.NoError(t, err)
			return list, next, done
		}
		last := rowtest.OneOf(&eventLog.Table, "subject", "y")
		list, next, done := read(last, store.LogSpan{Limit: 5})
		require.Empty(t, list)
		require.False(t, done)
		require.EqualValues(t, store.MaxExamined, next)
		list, next, done = read(last, store.LogSpan{Limit: 50, After: next})
		require.Len(t, list, 9)
		require.True(t, done)
		require.EqualValues(t, store.MaxExamined+10, next)

		list, next, done = read(rowtest.OneOf(&eventLog.Table, "organization_id", here), store.LogSpan{Limit: 4})
		require.Len(t, list, 4) // by the index: nothing else was examined
		require.False(t, done)
		require.EqualValues(t, store.MaxExamined+5, next)

		list, next, done = read(last, store.LogSpan{Limit: 9, Desc: true})
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
	one := func(int) store.Row { return eventRow(map[string]any{"subject": "committed"}) }
	appendEvents(t, s, 1, one)
	seen := func(ctx context.Context, tx store.Rows) {
		list, next, done, err := rowtest.Events(ctx, tx, eventLog, nil, store.LogSpan{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.EqualValues(t, 1, next)
		require.True(t, done)
		last, err := tx.Last(ctx, eventLog)
		require.NoError(t, err)
		require.EqualValues(t, 1, last)
	}
	require.ErrorIs(t, s.Update(t.Context(), func(tx store.Rows) error {
		require.NoError(t, tx.Append(t.Context(), eventLog, eventRow(map[string]any{"subject": "undone"}), nil))
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
	ada, bob := [16]byte{1}, [16]byte{2}
	add := func(tx store.Rows, of [16]byte, people ...[16]byte) error {
		return tx.Append(t.Context(), eventLog, eventRow(map[string]any{"user_id": of, "data": `{"a":1}`, "previous": `{}`}), people)
	}
	write(t, s, func(tx store.Rows) error {
		require.NoError(t, add(tx, ada, ada, ada))
		require.NoError(t, add(tx, bob, ada))
		require.NoError(t, add(tx, bob))
		n, _, err := tx.Redact(t.Context(), eventLog, ada, 0, 10)
		require.Equal(t, 2, n)
		return err
	})
	require.NoError(t, s.View(t.Context(), func(tx store.Rows) error {
		list, _, _, err := rowtest.Events(t.Context(), tx, eventLog, nil, store.LogSpan{Limit: 10})
		require.Len(t, list, 3)
		for i, e := range list {
			require.Equal(t, i < 2, eventAt(e, "redacted").Int != 0)
			require.Equal(t, i < 2, eventAt(e, "data").Null && eventAt(e, "previous").Null)
		}
		return err
	}))
	write(t, s, func(tx store.Rows) error {
		n, _, err := tx.Redact(t.Context(), eventLog, ada, 0, 10)
		require.Zero(t, n) // nothing left to change
		return err
	})
}

// E1: pruning sets a floor, and the last position stays.
func TestPruneKeepsAFloor(t *testing.T) {
	s := New()
	begin := time.Unix(1000, 0)
	appendEvents(t, s, 5, func(i int) store.Row {
		return eventRow(map[string]any{"time": begin.Add(time.Duration(i) * time.Second).UnixMicro()})
	}, [16]byte{9})
	write(t, s, func(tx store.Rows) error {
		n, err := tx.Prune(t.Context(), eventLog, begin.Add(3*time.Second).UnixMicro(), 2)
		require.Equal(t, 2, n)
		return err
	})
	require.NoError(t, s.View(t.Context(), func(tx store.Rows) error {
		for after, code := range []store.Code{0: "", 1: store.ErrEventsPruned, 2: "", 3: ""} {
			_, _, _, err := rowtest.Events(t.Context(), tx, eventLog, nil, store.LogSpan{After: int64(after), Limit: 1})
			require.Equal(t, code, store.CodeOf(err), "after %d", after)
		}
		return nil
	}))
	write(t, s, func(tx store.Rows) error {
		n, err := tx.Prune(t.Context(), eventLog, begin.Add(time.Hour).UnixMicro(), 100)
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
		if known.source == &eventLog.Table {
			return s.current.Load().table(i, *s.schemas.Load())
		}
	}
	return nil
}

// U7: who is redacted is on no list of an event any more, and the others are.
func TestRedactForgetsPeople(t *testing.T) {
	s := New()
	ada, bob := [16]byte{1}, [16]byte{2}
	appendEvents(t, s, 3, func(int) store.Row { return eventRow(map[string]any{"subject": "x"}) }, ada, bob)
	for _, person := range [][16]byte{ada, ada, bob} {
		write(t, s, func(tx store.Rows) error {
			_, _, err := tx.Redact(t.Context(), eventLog, person, 0, 10)
			return err
		})
		require.NoError(t, s.View(t.Context(), func(rows store.Rows) error {
			under, ok := store.Underlying(rows)
			require.True(t, ok)
			x := under.(*tx)
			place := x.logPlace(eventLog)
			log := x.table(place)
			row := make(store.Row, len(log.columns))
			events, err := x.all(t.Context(), log, nil)
			require.NoError(t, err)
			require.Len(t, events, 3)
			for _, e := range events {
				log.decode(log.at(e), row)
				require.NotContains(t, row[len(row)-1].Text, string(person[:]))
				require.Equal(t, person == ada, row[len(row)-1].Text == string(bob[:]))
				_, listed := x.find(x.table(place+1), store.Value{ID: person}, row[0])
				require.False(t, listed)
			}
			return nil
		}))
	}
}
