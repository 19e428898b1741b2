package servicetest

import (
	"testing"

	"github.com/freehold-dev/freehold/tenancy"
)

// Laid makes worlds of one kind: lay makes the first, and copies of its store serve for the
// others, since ids and randomness repeat themselves. The long counts lay each one anew.
type Laid struct {
	First     *World
	backend   Backend
	configure func(*tenancy.Config)
	copies    Opener // nil: there are none
}

// NewLaid gives an empty world for a caller to fill, and what makes more of it.
func NewLaid(t *testing.T, b Backend, configure func(*tenancy.Config)) *Laid {
	t.Helper()
	l := &Laid{backend: b, configure: configure}
	l.First = l.empty(t, b.Open, &Source{})
	return l
}

func (l *Laid) empty(t *testing.T, open Opener, from *Source) *World {
	t.Helper()
	w := NewWorld(t, open, func(c *tenancy.Config) {
		c.NewID, c.Rand = from.NewID, from
		l.configure(c)
	})
	w.Source, w.Sampled = from, l.backend.Sampled()
	return w
}

// Again gives a world in which all is as it was in the first when again was called first. If
// filled is false, it is empty, and the caller fills it as it did the first.
func (l *Laid) Again(t *testing.T) (w *World, filled bool) {
	t.Helper()
	if l.backend.Copy == nil || Soak(1, 0) == 1 {
		return l.empty(t, l.backend.Open, &Source{}), false
	}
	if l.copies == nil {
		l.copies = l.backend.Copy(l.First.T, l.First.Store)
	}
	w = l.empty(t, l.copies, &Source{N: l.First.Source.N})
	w.Clock.At = l.First.Clock.At
	w.Prover.Says(l.First.Prover.Finding)
	return w, true
}
