// Package servicetest holds [tenancy.Service] to its rules over a backend: the same
// suite for each, so that a host may change its store and find nothing else changed.
//
// For most uses, one test beside the backend is all it takes:
//
//	func TestService(t *testing.T) {
//		servicetest.Run(t, func(t *testing.T) store.Store { return open(t) })
//	}
//
// The suite reads as the rulebook: a subtest for each rule, named by its number.
// The clock is advanced by hand, ids are counted and randomness is seeded, so a
// failure repeats itself.
package servicetest

import (
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
	// Copy gives an Opener of stores that hold what st holds now. Without it, a suite that
	// needs the same rows again makes them by the same calls, which takes longer.
	Copy func(t *testing.T, st store.Store) Opener
}

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

// Run checks each rule as a subtest, on stores that open makes.
func Run(t *testing.T, open Opener) {
	t.Helper()
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) { r.check(t, open) })
	}
}

// rule is one rule of the book, or one part of it.
type rule struct {
	name  string // of the subtest: number and gist
	check func(t *testing.T, open Opener)
}

// rules lists the whole suite.
func rules() []rule {
	var all []rule
	for _, chapter := range [][]rule{
		serviceRules(), methodRules(), inputRules(), listRules(), secretRules(),
		organizationRules(), userRules(), identityRules(), emailRules(), mergeRules(), leavingRules(),
		membershipRules(), ownerRules(), seatRules(), singleRules(), vetoRules(), eventRules(),
		walkRules(), invitationRules(), acceptRules(), undoneRules(), pendingRules(), joinCodeRules(), mailRules(), stateRules(), joinInputRules(),
		accessRules(), connectionRules(), policyRules(), signInRules(), doorMethodRules(), signInInputRules(), domainRules(), settingRules(), sessionRules(), sessionInputRules(),
		reviewedConnectionRules(), reviewedSessionRules(), optionalRules(),
		attackRules(), deadTokenRules(), reasonRules(),
	} {
		all = append(all, chapter...)
	}
	return all
}

// on makes a check of one that needs a world with the default configuration.
func on(check func(w *world)) func(*testing.T, Opener) {
	return with(func(*tenancy.Config) {}, check)
}

// with makes a check of one that needs a world with a configuration of its own.
func with(configure func(*tenancy.Config), check func(w *world)) func(*testing.T, Opener) {
	return func(t *testing.T, open Opener) { check(newWorld(t, open, configure)) }
}
