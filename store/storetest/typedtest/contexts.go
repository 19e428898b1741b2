package typedtest

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// contextRules are about contexts that end.
func contextRules() []rule {
	return []rule{
		{"context/canceled_before", "a context that has ended is canceled, wraps the context's error, and nothing is written.", contextCanceledBefore},
		{"context/canceled_midway", "a context that ends in mid-transaction fails the next statement, and nothing is kept.", contextCanceledMidway},
		{"context/canceled_unnoticed", "a context that ends after the last statement: Update says canceled and keeps nothing, or nil and keeps all.", contextCanceledUnnoticed},
		{"context/deadline", "a deadline that passes in mid-transaction is canceled, wraps it, and nothing is kept.", contextDeadline},
		{"context/canceled_view", "a context that ends in mid-view fails the next read.", contextCanceledView},
		{"context/canceled_while_waiting", "an Update that waits for another gives up when its context ends.", canceledWhileWaiting},
		{"context/error_of_fn_wins", "an error of fn's own is passed on itself though the context has ended.", contextErrorOfFnWins},
	}
}

func contextCanceledBefore(c *check) {
	canceled, cancel := context.WithCancel(c.ctx)
	cancel()
	late, cancel := context.WithDeadline(c.ctx, time.Unix(1, 0))
	defer cancel()
	c.unchanged(func() {
		for _, ctx := range []context.Context{canceled, late} {
			write := func(tx tenancy.Tx) error { return tx.Organizations().Insert(c.ctx, fullOrganization(1)) }
			c.canceled(tenancy.Typed(c.store).Update(ctx, write), ctx, "Update")
			c.canceled(tenancy.Typed(c.store).View(ctx, func(tenancy.Tx) error { return nil }), ctx, "View")
		}
	})
}

func contextCanceledMidway(c *check) {
	writeAll(c)
	c.unchanged(func() {
		ctx, cancel := context.WithCancel(c.ctx)
		defer cancel()
		c.canceled(tenancy.Typed(c.store).Update(ctx, func(tx tenancy.Tx) error {
			changeAll(c, tx)
			cancel()
			return tx.Organizations().Insert(ctx, fullOrganization(60))
		}), ctx, "Update")
	})
	writeMore(c)
}

func contextCanceledUnnoticed(c *check) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	err := tenancy.Typed(c.store).Update(ctx, func(tx tenancy.Tx) error {
		put(c, tx, 1)
		put(c, tx, 2)
		cancel()
		return nil
	})
	if err == nil {
		kept(c, 1, 2)
		return
	}
	c.canceled(err, ctx, "Update")
	kept(c)
}

func contextDeadline(c *check) {
	writeAll(c)
	c.unchanged(func() {
		ctx, cancel := context.WithTimeout(c.ctx, 20*time.Millisecond)
		defer cancel()
		err := tenancy.Typed(c.store).Update(ctx, func(tx tenancy.Tx) error {
			changeAll(c, tx)
			<-ctx.Done()
			return tx.Organizations().Insert(ctx, fullOrganization(60))
		})
		c.canceled(err, ctx, "Update")
	})
	writeMore(c)
}

func contextCanceledView(c *check) {
	writeAll(c)
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.canceled(tenancy.Typed(c.store).View(ctx, func(tx tenancy.Tx) error {
		_, err := tx.Organizations().Get(ctx, newID[tenancy.Organization](1))
		c.ok(err, "Get")
		cancel()
		_, err = tx.Organizations().Get(ctx, newID[tenancy.Organization](1))
		return err
	}), ctx, "View")
	writeMore(c)
}

func contextErrorOfFnWins(c *check) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.same(tenancy.Typed(c.store).Update(ctx, func(tx tenancy.Tx) error {
		put(c, tx, 1)
		cancel()
		return errOurs
	}), errOurs, "Update")
	kept(c)
}

// canceled wants the error of a context that has ended.
func (c *check) canceled(err error, ctx context.Context, what string) { // the error comes first, as in code
	c.code(err, tenancy.ErrCanceled, what)
	if !errors.Is(err, ctx.Err()) {
		c.failf("%s: got error %v, want one that wraps %v", what, err, ctx.Err())
	}
}

func canceledWhileWaiting(c *check) {
	c.update(func(tx tenancy.Tx) {
		c.ok(tx.Lock(c.ctx, lockKey("a")), "Lock")
		put(c, tx, 1)
		c.elsewhere(func() {
			ctx, cancel := context.WithTimeout(c.ctx, 20*time.Millisecond)
			defer cancel()
			err := tenancy.Typed(c.store).Update(ctx, func(tx tenancy.Tx) error {
				if err := tx.Lock(ctx, lockKey("a")); err != nil {
					return err
				}
				return tx.Organizations().Insert(ctx, fullOrganization(2))
			})
			<-ctx.Done()
			c.canceled(err, ctx, "Update")
		})
	})
	kept(c, 1)
}
