package servicetest

import (
	"testing"

	"github.com/freehold-dev/freehold/tenancy"
)

// laid makes worlds of one kind: lay makes the first, and copies of its store serve for the
// others, since ids and randomness repeat themselves. The long counts lay each one anew.
type laid struct {
	first     *world
	backend   Backend
	configure func(*tenancy.Config)
	copies    Opener // nil: there are none
}

// newLaid gives an empty world for a caller to fill, and what makes more of it.
func newLaid(t *testing.T, b Backend, configure func(*tenancy.Config)) *laid {
	t.Helper()
	l := &laid{backend: b, configure: configure}
	l.first = l.empty(t, b.Open, &faultSource{})
	return l
}

func (l *laid) empty(t *testing.T, open Opener, from *faultSource) *world {
	t.Helper()
	w := newWorld(t, open, func(c *tenancy.Config) {
		c.NewID, c.Rand = from.id, from
		l.configure(c)
	})
	w.source, w.sampled = from, l.backend.sampled()
	return w
}

// again gives a world in which all is as it was in the first when again was called first. If
// filled is false, it is empty, and the caller fills it as it did the first.
func (l *laid) again(t *testing.T) (w *world, filled bool) {
	t.Helper()
	if l.backend.Copy == nil || Soak(1, 0) == 1 {
		return l.empty(t, l.backend.Open, &faultSource{}), false
	}
	if l.copies == nil {
		l.copies = l.backend.Copy(l.first.t, l.first.store)
	}
	w = l.empty(t, l.copies, &faultSource{n: l.first.source.n})
	w.clock.at = l.first.clock.at
	w.prover.says(l.first.prover.finding)
	return w, true
}
