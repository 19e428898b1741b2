package typedtest

import (
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/freehold-dev/freehold/tenancy"
)

// filterRules are about which rows a filter selects.
func (s *subject[V, F]) filterRules() []rule {
	all := []rule{
		s.rule("filter_none", "a field that does not constrain selects every row, with and without other fields.", s.filterNone),
		s.rule("filter_and", "the fields of a filter are joined by and.", s.filterAnd),
		s.rule("filter_own_writes", "a filter selects by what the transaction has written.", s.filterOwnWrites),
	}
	for _, f := range s.fields {
		all = append(all, s.rule("filter_"+f.name, "List, Count and DeleteAll select by "+f.name+"; no values match nothing.",
			func(c *check) { s.filterField(c, f) }))
		if f.start != nil {
			all = append(all, s.rule("filter_"+f.name+"_exact", "a prefix is bytes, not a pattern.", func(c *check) { s.prefixExact(c, f) }))
		}
	}
	return all
}

// many is how many rows the filters are tried on.
const many = 14

// others are rows that no table holds.
func (s *subject[V, F]) others() []V {
	list := make([]V, 1000)
	for i := range list {
		list[i] = s.full(100_000 + i)
	}
	return list
}

// passing gives the rows that a match lets through.
func passing[V any](rows []V, match func(V) bool) []V {
	var list []V
	for _, v := range rows {
		if match(v) {
			list = append(list, v)
		}
	}
	return list
}

// selects wants a filter to select these rows, by List both ways and by Count.
func (s *subject[V, F]) selects(c *check, tx tenancy.Tx, f F, want []V, what string) {
	c.equal(s.count(c, tx, f), len(want), what+": Count")
	for _, desc := range []bool{false, true} {
		span := tenancy.Span{Limit: everything.Limit, Desc: desc}
		c.equal(s.list(c, tx, f, span), s.ordered(want, tenancy.ByID, desc), what+": List")
	}
}

func (s *subject[V, F]) filterField(c *check, f field[V, F]) {
	rows := s.seed(c, many)
	all := s.with(rows)
	probes := f.probes(all, s.others())
	c.view(func(tx tenancy.Tx) {
		for _, p := range probes {
			var filter F
			p.apply(&filter)
			s.selects(c, tx, filter, passing(all, p.match), p.name)
		}
	})
	// What others refer to stays.
	s.deletes(c, rows, slices.DeleteFunc(probes, func(p probe[V, F]) bool { return len(passing(s.standing, p.match)) > 0 }))
}

func (s *subject[V, F]) filterNone(c *check) {
	rows := s.with(s.seed(c, many))
	c.view(func(tx tenancy.Tx) {
		var f F
		s.selects(c, tx, f, rows, "the zero filter")
		for _, by := range s.orders() {
			span := everything
			span.Order = by
			c.equal(s.list(c, tx, f, span), s.ordered(rows, by, false), "List")
		}
	})
}

// filterAnd tries every two fields together, and a seeded choice of three.
func (s *subject[V, F]) filterAnd(c *check) {
	rows := s.with(s.seed(c, many))
	others := s.others()[:2]
	random := rand.New(rand.NewPCG(1, 2)) // the same choice each time
	c.view(func(tx tenancy.Tx) {
		try := func(fields ...field[V, F]) {
			var f F
			left, what := rows, "filter"
			for _, field := range fields {
				probes := field.probes(rows, others)
				p := probes[random.IntN(len(probes))]
				p.apply(&f)
				left, what = passing(left, p.match), what+" "+p.name
			}
			s.selects(c, tx, f, left, what)
		}
		for i := range s.fields {
			for j := range i {
				try(s.fields[i], s.fields[j])
				try(s.fields[i], s.fields[j])
				if j > 0 {
					try(s.fields[i], s.fields[j], s.fields[random.IntN(j)])
				}
			}
		}
	})
}

func (s *subject[V, F]) filterOwnWrites(c *check) {
	rows := s.seed(c, many)
	c.update(func(tx tenancy.Tx) {
		for i := 1; i < many; i += 3 {
			changed := s.next(rows[i], s.full(i+50))
			c.ok(s.table(tx).Update(c.ctx, changed), "Update")
			rows[i] = s.stored(rows[i], changed)
		}
		c.ok(s.table(tx).Delete(c.ctx, s.id(rows[2])), "Delete")
		rows = append(slices.Delete(rows, 2, 3), s.full(90), s.bare(91))
		s.insert(c, tx, rows[len(rows)-2:]...)
		all := s.with(rows)
		for _, field := range s.fields {
			for _, p := range field.probes(all, s.others()[:2])[1:4] {
				var f F
				p.apply(&f)
				s.selects(c, tx, f, passing(all, p.match), p.name)
			}
		}
	})
	s.keeps(c, "afterwards", rows...)
}

// deletes tries DeleteAll with each probe in a savepoint that fails, so that the next
// finds all rows again, and with the last for good.
func (s *subject[V, F]) deletes(c *check, rows []V, probes []probe[V, F]) {
	kept := rows
	c.update(func(tx tenancy.Tx) {
		for i, p := range probes {
			var filter F
			p.apply(&filter)
			err := tx.Savepoint(c.ctx, func(tx tenancy.Tx) error {
				n, err := s.table(tx).DeleteAll(c.ctx, filter)
				kept = passing(rows, func(v V) bool { return !p.match(v) })
				if len(kept) == 0 && errors.Is(err, tenancy.ErrInvalid) {
					kept = rows // both yes and no is as good as no constraint
				} else {
					c.ok(err, p.name+": DeleteAll")
				}
				c.equal(n, len(rows)-len(kept), p.name+": how many DeleteAll took")
				s.holds(c, tx, p.name+": what DeleteAll left", kept...)
				if i < len(probes)-1 {
					return errOurs
				}
				return nil
			})
			if i < len(probes)-1 {
				c.same(err, errOurs, "Savepoint's error")
			} else {
				c.ok(err, "Savepoint")
			}
		}
	})
	s.keeps(c, "after the last", kept...)
}

// prefixes are texts that a pattern, a collation or a code unit takes for others.
var prefixes = [...]string{
	"a", "a%", "a%b", "a_", "a_b", "aXb", `a\`, `a\%`, "A", "á", "a\u0301", "ab", "b", "a*", "a?b", "a[b]c", "a'b", `a"b`, "a ",
	"a\uD7FF", "a\uE000", "a\uFFFF", "a\U00010000", "a\U0010FFFF", "a\U0010FFFFz", "a\U0010FFFF\U0010FFFF", "\U0010FFFF",
	"\U0010FFFF\U0010FFFF", "\u007f", "\u0080", "\u07ff", "\u0800", "%", "_", `\`, "ｂ", "B",
}

func (s *subject[V, F]) prefixExact(c *check, f field[V, F]) {
	rows := make([]V, len(prefixes))
	for i, text := range prefixes {
		rows[i] = s.full(i)
		*f.text(&rows[i]) = text
	}
	s.prepare(c, rows...)
	rows = s.with(rows)
	c.view(func(tx tenancy.Tx) {
		for _, text := range prefixes {
			var filter F
			f.start(&filter, text)
			match := func(v V) bool { return len(*f.text(&v)) >= len(text) && (*f.text(&v))[:len(text)] == text }
			s.selects(c, tx, filter, passing(rows, match), "prefix "+text)
		}
	})
}
