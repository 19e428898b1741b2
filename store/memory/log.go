package memory

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// logTable is how events lie here: as the catalogue says, behind their position, and
// before the people besides user_id whose data they hold, whose ids make one text.
func logTable(events *store.Table) *store.Table {
	t := &store.Table{Name: events.Name, Kind: events.Kind}
	t.Columns = append(t.Columns, store.Column{Name: "position", Type: store.Int})
	t.Columns = append(t.Columns, events.Columns...)
	t.Columns = append(t.Columns, store.Column{Name: "people", Type: store.Text})
	for _, columns := range events.Indexes {
		shifted := make([]int, len(columns))
		for i, c := range columns {
			shifted[i] = c + 1
		}
		t.Indexes = append(t.Indexes, shifted)
	}
	return t
}

// peopleTable finds events by those people: a row for each person and event.
func peopleTable() *store.Table {
	return &store.Table{Columns: []store.Column{{Name: "person", Type: store.ID}, {Name: "position", Type: store.Int}}}
}

// The log and the people are the last two tables.
func (t *tx) logPlace() int    { return len(t.store.schemas) - 2 }
func (t *tx) peoplePlace() int { return len(t.store.schemas) - 1 }

// Append implements [store.Rows]. Positions have no gaps: there is one writer, and
// those that are rolled back come again.
func (t *tx) Append(ctx context.Context, _ *store.Table, row store.Row, people []tenancy.UserID) error {
	return t.Savepoint(ctx, func() error { return t.append(row, people) })
}

func (t *tx) append(row store.Row, people []tenancy.UserID) error {
	position := store.Value{Int: int64(t.last + 1)}
	var names strings.Builder
	for _, person := range people {
		taken, err := t.insert(t.peoplePlace(), store.Row{{ID: person}, position})
		if err != nil {
			return err
		}
		if taken == "" { // else named twice
			names.Write(person[:])
		}
	}
	full := slices.Concat(store.Row{position}, row, store.Row{{Text: names.String()}})
	if _, err := t.insert(t.logPlace(), full); err != nil {
		return err
	}
	t.last++
	return nil
}

// Last implements [store.Rows].
func (t *tx) Last(context.Context) (tenancy.Position, error) { return t.base.last, nil }

// Events implements [store.Rows]. What the transaction itself appended has no place
// in the order yet, and is left out.
func (t *tx) Events(_ context.Context, _ *store.Table, where []store.Cond, span tenancy.LogSpan, yield func(tenancy.Position, store.Row) error) (tenancy.Position, bool, error) {
	if !span.Desc && span.After > 0 && span.After < t.floor {
		return 0, false, &tenancy.Error{Code: tenancy.ErrEventsPruned, Kind: "event"}
	}
	tab := t.table(t.logPlace())
	list := []store.Cond{{Column: 0, Op: store.Less, Values: []store.Value{{Int: int64(t.base.last + 1)}}}}
	for _, c := range where {
		c.Column++
		list = append(list, c)
	}
	q := &query{where: conditions(tab.schema, list), desc: span.Desc}
	if span.After > 0 {
		q.after = []store.Value{{Int: int64(span.After)}}
	}
	refs, next, done := t.examine(tab, q, span)
	row := make(store.Row, len(tab.columns))
	for _, r := range refs {
		tab.decode(tab.at(r), row)
		if err := yield(tenancy.Position(row[0].Int), row[1:len(row)-1]); err != nil {
			return 0, false, err
		}
	}
	return next, done, nil
}

// examine looks at a bounded number of events and gives those that pass.
func (t *tx) examine(tab *table, q *query, span tenancy.LogSpan) (refs []ref, next tenancy.Position, done bool) {
	next = span.After
	_, ordered := tab.plans(q) // there is one: by position
	c := t.cursor(tab, ordered, q)
	for n := 0; n < store.MaxExamined && len(refs) < span.Limit; n++ {
		r, ok := c.step()
		if !ok {
			return refs, next, true
		}
		next = tenancy.Position(tab.columns[0].int(tab.at(r)))
		if c.passes(r) {
			refs = append(refs, r)
		}
	}
	return refs, next, len(c.streams) == 0
}
