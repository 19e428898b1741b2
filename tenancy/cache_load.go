package tenancy

import "cmp"

// load is a promise to keep what is about to be read, unless something that covers
// it is published meanwhile.
type load struct {
	entries   *entries
	shard     *shard
	first     uint64 // slot
	published uint64
	epoch     uint32
	key       cacheKey
}

// begin begins a load, to be called before the View that it reads in.
func (c *cache) begin(organization OrganizationID, user UserID) load {
	e, org := c.all.Load(), idOf(organization)
	place, first := e.place(org, idOf(user))
	s := place.Load()
	if s == nil {
		place.CompareAndSwap(nil, &shard{})
		s = place.Load()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return load{e, s, first, s.published, e.epoch(org).Load(), cacheKey{organization, user}}
}

// overtaken reports whether something wider than a user was published since a load
// began.
func (c *cache) overtaken(l load) bool {
	return l.entries.epoch(idOf(l.key.organization)).Load() != l.epoch || c.all.Load() != l.entries
}

// keep keeps what a load read.
func (c *cache) keep(l load, p *profile) {
	l.shard.mu.Lock()
	defer l.shard.mu.Unlock()
	// Whoever publishes a user counts first and drops then, under this lock, and
	// whoever settles a mark publishes first; so what holds here holds until the entry
	// is there to be dropped. One that was overtaken would be of an old epoch, or among
	// old entries, and never be found.
	if c.marked(l.key) || l.shard.published != l.published || c.overtaken(l) {
		return
	}
	count, most := &l.entries.count, int64(c.size)
	here := l.room()
	if here.profile.Load() == nil {
		if count.Load() >= most {
			count.Add(-l.shard.evict(l.first))
		}
		if count.Add(1) > most {
			count.Add(-1)
			return
		}
	}
	here.put(idOf(l.key.organization), idOf(l.key.user), p, l.epoch)
}

// room is the slot for a load: the pair's own, one whose organization
// was dropped, an empty one, or else one whose turn it is to go.
func (l load) room() *slot {
	var empty, dead *slot
	org, user := idOf(l.key.organization), idOf(l.key.user)
	for i := range uint64(probes) {
		here := &l.shard.slots[(l.first+i)%shardSlots]
		switch {
		case here.profile.Load() == nil:
			empty = cmp.Or(empty, here)
		case here.is(org, user):
			return here
		case here.dead(l.entries):
			dead = here
		}
	}
	l.shard.turn++
	return cmp.Or(dead, empty, &l.shard.slots[(l.first+l.shard.turn%probes)%shardSlots])
}
