package typedtest

import (
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
	"github.com/freehold-dev/freehold/tenancy"
)

// orderNames name the orders in subtests.
var orderNames = map[tenancy.Order]string{
	tenancy.ByID: "id", tenancy.ByName: "name", tenancy.ByEmail: "email", tenancy.ByDue: "due",
}

// pageRules are about order and paging.
func (s *subject[V, F]) pageRules() []rule {
	all := []rule{
		s.rule("page_bad_span", "a Limit below one and an order that the entity lacks are invalid.", s.badSpan),
		s.rule("page_no_values", "a span is held to its rules for a filter that matches nothing too.", func(c *check) {
			c.view(func(tx tenancy.Tx) {
				var f F
				s.fields[0].probes([]V{s.full(1)}, []V{s.full(2)})[0].apply(&f)
				_, err := s.table(tx).List(c.ctx, f, tenancy.Span{})
				c.code(err, tenancy.ErrInvalid, "List without a Limit")
			})
		}),
	}
	for _, by := range []tenancy.Order{tenancy.ByID, tenancy.ByName, tenancy.ByEmail, tenancy.ByDue} {
		if _, ok := s.entity.Along(typed.Order(by)); !ok {
			continue
		}
		rule := func(what, why string, run func(c *check, span tenancy.Span)) {
			for _, desc := range []bool{false, true} {
				direction := "_asc_"
				if desc {
					direction = "_desc_"
				}
				span := tenancy.Span{Order: by, Desc: desc}
				all = append(all, s.rule("page_"+orderNames[by]+direction+what, why, func(c *check) { run(c, span) }))
			}
		}
		rule("walk", "pages of any size, filtered or not, follow each other without gap or repeat; equal keys go by id.", s.walks)
		rule("after", "After is a place, whether a row stands there or not.", s.walksAfter)
		rule("changing", "a walk repeats nothing and misses nothing that stood throughout, whatever comes and goes.", s.walksChanging)
	}
	return all
}

func (s *subject[V, F]) badSpan(c *check) {
	s.seed(c, 3)
	c.view(func(tx tenancy.Tx) {
		var f F
		for _, limit := range []int{0, -1} {
			_, err := s.table(tx).List(c.ctx, f, tenancy.Span{Limit: limit})
			c.code(err, tenancy.ErrInvalid, fmt.Sprintf("List with Limit %d", limit))
		}
		for by := range tenancy.Order(20) {
			if _, ok := s.entity.Along(typed.Order(by)); !ok {
				_, err := s.table(tx).List(c.ctx, f, tenancy.Span{Limit: 1, Order: by})
				c.code(err, tenancy.ErrInvalid, fmt.Sprintf("List by order %d", by))
			}
		}
	})
}

// mostRows is more than any rule inserts into one table.
const mostRows = 1000

// walk lists page after page to the end, which is where a page is not full.
func (s *subject[V, F]) walk(c *check, tx tenancy.Tx, f F, span tenancy.Span) []V {
	var all []V
	for {
		page := s.list(c, tx, f, span)
		if len(page) > span.Limit {
			c.failf("List gives %d rows, Limit %d", len(page), span.Limit)
		}
		all = append(all, page...)
		if len(page) < span.Limit {
			return all
		}
		if len(all) > mostRows {
			c.failf("a walk in pages of %d does not come to an end", span.Limit)
		}
		span.After = s.key(page[len(page)-1], span.Order)
	}
}

func (s *subject[V, F]) walks(c *check, span tenancy.Span) {
	rows := s.with(s.seed(c, 12))
	c.view(func(tx tenancy.Tx) { s.walksAll(c, tx, span, rows) })
	c.update(func(tx tenancy.Tx) {
		added, changed := s.full(20), s.next(rows[len(rows)-1], s.full(21))
		s.insert(c, tx, added)
		c.ok(s.table(tx).Update(c.ctx, changed), "Update")
		c.ok(s.table(tx).Delete(c.ctx, s.id(rows[len(rows)-2])), "Delete")
		rows = append(rows[:len(rows)-2:len(rows)-2], s.stored(rows[len(rows)-1], changed), added)
		s.walksAll(c, tx, span, rows)
	})
	c.view(func(tx tenancy.Tx) { s.walksFiltered(c, tx, span, rows) })
}

// walksAll lists the whole table, in pages of sizes at which borders fall badly.
func (s *subject[V, F]) walksAll(c *check, tx tenancy.Tx, span tenancy.Span, rows []V) {
	want := s.ordered(rows, span.Order, span.Desc)
	for _, limit := range []int{1, 2, 3, 4, len(want) - 1, len(want), len(want) + 1, 1_000_000} {
		var f F
		span.Limit = limit
		c.equal(s.walk(c, tx, f, span), want, fmt.Sprintf("pages of %d", limit))
	}
}

func (s *subject[V, F]) walksFiltered(c *check, tx tenancy.Tx, span tenancy.Span, rows []V) {
	others := s.others()[:2]
	for _, field := range s.fields {
		probes := field.probes(rows, others)
		for _, p := range []probe[V, F]{probes[0], probes[2], probes[len(probes)-2]} {
			var f F
			p.apply(&f)
			span.Limit = 2
			c.equal(s.walk(c, tx, f, span), s.ordered(passing(rows, p.match), span.Order, span.Desc), p.name+": pages of 2")
		}
	}
}

func (s *subject[V, F]) walksAfter(c *check, span tenancy.Span) {
	rows := s.seed(c, 12)
	want := s.ordered(s.with(rows), span.Order, span.Desc)
	var gone V
	c.update(func(tx tenancy.Tx) {
		gone = rows[len(rows)/2+1]
		c.ok(s.table(tx).Delete(c.ctx, s.id(gone)), "Delete")
	})
	isGone := func(v V) bool { return s.id(v) == s.id(gone) }
	span.Limit = len(want)
	c.view(func(tx tenancy.Tx) {
		for i, v := range want {
			var f F
			span.After = s.key(v, span.Order)
			left := slices.DeleteFunc(slices.Clone(want[i+1:]), isGone)
			if len(left) == 0 {
				left = nil
			}
			c.equal(s.list(c, tx, f, span), left, fmt.Sprintf("List after the row at %d", i))
		}
	})
}

// walksChanging deletes and inserts behind the walk and ahead of it.
func (s *subject[V, F]) walksChanging(c *check, span tenancy.Span) {
	rows := s.ordered(s.with(s.seed(c, 30)), span.Order, span.Desc)
	stays := map[tenancy.ID[V]]bool{}
	for i, v := range rows {
		stays[s.id(v)] = i%3 != 1 || len(passing(s.standing, func(x V) bool { return s.id(x) == s.id(v) })) > 0
	}
	span.Limit = 2
	seen := map[tenancy.ID[V]]int{}
	n := 40
	between := func(page []V) {
		for _, v := range page {
			seen[s.id(v)]++
		}
		c.update(func(tx tenancy.Tx) {
			if n < 96 { // beyond 100, samples share keys
				s.insert(c, tx, s.full(n), s.bare(n+1))
				n += 2
			}
			for _, v := range rows {
				if !stays[s.id(v)] {
					if err := s.table(tx).Delete(c.ctx, s.id(v)); err == nil {
						break
					}
				}
			}
		})
	}
	for range mostRows {
		var page []V
		c.view(func(tx tenancy.Tx) {
			var f F
			page = s.list(c, tx, f, span)
		})
		if len(page) == 0 {
			break
		}
		between(page)
		span.After = s.key(page[len(page)-1], span.Order)
	}
	for id, n := range seen {
		if n > 1 {
			c.failf("%s was listed %d times", id, n)
		}
	}
	for _, v := range rows {
		if stays[s.id(v)] && seen[s.id(v)] == 0 {
			c.failf("%s stood throughout and was not listed", s.id(v))
		}
	}
}
