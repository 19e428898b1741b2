package memory

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// cursor returns the rows of a plan. If the plan is sorted, it merges the rows of its streams into the query's
// order.
type cursor struct {
	tab     *table
	q       *query
	rest    []store.Cond
	sorted  bool
	streams []*stream // a heap if sorted, with the next stream first
	steps   int
}

// checkEvery is the number of rows between two checks of the context.
const checkEvery = 1024

func (t *tx) cursor(tab *table, p *plan, q *query) *cursor {
	o := opener{tx: t, tab: tab, plan: p, q: q}
	o.each(nil)
	c := &cursor{tab: tab, q: q, rest: p.rest(q.where), sorted: p.sorted, streams: o.list}
	for i := len(c.streams)/2 - 1; i >= 0; i-- {
		c.sift(i)
	}
	return c
}

// step returns the next row of the streams, before any check of conditions.
func (c *cursor) step() (r ref, ok bool) {
	if len(c.streams) == 0 {
		return 0, false
	}
	first := c.streams[0]
	r = first.at
	if !first.next() {
		last := len(c.streams) - 1
		c.streams[0] = c.streams[last]
		c.streams = c.streams[:last]
	}
	c.sift(0)
	return r, true
}

// next returns the next row that passes. ok is false at the end, or if it would have to look at more than the
// allowed number of rows.
func (c *cursor) next(ctx context.Context, allowed int) (r ref, ok bool, err error) {
	for {
		r, ok := c.step()
		if !ok {
			return 0, false, nil
		}
		c.steps++
		if c.steps%checkEvery == 0 && ctx.Err() != nil {
			return 0, false, canceled(ctx.Err())
		}
		if c.steps > allowed {
			return 0, false, nil
		}
		if c.passes(r) {
			return r, true, nil
		}
	}
}

func (c *cursor) passes(r ref) bool {
	if len(c.rest) == 0 && c.q.after == nil {
		return true
	}
	rec := c.tab.at(r)
	return c.tab.passes(rec, c.rest) && c.q.beyond(c.tab.schema, rec)
}

// sift moves the i-th stream to its place among the streams below it.
func (c *cursor) sift(i int) {
	for c.sorted {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(c.streams); child++ {
			if c.q.rank(c.tab, c.streams[child].at, c.streams[least].at) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		c.streams[i], c.streams[least] = c.streams[least], c.streams[i]
		i = least
	}
}

// rank compares two rows by the query's order.
func (q *query) rank(tab *table, a, b ref) int {
	x, y := tab.at(a), tab.at(b)
	if q.desc {
		x, y = y, x
	}
	if q.sort != 0 {
		if n := tab.compare(&tab.columns[q.sort], x, y); n != 0 {
			return n
		}
	}
	return tab.compare(&tab.columns[0], x, y)
}

// beyond reports whether a record is after the place where the query begins.
func (q *query) beyond(s *schema, rec []byte) bool {
	if q.after == nil {
		return true
	}
	n := 0
	if q.sort != 0 {
		n = s.compareTo(&s.columns[q.sort], rec, &q.after[0])
	}
	if n == 0 {
		n = s.compareTo(&s.columns[0], rec, &q.after[len(q.after)-1])
	}
	if q.desc {
		n = -n
	}
	return n > 0
}
