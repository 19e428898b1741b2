package memory

import "iter"

// leastWaste is the garbage, in bytes, that is not worth collecting.
const leastWaste = 1 << 20

// wasteful reports whether most of a table is garbage. Compacting only then means that each byte of garbage
// costs the copy of about one live byte.
func (t *table) wasteful() bool { return t.dead > t.live && t.dead >= leastWaste }

// compact returns a table with the same rows, written again in the order of their primary keys, without
// garbage. Readers of older versions keep the old slabs alive for as long as they need them.
func (t *table) compact() *table {
	fresh := newTable(t.schema, t.probes)
	moved := make(map[ref]ref, t.trees[0].Len())
	full := false
	t.trees[0].Scan(func(r ref) bool {
		to, _, err := fresh.copyFrom(t, r)
		moved[r], full = to, err != nil
		return !full
	})
	if full {
		return t // a table next to its limit stays as it is
	}
	for i, tr := range t.trees {
		fresh.trees[i] = fresh.load(i, func(yield func(ref) bool) {
			tr.Scan(func(r ref) bool { return yield(moved[r]) })
		})
	}
	fresh.live, fresh.positions = t.live, t.positions
	return fresh
}

// load makes the i-th index from refs that are already in its order. During that time the tree does not read
// rows to compare them: the newest is always the largest.
func (t *table) load(i int, refs iter.Seq[ref]) *tree {
	var newest ref // nothing changes it once readers have the tree
	exact := t.less(i)
	tr := newTree(func(a, b ref) bool {
		if newest != 0 {
			return b == newest
		}
		return exact(a, b)
	})
	for newest = range refs {
		tr.Load(newest)
	}
	newest = 0
	return tr
}
