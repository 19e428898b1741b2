package storetest

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// learningRules are about tables and logs that a store gets for the first time. That may happen at any moment,
// and each rule runs on a store that has seen none.
func (s *suite) learningRules() []rule {
	return []rule{
		{name: "learned/in_savepoint", why: "a table first met in a savepoint that is rolled back is empty afterwards, and takes rows.", run: s.learnedInSavepoint},
		{name: "learned/in_rolled_back_update", why: "a table first met in an Update that fails is empty afterwards, and takes rows.", run: func(c *check) {
			c.same(c.try(func(tx store.Rows) error {
				s.write(c, tx)
				return errOurs
			}), errOurs, "Update")
			s.holdsScene(c, false)
			s.writeAll(c)
			s.holdsScene(c, true)
		}},
		{name: "learned/in_view", why: "a table first met in a View is empty, and takes rows later.", run: func(c *check) {
			s.holdsScene(c, false)
			s.writeAll(c)
			s.holdsScene(c, true)
		}},
		{name: "learned/by_reading", why: "a table first met by a read of an Update takes rows in the same Update.", run: func(c *check) {
			c.update(func(tx store.Rows) {
				s.stateOf(c, tx)
				c.fails(tx, func() { s.stateOf(c, tx) })
				s.write(c, tx)
			})
			s.holdsScene(c, true)
		}},
		{name: "learned/by_failing", why: "a statement that fails on a table never met leaves the transaction usable.", run: s.learnedByFailing},
		{name: "learned/one_after_another", why: "a transaction that meets one table after the other keeps what it wrote to all.", run: s.learnedOneAfterAnother},
		{name: "learned/behind_snapshot", why: "a View that began before a table was first written to sees none of it.", run: s.learnedBehindSnapshot},
		{name: "learned/at_once", why: "several goroutines that first meet the same tables at once lose nothing.", run: s.learnedAtOnce},
	}
}

// holdsScene checks that the store contains what writeAll writes, or nothing.
func (s *suite) holdsScene(c *check, written bool) {
	c.view(func(tx store.Rows) { s.hasScene(c, tx, written) })
	for _, l := range s.logs {
		if written {
			l.logged(c, l.event(1))
		} else {
			l.logged(c)
		}
	}
}

func (s *suite) hasScene(c *check, tx store.Rows, written bool) {
	for _, x := range s.subjects {
		if written {
			x.holds(c, tx, x.table.Name, x.written(false)...)
		} else {
			x.missing(c, tx, newID(1), "Get")
			x.holds(c, tx, x.table.Name)
		}
	}
}

func (s *suite) learnedInSavepoint(c *check) {
	c.update(func(tx store.Rows) {
		c.fails(tx, func() { s.write(c, tx) })
		s.hasScene(c, tx, false)
		c.nest(tx, func() {
			c.fails(tx, func() { s.write(c, tx) })
		})
		s.hasScene(c, tx, false)
		s.write(c, tx)
		s.hasScene(c, tx, true)
		c.fails(tx, func() { s.changeAll(c, tx) })
		s.hasScene(c, tx, true)
	})
	s.holdsScene(c, true)
	s.writeMore(c)
}

func (s *suite) learnedByFailing(c *check) {
	c.update(func(tx store.Rows) {
		for _, x := range s.subjects {
			missing := x.table.NotFound(newID(1))
			c.refused(tx.Delete(c.ctx, x.table, newID(1)), "Delete", missing)
			c.refused(x.replace(c, tx, x.full(1)), "Update", missing)
			c.equal(x.deleteAll(c, tx, byID(x.full(1))), 0, "how many DeleteAll took")
		}
		for _, l := range s.logs {
			l.redact(c, tx, newID(1), 0)
			l.prune(c, tx, clock(1), 10, 0)
		}
		s.write(c, tx)
	})
	s.holdsScene(c, true)
}

func (s *suite) learnedOneAfterAnother(c *check) {
	c.update(func(tx store.Rows) {
		for i, x := range s.subjects {
			for _, n := range x.scene.rows {
				x.insert(c, tx, x.sample(n))
			}
			for _, before := range s.subjects[:i] {
				c.equal(before.count(c, tx), len(before.scene.rows), "rows of a table met before")
			}
		}
		for _, l := range s.logs {
			l.append(c, tx, l.event(1))
		}
	})
	s.holdsScene(c, true)
}

func (s *suite) learnedBehindSnapshot(c *check) {
	c.view(func(tx store.Rows) {
		s.main.holds(c, tx, "the table that the view reads first")
		c.elsewhere(func() { s.writeAll(c) })
		s.hasScene(c, tx, false)
		for _, l := range s.logs {
			c.equal(l.last(c, tx), int64(0), "Last")
			c.equal(len(l.events(c, tx)), 0, "events")
		}
	})
	s.holdsScene(c, true)
}

// learnedAtOnce lets some goroutines read and some write. Each one begins with another table.
func (s *suite) learnedAtOnce(c *check) {
	roots := slices.DeleteFunc(slices.Clone(s.subjects), func(x *subject) bool { return len(x.parents) > 0 })
	turned := func(i int) []*subject {
		at := i % len(roots)
		return slices.Concat(roots[at:], roots[:at])
	}
	begin := make(chan struct{})
	all := c.start(func() {
		c.together(racers, func(i int) {
			<-begin
			if i%2 == 0 {
				c.view(func(tx store.Rows) {
					for _, x := range turned(i) {
						x.count(c, tx)
					}
					s.logs[i%len(s.logs)].last(c, tx)
				})
			}
			c.contend(func(tx store.Rows) error {
				if err := tx.Lock(c.ctx, lockKey("all")); err != nil { // the tables come in different orders, so lock first
					return err
				}
				for _, x := range turned(i) {
					if err := x.put(c, tx, x.full(i)); err != nil {
						return err
					}
				}
				l := s.logs[i%len(s.logs)]
				return l.try(c, tx, l.event(i))
			})
		})
	})
	close(begin)
	c.wait(all)
	c.view(func(tx store.Rows) {
		events := 0
		for _, x := range roots {
			c.equal(x.count(c, tx), racers, "rows of "+x.table.Name)
		}
		for _, l := range s.logs {
			events += len(l.events(c, tx))
		}
		c.equal(events, racers, "events")
	})
}

// manyLogRules are about several logs in one store.
func (s *suite) manyLogRules() []rule {
	if len(s.logs) < 2 {
		return nil
	}
	return []rule{
		{name: "logs/apart", why: "an event of one log is none of another, whose Last does not move.", run: s.logsApart},
		{name: "logs/one_transaction", why: "one transaction appends to several logs: all of it is kept, or undone, and seen at its commit.", run: s.logsOneTransaction},
		{name: "logs/prune_apart", why: "Prune takes events of its log alone, and moves the floor of no other.", run: s.logsPruneApart},
		{name: "logs/redact_apart", why: "Redact changes events of its log alone.", run: s.logsRedactApart},
	}
}

func (s *suite) logsApart(c *check) {
	a, b := s.logs[0], s.logs[1]
	a.commit(c, a.event(1), a.event(2))
	c.view(func(tx store.Rows) { c.equal(b.last(c, tx), int64(0), "Last of the other log") })
	b.logged(c)
	b.commit(c, b.event(4))
	before := a.committed(c)
	b.commit(c, b.event(5))
	a.logged(c, a.event(1), a.event(2))
	b.logged(c, b.event(4), b.event(5))
	c.view(func(tx store.Rows) { c.equal(a.last(c, tx), before[1].at, "Last of the first log") })
}

func (s *suite) logsOneTransaction(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		c.same(c.try(func(tx store.Rows) error {
			for _, l := range s.logs {
				l.append(c, tx, l.event(2))
			}
			return errOurs
		}), errOurs, "Update")
		c.update(func(tx store.Rows) {
			c.fails(tx, func() {
				for _, l := range s.logs {
					l.append(c, tx, l.event(2))
				}
			})
		})
	})
	c.update(func(tx store.Rows) {
		for _, l := range s.logs {
			before := l.last(c, tx)
			for _, other := range s.logs {
				other.append(c, tx, other.event(4))
			}
			c.equal(l.last(c, tx), before, "Last within the transaction")
			c.equal(len(l.events(c, tx)), 1, "events within the transaction")
		}
	})
	for _, l := range s.logs {
		want := []store.Row{l.event(1)}
		for range s.logs {
			want = append(want, l.event(4))
		}
		l.logged(c, want...)
	}
}

func (s *suite) logsPruneApart(c *check) {
	a, b := s.logs[0], s.logs[1]
	a.age(c, 4)
	b.age(c, 4)
	first := b.committed(c)[0].at
	a.pruned(c, hour(100), 3, 3)
	a.logged(c, a.aged(3))
	b.logged(c, b.aged(0), b.aged(1), b.aged(2), b.aged(3))
	c.view(func(tx store.Rows) {
		c.equal(len(b.walkLog(c, tx, nil, store.LogSpan{After: first, Limit: 10})), 3, "events behind the first")
	})
}

func (s *suite) logsRedactApart(c *check) {
	a, b := s.logs[0], s.logs[1]
	for _, l := range []*logbook{a, b} {
		c.update(func(tx store.Rows) {
			l.append(c, tx, l.about(l.event(1), newID(1)))
			l.append(c, tx, l.event(2), newID(1))
		})
	}
	a.redacted(c, newID(1), 2)
	a.logged(c, a.empty(a.about(a.event(1), newID(1))), a.empty(a.event(2)))
	b.logged(c, b.about(b.event(1), newID(1)), b.event(2))
	b.redacted(c, newID(1), 2)
}
