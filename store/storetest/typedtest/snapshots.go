package typedtest

import "github.com/freehold-dev/freehold/tenancy"

// snapshotRules are about readers and writers that do not wait for each other.
func snapshotRules() []rule {
	return []rule{
		{"snapshot/stays", "a View sees one state from its first read on, whatever commits meanwhile; a writer does not wait for it.", snapshotStays},
		{"snapshot/pages", "the pages of one View are of one state.", snapshotPages},
		{"snapshot/uncommitted", "what an Update has written is unseen by others until it commits; a reader does not wait for it.", snapshotUncommitted},
		{"snapshot/whole", "a commit becomes visible as a whole: rows and events of every table at once.", snapshotWhole},
		{"snapshot/many", "views of different states live side by side.", snapshotMany},
		{"snapshot/own_commits", "what an Update committed is seen by every View that begins after it.", snapshotOwnCommits},
	}
}

func snapshotStays(c *check) {
	writeAll(c)
	before := c.state()
	c.view(func(tx tenancy.Tx) {
		c.equal(stateOf(c, tx), before, "what the view reads first")
		c.elsewhere(func() {
			c.update(func(tx tenancy.Tx) { changeAll(c, tx) })
			c.update(func(tx tenancy.Tx) { put(c, tx, 60) })
		})
		c.equal(stateOf(c, tx), before, "what the view reads after a commit")
	})
	c.equal(len(c.state().rows["organization"]), len(before.rows["organization"])+2, "organizations, in a later view")
}

func snapshotPages(c *check) {
	s := organizations()
	rows := s.seed(c, 12)
	c.view(func(tx tenancy.Tx) {
		span := tenancy.Span{Limit: 5, Order: tenancy.ByName}
		want := s.ordered(rows, span.Order, false)
		first := s.list(c, tx, tenancy.OrganizationFilter{}, span)
		c.equal(first, want[:5], "the first page")
		c.elsewhere(func() {
			c.update(func(tx tenancy.Tx) {
				put(c, tx, 20)
				c.ok(tx.Organizations().Delete(c.ctx, want[6].ID), "Delete")
				c.ok(tx.Organizations().Update(c.ctx, s.next(want[7], fullOrganization(21))), "Update")
			})
		})
		span.After, span.Limit = s.key(first[4], span.Order), 100
		c.equal(s.list(c, tx, tenancy.OrganizationFilter{}, span), want[5:], "the rest")
	})
}

func snapshotUncommitted(c *check) {
	writeAll(c)
	before := c.state()
	c.update(func(tx tenancy.Tx) {
		changeAll(c, tx)
		c.elsewhere(func() { c.equal(c.state(), before, "what a view sees meanwhile") })
	})
	c.same(c.try(func(tx tenancy.Tx) error {
		put(c, tx, 60)
		c.elsewhere(func() {
			c.view(func(tx tenancy.Tx) {
				_, err := tx.Organizations().Get(c.ctx, fullOrganization(60).ID)
				c.code(err, tenancy.ErrNotFound, "Get of what will be rolled back")
			})
		})
		return errOurs
	}), errOurs, "Update")
}

func snapshotMany(c *check) {
	const depth = 1 // two views: there may be no more connections to read with
	var nest func(n int)
	nest = func(n int) {
		c.view(func(tx tenancy.Tx) {
			counts := func() int { return organizations().count(c, tx, tenancy.OrganizationFilter{}) }
			c.equal(counts(), n, "organizations at first")
			if n < depth {
				c.elsewhere(func() {
					c.update(func(tx tenancy.Tx) { put(c, tx, n) })
					nest(n + 1)
				})
			}
			c.equal(counts(), n, "organizations at last")
		})
	}
	nest(0)
}

func snapshotOwnCommits(c *check) {
	c.together(4, func(i int) {
		for n := i * 10; n < i*10+10; n++ {
			c.contend(func(tx tenancy.Tx) error { return add(c, tx, n) })
			c.view(func(tx tenancy.Tx) {
				_, err := tx.Organizations().Get(c.ctx, fullOrganization(n).ID)
				c.ok(err, "Get")
			})
		}
	})
}

// snapshotWhole has writers that keep two tables and the log in step, and readers
// that look for a step missed.
func snapshotWhole(c *check) {
	const writers, writes, readers = 2, 15, 2
	done := make(chan struct{})
	reading := c.start(func() {
		c.together(readers, func(int) {
			for {
				c.view(func(tx tenancy.Tx) {
					n := organizations().count(c, tx, tenancy.OrganizationFilter{})
					c.equal(users().count(c, tx, tenancy.UserFilter{}), n, "users, as many as organizations")
					c.equal(len(events(c, tx)), n, "events, as many as organizations")
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
				c.contend(func(tx tenancy.Tx) error {
					if err := add(c, tx, n); err != nil {
						return err
					}
					if err := tx.Events().Append(c.ctx, event(n)); err != nil {
						return err
					}
					return tx.Users().Insert(c.ctx, fullUserAlone(n))
				})
			}
		})
	}()
	<-reading
}
