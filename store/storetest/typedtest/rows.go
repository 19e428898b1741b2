package typedtest

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// rowRules are about what is read back.
func (s *subject[V, F]) rowRules() []rule {
	return []rule{
		s.rule("empty", "a new table holds nothing, and says so without an error.", func(c *check) {
			c.view(func(tx tenancy.Tx) {
				var f F
				c.equal(s.list(c, tx, f, everything), []V(nil), "List")
				c.equal(s.count(c, tx, f), 0, "Count")
				_, err := s.table(tx).Get(c.ctx, s.id(s.full(1)))
				c.code(err, tenancy.ErrNotFound, "Get")
			})
		}),
		s.rule("round_trip_full", "a row with every field set is read back as it was.", func(c *check) {
			rows := []V{s.full(1), s.full(2), s.full(3)}
			s.prepare(c, rows...)
			s.keeps(c, "what was inserted", rows...)
		}),
		s.rule("round_trip_bare", "a row with only what it must have is read back as it was, unset fields unset.", func(c *check) {
			rows := []V{s.bare(1), s.bare(2), s.bare(3)}
			s.prepare(c, rows...)
			s.keeps(c, "what was inserted", rows...)
		}),
		s.rule("own_writes", "a transaction sees what it wrote, by every way of reading.", s.ownWrites),
		s.rule("empty_is_nil", "an empty map or list is read back as nil: there are not two kinds of nothing.", s.emptyIsNil),
		s.rule("odd_text", "a text is read back byte for byte, whatever it is made of.", s.oddText),
		s.rule("long_text", "a text of a hundred thousand bytes is kept whole, where nothing sorts or selects by it.", func(c *check) {
			v := s.withTexts(s.full(1), strings.Repeat("long_ü", 100_000/7), s.keyed())
			s.prepare(c, v)
			s.keeps(c, "what was inserted", v)
		}),
		s.rule("times", "an instant is kept to the microsecond, before 1970 too, and comes back in UTC; 1970 is not nothing.", s.times),
		s.rule("numbers", "a number of 31 bits is kept, and a Version of 62.", s.numbers),
		s.rule("ids", "an id is any sixteen bytes; rows are told apart and sorted by the last of them.", s.ids),
	}
}

func (s *subject[V, F]) ownWrites(c *check) {
	rows := s.seed(c, 6)
	c.update(func(tx tenancy.Tx) {
		added, changed := s.full(20), s.next(rows[1], s.full(21))
		s.insert(c, tx, added)
		c.ok(s.table(tx).Update(c.ctx, changed), "Update")
		c.ok(s.table(tx).Delete(c.ctx, s.id(rows[2])), "Delete")
		_, err := s.table(tx).Get(c.ctx, s.id(rows[2]))
		c.code(err, tenancy.ErrNotFound, "Get of what this transaction deleted")
		s.holds(c, tx, "inside the transaction", rows[0], s.stored(rows[1], changed), rows[3], rows[4], rows[5], added)
	})
}

func (s *subject[V, F]) emptyIsNil(c *check) {
	empty := func(v V) V {
		eachMap(reflect.ValueOf(&v).Elem(), func(m reflect.Value) { m.Set(reflect.MakeMap(m.Type())) })
		eachSlice(reflect.ValueOf(&v).Elem(), func(l reflect.Value) { l.Set(reflect.MakeSlice(l.Type(), 0, 0)) })
		return v
	}
	s.prepare(c, empty(s.bare(1)))
	s.keeps(c, "a row inserted with empty maps and lists", s.bare(1))

	full := s.full(2)
	bare := s.next(full, s.bare(3))
	c.update(func(tx tenancy.Tx) {
		s.insert(c, tx, full)
		c.ok(s.table(tx).Update(c.ctx, empty(bare)), "Update")
	})
	want := s.stored(full, bare)
	c.view(func(tx tenancy.Tx) { c.equal(s.get(c, tx, s.id(full)), want, "a row emptied by an update") })
}

// eachMap calls fn for each map among the fields of a struct, and of those within.
func eachMap(v reflect.Value, fn func(m reflect.Value)) { eachOf(reflect.Map, v, fn) }

// eachSlice is eachMap for slices.
func eachSlice(v reflect.Value, fn func(l reflect.Value)) { eachOf(reflect.Slice, v, fn) }

func eachOf(kind reflect.Kind, v reflect.Value, fn func(f reflect.Value)) {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() == kind {
			fn(f)
		} else if f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]() {
			eachOf(kind, f, fn)
		}
	}
}

// oddTexts is all that text may be, but for the zero byte, which not every database
// keeps.
var oddTexts = [...]string{
	" leading and trailing ", "\t\n\r\x01\x1f\x7f", `quo'te "double" back\slash ${x} %s ?1 :a @b`, "null", "NULL", "0", "1e3",
	"é is not e\u0301", "\u202eright to left\u2066", "zero\u200bwidth\ufeff", "\u2028 \u2029 \u0085", "\ufffd \uffff \U0010ffff",
	"👩‍👩‍👧‍👦 \U0001F600", "%_*?[]^$", "{}", `{"a":1}`, "ß SS ſ K \u212A", "-- ; DROP TABLE x", "007",
}

func (s *subject[V, F]) oddText(c *check) {
	rows := make([]V, len(oddTexts))
	for i, text := range oddTexts {
		rows[i] = s.full(i)
		eachMap(reflect.ValueOf(&rows[i]).Elem(), func(m reflect.Value) {
			if m.Type().Elem().Kind() == reflect.String {
				m.SetMapIndex(reflect.ValueOf(text), reflect.ValueOf(text+text))
			} else {
				m.SetMapIndex(reflect.ValueOf(text), reflect.ValueOf(true))
			}
		})
		rows[i] = s.withTexts(rows[i], text, nil)
	}
	s.prepare(c, rows...)
	s.keeps(c, "what was inserted", rows...)
}

// keyed lists the columns that keys, indexes and orders are made of: a database may
// bound what it indexes.
func (s *subject[V, F]) keyed() []int {
	list := slices.Concat(s.entity.Table.Indexes...)
	for _, key := range s.entity.Table.Unique {
		list = append(list, key.Columns...)
	}
	return slices.AppendSeq(list, slices.Values(s.entity.Table.Orders))
}

// withTexts puts a text into every text column that is open to any, but for some.
func (s *subject[V, F]) withTexts(v V, text string, except []int) V {
	return s.edit(v, func(row store.Row) {
		for i, column := range s.entity.Table.Columns {
			if column.Type == store.Text && !slices.Contains(s.closed, column.Name) && !slices.Contains(except, i) {
				row[i] = store.Value{Text: text}
			}
		}
	})
}

func (s *subject[V, F]) times(c *check) {
	instants := []time.Time{
		time.Unix(0, 0), time.UnixMicro(-1), time.UnixMicro(1), time.UnixMicro(-1_000_001),
		time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1752, 9, 14, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(2024, 2, 29, 12, 0, 0, 1000, time.FixedZone("", -9*60*60)),
	}
	rows := make([]V, len(instants))
	for i, t := range instants {
		rows[i] = s.edit(s.full(i), func(row store.Row) {
			for j, column := range s.entity.Table.Columns {
				if column.Type == store.Time {
					row[j] = store.Value{Int: t.UnixMicro()}
				}
			}
		})
	}
	s.prepare(c, rows...)
	s.keeps(c, "what was inserted", rows...)
}

func (s *subject[V, F]) numbers(c *check) {
	numbers := []int64{1, math.MaxInt16 + 1, math.MaxInt32}
	var rows []V
	for i, n := range numbers {
		rows = append(rows, s.edit(s.full(i), func(row store.Row) {
			for j, column := range s.entity.Table.Columns {
				if column.Type == store.Int {
					row[j] = store.Value{Int: n}
				}
			}
			row[1].Int += n << 31
		}))
	}
	s.prepare(c, rows...)
	s.keeps(c, "what was inserted", rows...)
}

func (s *subject[V, F]) ids(c *check) {
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
	var rows []V
	for i, id := range [][16]byte{high, low, text, last, sign, upper} {
		rows = append(rows, s.withID(s.full(i), id))
	}
	s.prepare(c, rows...)
	s.keeps(c, "what was inserted", rows...)
	c.update(func(tx tenancy.Tx) { c.ok(s.table(tx).Delete(c.ctx, s.id(rows[3])), "Delete") })
	s.keeps(c, "after one was deleted", slices.Delete(rows, 3, 4)...)
}
