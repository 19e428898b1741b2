// Package storetest holds a backend to the contract of [store.Store], and has a
// store of its own, [Weak], that gives no more than the contract promises.
//
// For most uses, one test is all it takes:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return open(t, t.TempDir()) })
//	}
//
// The suite is a table of rules. Those about rows are made for each entity from
// the catalogue, [tenancy.Describe], so a new entity is under test as soon as it has
// sample rows here; a test of this package fails for one that has none. The package
// needs the standard library alone.
package storetest

import (
	"slices"
	"testing"

	"github.com/freehold-dev/freehold/store"
)

// Run checks each rule of the contract, as a subtest, on a store that open makes
// for it: empty, with its tables in place, and closed by a Cleanup of t. Run it
// under the race detector too.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			if err := r.check(open(t)); err != nil {
				t.Errorf("%s\n%v", r.why, err)
			}
		})
	}
}

// rule is one thing that the contract promises.
type rule struct {
	name string // of the subtest
	why  string // what is promised: the first line of a failure
	run  func(*check)
}

// rules lists the whole suite.
func rules() []rule {
	all := slices.Concat(transactionRules(), savepointRules(), accessRules(), contextRules(), snapshotRules())
	for _, e := range subjects() {
		all = slices.Concat(all, e.rules())
	}
	return slices.Concat(all, logRules(), pruneRules(), redactRules(), lockRules(), raceRules())
}
