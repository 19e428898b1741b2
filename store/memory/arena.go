package memory

import (
	"sync/atomic"

	"github.com/freehold-dev/freehold/store"
)

// ref names a record, by the number of its slab and its offset there. 0 means no record. With probeBit set, it
// names a probe.
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

// directory finds records. All versions of a table between two compactions share one. Slabs are only added, and
// the bytes of a committed ref never change, so readers of old versions need no lock. A rollback may replace
// slabs after the newest commit; no reader has a ref into those.
type directory struct {
	slabs atomic.Pointer[[][]byte]
}

// at returns the bytes from the record on; the record's layout knows its end.
func (d *directory) at(r ref) []byte {
	slabs := *d.slabs.Load()
	return slabs[r>>offsetBits][(r&offsetMask)*unit:]
}

// arena is the writing side of a directory. It is a plain value, so a copy is a savepoint: to restore an older
// copy undoes what was written since.
type arena struct {
	dir  *directory
	slab int // being filled
	used int // bytes of it that are taken
}

func newArena() arena {
	a := arena{dir: &directory{}, used: unit} // so that no record is at 0, which means none
	a.dir.slabs.Store(&[][]byte{make([]byte, firstSlab)})
	return a
}

// alloc returns space for a record, which it does not clear.
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

// padded returns the space that a record of this size needs.
func padded(size int) int { return (size + unit - 1) &^ (unit - 1) }
