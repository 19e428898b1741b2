package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// Prune implements [store.Rows].
func (t *tx) Prune(ctx context.Context, l *store.Log, before int64, limit int) (n int, err error) {
	err = t.Savepoint(ctx, func() error {
		n, err = t.prune(ctx, l, before, limit)
		return err
	})
	return n, err
}

func (t *tx) prune(ctx context.Context, l *store.Log, before int64, limit int) (int, error) {
	place := t.logPlace(l)
	log := t.own(place)
	when := l.Time + 1
	for n := range limit {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return 0, canceled(ctx.Err())
		}
		r, ok := log.trees[0].Min()
		if !ok || log.columns[when].int(log.at(r)) >= before {
			return n, nil
		}
		t.forget(place, r)
	}
	return limit, nil
}

// forget removes the oldest event and its people.
func (t *tx) forget(place int, r ref) {
	log := t.own(place)
	row := make(store.Row, len(log.columns))
	log.decode(log.at(r), row)
	i := place + 1
	for names := row[len(row)-1].Text; names != ""; names = names[16:] {
		var person store.Value
		copy(person.ID[:], names)
		if entry, ok := t.find(t.table(i), person, row[0]); ok {
			t.replace(i, entry, 0)
		}
	}
	t.replace(place, r, 0)
	log.floor = row[0].Int
}

// Redact implements [store.Rows].
func (t *tx) Redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (n int, next int64, err error) {
	err = t.Savepoint(ctx, func() error {
		n, next, err = t.redact(ctx, l, person, after, limit)
		return err
	})
	return n, next, err
}

func (t *tx) redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (n int, next int64, err error) {
	events, next, err := t.concerning(ctx, l, person, after, limit)
	if err != nil {
		return 0, 0, err
	}
	place := t.logPlace(l)
	log := t.own(place)
	row := make(store.Row, len(log.columns))
	for _, old := range events {
		log.decode(log.at(old), row)
		listed := t.unlist(place+1, row, person)
		if row[l.Redacted+1].Int == 0 {
			row[l.Redacted+1].Int = 1
			for _, column := range l.Blank {
				row[column+1] = store.Value{Null: true}
			}
			n++
		} else if !listed {
			continue
		}
		fresh, err := log.add(row)
		if err != nil {
			return 0, 0, err
		}
		t.replace(place, old, fresh)
	}
	return n, next, nil
}

// unlist removes a person from the people of an event, in its row and in the table of people, and reports
// whether they were among them.
func (t *tx) unlist(place int, row store.Row, person [16]byte) bool {
	entry, listed := t.find(t.table(place), store.Value{ID: person}, row[0])
	if !listed {
		return false
	}
	t.replace(place, entry, 0)
	names := &row[len(row)-1]
	for i := 0; i < len(names.Text); i += len(person) {
		if names.Text[i:i+len(person)] == string(person[:]) {
			names.Text = names.Text[:i] + names.Text[i+len(person):]
			break
		}
	}
	return true
}

// concerning returns the first events after a position that contain a person's data, each once, and the
// position to continue from.
func (t *tx) concerning(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (events []ref, next int64, err error) {
	place := t.logPlace(l)
	log, people := t.table(place), t.table(place+1)
	behind := func(tab *table, column, position int) *query {
		return &query{sort: position, where: conditions(tab.schema, []store.Cond{
			{Column: column, Op: store.OneOf, Values: []store.Value{{ID: person}}},
			{Column: position, Op: store.AtLeast, Values: []store.Value{{Int: after + 1}}},
		})}
	}
	if events, err = t.page(ctx, log, behind(log, l.Person+1, 0), limit); err != nil {
		return nil, 0, err
	}
	listed, err := t.page(ctx, people, behind(people, 0, 1), limit)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range listed {
		if event, ok := t.find(log, people.columns[1].get(people.at(r))); ok {
			events = append(events, event)
		}
	}
	at := func(r ref) int64 { return log.columns[0].int(log.at(r)) }
	slices.SortFunc(events, func(a, b ref) int { return cmp.Compare(at(a), at(b)) })
	if events = slices.Compact(events); len(events) >= limit {
		events = events[:limit]
		next = at(events[limit-1])
	}
	return events, next, nil
}
