package memory

import (
	"context"
)

// change is one record that replaced another; 0 means no record.
type change struct {
	table      int
	old, fresh ref
}

// mark is the state to which a savepoint returns.
type mark struct {
	changes int
	tails   int
	owned   int // number of tables that have a tail
}

// tail is the end of a table at a mark. A table without a tail was not written to before the mark.
type tail struct {
	arena
	positions
	live, dead int
}

// Savepoint implements [store.Rows]. It only records where each table ends, so it is cheap to keep the changes,
// and undoing them takes work.
func (t *tx) Savepoint(_ context.Context, fn func() error) error {
	m := t.mark()
	kept := false
	defer func() { // also when fn panics
		if !kept {
			t.rollback(m)
		}
		t.tails = t.tails[:m.tails]
	}()
	if err := fn(); err != nil {
		return err
	}
	kept = true
	return nil
}

func (t *tx) mark() mark {
	m := mark{changes: len(t.changes), tails: len(t.tails), owned: len(t.owned)}
	for _, tab := range t.owned {
		var end tail
		if tab != nil {
			end = tail{arena: tab.arena, positions: tab.positions, live: tab.live, dead: tab.dead}
		}
		t.tails = append(t.tails, end)
	}
	return m
}

// rollback undoes the changes since m, the newest first. It restores all indexes before it resets the arenas, because an
// index reads records to compare them. A table that was first written to after m is dropped: the transaction then sees
// the committed version again.
func (t *tx) rollback(m mark) {
	for n := len(t.changes); n > m.changes; n-- {
		c := t.changes[n-1]
		tab := t.owned[c.table]
		tab.moveBack(len(tab.trees), c.old, c.fresh)
	}
	t.changes = t.changes[:m.changes]
	for i, tab := range t.owned {
		var end tail
		if i < m.owned {
			end = t.tails[m.tails+i]
		}
		switch {
		case tab == nil:
		case end.dir == nil:
			t.owned[i] = nil
		default:
			tab.arena, tab.positions, tab.live, tab.dead = end.arena, end.positions, end.live, end.dead
		}
	}
}

// result returns the state with what the transaction wrote.
func (t *tx) result() *state {
	next := &state{tables: make([]*table, max(len(t.base.tables), len(t.owned)))}
	copy(next.tables, t.base.tables)
	for i, tab := range t.owned {
		switch {
		case tab == nil:
		case tab.wasteful():
			next.tables[i] = tab.compact()
		default:
			next.tables[i] = tab
		}
	}
	return next
}
