package access

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// versions is a store that holds one number for each pair. Its floors are what the rule
// promises: once a publication has returned, no check may get an earlier version.
type versions struct {
	cache    testCache
	scopes   [][16]byte
	subjects [][16]byte

	mu     sync.Mutex // one commit at a time
	last   int64
	stored map[Key]*atomic.Int64
	floors map[Key]*atomic.Int64
}

func newVersions(size int) *versions {
	v := &versions{scopes: colliding(3), stored: map[Key]*atomic.Int64{}, floors: map[Key]*atomic.Int64{}}
	v.cache.Init(size)
	for n := range uint64(3) {
		v.subjects = append(v.subjects, idOf(100+n))
	}
	for _, scope := range v.scopes {
		for _, subject := range v.subjects {
			v.stored[Key{scope, subject}], v.floors[Key{scope, subject}] = &atomic.Int64{}, &atomic.Int64{}
		}
	}
	return v
}

func (v *versions) pair(r *rand.Rand) Key {
	return Key{v.scopes[r.IntN(len(v.scopes))], v.subjects[r.IntN(len(v.subjects))]}
}

// key is mostly narrow: a wide one hides what a narrow one fails to drop.
func (v *versions) key(r *rand.Rand) Key {
	key := v.pair(r)
	switch r.IntN(40) {
	case 0:
		return Key{}
	case 1, 2, 3:
		key.Scope = [16]byte{}
	case 4, 5, 6:
		key.Subject = [16]byte{}
	}
	return key
}

// commit gives all that a key covers a new version.
func (v *versions) commit(key Key) (version int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last++
	for pair, stored := range v.stored {
		if key.covers(pair) {
			stored.Store(v.last)
		}
	}
	return v.last
}

// promise raises the floors of what a key covers.
func (v *versions) promise(key Key, version int64) {
	for pair, floor := range v.floors {
		for old := floor.Load(); key.covers(pair) && old < version && !floor.CompareAndSwap(old, version); {
			old = floor.Load()
		}
	}
}

// check gets a pair and fails if that is another pair's or of before the floor.
func (v *versions) check(t *testing.T, pair Key, same func(a, b Key) bool) (hit bool) {
	floor := v.floors[pair].Load()
	p := v.cache.Get(pair.Scope, pair.Subject)
	if p == nil {
		return false
	}
	assert.True(t, same(p.pair, pair), "the entry of another pair")
	assert.GreaterOrEqual(t, int64(p.version), floor, "a stale entry")
	return true
}

// publisher changes something, and publishes it after the commit.
func (v *versions) publisher(_ *testing.T, r *rand.Rand) {
	key := v.key(r)
	version := v.commit(key)
	pause(r)
	v.cache.Publish(key)
	v.promise(key, version)
}

// marker changes something in a transaction that leaves a mark. What it committed counts at
// once; the mark goes later.
func (v *versions) marker(_ *testing.T, r *rand.Rand) {
	by := new(int)
	keys := []Key{v.key(r), v.key(r)}
	for _, key := range keys {
		v.cache.Mark(Mark{Key: key, By: by})
	}
	pause(r)
	if r.IntN(4) > 0 { // else it is undone
		for _, key := range keys {
			v.promise(key, v.commit(key))
		}
	}
	pause(r)
	v.cache.Settle(func(m Mark) bool { return m.By == by })
}

// pause lets others go on, most often.
func pause(r *rand.Rand) {
	for range r.IntN(4) {
		runtime.Gosched()
	}
}

// race runs the roles at once, each of them again and again, until the time is over.
func race(t *testing.T, roles ...func(t *testing.T, r *rand.Rand)) {
	var running sync.WaitGroup
	end := time.Now().Add(soak(10*time.Second, 400*time.Millisecond))
	for i, role := range roles {
		running.Go(func() {
			for r := rand.New(rand.NewPCG(1, uint64(i))); time.Now().Before(end) && !t.Failed(); {
				role(t, r)
				runtime.Gosched() // else a role goes on until the scheduler stops it, and few meet
			}
		})
	}
	running.Wait()
}

// TestRace reads, loads, publishes and marks at once, in caches with room for all and for
// few. No check gets what is older than a publication that has returned, during the race or
// after it.
func TestRace(t *testing.T) {
	identical := func(a, b Key) bool { return a == b }
	for _, size := range []int{2, 1_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			v := newVersions(size)
			var hits, loads, kept atomic.Int64
			read := func(t *testing.T, r *rand.Rand) {
				if v.check(t, v.pair(r), identical) {
					hits.Add(1)
				}
			}
			load := func(_ *testing.T, r *rand.Rand) {
				pair := v.pair(r)
				l := v.cache.Begin(pair.Scope, pair.Subject)
				p := &testProfile{pair, int(v.stored[pair].Load())}
				pause(r)
				l.Keep(p)
				loads.Add(1)
				if v.cache.Get(pair.Scope, pair.Subject) == p {
					kept.Add(1)
				}
			}
			race(t, read, read, load, load, load, v.publisher, v.publisher, v.marker)
			for pair := range v.stored {
				v.check(t, pair, identical)
			}
			t.Log("figures:", hits.Load(), "hits,", kept.Load(), "kept of", loads.Load(), "loads,", v.last, "changes")
			assert.Positive(t, hits.Load())
		})
	}
}

// TestRaceOfSlot writes two entries into one slot in turn. A check gets all of one entry or
// nothing, never the profile of the other.
func TestRaceOfSlot(t *testing.T) {
	v := newVersions(1)
	a, b := Key{v.scopes[0], v.subjects[0]}, Key{v.scopes[1], v.subjects[0]}
	l := v.cache.Begin(a.Scope, a.Subject)
	first := v.cache.Begin(b.Scope, b.Subject)
	assert.Equal(t, l.first, first.first)
	ofA, ofB := &testProfile{pair: a}, &testProfile{pair: b}
	here := &l.shard.slots[l.first]
	var hits atomic.Int64
	write := func(*testing.T, *rand.Rand) { // most of the time within put, so that it is often caught there
		for range 1_000 {
			here.put(wordsOf(a.Scope), wordsOf(a.Subject), ofA, 0)
			here.put(wordsOf(b.Scope), wordsOf(b.Subject), ofB, 0)
		}
	}
	read := func(t *testing.T, _ *rand.Rand) {
		for range 1_000 {
			forA, forB := v.cache.Get(a.Scope, a.Subject), v.cache.Get(b.Scope, b.Subject)
			if forA == ofB || forB == ofA {
				assert.Fail(t, "the entry of another pair")
			}
			if forA != nil || forB != nil {
				hits.Add(1)
			}
		}
	}
	race(t, write, read)
	assert.Positive(t, hits.Load())
}

// TestRaceOfShared is TestRace for profiles that the subjects of a scope share.
func TestRaceOfShared(t *testing.T) {
	sameScope := func(a, b Key) bool { return a.Scope == b.Scope }
	v := newVersions(1_000)
	var shared atomic.Int64
	read := func(t *testing.T, r *rand.Rand) { v.check(t, v.pair(r), sameScope) }
	load := func(t *testing.T, r *rand.Rand) {
		pair := v.pair(r)
		floor := v.floors[pair].Load()
		l := v.cache.Begin(pair.Scope, pair.Subject)
		defer pause(r)
		p := &testProfile{pair, int(v.stored[pair].Load())}
		if l.MayShare() {
			if known := l.Shared("name", true); known != nil {
				shared.Add(1)
				p = known
			} else {
				pause(r)
				p = l.Share("name", true, fmt.Sprint(p.pair.Scope, p.version), p)
			}
		}
		assert.GreaterOrEqual(t, int64(p.version), floor, "another load's profile is stale")
		pause(r)
		l.Keep(p)
	}
	key := func(r *rand.Rand) Key {
		if r.IntN(20) == 0 {
			return Key{}
		}
		return Key{Scope: v.pair(r).Scope}
	}
	publish := func(_ *testing.T, r *rand.Rand) {
		key := key(r)
		version := v.commit(key)
		pause(r)
		v.cache.Publish(key)
		v.promise(key, version)
		pause(r)
	}
	mark := func(_ *testing.T, r *rand.Rand) {
		by, key := new(int), key(r)
		v.cache.Mark(Mark{Key: key, By: by})
		pause(r)
		v.promise(key, v.commit(key))
		pause(r)
		v.cache.Settle(func(m Mark) bool { return m.By == by })
		time.Sleep(time.Microsecond)
	}
	race(t, read, read, load, load, load, publish, mark)
	for pair := range v.stored {
		v.check(t, pair, sameScope)
	}
	t.Log("figures:", shared.Load(), "profiles were shared")
	assert.Positive(t, shared.Load())
}
