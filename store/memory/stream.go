package memory

import (
	"github.com/tidwall/btree"

	"github.com/freehold-dev/freehold/store"
)

// stream is the rows of an index between two bounds, in order. It is valid until its table is written to.
type stream struct {
	it   btree.IterG[ref]
	at   ref // the current row
	stop ref // the first row after the stream, or 0
	desc bool
	one  bool // at is the only row
}

// next moves to the next row, and reports whether there was one.
func (s *stream) next() bool {
	switch {
	case s.one:
		return false
	case s.desc && !s.it.Prev(), !s.desc && !s.it.Next():
		return false
	}
	s.at = s.it.Item()
	return s.at != s.stop
}

// opener opens the streams of a plan.
type opener struct {
	tx   *tx
	tab  *table
	plan *plan
	q    *query
	list []*stream
}

// each opens a stream for each combination of values that begins with values.
func (o *opener) each(values []store.Value) {
	n := len(values)
	if n == len(o.plan.equal) {
		o.open(values)
		return
	}
	for _, v := range o.q.where[o.plan.equal[n]].Values {
		o.each(append(values, v))
	}
}

func (o *opener) open(values []store.Value) {
	if o.plan.point {
		if r, ok := o.tx.exact(o.tab, o.plan.index, values); ok {
			o.list = append(o.list, &stream{at: r, one: true})
		}
		return
	}
	lo, hi := o.tab.limits(o.plan, o.q.where, values)
	from := o.tab.place(o.plan, o.q, values)
	s := &stream{desc: o.q.desc}
	s.it.Init(o.tab.trees[o.plan.index], false)
	if o.start(s, &lo, &hi, from) {
		o.list = append(o.list, s)
	}
}

// start moves s to its first row, which is the one after from if from is set, and finds its last. It reports
// whether there are any rows.
//
// A descending stream goes the other way: hi is the near bound, lo the far one, and sign reverses the comparisons.
func (o *opener) start(s *stream, lo, hi, from *bound) bool {
	seek, near, far := o.ahead, lo, hi
	if s.desc {
		seek, near, far = o.behind, hi, lo
	}
	sign := 1 // the result of comparing with a later bound
	if s.desc {
		sign = -1
	}
	ok := seek(&s.it, near)
	if ok && from != nil && sign*o.compare(from, s.it.Item()) > 0 {
		ok = seek(&s.it, from)
	}
	if !ok || sign*o.compare(far, s.it.Item()) < 0 {
		return false
	}
	s.at = s.it.Item()
	var beyond btree.IterG[ref]
	beyond.Init(o.tab.trees[o.plan.index], false)
	if seek(&beyond, far) {
		s.stop = beyond.Item()
	}
	return true
}

func (o *opener) compare(b *bound, r ref) int {
	return b.compare(o.tab.schema, &o.tab.indexes[o.plan.index], o.tab.at(r))
}

// ahead moves it to the first row after b.
func (o *opener) ahead(it *btree.IterG[ref], b *bound) bool {
	if len(b.values) == 0 {
		return b.bias < 0 && it.First()
	}
	o.tx.probe.bound = *b
	return it.Seek(o.tx.probe.ref)
}

// behind moves it to the last row before b.
func (o *opener) behind(it *btree.IterG[ref], b *bound) bool {
	if len(b.values) == 0 {
		return b.bias > 0 && it.Last()
	}
	o.tx.probe.bound = *b
	if it.Seek(o.tx.probe.ref) {
		return it.Prev()
	}
	return it.Last()
}
