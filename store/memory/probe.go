package memory

import (
	"sync"
	"sync/atomic"

	"github.com/freehold-dev/freehold/store"
)

// bound is a place in an index: before or behind all rows that agree with it, or,
// with bias 0, at the one that does.
type bound struct {
	values []store.Value // of the first of the index's parts
	prefix bool          // the last value is the beginning of a text
	bias   int           // -1 before, 1 behind
}

// compare orders the bound and a record.
func (b *bound) compare(s *schema, x *index, rec []byte) int {
	for i := range b.values {
		c := &s.columns[x.parts[i]]
		n := 0
		if b.prefix && i == len(b.values)-1 && !c.isNull(rec) {
			n = comparePrefix(s.text(rec, c.at), b.values[i].Text)
		} else {
			n = s.compareTo(c, rec, &b.values[i])
		}
		if n != 0 {
			return -n
		}
	}
	return b.bias
}

// probe lets an index be searched for a bound. An index compares refs, and a bound
// has none: so a transaction borrows a probe, which has, and puts its bounds there.
type probe struct {
	bound
	ref ref
}

// probes are the probes of a store: as many as there ever were transactions at once.
type probes struct {
	all  atomic.Pointer[[]*probe]
	mu   sync.Mutex
	free []*probe
}

// at gives the probe that a ref names.
func (p *probes) at(r ref) *probe { return (*p.all.Load())[r&^probeBit] }

func (p *probes) take() *probe {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		one := p.free[n-1]
		p.free = p.free[:n-1]
		return one
	}
	var all []*probe
	if old := p.all.Load(); old != nil {
		all = *old
	}
	one := &probe{ref: probeBit | ref(len(all))}
	all = append(all, one)
	p.all.Store(&all)
	return one
}

// give takes a probe back, without what it was looking for.
func (p *probes) give(one *probe) {
	one.bound = bound{}
	p.mu.Lock()
	p.free = append(p.free, one)
	p.mu.Unlock()
}
