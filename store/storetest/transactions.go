package storetest

import (
	"errors"
	"runtime"

	"github.com/freehold-dev/freehold/store"
)

// transactionRules are about the beginning and the end of transactions.
func (s *suite) transactionRules() []rule {
	return []rule{
		{name: "update/commits", why: "all that an Update wrote is there after it, in every table and log.", run: s.updateCommits},
		{name: "update/rolls_back_on_error", why: "of an Update whose fn fails nothing is kept, and its error is passed on itself.", run: s.updateRollsBackOnError},
		{name: "update/rolls_back_on_panic", why: "of an Update whose fn panics nothing is kept; the panic is passed on and the store goes on.", run: s.updateRollsBackOnPanic},
		{name: "update/rolls_back_on_goexit", why: "of an Update whose goroutine exits, as t.FailNow does, nothing is kept and the store goes on.", run: s.updateRollsBackOnGoexit},
		{name: "update/of_nothing", why: "an Update that writes nothing changes nothing.", run: s.updateOfNothing},
		{name: "update/error_kept_by_caller", why: "an error of the store's that fn returns, or wraps, is passed on as fn gave it.", run: s.updateErrorKeptByCaller},
		{name: "update/error_swallowed", why: "a statement that failed does not keep the transaction from committing.", run: s.updateErrorSwallowed},
		{name: "update/runs_fn", why: "fn runs at least once, and what its last run set is what counts.", run: s.updateRuns},
		{name: "view/passes_errors", why: "a View passes on fn's error itself.", run: func(c *check) {
			c.same(c.store.View(c.ctx, func(store.Rows) error { return errOurs }), errOurs, "View")
			c.view(func(store.Rows) {})
		}},
		{name: "view/passes_panics", why: "a View passes on fn's panic, and the store goes on.", run: s.viewPassesPanics},
		{name: "view/survives_goexit", why: "a View whose goroutine exits gives back what it held.", run: s.viewSurvivesGoexit},
	}
}

func (s *suite) updateCommits(c *check) {
	s.writeAll(c)
	before := s.state(c)
	for _, x := range s.subjects {
		c.equal(before.rows[x.kind], x.ordered(x.written(false), 0, false), "what is in "+x.table.Name)
	}
	c.update(func(tx store.Rows) { s.changeAll(c, tx) })
	after := s.state(c)
	for _, x := range s.subjects {
		c.equal(after.rows[x.kind], x.ordered(x.written(true), 0, false), "what is in "+x.table.Name)
	}
	for _, l := range s.logs {
		name := l.log.Name
		c.equal(rowsOf(after.events[name]), []store.Row{l.event(1), l.event(2)}, "what is in "+name)
		c.equal(before.last[name], before.events[name][0].at, "Last")
		c.equal(after.last[name], after.events[name][1].at, "Last")
	}
}

func (s *suite) updateRollsBackOnError(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		c.same(c.try(func(tx store.Rows) error {
			s.changeAll(c, tx)
			return errOurs
		}), errOurs, "Update")
	})
	given := &store.Error{Code: store.ErrConflict}
	c.same(c.try(func(store.Rows) error { return given }), given, "Update")
	s.writeMore(c)
}

func (s *suite) updateRollsBackOnPanic(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		c.panics(func() {
			_ = c.try(func(tx store.Rows) error {
				s.changeAll(c, tx)
				panic(errOurs)
			})
		})
	})
	s.writeMore(c)
}

func (s *suite) updateRollsBackOnGoexit(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		c.elsewhere(func() {
			_ = c.try(func(tx store.Rows) error {
				s.changeAll(c, tx)
				runtime.Goexit()
				return nil
			})
		})
	})
	s.writeMore(c)
}

func (s *suite) updateOfNothing(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		c.update(func(store.Rows) {})
		c.update(func(tx store.Rows) { s.stateOf(c, tx) })
	})
}

func (s *suite) updateErrorKeptByCaller(c *check) {
	var given error
	err := c.try(func(tx store.Rows) error {
		given = tx.Delete(c.ctx, s.main.table, newID(1))
		return given
	})
	c.code(err, store.ErrNotFound, "Update")
	c.same(err, given, "Update")
	err = c.try(func(tx store.Rows) error {
		given = errors.Join(errOurs, tx.Delete(c.ctx, s.main.table, newID(1)))
		return given
	})
	c.same(err, given, "Update")
}

func (s *suite) updateErrorSwallowed(c *check) {
	c.update(func(tx store.Rows) {
		c.code(tx.Delete(c.ctx, s.main.table, newID(1)), store.ErrNotFound, "Delete")
		s.put(c, tx, 2)
		c.code(s.add(c, tx, 2), store.ErrAlreadyExists, "Insert again")
	})
	s.kept(c, 2)
}

func (s *suite) updateRuns(c *check) {
	runs, kept := 0, 0
	c.update(func(tx store.Rows) {
		runs++
		kept = runs
		s.put(c, tx, kept)
	})
	if runs < 1 {
		c.failf("fn did not run")
	}
	s.kept(c, kept)
}

func (s *suite) viewPassesPanics(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		for range 20 { // more than any pool has connections
			c.panics(func() { _ = c.store.View(c.ctx, func(store.Rows) error { panic(errOurs) }) })
		}
	})
	s.writeMore(c)
}

func (s *suite) viewSurvivesGoexit(c *check) {
	for range 20 {
		c.elsewhere(func() {
			_ = c.store.View(c.ctx, func(store.Rows) error {
				runtime.Goexit()
				return nil
			})
		})
	}
	s.writeAll(c)
}
