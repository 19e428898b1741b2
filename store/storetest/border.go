package storetest

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// borderRules check the border between a caller and the store: later edits of rows, writes in a view, and calls
// after the end.
func (s *subject) borderRules() []rule {
	return []rule{
		s.rule("row_passed_is_the_callers", "what a caller does to a row after passing it changes nothing in the store.", s.copiedIn),
		s.rule("row_yielded_keeps_its_texts", "the texts of rows that Get and List gave stay as they are, whatever follows.", s.textsStay),
		s.rule("yield_writes", "yield may write, which does not change what its List gives.", s.yieldWrites),
		s.rule("yield_fails", "an error or panic of yield ends the list and is passed on; the transaction goes on.", s.yieldFails),
		s.rule("view_refuses_writes", "every write in a view is read_only, and nothing is written.", func(c *check) {
			rows := s.seed(c, 4)
			c.view(func(tx store.Rows) { s.writes(c, c.ctx, tx, rows[1], store.ErrReadOnly) })
			s.keeps(c, "afterwards", rows...)
		}),
		s.rule("closed_after_end", "a table answers closed after the end of its transaction, however that ended.", s.closedAfterEnd),
		s.rule("statement_canceled", "a statement whose context has ended is canceled and does nothing; the transaction goes on.", func(c *check) {
			rows := s.seed(c, 4)
			ended, cancel := context.WithCancel(c.ctx)
			cancel()
			c.update(func(tx store.Rows) {
				s.writes(c, ended, tx, rows[1], store.ErrCanceled)
				s.reads(c, ended, tx, rows[1], store.ErrCanceled)
				s.insert(c, tx, s.full(20))
			})
			s.keeps(c, "afterwards", append(rows, s.full(20))...)
		}),
	}
}

// writes tries every method that writes, and checks that each is refused.
func (s *subject) writes(c *check, ctx context.Context, tx store.Rows, old store.Row, want store.Code) {
	c.code(tx.Insert(ctx, s.table, s.full(40)), want, "Insert")
	c.code(tx.Update(ctx, s.table, s.next(old, old)), want, "Update")
	c.code(tx.Touch(ctx, s.table, old[0].ID, clock(500)), want, "Touch")
	c.code(tx.Delete(ctx, s.table, old[0].ID), want, "Delete")
	for _, where := range [][]store.Cond{{byID(old)}, {one(0)}, nil} {
		_, err := tx.DeleteAll(ctx, s.table, where)
		c.code(err, want, "DeleteAll")
		_, err = tx.UpdateAll(ctx, s.table, where, s.sets(s.full(40)))
		c.code(err, want, "UpdateAll")
	}
}

// reads tries every method that reads, and checks that each is refused.
func (s *subject) reads(c *check, ctx context.Context, tx store.Rows, row store.Row, want store.Code) {
	c.code(tx.Get(ctx, s.table, row[0].ID, make(store.Row, len(row))), want, "Get")
	never := func(store.Row) error {
		c.failf("a refused List gives a row")
		return nil
	}
	for _, where := range [][]store.Cond{nil, {one(0)}} {
		c.code(tx.List(ctx, s.table, where, everything, never), want, "List")
		c.code(tx.List(ctx, s.table, where, store.Range{Sort: 1}, never), want, "List of a bad range")
		_, err := tx.Count(ctx, s.table, where)
		c.code(err, want, "Count")
		_, err = store.CountTo(ctx, tx, s.table, where, 1)
		c.code(err, want, "CountTo")
	}
}

func (s *subject) closedAfterEnd(c *check) {
	rows := s.seed(c, 4)
	ended, cancel := context.WithCancel(c.ctx)
	cancel()
	all := func(tx store.Rows) {
		for _, ctx := range []context.Context{c.ctx, ended} {
			s.reads(c, ctx, tx, rows[1], store.ErrClosed)
			s.writes(c, ctx, tx, rows[1], store.ErrClosed)
		}
	}
	var kept store.Rows
	c.update(func(tx store.Rows) { kept = tx })
	all(kept)
	c.view(func(tx store.Rows) { kept = tx })
	all(kept)
	_ = c.try(func(tx store.Rows) error {
		kept = tx
		return context.Canceled
	})
	all(kept)
	s.keeps(c, "afterwards", rows...)
}

func (s *subject) copiedIn(c *check) {
	row := s.full(1)
	s.prepare(c)
	c.update(func(tx store.Rows) {
		passed := slices.Clone(row)
		c.ok(tx.Insert(c.ctx, s.table, passed), "Insert")
		spoil(passed)
		s.holds(c, tx, "after the caller's edit, in the transaction", row)
	})
	s.keeps(c, "after the caller's edit", row)
	changed := s.next(row, s.full(2))
	c.update(func(tx store.Rows) {
		passed := slices.Clone(changed)
		c.ok(tx.Update(c.ctx, s.table, passed), "Update")
		spoil(passed)
		s.holds(c, tx, "after the caller's edit, in the transaction", s.stored(row, changed))
	})
	s.keeps(c, "after the caller's edit", s.stored(row, changed))
}

func (s *subject) textsStay(c *check) {
	rows := s.seed(c, 4)
	read := func(tx store.Rows) {
		listed := s.list(c, tx, nil, everything)
		var got, told []store.Row
		for _, row := range rows {
			got = append(got, s.get(c, tx, row[0].ID))
		}
		for _, row := range slices.Concat(listed, got) {
			row = slices.Clone(row)
			for i := range row {
				row[i].Text = strings.Clone(row[i].Text)
			}
			told = append(told, row)
		}
		for _, desc := range []bool{true, false} {
			s.list(c, tx, nil, store.Range{Limit: 10, Desc: desc})
		}
		s.get(c, tx, rows[3][0].ID)
		c.equal(slices.Concat(listed, got), told, "rows that were read before")
		s.holds(c, tx, "after the caller's edits", rows...)
	}
	c.view(read)
	c.update(read)
}

func (s *subject) yieldWrites(c *check) {
	rows := s.ordered(s.seed(c, 6), 0, false)
	var changed, listed []store.Row
	c.update(func(tx store.Rows) {
		changed, listed = nil, nil
		c.ok(tx.List(c.ctx, s.table, nil, everything, func(row store.Row) error {
			n := len(listed)
			listed = append(listed, slices.Clone(row))
			s.insert(c, tx, s.full(20+n))
			if n == 0 {
				s.remove(c, tx, rows[1:3]...)
				changed = append(changed, s.next(rows[4], s.full(30)))
				s.update(c, tx, changed[0])
			}
			c.equal(s.count(c, tx), 4+n+1, "Count within the List")
			return nil
		}), "List")
	})
	c.equal(listed, rows, "what List gives")
	want := []store.Row{rows[0], rows[3], s.stored(rows[4], changed[0]), rows[5]}
	for n := range rows {
		want = append(want, s.full(20+n))
	}
	s.keeps(c, "afterwards", want...)
}

func (s *subject) yieldFails(c *check) {
	rows := s.seed(c, 3)
	try := func(tx store.Rows) {
		given := 0
		c.same(tx.List(c.ctx, s.table, nil, everything, func(store.Row) error {
			given++
			return errOurs
		}), errOurs, "List")
		c.equal(given, 1, "how many rows were given")
		c.panics(func() { _ = tx.List(c.ctx, s.table, nil, everything, func(store.Row) error { panic(errOurs) }) })
		s.holds(c, tx, "afterwards", rows...)
	}
	c.view(try)
	c.update(try)
}

// referenceRules are about rows that others refer to. A backend need not check references.
func (s *subject) referenceRules() []rule {
	if len(s.cycle) == 0 {
		return nil
	}
	return []rule{
		s.rule("reference_missing", "a row whose parent is not there is not_found of the parent, or goes in.", s.referenceMissing),
		s.rule("reference_held", "a row that another one needs is referenced, or goes; a refusal changes nothing.", s.referenceHeld),
	}
}

func (s *subject) referenceMissing(c *check) {
	rows := s.seed(c, 4)
	for i, column := range s.columns() {
		if s.cycle[i] == 0 {
			continue
		}
		missing := func(n int) error { return column.References.NotFound(newID(mentioned + n)) }
		orphan := func(n int) store.Row {
			return s.edit(s.full(n), func(row store.Row) { row[i].ID = newID(mentioned + n) })
		}
		err := c.try(func(tx store.Rows) error {
			want := slices.Clone(rows)
			if err := s.put(c, tx, orphan(20)); err != nil {
				c.refused(err, "Insert of a row whose "+column.Name+" is not there", missing(20))
			} else {
				want = append(want, orphan(20))
			}
			if err := s.replace(c, tx, s.next(rows[1], orphan(21))); err != nil {
				c.refused(err, "Update to a "+column.Name+" that is not there", missing(21))
			} else {
				want[1] = s.stored(rows[1], s.next(rows[1], orphan(21)))
			}
			s.holds(c, tx, "in the transaction", want...)
			return errOurs
		})
		c.same(err, errOurs, "Update")
	}
	s.keeps(c, "afterwards", rows...)
}

func (s *subject) referenceHeld(c *check) {
	row := s.full(1)
	s.prepare(c, row)
	for i, column := range s.columns() {
		if s.cycle[i] == 0 {
			continue
		}
		held := &store.Error{Code: store.ErrReferenced, Kind: column.References.Kind}
		parent := s.parentOf(column.References)
		before := 0
		err := c.try(func(tx store.Rows) error {
			before = parent.count(c, tx)
			if err := tx.Delete(c.ctx, parent.table, row[i].ID); err != nil {
				held.Key = parent.table.NotFound(row[i].ID).(*store.Error).Key
				c.refused(err, "Delete of a row that is needed", held)
				c.equal(parent.count(c, tx), before, "rows after a refusal")
			}
			s.get(c, tx, row[0].ID)
			return errOurs
		})
		c.same(err, errOurs, "Update")
		c.view(func(tx store.Rows) { c.equal(parent.count(c, tx), before, "rows in the end") })
	}
	s.keeps(c, "in the end", row)
}

func (s *subject) parentOf(table *store.Table) *subject {
	at := slices.IndexFunc(s.parents, func(f family) bool { return f.of.table == table })
	return s.parents[at].of
}
