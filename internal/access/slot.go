package access

import (
	"sync"
	"sync/atomic"
)

// shard holds the entries of some subjects.
type shard[P any] struct {
	slots     [shardSlots]slot[P]
	mu        sync.Mutex // guards the fields below, and writing slots
	published uint64     // keys with a subject that were published to this shard
	turn      uint64     // moves with each eviction, so that the victims vary
}

// slot has room for one entry. A writer holds the lock of the shard; a reader holds
// none. The slot is a sequence lock: its state is odd while put writes, and each put
// changes it. A reader who finds the same even state before and after has read one entry,
// not parts of two. Emptying a slot leaves the state alone, because it writes one word.
//
// The entry lies in the slot itself. Behind a pointer, each check would wait once more for memory if many subjects
// are checked.
type slot[P any] struct {
	state   atomic.Uint64 // upper half: the epoch of the scope; lower half: twice the number of puts
	scope   [2]atomic.Uint64
	subject [2]atomic.Uint64
	profile atomic.Pointer[P] // nil: empty
}

// is reports whether the entry belongs to a pair.
func (s *slot[P]) is(scope, subject words) bool {
	return s.subject[1].Load() == subject.b && s.subject[0].Load() == subject.a &&
		s.scope[1].Load() == scope.b && s.scope[0].Load() == scope.a
}

// inScope returns the scope of the entry.
func (s *slot[P]) inScope() words { return words{s.scope[0].Load(), s.scope[1].Load()} }

// put writes an entry. The state is even before and after.
func (s *slot[P]) put(scope, subject words, p *P, epoch uint32) {
	count := uint32(s.state.Load()) //nolint:gosec // the lower half
	s.state.Store(uint64(count + 1))
	s.scope[0].Store(scope.a)
	s.scope[1].Store(scope.b)
	s.subject[0].Store(subject.a)
	s.subject[1].Store(subject.b)
	s.profile.Store(p)
	s.state.Store(uint64(epoch)<<32 | uint64(count+2))
}

// epoch returns the epoch under which the entry was kept.
func (s *slot[P]) epoch() uint32 { return uint32(s.state.Load() >> 32) }

// drop empties the slots of a subject, in one scope or everywhere, and returns how many
// it emptied.
func (s *shard[P]) drop(scope, subject words, everywhere bool) (dropped int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published++
	for i := range s.slots {
		here := &s.slots[i]
		where := scope
		if everywhere {
			where = here.inScope()
		}
		if here.profile.Load() != nil && here.is(where, subject) {
			here.profile.Store(nil)
			dropped++
		}
	}
	return dropped
}

// evict empties one slot, beginning the search at a place that moves with each call. It
// returns how many it emptied: 0 if the shard is empty. The caller holds the lock.
func (s *shard[P]) evict(first uint64) (evicted int64) {
	s.turn++
	for i := range uint64(shardSlots) {
		here := &s.slots[(first+s.turn+i)%shardSlots]
		if here.profile.Load() != nil {
			here.profile.Store(nil)
			return 1
		}
	}
	return 0
}
