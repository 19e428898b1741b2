package memory

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// query is a list's request.
type query struct {
	where []store.Cond  // in the form that conditions returns
	sort  int           // the column to sort by; 0 is the id alone
	desc  bool          // descending
	after []store.Value // sort value and id, or the id alone, to begin after; nil: from the start
}

// plan is a way to answer a query with one index. It has a stream of rows for each combination of the values
// that the index's first columns may have.
type plan struct {
	index   int
	equal   []int // the conditions that give those values, one for each column
	narrows int   // conditions that all rows of the index meet
	point   bool  // a combination is a whole unique key: it finds at most one row
	ranged  bool  // a condition narrows the next column
	sorted  bool  // each stream is in the order asked for
}

// maxStreams limits the combinations. The values of the first column do not count: a thousand ids are a
// thousand searches, which is still better than a walk over the table.
const maxStreams = 1024

// plans returns the plan that should look at the fewest rows, estimated without looking, and the best plan
// whose streams are sorted, if there is one.
func (s *schema) plans(q *query) (narrow plan, ordered *plan) {
	narrow.index = -1
	for i := range s.indexes {
		p, ok := s.match(i, q)
		if !ok {
			continue
		}
		if narrow.index < 0 || p.better(&narrow) {
			narrow = p
		}
		if p.sorted && (ordered == nil || p.better(ordered)) {
			ordered = &p
		}
	}
	return narrow, ordered
}

// match returns what the i-th index can do for a query; ok is false if the index lacks rows that the query
// needs.
func (s *schema) match(i int, q *query) (p plan, ok bool) {
	x := &s.indexes[i]
	for _, c := range x.skips {
		if !excludesNull(q.where, c) {
			return p, false
		}
	}
	for _, c := range x.nulls {
		if !slices.ContainsFunc(q.where, func(w store.Cond) bool { return w.Column == c && w.Op == store.IsNull }) {
			return p, false
		}
	}
	p.index, p.narrows = i, x.narrows
	streams := 1
	for _, c := range x.parts {
		at := slices.IndexFunc(q.where, func(w store.Cond) bool { return w.Column == c && w.Op == store.OneOf })
		if at < 0 || len(p.equal) > 0 && streams*len(q.where[at].Values) > maxStreams {
			break
		}
		streams *= len(q.where[at].Values)
		p.equal = append(p.equal, at)
	}
	rest := x.parts[len(p.equal):]
	p.point = x.unique() && len(p.equal) >= len(x.columns)
	p.ranged = len(rest) > 0 && slices.ContainsFunc(q.where, func(w store.Cond) bool { return w.Column == rest[0] && w.Op != store.OneOf })
	p.sorted = p.point || q.goesAlong(p.equal, rest)
	return p, true
}

// goesAlong reports whether an index is in the query's order: among rows with the same values in the conditions
// equal, sorted by the columns rest.
func (q *query) goesAlong(equal, rest []int) bool {
	fixed := slices.ContainsFunc(equal, func(i int) bool { return q.where[i].Column == q.sort })
	if q.sort != 0 && !fixed {
		if len(rest) == 0 || rest[0] != q.sort {
			return false
		}
		rest = rest[1:]
	}
	return len(rest) == 0 || rest[0] == 0
}

func (p *plan) better(than *plan) bool {
	if a, b := p.weight(), than.weight(); a != b {
		return a > b
	}
	return p.sorted && !than.sorted
}

func (p *plan) weight() int {
	weight := 2 * (len(p.equal) + p.narrows)
	if p.ranged {
		weight++
	}
	if p.point {
		weight += 1000 // more than any number of columns
	}
	return weight
}

// rest returns the conditions that rows of the plan must still be checked against.
func (p *plan) rest(where []store.Cond) []store.Cond {
	if len(p.equal) == 0 {
		return where
	}
	var rest []store.Cond
	for i := range where {
		if !slices.Contains(p.equal, i) {
			rest = append(rest, where[i])
		}
	}
	return rest
}

// limits returns the bounds of a stream with these values. They enclose all rows with these values, or fewer if
// a condition on the next column says so.
func (s *schema) limits(p *plan, where []store.Cond, values []store.Value) (lo, hi bound) {
	lo, hi = bound{values: values, bias: -1}, bound{values: values, bias: 1}
	x := &s.indexes[p.index]
	if !p.ranged {
		return lo, hi
	}
	next := func(v store.Value) []store.Value { return append(slices.Clip(values), v) }
	for i := range where {
		cond := &where[i]
		if cond.Column != x.parts[len(values)] {
			continue
		}
		switch cond.Op {
		case store.Prefix:
			all := next(cond.Values[0])
			return bound{all, true, -1}, bound{all, true, 1}
		case store.Less:
			hi = bound{values: next(cond.Values[0]), bias: -1}
		case store.AtLeast:
			lo = bound{values: next(cond.Values[0]), bias: -1}
		case store.NotNull, store.NoneOf:
			lo = bound{values: next(store.Value{Null: true}), bias: 1}
		}
	}
	return lo, hi
}

// place returns the bound at which a sorted stream with these values continues, or nil if it begins at its
// start.
func (s *schema) place(p *plan, q *query, values []store.Value) *bound {
	fixed := len(values) > 0 && s.indexes[p.index].parts[len(values)] == 0 && q.sort != 0
	if q.after == nil || !p.sorted || fixed {
		return nil
	}
	b := &bound{values: slices.Concat(values, q.after), bias: 1}
	if q.desc {
		b.bias = -1
	}
	return b
}
