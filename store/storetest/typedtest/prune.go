package typedtest

import (
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// aged is the n-th event of the prune rules, an hour older than the next.
func aged(n int) tenancy.Event {
	e := event(n)
	e.Time = hour(n)
	return e
}

func hour(n int) time.Time { return time.Date(2024, 1, 1, n, 0, 0, 0, time.UTC) }

// pruneRules are about Prune and what it leaves.
func pruneRules() []rule {
	return []rule{
		{"prune/oldest", "Prune removes the oldest events, as many as the limit, and says how many.", pruneOldest},
		{"prune/before", "an event at the instant given, or younger, stays.", pruneBefore},
		{"prune/stops_at_younger", "an old event behind a younger one stays: the log loses its beginning, never its middle.", pruneStopsAtYounger},
		{"prune/last_stays", "Last does not move back, though every event is gone, and positions go on from it.", pruneLastStays},
		{"prune/floor", "a reader that goes on from below what was pruned is told so by events_pruned; one that misses nothing is not.", pruneFloor},
		{"prune/floor_of_all", "the floor stands though no event is left.", pruneFloorOfAll},
		{"prune/rollback", "a Prune that was rolled back removed nothing and moved no floor.", pruneRollback},
		{"prune/bad_limit", "a limit below one is invalid, and nothing goes.", pruneBadLimit},
		{"prune/snapshot", "a View goes on seeing what is pruned meanwhile.", pruneSnapshot},
		{"prune/with_append", "Prune and Append in one transaction leave the new event.", pruneWithAppend},
	}
}

func pruneOldest(c *check) {
	c.aged(6)
	c.pruned(hour(100), 2, 2)
	c.logged(aged(2), aged(3), aged(4), aged(5))
	c.pruned(hour(100), 3, 3)
	c.pruned(hour(100), 3, 1)
	c.pruned(hour(100), 3, 0)
	c.logged()
}

func pruneBefore(c *check) {
	c.aged(4)
	c.pruned(hour(0), 10, 0)
	c.pruned(hour(2), 10, 2)
	c.logged(aged(2), aged(3))
	c.pruned(hour(2).Add(time.Microsecond), 10, 1)
	c.logged(aged(3))
}

func pruneStopsAtYounger(c *check) {
	young := aged(50)
	c.append(aged(0), aged(1), young, aged(2), aged(3))
	c.pruned(hour(10), 10, 2)
	c.logged(young, aged(2), aged(3))
	c.pruned(hour(10), 10, 0)
	c.logged(young, aged(2), aged(3))
	c.pruned(hour(51), 10, 3)
	c.logged()
}

func pruneLastStays(c *check) {
	c.aged(3)
	before := c.state().last
	c.pruned(hour(100), 10, 3)
	c.equal(c.state().last, before, "Last of a log with everything pruned")
	c.append(aged(4))
	all := c.state()
	c.equal(all.last > before && len(all.events) == 1 && all.events[0].Position == all.last, true, "the next event is beyond Last")
}

func pruneFloorOfAll(c *check) {
	c.aged(3)
	all := c.log()
	c.pruned(hour(100), 10, 3)
	c.view(func(tx tenancy.Tx) {
		_, _, _, err := tx.Events().Read(c.ctx, tenancy.EventFilter{}, tenancy.LogSpan{After: all[0].Position, Limit: 10})
		c.code(err, tenancy.ErrEventsPruned, "Read from below the floor")
		page, next, done, err := tx.Events().Read(c.ctx, tenancy.EventFilter{}, tenancy.LogSpan{After: all[2].Position, Limit: 10})
		c.ok(err, "Read from the floor")
		c.equal(len(page) == 0 && next == all[2].Position && done, true, "nothing, from the floor, done")
	})
}

func pruneRollback(c *check) {
	c.aged(4)
	first := c.log()[0].Position
	c.unchanged(func() {
		c.same(c.try(func(tx tenancy.Tx) error {
			_, err := tx.Events().Prune(c.ctx, hour(3), 10)
			c.ok(err, "Prune")
			return errOurs
		}), errOurs, "Update")
	})
	c.view(func(tx tenancy.Tx) {
		got := walkLog(c, tx, tenancy.EventFilter{}, tenancy.LogSpan{After: first, Limit: 10})
		c.events(got, []tenancy.Event{aged(1), aged(2), aged(3)}, "what follows the first event")
	})
}

func pruneBadLimit(c *check) {
	c.aged(2)
	c.unchanged(func() {
		c.update(func(tx tenancy.Tx) {
			for _, limit := range []int{0, -1} {
				_, err := tx.Events().Prune(c.ctx, hour(100), limit)
				c.code(err, tenancy.ErrInvalid, "Prune")
			}
		})
	})
}

func pruneSnapshot(c *check) {
	c.aged(4)
	c.view(func(tx tenancy.Tx) {
		before := stateOf(c, tx)
		c.elsewhere(func() { c.pruned(hour(100), 10, 4) })
		c.equal(stateOf(c, tx), before, "the log")
		walkLog(c, tx, tenancy.EventFilter{}, tenancy.LogSpan{After: before.events[0].Position, Limit: 10})
	})
	c.logged()
}

func pruneWithAppend(c *check) {
	c.aged(3)
	c.update(func(tx tenancy.Tx) {
		n, err := tx.Events().Prune(c.ctx, hour(2), 10)
		c.ok(err, "Prune")
		c.equal(n, 2, "how many went")
		c.ok(tx.Events().Append(c.ctx, aged(9)), "Append")
	})
	c.logged(aged(2), aged(9))
}

// aged commits the first n of them.
func (c *check) aged(n int) {
	for i := range n {
		c.append(aged(i))
	}
}

// pruned wants Prune to remove so many events.
func (c *check) pruned(before time.Time, limit, want int) {
	c.update(func(tx tenancy.Tx) {
		n, err := tx.Events().Prune(c.ctx, before, limit)
		c.ok(err, "Prune")
		c.equal(n, want, "how many Prune took")
	})
}

func pruneFloor(c *check) {
	c.aged(6)
	all := c.log()
	c.pruned(hour(3), 10, 3)
	c.view(func(tx tenancy.Tx) {
		for i, e := range all {
			span := tenancy.LogSpan{After: e.Position, Limit: 10}
			if i < 2 { // the third is pruned, and comes after this
				_, _, _, err := tx.Events().Read(c.ctx, tenancy.EventFilter{}, span)
				c.code(err, tenancy.ErrEventsPruned, "Read from below the floor")
			} else {
				c.events(walkLog(c, tx, tenancy.EventFilter{}, span), all[max(i+1, 3):], "what follows the floor")
			}
			span.Desc = true
			c.events(walkLog(c, tx, tenancy.EventFilter{}, span), reversed(all[min(3, i):i]), "backwards from there")
		}
		c.events(walkLog(c, tx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 2}), all[3:], "the log from its start")
		c.events(walkLog(c, tx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 2, Desc: true}), reversed(all[3:]), "the log from its end")
	})
}
