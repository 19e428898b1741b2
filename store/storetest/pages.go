package storetest

import (
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// pageRules are about order and pages.
func (s *subject) pageRules() []rule {
	all := []rule{
		s.rule("page_bad_range", "a limit below one and a column that is no order are invalid, whatever the conditions.", s.badRange),
	}
	for _, sort := range s.sorts() {
		rule := func(what, why string, run func(c *check, r store.Range)) {
			for _, desc := range []bool{false, true} {
				direction := "_asc_"
				if desc {
					direction = "_desc_"
				}
				r := store.Range{Sort: sort, Desc: desc}
				all = append(all, s.rule("page_"+s.columns()[sort].Name+direction+what, why, func(c *check) { run(c, r) }))
			}
		}
		rule("walk", "pages of any size, filtered or not, follow each other without gap or repeat; equal values go by id.", s.walks)
		rule("after", "After is a place, whether a row stands there or not.", s.walksAfter)
		rule("changing", "a walk repeats nothing and misses nothing that stood throughout, whatever comes and goes.", s.walksChanging)
	}
	return all
}

func (s *subject) badRange(c *check) {
	s.seed(c, 3)
	never := func(store.Row) error {
		c.failf("a refused List gives a row")
		return nil
	}
	c.view(func(tx store.Rows) {
		for _, where := range [][]store.Cond{nil, {one(0)}} {
			for _, limit := range []int{0, -1} {
				c.invalid(tx.List(c.ctx, s.table, where, store.Range{Limit: limit}, never), "limit", fmt.Sprintf("List with Limit %d", limit))
				_, err := store.CountTo(c.ctx, tx, s.table, where, limit)
				c.invalid(err, "limit", fmt.Sprintf("CountTo %d", limit))
			}
			for i := range s.columns() {
				if !slices.Contains(s.sorts(), i) {
					for limit := range 2 {
						err := tx.List(c.ctx, s.table, where, store.Range{Limit: limit, Sort: i}, never)
						c.invalid(err, "order", "List along "+s.columns()[i].Name)
					}
				}
			}
		}
	})
}

// walk lists page after page to the end, which is the first page that is not full.
func (s *subject) walk(c *check, tx store.Rows, where []store.Cond, r store.Range) []store.Row {
	var all []store.Row
	for {
		page := s.list(c, tx, where, r)
		if len(page) > r.Limit {
			c.failf("List gives %d rows, Limit %d", len(page), r.Limit)
		}
		all = append(all, page...)
		if len(page) < r.Limit {
			return all
		}
		if len(all) > mostRows {
			c.failf("a walk in pages of %d does not come to an end", r.Limit)
		}
		r.After = place(page[len(page)-1], r.Sort)
	}
}

func (s *subject) walks(c *check, r store.Range) {
	rows := s.seed(c, 12)
	c.view(func(tx store.Rows) { s.walksAll(c, tx, r, rows) })
	c.update(func(tx store.Rows) {
		added, changed := s.full(20), s.next(rows[11], s.full(21))
		s.insert(c, tx, added)
		s.update(c, tx, changed)
		s.remove(c, tx, rows[10])
		rows = append(rows[:10:10], s.stored(rows[11], changed), added)
		s.walksAll(c, tx, r, rows)
	})
	c.view(func(tx store.Rows) { s.walksFiltered(c, tx, r, rows) })
}

// walksAll lists the whole table, in pages whose borders are at critical rows.
func (s *subject) walksAll(c *check, tx store.Rows, r store.Range, rows []store.Row) {
	want := s.ordered(rows, r.Sort, r.Desc)
	for _, limit := range []int{1, 2, 3, 4, len(want) - 1, len(want), len(want) + 1, 1_000_000} {
		r.Limit = limit
		c.equal(s.walk(c, tx, nil, r), want, fmt.Sprintf("pages of %d", limit))
	}
}

// walksFiltered lists by columns for which a backend may have an index, in several ways, and by other columns
// in one way.
func (s *subject) walksFiltered(c *check, tx store.Rows, r store.Range, rows []store.Row) {
	r.Limit = 3
	keyed := s.keyed()
	for i := range s.columns() {
		probes := s.probes(i, rows)
		some := []probe{probes[(i+r.Sort)%len(probes)]}
		if slices.Contains(keyed, i) && len(probes) > 3 {
			some = append(some, probes[1], probes[2])
		}
		for _, p := range some {
			c.equal(s.walk(c, tx, p.where, r), s.ordered(passing(rows, p.match), r.Sort, r.Desc), p.name+": pages of 3")
		}
	}
}

func (s *subject) walksAfter(c *check, r store.Range) {
	rows := s.seed(c, 12)
	want := s.ordered(rows, r.Sort, r.Desc)
	gone := rows[7]
	c.update(func(tx store.Rows) { s.remove(c, tx, gone) })
	r.Limit = len(rows)
	c.view(func(tx store.Rows) {
		for i, row := range want {
			r.After = place(row, r.Sort)
			left := passing(want[i+1:], func(row store.Row) bool { return row[0].ID != gone[0].ID })
			c.equal(s.list(c, tx, nil, r), left, fmt.Sprintf("List after the row at %d", i))
		}
	})
}

// walksChanging deletes and inserts rows before and after the place that a walk has reached.
func (s *subject) walksChanging(c *check, r store.Range) {
	rows := s.ordered(s.seed(c, 30), r.Sort, r.Desc)
	stays := map[[16]byte]bool{}
	for i, row := range rows {
		stays[row[0].ID] = i%3 != 1
	}
	r.Limit = 2
	seen := map[[16]byte]int{}
	n := 40
	between := func(page []store.Row) {
		for _, row := range page {
			seen[row[0].ID]++
		}
		c.update(func(tx store.Rows) {
			if n < 96 { // from 100 on, samples have keys in common
				s.insert(c, tx, s.full(n), s.bare(n+1))
				n += 2
			}
			for _, row := range rows {
				if !stays[row[0].ID] && tx.Delete(c.ctx, s.table, row[0].ID) == nil {
					break
				}
			}
		})
	}
	for range mostRows {
		var page []store.Row
		c.view(func(tx store.Rows) { page = s.list(c, tx, nil, r) })
		if len(page) == 0 {
			break
		}
		between(page)
		r.After = place(page[len(page)-1], r.Sort)
	}
	for id, n := range seen {
		if n > 1 {
			c.failf("%x was listed %d times", id, n)
		}
	}
	for _, row := range rows {
		if stays[row[0].ID] && seen[row[0].ID] == 0 {
			c.failf("%x stood throughout and was not listed", row[0].ID)
		}
	}
}
