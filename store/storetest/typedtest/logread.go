package typedtest

import (
	"slices"

	"github.com/freehold-dev/freehold/tenancy"
)

// events reads the whole log.
func events(c *check, tx tenancy.Tx) []tenancy.Event {
	return walkLog(c, tx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 1000})
}

func last(c *check, tx tenancy.Tx) tenancy.Position {
	at, err := tx.Events().Last(c.ctx)
	c.ok(err, "Last")
	return at
}

// walkLog reads page after page until the store says that it is done, and holds
// what it says on the way to the contract.
func walkLog(c *check, tx tenancy.Tx, f tenancy.EventFilter, span tenancy.LogSpan) []tenancy.Event {
	var all []tenancy.Event
	for {
		page, next, done, err := tx.Events().Read(c.ctx, f, span)
		c.ok(err, "Read")
		if len(page) > span.Limit {
			c.failf("Read gives %d events, Limit %d", len(page), span.Limit)
		}
		at := span.After
		for _, e := range page {
			if !follows(e.Position, at, span.Desc) {
				c.failf("Read gives the event at %d after %d (Desc %v)", e.Position, at, span.Desc)
			}
			at = e.Position
		}
		if next != at && !follows(next, at, span.Desc) {
			c.failf("Read goes on from %d, though it gave the event at %d (Desc %v)", next, at, span.Desc)
		}
		all = append(all, page...)
		if done {
			return all
		}
		if next == span.After {
			c.failf("Read is not done and does not go on from %d", next)
		}
		span.After = next
	}
}

// follows reports whether a position comes after another; 0 is before all.
func follows(at, other tenancy.Position, desc bool) bool {
	if desc {
		return other == 0 || at < other
	}
	return at > other
}

// append commits each event in a transaction of its own.
func (c *check) append(list ...tenancy.Event) {
	for _, e := range list {
		c.update(func(tx tenancy.Tx) { c.ok(tx.Events().Append(c.ctx, e), "Append") })
	}
}

// log gives the whole log as a later transaction reads it.
func (c *check) log() (all []tenancy.Event) {
	c.view(func(tx tenancy.Tx) { all = events(c, tx) })
	return all
}

// logged wants the log to hold these events and no others, in this order.
func (c *check) logged(want ...tenancy.Event) {
	c.view(func(tx tenancy.Tx) { c.events(events(c, tx), want, "the log") })
}

// events compares events but for their positions, which only the store knows. Whom
// an event lists is not read back.
func (c *check) events(got, want []tenancy.Event, what string) {
	bare := func(list []tenancy.Event) []tenancy.Event {
		list = slices.Clone(list)
		for i := range list {
			list[i].Position, list[i].People = 0, nil
		}
		return list
	}
	if len(got)+len(want) > 0 {
		c.equal(bare(got), bare(want), what)
	}
}
