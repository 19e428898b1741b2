package memory

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// query is what a list asks for.
type query struct {
	where []store.Cond  // as conditions makes them
	sort  int           // the column to go along; 0 is the id alone
	desc  bool          // from the end
	after []store.Value // sort value and id to begin behind, or the id alone; nil: from the start
}

// plan is a way to answer a query by one index: a stream of rows for each
// combination of the values that its first columns may have.
type plan struct {
	index   int
	equal   []int // the conditions that give those values, a column each
	narrows int   // conditions that the index meets by what it holds
	point   bool  // a combination is a whole unique key: at most one row each
	ranged  bool  // a condition narrows the next column
	sorted  bool  // each stream is in the order asked for
}

// maxStreams bounds the combinations. The first column's values are exempt: a
// thousand ids are a thousand searches, not a walk over the table.
const maxStreams = 1024

// plans gives the plan that looks at the fewest rows as far as can be told
// without looking, and the best of those whose streams are sorted, if there is one.
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

// match sees what the i-th index can do for a query; ok is false if it lacks rows.
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

// goesAlong reports whether rows that agree in the conditions equal, and lie in the
// order of the columns rest, lie in the query's order.
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
		weight += 1000 // above any number of columns
	}
	return weight
}

// rest gives the conditions that rows found by the plan must still be held against.
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

// limits gives the bounds within which a stream with these values lies: between all
// rows that agree with them, or closer where a condition on the next column says so.
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

// place gives the bound at which a sorted stream with these values goes on, nil if
// it begins at its beginning.
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
