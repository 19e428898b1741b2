package typedtest

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// accessRules are about the parts of a transaction besides its tables, where they
// must refuse: in a view and after the end.
func accessRules() []rule {
	return []rule{
		{"view/refuses_log_writes", "Append, Prune, Redact, Lock and Savepoint are read_only in a view, and nothing is written.", func(c *check) {
			writeAll(c)
			c.unchanged(func() {
				c.view(func(tx tenancy.Tx) { writesBesides(c, c.ctx, tx, tenancy.ErrReadOnly) })
			})
		}},
		{"view/refusal_passed_on", "a refused write that fn returns comes out of View as read_only.", func(c *check) {
			c.unchanged(func() {
				err := tenancy.Typed(c.store).View(c.ctx, func(tx tenancy.Tx) error { return tx.Users().Insert(c.ctx, bareUser(1)) })
				c.code(err, tenancy.ErrReadOnly, "View")
			})
		}},
		{"tx/closed_after_end", "log, Lock and Savepoint answer closed after the end of their transaction.", txClosedAfterEnd},
		{"tx/statement_canceled", "log, Lock and Savepoint are canceled when their context has ended, and do nothing.", txStatementCanceled},
	}
}

func txClosedAfterEnd(c *check) {
	writeAll(c)
	c.unchanged(func() {
		var kept tenancy.Tx
		c.update(func(tx tenancy.Tx) { kept = tx })
		readsBesides(c, c.ctx, kept, tenancy.ErrClosed)
		writesBesides(c, c.ctx, kept, tenancy.ErrClosed)
		c.view(func(tx tenancy.Tx) { kept = tx })
		readsBesides(c, c.ctx, kept, tenancy.ErrClosed)
		writesBesides(c, c.ctx, kept, tenancy.ErrClosed)
		c.panics(func() {
			_ = c.try(func(tx tenancy.Tx) error {
				kept = tx
				panic(errOurs)
			})
		})
		readsBesides(c, c.ctx, kept, tenancy.ErrClosed)
		writesBesides(c, c.ctx, kept, tenancy.ErrClosed)
	})
}

func txStatementCanceled(c *check) {
	writeAll(c)
	ended, cancel := context.WithCancel(c.ctx)
	cancel()
	c.unchanged(func() {
		c.update(func(tx tenancy.Tx) {
			readsBesides(c, ended, tx, tenancy.ErrCanceled)
			writesBesides(c, ended, tx, tenancy.ErrCanceled)
		})
	})
	writeMore(c)
}

// writesBesides tries all that writes besides the tables, and wants it refused.
func writesBesides(c *check, ctx context.Context, tx tenancy.Tx, want tenancy.Code) {
	c.code(tx.Events().Append(ctx, event(9)), want, "Append")
	_, err := tx.Events().Prune(ctx, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 10)
	c.code(err, want, "Prune")
	_, err = tx.Events().Redact(ctx, event(1).UserID)
	c.code(err, want, "Redact")
	c.code(tx.Lock(ctx, lockKey("a")), want, "Lock")
	ran := false
	c.code(tx.Savepoint(ctx, func(tenancy.Tx) error {
		ran = true
		return nil
	}), want, "Savepoint")
	c.equal(ran, false, "whether the refused Savepoint ran its fn")
}

// readsBesides tries all that reads besides the tables, and wants it refused.
func readsBesides(c *check, ctx context.Context, tx tenancy.Tx, want tenancy.Code) {
	_, _, _, err := tx.Events().Read(ctx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 10})
	c.code(err, want, "Read")
	_, err = tx.Events().Last(ctx)
	c.code(err, want, "Last")
}

func lockKey(value string) tenancy.LockKey {
	return tenancy.LockKey{Class: tenancy.LockUser, Value: value}
}
