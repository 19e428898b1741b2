package sqlite

import (
	"context"
	"math"
	"strconv"

	"github.com/freehold-dev/freehold/store"
)

// Events runs along one index: that of the organization or of the user where the
// filter fixes one, the positions else. It asks for one row more than the limit, to
// know whether there is more.
func (r *rows) Events(ctx context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (int64, bool, error) {
	base, err := r.committed(ctx, l)
	if err == nil && !span.Desc {
		err = r.aboveFloor(ctx, l, span.After)
	}
	if err != nil {
		return 0, false, err
	}
	limit := min(span.Limit, store.MaxExamined-1)
	w := newWalk(l, where, span, base)
	next, done := span.After, true
	err = r.gather(ctx, w.list(limit+1), w.width, func(cells []any) (err error) {
		switch {
		case len(cells) > limit*w.width:
			cells, done = cells[:limit*w.width], false
			next = w.last(cells)
		case len(w.rest) > 0:
			next, done, err = r.examined(ctx, w)
		case len(cells) > 0:
			next = w.last(cells)
		}
		if err != nil {
			return err
		}
		return w.each(cells, yield)
	})
	return next, done, err
}

// aboveFloor refuses to go on from a place whose next events have been pruned. To
// begin at the start, wherever that is by now, is no such place.
func (r *rows) aboveFloor(ctx context.Context, l *store.Log, after int64) error {
	if after == 0 {
		return nil
	}
	cells, err := r.one(ctx, logStatementsOf(l).floor, 1)
	if err != nil {
		return err
	}
	if cells != nil && int64(after) < number(cells[0]) {
		return &store.Error{Code: store.ErrEventsPruned, Key: strconv.FormatInt(int64(after), 10)}
	}
	return nil
}

// examined says how far a walk came that found less than it was to.
func (r *rows) examined(ctx context.Context, w *walk) (next int64, done bool, err error) {
	next = w.span.After
	q := w.extent()
	err = r.read(ctx, q.String(), q.args, 2, func(cells []any) (bool, error) {
		n := number(cells[0])
		done = n < store.MaxExamined
		if n > 0 {
			next = int64(number(cells[1]))
		}
		return false, nil
	})
	return next, done, err
}

// walk is a read of the log: along an index, from a place, examining the rest of the
// filter row by row.
type walk struct {
	log   *store.Log
	width int // of an event: its position, then its columns
	span  store.LogSpan
	base  int64
	fixed []store.Cond // what the index serves, at most one
	rest  []store.Cond
	index string
	order string
}

func newWalk(l *store.Log, where []store.Cond, span store.LogSpan, base int64) *walk {
	t := &l.Table
	w := &walk{log: l, width: 1 + len(t.Columns), span: span, base: base, order: " ORDER BY position"}
	if span.Desc {
		w.order += " DESC"
	}
	for i, c := range where {
		if w.fixed == nil && c.Op == store.OneOf && len(c.Values) == 1 && hasIndex(t, c.Column) {
			w.fixed, w.index = where[i:i+1], " INDEXED BY "+indexName(t, []int{c.Column})
		} else {
			w.rest = append(w.rest, c)
		}
	}
	return w
}

// last is the position of the last event in cells.
func (w *walk) last(cells []any) int64 {
	return int64(number(cells[len(cells)-w.width]))
}

func (w *walk) each(cells []any, yield func(int64, store.Row) error) error {
	row := make(store.Row, len(w.log.Columns))
	for ; len(cells) > 0; cells = cells[w.width:] {
		if err := fill(w.log.Kind, w.log.Columns, row, cells[1:]); err != nil {
			return err
		}
		if err := yield(int64(number(cells[0])), row); err != nil {
			return err
		}
	}
	return nil
}

func hasIndex(t *store.Table, column int) bool {
	for _, columns := range t.Indexes {
		if columns[0] == column {
			return true
		}
	}
	return false
}

// list selects up to limit events, positions first.
func (w *walk) list(limit int) *query {
	q := &query{}
	columns := "position, " + logStatementsOf(w.log).columns
	if len(w.rest) == 0 {
		w.candidates(q, columns, limit)
		return q
	}
	// Only positions come out of the examination: it should not carry the documents.
	q.add("SELECT " + columns + " FROM " + w.log.Name + " WHERE position IN (SELECT position FROM (")
	w.candidates(q, "position"+w.restColumns(), store.MaxExamined)
	q.add(")")
	q.where(&w.log.Table, w.rest)
	q.add(w.order+" LIMIT +?)"+w.order, int64(limit))
	return q
}

// extent counts what list examines, and gives the last of it.
func (w *walk) extent() *query {
	q := &query{}
	last := "max"
	if w.span.Desc {
		last = "min"
	}
	q.add("SELECT count(*), " + last + "(position) FROM (")
	w.candidates(q, "position", store.MaxExamined)
	q.add(")")
	return q
}

func (w *walk) candidates(q *query, columns string, limit int) {
	above, below := int64(w.span.After), int64(math.MaxInt64)
	if w.span.Desc {
		above = 0
		if w.span.After > 0 {
			below = int64(w.span.After)
		}
	}
	q.add("SELECT " + columns + " FROM " + w.log.Name + w.index)
	q.where(&w.log.Table, w.fixed)
	if len(w.fixed) > 0 {
		q.add(" AND ")
	} else {
		q.add(" WHERE ")
	}
	q.add("position > ? AND position < ? AND position <= ?"+w.order+" LIMIT +?", above, below, w.base, int64(limit))
}

func (w *walk) restColumns() string {
	columns := ""
	for _, c := range w.rest {
		columns += ", " + w.log.Columns[c.Column].Name
	}
	return columns
}
