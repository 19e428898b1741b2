package access

import "cmp"

// Load is a profile on its way from the store into the cache. [Cache.Begin] makes it. Do not call methods of
// the zero Load. One goroutine at a time uses a Load.
type Load[P, B any] struct {
	cache      *Cache[P, B]
	generation *generation[P, B]
	shard      *shard[P]
	first      uint64 // slot
	published  uint64
	epoch      uint32
	key        Key
}

// Begin begins to load the profile of a pair. Call it before you take the snapshot from which you read the
// profile: that snapshot may lack what is published from now on.
func (c *Cache[P, B]) Begin(scope, subject [16]byte) Load[P, B] {
	g, where := c.all.Load(), wordsOf(scope)
	place, first := g.place(where, wordsOf(subject))
	s := place.Load()
	if s == nil {
		place.CompareAndSwap(nil, &shard[P]{})
		s = place.Load()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return Load[P, B]{c, g, s, first, s.published, g.epoch(where).Load(), Key{Scope: scope, Subject: subject}}
}

// Key returns the pair of the load.
func (l Load[P, B]) Key() Key { return l.key }

// overtaken reports whether a key without a subject was published since the load began.
func (l Load[P, B]) overtaken() bool {
	return l.generation.epoch(wordsOf(l.key.Scope)).Load() != l.epoch || l.cache.all.Load() != l.generation
}

// Keep keeps the profile that the load read, unless a key that covers the pair was
// published since it began, or a mark covers the pair. When the cache is full it evicts
// another entry, or keeps nothing.
func (l Load[P, B]) Keep(p *P) {
	l.shard.mu.Lock()
	defer l.shard.mu.Unlock()
	// Why nothing stale stays: publishing a key with a subject counts and drops in one go
	// under this lock, so it comes before the comparison below or finds the entry to drop.
	// Publishing a wider key needs no lock: the entry then has an old epoch, or lies in an
	// old generation, and Get does not return it. Settling a mark publishes before it
	// removes the mark, so one of the two stops a load that began under the mark.
	if l.cache.marked(l.key) || l.shard.published != l.published || l.overtaken() {
		return
	}
	count, most := &l.generation.count, int64(l.cache.size)
	here := l.slot()
	if here.profile.Load() == nil {
		if count.Load() >= most {
			count.Add(-l.shard.evict(l.first))
		}
		if count.Add(1) > most {
			count.Add(-1)
			return
		}
	}
	here.put(wordsOf(l.key.Scope), wordsOf(l.key.Subject), p, l.epoch)
}

// slot returns the slot to write: the one that the pair has, else a dead one, else an empty one, else one whose
// entry is evicted.
func (l Load[P, B]) slot() *slot[P] {
	var empty, dead *slot[P]
	where, who := wordsOf(l.key.Scope), wordsOf(l.key.Subject)
	for i := range uint64(probes) {
		here := &l.shard.slots[(l.first+i)%shardSlots]
		switch {
		case here.profile.Load() == nil:
			empty = cmp.Or(empty, here)
		case here.is(where, who):
			return here
		case here.epoch() != l.generation.epoch(here.inScope()).Load():
			dead = here
		}
	}
	l.shard.turn++
	return cmp.Or(dead, empty, &l.shard.slots[(l.first+l.shard.turn%probes)%shardSlots])
}
