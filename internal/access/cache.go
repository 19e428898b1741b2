// Package access keeps compiled access in memory, so that a check costs one lookup and takes no lock.
//
// A [Cache] holds a profile for a pair of ids: a scope and a subject. The caller decides what the ids name and what
// a profile contains, and reads the store. The cache guarantees one thing: after [Cache.Publish] has returned,
// [Cache.Get] never returns a profile that was read before the publication and that a published [Key] covers. It
// forgets entries whenever that is simpler or when it is full, so a nil from Get says nothing about the pair.
//
// A caller that finds no profile loads it:
//
//	l := c.Begin(scope, subject) // before the snapshot is taken
//	p := read(scope, subject)    // from the store
//	l.Keep(p)                    // does nothing if the load was overtaken
//
// A caller that changes the store publishes after the commit. If nobody reports the commit to it, the caller leaves
// a [Mark] before the commit and settles the mark after it.
package access

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// Cache holds profiles of type P by scope and subject, and one base of type B from which
// all of them were compiled. Call [Cache.Init] first. All other methods are safe for
// concurrent use. Profiles and bases must not change once the cache has them.
//
// Publishing a key drops the entries that it covers and spoils the loads that are under
// way, because they may have read the store before the change. For that, each part of the
// cache counts what was published to it, and a load is kept only if the counts are as they
// were when it began.
//
// An entry lies in the shard of its subject, so that one subject is dropped in one
// shard. It records the epoch of its scope. Dropping a scope moves that epoch, and all
// entries of an earlier epoch are dead. Get takes no lock: it reads one slot in one place
// in memory, and the epoch.
type Cache[P, B any] struct {
	size int                              // most entries; 0 = keep nothing
	all  atomic.Pointer[generation[P, B]] // replaced when everything is dropped

	open   atomic.Int64 // len(marks), to be read without the lock
	mu     sync.Mutex   // guards the marks
	marks  []Mark
	serial uint64 // serial number of the last mark
}

// generation holds everything that the cache has kept since everything was last dropped.
type generation[P, B any] struct {
	shards []atomic.Pointer[shard[P]] // made when they are needed
	count  atomic.Int64               // entries, dead ones included
	epochs []atomic.Uint32            // each one for all scopes that hash to it
	base   atomic.Pointer[B]

	mu       sync.Mutex // guards the maps
	profiles map[string]*P
	shared   map[sharedKey]sharedProfile[P]
}

const (
	shardSlots  = 64 // a subject has at most this many entries
	probes      = 8  // slots that may hold an entry: Get looks at no others
	shardEpochs = 4  // epochs for each shard
)

// words is an id as two numbers, which fit in registers.
type words struct{ a, b uint64 }

func wordsOf(id [16]byte) words {
	return words{binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])}
}

// seed differs in each process, and so does the place of an id in the cache. Otherwise a person who sees ids
// could choose their own so that their entries replace another person's.
var seed = rand.Uint64()

// hash spreads an id evenly over the upper bits, even if the ids are not random.
func (w words) hash() uint64 {
	return (w.b ^ bits.RotateLeft64(w.a, 32) ^ seed) * 0x9e3779b97f4a7c15
}

// Init makes the cache ready to hold size entries; with 0 or less it holds none. Call it
// once, before any other method and before other goroutines use the cache.
func (c *Cache[P, B]) Init(size int) {
	c.size = max(size, 0)
	c.all.Store(c.empty())
}

// Size returns the most entries that the cache holds.
func (c *Cache[P, B]) Size() int { return c.size }

// empty returns a generation with seven slots for each four entries.
func (c *Cache[P, B]) empty() *generation[P, B] {
	n := c.size/4*7/shardSlots + 1
	return &generation[P, B]{
		shards: make([]atomic.Pointer[shard[P]], n), epochs: make([]atomic.Uint32, n*shardEpochs),
		profiles: map[string]*P{}, shared: map[sharedKey]sharedProfile[P]{},
	}
}

// place returns where a pair belongs: the shard of the subject, and the first slot to
// look at, which depends on both ids.
//
// The multiplication divides the range of hashes into one equal part for each shard. Its upper half is the number of
// the part. Its lower half is the position in the part, of which the six upper bits choose one of 64 slots.
func (g *generation[P, B]) place(scope, subject words) (s *atomic.Pointer[shard[P]], slot uint64) {
	high, low := bits.Mul64(subject.hash(), uint64(len(g.shards)))
	return &g.shards[high], (low ^ scope.hash()) / (1 << 58)
}

// epoch returns the epoch of a scope. Other scopes may share it, and are then dropped
// with it.
func (g *generation[P, B]) epoch(scope words) *atomic.Uint32 {
	high, _ := bits.Mul64(scope.hash(), uint64(len(g.epochs)))
	return &g.epochs[high]
}

// Get returns the profile of a pair, or nil if the cache does not hold it. It takes no
// lock and allocates nothing.
func (c *Cache[P, B]) Get(scope, subject [16]byte) *P {
	g, where, who := c.all.Load(), wordsOf(scope), wordsOf(subject)
	place, first := g.place(where, who)
	s := place.Load()
	if s == nil {
		return nil
	}
	for i := range uint64(probes) {
		here := &s.slots[(first+i)%shardSlots]
		state := here.state.Load()
		if !here.is(where, who) {
			continue
		}
		p := here.profile.Load()
		if p == nil {
			continue // the slot was emptied; the pair may have another slot by now
		}
		if state%2 != 0 || here.state.Load() != state || uint32(state>>32) != g.epoch(where).Load() {
			return nil
		}
		return p
	}
	return nil
}

// Key says what a change may have altered. A zero field means all: {scope, subject} is one subject in one
// scope, {0, subject} a subject in every scope, {scope, 0} all subjects in a scope, and the zero Key
// everything.
type Key struct {
	// Scope is the scope of the change; zero means all scopes.
	Scope [16]byte
	// Subject is the subject whose access changes; zero means all subjects.
	Subject [16]byte
}

// covers reports whether k covers a pair.
func (k Key) covers(pair Key) bool {
	return (k.Scope == [16]byte{} || k.Scope == pair.Scope) && (k.Subject == [16]byte{} || k.Subject == pair.Subject)
}

// Publish drops what the keys cover, and spoils the loads under them that are still running. Call it after the
// change is visible in the store. Once it has returned, Get returns no profile that the keys cover and that was
// read before the call.
func (c *Cache[P, B]) Publish(keys ...Key) {
	if slices.Contains(keys, Key{}) {
		c.all.Store(c.empty())
		return
	}
	for _, key := range keys {
		g := c.all.Load()
		if key.Subject == [16]byte{} {
			g.epoch(wordsOf(key.Scope)).Add(1)
		} else {
			g.drop(key)
		}
	}
}

// drop removes what a key with a subject covers.
func (g *generation[P, B]) drop(key Key) {
	where, who := wordsOf(key.Scope), wordsOf(key.Subject)
	place, _ := g.place(where, who)
	if s := place.Load(); s != nil {
		dropped := s.drop(where, who, key.Scope == [16]byte{})
		g.count.Add(-dropped)
	}
}
