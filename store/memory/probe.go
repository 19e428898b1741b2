package memory

import (
	"sync"
	"sync/atomic"

	"github.com/freehold-dev/freehold/store"
)

// bound is a place in an index. With bias 0, it is at the row that has its values; otherwise before or after
// all rows that have them.
type bound struct {
	values []store.Value // of the first parts of the index
	prefix bool          // the last value is the beginning of a text
	bias   int           // -1 before, 1 after
}

// compare compares the bound with a record.
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

// probe makes it possible to search an index for a bound. An index compares refs, and a bound has none. So a
// transaction borrows a probe, which has a ref, and puts its bounds there.
type probe struct {
	bound
	ref ref
}

// probes are the probes of a store: as many as the greatest number of transactions at once.
type probes struct {
	all  atomic.Pointer[[]*probe]
	mu   sync.Mutex
	free []*probe
}

// at returns the probe that a ref names.
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

// give returns a probe, and clears its bound.
func (p *probes) give(one *probe) {
	one.bound = bound{}
	p.mu.Lock()
	p.free = append(p.free, one)
	p.mu.Unlock()
}
