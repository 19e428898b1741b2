// Package typedtest is the suite of package storetest as it was written against typed
// tables. It stays until the one over plain tables finds the same faults.
package typedtest

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
