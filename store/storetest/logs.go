package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// logRules are about writing and reading events.
func (l *logbook) logRules() []rule {
	all := []rule{
		l.rule("log/empty", "a new log holds nothing: Last is 0 and Events is done at once, where it began.", l.isEmpty),
		l.rule("log/round_trip", "an event is read back as it was appended, and refers to nothing that has to be there.", l.roundTrip),
		l.rule("log/commit_order", "positions grow in the order of commits, and within a transaction in that of Append.", l.commitOrder),
		l.rule("log/unseen_until_commit", "an event is unseen by Events and Last until its commit, by its own transaction too.", l.unseenUntilCommit),
		l.rule("log/rollback", "events that were rolled back leave no trace: not in Events, not in Last.", l.rollsBack),
		l.rule("log/last", "Last is the position of the newest event, in a View and in an Update.", l.lastIsNewest),
		l.rule("log/bad_limit", "a limit below one is invalid, whatever the conditions.", l.badLimit),
		l.rule("log/pages", "pages of any size follow each other without gap or repeat, both ways.", l.pages),
		l.rule("log/end", "Events that has nothing to examine stays where it is, and is done.", l.end),
		l.rule("log/bounded", "a long stretch of events that do not pass is got over in several reads, each further on than the last.", l.bounded),
		l.rule("log/copied", "what a caller does to an event passed or received changes nothing in the store, and texts received stay.", l.copied),
		l.rule("log/yield_fails", "an error or panic of yield ends Events and is passed on; the transaction goes on.", l.logYieldFails),
		l.rule("log/filter_none_of", "a set without values selects nothing, and the read is done where it began.", l.filterNoneOf),
		l.rule("log/filter_and", "the conditions on events are joined by and.", l.logFilterAnd),
	}
	for i, column := range l.columns() {
		all = append(all, l.rule("log/filter_"+column.Name, "Events selects by "+column.Name+", with every comparison of its type.",
			func(c *check) { l.logFilter(c, i) }))
	}
	return all
}

func (l *logbook) isEmpty(c *check) {
	c.view(func(tx store.Rows) {
		c.equal(l.last(c, tx), int64(0), "Last")
		for _, desc := range []bool{false, true} {
			page, next, done, err := l.read(c, tx, nil, store.LogSpan{Limit: 10, Desc: desc})
			c.ok(err, "Events")
			c.equal(len(page) == 0 && next == 0 && done, true, "nothing, from 0, done")
		}
	})
}

func (l *logbook) unseenUntilCommit(c *check) {
	l.commit(c, l.event(1))
	before := l.committed(c)
	c.update(func(tx store.Rows) {
		l.append(c, tx, l.event(2))
		c.equal(l.last(c, tx), before[0].at, "Last in the transaction")
		c.equal(l.events(c, tx), before, "the log in the transaction")
	})
	l.logged(c, l.event(1), l.event(2))
}

func (l *logbook) rollsBack(c *check) {
	l.commit(c, l.event(1))
	before := l.committed(c)
	c.same(c.try(func(tx store.Rows) error {
		l.append(c, tx, l.event(2))
		return errOurs
	}), errOurs, "Update")
	c.view(func(tx store.Rows) {
		c.equal(l.last(c, tx), before[0].at, "Last")
		c.equal(l.events(c, tx), before, "the log")
	})
	l.commit(c, l.event(3))
	l.logged(c, l.event(1), l.event(3))
}

func (l *logbook) lastIsNewest(c *check) {
	for n := range 5 {
		l.commit(c, l.event(n))
		newest := l.committed(c)[n].at
		check := func(tx store.Rows) { c.equal(l.last(c, tx), newest, "Last") }
		c.view(check)
		c.update(check)
	}
}

func (l *logbook) badLimit(c *check) {
	l.commit(c, l.event(1))
	c.view(func(tx store.Rows) {
		for _, limit := range []int{0, -1} {
			for _, where := range [][]store.Cond{nil, {one(0)}} {
				_, _, _, err := l.read(c, tx, where, store.LogSpan{Limit: limit})
				c.invalid(err, "limit", "Events")
			}
		}
	})
}

func (l *logbook) roundTrip(c *check) {
	early, long, redacted := l.event(1), l.event(2), l.event(4)
	early[l.log.Time].Int = -1
	long = l.with(long, store.JSON, store.Value{Text: `"` + strings.Repeat("x", 100_000) + `"`}, l.keyed()...)
	redacted[l.log.Redacted].Int = 1
	want := []store.Row{early, l.zeroes(l.event(7)), l.event(0), long, redacted, l.event(3), l.event(5), l.event(5)}
	for i, text := range oddTexts {
		row := l.with(l.event(3*i+1), store.Text, store.Value{Text: text})
		want = append(want, l.with(row, store.JSON, store.Value{Text: " {" + quoted(text) + ": [1.0,\t{}]}"}))
	}
	c.update(func(tx store.Rows) {
		for _, row := range want {
			l.append(c, tx, row, newID(1), newID(2), newID(1))
		}
	})
	l.logged(c, want...)
}

func (l *logbook) commitOrder(c *check) {
	var want []store.Row
	for n := range 12 {
		c.update(func(tx store.Rows) {
			l.append(c, tx, l.event(2*n))
			l.append(c, tx, l.event(2*n+1))
		})
		want = append(want, l.event(2*n), l.event(2*n+1))
	}
	l.logged(c, want...)
}

// samples commits n events and returns them as they are read.
func (l *logbook) samples(c *check, n int) []event {
	c.update(func(tx store.Rows) {
		for i := range n {
			l.append(c, tx, l.event(i))
		}
	})
	return l.committed(c)
}

func (l *logbook) pages(c *check) {
	all := l.samples(c, 12)
	read := func(tx store.Rows) {
		for _, desc := range []bool{false, true} {
			want := all
			if desc {
				want = reversed(all)
			}
			for _, limit := range []int{1, 2, 5, 11, 12, 13, 1000} {
				got := l.walkLog(c, tx, nil, store.LogSpan{Limit: limit, Desc: desc})
				c.equal(got, want, fmt.Sprintf("pages of %d", limit))
			}
			for i, e := range want {
				got := l.walkLog(c, tx, nil, store.LogSpan{After: e.at, Limit: 100, Desc: desc})
				c.equal(rowsOf(got), rowsOf(want[i+1:]), fmt.Sprintf("what follows the event at %d", e.at))
			}
		}
	}
	c.view(read)
	c.update(read)
}

func (l *logbook) end(c *check) {
	all := l.samples(c, 3)
	first, end := all[0].at, all[2].at
	c.view(func(tx store.Rows) {
		for _, span := range []store.LogSpan{
			{After: end, Limit: 5},
			{After: end + 100, Limit: 5},
			{After: first, Limit: 5, Desc: true},
		} {
			page, next, done, err := l.read(c, tx, nil, span)
			c.ok(err, "Events")
			c.equal(len(page) == 0 && next == span.After && done, true, fmt.Sprintf("nothing, next as given, done, for %+v", span))
		}
		_, _, done, err := l.read(c, tx, nil, store.LogSpan{Limit: 2})
		c.ok(err, "Events")
		c.equal(done, false, "done, with an event left")
	})
}

func (l *logbook) bounded(c *check) {
	common, rare := l.event(0), l.event(0)
	rare[l.log.Redacted].Int = 1
	c.update(func(tx store.Rows) {
		l.append(c, tx, rare)
		for range store.MaxExamined + 5 {
			l.append(c, tx, common)
		}
		l.append(c, tx, rare)
	})
	c.view(func(tx store.Rows) {
		for _, desc := range []bool{false, true} {
			got := l.walkLog(c, tx, []store.Cond{one(l.log.Redacted, rare[l.log.Redacted])}, store.LogSpan{Limit: 2, Desc: desc})
			c.equal(rowsOf(got), []store.Row{rare, rare}, "the events that pass")
		}
	})
}

func (l *logbook) copied(c *check) {
	one, other := l.event(1), l.event(2)
	c.update(func(tx store.Rows) {
		passed, people := slices.Clone(one), [][16]byte{newID(1)}
		c.ok(tx.Append(c.ctx, l.log, passed, people), "Append")
		spoil(passed)
		clear(people)
		l.append(c, tx, other)
	})
	l.logged(c, one, other)
	c.view(func(tx store.Rows) {
		got := l.events(c, tx) // their texts must not be those of a reused buffer
		l.walkLog(c, tx, nil, store.LogSpan{Limit: 1, Desc: true})
		c.equal(rowsOf(got), []store.Row{one, other}, "events that were read before")
	})
	c.update(func(tx store.Rows) {
		n, _, err := tx.Redact(c.ctx, l.log, newID(1), 0, 10)
		c.ok(err, "Redact")
		c.equal(n, 1, "how many events list the person that Append was given")
	})
}

func (l *logbook) logYieldFails(c *check) {
	all := l.samples(c, 3)
	try := func(tx store.Rows) {
		given := 0
		_, _, err := tx.Events(c.ctx, l.log, nil, store.LogSpan{Limit: 10}, func(int64, store.Row) error {
			given++
			return errOurs
		})
		c.same(err, errOurs, "Events")
		c.equal(given, 1, "how many events were given")
		c.panics(func() {
			_, _, _ = tx.Events(c.ctx, l.log, nil, store.LogSpan{Limit: 10}, func(int64, store.Row) error { panic(errOurs) })
		})
		c.equal(l.events(c, tx), all, "the log afterwards")
	}
	c.view(try)
	c.update(try)
}

func (l *logbook) filterNoneOf(c *check) {
	all := l.samples(c, 3)
	c.view(func(tx store.Rows) {
		for _, span := range []store.LogSpan{{Limit: 2}, {Limit: 2, Desc: true}, {Limit: 2, After: all[1].at}} {
			page, next, done, err := l.read(c, tx, []store.Cond{one(l.log.Time)}, span)
			c.ok(err, "Events")
			c.equal(len(page) == 0 && next == span.After && done, true, "nothing, next as given, done")
		}
	})
}

// matching returns the events that match.
func matching(list []event, match func(row store.Row) bool) []event {
	var found []event
	for _, e := range list {
		if match(e.row) {
			found = append(found, e)
		}
	}
	return found
}

func (l *logbook) logFilter(c *check, column int) {
	all := l.samples(c, many)
	c.view(func(tx store.Rows) {
		for _, p := range l.probes(column, rowsOf(all)) {
			got := l.walkLog(c, tx, p.where, store.LogSpan{Limit: 100})
			c.equal(got, matching(all, p.match), p.name)
			got = l.walkLog(c, tx, p.where, store.LogSpan{Limit: 3, Desc: true})
			c.equal(got, matching(reversed(all), p.match), p.name+", descending")
		}
	})
}

func (l *logbook) logFilterAnd(c *check) {
	all := l.samples(c, many)
	random := rand.New(rand.NewPCG(1, 2)) // a fixed seed: the same choice each time
	c.view(func(tx store.Rows) {
		for i := range l.columns() {
			for j := range i + 1 {
				ps, qs := l.probes(i, rowsOf(all)), l.probes(j, rowsOf(all))
				for range 2 {
					p, q := ps[random.IntN(len(ps))], qs[random.IntN(len(qs))]
					want := matching(matching(all, p.match), q.match)
					got := l.walkLog(c, tx, slices.Concat(p.where, q.where), store.LogSpan{Limit: 100})
					c.equal(got, want, p.name+" and "+q.name)
				}
			}
		}
	})
}
