package storetest

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// rowRules are about what is read back.
func (s *subject) rowRules() []rule {
	all := []rule{
		s.rule("empty", "a new table holds nothing, and says so without an error.", func(c *check) {
			c.view(func(tx store.Rows) {
				s.holds(c, tx, "a new table")
				s.missing(c, tx, newID(1), "Get")
			})
		}),
		s.rule("round_trip_full", "a row with every column set is read back as it was.", func(c *check) {
			rows := []store.Row{s.full(1), s.full(2), s.full(3)}
			s.prepare(c, rows...)
			s.keeps(c, "what was inserted", rows...)
		}),
		s.rule("round_trip_bare", "a row with only what it must have is read back as it was, nulls as nulls.", func(c *check) {
			rows := []store.Row{s.bare(1), s.bare(2), s.bare(3)}
			s.prepare(c, rows...)
			s.keeps(c, "what was inserted", rows...)
		}),
		s.rule("zero_values", "the zero value of a column's type is not null, and null is not that.", s.zeroValues),
		s.rule("own_writes", "a transaction sees what it wrote, by every way of reading.", s.ownWrites),
		s.rule("odd_text", "a text is read back byte for byte, whatever it is made of.", s.oddText),
		s.rule("long_text", "a text of a hundred thousand bytes is kept whole, where nothing sorts or selects by it.", s.longText),
		s.rule("times", "an instant is kept to the microsecond, before 1970 too.", s.times),
		s.rule("numbers", "a number of 64 bits is kept, and a version of 62.", s.numbers),
		s.rule("ids", "an id is any sixteen bytes; rows are told apart and sorted by the last of them.", s.ids),
	}
	return all
}

// open reports whether a column may contain any value of its type.
func (s *subject) open(i int, kind store.Type) bool {
	column := &s.columns()[i]
	return column.Type == kind && column.References == nil && (i > 1 || s.event && i > 0)
}

// with returns a row with a value in every column that may contain any value of the type, except some.
func (s *subject) with(row store.Row, kind store.Type, x store.Value, except ...int) store.Row {
	return s.edit(row, func(row store.Row) {
		for i := range row {
			if s.open(i, kind) && !slices.Contains(except, i) {
				row[i] = x
			}
		}
	})
}

// keyed lists the columns of keys, indexes and orders: a database may limit what it indexes.
func (s *subject) keyed() []int {
	var list []int
	for _, x := range s.table.Indexes {
		list = append(list, x.Columns...)
	}
	for _, key := range s.table.Unique {
		list = append(list, key.Columns...)
	}
	return append(list, s.table.Orders...)
}

// zeroes returns a row with the zero values of its types, except for flags and JSON: the samples have their
// zero values.
func (s *subject) zeroes(row store.Row) store.Row {
	for _, kind := range []store.Type{store.ID, store.Text, store.Int, store.Time} {
		row = s.with(row, kind, store.Value{})
	}
	return row
}

func (s *subject) zeroValues(c *check) {
	zero, bare := s.zeroes(s.full(1)), s.bare(2)
	s.prepare(c, zero, bare)
	s.keeps(c, "what was inserted", zero, bare)
	filled := s.full(3)
	emptied := s.next(filled, s.bare(3))
	c.update(func(tx store.Rows) {
		s.insert(c, tx, filled)
		s.update(c, tx, emptied)
	})
	s.keeps(c, "after an update to nulls", zero, bare, s.stored(filled, emptied))
}

func (s *subject) ownWrites(c *check) {
	rows := s.seed(c, 6)
	c.update(func(tx store.Rows) {
		added, changed := s.full(20), s.next(rows[1], s.full(21))
		s.insert(c, tx, added)
		s.update(c, tx, changed)
		s.remove(c, tx, rows[2])
		s.missing(c, tx, rows[2][0].ID, "Get of what this transaction deleted")
		s.holds(c, tx, "inside the transaction", rows[0], s.stored(rows[1], changed), rows[3], rows[4], rows[5], added)
	})
}

// oddTexts are all kinds of text, except the zero byte, which some databases do not keep.
var oddTexts = [...]string{
	" leading and trailing ", "\t\n\r\x01\x1f\x7f", `quo'te "double" back\slash ${x} %s ?1 :a @b`, "null", "NULL", "0", "1e3",
	"é is not e\u0301", "\u202eright to left\u2066", "zero\u200bwidth\ufeff", "\u2028 \u2029 \u0085", "\ufffd \uffff \U0010ffff",
	"👩‍👩‍👧‍👦 \U0001F600", "%_*?[]^$", "{}", `{"a":1}`, "ß SS ſ K \u212A", "-- ; DROP TABLE x", "007",
}

func (s *subject) oddText(c *check) {
	var rows []store.Row
	for i, text := range oddTexts {
		row := s.with(s.full(i), store.Text, store.Value{Text: text})
		rows = append(rows, s.with(row, store.JSON, store.Value{Text: "{" + quoted(text) + " :\n" + quoted(text+text) + "}"}))
	}
	for i, text := range []string{"{}", "[]", `""`, "0", "null", " [ 1.50 , 1e3 ] "} {
		rows = append(rows, s.with(s.full(50+i), store.JSON, store.Value{Text: text}))
	}
	s.prepare(c, rows...)
	s.keeps(c, "what was inserted", rows...)
}

func (s *subject) longText(c *check) {
	long := strings.Repeat("long_ü", 100_000/7)
	row := s.with(s.full(1), store.Text, store.Value{Text: long}, s.keyed()...)
	row = s.with(row, store.JSON, store.Value{Text: quoted(long)}, s.keyed()...)
	s.prepare(c, row)
	s.keeps(c, "what was inserted", row)
}

func (s *subject) times(c *check) {
	at := func(year int, month time.Month, day int) int64 {
		return time.Date(year, month, day, 23, 59, 59, 999_999_000, time.UTC).UnixMicro()
	}
	instants := []int64{0, -1, 1, -1_000_001, time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC).UnixMicro(), at(1752, 9, 14), at(9999, 12, 31), at(2024, 2, 29)}
	var rows []store.Row
	for i, micros := range instants {
		rows = append(rows, s.with(s.full(i), store.Time, store.Value{Int: micros}))
	}
	s.prepare(c, rows...)
	s.keeps(c, "what was inserted", rows...)
}

func (s *subject) numbers(c *check) {
	numbers := []int64{1, math.MaxInt16 + 1, math.MaxInt32, math.MaxInt32 + 1, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64, -1}
	var rows []store.Row
	for i, n := range numbers {
		rows = append(rows, withVersion(s.with(s.full(i), store.Int, store.Value{Int: n}), 1<<(7*i)+1))
	}
	s.prepare(c, rows...)
	s.keeps(c, "what was inserted", rows...)
}

func (s *subject) ids(c *check) {
	var low, high, last, sign, text [16]byte
	low[15] = 1
	for i := range high {
		high[i] = 0xFF
	}
	last, sign[0] = high, 0x80
	last[15]--
	copy(text[:], "A'\x00\"%_\\\n?ab\x00\x00\x00\x00")
	upper := text
	upper[9] -= 'a' - 'A'
	var rows []store.Row
	for i, id := range [][16]byte{high, low, text, last, sign, upper, {}} {
		rows = append(rows, s.withID(s.full(i), id))
	}
	s.prepare(c, rows...)
	s.keeps(c, "what was inserted", rows...)
	c.update(func(tx store.Rows) { s.remove(c, tx, rows[3]) })
	s.keeps(c, "after one was deleted", slices.Delete(rows, 3, 4)...)
}
