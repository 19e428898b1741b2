package memory

import (
	"sync/atomic"

	"github.com/freehold-dev/freehold/store"
)

// ref names a record: the number of its slab and its offset there. 0 names none;
// with probeBit set it names a probe instead.
type ref uint32

const (
	unit       = 8  // records begin at multiples of this many bytes
	offsetBits = 15 // of a ref, in units

	firstSlab = 4 << 10 // bytes; each slab doubles the one before, up to fullSlab
	fullSlab  = unit << offsetBits
	maxSlabs  = 1 << (31 - offsetBits)

	offsetMask ref = 1<<offsetBits - 1
	probeBit   ref = 1 << 31
)

// directory finds records. All versions of a table between two compactions share
// one: slabs are only added, and bytes that a committed ref leads to never change,
// so readers of old versions need no lock. Slabs behind the newest commit may be
// replaced after a rollback; no reader has a ref into those.
type directory struct {
	slabs atomic.Pointer[[][]byte]
}

// at gives the bytes from the record on; where it ends, its layout knows.
func (d *directory) at(r ref) []byte {
	slabs := *d.slabs.Load()
	return slabs[r>>offsetBits][(r&offsetMask)*unit:]
}

// arena is a writer's end of a directory. As a plain value it is its own
// savepoint: to set an older one is to take back what was written since.
type arena struct {
	dir  *directory
	slab int // being filled
	used int // bytes of it that are taken
}

func newArena() arena {
	a := arena{dir: &directory{}, used: unit} // so that no record is at 0
	a.dir.slabs.Store(&[][]byte{make([]byte, firstSlab)})
	return a
}

// alloc gives room for a record, not cleared.
func (a *arena) alloc(size int) (ref, []byte, error) {
	size = padded(size)
	slabs := *a.dir.slabs.Load()
	if a.used+size > len(slabs[a.slab]) {
		if a.slab+1 == maxSlabs {
			return 0, nil, &store.Error{Code: store.ErrStorageFull}
		}
		a.slab, a.used = a.slab+1, 0
		usual := min(firstSlab<<min(a.slab, offsetBits), fullSlab)
		slabs = append(slabs[:a.slab], make([]byte, max(size, usual)))
		a.dir.slabs.Store(&slabs)
	}
	r := ref(a.slab<<offsetBits | a.used/unit)
	room := slabs[a.slab][a.used : a.used+size]
	a.used += size
	return r, room, nil
}

// padded is what a record of this size takes up.
func padded(size int) int { return (size + unit - 1) &^ (unit - 1) }
