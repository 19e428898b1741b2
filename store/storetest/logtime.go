package storetest

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// timeRules are about the times of events, which never decrease along positions.
func (l *logbook) timeRules() []rule {
	return []rule{
		l.rule("time/never_back", "an event that is earlier than the newest of the log gets the time of that one, whoever committed it, and keeps the rest.", l.timeNeverBack),
		l.rule("time/undone", "an event that was rolled back, or undone by a savepoint, raises no other.", l.timeUndone),
		l.rule("time/after_prune", "what is pruned raises no event, and what is left does.", l.timeAfterPrune),
	}
}

// at gives an event the n-th instant.
func (l *logbook) at(row store.Row, n int) store.Row {
	return l.edit(row, func(row store.Row) { row[l.log.Time] = store.Value{Int: clock(n)} })
}

// ordered gives events the times that a log keeps.
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
	l.redacted(c, newID(1), 2) // the people were kept, too
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
	l.pruned(c, clock(8), 10, 2) // as old as the one before it
	l.commit(c, l.at(l.event(5), 3))
	l.logged(c, l.at(l.event(5), 3))
}
