package storetest

import (
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// timeRules are about the times of events, which never decrease along positions.
func (l *logbook) timeRules() []rule {
	return []rule{
		l.rule("time/never_back", "an event that is earlier than the newest of the log gets the time of that one, whichever transaction committed it, and keeps the rest.", l.timeNeverBack),
		l.rule("time/undone", "an event that was rolled back, or undone by a savepoint, raises no other.", l.timeUndone),
		l.rule("time/after_prune", "what is pruned raises no event, and what is left does.", l.timeAfterPrune),
		l.rule("time/read", "Events gives what lies between two instants, from any place on, both ways, and nothing of its own transaction.", l.timeRead),
		l.rule("time/read_pruned", "bounds of time hold in a log that lost its beginning, or everything, and leave the floor as it is.", l.timeReadPruned),
		l.rule("time/found", "what lies before and behind bounds of time is not examined.", l.timeFound),
	}
}

// at returns an event with the n-th time.
func (l *logbook) at(row store.Row, n int) store.Row {
	return l.edit(row, func(row store.Row) { row[l.log.Time] = store.Value{Int: clock(n)} })
}

// ordered returns events with the times that a log keeps.
func (l *logbook) ordered(list ...store.Row) []store.Row {
	list = slices.Clone(list)
	for i := 1; i < len(list); i++ {
		if before := list[i-1][l.log.Time]; list[i][l.log.Time].Int < before.Int {
			list[i] = l.edit(list[i], func(row store.Row) { row[l.log.Time] = before })
		}
	}
	return list
}

func (l *logbook) timeNeverBack(c *check) {
	l.commit(c, l.at(l.event(1), 5), l.at(l.event(2), 3))
	c.update(func(tx store.Rows) {
		l.append(c, tx, l.at(l.event(4), 4))
		l.append(c, tx, l.at(l.event(5), 8), newID(1))
		l.append(c, tx, l.at(l.event(7), 6), newID(1))
		l.append(c, tx, l.at(l.event(8), 8))
	})
	l.commit(c, l.at(l.event(10), 7), l.at(l.event(11), 9))
	l.logged(c, l.at(l.event(1), 5), l.at(l.event(2), 5), l.at(l.event(4), 5), l.at(l.event(5), 8), l.at(l.event(7), 8), l.at(l.event(8), 8),
		l.at(l.event(10), 8), l.at(l.event(11), 9))
	l.redacted(c, newID(1), 2) // the people were stored, too
}

func (l *logbook) timeUndone(c *check) {
	l.commit(c, l.at(l.event(1), 2))
	c.same(c.try(func(tx store.Rows) error {
		l.append(c, tx, l.at(l.event(2), 50))
		return errOurs
	}), errOurs, "Update")
	c.update(func(tx store.Rows) {
		c.fails(tx, func() { l.append(c, tx, l.at(l.event(4), 40)) })
		l.append(c, tx, l.at(l.event(5), 1))
		c.ok(tx.Savepoint(c.ctx, func() error {
			l.append(c, tx, l.at(l.event(7), 6))
			c.fails(tx, func() { l.append(c, tx, l.at(l.event(8), 30)) })
			return nil
		}), "Savepoint")
		l.append(c, tx, l.at(l.event(10), 4))
	})
	l.commit(c, l.at(l.event(11), 3))
	l.logged(c, l.at(l.event(1), 2), l.at(l.event(5), 2), l.at(l.event(7), 6), l.at(l.event(10), 6), l.at(l.event(11), 6))
}

func (l *logbook) timeAfterPrune(c *check) {
	l.commit(c, l.at(l.event(1), 5), l.at(l.event(2), 7))
	l.pruned(c, clock(6), 10, 1)
	l.commit(c, l.at(l.event(4), 6))
	l.logged(c, l.at(l.event(2), 7), l.at(l.event(4), 7))
	l.pruned(c, clock(7), 10, 0)
	l.pruned(c, clock(8), 10, 2) // as old as the event before it
	l.commit(c, l.at(l.event(5), 3))
	l.logged(c, l.at(l.event(5), 3))
}

// between returns conditions for events from one time on and before another; nil means no limit.
func (l *logbook) between(from, until *int64) (where []store.Cond) {
	if from != nil {
		where = append(where, store.Cond{Column: l.log.Time, Op: store.AtLeast, Values: []store.Value{{Int: *from}}})
	}
	if until != nil {
		where = append(where, store.Cond{Column: l.log.Time, Op: store.Less, Values: []store.Value{{Int: *until}}})
	}
	return where
}

// clocked commits events of which several have the same time, and some are earlier than the one before.
func (l *logbook) clocked(c *check) []event {
	for i, n := range []int{2, 2, 1, 4, 4, 4, 3, 7, 8, 8} {
		c.update(func(tx store.Rows) {
			c.fails(tx, func() { l.append(c, tx, l.at(l.event(50+i), 20)) })
			l.append(c, tx, l.at(l.event(i), n))
		})
	}
	return l.committed(c)
}

// readBetween reads the events between all pairs of limits, from the start and from each event on.
func (l *logbook) readBetween(c *check, tx store.Rows, all []event) {
	bounds := []*int64{nil}
	for n := range 10 {
		at := clock(n)
		bounds = append(bounds, &at)
	}
	for _, desc := range []bool{false, true} {
		list := all
		if desc {
			list = reversed(all)
		}
		for _, from := range bounds {
			for _, until := range bounds {
				where := l.between(from, until)
				passes := func(row store.Row) bool {
					at := row[l.log.Time].Int
					return (from == nil || at >= *from) && (until == nil || at < *until)
				}
				what := fmt.Sprintf("the events that %v selects, Desc %v", where, desc)
				c.equal(l.walkLog(c, tx, where, store.LogSpan{Limit: 2, Desc: desc}), matching(list, passes), what)
				for i, e := range list {
					got := l.walkLog(c, tx, where, store.LogSpan{After: e.at, Limit: 100, Desc: desc})
					c.equal(got, matching(list[i+1:], passes), what+fmt.Sprintf(", after %d", e.at))
				}
			}
		}
	}
}

func (l *logbook) timeRead(c *check) {
	c.view(func(tx store.Rows) { l.readBetween(c, tx, nil) })
	all := l.clocked(c)
	c.view(func(tx store.Rows) { l.readBetween(c, tx, all) })
	c.update(func(tx store.Rows) {
		l.append(c, tx, l.at(l.event(10), 8))
		l.append(c, tx, l.at(l.event(11), 9))
		l.readBetween(c, tx, all)
	})
}

func (l *logbook) timeReadPruned(c *check) {
	all := l.clocked(c)
	l.pruned(c, clock(3), 2, 2)
	from, until := clock(7), clock(8)
	c.view(func(tx store.Rows) {
		_, _, _, err := l.read(c, tx, l.between(&from, &until), store.LogSpan{After: all[0].at, Limit: 10})
		c.code(err, store.ErrEventsPruned, "Events from below the floor")
		l.readBetween(c, tx, all[2:])
	})
	c.update(func(tx store.Rows) {
		l.prune(c, tx, clock(9), 7, 7)
		l.append(c, tx, l.at(l.event(10), 8))
		l.readBetween(c, tx, all[9:])
		l.prune(c, tx, clock(9), 1, 1)
		l.readBetween(c, tx, nil)
	})
}

func (l *logbook) timeFound(c *check) {
	first, last := l.at(l.event(1), 2), l.at(l.event(2), 4)
	c.update(func(tx store.Rows) {
		l.append(c, tx, first)
		for range store.MaxExamined + 5 {
			l.append(c, tx, l.at(l.event(4), 3))
		}
		l.append(c, tx, last)
	})
	old, young := clock(3), clock(4)
	c.view(func(tx store.Rows) {
		at := [2]int64{}
		for i, desc := range []bool{false, true} {
			page, _, _, err := l.read(c, tx, nil, store.LogSpan{Limit: 1, Desc: desc})
			c.ok(err, "Events")
			at[i] = page[0].at
		}
		for _, desc := range []bool{false, true} {
			for _, one := range []struct {
				where []store.Cond
				want  event
			}{{l.between(nil, &old), event{at[0], first}}, {l.between(&young, nil), event{at[1], last}}} {
				page, next, done, err := l.read(c, tx, one.where, store.LogSpan{Limit: 5, Desc: desc})
				c.ok(err, "Events")
				c.equal(page, []event{one.want}, "the one page")
				c.equal(next == one.want.at && done, true, "done, at the one event")
			}
		}
	})
}
