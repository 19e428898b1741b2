package storetest

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// joinedRules are about [store.Joined]: a store inside a transaction that a host begins and ends. The rules of
// the tables hold there, too, as far as one goroutine can check them.
func (s *suite) joinedRules() []rule {
	all := []rule{
		s.joined("is_joined", "it is a Joined, and its Root is the store that was asked to join.", func(c *check, h *hosted) {
			part, ok := store.As[store.Joined](h.Joined)
			c.equal(ok, true, "whether it is a Joined")
			c.equal(part.Root() == h.root.store, true, "whether Root is the store that was asked")
			h.end(c, false)
		}),
		s.joined("commits", "what was written is kept when the host commits, and seen by others no sooner.", s.joinedCommits),
		s.joined("rolls_back", "nothing is kept when the host rolls back.", func(c *check, h *hosted) {
			s.writeAll(c)
			h.end(c, false)
			h.root.run(c, func() { s.holdsScene(h.root, false) })
		}),
		s.joined("undoes_itself_alone", "an Update that fails undoes itself, and nothing before it; its error or panic is passed on itself.", s.joinedUndoes),
		s.joined("runs_once", "the function of an Update runs once, whatever it returns.", s.joinedRunsOnce),
		s.joined("view", "a View sees what was written before it, and writes nothing.", s.joinedView),
		s.joined("savepoint", "savepoints in an Update undo themselves alone.", s.joinedSavepoint),
		s.joined("closed_rows", "a transaction answers closed after the end of its View or Update.", s.joinedClosedRows),
		s.joined("closed", "everything answers closed after the end of the host's transaction.", s.joinedClosed),
		s.joined("canceled", "a context that has ended is canceled; the host's transaction goes on.", s.joinedCanceled),
		s.joined("events", "events are unseen until the host commits, and then stand in the order of Append.", s.joinedEvents),
		s.joined("lock", "Lock is there as in any Update.", func(c *check, h *hosted) {
			c.update(func(tx store.Rows) { c.ok(tx.Lock(c.ctx, lockKey("a"), lockKey("b")), "Lock") })
			c.update(func(tx store.Rows) { c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock again") })
			h.end(c, true)
		}),
		s.joined("single_writer", "where the store has a single writer, no Update is entered before a host's transaction that has written ends.", s.joinedSingleWriter),
		s.joined("readers", "a View of the store does not wait for a host's transaction, but where ReadersWait says so.", func(c *check, h *hosted) {
			c.update(func(tx store.Rows) { s.put(c, tx, 1) })
			if !h.readersWait() {
				c.elsewhere(func() { h.root.run(c, func() { s.kept(h.root) }) })
			}
			h.end(c, true)
			h.root.run(c, func() { s.kept(h.root, 1) })
		}),
		s.joined("again", "one transaction after another joins the same store.", s.joinedAgain),
	}
	for _, x := range s.subjects {
		for _, r := range slices.Concat(x.rowRules(), x.changeRules(), x.borderRules(), x.referenceRules(), x.keyRules()) {
			all = append(all, s.joined(r.name, r.why, func(c *check, h *hosted) {
				r.run(c)
				h.end(c, false)
			}))
		}
	}
	return all
}

// hosted is a host's transaction during a rule. The rule's check is about the joined store.
type hosted struct {
	Host
	root  *check
	ended bool
}

// end ends the host's transaction.
func (h *hosted) end(c *check, commit bool) {
	h.ended = true
	c.ok(h.End(commit), "the end of the host's transaction")
}

func (h *hosted) readersWait() bool {
	part, ok := store.As[store.ReadersWait](h.root.store)
	return ok && part.ReadersWait()
}

// joined makes a rule about a store in a transaction.
func (s *suite) joined(name, why string, run func(c *check, h *hosted)) rule {
	return rule{name: "joined/" + name, why: why, run: func(root *check) {
		h := &hosted{Host: root.join(), root: root}
		defer func() {
			if !h.ended { // the rule has failed
				_ = h.End(false)
			}
		}()
		c := &check{ctx: root.ctx, store: h.Joined}
		c.run(root, func() { run(c, h) })
	}}
}

func (s *suite) joinedCommits(c *check, h *hosted) {
	s.writeAll(c)
	c.update(func(tx store.Rows) {
		for _, x := range s.subjects {
			x.holds(c, tx, x.table.Name, x.written(false)...)
		}
	})
	if !h.readersWait() {
		c.elsewhere(func() { h.root.run(c, func() { s.holdsScene(h.root, false) }) })
	}
	h.end(c, true)
	h.root.run(c, func() {
		s.holdsScene(h.root, true)
		s.writeMore(h.root)
	})
}

func (s *suite) joinedUndoes(c *check, h *hosted) {
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	fail := func(tx store.Rows) {
		s.put(c, tx, 2)
		s.main.remove(c, tx, s.main.full(1))
		s.logs[0].append(c, tx, s.logs[0].event(1))
	}
	c.same(c.try(func(tx store.Rows) error {
		fail(tx)
		return errOurs
	}), errOurs, "Update")
	s.kept(c, 1)
	c.panics(func() {
		_ = c.try(func(tx store.Rows) error {
			fail(tx)
			panic(errOurs)
		})
	})
	s.kept(c, 1)
	c.elsewhere(func() { // the caller waits, so only one goroutine at a time uses it
		_ = c.try(func(tx store.Rows) error {
			fail(tx)
			runtime.Goexit()
			return nil
		})
	})
	s.kept(c, 1)
	c.update(func(tx store.Rows) { s.put(c, tx, 3) })
	h.end(c, true)
	h.root.run(c, func() {
		s.kept(h.root, 1, 3)
		s.logs[0].logged(h.root)
	})
}

func (s *suite) joinedRunsOnce(c *check, h *hosted) {
	for _, err := range []error{nil, errOurs, &store.Error{Code: store.ErrBusy}, &store.Error{Code: store.ErrConflict}} {
		runs := 0
		c.same(c.try(func(tx store.Rows) error {
			runs++
			if runs == 1 {
				s.put(c, tx, 1)
				s.main.remove(c, tx, s.main.full(1))
			}
			return err
		}), err, "Update")
		c.equal(runs, 1, "how often the function ran")
	}
	h.end(c, true)
}

func (s *suite) joinedView(c *check, h *hosted) {
	s.kept(c)
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	c.view(func(tx store.Rows) {
		s.has(c, tx, 1)
		c.code(s.add(c, tx, 2), store.ErrReadOnly, "Insert")
		s.writesBesides(c, c.ctx, tx, store.ErrReadOnly)
	})
	c.same(h.Joined.View(c.ctx, func(store.Rows) error { return errOurs }), errOurs, "View")
	s.kept(c, 1)
	h.end(c, true)
	h.root.run(c, func() { s.kept(h.root, 1) })
}

func (s *suite) joinedSavepoint(c *check, h *hosted) {
	for _, r := range s.savepointRules() {
		if slices.Contains([]string{"savepoint/undoes_over_own_writes", "savepoint/nested"}, r.name) {
			r.run(c)
			c.update(func(tx store.Rows) { s.main.deleteAll(c, tx, store.Cond{Column: 0, Op: store.NotNull}) })
		}
	}
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	h.end(c, true)
	h.root.run(c, func() { s.kept(h.root, 1) })
}

func (s *suite) joinedClosedRows(c *check, h *hosted) {
	var kept store.Rows
	c.update(func(tx store.Rows) { kept = tx })
	s.readsBesides(c, c.ctx, kept, store.ErrClosed)
	s.writesBesides(c, c.ctx, kept, store.ErrClosed)
	s.main.writes(c, c.ctx, kept, s.main.full(1), store.ErrClosed)
	c.view(func(tx store.Rows) { kept = tx })
	s.readsBesides(c, c.ctx, kept, store.ErrClosed)
	h.end(c, true)
	h.root.run(c, func() { s.kept(h.root) })
}

func (s *suite) joinedClosed(c *check, h *hosted) {
	for _, commit := range []bool{true, false} {
		h.end(c, commit)
		entered := func(store.Rows) error {
			c.failf("a function was entered after the end")
			return nil
		}
		c.code(h.Joined.View(c.ctx, entered), store.ErrClosed, "View")
		c.code(h.Joined.Update(c.ctx, entered), store.ErrClosed, "Update")
		if commit {
			h.Host, h.ended = h.root.join(), false
			c.store = h.Joined
			c.update(func(tx store.Rows) { s.put(c, tx, 1) })
		}
	}
	h.root.run(c, func() { s.kept(h.root) })
}

func (s *suite) joinedCanceled(c *check, h *hosted) {
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	ctx, cancel := context.WithCancel(c.ctx)
	c.canceled(h.Joined.Update(ctx, func(tx store.Rows) error {
		s.put(c, tx, 2)
		cancel()
		return s.insert(ctx, tx, 3)
	}), ctx, "Update")
	c.canceled(h.Joined.Update(ctx, func(tx store.Rows) error { return s.add(c, tx, 4) }), ctx, "Update")
	c.canceled(h.Joined.View(ctx, func(store.Rows) error { return nil }), ctx, "View")
	c.update(func(tx store.Rows) { s.put(c, tx, 5) })
	h.end(c, true)
	h.root.run(c, func() { s.kept(h.root, 1, 5) })
}

func (s *suite) joinedEvents(c *check, h *hosted) {
	h.end(c, false)
	var before []event
	h.root.run(c, func() {
		s.logs[0].commit(h.root, s.logs[0].event(1))
		before = s.logs[0].committed(h.root)
	})
	l := s.logs[0]
	h.Host, h.ended = h.root.join(), false
	c.store = h.Joined
	unseen := func(tx store.Rows) {
		c.equal(l.last(c, tx), before[0].at, "Last")
		c.equal(l.events(c, tx), before, "the log")
	}
	c.update(func(tx store.Rows) {
		l.append(c, tx, l.event(2))
		unseen(tx)
	})
	c.same(c.try(func(tx store.Rows) error {
		l.append(c, tx, l.event(4))
		return errOurs
	}), errOurs, "Update")
	c.view(unseen)
	c.update(func(tx store.Rows) {
		unseen(tx)
		l.append(c, tx, l.event(5))
	})
	h.end(c, true)
	h.root.run(c, func() { l.logged(h.root, l.event(1), l.event(2), l.event(5)) })
}

func (s *suite) joinedSingleWriter(c *check, h *hosted) {
	if !h.root.singleWriter() {
		h.end(c, false)
		return
	}
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	var wait func()
	h.root.run(c, func() { wait = s.entersLater(h.root, 2) })
	h.end(c, true)
	h.root.run(c, func() {
		wait()
		s.kept(h.root, 1, 2)
	})
}

func (s *suite) joinedAgain(c *check, h *hosted) {
	var want []int
	for n := range 6 {
		c.update(func(tx store.Rows) {
			s.has(c, tx, want...)
			s.put(c, tx, n)
		})
		h.end(c, n%2 == 0)
		if n%2 == 0 {
			want = append(want, n)
		}
		h.root.run(c, func() { s.kept(h.root, want...) })
		h.Host, h.ended = h.root.join(), false
		c.store = h.Joined
	}
	h.end(c, false)
	if err := c.store.Update(c.ctx, func(store.Rows) error { return nil }); !errors.Is(err, store.ErrClosed) {
		c.failf("Update after the end: got %v, want closed", err)
	}
}
