package storetest

import "github.com/freehold-dev/freehold/store"

// snapshotRules are about readers and writers that do not wait for each other.
func (s *suite) snapshotRules() []rule {
	return []rule{
		{name: "snapshot/stays", why: "a View sees one state from its first read on, whatever commits meanwhile; a writer does not wait for it.", run: s.snapshotStays},
		{name: "snapshot/pages", why: "the pages of one View are of one state.", run: s.snapshotPages},
		{name: "snapshot/uncommitted", why: "what an Update has written is unseen by others until it commits; a reader does not wait for it.", run: s.snapshotUncommitted},
		{name: "snapshot/whole", why: "a commit becomes visible as a whole: rows and events of every table at once.", run: s.snapshotWhole},
		{name: "snapshot/many", why: "views of different states live side by side.", run: s.snapshotMany},
		{name: "snapshot/own_commits", why: "what an Update committed is seen by every View that begins after it.", run: s.snapshotOwnCommits},
	}
}

func (s *suite) snapshotStays(c *check) {
	s.writeAll(c)
	before := s.state(c)
	c.view(func(tx store.Rows) {
		c.equal(s.stateOf(c, tx), before, "what the view reads first")
		c.elsewhere(func() {
			c.update(func(tx store.Rows) { s.changeAll(c, tx) })
			c.update(func(tx store.Rows) { s.put(c, tx, 160) })
		})
		c.equal(s.stateOf(c, tx), before, "what the view reads after a commit")
	})
	s.main.keeps(c, "in a later view", append(s.main.written(true), s.main.full(160))...)
}

func (s *suite) snapshotPages(c *check) {
	for _, sort := range s.main.sorts() {
		c.update(func(tx store.Rows) {
			if s.main.count(c, tx) > 0 {
				s.main.deleteAll(c, tx, store.Cond{Column: 0, Op: store.NotNull})
			}
		})
		s.snapshotPagesAlong(c, sort)
	}
}

func (s *suite) snapshotPagesAlong(c *check, sort int) {
	x := s.main
	var rows []store.Row
	for n := range 12 {
		rows = append(rows, x.full(n))
	}
	x.prepare(c, rows...)
	want := x.ordered(rows, sort, false)
	c.view(func(tx store.Rows) {
		r := store.Range{Limit: 5, Sort: sort}
		first := x.list(c, tx, nil, r)
		c.equal(first, want[:5], "the first page")
		c.elsewhere(func() {
			c.update(func(tx store.Rows) {
				s.put(c, tx, 20)
				x.remove(c, tx, want[6])
				x.update(c, tx, x.next(want[7], x.full(21)))
			})
		})
		r.After, r.Limit = place(first[4], sort), 100
		c.equal(x.list(c, tx, nil, r), want[5:], "the rest")
	})
}

func (s *suite) snapshotUncommitted(c *check) {
	s.writeAll(c)
	before := s.state(c)
	c.update(func(tx store.Rows) {
		s.changeAll(c, tx)
		c.elsewhere(func() { c.equal(s.state(c), before, "what a view sees meanwhile") })
	})
	c.same(c.try(func(tx store.Rows) error {
		s.put(c, tx, 160)
		c.elsewhere(func() {
			c.view(func(tx store.Rows) { s.main.missing(c, tx, newID(160), "Get of what will be rolled back") })
		})
		return errOurs
	}), errOurs, "Update")
}

func (s *suite) snapshotMany(c *check) {
	const depth = 1 // two views: a store may have no more connections to read with
	var nest func(n int)
	nest = func(n int) {
		c.view(func(tx store.Rows) {
			c.equal(s.main.count(c, tx), n, "rows at first")
			if n < depth {
				c.elsewhere(func() {
					c.update(func(tx store.Rows) { s.put(c, tx, n) })
					nest(n + 1)
				})
			}
			c.equal(s.main.count(c, tx), n, "rows at last")
		})
	}
	nest(0)
}

func (s *suite) snapshotOwnCommits(c *check) {
	c.together(4, func(i int) {
		for n := i * 10; n < i*10+10; n++ {
			c.contend(func(tx store.Rows) error { return s.add(c, tx, n) })
			c.view(func(tx store.Rows) { s.main.get(c, tx, newID(n)) })
		}
	})
}

// snapshotWhole has writers that change two tables and the logs together, and readers that look for a change
// that is not everywhere.
func (s *suite) snapshotWhole(c *check) {
	const writers, writes, readers = 2, 15, 2
	done := make(chan struct{})
	reading := c.start(func() {
		c.together(readers, func(int) {
			for {
				c.view(func(tx store.Rows) {
					n := s.main.count(c, tx)
					if s.second != nil {
						c.equal(s.second.count(c, tx), n, "rows of the second table, as many as of the first")
					}
					for _, l := range s.logs {
						c.equal(len(l.events(c, tx)), n, "events, as many as rows")
					}
				})
				select {
				case <-done:
					return
				default:
				}
			}
		})
	})
	func() {
		defer close(done)
		c.together(writers, func(i int) {
			for n := i * writes; n < (i+1)*writes; n++ {
				c.contend(func(tx store.Rows) error { return s.addEverywhere(c, tx, n) })
			}
		})
	}()
	c.wait(reading)
}

// addEverywhere adds a row to both tables and an event to each log.
func (s *suite) addEverywhere(c *check, tx store.Rows, n int) error {
	if err := s.add(c, tx, n); err != nil {
		return err
	}
	for _, l := range s.logs {
		if err := l.try(c, tx, l.event(n)); err != nil {
			return err
		}
	}
	if s.second == nil {
		return nil
	}
	return s.second.put(c, tx, s.second.full(n))
}
