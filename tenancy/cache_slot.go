package tenancy

import (
	"sync"
	"sync/atomic"
)

// shard holds the entries of some users.
type shard struct {
	slots     [shardSlots]slot
	mu        sync.Mutex // guards what is below, and writing slots
	published uint64
	turn      uint64 // whose turn it is to go
}

// slot is room for one entry. It is written under the shard's lock and read without:
// a reader that finds the state as it was has read what belongs together. An entry
// that was a thing of its own would cost a check of many people a second wait for
// memory.
type slot struct {
	state        atomic.Uint64 // the organization's epoch, and a count of writes: odd during one
	organization [2]atomic.Uint64
	user         [2]atomic.Uint64
	profile      atomic.Pointer[profile] // nil: empty
}

// is reports whether the entry is of a pair.
func (s *slot) is(organization, user cacheID) bool {
	return s.user[1].Load() == user.b && s.user[0].Load() == user.a &&
		s.organization[1].Load() == organization.b && s.organization[0].Load() == organization.a
}

// of is the organization of the entry.
func (s *slot) of() cacheID { return cacheID{s.organization[0].Load(), s.organization[1].Load()} }

// put writes an entry. The state was even and is so again.
func (s *slot) put(organization, user cacheID, p *profile, epoch uint32) {
	count := uint32(s.state.Load()) //nolint:gosec // the lower half
	s.state.Store(uint64(count + 1))
	s.organization[0].Store(organization.a)
	s.organization[1].Store(organization.b)
	s.user[0].Store(user.a)
	s.user[1].Store(user.b)
	s.profile.Store(p)
	s.state.Store(uint64(epoch)<<32 | uint64(count+2))
}

// dead reports whether the organization of an entry was dropped.
func (s *slot) dead(e *entries) bool {
	return uint32(s.state.Load()>>32) != e.epoch(s.of()).Load()
}

// drop empties the slots of a user, in one organization or everywhere, and says how
// many went.
func (s *shard) drop(organization, user cacheID, everywhere bool) (gone int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published++
	for i := range s.slots {
		here := &s.slots[i]
		where := organization
		if everywhere {
			where = here.of()
		}
		if here.profile.Load() != nil && here.is(where, user) {
			here.profile.Store(nil)
			gone++
		}
	}
	return gone
}

// evict empties the next slot that is not, from the first one on or from anywhere, and
// says how many went: none of an empty shard.
func (s *shard) evict(first uint64) (gone int64) {
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
