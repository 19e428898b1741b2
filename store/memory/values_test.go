package memory

import (
	"strings"

	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/store"
)

// row makes a row of a few values, so that rows meet in keys and conditions.
func (w *walker) row(t *store.Table) store.Row {
	row := make(store.Row, len(t.Columns))
	for i, c := range t.Columns {
		row[i] = w.value(c)
		if c.Null && rapid.IntRange(0, 2).Draw(w.T, "null") == 0 {
			row[i] = store.Value{Null: true}
		}
	}
	return row
}

var texts = []string{"", "a", "ab", "abc", "b", "\xc3\xa9", "\xff", strings.Repeat("long", 90)}

func (w *walker) value(c store.Column) (v store.Value) {
	switch c.Type {
	case store.ID:
		v.ID[0] = byte(rapid.IntRange(0, 2).Draw(w.T, "high"))
		v.ID[15] = byte(rapid.IntRange(0, 3).Draw(w.T, "low"))
	case store.Int, store.Time:
		v.Int = rapid.Int64Range(-1, 3).Draw(w.T, "int")
	case store.Bool:
		v.Int = rapid.Int64Range(0, 1).Draw(w.T, "bool")
	default:
		v.Text = rapid.SampledFrom(texts).Draw(w.T, "text")
	}
	return v
}

// where makes up to three conditions, on any columns.
func (w *walker) where(t *store.Table) (where []store.Cond) {
	for range rapid.IntRange(0, 3).Draw(w.T, "conditions") {
		column := rapid.IntRange(0, len(t.Columns)-1).Draw(w.T, "column")
		c := t.Columns[column]
		cond := store.Cond{Column: column, Op: store.OneOf, Values: []store.Value{w.value(c)}}
		switch op := store.Op(rapid.IntRange(0, 9).Draw(w.T, "op")); {
		case c.Type == store.JSON:
			continue
		case op == store.IsNull || op == store.NotNull:
			cond.Op, cond.Values = op, nil
		case op == store.Prefix && c.Type == store.Text, op == store.Less, op == store.AtLeast:
			cond.Op = op
		default:
			if op == store.NoneOf {
				cond.Op = op
			}
			for range rapid.IntRange(0, 3).Draw(w.T, "values") {
				cond.Values = append(cond.Values, w.value(c))
			}
		}
		where = append(where, cond)
	}
	return where
}

func (w *walker) span(t *store.Table) store.Range {
	r := store.Range{Limit: rapid.IntRange(1, 5).Draw(w.T, "limit"), Desc: rapid.Bool().Draw(w.T, "desc")}
	for _, column := range t.Orders {
		if rapid.Bool().Draw(w.T, "order") {
			r.Sort = column
		}
	}
	if rapid.Bool().Draw(w.T, "after") {
		r.After = &store.Place{Sort: w.value(t.Columns[r.Sort]), ID: w.value(t.Columns[0]).ID}
	}
	return r
}
