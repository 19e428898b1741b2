package sqlrows

import (
	"github.com/freehold-dev/freehold/store"
)

// Walk is a read of the log along an index, from a given position. It checks the rest of the filter row by row.
type Walk struct {
	// Width is the number of cells of an event: its position, then its columns.
	Width int
	log   *store.Log
	span  store.LogSpan
	above int64        // positions are greater
	below int64        // and less
	fixed []store.Cond // conditions that the index serves, at most one
	rest  []store.Cond
	index string
	order string
}

// NewWalk plans a walk over the events from the position low on and before high.
func NewWalk(l *store.Log, where []store.Cond, span store.LogSpan, low, high int64) *Walk {
	t := &l.Table
	w := &Walk{log: l, Width: 1 + len(t.Columns), span: span, above: low - 1, below: high, order: " ORDER BY position"}
	switch {
	case !span.Desc:
		w.above = max(w.above, span.After)
	case span.After > 0:
		w.below = min(w.below, span.After)
	}
	if span.Desc {
		w.order += " DESC"
	}
	for i, c := range where {
		if w.fixed == nil && c.Op == store.OneOf && len(c.Values) == 1 && hasIndex(t, c.Column) {
			w.fixed, w.index = where[i:i+1], " INDEXED BY "+IndexName(t, &store.Index{Columns: []int{c.Column}})
		} else {
			w.rest = append(w.rest, c)
		}
	}
	return w
}

// Examines reports whether the walk checks a part of the filter row by row. Fewer events may then come than
// were examined.
func (w *Walk) Examines() bool { return len(w.rest) > 0 }

// Last returns the position of the last event in cells.
func (w *Walk) Last(cells []any) int64 {
	return Number(cells[len(cells)-w.Width])
}

// Each reads events from cells.
func (w *Walk) Each(cells []any, yield func(int64, store.Row) error) error {
	row := make(store.Row, len(w.log.Columns))
	for ; len(cells) > 0; cells = cells[w.Width:] {
		if err := Fill(w.log.Kind, w.log.Columns, row, cells[1:]); err != nil {
			return err
		}
		if err := yield(Number(cells[0]), row); err != nil {
			return err
		}
	}
	return nil
}

func hasIndex(t *store.Table, column int) bool {
	for _, x := range t.Indexes {
		if x.Columns[0] == column {
			return true
		}
	}
	return false
}

// List selects up to limit events, positions first.
func (w *Walk) List(limit int) *Query {
	q := &Query{}
	columns := "position, " + OfLog(w.log).Columns
	if len(w.rest) == 0 {
		w.candidates(q, columns, limit)
		return q
	}
	// The inner query returns only positions, so that it does not carry the documents.
	q.add("SELECT " + columns + " FROM " + w.log.Name + " WHERE position IN (SELECT position FROM (")
	w.candidates(q, "position"+w.restColumns(), store.MaxExamined)
	q.add(")")
	q.where(&w.log.Table, w.rest)
	q.add(w.order+" LIMIT +?)"+w.order, int64(limit))
	return q
}

// Extent counts what List examines, and returns the last position of it.
func (w *Walk) Extent() *Query {
	q := &Query{}
	last := "max"
	if w.span.Desc {
		last = "min"
	}
	q.add("SELECT count(*), " + last + "(position) FROM (")
	w.candidates(q, "position", store.MaxExamined)
	q.add(")")
	return q
}

func (w *Walk) candidates(q *Query, columns string, limit int) {
	q.add("SELECT " + columns + " FROM " + w.log.Name + w.index)
	q.where(&w.log.Table, w.fixed)
	if len(w.fixed) > 0 {
		q.add(" AND ")
	} else {
		q.add(" WHERE ")
	}
	q.add("position > ? AND position < ?"+w.order+" LIMIT +?", w.above, w.below, int64(limit))
}

func (w *Walk) restColumns() string {
	columns := ""
	for _, c := range w.rest {
		columns += ", " + w.log.Columns[c.Column].Name
	}
	return columns
}
