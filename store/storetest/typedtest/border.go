package typedtest

import (
	"context"
	"reflect"

	"github.com/freehold-dev/freehold/tenancy"
)

// borderRules are about what must not pass between a caller and the store: later
// edits, writes in a view, and anything after the end.
func (s *subject[V, F]) borderRules() []rule {
	return []rule{
		s.rule("values_copied_in", "what a caller does to a value after passing it changes nothing in the store.", s.copiedIn),
		s.rule("values_copied_out", "what a caller does to a value it received changes nothing in the store.", s.copiedOut),
		s.rule("view_refuses_writes", "every write in a view is read_only, and nothing is written.", func(c *check) {
			rows := s.seed(c, 4)
			c.unchanged(func() {
				c.view(func(tx tenancy.Tx) { s.writes(c, c.ctx, tx, rows[1], tenancy.ErrReadOnly) })
			})
		}),
		s.rule("closed_after_end", "a table answers closed after the end of its transaction, however that ended.", s.closedAfterEnd),
		s.rule("statement_canceled", "a statement whose context has ended is canceled and does nothing; the transaction goes on.", func(c *check) {
			rows := s.seed(c, 4)
			ended, cancel := context.WithCancel(c.ctx)
			cancel()
			c.update(func(tx tenancy.Tx) {
				s.writes(c, ended, tx, rows[1], tenancy.ErrCanceled)
				s.reads(c, ended, tx, rows[1], tenancy.ErrCanceled)
				s.insert(c, tx, s.full(20))
			})
			s.keeps(c, "afterwards", append(rows, s.full(20))...)
		}),
	}
}

// writes tries every method that writes and wants each to be refused.
func (s *subject[V, F]) writes(c *check, ctx context.Context, tx tenancy.Tx, old V, want tenancy.Code) {
	table := s.table(tx)
	c.code(table.Insert(ctx, s.full(40)), want, "Insert")
	c.code(table.Update(ctx, s.next(old, old)), want, "Update")
	c.code(table.Touch(ctx, s.id(old), clock(500)), want, "Touch")
	c.code(table.Delete(ctx, s.id(old)), want, "Delete")
	var f F
	s.fields[0].probes([]V{old}, []V{s.full(41)})[1].apply(&f)
	_, err := table.DeleteAll(ctx, f)
	c.code(err, want, "DeleteAll")
}

// reads tries every method that reads and wants each to be refused.
func (s *subject[V, F]) reads(c *check, ctx context.Context, tx tenancy.Tx, v V, want tenancy.Code) {
	var f F
	_, err := s.table(tx).Get(ctx, s.id(v))
	c.code(err, want, "Get")
	_, err = s.table(tx).List(ctx, f, everything)
	c.code(err, want, "List")
	_, err = s.table(tx).Count(ctx, f)
	c.code(err, want, "Count")
}

func (s *subject[V, F]) closedAfterEnd(c *check) {
	rows := s.seed(c, 4)
	all := func(tx tenancy.Tx) {
		s.reads(c, c.ctx, tx, rows[1], tenancy.ErrClosed)
		s.writes(c, c.ctx, tx, rows[1], tenancy.ErrClosed)
	}
	c.unchanged(func() {
		var kept tenancy.Tx
		c.update(func(tx tenancy.Tx) { kept = tx })
		all(kept)
		c.view(func(tx tenancy.Tx) { kept = tx })
		all(kept)
		_ = c.try(func(tx tenancy.Tx) error {
			kept = tx
			return context.Canceled
		})
		all(kept)
	})
}

// scribble writes into every map and every slice of a value.
func scribble(v any) {
	eachSlice(reflect.ValueOf(v).Elem(), func(l reflect.Value) {
		for i := range l.Len() {
			l.Index(i).SetZero()
		}
	})
	eachMap(reflect.ValueOf(v).Elem(), func(m reflect.Value) {
		if !m.IsNil() {
			for _, key := range append(m.MapKeys(), reflect.ValueOf("scribbled")) {
				m.SetMapIndex(key, reflect.Zero(m.Type().Elem()))
			}
		}
	})
}

func (s *subject[V, F]) copiedIn(c *check) {
	v := s.full(1)
	s.prepare(c)
	c.update(func(tx tenancy.Tx) {
		passed := s.full(1)
		s.insert(c, tx, passed)
		scribble(&passed)
		s.holds(c, tx, "after the caller's edit, in the transaction", v)
	})
	changed := s.next(v, s.full(2))
	c.update(func(tx tenancy.Tx) {
		passed := s.next(v, s.full(2))
		c.ok(s.table(tx).Update(c.ctx, passed), "Update")
		scribble(&passed)
	})
	s.keeps(c, "after the caller's edit", s.stored(v, changed))
}

func (s *subject[V, F]) copiedOut(c *check) {
	v := s.full(1)
	s.prepare(c, v)
	edit := func(tx tenancy.Tx) {
		var f F
		got := s.get(c, tx, s.id(v))
		scribble(&got)
		for _, listed := range s.list(c, tx, f, everything) {
			scribble(&listed)
		}
		s.holds(c, tx, "after the caller's edits", v)
	}
	c.view(edit)
	c.update(edit)
	s.keeps(c, "in a later transaction", v)
}
