package access

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// machine compares a cache with maps, one operation after another. Only what a full cache
// evicts is the cache's own choice; there the model checks the bounds.
type machine struct {
	c        *testCache
	scopes   [][16]byte
	subjects [][16]byte
	pairs    []Key

	stored map[Key]int // version of each pair in the store
	least  map[Key]int // Get must return no version before this
	kept   map[Key]*testProfile
	loads  []*modelLoad
	open   map[int]map[Key]bool // keys marked by each transaction that has not ended
	last   int                  // number of the last transaction, change or profile

	base     *testBase
	shared   map[sharedKey]*testProfile
	contents map[string]*testProfile
}

// modelLoad is a load under way.
type modelLoad struct {
	Load[testProfile, testBase]
	version  int  // what it read
	spoiled  bool // something was published in its part of the cache
	wide     bool // a key without a subject was
	older    bool // everything was
	mayShare bool // as it was told once
}

func newMachine(t *rapid.T) *machine {
	m := &machine{
		c: &testCache{}, stored: map[Key]int{}, least: map[Key]int{}, kept: map[Key]*testProfile{}, open: map[int]map[Key]bool{},
		shared: map[sharedKey]*testProfile{}, contents: map[string]*testProfile{},
	}
	m.c.Init(rapid.SampledFrom([]int{-1, 0, 1, 3, 10, 30, 100, 1_000}).Draw(t, "size"))
	m.scopes, m.subjects = append(colliding(10), idOf(1_000), idOf(1_001)), [][16]byte{idOf(1), idOf(2), idOf(3)}
	for _, scope := range m.scopes {
		for _, subject := range m.subjects {
			m.pairs = append(m.pairs, Key{scope, subject})
		}
	}
	return m
}

// key draws a pair, or all of its scope or subject, or everything.
func (m *machine) key(t *rapid.T) Key {
	key := m.pair(t)
	switch rapid.IntRange(0, 9).Draw(t, "width") {
	case 0:
		return Key{}
	case 1, 2:
		key.Scope = [16]byte{}
	case 3, 4:
		key.Subject = [16]byte{}
	}
	return key
}

func (m *machine) pair(t *rapid.T) Key {
	return Key{
		m.scopes[rapid.IntRange(0, len(m.scopes)-1).Draw(t, "scope")],
		m.subjects[rapid.IntRange(0, len(m.subjects)-1).Draw(t, "subject")],
	}
}

// load draws one of the loads under way.
func (m *machine) load(t *rapid.T) *modelLoad {
	if len(m.loads) == 0 {
		t.Skip("no load")
	}
	return m.loads[rapid.IntRange(0, len(m.loads)-1).Draw(t, "load")]
}

func (m *machine) next() int {
	m.last++
	return m.last
}

// covered are the pairs that a key covers, asked of the meaning of a key alone.
func (m *machine) covered(key Key) (pairs []Key) {
	for _, p := range m.pairs {
		if (key.Scope == [16]byte{} || key.Scope == p.Scope) && (key.Subject == [16]byte{} || key.Subject == p.Subject) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// published lets the model forget what a published key drops: what it covers and, if it is
// all of a scope, also the scopes that share its epoch.
func (m *machine) published(key Key) {
	for _, p := range m.covered(key) {
		m.least[p] = m.stored[p]
		delete(m.kept, p)
	}
	sameEpoch := func(scope [16]byte) bool {
		g := m.c.all.Load()
		return g.epoch(wordsOf(scope)) == g.epoch(wordsOf(key.Scope))
	}
	for _, l := range m.loads {
		switch {
		case key == Key{}:
			l.spoiled, l.wide, l.older = true, true, true
		case key.Subject == [16]byte{}:
			same := sameEpoch(l.key.Scope)
			l.spoiled, l.wide = l.spoiled || same, l.wide || same
		default:
			place, _ := m.c.all.Load().place(words{}, wordsOf(key.Subject))
			l.spoiled = l.spoiled || place.Load() == l.shard
		}
	}
	switch {
	case key == Key{}:
		m.base = nil
		clear(m.shared)
		clear(m.contents)
	case key.Subject == [16]byte{}:
		maps.DeleteFunc(m.kept, func(p Key, _ *testProfile) bool { return sameEpoch(p.Scope) })
		maps.DeleteFunc(m.shared, func(k sharedKey, _ *testProfile) bool { return k.scope != [16]byte{} && sameEpoch(k.scope) })
	}
}

func (m *machine) marked(pair Key) (keys []Mark) {
	for by, marks := range m.open {
		for key := range marks {
			if slices.Contains(m.covered(key), pair) {
				keys = append(keys, Mark{Key: key, By: by})
			}
		}
	}
	return keys
}

func (m *machine) begin(t *rapid.T) {
	p := m.pair(t)
	m.loads = append(m.loads, &modelLoad{Load: m.c.Begin(p.Scope, p.Subject), version: m.stored[p]})
}

func (m *machine) keep(t *rapid.T) {
	l := m.load(t)
	pair, p := l.Key(), &testProfile{l.Key(), l.version}
	m.loads = slices.DeleteFunc(m.loads, func(other *modelLoad) bool { return other == l })
	g := m.c.all.Load()
	full := int(g.count.Load()) == m.c.Size()
	inShard, inWindow := m.occupied(l)
	l.Keep(p)
	if l.spoiled || len(m.marked(pair)) > 0 {
		return // and check finds everything as it was
	}
	_, had := m.kept[pair]
	got := m.c.Get(pair.Scope, pair.Subject)
	if got == nil {
		require.True(t, full && inShard == 0, "not kept, and there was room")
		return
	}
	require.Same(t, p, got)
	m.kept[pair] = p
	for _, other := range m.pairs {
		if m.kept[other] != nil && m.c.Get(other.Scope, other.Subject) == nil {
			require.False(t, had, "an entry went for one that was there")
			require.True(t, full || inWindow == probes, "an entry went, and there was room")
			delete(m.kept, other)
			had = true // no other may go
		}
	}
}

// occupied counts the entries in the shard of a load, and in the slots where it may lie.
func (m *machine) occupied(l *modelLoad) (inShard, inWindow int) {
	for i := range uint64(shardSlots) {
		if l.shard.slots[i].profile.Load() != nil {
			inShard++
			if (i+shardSlots-l.first)%shardSlots < probes {
				inWindow++
			}
		}
	}
	return inShard, inWindow
}

// change is a transaction that publishes after its commit, with or without loads between.
func (m *machine) change(t *rapid.T) {
	key := m.key(t)
	for _, p := range m.covered(key) {
		m.stored[p] = m.next()
	}
	for range rapid.IntRange(0, 2).Draw(t, "loads") {
		m.begin(t)
	}
	m.c.Publish(key)
	m.published(key)
}

func (m *machine) publishMany(t *rapid.T) {
	keys := make([]Key, rapid.IntRange(0, 3).Draw(t, "keys"))
	for i := range keys {
		keys[i] = m.key(t)
	}
	m.c.Publish(keys...)
	for _, key := range keys {
		m.published(key)
	}
}

// mark marks a key in a transaction that is new or has marked others.
func (m *machine) mark(t *rapid.T) {
	by := m.next()
	if len(m.open) > 0 && rapid.Bool().Draw(t, "same") {
		by = m.transaction(t)
	}
	if m.open[by] == nil {
		m.open[by] = map[Key]bool{}
	}
	key := m.key(t)
	m.c.Mark(Mark{Key: key, By: by, Change: idOf(uint64(m.next()))})
	if m.open[by][Key{}] {
		key = Key{}
	}
	m.open[by][key] = true
	m.published(key)
}

func (m *machine) transaction(t *rapid.T) int {
	if len(m.open) == 0 {
		t.Skip("no transaction")
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(m.open))).Draw(t, "transaction")
}

// end commits a transaction with marks or undoes it. A commit is seen at once. Loads may
// come between it and the settling.
func (m *machine) end(t *rapid.T) {
	by := m.transaction(t)
	if rapid.Bool().Draw(t, "commit") {
		for key := range m.open[by] {
			for _, p := range m.covered(key) {
				m.stored[p] = m.next()
				m.least[p] = m.stored[p]
			}
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "loads") {
		m.begin(t)
	}
	if len(m.loads) > 0 && rapid.Bool().Draw(t, "keep") {
		m.keep(t)
	}
	m.c.Settle(func(mark Mark) bool { return mark.By == by })
	keys := m.open[by]
	delete(m.open, by)
	for key := range keys {
		m.published(key)
	}
}

// ask asks a load whether it may share; it may act on the answer much later.
func (m *machine) ask(t *rapid.T) {
	l := m.load(t)
	l.mayShare = l.MayShare()
	require.Equal(t, !l.wide && len(m.marked(l.key)) == 0, l.mayShare)
}

func (m *machine) share(t *rapid.T) {
	l := m.load(t)
	if !l.mayShare {
		t.Skip("it may not share")
	}
	name, inScope := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), rapid.Bool().Draw(t, "in scope")
	key := sharedKey{name: name}
	if inScope {
		key.scope = l.key.Scope
	}
	found := l.Shared(name, inScope)
	if !l.wide {
		require.Same(t, m.shared[key], found)
	}
	if rapid.Bool().Draw(t, "only look") {
		return
	}
	content := strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "content"))
	p := &testProfile{version: m.next()}
	got := l.Share(name, inScope, content, p)
	if l.older {
		return // what it shares is of an old generation
	}
	if m.contents[content] == nil {
		m.contents[content] = p
	}
	require.Same(t, m.contents[content], got)
	delete(m.shared, key)
	if !l.wide || !inScope {
		m.shared[key] = got
	}
}

func (m *machine) setBase(t *rapid.T) {
	l := m.load(t)
	got := l.SetBase(&testBase{m.next()})
	require.Same(t, got, l.Base())
	if !l.older {
		require.True(t, m.base == nil || m.base == got)
		m.base = got
	}
}

// check compares all that the cache holds with the model.
func (m *machine) check(t *rapid.T) {
	for _, p := range m.pairs {
		got := m.c.Get(p.Scope, p.Subject)
		if got != nil && (got.pair != p || got.version < m.least[p]) {
			require.Fail(t, "another's entry, or a stale one", "of %v: %v, at least %d", p, *got, m.least[p])
		}
		if got != m.kept[p] {
			require.Fail(t, "not the entry that was kept", "of %v: %v", p, got)
		}
	}
	entries := 0
	g := m.c.all.Load()
	for i := range g.shards {
		if s := g.shards[i].Load(); s != nil {
			for j := range s.slots {
				if s.slots[j].profile.Load() != nil {
					entries++
				}
			}
		}
	}
	require.EqualValues(t, entries, g.count.Load())
	require.LessOrEqual(t, entries, m.c.Size())
	require.Same(t, m.base, m.c.Base())
	require.EqualValues(t, len(m.c.marks), m.c.open.Load())
	p := m.pair(t)
	var marks []Mark
	for _, mark := range m.c.MarksOn(p) {
		marks = append(marks, Mark{Key: mark.Key, By: mark.By})
	}
	require.ElementsMatch(t, m.marked(p), marks)
}

func TestModel(t *testing.T) {
	for range soak(50, 3) {
		rapid.Check(t, func(t *rapid.T) {
			m := newMachine(t)
			for range 5 { // rapid stops each after some thirty steps
				t.Repeat(map[string]func(*rapid.T){
					"": m.check, "begin": m.begin, "begin too": m.begin, "keep": m.keep, "keep too": m.keep, "keep also": m.keep,
					"change": m.change, "publish": m.publishMany, "mark": m.mark, "end": m.end, "end too": m.end,
					"ask": m.ask, "share": m.share, "share too": m.share, "base": m.setBase,
				})
			}
		})
	}
}
