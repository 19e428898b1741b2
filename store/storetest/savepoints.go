package storetest

import "github.com/freehold-dev/freehold/store"

// savepointRules are about parts of a transaction that fail alone.
func (s *suite) savepointRules() []rule {
	return []rule{
		{name: "savepoint/keeps", why: "what a savepoint wrote is kept with the rest, and sees what was written before it.", run: s.savepointKeeps},
		{name: "savepoint/fails_alone", why: "a savepoint that fails takes what it wrote along, and no more; its error is passed on itself.", run: s.savepointFailsAlone},
		{name: "savepoint/undoes_everything", why: "a savepoint that fails undoes inserts, updates, touches, deletes and events of every table.", run: s.savepointUndoesEverything},
		{name: "savepoint/undoes_over_own_writes", why: "a savepoint that fails restores what the same transaction had written before.", run: s.savepointOverOwnWrites},
		{name: "savepoint/goes_with_the_whole", why: "a savepoint that went well is undone with its transaction.", run: s.savepointGoesWithTheWhole},
		{name: "savepoint/panic", why: "a panic in a savepoint undoes it and is passed on; the transaction may go on.", run: s.savepointPanic},
		{name: "savepoint/nested", why: "savepoints nest: each undoes itself and those within, and nothing around.", run: s.savepointNested},
		{name: "savepoint/one_after_another", why: "a transaction has as many savepoints as it likes.", run: s.savepointOneAfterAnother},
		{name: "savepoint/events_in_order", why: "events around a failed savepoint keep their order; its own leave no trace.", run: s.savepointEventsInOrder},
		{name: "savepoint/log_changes", why: "a savepoint that fails undoes Prune and Redact.", run: s.savepointLogChanges},
		{name: "savepoint/all_that_there_was", why: "a transaction of which nothing but a failed savepoint is left commits, and changed nothing.", run: func(c *check) {
			s.unchanged(c, func() {
				c.update(func(tx store.Rows) { c.fails(tx, func() { s.put(c, tx, 1) }) })
			})
		}},
	}
}

func (s *suite) savepointKeeps(c *check) {
	c.update(func(tx store.Rows) {
		s.put(c, tx, 1)
		c.nest(tx, func() {
			s.has(c, tx, 1)
			s.put(c, tx, 2)
			s.has(c, tx, 1, 2)
		})
		s.put(c, tx, 3)
	})
	s.kept(c, 1, 2, 3)
}

func (s *suite) savepointFailsAlone(c *check) {
	c.update(func(tx store.Rows) {
		s.put(c, tx, 1)
		c.fails(tx, func() { s.put(c, tx, 2) })
		s.has(c, tx, 1)
		s.put(c, tx, 2)
		s.put(c, tx, 3)
	})
	s.kept(c, 1, 2, 3)
}

func (s *suite) savepointUndoesEverything(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		c.update(func(tx store.Rows) { c.fails(tx, func() { s.changeAll(c, tx) }) })
	})
	s.writeMore(c)
}

func (s *suite) savepointGoesWithTheWhole(c *check) {
	c.same(c.try(func(tx store.Rows) error {
		c.nest(tx, func() { s.put(c, tx, 1) })
		return errOurs
	}), errOurs, "Update")
	s.kept(c)
}

func (s *suite) savepointPanic(c *check) {
	c.update(func(tx store.Rows) {
		s.put(c, tx, 1)
		c.panics(func() {
			_ = tx.Savepoint(c.ctx, func() error {
				s.put(c, tx, 2)
				panic(errOurs)
			})
		})
		s.has(c, tx, 1)
		s.put(c, tx, 3)
	})
	s.kept(c, 1, 3)
	c.panics(func() {
		_ = c.try(func(tx store.Rows) error {
			s.put(c, tx, 4)
			return tx.Savepoint(c.ctx, func() error { panic(errOurs) })
		})
	})
	s.kept(c, 1, 3)
}

func (s *suite) savepointOneAfterAnother(c *check) {
	var want []int
	c.update(func(tx store.Rows) {
		want = nil
		for n := range 60 {
			if n%2 == 0 {
				c.fails(tx, func() { s.put(c, tx, n) })
				continue
			}
			c.nest(tx, func() { s.put(c, tx, n) })
			want = append(want, n)
		}
	})
	s.kept(c, want...)
}

func (s *suite) savepointEventsInOrder(c *check) {
	l := s.logs[0]
	c.update(func(tx store.Rows) {
		l.append(c, tx, l.event(1))
		c.fails(tx, func() { l.append(c, tx, l.event(2)) })
		l.append(c, tx, l.event(4))
	})
	l.logged(c, l.event(1), l.event(4))
}

func (s *suite) savepointLogChanges(c *check) {
	l := s.logs[0]
	l.commit(c, l.event(1), l.event(2), l.event(4))
	s.unchanged(c, func() {
		c.update(func(tx store.Rows) {
			c.fails(tx, func() {
				l.redact(c, tx, l.person(l.event(2)), 1)
				l.prune(c, tx, clock(2), 10, 1)
			})
		})
	})
	c.view(func(tx store.Rows) {
		first := l.events(c, tx)[0].at // reading from below a floor would be refused
		l.walkLog(c, tx, nil, store.LogSpan{After: first, Limit: 10})
	})
}

func (s *suite) savepointOverOwnWrites(c *check) {
	x := s.main
	old := x.full(1)
	changed := x.next(old, x.full(11))
	again := x.next(changed, x.full(12))
	kept := []store.Row{x.stored(old, changed), x.full(2)}
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	c.update(func(tx store.Rows) {
		s.put(c, tx, 2)
		x.update(c, tx, changed)
		c.fails(tx, func() {
			x.update(c, tx, again)
			x.remove(c, tx, x.full(2))
			s.put(c, tx, 3)
		})
		x.holds(c, tx, "after the savepoint", kept...)
		c.fails(tx, func() { x.remove(c, tx, old) })
		x.holds(c, tx, "after another", kept...)
	})
	x.keeps(c, "afterwards", kept...)
}

func (s *suite) savepointNested(c *check) {
	c.update(func(tx store.Rows) {
		s.put(c, tx, 1)
		c.nest(tx, func() {
			s.put(c, tx, 2)
			c.fails(tx, func() {
				s.put(c, tx, 3)
				c.nest(tx, func() { s.put(c, tx, 4) })
				s.has(c, tx, 1, 2, 3, 4)
			})
			s.has(c, tx, 1, 2)
			c.nest(tx, func() {
				s.put(c, tx, 5)
				c.fails(tx, func() { s.put(c, tx, 6) })
			})
		})
		c.fails(tx, func() {
			c.nest(tx, func() {
				s.put(c, tx, 7)
				c.fails(tx, func() { s.put(c, tx, 8) })
			})
			s.has(c, tx, 1, 2, 5, 7)
		})
		s.has(c, tx, 1, 2, 5)
	})
	s.kept(c, 1, 2, 5)
}
