package typedtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// logRules are about writing and reading events.
func logRules() []rule {
	all := []rule{
		{"log/empty", "a new log holds nothing: Last is 0 and Read is done at once, where it began.", logEmpty},
		{"log/round_trip", "an event is read back as it was appended, and refers to nothing that has to be there.", logRoundTrip},
		{"log/commit_order", "positions grow in the order of commits, and within a transaction in that of Append.", logCommitOrder},
		{"log/unseen_until_commit", "an event is unseen by Read and Last until its commit, by its own transaction too.", logUnseenUntilCommit},
		{"log/rollback", "events that were rolled back leave no trace: not in Read, not in Last.", logRollback},
		{"log/last", "Last is the position of the newest event, in a View and in an Update.", logLast},
		{"log/bad_limit", "a Limit below one is invalid.", logBadLimit},
		{"log/pages", "pages of any size follow each other without gap or repeat, both ways.", func(c *check) { logPages(c, false); logPages(c, true) }},
		{"log/end", "a Read that has nothing to examine stays where it is, and is done.", logEnd},
		{"log/bounded", "a long stretch of events that do not pass is got over in several reads, each further on than the last.", logBounded},
		{"log/copied", "what a caller does to an event passed or received changes nothing in the store.", logCopied},
		{"log/follows", "a reader that goes on from where it was gets every event once, however commits interleave.", logFollows},
	}
	for _, f := range eventFields() {
		all = append(all, rule{
			"log/filter_" + f.name, "Read selects by " + f.name + "; no values match nothing.",
			func(c *check) { logFilter(c, f) },
		})
	}
	return append(all, rule{"log/filter_and", "the fields of an event filter are joined by and.", logFilterAnd})
}

func logEmpty(c *check) {
	c.view(func(tx tenancy.Tx) {
		c.equal(last(c, tx), tenancy.Position(0), "Last")
		for _, desc := range []bool{false, true} {
			page, next, done, err := tx.Events().Read(c.ctx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 10, Desc: desc})
			c.ok(err, "Read")
			c.equal(len(page) == 0 && next == 0 && done, true, "nothing, from 0, done")
		}
	})
}

func logUnseenUntilCommit(c *check) {
	c.append(event(1))
	before := c.state()
	c.update(func(tx tenancy.Tx) {
		c.ok(tx.Events().Append(c.ctx, event(2)), "Append")
		c.equal(last(c, tx), before.last, "Last in the transaction")
		c.equal(events(c, tx), before.events, "the log in the transaction")
	})
	c.logged(event(1), event(2))
}

func logRollback(c *check) {
	c.append(event(1))
	c.unchanged(func() {
		c.same(c.try(func(tx tenancy.Tx) error {
			c.ok(tx.Events().Append(c.ctx, event(2)), "Append")
			return errOurs
		}), errOurs, "Update")
	})
	c.append(event(3))
	c.logged(event(1), event(3))
}

func logLast(c *check) {
	for n := range 5 {
		c.append(event(n))
		all := c.state()
		c.equal(all.last, all.events[n].Position, "Last in a view")
		c.update(func(tx tenancy.Tx) { c.equal(last(c, tx), all.last, "Last in an update") })
	}
}

func logBadLimit(c *check) {
	c.append(event(1))
	c.view(func(tx tenancy.Tx) {
		for _, limit := range []int{0, -1} {
			_, _, _, err := tx.Events().Read(c.ctx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: limit})
			c.code(err, tenancy.ErrInvalid, "Read")
		}
	})
}

func logRoundTrip(c *check) {
	odd := event(1)
	odd.Subject = `odd "subject" %_\ ` + "\U0001F600"
	odd.Data = json.RawMessage(`{"b":1, "a":[1,2,{}],"text":"\u00e9 é"}`)
	odd.Time = time.UnixMicro(-1).UTC()
	long := event(2)
	long.Data = json.RawMessage(`"` + strings.Repeat("x", 100_000) + `"`)
	redacted := event(4)
	redacted.Redacted, redacted.People = true, []tenancy.UserID{newID[tenancy.User](1), newID[tenancy.User](2)}
	want := []tenancy.Event{event(0), odd, long, redacted, event(3), event(5)}
	c.update(func(tx tenancy.Tx) {
		for _, e := range want {
			c.ok(tx.Events().Append(c.ctx, e), "Append")
		}
	})
	c.logged(want...)
}

func logCommitOrder(c *check) {
	var want []tenancy.Event
	for n := range 12 {
		c.update(func(tx tenancy.Tx) {
			c.ok(tx.Events().Append(c.ctx, event(2*n)), "Append")
			c.ok(tx.Events().Append(c.ctx, event(2*n+1)), "Append")
		})
		want = append(want, event(2*n), event(2*n+1))
	}
	c.logged(want...)
	var at tenancy.Position
	for _, e := range c.log() {
		if e.Position <= at {
			c.failf("position %d comes after %d", e.Position, at)
		}
		at = e.Position
	}
}

// logSamples commits n events and gives them as they are read.
func logSamples(c *check, n int) []tenancy.Event {
	c.update(func(tx tenancy.Tx) {
		for i := range n {
			c.ok(tx.Events().Append(c.ctx, event(i)), "Append")
		}
	})
	return c.log()
}

func logPages(c *check, desc bool) {
	if len(c.log()) == 0 {
		logSamples(c, 12)
	}
	want := c.log()
	if desc {
		slices.Reverse(want)
	}
	read := func(tx tenancy.Tx) {
		for _, limit := range []int{1, 2, 5, 11, 12, 13, 1000} {
			got := walkLog(c, tx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: limit, Desc: desc})
			c.equal(got, want, fmt.Sprintf("pages of %d", limit))
		}
		for i, e := range want {
			got := walkLog(c, tx, tenancy.EventFilter{}, tenancy.LogSpan{After: e.Position, Limit: 100, Desc: desc})
			c.events(got, want[i+1:], fmt.Sprintf("what follows the event at %d", e.Position))
		}
	}
	c.view(read)
	c.update(read)
}

func logEnd(c *check) {
	all := logSamples(c, 3)
	first, end := all[0].Position, all[2].Position
	c.view(func(tx tenancy.Tx) {
		for _, span := range []tenancy.LogSpan{
			{After: end, Limit: 5},
			{After: end + 100, Limit: 5},
			{After: first, Limit: 5, Desc: true},
		} {
			page, next, done, err := tx.Events().Read(c.ctx, tenancy.EventFilter{}, span)
			c.ok(err, "Read")
			c.equal(len(page) == 0 && next == span.After && done, true, fmt.Sprintf("nothing, next as given, done, for %+v", span))
		}
		_, _, done, err := tx.Events().Read(c.ctx, tenancy.EventFilter{}, tenancy.LogSpan{Limit: 2})
		c.ok(err, "Read")
		c.equal(done, false, "done, with an event left")
	})
}

func logBounded(c *check) {
	common, rare := event(0), event(1)
	c.update(func(tx tenancy.Tx) {
		c.ok(tx.Events().Append(c.ctx, rare), "Append")
		for range store.MaxExamined + 5 {
			c.ok(tx.Events().Append(c.ctx, common), "Append")
		}
		c.ok(tx.Events().Append(c.ctx, rare), "Append")
	})
	c.view(func(tx tenancy.Tx) {
		filter := tenancy.EventFilter{Type: tenancy.Of(rare.Type)}
		for _, desc := range []bool{false, true} {
			got := walkLog(c, tx, filter, tenancy.LogSpan{Limit: 2, Desc: desc})
			c.events(got, []tenancy.Event{rare, rare}, "the events that pass")
		}
	})
}

func logCopied(c *check) {
	passed := event(1)
	passed.People = []tenancy.UserID{newID[tenancy.User](1)}
	c.update(func(tx tenancy.Tx) {
		c.ok(tx.Events().Append(c.ctx, passed), "Append")
		clear(passed.Data)
		clear(passed.Previous)
		clear(passed.People)
	})
	c.logged(event(1))
	for _, e := range c.log() {
		clear(e.Data)
		clear(e.Previous)
	}
	c.logged(event(1))
	c.update(func(tx tenancy.Tx) {
		n, err := tx.Events().Redact(c.ctx, newID[tenancy.User](1))
		c.ok(err, "Redact")
		c.equal(n, 1, "how many events list the person that Append was given")
	})
}

// logFollows has writers whose transactions overlap, and a reader that keeps its
// place: an event that came into view behind it would be lost.
func logFollows(c *check) {
	const writers, writes = 4, 15
	done := make(chan struct{})
	var got []tenancy.Event
	reading := c.start(func() {
		var at tenancy.Position
		for finished := false; !finished; {
			select {
			case <-done:
				finished = true // and one more read, which finds the rest
			default:
			}
			c.view(func(tx tenancy.Tx) {
				page := walkLog(c, tx, tenancy.EventFilter{}, tenancy.LogSpan{After: at, Limit: 7})
				if len(page) > 0 {
					at = page[len(page)-1].Position
				}
				c.equal(last(c, tx), at, "Last, against the end of the log")
				got = append(got, page...)
			})
		}
	})
	func() {
		defer close(done)
		c.together(writers, func(i int) {
			for n := i * writes; n < (i+1)*writes; n++ {
				c.contend(func(tx tenancy.Tx) error {
					if err := tx.Events().Append(c.ctx, event(n)); err != nil {
						return err
					}
					if err := add(c, tx, n); err != nil {
						return err
					}
					return tx.Events().Append(c.ctx, event(n))
				})
			}
		})
	}()
	<-reading
	c.equal(got, c.log(), "what the reader got")
	c.equal(len(got), 2*writers*writes, "how many events it got")
	for i := 0; i < len(got); i += 2 {
		c.equal(got[i].ID, got[i+1].ID, "the events of one transaction stand together")
	}
}

func logFilter(c *check, f field[tenancy.Event, tenancy.EventFilter]) {
	all := logSamples(c, many)
	others := make([]tenancy.Event, 1000)
	for i := range others {
		others[i] = event(100_001 + 3*i) // those with every field
		others[i].Type, others[i].Subject = tenancy.EventType(fmt.Sprintf("other.%d", i)), fmt.Sprint(i)
		others[i].OrganizationID, others[i].UserID = newID[tenancy.Organization](i), newID[tenancy.User](i)
		others[i].Actor.ID = fmt.Sprint(i)
	}
	backwards := slices.Clone(all)
	slices.Reverse(backwards)
	c.view(func(tx tenancy.Tx) {
		for _, p := range f.probes(all, others) {
			var filter tenancy.EventFilter
			p.apply(&filter)
			got := walkLog(c, tx, filter, tenancy.LogSpan{Limit: 100})
			c.equal(got, passing(all, p.match), p.name)
			got = walkLog(c, tx, filter, tenancy.LogSpan{Limit: 3, Desc: true})
			c.equal(got, passing(backwards, p.match), p.name+", descending")
		}
	})
}

func logFilterAnd(c *check) {
	all := logSamples(c, many)
	fields := eventFields()
	c.view(func(tx tenancy.Tx) {
		for i, f := range fields {
			for _, g := range fields[:i] {
				ps, qs := f.probes(all, all), g.probes(all, all)
				for n := 1; n < 4; n++ { // not the first, which selects nothing
					var filter tenancy.EventFilter
					p, q := ps[n], qs[len(qs)-n]
					p.apply(&filter)
					q.apply(&filter)
					want := passing(passing(all, p.match), q.match)
					c.equal(walkLog(c, tx, filter, tenancy.LogSpan{Limit: 100}), want, p.name+" and "+q.name)
				}
			}
		}
	})
}
