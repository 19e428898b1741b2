package memory

import "slices"

// Clone returns a second store with everything that is committed in s now, with the same ids, versions and
// positions. Afterwards the two stores are independent: a write to one is not seen in the other, and each is
// closed by itself. It serves tests that need the same rows many times, and programs that try a change on a
// copy first.
//
// It copies every byte of the rows and writes each index again. So it takes as long as reading all rows once in
// each order, and as much memory again. For some hundred rows that is a fraction of a millisecond. You may call
// it at any time: it waits for nothing and blocks nothing. An Update that runs meanwhile is in the clone as a
// whole or not at all. The clone of a closed store is closed.
func (s *Store) Clone() *Store {
	clone := &Store{writer: make(chan struct{}, 1)}
	base := s.current.Load()
	var schemas []*schema // at least those of the tables in base
	for _, known := range *s.schemas.Load() {
		own := *known
		own.empty = newTable(&own, &clone.probes)
		schemas = append(schemas, &own)
	}
	clone.schemas.Store(&schemas)
	if base == nil {
		return clone
	}
	next := &state{tables: make([]*table, len(base.tables))}
	for i, t := range base.tables {
		if t != nil {
			next.tables[i] = t.clone(schemas[i], &clone.probes)
		}
	}
	clone.current.Store(next)
	return clone
}

// clone returns the table with its own slabs, trees and probes. They cannot be shared: writers fill the last
// slab, and the order of a tree needs one particular directory.
func (t *table) clone(s *schema, p *probes) *table {
	clone := &table{schema: s, arena: t.arena.clone(), positions: t.positions, probes: p, live: t.live, dead: t.dead}
	for i, tr := range t.trees {
		clone.trees = append(clone.trees, clone.load(i, tr.Scan))
	}
	return clone
}

// clone copies what is written, and not what a writer may be writing after it.
func (a arena) clone() arena {
	slabs := slices.Clone((*a.dir.slabs.Load())[:a.slab+1])
	for i, slab := range slabs {
		slabs[i] = make([]byte, len(slab))
		if i == a.slab {
			slab = slab[:a.used]
		}
		copy(slabs[i], slab)
	}
	a.dir = &directory{}
	a.dir.slabs.Store(&slabs)
	return a
}
