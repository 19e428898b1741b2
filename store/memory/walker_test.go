package memory

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// compare holds a list, a count and a get against the model.
func (w *walker) compare(t *store.Table) {
	where, r := w.where(t), w.span(t)
	if t.Columns[r.Sort].Null {
		where = append(where, store.Cond{Column: r.Sort, Op: store.NotNull})
	}
	require.Equal(w, show(w.model.list(t, where, r)...), show(w.list(t, where, r)...), "%s where %v, %+v", t.Name, where, r)

	n, err := w.rows.Count(w.ctx, t, where)
	w.same(nil, err)
	require.Len(w, w.model.list(t, where, store.Range{Limit: math.MaxInt}), n)

	id, row := w.value(t.Columns[0]).ID, make(store.Row, len(t.Columns))
	err = w.rows.Get(w.ctx, t, id, row)
	if want, there := w.model.rows[t][id]; there {
		w.same(nil, err)
		require.Equal(w, show(want), show(row))
	} else {
		w.same(t.NotFound(id), err)
	}
}

func (w *walker) list(t *store.Table, where []store.Cond, r store.Range) (list []store.Row) {
	w.same(nil, w.rows.List(w.ctx, t, where, r, func(row store.Row) error {
		list = append(list, slices.Clone(row))
		return nil
	}))
	return list
}

// show makes rows readable where they differ.
func show(rows ...store.Row) string {
	var b strings.Builder
	for _, row := range rows {
		for _, v := range row {
			switch {
			case v.Null:
				b.WriteString("null ")
			case v.ID != [16]byte{}:
				fmt.Fprintf(&b, "#%x.%x ", v.ID[0], v.ID[15])
			default:
				fmt.Fprintf(&b, "%d/%q ", v.Int, v.Text)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (w *walker) compareLog() {
	t := &eventLog.Table
	span := store.LogSpan{
		After: int64(rapid.IntRange(0, 9).Draw(w.T, "after")),
		Limit: rapid.IntRange(1, 4).Draw(w.T, "limit"),
		Desc:  rapid.Bool().Draw(w.T, "desc"),
	}
	where := w.where(t)
	var got []modelEvent
	next, done, err := w.rows.Events(w.ctx, eventLog, where, span, func(at int64, row store.Row) error {
		got = append(got, modelEvent{at: at, row: slices.Clone(row)})
		return nil
	})
	if !span.Desc && 0 < span.After && span.After < w.model.floor {
		require.ErrorIs(w, err, store.ErrEventsPruned)
		return
	}
	w.same(nil, err)
	want := w.model.read(t, where, span)
	require.Len(w, got, len(want))
	for i := range want {
		require.Equal(w, want[i].at, got[i].at)
		require.Equal(w, show(want[i].row), show(got[i].row))
	}
	if len(got) < span.Limit {
		require.True(w, done)
	}
	if span.After = next; done && next > 0 {
		require.Empty(w, w.model.read(t, where, span))
	}
}

// compareAll holds every row, and a few random questions, against the model.
func (w *walker) compareAll() {
	for _, t := range tenancy.Tables() {
		r := store.Range{Limit: math.MaxInt}
		require.Equal(w, show(w.model.list(t, nil, r)...), show(w.list(t, nil, r)...), t.Name)
		w.compare(t)
	}
	w.compareLog()
	last, err := w.rows.Last(w.ctx, eventLog)
	w.same(nil, err)
	require.Equal(w, w.model.last, last)
}
