package memory

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// tx is a transaction: the committed state, and its own versions of the tables that it has written to.
type tx struct {
	guard   store.Guard
	store   *Store
	base    *state
	schemas []*schema // of the tables known when it began, or later
	owned   []*table  // by table; nil or missing for a table that it has not written to
	changes []change  // what was written, so that savepoints can undo it
	tails   []tail    // of the open savepoints
	probe   *probe
	key     [2]store.Value // of the last row looked up
}

var _ store.Rows = (*tx)(nil)

func (s *Store) begin(base *state) *tx {
	return &tx{store: s, base: base, schemas: *s.schemas.Load(), probe: s.probes.take()}
}

func (t *tx) end() { t.store.probes.give(t.probe) }

// place finds the table of a statement.
func (t *tx) place(of *store.Table) int {
	for i, s := range t.schemas {
		if s.source == of {
			return i
		}
	}
	i := t.store.learn(of, func() []*schema { return []*schema{newSchema(of, of, 0)} })
	t.schemas = *t.store.schemas.Load()
	return i
}

// table returns the i-th table as this transaction sees it.
func (t *tx) table(i int) *table {
	if i < len(t.owned) && t.owned[i] != nil {
		return t.owned[i]
	}
	return t.base.table(i, t.schemas)
}

// own returns the i-th table to write to.
func (t *tx) own(i int) *table {
	if i >= len(t.owned) {
		t.owned = append(t.owned, make([]*table, len(t.schemas)-len(t.owned))...)
	}
	if t.owned[i] == nil {
		t.owned[i] = t.base.table(i, t.schemas).fork()
	}
	return t.owned[i]
}

// Get implements [store.Rows].
func (t *tx) Get(_ context.Context, of *store.Table, id [16]byte, row store.Row) error {
	tab := t.table(t.place(of))
	r, ok := t.findID(tab, id)
	if !ok {
		return of.NotFound(id)
	}
	tab.decode(tab.at(r), row)
	return nil
}

// findID finds a row by its id.
func (t *tx) findID(tab *table, id [16]byte) (ref, bool) {
	return t.find(tab, store.Value{ID: id})
}

// find finds a row by its primary key.
func (t *tx) find(tab *table, key ...store.Value) (ref, bool) {
	return t.exact(tab, 0, t.key[:copy(t.key[:], key)])
}

// exact finds a row by all columns of a unique index.
func (t *tx) exact(tab *table, index int, key []store.Value) (ref, bool) {
	t.probe.bound = bound{values: key}
	return tab.trees[index].Get(t.probe.ref)
}

// Insert implements [store.Rows].
func (t *tx) Insert(_ context.Context, of *store.Table, row store.Row) error {
	i := t.place(of)
	taken, err := t.insert(i, row)
	if taken != "" {
		return of.Taken(taken)
	}
	return err
}

// insert adds a row to the i-th table, unless one of the row's unique keys is taken.
func (t *tx) insert(i int, row store.Row) (taken string, err error) {
	tab := t.own(i)
	before := tab.arena
	fresh, err := tab.add(row)
	if err != nil {
		return "", err
	}
	taken, ok := t.replace(i, 0, fresh)
	if !ok {
		tab.arena = before
	}
	return taken, nil
}

// replace is [table.replace], and records the change for savepoints.
func (t *tx) replace(i int, old, fresh ref) (taken string, ok bool) {
	taken, ok = t.own(i).replace(old, fresh)
	if ok {
		t.changes = append(t.changes, change{table: i, old: old, fresh: fresh})
	}
	return taken, ok
}

// Update implements [store.Rows].
func (t *tx) Update(_ context.Context, of *store.Table, row store.Row) error {
	i := t.place(of)
	id := row[0].ID
	old, ok := t.findID(t.table(i), id)
	if !ok {
		return of.NotFound(id)
	}
	tab := t.own(i)
	if tab.columns[1].int(tab.at(old)) != row[1].Int-1 {
		return of.Stale(id)
	}
	before := tab.arena
	fresh, err := tab.add(row)
	if err != nil {
		return err
	}
	if of.Touch != 0 {
		c := &tab.columns[of.Touch]
		kept := c.get(tab.at(old))
		c.set(tab.at(fresh), &kept)
	}
	if taken, ok := t.replace(i, old, fresh); !ok {
		tab.arena = before
		return of.Taken(taken)
	}
	return nil
}

// UpdateAll implements [store.Rows].
func (t *tx) UpdateAll(ctx context.Context, of *store.Table, where []store.Cond, set []store.Set) (n int, err error) {
	i := t.place(of)
	refs, err := t.all(ctx, t.table(i), where)
	if err != nil {
		return 0, err
	}
	err = t.Savepoint(ctx, func() error { // a failure on the way changes nothing
		tab, row, versioned := t.own(i), make(store.Row, len(of.Columns)), of.Versioned(set)
		for _, old := range refs {
			tab.decode(tab.at(old), row)
			same := true
			for _, s := range set {
				same = same && row[s.Column] == s.Value
				row[s.Column] = s.Value
			}
			if same {
				continue
			}
			if versioned {
				row[1].Int++
			}
			fresh, err := tab.add(row)
			if err != nil {
				return err
			}
			t.replace(i, old, fresh) // adds no key that the row did not have
			n++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Touch implements [store.Rows].
func (t *tx) Touch(_ context.Context, of *store.Table, id [16]byte, micros int64) error {
	i := t.place(of)
	old, ok := t.findID(t.table(i), id)
	if !ok {
		return nil
	}
	tab := t.own(i)
	fresh, rec, err := tab.copyFrom(tab, old)
	if err != nil {
		return err
	}
	tab.columns[of.Touch].set(rec, &store.Value{Int: micros})
	t.replace(i, old, fresh) // adds no key that the row did not have
	return nil
}

// Delete implements [store.Rows].
func (t *tx) Delete(_ context.Context, of *store.Table, id [16]byte) error {
	i := t.place(of)
	old, ok := t.findID(t.table(i), id)
	if !ok {
		return of.NotFound(id)
	}
	t.replace(i, old, 0)
	return nil
}

// DeleteAll implements [store.Rows].
func (t *tx) DeleteAll(ctx context.Context, of *store.Table, where []store.Cond) (int, error) {
	i := t.place(of)
	refs, err := t.all(ctx, t.table(i), where)
	if err != nil {
		return 0, err
	}
	for _, r := range refs {
		t.replace(i, r, 0)
	}
	return len(refs), nil
}

// Snapshot identifies the commit that the transaction began from. It changes with every commit that wrote
// something, and is never nil. Tests get it with store.Underlying.
func (t *tx) Snapshot() any { return t.base }

// Lock implements [store.Rows]. It does nothing, because there is only one writer.
func (t *tx) Lock(context.Context, ...store.LockKey) error { return nil }
