package storetest

import (
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// optionalRules are about the optional parts of a [store.Store]: what a store reports must be true.
func (s *suite) optionalRules() []rule {
	return []rule{
		{name: "single_writer/waits", why: "of a store with a single writer, the function of an Update is entered once the Update before has ended.", run: s.singleWriterWaits},
		{name: "single_writer/no_two_inside", why: "of a store with a single writer, no two functions of Updates run at once.", run: s.singleWriterAlone},
		{name: "single_writer/serial", why: "of a store with a single writer, Updates are one after the other without a Lock.", run: s.singleWriterSerial},
		{name: "readers_wait/asked", why: "whether readers wait can be asked at any time, and in a transaction of the store's they do not.", run: s.readersWaitAsked},
		{name: "wrapper/same_store", why: "each View and Update of a wrapper is one of what it wraps, whose optional parts it shows or replaces.", run: s.wrapperSameStore},
	}
}

// singleWriter returns what the store reports.
func (c *check) singleWriter() bool {
	part, ok := store.As[store.SingleWriter](c.store)
	return ok && part.SingleWriter()
}

// entersLater begins an Update while the caller's transaction, which has written, is open. It checks that the
// Update's function does not start. The result waits for the Update's end.
func (s *suite) entersLater(c *check, n int) (wait func()) {
	var entered, mayEnter atomic.Bool
	begun := make(chan struct{})
	second := c.start(func() {
		close(begun)
		c.contend(func(tx store.Rows) error {
			entered.Store(true)
			if !mayEnter.Load() {
				c.failf("an Update's function was entered while another transaction that has written was open")
			}
			return s.add(c, tx, n)
		})
	})
	<-begun
	time.Sleep(glance)
	if entered.Load() {
		c.wait(second) // this fails
	}
	mayEnter.Store(true)
	return func() { c.wait(second) }
}

func (s *suite) singleWriterWaits(c *check) {
	if !c.singleWriter() {
		return
	}
	for n, end := range []error{nil, errOurs} {
		var wait func()
		c.same(c.try(func(tx store.Rows) error {
			s.put(c, tx, 10*n)
			wait = s.entersLater(c, 10*n+1)
			return end
		}), end, "Update")
		wait()
	}
	s.kept(c, 0, 1, 11)
}

func (s *suite) singleWriterAlone(c *check) {
	if !c.singleWriter() {
		return
	}
	var inside atomic.Int32
	c.together(racers, func(i int) {
		for n := range laps / 5 {
			c.contend(func(tx store.Rows) error {
				defer inside.Add(-1)
				if inside.Add(1) > 1 {
					c.failf("two functions of Updates run at once")
				}
				err := s.add(c, tx, i*laps+n)
				time.Sleep(time.Microsecond)
				return err
			})
		}
	})
}

func (s *suite) singleWriterSerial(c *check) {
	if !c.singleWriter() {
		return
	}
	x := s.main
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	c.together(racers, func(int) {
		for range laps {
			c.contend(func(tx store.Rows) error {
				row := make(store.Row, len(x.columns()))
				if err := tx.Get(c.ctx, x.table, newID(1), row); err != nil {
					return err
				}
				return x.replace(c, tx, withVersion(row, row[1].Int+1))
			})
		}
	})
	c.view(func(tx store.Rows) { c.equal(x.get(c, tx, newID(1))[1].Int, int64(racers*laps+1), "the version") })
}

func (s *suite) readersWaitAsked(c *check) {
	part, ok := store.As[store.ReadersWait](c.store)
	if !ok {
		return
	}
	part.ReadersWait()
	c.update(func(tx store.Rows) {
		s.put(c, tx, 1)
		c.elsewhere(func() {
			part.ReadersWait()
			s.kept(c)
		})
	})
	c.view(func(store.Rows) { c.elsewhere(func() { part.ReadersWait() }) })
	s.kept(c, 1)
}

func (s *suite) wrapperSameStore(c *check) {
	wrapper, ok := c.store.(store.Unwrapper)
	if !ok {
		c.equal(store.Innermost(c.store) == c.store, true, "whether a store that wraps none is the innermost")
		return
	}
	inner := &check{ctx: c.ctx, store: wrapper.Unwrap()}
	c.update(func(tx store.Rows) {
		s.put(c, tx, 1)
		c.elsewhere(func() { inner.run(c, func() { s.kept(inner) }) })
	})
	inner.run(c, func() {
		s.kept(inner, 1)
		inner.update(func(tx store.Rows) { s.put(inner, tx, 2) })
	})
	s.kept(c, 1, 2)
	c.same(c.try(func(tx store.Rows) error {
		s.put(c, tx, 3)
		return errOurs
	}), errOurs, "Update")
	inner.run(c, func() { s.kept(inner, 1, 2) })
	if part, ok := store.As[store.SingleWriter](inner.store); ok && c.singleWriter() {
		c.equal(part.SingleWriter(), true, "whether what is wrapped has a single writer, as the wrapper says")
	}
}

// run runs fn, and also records a failure of another check.
func (c *check) run(in *check, fn func()) {
	c.guard(fn)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.failures {
		in.failf("in the store underneath: %s", text)
	}
}
