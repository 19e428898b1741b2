package memory

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Prune implements [store.Rows].
func (t *tx) Prune(ctx context.Context, before int64, limit int) (n int, err error) {
	err = t.Savepoint(ctx, func() error {
		n, err = t.prune(ctx, before, limit)
		return err
	})
	return n, err
}

func (t *tx) prune(ctx context.Context, before int64, limit int) (int, error) {
	log := t.own(t.logPlace())
	when := log.log("time")
	for n := range limit {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return 0, canceled(ctx.Err())
		}
		r, ok := log.trees[0].Min()
		if !ok || log.columns[when].int(log.at(r)) >= before {
			return n, nil
		}
		t.forget(log, r)
	}
	return limit, nil
}

// forget removes the oldest event and the people it names.
func (t *tx) forget(log *table, r ref) {
	row := make(store.Row, len(log.columns))
	log.decode(log.at(r), row)
	i := t.peoplePlace()
	for names := row[len(row)-1].Text; names != ""; names = names[16:] {
		var person store.Value
		copy(person.ID[:], names)
		if entry, ok := t.find(t.table(i), person, row[0]); ok {
			t.replace(i, entry, 0)
		}
	}
	t.replace(t.logPlace(), r, 0)
	t.floor = tenancy.Position(row[0].Int)
}

// Redact implements [store.Rows].
func (t *tx) Redact(ctx context.Context, person tenancy.UserID) (n int, err error) {
	err = t.Savepoint(ctx, func() error {
		n, err = t.redact(ctx, person)
		return err
	})
	return n, err
}

func (t *tx) redact(ctx context.Context, person tenancy.UserID) (n int, err error) {
	events, err := t.concerning(ctx, person)
	if err != nil {
		return 0, err
	}
	log := t.own(t.logPlace())
	row := make(store.Row, len(log.columns))
	for _, old := range events {
		log.decode(log.at(old), row)
		if row[log.log("redacted")].Int != 0 {
			continue
		}
		row[log.log("redacted")].Int = 1
		row[log.log("data")] = store.Value{Null: true}
		row[log.log("previous")] = store.Value{Null: true}
		fresh, err := log.add(row)
		if err != nil {
			return 0, err
		}
		t.replace(t.logPlace(), old, fresh)
		n++
	}
	return n, nil
}

// concerning gives the events that hold a person's data, each of them once.
func (t *tx) concerning(ctx context.Context, person tenancy.UserID) ([]ref, error) {
	log, people := t.table(t.logPlace()), t.table(t.peoplePlace())
	is := func(column int) []store.Cond {
		return []store.Cond{{Column: column, Op: store.OneOf, Values: []store.Value{{ID: person}}}}
	}
	events, err := t.all(ctx, log, is(log.log("user_id")))
	if err != nil {
		return nil, err
	}
	err = t.each(ctx, people, is(0), func(r ref) {
		position := people.columns[1].get(people.at(r))
		if event, ok := t.find(log, position); ok {
			events = append(events, event)
		}
	})
	slices.Sort(events)
	return slices.Compact(events), err
}

// log gives the place of one of the catalogue's columns of events in the log.
func (s *schema) log(column string) int { return s.source.Index(column) + 1 }
