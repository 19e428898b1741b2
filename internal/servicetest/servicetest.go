// Package servicetest is the ground on which [tenancy.Service] is held to its rules over a
// backend: the worlds that the checks play in, and what more than one of the packages
// below it uses.
//
// Each of those has one kind of proof: rules the rulebook, model a comparison with a second
// Service of maps alone, history and races what goroutines are told at once, faults what
// breaks, fresh what is cached. The suite is the same for each backend, so that a host may
// change its store and find nothing else changed.
//
// The clock is advanced by hand, ids are counted and randomness is seeded, so a failure
// repeats itself.
package servicetest

import (
	"testing"

	"github.com/freehold-dev/freehold/store"
)

// Opener makes the store of one check: empty, with its tables in place, and closed
// by a Cleanup of t. The store has a Close method, for the checks on closed stores.
type Opener = func(t *testing.T) store.Store

// Backend is a store under test, for the suites that need to know more of it.
type Backend struct {
	Open Opener
	// Kind says which rules the plain run leaves out. Without it, all run.
	Kind Kind
	// Every, above 1, has the plain run take one rule in so many, where others of the kind take all.
	Every int
	// Copy gives an Opener of stores that hold what st holds now. Without it, a suite that
	// needs the same rows again makes them by the same calls, which takes longer.
	Copy func(t *testing.T, st store.Store) Opener
}

// Kind is what a backend of this module is to the rules, so that each rule runs where it can
// find something. The long counts ask nobody's kind.
type Kind uint8

// The kinds.
const (
	Unknown Kind = iota // a host's: every rule runs, in full
	Memory              // every rule runs, in full
	Weak                // only locks exclude: rules about what each call does alone may be left out
	SQL                 // statements cost: matrices run in part, and some rules not at all
)

// Whole reports whether everything runs in full on b.
func (b Backend) Whole() bool { return b.Kind <= Memory || Soak(1, 0) == 1 }

// Sampled reports whether matrices run in part on b.
func (b Backend) Sampled() bool { return !b.Whole() && b.Kind == SQL }

// Cloned is the Copy of a store that clones itself.
func Cloned[S interface {
	store.Store
	Clone() S
}](_ *testing.T, st store.Store) Opener {
	kept := st.(S).Clone()
	return func(t *testing.T) store.Store {
		clone := kept.Clone()
		if closes, ok := any(clone).(interface{ Close() error }); ok {
			t.Cleanup(func() { _ = closes.Close() })
		}
		return clone
	}
}
