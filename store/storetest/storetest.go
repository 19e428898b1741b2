// Package storetest tests whether a backend keeps the contract of [store.Store]. It also has a store of its
// own, [Weak], that gives no more than the contract promises.
//
// For most uses, one test is enough:
//
//	func TestStore(t *testing.T) {
//		schema := storetest.Schema{Tables: tenancy.Tables(), Logs: []*store.Log{tenancy.EventLog()}}
//		storetest.Run(t, func(t *testing.T) store.Store { return open(t, t.TempDir()) }, schema)
//	}
//
// If a host can begin and end a backend's transactions, add a second test with [RunJoined].
//
// The suite is a list of rules. It makes the rules about rows for each table, from the table's description
// alone: it knows no entity, and makes rows from columns. It tests a new table as soon as the schema lists it.
package storetest

import (
	"slices"
	"testing"

	"github.com/freehold-dev/freehold/store"
)

// Schema is the tables and logs with which a suite tests a store.
type Schema struct {
	// Tables lists each table after those that it refers to. At least one table refers to no other.
	Tables []*store.Table
	// Logs are the tables of events, at least one. With two or more, the suite also checks that they do not
	// affect each other.
	Logs []*store.Log
}

// Run checks each rule of the contract in a subtest. For each rule, open makes a store that is empty and has
// the tables of the schema; a Cleanup of t closes it. Run it under the race detector, too.
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

// Host is a transaction of a host, begun on the database of a store.
type Host struct {
	// Joined is a store that works inside the transaction.
	Joined store.Store
	// End commits the transaction, or rolls it back. The suite calls it once.
	End func(commit bool) error
}

// RunJoined checks what [store.Joined] promises. For each rule, open makes a store as in [Run]. join begins a
// transaction of the host on it, and may be called several times, one after another.
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

// rule is one promise of the contract.
type rule struct {
	name string // of the subtest
	why  string // the promise: the first line of a failure
	run  func(*check)
	join func() Host // only for the rules of joined stores
}

// with returns the rule for stores that join makes.
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
