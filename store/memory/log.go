package memory

import (
	"context"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// logTable describes how events are stored here: their position, then the columns of the log, then one text
// with the ids of the people besides user_id whose data they contain.
func logTable(events *store.Log) *store.Table {
	t := &store.Table{Name: events.Name, Kind: events.Kind}
	t.Columns = append(t.Columns, store.Column{Name: "position", Type: store.Int})
	t.Columns = append(t.Columns, events.Columns...)
	t.Columns = append(t.Columns, store.Column{Name: "people", Type: store.Text})
	for _, x := range events.Indexes {
		shifted := make([]int, len(x.Columns))
		for i, c := range x.Columns {
			shifted[i] = c + 1
		}
		t.Indexes = append(t.Indexes, store.Index{Columns: shifted})
	}
	return t
}

// peopleTable finds events by those people. It has a row for each person and event.
func peopleTable() *store.Table {
	return &store.Table{Columns: []store.Column{{Name: "person", Type: store.ID}, {Name: "position", Type: store.Int}}}
}

// logPlace finds the table of a log; the table of its people is the next one. The versions of the table keep
// the positions.
func (t *tx) logPlace(l *store.Log) int {
	for i, s := range t.schemas {
		if s.source == &l.Table {
			return i
		}
	}
	i := t.store.learn(&l.Table, func() []*schema {
		return []*schema{newSchema(&l.Table, logTable(l), 0), newSchema(nil, peopleTable(), 0, 1)}
	})
	t.schemas = *t.store.schemas.Load()
	return i
}

// Append implements [store.Rows]. Positions have no gaps: there is one writer, and it assigns positions that
// were rolled back again.
func (t *tx) Append(ctx context.Context, l *store.Log, row store.Row, people [][16]byte) error {
	return t.Savepoint(ctx, func() error { return t.append(t.logPlace(l), l.Time+1, row, people) })
}

// append adds an event; when is the column of its time in the log's table.
func (t *tx) append(place, when int, row store.Row, people [][16]byte) error {
	log := t.own(place)
	position := store.Value{Int: log.last + 1}
	var names strings.Builder
	for _, person := range people {
		taken, err := t.insert(place+1, store.Row{{ID: person}, position})
		if err != nil {
			return err
		}
		if taken == "" { // otherwise the person is named twice
			names.Write(person[:])
		}
	}
	full := slices.Concat(store.Row{position}, row, store.Row{{Text: names.String()}})
	if newest, ok := log.trees[0].Max(); ok {
		instant := &full[when].Int
		*instant = max(*instant, log.columns[when].int(log.at(newest)))
	}
	if _, err := t.insert(place, full); err != nil {
		return err
	}
	log.last++
	return nil
}

// Last implements [store.Rows].
func (t *tx) Last(_ context.Context, l *store.Log) (int64, error) {
	return t.committed(t.logPlace(l)), nil
}

// committed returns the last position of a log at the beginning of the transaction.
func (t *tx) committed(place int) int64 { return t.base.table(place, t.schemas).last }

// Events implements [store.Rows]. It leaves out what the transaction itself appended, because that has no place
// in the order yet.
func (t *tx) Events(_ context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (int64, bool, error) {
	place := t.logPlace(l)
	tab := t.table(place)
	if !span.Desc && span.After > 0 && span.After < tab.floor {
		return 0, false, &store.Error{Code: store.ErrEventsPruned, Kind: l.Kind}
	}
	from, until, where := l.Between(where)
	list := []store.Cond{{Column: 0, Op: store.Less, Values: []store.Value{{Int: t.since(place, l.Time+1, until)}}}}
	if from > math.MinInt64 {
		list = append(list, store.Cond{Column: 0, Op: store.AtLeast, Values: []store.Value{{Int: t.since(place, l.Time+1, from)}}})
	}
	for _, c := range where {
		c.Column++
		list = append(list, c)
	}
	q := &query{where: conditions(tab.schema, list), desc: span.Desc}
	if span.After > 0 {
		q.after = []store.Value{{Int: span.After}}
	}
	refs, next, done := t.examine(tab, q, span)
	row := make(store.Row, len(tab.columns))
	for _, r := range refs {
		tab.decode(tab.at(r), row)
		if err := yield(row[0].Int, row[1:len(row)-1]); err != nil {
			return 0, false, err
		}
	}
	return next, done, nil
}

// since returns the first position whose event is from a given time on, in the column when, and was committed
// before the transaction. If there is no such event, it returns the position after the last.
func (t *tx) since(place, when int, instant int64) int64 {
	tab, first, last := t.table(place), int64(1), t.committed(place)
	if instant == math.MaxInt64 {
		return last + 1
	}
	oldest, ok := tab.trees[0].Min()
	if !ok {
		return last + 1
	}
	first = tab.columns[0].int(tab.at(oldest))
	n := sort.Search(max(0, int(last+1-first)), func(i int) bool { // positions have no gaps
		r, _ := t.find(tab, store.Value{Int: first + int64(i)})
		return tab.columns[when].int(tab.at(r)) >= instant
	})
	return first + int64(n)
}

// examine looks at a limited number of events and returns those that pass.
func (t *tx) examine(tab *table, q *query, span store.LogSpan) (refs []ref, next int64, done bool) {
	next = span.After
	_, ordered := tab.plans(q) // there is always one: by position
	c := t.cursor(tab, ordered, q)
	for n := 0; n < store.MaxExamined && len(refs) < span.Limit; n++ {
		r, ok := c.step()
		if !ok {
			return refs, next, true
		}
		next = tab.columns[0].int(tab.at(r))
		if c.passes(r) {
			refs = append(refs, r)
		}
	}
	return refs, next, len(c.streams) == 0
}
