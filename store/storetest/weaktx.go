package storetest

import (
	"context"
	"maps"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// weakTx is one transaction of a [Weak].
type weakTx struct {
	guard    store.Guard
	weak     *Weak
	snapshot *weakState                // only of a View; an Update has none
	own      map[*store.Table]weakRows // what an Update wrote; nil for a row deleted
	logs     map[*store.Log]*weakLog

	// The rest is under the mutex of weak; see weaklocks.go.
	age    int64
	held   []any
	waits  *weakTx       // the transaction that a statement waits for
	winner *weakTx       // the oldest in a deadlock that this one lost
	beaten chan struct{} // closed when there is a winner
	ended  chan struct{} // closed when t holds nothing any more
}

// state returns the committed state that t may see.
func (t *weakTx) state() *weakState {
	if t.snapshot != nil {
		return t.snapshot
	}
	return &t.weak.kept
}

// Snapshot identifies the commit that a View reads, and changes with every commit. In an Update, which has no
// snapshot, it is nil. Tests get it with store.Underlying.
func (t *weakTx) Snapshot() any {
	if t.snapshot == nil {
		return nil
	}
	return t.snapshot.number
}

// find returns a row as t sees it, or nil.
func (t *weakTx) find(table *store.Table, id [16]byte) store.Row {
	if row, ok := t.own[table][id]; ok {
		return row
	}
	return t.state().tables[table][id]
}

// each calls fn for every row that t sees, in no particular order.
func (t *weakTx) each(table *store.Table, fn func(row store.Row)) {
	own := t.own[table]
	for id, row := range t.state().tables[table] {
		if _, ok := own[id]; !ok {
			fn(row)
		}
	}
	for _, row := range own {
		if row != nil {
			fn(row)
		}
	}
}

// matching returns the rows that t sees and that pass the conditions, in no particular order.
func (t *weakTx) matching(table *store.Table, where []store.Cond) []store.Row {
	var list []store.Row
	t.each(table, func(row store.Row) {
		if passes(table, row, where) {
			list = append(list, row)
		}
	})
	return list
}

// write records a row among those that t has written, nil for a deletion.
func (t *weakTx) write(table *store.Table, id [16]byte, row store.Row) {
	if t.own[table] == nil {
		t.own[table] = weakRows{}
	}
	t.own[table][id] = row
}

func (t *weakTx) Get(ctx context.Context, table *store.Table, id [16]byte, row store.Row) error {
	return t.statement(ctx, func() (*weakTx, error) {
		found := t.find(table, id)
		if found == nil {
			return nil, table.NotFound(id)
		}
		copy(row, found)
		return nil, nil
	})
}

func (t *weakTx) List(ctx context.Context, table *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	var list []store.Row
	if err := t.statement(ctx, func() (*weakTx, error) {
		list = t.matching(table, where)
		return nil, nil
	}); err != nil {
		return err
	}
	for _, row := range spanOf(table, list, r) {
		if err := yield(slices.Clone(row)); err != nil {
			return err
		}
	}
	return nil
}

func (t *weakTx) Count(ctx context.Context, table *store.Table, where []store.Cond) (n int, err error) {
	err = t.statement(ctx, func() (*weakTx, error) {
		n = len(t.matching(table, where))
		return nil, nil
	})
	return n, err
}

func (t *weakTx) Insert(ctx context.Context, table *store.Table, row store.Row) error {
	row = slices.Clone(row)
	return t.statement(ctx, func() (*weakTx, error) {
		wants := append(weakKeys(table, row), weakRowID{table, row[0].ID})
		if other := t.blocker(wants); other != nil {
			return other, nil
		}
		if t.find(table, row[0].ID) != nil {
			return nil, table.Taken(table.Columns[0].Name)
		}
		if err := t.unique(table, row); err != nil {
			return nil, err
		}
		t.hold(wants)
		t.write(table, row[0].ID, row)
		return nil, nil
	})
}

func (t *weakTx) Update(ctx context.Context, table *store.Table, row store.Row) error {
	row = slices.Clone(row)
	id := row[0].ID
	return t.statement(ctx, func() (*weakTx, error) {
		if other := t.blocker([]any{weakRowID{table, id}}); other != nil {
			return other, nil
		}
		old := t.find(table, id)
		switch {
		case old == nil:
			return nil, table.NotFound(id)
		case old[1].Int != row[1].Int-1:
			return nil, table.Stale(id)
		}
		wants := append(slices.Concat(weakKeys(table, old), weakKeys(table, row)), weakRowID{table, id})
		if other := t.blocker(wants); other != nil {
			return other, nil
		}
		if err := t.unique(table, row); err != nil {
			return nil, err
		}
		if table.Touch != 0 {
			row[table.Touch] = old[table.Touch]
		}
		t.hold(wants)
		t.write(table, id, row)
		return nil, nil
	})
}

func (t *weakTx) UpdateAll(ctx context.Context, table *store.Table, where []store.Cond, set []store.Set) (n int, err error) {
	err = t.statement(ctx, func() (*weakTx, error) {
		rows := slices.DeleteFunc(t.matching(table, where), func(row store.Row) bool {
			return !slices.ContainsFunc(set, func(s store.Set) bool { return row[s.Column] != s.Value })
		})
		var wants []any
		for _, row := range rows {
			wants = append(wants, weakRowID{table, row[0].ID})
		}
		if other := t.blocker(wants); other != nil {
			return other, nil
		}
		t.hold(wants)
		for _, row := range rows {
			changed := slices.Clone(row)
			if table.Versioned(set) {
				changed[1].Int++
			}
			for _, s := range set {
				changed[s.Column] = s.Value
			}
			t.write(table, row[0].ID, changed)
		}
		n = len(rows)
		return nil, nil
	})
	return n, err
}

func (t *weakTx) Touch(ctx context.Context, table *store.Table, id [16]byte, micros int64) error {
	return t.statement(ctx, func() (*weakTx, error) {
		wants := []any{weakRowID{table, id}}
		if other := t.blocker(wants); other != nil {
			return other, nil
		}
		if row := slices.Clone(t.find(table, id)); row != nil {
			row[table.Touch] = store.Value{Int: micros}
			t.hold(wants)
			t.write(table, id, row)
		}
		return nil, nil
	})
}

func (t *weakTx) Delete(ctx context.Context, table *store.Table, id [16]byte) error {
	return t.statement(ctx, func() (*weakTx, error) {
		if other := t.blocker([]any{weakRowID{table, id}}); other != nil {
			return other, nil
		}
		row := t.find(table, id)
		if row == nil {
			return nil, table.NotFound(id)
		}
		return t.remove(table, row), nil
	})
}

func (t *weakTx) DeleteAll(ctx context.Context, table *store.Table, where []store.Cond) (n int, err error) {
	err = t.statement(ctx, func() (*weakTx, error) {
		rows := t.matching(table, where)
		n = len(rows)
		return t.remove(table, rows...), nil
	})
	return n, err
}

// remove deletes rows, or returns the transaction that must end first.
func (t *weakTx) remove(table *store.Table, rows ...store.Row) *weakTx {
	var wants []any
	for _, row := range rows {
		wants = append(append(wants, weakKeys(table, row)...), weakRowID{table, row[0].ID})
	}
	if other := t.blocker(wants); other != nil {
		return other
	}
	t.hold(wants)
	for _, row := range rows {
		t.write(table, row[0].ID, nil)
	}
	return nil
}

// unique returns an error if another row that t sees has one of row's keys.
func (t *weakTx) unique(table *store.Table, row store.Row) error {
	var err error
	t.each(table, func(other store.Row) {
		if other[0].ID == row[0].ID {
			return
		}
		for _, key := range table.Unique {
			if !slices.ContainsFunc(key.Columns, func(i int) bool { return row[i].Null || other[i] != row[i] }) {
				err = table.Taken(key.Field)
			}
		}
	})
	return err
}

func (t *weakTx) Savepoint(_ context.Context, fn func() error) error {
	own := make(map[*store.Table]weakRows, len(t.own))
	for table, rows := range t.own {
		own[table] = maps.Clone(rows)
	}
	logs := make(map[*store.Log]*weakLog, len(t.logs))
	for l, log := range t.logs {
		logs[l] = log.clone()
	}
	kept := false
	defer func() {
		if !kept { // locks stay
			t.own, t.logs = own, logs
		}
	}()
	err := fn()
	kept = err == nil
	return err
}

func (t *weakTx) Lock(ctx context.Context, keys ...store.LockKey) error {
	if t.weak.NoLocks {
		t.weak.yield()
		return nil
	}
	for _, key := range keys {
		if err := t.statement(ctx, func() (*weakTx, error) {
			if other := t.blocker([]any{key}); other != nil {
				return other, nil
			}
			t.hold([]any{key})
			return nil, nil
		}); err != nil {
			return err
		}
	}
	return nil
}
