package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

const (
	// weakStep is the distance between positions: a store may leave gaps, so this one does.
	weakStep = 3
	// weakExamined is how many events one read examines, so that readers also get empty pages that are not the
	// last.
	weakExamined = 50
)

type weakEvent struct {
	at     int64
	row    store.Row
	people [][16]byte
}

// weakLog is what a transaction changes in a log.
type weakLog struct {
	added    []weakEvent
	redacted map[int64]weakEvent
	pruned   int64 // pruned up to this position
}

func (l *weakLog) clone() *weakLog {
	return &weakLog{slices.Clone(l.added), maps.Clone(l.redacted), l.pruned}
}

// log returns what t changes in a log.
func (t *weakTx) log(l *store.Log) *weakLog {
	if t.logs[l] == nil {
		if t.logs == nil { // a View, which changes nothing
			return &weakLog{}
		}
		t.logs[l] = &weakLog{}
	}
	return t.logs[l]
}

// committed returns the committed events, and the floor, as t sees them.
func (t *weakTx) committed(l *store.Log) (events []weakEvent, floor int64) {
	kept := t.state().logs[l]
	events, floor = kept.list, max(kept.floor, t.log(l).pruned)
	for len(events) > 0 && events[0].at <= floor {
		events = events[1:]
	}
	return events, floor
}

// now returns a committed event as t sees it.
func (t *weakTx) now(l *store.Log, e weakEvent) weakEvent {
	if redacted, is := t.log(l).redacted[e.at]; is {
		return redacted
	}
	return e
}

func (t *weakTx) commitLog(l *store.Log) {
	kept := t.weak.kept.logs[l]
	kept.list, kept.floor = t.committed(l)
	if len(t.log(l).redacted) > 0 {
		kept.list = slices.Clone(kept.list)
		for i, e := range kept.list {
			kept.list[i] = t.now(l, e)
		}
	}
	for _, e := range t.log(l).added {
		kept.last += weakStep
		e.at = kept.last
		if n := len(kept.list); n > 0 { // events that others committed meanwhile count, too
			e.row = slices.Clone(e.row)
			e.row[l.Time].Int = max(e.row[l.Time].Int, kept.list[n-1].row[l.Time].Int)
		}
		kept.list = append(kept.list, e)
	}
	t.weak.kept.logs[l] = kept
}

func (t *weakTx) Append(ctx context.Context, l *store.Log, row store.Row, people [][16]byte) error {
	e := weakEvent{row: slices.Clone(row), people: slices.Clone(people)}
	return t.statement(ctx, func() (*weakTx, error) {
		t.log(l).added = append(t.log(l).added, e)
		return nil, nil
	})
}

func (t *weakTx) Events(ctx context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (next int64, done bool, err error) {
	var events []weakEvent
	from, until, where := l.Between(where)
	err = t.statement(ctx, func() (*weakTx, error) {
		list, floor := t.committed(l)
		if !span.Desc && span.After > 0 && span.After < floor {
			return nil, &store.Error{Code: store.ErrEventsPruned, Kind: l.Kind}
		}
		earlier := func(e weakEvent, instant int64) int { return cmp.Compare(e.row[l.Time].Int, instant) }
		low, _ := slices.BinarySearchFunc(list, from, earlier)
		high, _ := slices.BinarySearchFunc(list, until, earlier)
		events = ahead(list[low:max(low, high)], span)
		for i, e := range events {
			events[i] = t.now(l, e)
		}
		return nil, nil
	})
	if err != nil {
		return 0, false, err
	}
	next = span.After
	given := 0
	for i, e := range events {
		if given == span.Limit || i == weakExamined {
			return next, false, nil
		}
		next = e.at
		if passes(&l.Table, e.row, where) {
			given++
			if err := yield(e.at, slices.Clone(e.row)); err != nil {
				return 0, false, err
			}
		}
	}
	return next, true, nil
}

// ahead copies the events that a read may examine, in its order, and one more, which shows whether the read
// reaches the end.
func ahead(list []weakEvent, span store.LogSpan) []weakEvent {
	const most = weakExamined + 1
	at, found := slices.BinarySearchFunc(list, span.After, func(e weakEvent, at int64) int { return cmp.Compare(e.at, at) })
	if !span.Desc {
		if found {
			at++
		}
		return slices.Clone(list[at:min(at+most, len(list))])
	}
	if span.After == 0 {
		at = len(list)
	}
	return reversed(list[max(at-most, 0):at])
}

func (t *weakTx) Last(ctx context.Context, l *store.Log) (at int64, err error) {
	err = t.statement(ctx, func() (*weakTx, error) {
		at = t.state().logs[l].last
		return nil, nil
	})
	return at, err
}

func (t *weakTx) Prune(ctx context.Context, l *store.Log, before int64, limit int) (n int, err error) {
	err = t.statement(ctx, func() (*weakTx, error) {
		if other := t.blocker([]any{weakLogID{l}}); other != nil {
			return other, nil
		}
		t.hold([]any{weakLogID{l}})
		n = 0
		events, _ := t.committed(l)
		for n < min(limit, len(events)) && events[n].row[l.Time].Int < before {
			t.log(l).pruned = events[n].at
			n++
		}
		return nil, nil
	})
	return n, err
}

func (t *weakTx) Redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (n int, next int64, err error) {
	err = t.statement(ctx, func() (*weakTx, error) {
		if other := t.blocker([]any{weakLogID{l}}); other != nil {
			return other, nil
		}
		t.hold([]any{weakLogID{l}})
		n, next = t.redact(l, person, after, limit)
		return nil, nil
	})
	return n, next, err
}

func (t *weakTx) redact(l *store.Log, person [16]byte, after int64, limit int) (n int, next int64) {
	log := t.log(l)
	if log.redacted == nil {
		log.redacted = map[int64]weakEvent{}
	}
	events, _ := t.committed(l)
	for _, e := range events {
		e = t.now(l, e)
		if e.at <= after || !e.about(l, person) {
			continue
		}
		var changed bool
		log.redacted[e.at], changed = e.redact(l, person)
		if changed {
			n++
		}
		if limit--; limit == 0 {
			return n, e.at
		}
	}
	for i, e := range log.added { // they have no positions yet
		if !e.about(l, person) {
			continue
		}
		var changed bool
		log.added[i], changed = e.redact(l, person)
		if changed {
			n++
		}
	}
	return n, 0
}

// about reports whether an event has a person's data or lists the person.
func (e weakEvent) about(l *store.Log, person [16]byte) bool {
	return e.row[l.Person] == (store.Value{ID: person}) || slices.Contains(e.people, person)
}

// redact returns an event without its personal data and without this person in its list, and reports whether it
// had such data.
func (e weakEvent) redact(l *store.Log, person [16]byte) (weakEvent, bool) {
	e.people = slices.DeleteFunc(slices.Clone(e.people), func(p [16]byte) bool { return p == person })
	if e.row[l.Redacted].Int != 0 {
		return e, false
	}
	e.row = slices.Clone(e.row)
	for _, column := range l.Blank {
		e.row[column] = store.Value{Null: true}
	}
	e.row[l.Redacted] = store.Value{Int: 1}
	return e, true
}
