package memory

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Random statements on every table of tenancy, in transactions and
// savepoints that end in all the ways there are, do what the model does.
func TestRandomStatementsAgreeWithTheModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := New()
		m := newModel()
		for range rapid.IntRange(1, 6).Draw(rt, "transactions") {
			w := &walker{T: rt, ctx: t.Context(), model: m.clone()}
			err, panicked := caught(func() error {
				return s.Update(t.Context(), func(tx store.Rows) error {
					w.rows = underlying(rt, tx)
					w.statements(25)
					return w.end()
				})
			})
			if err == nil && !panicked {
				m = w.model
				m.base = m.last
			}
			require.NoError(rt, s.View(t.Context(), func(tx store.Rows) error {
				w := &walker{T: rt, ctx: t.Context(), rows: underlying(rt, tx), model: m}
				w.compareAll()
				return nil
			}))
		}
	})
}

var errUndo = errors.New("undo")

// caught runs fn, and says whether it panicked as end does.
func caught(fn func() error) (err error, panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != any(errUndo) {
				panic(p)
			}
			panicked = true
		}
	}()
	return fn(), false
}

func underlying(t require.TestingT, tx store.Rows) store.Rows {
	rows, ok := store.Underlying(tx)
	require.True(t, ok)
	return rows
}

// walker does the same things to a transaction and to a model.
type walker struct {
	*rapid.T
	ctx   context.Context
	rows  store.Rows
	model *model
	depth int
}

func (w *walker) statements(most int) {
	for range rapid.IntRange(0, most).Draw(w.T, "statements") {
		tables := tenancy.Tables()
		t := tables[rapid.IntRange(0, len(tables)-1).Draw(w.T, "table")]
		switch rapid.IntRange(0, 13).Draw(w.T, "statement") {
		case 0, 1, 2, 3:
			row := w.row(t)
			w.same(w.model.insert(t, row), w.rows.Insert(w.ctx, t, row))
		case 4, 5:
			row := w.row(t)
			if old, there := w.model.rows[t][row[0].ID]; there && rapid.Bool().Draw(w.T, "fresh") {
				row[1].Int = old[1].Int + 1
			}
			w.same(w.model.update(t, row), w.rows.Update(w.ctx, t, row))
		case 6:
			if id := w.value(t.Columns[0]).ID; t.Touch != 0 {
				w.model.touch(t, id, 7)
				w.same(nil, w.rows.Touch(w.ctx, t, id, 7))
			}
		case 7:
			id := w.value(t.Columns[0]).ID
			w.same(w.model.delete(t, id), w.rows.Delete(w.ctx, t, id))
		case 8:
			if where := w.where(t); len(where) > 1 {
				n, err := w.rows.DeleteAll(w.ctx, t, where)
				w.same(nil, err)
				require.Equal(w, w.model.deleteAll(t, where), n)
			}
		case 9:
			if where := w.where(t); len(where) > 0 {
				i := rapid.IntRange(0, len(t.Columns)-1).Draw(w.T, "set")
				if i < 2 || i == t.Touch || t.Columns[i].References != nil || slices.ContainsFunc(t.Unique, func(key store.Key) bool { return slices.Contains(key.Columns, i) }) {
					continue
				}
				set := store.Set{Column: i, Value: w.value(t.Columns[i])}
				n, err := w.rows.UpdateAll(w.ctx, t, where, []store.Set{set})
				w.same(nil, err)
				require.Equal(w, w.model.updateAll(t, where, set), n)
			}
		case 10:
			w.compare(t)
		case 11:
			w.log()
		default:
			w.savepoint()
		}
	}
}

func (w *walker) savepoint() {
	if w.depth == 3 {
		return
	}
	before := w.model.clone()
	w.depth++
	err, panicked := caught(func() error {
		return w.rows.Savepoint(w.ctx, func() error {
			w.statements(8)
			return w.end()
		})
	})
	w.depth--
	if err != nil || panicked {
		w.model = before
	}
}

// end ends a transaction or savepoint in one of three ways.
func (w *walker) end() error {
	switch rapid.IntRange(0, 4).Draw(w.T, "end") {
	case 0:
		return errUndo
	case 1:
		panic(errUndo)
	default:
		return nil
	}
}

func (w *walker) log() {
	t := &eventLog.Table
	person := w.value(t.Columns[t.Index("user_id")]).ID
	switch rapid.IntRange(0, 6).Draw(w.T, "log") {
	case 0:
		before := rapid.Int64Range(-2, 5).Draw(w.T, "before")
		limit := rapid.IntRange(1, 3).Draw(w.T, "limit")
		n, err := w.rows.Prune(w.ctx, eventLog, before, limit)
		w.same(nil, err)
		require.Equal(w, w.model.prune(t, before, limit), n)
	case 1:
		after := rapid.Int64Range(0, 5).Draw(w.T, "after")
		limit := rapid.IntRange(1, 3).Draw(w.T, "limit")
		n, next, err := w.rows.Redact(w.ctx, eventLog, person, after, limit)
		w.same(nil, err)
		wantN, wantNext := w.model.redact(t, person, after, limit)
		require.Equal(w, wantN, n)
		require.Equal(w, wantNext, next)
	case 2:
		w.compareLog()
	default:
		row := w.row(t)
		row[t.Index("redacted")].Int = 0
		people := [][16]byte{person, w.value(t.Columns[t.Index("user_id")]).ID, person}
		people = people[:rapid.IntRange(0, 3).Draw(w.T, "people")]
		w.model.append(row, people)
		w.same(nil, w.rows.Append(w.ctx, eventLog, row, people))
	}
}

func (w *walker) same(want, got error) {
	if want == nil {
		require.NoError(w, got)
		return
	}
	require.Equal(w, want, got)
}
