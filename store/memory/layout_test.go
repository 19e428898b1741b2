package memory

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// A row reads back as it was written, also where dirty bytes and other records lie
// around it.
func TestRowsRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &walker{T: rt}
		tables := tenancy.Tables()
		table := tables[rapid.IntRange(0, len(tables)-1).Draw(rt, "table")]
		s := newSchema(table, table, 0)
		row := w.row(table)

		rec := make([]byte, s.size(row)+8)
		for i := range rec {
			rec[i] = 0xff
		}
		s.encode(rec, row)
		require.Equal(rt, s.size(row), s.end(rec))
		require.Equal(rt, byte(0xff), rec[s.size(row)])

		got := make(store.Row, len(row))
		s.decode(rec, got)
		require.Equal(rt, show(row), show(got))

		clear(rec) // a text handed out is a copy
		require.Equal(rt, show(row), show(got))
	})
}

// Bytes and values compare alike, whichever of the two stand for rows.
func TestRecordsCompareAsValuesDo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &walker{T: rt}
		table := userTable
		s := newSchema(table, table, 0)
		a, b := w.row(table), w.row(table)
		x, y := make([]byte, s.size(a)), make([]byte, s.size(b))
		s.encode(x, a)
		s.encode(y, b)
		for i, c := range table.Columns {
			if c.Type == store.JSON {
				continue
			}
			want := order(c, a[i], b[i])
			require.Equal(rt, want, s.compare(&s.columns[i], x, y))
			require.Equal(rt, want, s.compareTo(&s.columns[i], x, &b[i]))
			require.Equal(rt, want, compareValues(c.Type, &a[i], &b[i]))
		}
	})
}

func TestLongTexts(t *testing.T) {
	require.Equal(t, []int{1, 1, 2, 2, 3}, []int{
		varintSize(0), varintSize(127), varintSize(128), varintSize(1<<14 - 1), varintSize(1 << 14),
	})
}
