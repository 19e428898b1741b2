package access

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func keep(c *testCache, pair Key) *testProfile {
	p := &testProfile{pair: pair}
	c.Begin(pair.Scope, pair.Subject).Keep(p)
	return p
}

// Once it is full, a cache of any size still holds what was kept last, and never more
// than its size.
func TestFull(t *testing.T) {
	for _, size := range []int{1, 10, 1_000, 10_000} {
		c := &testCache{}
		c.Init(size)
		require.Equal(t, size, c.Size())
		held := 0
		for n := range uint64(3 * size) {
			keep(c, Key{idOf(n / 10), idOf(n)})
		}
		for n := range uint64(3 * size) {
			if c.Get(idOf(n/10), idOf(n)) != nil {
				held++
			}
		}
		require.LessOrEqual(t, held, size)
		require.GreaterOrEqual(t, held, size*9/10)
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	c := &testCache{}
	c.Init(10)
	pair := Key{idOf(1), idOf(2)}
	want := keep(c, pair)
	require.Zero(t, testing.AllocsPerRun(100, func() { require.True(t, c.Get(pair.Scope, pair.Subject) == want) }))
}

// A transaction with too many marks gets one of its own that covers everything.
func TestManyMarksOfOne(t *testing.T) {
	c := &testCache{}
	c.Init(10)
	elsewhere := Key{idOf(1), idOf(2)}
	c.Mark(Mark{Key: Key{Scope: idOf(3)}, By: "other"})
	for n := range uint64(maxMarks) {
		keep(c, elsewhere)
		require.NotNil(t, c.Get(elsewhere.Scope, elsewhere.Subject))
		c.Mark(Mark{Key: Key{Scope: idOf(10 + n)}, By: "big", Change: idOf(n)})
	}
	require.Nil(t, c.Get(elsewhere.Scope, elsewhere.Subject), "the mark covers it now")
	marks := c.MarksOn(elsewhere)
	require.Len(t, marks, 1)
	require.Equal(t, Mark{By: "big", Change: idOf(maxMarks - 1), serial: c.serial}, marks[0])
	c.Mark(Mark{Key: elsewhere, By: "big", Change: idOf(5_000)})
	require.Len(t, c.marks, 2, "one that covers everything covers what comes after it")
	require.Equal(t, idOf(5_000), c.MarksOn(elsewhere)[0].Change)
	c.Settle(func(m Mark) bool { return m.By == "big" })
	require.Len(t, c.marks, 1)
	keep(c, elsewhere)
	require.NotNil(t, c.Get(elsewhere.Scope, elsewhere.Subject))
}

// Too many transactions with marks get one mark together, which ends with the last.
func TestManyMarksOfMany(t *testing.T) {
	c := &testCache{}
	c.Init(10)
	for n := range uint64(maxMarks + 1) {
		require.Len(t, c.marks, int(n))
		c.Mark(Mark{Key: Key{Scope: idOf(n)}, By: n, Change: idOf(n), After: int64(n % 700)})
	}
	marks := c.MarksOn(Key{idOf(5_000), idOf(5_001)})
	require.Len(t, marks, 1)
	require.Equal(t, Mark{After: 699, serial: c.serial}, marks[0])
}

// A mark that comes while others are settled stays, also if it equals one of them.
func TestMarkDuringSettle(t *testing.T) {
	c := &testCache{}
	c.Init(10)
	m := Mark{Key: Key{Scope: idOf(1)}, By: "again"}
	c.Mark(m)
	settled := c.MarksOn(Key{idOf(1), idOf(2)})[0]
	c.Mark(m)
	c.Settle(func(other Mark) bool { return other == settled })
	require.Len(t, c.marks, 1)
}

func TestSharingIsBounded(t *testing.T) {
	c := &testCache{}
	c.Init(10)
	l := c.Begin(idOf(1), idOf(2))
	for n := range maxShared + 1 {
		l.Share(fmt.Sprint(n), n%2 == 0, fmt.Sprint(n), &testProfile{version: n})
		require.LessOrEqual(t, len(l.generation.shared), maxShared)
		require.LessOrEqual(t, len(l.generation.profiles), maxProfiles)
	}
	require.Equal(t, maxShared, l.Shared(fmt.Sprint(maxShared), true).version)
	require.Nil(t, l.Shared("1", false))
}

// A pair may have left its ids in a slot that was emptied, before the slot that it has now.
func TestEmptiedSlotHidesNothing(t *testing.T) {
	c := &testCache{}
	c.Init(10_000)
	var scopes [][16]byte
	epochs, who := map[any]bool{}, idOf(1)
	for _, scope := range colliding(100) { // three of epochs of their own
		if epoch := c.all.Load().epoch(wordsOf(scope)); len(scopes) < 3 && !epochs[epoch] {
			scopes, epochs[epoch] = append(scopes, scope), true
		}
	}
	for _, scope := range scopes { // in three slots, one after another
		keep(c, Key{scope, who})
	}
	pair, last := Key{scopes[1], who}, Key{Scope: scopes[2]}
	c.Publish(pair, last)
	require.NotNil(t, c.Get(scopes[0], who), "only the last has that epoch")
	want := keep(c, pair) // in the third slot, for a dead entry goes first
	require.Same(t, want, c.Get(pair.Scope, pair.Subject))
}

// A load that was overtaken takes nothing's place, though nothing would find what it keeps.
func TestOvertakenLoadEvictsNothing(t *testing.T) {
	c := &testCache{}
	c.Init(1)
	here, elsewhere := Key{idOf(1), idOf(1)}, Key{idOf(2), idOf(1)}
	g := c.all.Load()
	for n := uint64(3); g.epoch(wordsOf(elsewhere.Scope)) == g.epoch(wordsOf(here.Scope)); n++ {
		elsewhere.Scope = idOf(n)
	}
	want := keep(c, here)
	l := c.Begin(elsewhere.Scope, elsewhere.Subject)
	c.Publish(Key{Scope: elsewhere.Scope})
	l.Keep(&testProfile{pair: elsewhere})
	require.Same(t, want, c.Get(here.Scope, here.Subject))
}

// Pairs that belong into the same slots lie beside each other while there are empty ones.
func TestEmptySlotsGoFirst(t *testing.T) {
	c := &testCache{}
	c.Init(10)
	scopes := colliding(probes)
	for _, scope := range scopes {
		keep(c, Key{scope, idOf(1)})
	}
	c.Publish(Key{scopes[5], idOf(1)})
	keep(c, Key{scopes[5], idOf(1)})
	for _, scope := range scopes {
		require.NotNil(t, c.Get(scope, idOf(1)))
	}
}

// Each put leaves another state, for a reader who was at the slot before it and after it.
func TestSlotState(t *testing.T) {
	var s slot[testProfile]
	seen := map[uint64]bool{s.state.Load(): true}
	for range 100 {
		s.put(words{1, 2}, words{3, 4}, &testProfile{}, 7)
		state := s.state.Load()
		require.Zero(t, state%2)
		require.EqualValues(t, 7, s.epoch())
		require.False(t, seen[state])
		seen[state] = true
	}
}
