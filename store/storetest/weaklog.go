package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

const (
	// weakStep is how far positions lie apart: they may have gaps, so these have.
	weakStep = 3
	// weakExamined is how many events one read examines, so that readers get to see
	// pages that are empty and not the last.
	weakExamined = 50
)

type weakEvent struct {
	at     tenancy.Position
	row    store.Row
	people []tenancy.UserID
}

// weakLog is what a transaction does to the log.
type weakLog struct {
	added    []weakEvent
	redacted map[tenancy.Position]store.Row
	pruned   tenancy.Position // up to here
}

func (l weakLog) clone() weakLog {
	l.added, l.redacted = slices.Clone(l.added), maps.Clone(l.redacted)
	return l
}

// committed gives the committed events, and the floor, as t sees them.
func (t *weakTx) committed() (events []weakEvent, floor tenancy.Position) {
	events, floor = t.state().events, max(t.state().floor, t.log.pruned)
	for len(events) > 0 && events[0].at <= floor {
		events = events[1:]
	}
	return events, floor
}

func (t *weakTx) rowOf(e weakEvent) store.Row {
	if row := t.log.redacted[e.at]; row != nil {
		return row
	}
	return e.row
}

func (t *weakTx) commitLog() {
	state := &t.weak.kept
	state.events, state.floor = t.committed()
	if len(t.log.redacted) > 0 {
		state.events = slices.Clone(state.events)
		for i, e := range state.events {
			state.events[i].row = t.rowOf(e)
		}
	}
	for _, e := range t.log.added {
		state.last += weakStep
		e.at = state.last
		state.events = append(state.events, e)
	}
}

func (t *weakTx) Append(ctx context.Context, _ *store.Table, row store.Row, people []tenancy.UserID) error {
	e := weakEvent{row: slices.Clone(row), people: slices.Clone(people)}
	return t.statement(ctx, func() (*weakTx, error) {
		t.log.added = append(t.log.added, e)
		return nil, nil
	})
}

func (t *weakTx) Events(ctx context.Context, table *store.Table, where []store.Cond, span tenancy.LogSpan, yield func(tenancy.Position, store.Row) error) (next tenancy.Position, done bool, err error) {
	var events []weakEvent
	err = t.statement(ctx, func() (*weakTx, error) {
		list, floor := t.committed()
		if !span.Desc && span.After > 0 && span.After < floor {
			return nil, tenancy.ErrEventsPruned
		}
		events = ahead(list, span)
		for i, e := range events {
			events[i].row = t.rowOf(e)
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
		if passes(table, e.row, where) {
			given++
			if err := yield(e.at, slices.Clone(e.row)); err != nil {
				return 0, false, err
			}
		}
	}
	return next, true, nil
}

// ahead copies the events that a read may examine, in its order, and one more to
// tell whether it comes to the end.
func ahead(list []weakEvent, span tenancy.LogSpan) []weakEvent {
	const most = weakExamined + 1
	at, found := slices.BinarySearchFunc(list, span.After, func(e weakEvent, at tenancy.Position) int { return cmp.Compare(e.at, at) })
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

func (t *weakTx) Last(ctx context.Context) (at tenancy.Position, err error) {
	err = t.statement(ctx, func() (*weakTx, error) {
		at = t.state().last
		return nil, nil
	})
	return at, err
}

func (t *weakTx) Prune(ctx context.Context, before int64, limit int) (n int, err error) {
	column := store.Describe().Events.Index("time")
	err = t.statement(ctx, func() (*weakTx, error) {
		if other := t.blocker([]any{weakLogID{}}); other != nil {
			return other, nil
		}
		t.hold([]any{weakLogID{}})
		n = 0
		events, _ := t.committed()
		for n < min(limit, len(events)) && events[n].row[column].Int < before {
			t.log.pruned = events[n].at
			n++
		}
		return nil, nil
	})
	return n, err
}

func (t *weakTx) Redact(ctx context.Context, person tenancy.UserID) (n int, err error) {
	err = t.statement(ctx, func() (*weakTx, error) {
		if other := t.blocker([]any{weakLogID{}}); other != nil {
			return other, nil
		}
		t.hold([]any{weakLogID{}})
		n = 0
		if t.log.redacted == nil {
			t.log.redacted = map[tenancy.Position]store.Row{}
		}
		events, _ := t.committed()
		for _, e := range events {
			e.row = t.rowOf(e)
			if row := redact(e, person); row != nil {
				t.log.redacted[e.at] = row
				n++
			}
		}
		for i, e := range t.log.added {
			if row := redact(e, person); row != nil {
				t.log.added[i].row = row
				n++
			}
		}
		return nil, nil
	})
	return n, err
}

// redact gives the row of an event without what it says of people, or nil where
// there is nothing to take out.
func redact(e weakEvent, person tenancy.UserID) store.Row {
	t := &store.Describe().Events.Table
	user, redacted := t.Index("user_id"), t.Index("redacted")
	if e.row[redacted].Int != 0 || e.row[user] != (store.Value{ID: person}) && !slices.Contains(e.people, person) {
		return nil
	}
	row := slices.Clone(e.row)
	row[t.Index("data")], row[t.Index("previous")] = store.Value{Null: true}, store.Value{Null: true}
	row[redacted] = store.Value{Int: 1}
	return row
}
