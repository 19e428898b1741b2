package typedtest

import "github.com/freehold-dev/freehold/tenancy"

// savepointRules are about parts of a transaction that fail alone.
func savepointRules() []rule {
	return []rule{
		{"savepoint/keeps", "what a savepoint wrote is kept with the rest, and sees what was written before it.", savepointKeeps},
		{"savepoint/fails_alone", "a savepoint that fails takes what it wrote along, and no more; its error is passed on itself.", savepointFailsAlone},
		{"savepoint/undoes_everything", "a savepoint that fails undoes inserts, updates, touches, deletes and events of every table.", savepointUndoesEverything},
		{"savepoint/undoes_over_own_writes", "a savepoint that fails restores what the same transaction had written before.", savepointOverOwnWrites},
		{"savepoint/goes_with_the_whole", "a savepoint that went well is undone with its transaction.", savepointGoesWithTheWhole},
		{"savepoint/panic", "a panic in a savepoint undoes it and is passed on; who recovers it may go on.", savepointPanic},
		{"savepoint/nested", "savepoints nest: each undoes itself and those within, and nothing around.", savepointNested},
		{"savepoint/one_after_another", "a transaction has as many savepoints as it likes.", savepointOneAfterAnother},
		{"savepoint/events_in_order", "events around a failed savepoint keep their order; its own leave no trace.", savepointEventsInOrder},
		{"savepoint/log_changes", "a savepoint that fails undoes Prune and Redact.", savepointLogChanges},
		{"savepoint/all_that_there_was", "a transaction of which nothing but a failed savepoint is left commits, and changed nothing.", func(c *check) {
			c.unchanged(func() {
				c.update(func(tx tenancy.Tx) { fails(c, tx, func(tx tenancy.Tx) { put(c, tx, 1) }) })
			})
		}},
	}
}

func savepointKeeps(c *check) {
	c.update(func(tx tenancy.Tx) {
		put(c, tx, 1)
		c.ok(tx.Savepoint(c.ctx, func(tx tenancy.Tx) error {
			has(c, tx, 1)
			put(c, tx, 2)
			has(c, tx, 1, 2)
			return nil
		}), "Savepoint")
		put(c, tx, 3)
	})
	kept(c, 1, 2, 3)
}

func savepointFailsAlone(c *check) {
	c.update(func(tx tenancy.Tx) {
		put(c, tx, 1)
		fails(c, tx, func(tx tenancy.Tx) { put(c, tx, 2) })
		has(c, tx, 1)
		put(c, tx, 2)
		put(c, tx, 3)
	})
	kept(c, 1, 2, 3)
}

func savepointUndoesEverything(c *check) {
	writeAll(c)
	c.unchanged(func() {
		c.update(func(tx tenancy.Tx) { fails(c, tx, func(tx tenancy.Tx) { changeAll(c, tx) }) })
	})
	writeMore(c)
}

func savepointGoesWithTheWhole(c *check) {
	c.same(c.try(func(tx tenancy.Tx) error {
		c.ok(tx.Savepoint(c.ctx, func(tx tenancy.Tx) error {
			put(c, tx, 1)
			return nil
		}), "Savepoint")
		return errOurs
	}), errOurs, "Update")
	kept(c)
}

func savepointPanic(c *check) {
	c.update(func(tx tenancy.Tx) {
		put(c, tx, 1)
		c.panics(func() {
			_ = tx.Savepoint(c.ctx, func(tx tenancy.Tx) error {
				put(c, tx, 2)
				panic(errOurs)
			})
		})
		has(c, tx, 1)
		put(c, tx, 3)
	})
	kept(c, 1, 3)
	c.panics(func() {
		_ = c.try(func(tx tenancy.Tx) error {
			put(c, tx, 4)
			return tx.Savepoint(c.ctx, func(tenancy.Tx) error { panic(errOurs) })
		})
	})
	kept(c, 1, 3)
}

func savepointOneAfterAnother(c *check) {
	var want []int
	c.update(func(tx tenancy.Tx) {
		want = nil
		for n := range 60 {
			if n%2 == 0 {
				fails(c, tx, func(tx tenancy.Tx) { put(c, tx, n) })
				continue
			}
			c.ok(tx.Savepoint(c.ctx, func(tx tenancy.Tx) error {
				put(c, tx, n)
				return nil
			}), "Savepoint")
			want = append(want, n)
		}
	})
	kept(c, want...)
}

func savepointEventsInOrder(c *check) {
	c.update(func(tx tenancy.Tx) {
		c.ok(tx.Events().Append(c.ctx, event(1)), "Append")
		fails(c, tx, func(tx tenancy.Tx) { c.ok(tx.Events().Append(c.ctx, event(2)), "Append") })
		c.ok(tx.Events().Append(c.ctx, event(3)), "Append")
	})
	c.logged(event(1), event(3))
}

func savepointLogChanges(c *check) {
	c.append(event(1), event(2), event(4))
	c.unchanged(func() {
		c.update(func(tx tenancy.Tx) {
			fails(c, tx, func(tx tenancy.Tx) {
				_, err := tx.Events().Redact(c.ctx, event(2).UserID)
				c.ok(err, "Redact")
				_, err = tx.Events().Prune(c.ctx, clock(2), 10)
				c.ok(err, "Prune")
			})
		})
	})
}

// put inserts the n-th organization.
func put(c *check, tx tenancy.Tx, n int) {
	c.ok(tx.Organizations().Insert(c.ctx, fullOrganization(n)), "Insert")
}

// add is put for transactions that meet others.
func add(c *check, tx tenancy.Tx, n int) error {
	return tx.Organizations().Insert(c.ctx, fullOrganization(n))
}

// has wants the transaction to see these organizations and no others.
func has(c *check, tx tenancy.Tx, numbers ...int) {
	var rows []tenancy.Organization
	for _, n := range numbers {
		rows = append(rows, fullOrganization(n))
	}
	organizations().holds(c, tx, "organizations", rows...)
}

// kept wants a later transaction to find these organizations and no others.
func kept(c *check, numbers ...int) {
	c.view(func(tx tenancy.Tx) { has(c, tx, numbers...) })
}

// fails runs fn in a savepoint that fails.
func fails(c *check, tx tenancy.Tx, fn func(tx tenancy.Tx)) {
	c.same(tx.Savepoint(c.ctx, func(tx tenancy.Tx) error {
		fn(tx)
		return errOurs
	}), errOurs, "Savepoint")
}

func savepointOverOwnWrites(c *check) {
	old := fullOrganization(1)
	changed := fullOrganization(11)
	changed.ID, changed.Version = old.ID, 2
	again := fullOrganization(12)
	again.ID, again.Version = old.ID, 3
	c.update(func(tx tenancy.Tx) { put(c, tx, 1) })
	c.update(func(tx tenancy.Tx) {
		put(c, tx, 2)
		c.ok(tx.Organizations().Update(c.ctx, changed), "Update")
		fails(c, tx, func(tx tenancy.Tx) {
			c.ok(tx.Organizations().Update(c.ctx, again), "Update")
			c.ok(tx.Organizations().Delete(c.ctx, fullOrganization(2).ID), "Delete")
			put(c, tx, 3)
		})
		organizations().holds(c, tx, "after the savepoint", changed, fullOrganization(2))
		fails(c, tx, func(tx tenancy.Tx) { c.ok(tx.Organizations().Delete(c.ctx, old.ID), "Delete") })
		organizations().holds(c, tx, "after another", changed, fullOrganization(2))
	})
	organizations().keeps(c, "afterwards", changed, fullOrganization(2))
}

func savepointNested(c *check) {
	nest := func(tx tenancy.Tx, fn func(tx tenancy.Tx)) {
		c.ok(tx.Savepoint(c.ctx, func(tx tenancy.Tx) error {
			fn(tx)
			return nil
		}), "Savepoint")
	}
	c.update(func(tx tenancy.Tx) {
		put(c, tx, 1)
		nest(tx, func(tx tenancy.Tx) {
			put(c, tx, 2)
			fails(c, tx, func(tx tenancy.Tx) {
				put(c, tx, 3)
				nest(tx, func(tx tenancy.Tx) { put(c, tx, 4) })
				has(c, tx, 1, 2, 3, 4)
			})
			has(c, tx, 1, 2)
			nest(tx, func(tx tenancy.Tx) {
				put(c, tx, 5)
				fails(c, tx, func(tx tenancy.Tx) { put(c, tx, 6) })
			})
		})
		fails(c, tx, func(tx tenancy.Tx) {
			nest(tx, func(tx tenancy.Tx) {
				put(c, tx, 7)
				fails(c, tx, func(tx tenancy.Tx) { put(c, tx, 8) })
			})
			has(c, tx, 1, 2, 5, 7)
		})
		has(c, tx, 1, 2, 5)
	})
	kept(c, 1, 2, 5)
}
