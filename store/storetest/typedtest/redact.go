package typedtest

import (
	"slices"

	"github.com/freehold-dev/freehold/tenancy"
)

func reversed[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// redactRules are about Redact.
func redactRules() []rule {
	return []rule{
		{"redact/person", "Redact empties the events about a person, marks them, and leaves the rest of them as it was.", func(c *check) {
			about, other, none := event(1), event(2), event(3)
			c.append(about, other, none, about)
			c.redacted(about.UserID, 2)
			c.logged(empty(about), other, none, empty(about))
		}},
		{"redact/people", "Redact finds the events that list a person among others, and those alone.", redactPeople},
		{"redact/again", "Redact changes nothing the second time, and says so.", func(c *check) {
			c.append(event(1), event(2))
			c.redacted(event(1).UserID, 1)
			c.unchanged(func() { c.redacted(event(1).UserID, 0) })
		}},
		{"redact/own_events", "Redact reaches the events that its own transaction appended before it.", redactOwnEvents},
		{"redact/rollback", "a Redact that was rolled back changed nothing.", redactRollback},
		{"redact/moves_nothing", "Redact moves neither positions nor Last.", redactMovesNothing},
		{"redact/snapshot", "a View goes on seeing what is redacted meanwhile.", redactSnapshot},
	}
}

func redactPeople(c *check) {
	ada, bob, eve := newID[tenancy.User](1), newID[tenancy.User](2), newID[tenancy.User](3)
	both, one, about := event(1), event(3), event(4)
	both.People, one.People, about.People = []tenancy.UserID{ada, bob}, []tenancy.UserID{bob}, []tenancy.UserID{eve, eve}
	one.Data, about.UserID = both.Data, eve
	c.append(both, one, about)
	c.redacted(newID[tenancy.User](4), 0)
	c.logged(both, one, about)
	c.redacted(ada, 1)
	c.logged(empty(both), one, about)
	c.redacted(eve, 1)
	c.logged(empty(both), one, empty(about))
	c.redacted(bob, 1)
	c.logged(empty(both), empty(one), empty(about))
}

func redactOwnEvents(c *check) {
	about := event(1)
	listed := event(3)
	listed.People, listed.Data = []tenancy.UserID{about.UserID}, about.Data
	c.append(about)
	c.update(func(tx tenancy.Tx) {
		c.ok(tx.Events().Append(c.ctx, about), "Append")
		c.ok(tx.Events().Append(c.ctx, listed), "Append")
		n, err := tx.Events().Redact(c.ctx, about.UserID)
		c.ok(err, "Redact")
		c.equal(n, 3, "how many events Redact changed")
		c.ok(tx.Events().Append(c.ctx, about), "Append")
	})
	c.logged(empty(about), empty(about), empty(listed), about)
}

func redactRollback(c *check) {
	c.append(event(1))
	c.unchanged(func() {
		c.same(c.try(func(tx tenancy.Tx) error {
			_, err := tx.Events().Redact(c.ctx, event(1).UserID)
			c.ok(err, "Redact")
			return errOurs
		}), errOurs, "Update")
	})
}

func redactMovesNothing(c *check) {
	c.append(event(1), event(2))
	before := c.state()
	c.redacted(event(1).UserID, 1)
	after := c.state()
	c.equal(after.last, before.last, "Last")
	for i := range before.events {
		c.equal(after.events[i].Position, before.events[i].Position, "a position")
	}
}

func redactSnapshot(c *check) {
	c.append(event(1))
	c.view(func(tx tenancy.Tx) {
		before := stateOf(c, tx)
		c.elsewhere(func() { c.redacted(event(1).UserID, 1) })
		c.equal(stateOf(c, tx), before, "the log")
	})
}

// empty is an event as Redact leaves it.
func empty(e tenancy.Event) tenancy.Event {
	e.Data, e.Previous, e.Redacted = nil, nil, true
	return e
}

// redacted wants Redact to change so many events.
func (c *check) redacted(person tenancy.UserID, want int) {
	c.update(func(tx tenancy.Tx) {
		n, err := tx.Events().Redact(c.ctx, person)
		c.ok(err, "Redact")
		c.equal(n, want, "how many events Redact changed")
	})
}
