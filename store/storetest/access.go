package storetest

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// accessRules check that the parts of a transaction other than its tables refuse calls where they must: in a
// view and after the end.
func (s *suite) accessRules() []rule {
	return []rule{
		{name: "view/refuses_log_writes", why: "Append, Prune, Redact, Lock and Savepoint are read_only in a view, and nothing is written.", run: func(c *check) {
			s.writeAll(c)
			s.unchanged(c, func() {
				c.view(func(tx store.Rows) { s.writesBesides(c, c.ctx, tx, store.ErrReadOnly) })
			})
		}},
		{name: "view/refusal_passed_on", why: "a refused write that fn returns comes out of View as read_only.", run: func(c *check) {
			s.unchanged(c, func() {
				err := c.store.View(c.ctx, func(tx store.Rows) error { return s.add(c, tx, 1) })
				c.code(err, store.ErrReadOnly, "View")
			})
		}},
		{name: "tx/closed_after_end", why: "log, Lock and Savepoint answer closed after the end of their transaction.", run: s.txClosedAfterEnd},
		{name: "tx/statement_canceled", why: "log, Lock and Savepoint are canceled when their context has ended, and do nothing.", run: s.txStatementCanceled},
	}
}

func (s *suite) txClosedAfterEnd(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		var kept store.Rows
		refuses := func() {
			s.readsBesides(c, c.ctx, kept, store.ErrClosed)
			s.writesBesides(c, c.ctx, kept, store.ErrClosed)
			if _, ok := store.Underlying(kept); ok {
				c.failf("Underlying gives rows after the end of their transaction")
			}
		}
		c.update(func(tx store.Rows) { kept = tx })
		refuses()
		c.view(func(tx store.Rows) { kept = tx })
		refuses()
		c.panics(func() {
			_ = c.try(func(tx store.Rows) error {
				kept = tx
				panic(errOurs)
			})
		})
		refuses()
	})
}

func (s *suite) txStatementCanceled(c *check) {
	s.writeAll(c)
	ended, cancel := context.WithCancel(c.ctx)
	cancel()
	s.unchanged(c, func() {
		c.update(func(tx store.Rows) {
			s.readsBesides(c, ended, tx, store.ErrCanceled)
			s.writesBesides(c, ended, tx, store.ErrCanceled)
		})
	})
	s.writeMore(c)
}

// writesBesides tries every write that is not to a table, and checks that it is refused.
func (s *suite) writesBesides(c *check, ctx context.Context, tx store.Rows, want store.Code) {
	for _, l := range s.logs {
		c.code(tx.Append(ctx, l.log, l.event(9), nil), want, "Append")
		for _, limit := range []int{10, 0} {
			_, err := tx.Prune(ctx, l.log, clock(100_000), limit)
			c.code(err, want, "Prune")
		}
		for _, limit := range []int{10, 0} {
			_, _, err := tx.Redact(ctx, l.log, l.person(l.event(1)), 0, limit)
			c.code(err, want, "Redact")
		}
	}
	c.code(tx.Lock(ctx, lockKey("a")), want, "Lock")
	ran := false
	c.code(tx.Savepoint(ctx, func() error {
		ran = true
		return nil
	}), want, "Savepoint")
	c.equal(ran, false, "whether the refused Savepoint ran its fn")
}

// readsBesides tries every read that is not of a table, and checks that it is refused.
func (s *suite) readsBesides(c *check, ctx context.Context, tx store.Rows, want store.Code) {
	for _, l := range s.logs {
		for _, limit := range []int{10, 0} {
			_, _, err := tx.Events(ctx, l.log, nil, store.LogSpan{Limit: limit}, func(int64, store.Row) error {
				c.failf("a refused read gives an event")
				return nil
			})
			c.code(err, want, "Events")
		}
		_, err := tx.Last(ctx, l.log)
		c.code(err, want, "Last")
	}
}

func lockKey(value string) store.LockKey { return store.LockKey{Class: 4, Value: value} }

// guardRules check what a [store.Guard] refuses before a backend sees it, in addition to the rules of the
// tables.
func (s *suite) guardRules() []rule {
	return []rule{
		{name: "guard/nothing_passes", why: "with a condition that lets nothing pass, a statement is over: no rows, 0, nothing deleted.", run: func(c *check) {
			s.writeAll(c)
			s.unchanged(c, func() {
				c.update(func(tx store.Rows) {
					for _, x := range s.subjects {
						for _, where := range [][]store.Cond{{one(0)}, {byID(x.sample(1)), one(1)}} {
							c.equal(len(x.list(c, tx, where, everything)), 0, "rows of List")
							c.equal(x.count(c, tx, where...), 0, "Count")
							c.equal(x.deleteAll(c, tx, where...), 0, "how many DeleteAll took")
							if set := x.sets(x.full(40)); len(set) > 0 {
								c.equal(x.updateAll(c, tx, set, where...), 0, "how many UpdateAll changed")
							}
						}
					}
				})
			})
		}},
		{name: "guard/order_of_refusals", why: "closed comes before canceled, that before read_only, that before invalid.", run: s.orderOfRefusals},
	}
}

func (s *suite) orderOfRefusals(c *check) {
	s.writeAll(c)
	ended, cancel := context.WithCancel(c.ctx)
	cancel()
	x, l := s.main, s.logs[0]
	all := func(ctx context.Context, tx store.Rows, reads, writes store.Code) {
		c.code(tx.List(ctx, x.table, nil, store.Range{Sort: 1}, func(store.Row) error { return nil }), reads, "List")
		_, _, err := tx.Events(ctx, l.log, []store.Cond{one(0)}, store.LogSpan{}, func(int64, store.Row) error { return nil })
		c.code(err, reads, "Events")
		_, err = tx.DeleteAll(ctx, x.table, nil)
		c.code(err, writes, "DeleteAll")
		_, err = tx.UpdateAll(ctx, x.table, nil, nil)
		c.code(err, writes, "UpdateAll")
		_, err = tx.Prune(ctx, l.log, clock(1), 0)
		c.code(err, writes, "Prune")
	}
	s.unchanged(c, func() {
		var kept store.Rows
		c.update(func(tx store.Rows) {
			all(c.ctx, tx, store.ErrInvalid, store.ErrInvalid)
			all(ended, tx, store.ErrCanceled, store.ErrCanceled)
		})
		c.view(func(tx store.Rows) {
			kept = tx
			all(c.ctx, tx, store.ErrInvalid, store.ErrReadOnly)
			all(ended, tx, store.ErrCanceled, store.ErrCanceled)
		})
		all(ended, kept, store.ErrClosed, store.ErrClosed)
	})
}
