package storetest

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// logbook is a log under test.
type logbook struct {
	*subject // the log's table
	log      *store.Log
	prefix   string // of the names of rules; the first log has no prefix
}

func newLogbook(log *store.Log, first bool) *logbook {
	l := &logbook{subject: newSubject(&log.Table), log: log}
	l.subject.event = true
	if !first {
		l.prefix = named(log.Kind) + "/"
	}
	return l
}

// rule names a rule after the log.
func (l *logbook) rule(name, why string, run func(c *check)) rule {
	return rule{name: l.prefix + name, why: why, run: run}
}

// event returns the n-th event of a mixed set. It refers to rows that do not exist: events outlive the rows
// that they are about.
func (l *logbook) event(n int) store.Row {
	row := l.sample(n)
	row[l.log.Time] = store.Value{Int: clock(n)}
	row[l.log.Redacted] = store.Value{}
	if !row[l.log.Person].Null {
		row[l.log.Person] = store.Value{ID: newID(mentioned + n%4)}
		if n%3 == 0 {
			row[l.log.Person].ID = newID(mentioned + 4)
		}
	}
	return row
}

// about returns an event that is about another person.
func (l *logbook) about(row store.Row, person [16]byte) store.Row {
	return l.edit(row, func(row store.Row) { row[l.log.Person] = store.Value{ID: person} })
}

func (l *logbook) person(row store.Row) [16]byte { return row[l.log.Person].ID }

// empty returns an event as Redact leaves it.
func (l *logbook) empty(row store.Row) store.Row {
	return l.edit(row, func(row store.Row) {
		for _, i := range l.log.Blank {
			row[i] = store.Value{Null: true}
		}
		row[l.log.Redacted] = store.Value{Int: 1}
	})
}

// event is an event that was read.
type event struct {
	at  int64
	row store.Row
}

// try makes one Append, and overwrites the row afterwards.
func (l *logbook) try(c *check, tx store.Rows, row store.Row, people ...[16]byte) error {
	row, people = slices.Clone(row), slices.Clone(people)
	err := tx.Append(c.ctx, l.log, row, people)
	spoil(row)
	clear(people)
	return err
}

func (l *logbook) append(c *check, tx store.Rows, row store.Row, people ...[16]byte) {
	c.ok(l.try(c, tx, row, people...), "Append")
}

// commit appends each event in its own transaction.
func (l *logbook) commit(c *check, list ...store.Row) {
	for _, row := range list {
		c.update(func(tx store.Rows) { l.append(c, tx, row) })
	}
}

func (l *logbook) last(c *check, tx store.Rows) int64 {
	at, err := tx.Last(c.ctx, l.log)
	c.ok(err, "Last")
	return at
}

// read reads one page of the log.
func (l *logbook) read(c *check, tx store.Rows, where []store.Cond, span store.LogSpan) (page []event, next int64, done bool, err error) {
	where = copied(where)
	next, done, err = tx.Events(c.ctx, l.log, where, span, func(at int64, row store.Row) error {
		page = append(page, event{at, slices.Clone(row)})
		spoil(row)
		return nil
	})
	for i := range where {
		spoil(where[i].Values)
	}
	return page, next, done, err
}

// events reads the whole log.
func (l *logbook) events(c *check, tx store.Rows) []event {
	return l.walkLog(c, tx, nil, store.LogSpan{Limit: 1000})
}

// walkLog reads page after page until the store says that it is done, and checks what it says on the way.
func (l *logbook) walkLog(c *check, tx store.Rows, where []store.Cond, span store.LogSpan) []event {
	var all []event
	for {
		page, next, done, err := l.read(c, tx, where, span)
		c.ok(err, "Events")
		if len(page) > span.Limit {
			c.failf("Events gives %d events, Limit %d", len(page), span.Limit)
		}
		at := span.After
		for _, e := range page {
			if !follows(e.at, at, span.Desc) {
				c.failf("Events gives the event at %d after %d (Desc %v)", e.at, at, span.Desc)
			}
			at = e.at
		}
		if next != at && !follows(next, at, span.Desc) {
			c.failf("Events goes on from %d, though it gave the event at %d (Desc %v)", next, at, span.Desc)
		}
		all = append(all, page...)
		if done {
			return all
		}
		if next == span.After {
			c.failf("Events is not done and does not go on from %d", next)
		}
		span.After = next
	}
}

// follows reports whether a position is after another; 0 is before all.
func follows(at, other int64, desc bool) bool {
	if desc {
		return other == 0 || at < other
	}
	return at > other
}

// committed returns the whole log as a later transaction reads it.
func (l *logbook) committed(c *check) (all []event) {
	c.view(func(tx store.Rows) { all = l.events(c, tx) })
	return all
}

// logged checks that the log contains exactly these events, in this order, none of them earlier than the one
// before.
func (l *logbook) logged(c *check, want ...store.Row) {
	c.equal(rowsOf(l.committed(c)), l.ordered(want...), "the log")
}

// rowsOf returns events without their positions, which only the store knows.
func rowsOf(list []event) []store.Row {
	var rows []store.Row
	for _, e := range list {
		rows = append(rows, e.row)
	}
	return rows
}

func reversed[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
