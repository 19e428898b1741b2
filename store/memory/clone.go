package memory

import "slices"

// Clone gives a second store that holds what is committed in s now, with the same ids,
// versions and positions. From then on each goes its own way: what is written to one is
// never seen in the other, and each is closed by itself. It serves tests that lay the same
// rows many times, and programs that try a change on a copy first.
//
// It copies every byte of the rows and writes each index anew, so it takes as long as
// reading all rows once in each of their orders, and as much memory again. For some hundred
// rows that is a fraction of a millisecond. It may be called at any time: it waits for
// nobody, nobody waits for it, and an Update that runs meanwhile is in the clone as a whole
// or not at all. The clone of a closed store is closed.
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

// clone gives the table with slabs, trees and probes of its own. Sharing them would not do:
// writers fill the last slab, and the order of a tree is bound to one directory.
func (t *table) clone(s *schema, p *probes) *table {
	clone := &table{schema: s, arena: t.arena.clone(), positions: t.positions, probes: p, live: t.live, dead: t.dead}
	for i, tr := range t.trees {
		clone.trees = append(clone.trees, clone.load(i, tr.Scan))
	}
	return clone
}

// clone copies what has been written, and not what a writer may be writing behind it.
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
