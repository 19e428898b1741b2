package storetest

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/freehold-dev/freehold/store"
)

// linear is the smallest backend: slices of rows, looked through from one end to the
// other, and one writer at a time. It shows what a backend has to do, and how little that is.
type linear struct {
	writer chan struct{}         // holds one token while someone writes
	kept   atomic.Pointer[world] // what is committed
}

// world is the rows of each table and the events of each log. A published one never
// changes: a transaction that writes has one of its own, whose slices are appended to, and
// else copied before they change.
type world struct {
	tables map[*store.Table][]store.Row
	logs   map[*store.Log]journal
}

// journal is one log: the events in the order of their positions.
type journal struct {
	events      []entry
	last, floor int64
}

type entry struct {
	at     int64
	row    store.Row
	people [][16]byte
}

func newLinear() *linear {
	l := &linear{writer: make(chan struct{}, 1)}
	l.kept.Store(&world{map[*store.Table][]store.Row{}, map[*store.Log]journal{}})
	return l
}

func (w *world) copy() *world { return &world{maps.Clone(w.tables), maps.Clone(w.logs)} }

func (l *linear) SingleWriter() bool { return true }

func (l *linear) View(ctx context.Context, fn func(store.Rows) error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	base := l.kept.Load()
	return new(store.Guard).Run(&linearTx{base: base, own: base}, true, fn)
}

func (l *linear) Update(ctx context.Context, fn func(store.Rows) error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	select {
	case l.writer <- struct{}{}:
		defer func() { <-l.writer }()
	case <-ctx.Done():
		return ended(ctx)
	}
	base := l.kept.Load()
	t := &linearTx{base: base, own: base.copy()}
	if err := new(store.Guard).Run(t, false, fn); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ended(ctx)
	}
	l.kept.Store(t.own)
	return nil
}

func ended(ctx context.Context) error {
	return &store.Error{Code: store.ErrCanceled, Err: ctx.Err()}
}

// linearTx is one transaction.
type linearTx struct{ base, own *world }

// find is the place of a row in its table.
func (t *linearTx) find(table *store.Table, id [16]byte) (rows []store.Row, at int) {
	rows = t.own.tables[table]
	return rows, slices.IndexFunc(rows, func(row store.Row) bool { return row[0].ID == id })
}

func (t *linearTx) Get(_ context.Context, table *store.Table, id [16]byte, row store.Row) error {
	rows, at := t.find(table, id)
	if at < 0 {
		return table.NotFound(id)
	}
	copy(row, rows[at])
	return nil
}

func (t *linearTx) List(_ context.Context, table *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	rows := t.selected(table, where, true)
	rank := func(a, b store.Row) int {
		if r.Desc {
			a, b = b, a
		}
		return cmp.Or(compare(a[r.Sort], b[r.Sort]), compare(a[0], b[0]))
	}
	if r.After != nil {
		place := make(store.Row, len(table.Columns))
		place[r.Sort], place[0] = r.After.Sort, store.Value{ID: r.After.ID}
		rows = slices.DeleteFunc(rows, func(row store.Row) bool { return rank(row, place) <= 0 })
	}
	slices.SortFunc(rows, rank)
	for _, row := range rows[:min(r.Limit, len(rows))] {
		if err := yield(slices.Clone(row)); err != nil {
			return err
		}
	}
	return nil
}

// selected copies the rows that pass, or those that do not.
func (t *linearTx) selected(table *store.Table, where []store.Cond, pass bool) []store.Row {
	return slices.DeleteFunc(slices.Clone(t.own.tables[table]), func(row store.Row) bool { return meetsAll(row, where) != pass })
}

func (t *linearTx) Count(_ context.Context, table *store.Table, where []store.Cond) (int, error) {
	return len(t.selected(table, where, true)), nil
}

func (t *linearTx) Insert(_ context.Context, table *store.Table, row store.Row) error {
	rows, at := t.find(table, row[0].ID)
	if at >= 0 {
		return table.Taken(table.Columns[0].Name)
	} else if err := t.taken(table, row); err != nil {
		return err
	}
	t.own.tables[table] = append(rows, slices.Clone(row))
	return nil
}

// taken is the error for a key that another row has.
func (t *linearTx) taken(table *store.Table, row store.Row) error {
	for _, key := range table.Unique {
		for _, other := range t.own.tables[table] {
			differs := func(i int) bool { return row[i].Null || row[i] != other[i] }
			if other[0].ID != row[0].ID && !slices.ContainsFunc(key.Columns, differs) {
				return table.Taken(key.Field)
			}
		}
	}
	return nil
}

// replace puts a row in the place of another.
func (t *linearTx) replace(table *store.Table, at int, row store.Row) {
	rows := slices.Clone(t.own.tables[table])
	rows[at] = row
	t.own.tables[table] = rows
}

func (t *linearTx) Update(_ context.Context, table *store.Table, row store.Row) error {
	rows, at := t.find(table, row[0].ID)
	if at < 0 {
		return table.NotFound(row[0].ID)
	} else if rows[at][1].Int != row[1].Int-1 {
		return table.Stale(row[0].ID)
	}
	row = slices.Clone(row)
	if table.Touch != 0 {
		row[table.Touch] = rows[at][table.Touch]
	}
	if err := t.taken(table, row); err != nil {
		return err
	}
	t.replace(table, at, row)
	return nil
}

func (t *linearTx) UpdateAll(_ context.Context, table *store.Table, where []store.Cond, set []store.Set) (n int, _ error) {
	for _, row := range t.selected(table, where, true) {
		changed := slices.Clone(row)
		for _, s := range set {
			changed[s.Column] = s.Value
		}
		if slices.Equal(row, changed) {
			continue
		} else if table.Versioned(set) {
			changed[1].Int++
		}
		_, at := t.find(table, row[0].ID)
		t.replace(table, at, changed)
		n++
	}
	return n, nil
}

func (t *linearTx) Touch(_ context.Context, table *store.Table, id [16]byte, micros int64) error {
	if rows, at := t.find(table, id); at >= 0 {
		row := slices.Clone(rows[at])
		row[table.Touch] = store.Value{Int: micros}
		t.replace(table, at, row)
	}
	return nil
}

func (t *linearTx) Delete(_ context.Context, table *store.Table, id [16]byte) error {
	rows, at := t.find(table, id)
	if at < 0 {
		return table.NotFound(id)
	}
	t.own.tables[table] = slices.Concat(rows[:at], rows[at+1:])
	return nil
}

func (t *linearTx) DeleteAll(_ context.Context, table *store.Table, where []store.Cond) (int, error) {
	before := len(t.own.tables[table])
	t.own.tables[table] = t.selected(table, where, false)
	return before - len(t.own.tables[table]), nil
}

func (t *linearTx) Lock(context.Context, ...store.LockKey) error { return nil }

func (t *linearTx) Savepoint(_ context.Context, fn func() error) error {
	before, kept := t.own.copy(), false
	defer func() {
		if !kept {
			t.own = before
		}
	}()
	err := fn()
	kept = err == nil
	return err
}

func (t *linearTx) Append(_ context.Context, l *store.Log, row store.Row, people [][16]byte) error {
	log := t.own.logs[l]
	log.last++
	row = slices.Clone(row)
	if n := len(log.events); n > 0 {
		row[l.Time].Int = max(row[l.Time].Int, log.events[n-1].row[l.Time].Int)
	}
	log.events = append(log.events, entry{log.last, row, slices.Clone(people)})
	t.own.logs[l] = log
	return nil
}

func (t *linearTx) Events(_ context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (int64, bool, error) {
	log, last := t.own.logs[l], t.base.logs[l].last
	if !span.Desc && span.After > 0 && span.After < log.floor {
		return 0, false, &store.Error{Code: store.ErrEventsPruned, Kind: l.Kind}
	}
	from, until, where := l.Between(where)
	events := slices.DeleteFunc(slices.Clone(log.events), func(e entry) bool { return e.row[l.Time].Int < from || e.row[l.Time].Int >= until })
	if span.Desc {
		slices.Reverse(events)
	}
	next, examined, given := span.After, 0, 0
	for _, e := range events {
		behind := !span.Desc && e.at <= span.After || span.Desc && span.After > 0 && e.at >= span.After
		if behind || e.at > last {
			continue
		}
		if examined == store.MaxExamined || given == span.Limit {
			return next, false, nil
		}
		examined, next = examined+1, e.at
		if meetsAll(e.row, where) {
			given++
			if err := yield(e.at, slices.Clone(e.row)); err != nil {
				return 0, false, err
			}
		}
	}
	return next, true, nil
}

func (t *linearTx) Last(_ context.Context, l *store.Log) (int64, error) {
	return t.base.logs[l].last, nil
}

func (t *linearTx) Prune(_ context.Context, l *store.Log, before int64, limit int) (int, error) {
	log, n := t.own.logs[l], 0
	for n < min(limit, len(log.events)) && log.events[n].row[l.Time].Int < before {
		log.floor, n = log.events[n].at, n+1
	}
	log.events = log.events[n:]
	t.own.logs[l] = log
	return n, nil
}

func (t *linearTx) Redact(_ context.Context, l *store.Log, person [16]byte, after int64, limit int) (n int, next int64, err error) {
	log := t.own.logs[l]
	log.events = slices.Clone(log.events)
	for i, e := range log.events {
		others := slices.DeleteFunc(slices.Clone(e.people), func(p [16]byte) bool { return p == person })
		if e.at <= after || limit == 0 || e.row[l.Person] != (store.Value{ID: person}) && len(others) == len(e.people) {
			continue
		}
		if limit--; limit == 0 {
			next = e.at
		}
		e.people, e.row = others, slices.Clone(e.row)
		n += int(1 - e.row[l.Redacted].Int)
		for _, column := range l.Blank {
			e.row[column] = store.Value{Null: true}
		}
		e.row[l.Redacted] = store.Value{Int: 1}
		log.events[i] = e
	}
	t.own.logs[l] = log
	return n, next, nil
}

func meetsAll(row store.Row, where []store.Cond) bool {
	return !slices.ContainsFunc(where, func(cond store.Cond) bool {
		x := row[cond.Column]
		if x.Null {
			return cond.Op != store.IsNull
		}
		switch cond.Op {
		case store.OneOf:
			return !slices.Contains(cond.Values, x)
		case store.NoneOf:
			return slices.Contains(cond.Values, x)
		case store.Prefix:
			return !strings.HasPrefix(x.Text, cond.Values[0].Text)
		case store.Less:
			return compare(x, cond.Values[0]) >= 0
		case store.AtLeast:
			return compare(x, cond.Values[0]) < 0
		default:
			return cond.Op != store.NotNull
		}
	})
}

// compare needs no type: what the type of a column does not use is zero.
func compare(a, b store.Value) int {
	return cmp.Or(bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Int, b.Int))
}
