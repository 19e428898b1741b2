package memory

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/tenancy"
)

// change is one record that took another's place; 0 stands for none.
type change struct {
	table      int
	old, fresh ref
}

// mark is what a savepoint goes back to.
type mark struct {
	changes     int
	tails       int
	last, floor tenancy.Position
}

// tail is where a table stood at a mark. A table without one was not yet written to.
type tail struct {
	arena
	live, dead int
}

// Savepoint implements [store.Rows]. It costs a note of where each table ends:
// taking back is work, keeping is none.
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
	m := mark{changes: len(t.changes), tails: len(t.tails), last: t.last, floor: t.floor}
	for i := range t.base.tables {
		var end tail
		if t.owned != nil && t.owned[i] != nil {
			end = tail{arena: t.owned[i].arena, live: t.owned[i].live, dead: t.owned[i].dead}
		}
		t.tails = append(t.tails, end)
	}
	return m
}

func (t *tx) rollback(m mark) {
	for n := len(t.changes); n > m.changes; n-- {
		c := t.changes[n-1]
		tab := t.owned[c.table]
		tab.moveBack(len(tab.trees), c.old, c.fresh)
	}
	t.changes = t.changes[:m.changes]
	for i, tab := range t.owned {
		switch end := t.tails[m.tails+i]; {
		case tab == nil:
		case end.dir == nil:
			t.owned[i] = nil
		default:
			tab.arena, tab.live, tab.dead = end.arena, end.live, end.dead
		}
	}
	t.last, t.floor = m.last, m.floor
}

// result is the state with what the transaction wrote.
func (t *tx) result() *state {
	next := &state{tables: slices.Clone(t.base.tables), last: t.last, floor: t.floor}
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
