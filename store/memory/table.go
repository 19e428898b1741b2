package memory

import (
	"github.com/tidwall/btree"

	"github.com/freehold-dev/freehold/store"
)

// tree is the refs of an index in order. It copies on write: Copy takes no time, and afterwards neither tree
// changes a node that the other one uses.
type tree = btree.BTreeG[ref]

// degree sets the size of a tree's nodes: at most twice as many refs. Larger nodes mean fewer objects for the
// garbage collector, and more copying at a write.
const degree = 128

// table is one version of a table. Once published, it never changes; a transaction that writes works on its own
// fork.
type table struct {
	*schema
	arena
	probes *probes
	trees  []*tree // one for each of the schema's indexes
	positions
	live int // bytes of the records in the trees
	dead int // bytes of records that no tree contains any more
}

// positions are the positions of a log; for other tables they are zero.
type positions struct {
	last  int64 // of the newest event
	floor int64 // of the newest event pruned
}

func newTable(s *schema, p *probes) *table {
	t := &table{schema: s, arena: newArena(), probes: p}
	for i := range s.indexes {
		t.trees = append(t.trees, newTree(t.less(i)))
	}
	return t
}

func newTree(less func(a, b ref) bool) *tree {
	return btree.NewBTreeGOptions(less, btree.Options{Degree: degree, NoLocks: true})
}

// less returns the order of the i-th index, for refs and probes. It is valid for all versions of the table with
// the same directory.
func (t *table) less(i int) func(a, b ref) bool {
	s, x, dir, probes := t.schema, &t.indexes[i], t.dir, t.probes
	return func(a, b ref) bool {
		switch {
		case a&probeBit != 0:
			return probes.at(a).compare(s, x, dir.at(b)) < 0
		case b&probeBit != 0:
			return probes.at(b).compare(s, x, dir.at(a)) > 0
		default:
			return s.order(x, dir.at(a), dir.at(b)) < 0
		}
	}
}

// fork returns a version to write to. Only the one writer calls it: Copy also writes a mark to the original
// tree, which readers of a tree never look at.
func (t *table) fork() *table {
	fork := *t
	fork.trees = make([]*tree, len(t.trees))
	for i, tr := range t.trees {
		fork.trees[i] = tr.Copy()
	}
	return &fork
}

// at returns the record that a ref names.
func (t *table) at(r ref) []byte { return t.dir.at(r) }

// add writes a record that no tree contains yet.
func (t *table) add(row store.Row) (ref, error) {
	r, rec, err := t.alloc(t.size(row))
	if err != nil {
		return 0, err
	}
	t.encode(rec, row)
	return r, nil
}

// copyFrom writes a record of another version, or of this one, again.
func (t *table) copyFrom(other *table, old ref) (ref, []byte, error) {
	rec := other.at(old)
	rec = rec[:other.end(rec)]
	r, room, err := t.alloc(len(rec))
	if err != nil {
		return 0, nil, err
	}
	copy(room, rec)
	return r, room, nil
}

// replace puts the record fresh into every index in place of the record old; either may be 0. If another row
// has a unique key of fresh, nothing changes, and replace returns the key's field.
func (t *table) replace(old, fresh ref) (taken string, ok bool) {
	for i := range t.indexes {
		if !t.move(i, old, fresh) {
			t.moveBack(i, old, fresh)
			return t.indexes[i].field, false
		}
	}
	if fresh != 0 {
		t.live += t.room(fresh)
	}
	if old != 0 {
		t.live -= t.room(old)
		t.dead += t.room(old)
	}
	return "", true
}

// moveBack undoes replace in the first n indexes.
func (t *table) moveBack(n int, old, fresh ref) {
	for i := range n {
		t.move(i, fresh, old)
	}
}

// move is replace in one index. If possible, it searches the tree only once: the result of Set shows whether
// the key was taken.
func (t *table) move(i int, old, fresh ref) bool {
	x, tr := &t.indexes[i], t.trees[i]
	goes := old != 0 && t.holds(x, t.at(old))
	comes := fresh != 0 && t.holds(x, t.at(fresh))
	same := goes && comes && t.order(x, t.at(old), t.at(fresh)) == 0
	if comes {
		if other, taken := tr.Set(fresh); taken && !same {
			tr.Set(other)
			return false
		}
	}
	if goes && !same {
		tr.Delete(old)
	}
	return true
}

// room returns the space that a record uses.
func (t *table) room(r ref) int { return padded(t.end(t.at(r))) }
