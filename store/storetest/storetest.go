// Package storetest holds a backend to the contract of [store.Store], and has a
// store of its own, [Weak], that gives no more than the contract promises.
//
// For most uses, one test is all it takes:
//
//	func TestStore(t *testing.T) {
//		schema := storetest.Schema{Tables: tenancy.Tables(), Logs: []*store.Log{tenancy.EventLog()}}
//		storetest.Run(t, func(t *testing.T) store.Store { return open(t, t.TempDir()) }, schema)
//	}
//
// A backend whose transactions a host can begin and end has a second test, with
// [RunJoined].
//
// The suite is a list of rules. Those about rows are made for each table, from its
// description alone: the suite knows no entity, and its rows are made of columns. A new
// table is under test as soon as the schema lists it.
package storetest

import (
	"slices"
	"testing"

	"github.com/freehold-dev/freehold/store"
)

// Schema is what a suite runs over.
type Schema struct {
	// Tables lists each table behind those that it refers to. At least one of them refers
	// to no other.
	Tables []*store.Table
	// Logs are the tables of events, at least one. With two or more, the suite also
	// checks that they do not touch each other.
	Logs []*store.Log
}

// Run checks each rule of the contract, as a subtest, on a store that open makes for
// it: empty, with the tables of the schema in place, and closed by a Cleanup of t. Run it
// under the race detector too.
func Run(t *testing.T, open func(t *testing.T) store.Store, schema Schema) {
	t.Helper()
	for _, r := range suiteOf(t, schema).rules() {
		t.Run(r.name, func(t *testing.T) {
			if err := r.check(open(t)); err != nil {
				t.Errorf("%s\n%v", r.why, err)
			}
		})
	}
}

// Host is a transaction of a host's, begun on the database of a store.
type Host struct {
	// Joined works inside the transaction.
	Joined store.Store
	// End commits the transaction, or rolls it back. The suite calls it once.
	End func(commit bool) error
}

// RunJoined checks what [store.Joined] promises. For each rule, open makes a store as in
// [Run], and join begins a transaction of the host's on it, perhaps several times, one after
// another.
func RunJoined(t *testing.T, open func(t *testing.T) store.Store, join func(t *testing.T, root store.Store) Host, schema Schema) {
	t.Helper()
	for _, r := range suiteOf(t, schema).joinedRules() {
		t.Run(r.name, func(t *testing.T) {
			root := open(t)
			if err := r.with(func() Host { return join(t, root) }).check(root); err != nil {
				t.Errorf("%s\n%v", r.why, err)
			}
		})
	}
}

func suiteOf(t *testing.T, schema Schema) *suite {
	t.Helper()
	s, err := newSuite(schema)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rule is one thing that the contract promises.
type rule struct {
	name string // of the subtest
	why  string // what is promised: the first line of a failure
	run  func(*check)
	join func() Host // for the rules of joined stores
}

// with is the rule for stores that are joined by join.
func (r rule) with(join func() Host) rule {
	r.join = join
	return r
}

// rules lists the suite of Run.
func (s *suite) rules() []rule {
	all := slices.Concat(s.transactionRules(), s.savepointRules(), s.accessRules(), s.contextRules(), s.snapshotRules(),
		s.guardRules(), s.learningRules(), s.optionalRules(), s.queryRules())
	for _, x := range s.subjects {
		all = slices.Concat(all, x.rules())
	}
	for _, l := range s.logs {
		all = slices.Concat(all, l.logRules(), l.timeRules(), l.pruneRules(), l.redactRules())
	}
	return slices.Concat(all, s.manyLogRules(), s.lockRules(), s.raceRules())
}
