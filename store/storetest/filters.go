package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// probe is a list of conditions on one column, and which rows pass them.
type probe struct {
	name  string
	where []store.Cond
	match func(row store.Row) bool
}

// probes returns conditions to try on a column of a table with these rows: each comparison of the column's
// type. No row passes the first. The next three compare with values that exist, if there are such conditions.
func (s *subject) probes(i int, rows []store.Row) []probe {
	column := &s.columns()[i]
	var all []probe
	add := func(what string, op store.Op, match func(x store.Value) bool, values ...store.Value) {
		all = append(all, probe{
			name:  column.Name + " " + what,
			where: []store.Cond{{Column: i, Op: op, Values: values}},
			match: func(row store.Row) bool { return !row[i].Null && match(row[i]) },
		})
	}
	if column.Type != store.JSON {
		probeSets(column.Type, distinct(rows, i), add)
		probeBounds(column.Type, distinct(rows, i), add)
	}
	if column.Type != store.JSON {
		probeOthers(column.Type, distinct(rows, i), add)
	}
	add("not null", store.NotNull, func(store.Value) bool { return true })
	return append(all, probe{
		name: column.Name + " null", where: []store.Cond{{Column: i, Op: store.IsNull}},
		match: func(row store.Row) bool { return row[i].Null },
	})
}

type adder = func(what string, op store.Op, match func(x store.Value) bool, values ...store.Value)

// probeSets adds the probes that compare with a set.
func probeSets(kind store.Type, known []store.Value, add adder) {
	set := func(what string, values ...store.Value) {
		add("one of "+what, store.OneOf, func(x store.Value) bool { return slices.Contains(values, x) }, values...)
	}
	x, y := known[len(known)/2], known[len(known)-1]
	set("none")
	set("one", x)
	set("two", x, y)
	set("twice the same", y, y)
	set("the zero value", store.Value{})
	set("all", known...)
	many := slices.Clone(known)
	for n := 0; len(many) < 1000; n++ {
		other, ok := unknown(kind, n)
		if !ok {
			other = known[n%len(known)]
		}
		many = append(many, other)
	}
	set("a thousand", many...)
	if other, ok := unknown(kind, 0); ok {
		set("what is not there", other)
		set("what is there and what is not", x, other)
	}
}

// probeOthers adds the probes that exclude a set.
func probeOthers(kind store.Type, known []store.Value, add adder) {
	others := func(what string, values ...store.Value) {
		add("none of "+what, store.NoneOf, func(x store.Value) bool { return !slices.Contains(values, x) }, values...)
	}
	x, y := known[len(known)/2], known[len(known)-1]
	others("nothing")
	others("one", x)
	others("two", x, y)
	others("twice the same", y, y)
	others("the zero value", store.Value{})
	others("all", known...)
	if other, ok := unknown(kind, 0); ok {
		others("what is not there", other)
		others("what is there and what is not", x, other)
	}
}

// probeBounds adds the probes that compare with one value: less, at least, and begins with.
func probeBounds(kind store.Type, known []store.Value, add adder) {
	sorted := slices.SortedFunc(slices.Values(known), func(a, b store.Value) int { return order(kind, a, b) })
	bounds := []store.Value{known[len(known)/2], sorted[len(sorted)-1]}
	x := bounds[0]
	switch kind {
	case store.Int, store.Time:
		bounds = append(bounds, store.Value{Int: x.Int + 1}, store.Value{Int: x.Int - 1}, store.Value{Int: -1 << 57}, store.Value{Int: 1 << 57})
	case store.ID:
		above, below := x, x
		above.ID[15]++
		below.ID[15]--
		bounds = append(bounds, above, below)
	case store.Text:
		bounds = append(bounds, store.Value{Text: x.Text + "\x01"}, store.Value{}, store.Value{Text: "\U0010FFFF"})
	case store.Bool:
		bounds = []store.Value{{}, {Int: 1}}
	}
	for _, v := range bounds {
		what := fmt.Sprintf(" %d %q %x", v.Int, v.Text, v.ID)
		add("less than"+what, store.Less, func(x store.Value) bool { return order(kind, x, v) < 0 }, v)
		add("at least"+what, store.AtLeast, func(x store.Value) bool { return order(kind, x, v) >= 0 }, v)
	}
	if kind != store.Text {
		return
	}
	for _, start := range []string{"a", x.Text, x.Text + "\x01", ""} {
		add(fmt.Sprintf("begins with %q", start), store.Prefix, func(x store.Value) bool { return strings.HasPrefix(x.Text, start) },
			store.Value{Text: start})
	}
}

// distinct lists the values of a column that are not null, each once.
func distinct(rows []store.Row, column int) []store.Value {
	var list []store.Value
	for _, row := range rows {
		if x := row[column]; !x.Null && !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// passing returns the rows that match.
func passing(rows []store.Row, match func(row store.Row) bool) []store.Row {
	var list []store.Row
	for _, row := range rows {
		if match(row) {
			list = append(list, row)
		}
	}
	return list
}

// filterRules are about which rows conditions select.
func (s *subject) filterRules() []rule {
	all := []rule{
		s.rule("filter_none", "no condition selects every row, along every order that has a place for it.", s.filterNone),
		s.rule("filter_and", "the conditions of a statement are joined by and, those on one column too.", s.filterAnd),
		s.rule("filter_own_writes", "conditions select by what the transaction has written.", s.filterOwnWrites),
	}
	for i, column := range s.columns() {
		all = append(all, s.rule("filter_"+column.Name, "List, Count, UpdateAll and DeleteAll select by "+column.Name+", with every comparison of its type.",
			func(c *check) { s.filterColumn(c, i) }))
	}
	if slices.ContainsFunc(s.columns(), func(column store.Column) bool { return column.Type == store.Text && column.References == nil }) {
		all = append(all, s.rule("filter_prefix_exact", "a prefix is bytes, not a pattern.", s.prefixExact))
	}
	return all
}

// many is how many rows the filters are tried on.
const many = 14

// selects checks that conditions select these rows, by List in one direction, by Count and by CountTo.
func (s *subject) selects(c *check, tx store.Rows, where []store.Cond, desc bool, want []store.Row, what string) {
	c.equal(s.count(c, tx, where...), len(want), what+": Count")
	c.equal(s.countTo(c, tx, len(want)+1, where...), len(want), what+": CountTo one more")
	if n := len(want) - 1; n > 0 {
		c.equal(s.countTo(c, tx, n, where...), n, what+": CountTo one less")
	}
	got := s.list(c, tx, where, store.Range{Limit: mostRows, Desc: desc})
	c.equal(got, s.ordered(want, 0, desc), what+": List")
}

func (s *subject) filterColumn(c *check, column int) {
	rows := s.seed(c, many)
	probes := s.probes(column, rows)
	c.view(func(tx store.Rows) {
		for i, p := range probes {
			s.selects(c, tx, p.where, i%2 != 0, passing(rows, p.match), p.name)
		}
	})
	s.updatesBy(c, rows, probes)
	s.deletesBy(c, rows, probes)
}

// updatesBy tries UpdateAll with every third probe, in a savepoint that fails.
func (s *subject) updatesBy(c *check, rows []store.Row, probes []probe) {
	set := s.sets(s.full(70))
	if len(set) == 0 {
		return
	}
	c.update(func(tx store.Rows) {
		for i := 1; i < len(probes); i += 3 {
			p, n := probes[i], 0
			want := slices.Clone(rows)
			for j, row := range want {
				if p.match(row) {
					want[j] = s.after(row, set)
				}
				if !slices.Equal(want[j], row) {
					n++
				}
			}
			c.fails(tx, func() {
				c.equal(s.updateAll(c, tx, set, p.where...), n, p.name+": how many UpdateAll changed")
				c.equal(s.list(c, tx, nil, everything), s.ordered(want, 0, false), p.name+": what UpdateAll left")
			})
		}
	})
}

// deletesBy tries DeleteAll with every third probe in a savepoint that fails, so that the next one finds all
// rows again. With the second probe it deletes for good.
func (s *subject) deletesBy(c *check, rows []store.Row, probes []probe) {
	left := func(p probe) []store.Row {
		return passing(rows, func(row store.Row) bool { return !p.match(row) })
	}
	c.update(func(tx store.Rows) {
		remove := func(p probe) {
			c.equal(s.deleteAll(c, tx, p.where...), len(rows)-len(left(p)), p.name+": how many DeleteAll took")
			c.equal(s.list(c, tx, nil, everything), s.ordered(left(p), 0, false), p.name+": what DeleteAll left")
		}
		for i := 0; i < len(probes); i += 3 {
			c.fails(tx, func() { remove(probes[i]) })
		}
		remove(probes[1])
	})
	s.keeps(c, "after the last", left(probes[1])...)
}

func (s *subject) filterNone(c *check) {
	rows := s.seed(c, many)
	c.view(func(tx store.Rows) {
		s.selects(c, tx, nil, false, rows, "no condition")
		s.selects(c, tx, nil, true, rows, "no condition")
		for _, sort := range s.sorts() {
			c.equal(s.list(c, tx, nil, store.Range{Limit: mostRows, Sort: sort}), s.ordered(rows, sort, false), "List along "+s.columns()[sort].Name)
		}
	})
}

// filterAnd tries every two columns together, and a random choice of three.
func (s *subject) filterAnd(c *check) {
	rows := s.seed(c, many)
	random := rand.New(rand.NewPCG(1, 2)) // a fixed seed: the same choice each time
	probes := make([][]probe, len(s.columns()))
	for i := range probes {
		probes[i] = s.probes(i, rows)
	}
	c.view(func(tx store.Rows) {
		try := func(columns ...int) {
			var where []store.Cond
			left, what := rows, "conditions"
			for _, i := range columns {
				p := probes[i][random.IntN(len(probes[i]))]
				where = append(where, p.where...)
				left, what = passing(left, p.match), what+", "+p.name
			}
			s.selects(c, tx, where, random.IntN(2) == 0, left, what)
		}
		for i := range probes {
			for j := range i + 1 {
				try(i, j)
			}
			for range 3 {
				try(i, random.IntN(len(probes)), random.IntN(len(probes)))
				try(i, i)
			}
		}
	})
}

func (s *subject) filterOwnWrites(c *check) {
	rows := s.seed(c, many)
	c.update(func(tx store.Rows) {
		for i := 1; i < many; i += 3 {
			changed := s.next(rows[i], s.full(i+50))
			s.update(c, tx, changed)
			rows[i] = s.stored(rows[i], changed)
		}
		s.remove(c, tx, rows[2])
		rows = append(slices.Delete(rows, 2, 3), s.full(90), s.bare(91))
		s.insert(c, tx, rows[len(rows)-2:]...)
		for i := range s.columns() {
			probes := s.probes(i, rows)
			for _, p := range probes[min(1, len(probes)-2):min(4, len(probes))] {
				s.selects(c, tx, p.where, i%2 == 0, passing(rows, p.match), p.name)
			}
		}
	})
	s.keeps(c, "afterwards", rows...)
}

// prefixes are texts that a pattern, a collation or a comparison by code units confuses with others.
var prefixes = [...]string{
	"a", "a%", "a%b", "a_", "a_b", "aXb", `a\`, `a\%`, "A", "á", "a\u0301", "ab", "b", "a*", "a?b", "a[b]c", "a'b", `a"b`, "a ",
	"a\uD7FF", "a\uE000", "a\uFFFF", "a\U00010000", "a\U0010FFFF", "a\U0010FFFFz", "a\U0010FFFF\U0010FFFF", "\U0010FFFF",
	"\U0010FFFF\U0010FFFF", "\u007f", "\u0080", "\u07ff", "\u0800", "%", "_", `\`, "ｂ", "B",
}

func (s *subject) prefixExact(c *check) {
	var rows []store.Row
	for i, text := range prefixes {
		rows = append(rows, s.with(s.full(i), store.Text, store.Value{Text: text}))
	}
	s.prepare(c, rows...)
	c.view(func(tx store.Rows) {
		for i, column := range s.columns() {
			if !s.open(i, store.Text) {
				continue
			}
			for _, text := range prefixes {
				where := []store.Cond{{Column: i, Op: store.Prefix, Values: []store.Value{{Text: text}}}}
				match := func(row store.Row) bool { return strings.HasPrefix(row[i].Text, text) }
				got := s.list(c, tx, where, everything)
				c.equal(got, s.ordered(passing(rows, match), 0, false), column.Name+" begins with "+text)
			}
		}
	})
}
