package memory

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
)

func TestRecordsOfAllSizesKeepTheirPlaces(t *testing.T) {
	a := newArena()
	want := map[ref][]byte{}
	for i, size := range []int{1, 8, 4095, 4096, 100, 3 * fullSlab, 7, fullSlab, fullSlab - 7, 9} {
		r, room, err := a.alloc(size)
		require.NoError(t, err)
		require.NotZero(t, r)
		require.Len(t, room, padded(size))
		want[r] = bytes.Repeat([]byte{byte(i + 1)}, size)
		copy(room, want[r])
	}
	require.Len(t, want, 10)
	for r, rec := range want {
		require.Equal(t, rec, a.dir.at(r)[:len(rec)])
	}
}

func TestARolledBackEndIsUsedAgain(t *testing.T) {
	a := newArena()
	kept, room, err := a.alloc(16)
	require.NoError(t, err)
	copy(room, "what was committed")
	before := a
	for range 3 {
		for range 100 {
			_, _, err := a.alloc(1000)
			require.NoError(t, err)
		}
		require.Greater(t, len(*a.dir.slabs.Load()), 1)
		a = before
	}
	require.Equal(t, "what was committ", string(a.dir.at(kept)[:16]))
	r, _, err := a.alloc(8)
	require.NoError(t, err)
	require.Equal(t, kept+2, r)
}

// A table that is full refuses rows, and loses none.
func TestAFullTable(t *testing.T) {
	s := New()
	users := userTable
	row := make(store.Row, len(users.Columns))
	for i, c := range users.Columns {
		row[i].Null = c.Null
	}
	err := s.Update(t.Context(), func(open store.Rows) error {
		rows := underlying(t, open)
		require.NoError(t, rows.Insert(t.Context(), users, row))
		own := rows.(*tx)
		fill(&own.own(own.place(users)).arena)

		another := append(store.Row{{ID: [16]byte{1}}}, row[1:]...)
		another[1].Int = 1
		require.ErrorIs(t, rows.Insert(t.Context(), users, another), store.ErrStorageFull)
		another[0] = row[0]
		require.ErrorIs(t, rows.Update(t.Context(), users, another), store.ErrStorageFull)
		require.ErrorIs(t, rows.Touch(t.Context(), users, row[0].ID, 1), store.ErrStorageFull)

		n, err := rows.Count(t.Context(), users, nil)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		return rows.Get(t.Context(), users, row[0].ID, another)
	})
	require.NoError(t, err)
}

// fill leaves an arena without room.
func fill(a *arena) {
	slabs := make([][]byte, maxSlabs)
	copy(slabs, *a.dir.slabs.Load())
	a.dir.slabs.Store(&slabs)
	a.slab, a.used = maxSlabs-1, 0
}
