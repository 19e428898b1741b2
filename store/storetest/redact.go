package storetest

import "github.com/freehold-dev/freehold/store"

// redactRules are about Redact.
func (l *logbook) redactRules() []rule {
	return []rule{
		l.rule("redact/person", "Redact empties the events about a person, marks them, and leaves the rest of them as it was.", func(c *check) {
			about, other, none := l.event(1), l.event(2), l.event(3)
			l.commit(c, about, other, none, about)
			l.redacted(c, l.person(about), 2)
			l.logged(c, l.empty(about), other, none, l.empty(about))
		}),
		l.rule("redact/people", "Redact finds the events that list a person among others, and those alone.", l.redactPeople),
		l.rule("redact/steps", "Redact takes so many events behind a position, in order, and says where to go on from.", l.redactSteps),
		l.rule("redact/again", "Redact changes nothing the second time, and says so.", func(c *check) {
			l.commit(c, l.event(1), l.event(2))
			l.redacted(c, l.person(l.event(1)), 1)
			l.redacted(c, l.person(l.event(1)), 0)
			l.logged(c, l.empty(l.event(1)), l.event(2))
		}),
		l.rule("redact/own_events", "Redact reaches the events that its own transaction appended before it.", l.redactOwnEvents),
		l.rule("redact/rollback", "a Redact that was rolled back changed nothing.", l.redactRollback),
		l.rule("redact/moves_nothing", "Redact moves neither positions nor Last.", l.redactMovesNothing),
		l.rule("redact/snapshot", "a View goes on seeing what is redacted meanwhile.", l.redactSnapshot),
		l.rule("redact/after_prune", "Redact counts no event that is pruned.", func(c *check) {
			young := l.about(l.aged(9), newID(1))
			for _, row := range []store.Row{l.aged(0), l.aged(1), young} {
				c.update(func(tx store.Rows) { l.append(c, tx, row, newID(1)) })
			}
			l.pruned(c, hour(5), 10, 2)
			l.redacted(c, newID(1), 1)
			l.logged(c, l.empty(young))
		}),
	}
}

// redacted checks that Redact changes want events.
func (l *logbook) redacted(c *check, person [16]byte, want int) {
	c.update(func(tx store.Rows) { l.redact(c, tx, person, want) })
}

func (l *logbook) redact(c *check, tx store.Rows, person [16]byte, want int) {
	c.equal(l.redactSome(c, tx, person, 0, 100, want), int64(0), "where Redact goes on from")
}

// redactSome checks that Redact changes want events, and returns where it continues.
func (l *logbook) redactSome(c *check, tx store.Rows, person [16]byte, after int64, limit, want int) int64 {
	n, next, err := tx.Redact(c.ctx, l.log, person, after, limit)
	c.ok(err, "Redact")
	c.equal(n, want, "how many events Redact changed")
	return next
}

// redactSteps uses events about a person, events that list the person, and others.
func (l *logbook) redactSteps(c *check) {
	ada, bob := newID(1), newID(2)
	about, other := l.about(l.event(1), ada), l.about(l.event(2), bob)
	c.update(func(tx store.Rows) {
		l.append(c, tx, other, ada)
		l.append(c, tx, about)
		l.append(c, tx, other)
		l.append(c, tx, about, ada, bob)
		l.append(c, tx, other, ada)
	})
	at := l.committed(c)
	at1, at3 := at[1].at, at[3].at
	c.update(func(tx store.Rows) {
		_, _, err := tx.Redact(c.ctx, l.log, ada, 0, 0)
		c.invalid(err, "limit", "Redact")
		c.equal(l.redactSome(c, tx, ada, 0, 2, 2), at1, "where Redact goes on from")
	})
	l.logged(c, l.empty(other), l.empty(about), other, about, other)
	c.update(func(tx store.Rows) { c.equal(l.redactSome(c, tx, ada, at1, 1, 1), at3, "where Redact goes on from") })
	l.logged(c, l.empty(other), l.empty(about), other, l.empty(about), other)
	c.update(func(tx store.Rows) {
		// From the beginning it reaches events that are empty already, except those that only listed the
		// person.
		c.equal(l.redactSome(c, tx, ada, 0, 2, 0), at3, "where Redact goes on from")
		c.equal(l.redactSome(c, tx, ada, at3, 2, 1), int64(0), "where Redact goes on from")
		c.equal(l.redactSome(c, tx, bob, 0, 2, 1), at[2].at, "where Redact goes on from")
	})
	l.logged(c, l.empty(other), l.empty(about), l.empty(other), l.empty(about), l.empty(other))
}

func (l *logbook) redactPeople(c *check) {
	ada, bob, eve := newID(1), newID(2), newID(3)
	both, one, about := l.event(1), l.event(2), l.about(l.event(4), eve)
	c.update(func(tx store.Rows) {
		l.append(c, tx, both, ada, bob)
		l.append(c, tx, one, bob)
		l.append(c, tx, about, eve, eve)
	})
	l.redacted(c, newID(4), 0)
	l.logged(c, both, one, about)
	l.redacted(c, ada, 1)
	l.logged(c, l.empty(both), one, about)
	l.redacted(c, eve, 1)
	l.logged(c, l.empty(both), one, l.empty(about))
	l.redacted(c, bob, 1)
	l.logged(c, l.empty(both), l.empty(one), l.empty(about))
}

func (l *logbook) redactOwnEvents(c *check) {
	about, listed := l.event(1), l.event(2)
	l.commit(c, about)
	c.update(func(tx store.Rows) {
		l.append(c, tx, about)
		l.append(c, tx, listed, l.person(about))
		l.redact(c, tx, l.person(about), 3)
		l.append(c, tx, about)
	})
	l.logged(c, l.empty(about), l.empty(about), l.empty(listed), about)
}

func (l *logbook) redactRollback(c *check) {
	l.commit(c, l.event(1))
	c.same(c.try(func(tx store.Rows) error {
		l.redact(c, tx, l.person(l.event(1)), 1)
		return errOurs
	}), errOurs, "Update")
	l.logged(c, l.event(1))
}

func (l *logbook) redactMovesNothing(c *check) {
	l.commit(c, l.event(1), l.event(2))
	before := l.committed(c)
	l.redacted(c, l.person(l.event(1)), 1)
	after := l.committed(c)
	for i := range before {
		c.equal(after[i].at, before[i].at, "a position")
	}
	c.view(func(tx store.Rows) { c.equal(l.last(c, tx), before[1].at, "Last") })
}

func (l *logbook) redactSnapshot(c *check) {
	l.commit(c, l.event(1))
	c.view(func(tx store.Rows) {
		before := l.events(c, tx)
		c.elsewhere(func() { l.redacted(c, l.person(l.event(1)), 1) })
		c.equal(l.events(c, tx), before, "the log")
	})
}
