package storetest

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// contextRules are about contexts that end.
func (s *suite) contextRules() []rule {
	return []rule{
		{name: "context/canceled_before", why: "a context that has ended is canceled, wraps the context's error, and nothing is written.", run: s.contextCanceledBefore},
		{name: "context/canceled_midway", why: "a context that ends in mid-transaction fails the next statement, and nothing is kept.", run: s.contextCanceledMidway},
		{name: "context/canceled_unnoticed", why: "a context that ends after the last statement: Update says canceled and keeps nothing, or nil and keeps all.", run: s.contextCanceledUnnoticed},
		{name: "context/deadline", why: "a deadline that passes in mid-transaction is canceled, wraps it, and nothing is kept.", run: s.contextDeadline},
		{name: "context/canceled_view", why: "a context that ends in mid-view fails the next read.", run: s.contextCanceledView},
		{name: "context/canceled_while_waiting", why: "an Update that waits for another gives up when its context ends.", run: s.canceledWhileWaiting},
		{name: "context/error_of_fn_wins", why: "an error of fn's own is passed on itself though the context has ended.", run: s.contextErrorOfFnWins},
	}
}

func (s *suite) contextCanceledBefore(c *check) {
	canceled, cancel := context.WithCancel(c.ctx)
	cancel()
	late, cancel := context.WithDeadline(c.ctx, time.Unix(1, 0))
	defer cancel()
	s.unchanged(c, func() {
		for _, ctx := range []context.Context{canceled, late} {
			c.canceled(c.store.Update(ctx, func(tx store.Rows) error { return s.add(c, tx, 1) }), ctx, "Update")
			c.canceled(c.store.View(ctx, func(store.Rows) error { return nil }), ctx, "View")
		}
	})
}

// insert is an Insert with its own context.
func (s *suite) insert(ctx context.Context, tx store.Rows, n int) error {
	return tx.Insert(ctx, s.main.table, s.main.full(n))
}

func (s *suite) contextCanceledMidway(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		ctx, cancel := context.WithCancel(c.ctx)
		defer cancel()
		c.canceled(c.store.Update(ctx, func(tx store.Rows) error {
			s.changeAll(c, tx)
			cancel()
			return s.insert(ctx, tx, 160)
		}), ctx, "Update")
	})
	s.writeMore(c)
}

func (s *suite) contextCanceledUnnoticed(c *check) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	err := c.store.Update(ctx, func(tx store.Rows) error {
		s.put(c, tx, 1)
		s.put(c, tx, 2)
		cancel()
		return nil
	})
	if err == nil {
		s.kept(c, 1, 2)
		return
	}
	c.canceled(err, ctx, "Update")
	s.kept(c)
}

func (s *suite) contextDeadline(c *check) {
	s.writeAll(c)
	s.unchanged(c, func() {
		ctx, cancel := context.WithTimeout(c.ctx, glance)
		defer cancel()
		err := c.store.Update(ctx, func(tx store.Rows) error {
			s.changeAll(c, tx)
			<-ctx.Done()
			return s.insert(ctx, tx, 160)
		})
		c.canceled(err, ctx, "Update")
	})
	s.writeMore(c)
}

func (s *suite) contextCanceledView(c *check) {
	c.update(func(tx store.Rows) { s.put(c, tx, 1) })
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.canceled(c.store.View(ctx, func(tx store.Rows) error {
		row := make(store.Row, len(s.main.columns()))
		c.ok(tx.Get(ctx, s.main.table, newID(1), row), "Get")
		cancel()
		return tx.Get(ctx, s.main.table, newID(1), row)
	}), ctx, "View")
	c.update(func(tx store.Rows) { s.put(c, tx, 2) })
	s.kept(c, 1, 2)
}

func (s *suite) contextErrorOfFnWins(c *check) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.same(c.store.Update(ctx, func(tx store.Rows) error {
		s.put(c, tx, 1)
		cancel()
		return errOurs
	}), errOurs, "Update")
	s.kept(c)
}

func (s *suite) canceledWhileWaiting(c *check) {
	c.update(func(tx store.Rows) {
		c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock")
		s.put(c, tx, 1)
		c.elsewhere(func() {
			ctx, cancel := context.WithTimeout(c.ctx, glance)
			defer cancel()
			err := c.store.Update(ctx, func(tx store.Rows) error {
				if err := tx.Lock(ctx, lockKey("a")); err != nil {
					return err
				}
				return s.insert(ctx, tx, 2)
			})
			<-ctx.Done()
			c.canceled(err, ctx, "Update")
		})
	})
	s.kept(c, 1)
}
