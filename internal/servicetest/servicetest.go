// Package servicetest holds [tenancy.Service] to its rules over a backend: the same
// suite for each, so that a host may change its store and find nothing else changed.
//
// For most uses, one test beside the backend is all it takes:
//
//	func TestService(t *testing.T) {
//		servicetest.Run(t, servicetest.Backend{Open: func(t *testing.T) store.Store { return open(t) }})
//	}
//
// The suite reads as the rulebook: a subtest for each rule, named by its number.
// The clock is advanced by hand, ids are counted and randomness is seeded, so a
// failure repeats itself.
package servicetest

import (
	"slices"
	"testing"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Opener makes the store of one check: empty, with its tables in place, and closed
// by a Cleanup of t. The store has a Close method, for the checks on closed stores.
type Opener = func(t *testing.T) store.Store

// Backend is a store under test, for the suites that need to know more of it.
type Backend struct {
	Open Opener
	// Kind says which rules the plain run leaves out. Without it, all run.
	Kind Kind
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

// whole reports whether everything runs in full on b.
func (b Backend) whole() bool { return b.Kind <= Memory || Soak(1, 0) == 1 }

// sampled reports whether matrices run in part on b.
func (b Backend) sampled() bool { return !b.whole() && b.Kind == SQL }

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

// Run checks each rule as a subtest, on stores that b makes.
func Run(t *testing.T, b Backend) {
	t.Helper()
	for _, r := range rules() {
		if b.whole() || len(r.check.on) == 0 || slices.Contains(r.check.on, b.Kind) {
			t.Run(r.name, func(t *testing.T) { r.check.run(t, b) })
		}
	}
}

// rule is one rule of the book, or one part of it.
type rule struct {
	name  string // of the subtest: number and gist
	check check
}

// check is how a rule is checked, and where.
type check struct {
	run func(t *testing.T, b Backend)
	on  []Kind // of the backends that it runs on in the plain run; empty: on all
}

// in is c on these kinds alone, in the plain run: on Memory what the store has no part in, such
// as what input is refused; on Weak, too, what may go wrong between statements.
func (c check) in(kinds ...Kind) check {
	c.on = kinds
	return c
}

// onlyIn is [check.in] for rules.
func onlyIn(rules []rule, kinds ...Kind) []rule {
	for i := range rules {
		rules[i].check.on = kinds
	}
	return rules
}

// rules lists the whole suite.
func rules() []rule {
	var all []rule
	for _, chapter := range [][]rule{
		serviceRules(), methodRules(), onlyIn(inputRules(), Memory), listRules(), secretRules(),
		organizationRules(), userRules(), identityRules(), emailRules(), mergeRules(), leavingRules(),
		membershipRules(), ownerRules(), seatRules(), singleRules(), vetoRules(), eventRules(),
		walkRules(), invitationRules(), acceptRules(), undoneRules(), pendingRules(), joinCodeRules(), mailRules(), stateRules(), onlyIn(joinInputRules(), Memory),
		accessRules(), connectionRules(), policyRules(), signInRules(), doorMethodRules(), onlyIn(signInInputRules(), Memory), domainRules(), settingRules(), sessionRules(), onlyIn(sessionInputRules(), Memory),
		reviewedConnectionRules(), reviewedSessionRules(), optionalRules(),
		attackRules(), deadTokenRules(), reasonRules(),
	} {
		all = append(all, chapter...)
	}
	return all
}

// on makes a check of one that needs a world with the default configuration.
func on(fn func(w *world)) check {
	return with(func(*tenancy.Config) {}, fn)
}

// with makes a check of one that needs a world with a configuration of its own.
func with(configure func(*tenancy.Config), fn func(w *world)) check {
	return check{run: func(t *testing.T, b Backend) {
		w := newWorld(t, b.Open, configure)
		w.sampled = b.sampled()
		fn(w)
	}}
}

// over makes a check of one that makes its worlds itself.
func over(fn func(t *testing.T, open Opener)) check {
	return check{run: func(t *testing.T, b Backend) { fn(t, b.Open) }}
}
