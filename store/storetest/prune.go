package storetest

import (
	"time"

	"github.com/freehold-dev/freehold/store"
)

// aged returns the n-th event of the prune rules, an hour older than the next.
func (l *logbook) aged(n int) store.Row {
	row := l.event(n)
	row[l.log.Time].Int = hour(n)
	return row
}

func hour(n int) int64 { return time.Date(2024, 1, 1, n, 0, 0, 0, time.UTC).UnixMicro() }

// pruneRules are about Prune and what it keeps.
func (l *logbook) pruneRules() []rule {
	return []rule{
		l.rule("prune/oldest", "Prune removes the oldest events, as many as the limit, and says how many.", l.pruneOldest),
		l.rule("prune/before", "an event at the instant given, or younger, stays.", l.pruneBefore),
		l.rule("prune/stops_at_younger", "an event behind a younger one stays with that: the log loses its beginning, never its middle.", l.pruneStopsAtYounger),
		l.rule("prune/last_stays", "Last does not move back, though every event is gone, and positions go on from it.", l.pruneLastStays),
		l.rule("prune/floor", "a reader that goes on from below what was pruned gets events_pruned; one that misses nothing does not.", l.pruneFloor),
		l.rule("prune/floor_of_all", "the floor stands though no event is left.", l.pruneFloorOfAll),
		l.rule("prune/rollback", "a Prune that was rolled back removed nothing and moved no floor.", l.pruneRollback),
		l.rule("prune/bad_limit", "a limit below one is invalid, and nothing goes.", l.pruneBadLimit),
		l.rule("prune/snapshot", "a View goes on seeing what is pruned meanwhile.", l.pruneSnapshot),
		l.rule("prune/with_append", "Prune and Append in one transaction leave the new event.", l.pruneWithAppend),
	}
}

// age commits the first n of these events.
func (l *logbook) age(c *check, n int) {
	for i := range n {
		l.commit(c, l.aged(i))
	}
}

// pruned checks that Prune removes want events.
func (l *logbook) pruned(c *check, before int64, limit, want int) {
	c.update(func(tx store.Rows) { l.prune(c, tx, before, limit, want) })
}

func (l *logbook) prune(c *check, tx store.Rows, before int64, limit, want int) {
	n, err := tx.Prune(c.ctx, l.log, before, limit)
	c.ok(err, "Prune")
	c.equal(n, want, "how many Prune took")
}

func (l *logbook) pruneOldest(c *check) {
	l.age(c, 6)
	l.pruned(c, hour(100), 2, 2)
	l.logged(c, l.aged(2), l.aged(3), l.aged(4), l.aged(5))
	l.pruned(c, hour(100), 3, 3)
	l.pruned(c, hour(100), 3, 1)
	l.pruned(c, hour(100), 3, 0)
	l.logged(c)
}

func (l *logbook) pruneBefore(c *check) {
	l.age(c, 4)
	l.pruned(c, hour(0), 10, 0)
	l.pruned(c, hour(2), 10, 2)
	l.logged(c, l.aged(2), l.aged(3))
	l.pruned(c, hour(2)+1, 10, 1)
	l.logged(c, l.aged(3))
}

func (l *logbook) pruneStopsAtYounger(c *check) {
	young := l.aged(50)
	l.commit(c, l.aged(0), l.aged(1), young, l.aged(2), l.aged(3))
	l.pruned(c, hour(10), 10, 2)
	l.logged(c, young, l.aged(2), l.aged(3))
	l.pruned(c, hour(10), 10, 0)
	l.logged(c, young, l.aged(2), l.aged(3))
	l.pruned(c, hour(51), 10, 3)
	l.logged(c)
}

func (l *logbook) pruneLastStays(c *check) {
	l.age(c, 3)
	before := l.committed(c)[2].at
	l.pruned(c, hour(100), 10, 3)
	c.view(func(tx store.Rows) { c.equal(l.last(c, tx), before, "Last of a log with everything pruned") })
	l.commit(c, l.aged(4))
	c.view(func(tx store.Rows) {
		all := l.events(c, tx)
		c.equal(len(all) == 1 && all[0].at > before && all[0].at == l.last(c, tx), true, "the next event is beyond Last")
	})
}

func (l *logbook) pruneFloorOfAll(c *check) {
	l.age(c, 3)
	all := l.committed(c)
	l.pruned(c, hour(100), 10, 3)
	c.view(func(tx store.Rows) {
		_, _, _, err := l.read(c, tx, nil, store.LogSpan{After: all[0].at, Limit: 10})
		c.code(err, store.ErrEventsPruned, "Events from below the floor")
		page, next, done, err := l.read(c, tx, nil, store.LogSpan{After: all[2].at, Limit: 10})
		c.ok(err, "Events from the floor")
		c.equal(len(page) == 0 && next == all[2].at && done, true, "nothing, from the floor, done")
	})
}

func (l *logbook) pruneRollback(c *check) {
	l.age(c, 4)
	all := l.committed(c)
	c.same(c.try(func(tx store.Rows) error {
		l.prune(c, tx, hour(3), 10, 3)
		return errOurs
	}), errOurs, "Update")
	c.view(func(tx store.Rows) {
		c.equal(l.events(c, tx), all, "the log")
		got := l.walkLog(c, tx, nil, store.LogSpan{After: all[0].at, Limit: 10})
		c.equal(got, all[1:], "what follows the first event")
	})
}

func (l *logbook) pruneBadLimit(c *check) {
	l.age(c, 2)
	c.update(func(tx store.Rows) {
		for _, limit := range []int{0, -1} {
			_, err := tx.Prune(c.ctx, l.log, hour(100), limit)
			c.invalid(err, "limit", "Prune")
		}
	})
	l.logged(c, l.aged(0), l.aged(1))
}

func (l *logbook) pruneSnapshot(c *check) {
	l.age(c, 4)
	c.view(func(tx store.Rows) {
		before := l.events(c, tx)
		c.elsewhere(func() { l.pruned(c, hour(100), 10, 4) })
		c.equal(l.events(c, tx), before, "the log")
		l.walkLog(c, tx, nil, store.LogSpan{After: before[0].at, Limit: 10})
	})
	l.logged(c)
}

func (l *logbook) pruneWithAppend(c *check) {
	l.age(c, 3)
	c.update(func(tx store.Rows) {
		l.prune(c, tx, hour(2), 10, 2)
		l.append(c, tx, l.aged(9))
	})
	l.logged(c, l.aged(2), l.aged(9))
}

func (l *logbook) pruneFloor(c *check) {
	l.age(c, 6)
	all := l.committed(c)
	l.pruned(c, hour(3), 10, 3)
	c.view(func(tx store.Rows) {
		for i, e := range all {
			span := store.LogSpan{After: e.at, Limit: 10}
			if i < 2 { // the third one is pruned, and is written after this
				_, _, _, err := l.read(c, tx, nil, span)
				c.code(err, store.ErrEventsPruned, "Events from below the floor")
			} else {
				c.equal(rowsOf(l.walkLog(c, tx, nil, span)), rowsOf(all[max(i+1, 3):]), "what follows the floor")
			}
			span.Desc = true
			c.equal(rowsOf(l.walkLog(c, tx, nil, span)), rowsOf(reversed(all[min(3, i):i])), "backwards from there")
		}
		c.equal(l.walkLog(c, tx, nil, store.LogSpan{Limit: 2}), all[3:], "the log from its start")
		c.equal(l.walkLog(c, tx, nil, store.LogSpan{Limit: 2, Desc: true}), reversed(all[3:]), "the log from its end")
	})
}
