// Package faults breaks the calls of [tenancy.Service] at each of their statements.
package faults

import (
	"context"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// Run breaks every mutating method of the Service at each of its statements in
// turn, and at its commit: by an error, by a panic, inside a Transact that goes on
// and commits, and by a store that runs the transaction again. The call returns what
// broke it, and everything is as it was (rule G8). A method that has no call here
// fails the test.
func Run(t *testing.T, b servicetest.Backend) {
	t.Helper()
	t.Run("every method is broken", func(t *testing.T) { faultsCoverMethods(t) })
	statements := 0
	plain := newFaultWorlds(t, b, func(*tenancy.Config) {})
	for _, call := range faultCalls() {
		t.Run(call.method+call.variant, func(t *testing.T) {
			worlds := plain
			if call.config != nil {
				worlds = newFaultWorlds(t, b, call.config)
			}
			t.Run("alone", func(t *testing.T) { statements += worlds.give(t, call).failing() })
			if !call.alone {
				t.Run("within", func(t *testing.T) { worlds.give(t, call).failingWithin() })
			}
			if testing.Short() {
				return
			}
			t.Run("again", func(t *testing.T) { runningAgain(t, worlds, call) })
		})
	}
	broken := "all"
	if b.Sampled() {
		broken = "the first, one and the last of each"
	}
	t.Logf("figures: faults: %d calls, %d statements, %s broken in each of 3 ways, and every commit", len(faultCalls()), statements, broken)
}

// faultCall is a call that succeeds in a [faultWorld] and changes something.
type faultCall struct {
	method  string // Group.Method
	variant string
	alone   bool                  // it is in_transaction in any transaction
	commits int                   // how many it takes; 0 = one
	config  func(*tenancy.Config) // nil: nothing special
	call    func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error)
}

// faultReads are the methods that change nothing.
var faultReads = []string{
	"Organizations.Get", "Organizations.GetBySlug", "Organizations.GetByExternalID", "Organizations.List", "Organizations.All", "Organizations.Seats", "Organizations.GetByFormerSlug",
	"Users.Get", "Users.GetByEmail", "Users.GetByExternalID", "Users.List", "Users.All",
	"Identities.List",
	"Memberships.Get", "Memberships.List", "Memberships.All", "Memberships.ListByUser", "Memberships.AllByUser",
	"Memberships.Removed", "Memberships.AllRemoved", "Memberships.Count",
	"Events.List", "Events.All", "Events.Last", "Events.Denials",
	"Roles.Get", "Roles.List", "Permissions.List", "Permissions.Of", "Roles.Effective", "Roles.Holders",
	"Domains.Get", "Domains.List", "Domains.All", "Domains.Challenge", "Domains.Owner", "Proofs.Preview",
}

func faultsCoverMethods(t *testing.T) {
	t.Helper()
	known := append(slices.Concat(faultReads, sessionReads(), joinReads(), connectionReads()), "Domains.Recheck") // several transactions: rule D5
	for _, call := range faultCalls() {
		known = append(known, call.method)
	}
	service := reflect.TypeFor[tenancy.Service]()
	for i := range service.NumField() {
		group := service.Field(i)
		if !group.IsExported() {
			continue
		}
		for j := range group.Type.NumMethod() {
			if name := group.Name + "." + group.Type.Method(j).Name; !slices.Contains(known, name) {
				t.Errorf("%s is neither a read nor broken by a call", name)
			}
		}
	}
}

// at breaks the n-th statement from now on by what breaks says, and leaves the
// others alone.
func (w *faultWorld) at(n int, breaks func() error) {
	w.faulty.Statement = servicetest.Fine
	_, err := w.breakable.Permissions.List(w.Ctx) // so that the instance keeps what is declared, each time
	w.NoError(err)
	w.met, w.broke = 0, false
	w.faulty.Statement = func() error {
		if w.met++; w.met == n {
			w.broke = true
			return breaks()
		}
		return nil
	}
}

// failing breaks each statement, by an error and by a panic, and the commit; it gives
// the number of statements.
func (w *faultWorld) failing() int {
	before := w.Dump()
	for last := 1; last <= max(1, w.call.commits); last++ {
		met := 0
		w.faulty.Commit = func() error {
			if met++; met == last {
				return servicetest.Fault()
			}
			return nil
		}
		w.at(0, servicetest.Fine)
		w.brokenBy(w.run(w.breakable))
		w.Equal(before, w.Dump(), "after failed commit %d", last)
	}
	all := w.met
	w.faulty.Commit = servicetest.Fine
	for n := 1; ; n = w.next(n, all) {
		w.at(n, servicetest.Fault)
		err := w.run(w.breakable)
		if !w.broke {
			w.False(w.Sampled && n <= all, "statement %d of %d did not run again", n, all)
			w.NoError(err)
			w.NotEqual(before, w.Dump(), "the call changes nothing")
			return w.met
		}
		w.False(w.Sampled && n > all, "there is a statement after the last commit") // it would go on for ever
		w.brokenBy(err)
		w.Equal(before, w.Dump(), "after failed statement %d", n)
		w.at(n, func() error { panic(servicetest.ErrFault) })
		w.Equal(any(servicetest.ErrFault), w.recovered(func() { _ = w.run(w.breakable) }))
		w.Equal(before, w.Dump(), "after a panic in statement %d", n)
	}
}

// next is the statement to break after the n-th of all: the next one, but -short leaves some
// out, and where statements cost, it is the first, one between, the last, and then one more,
// which is not there.
func (w *faultWorld) next(n, all int) int {
	switch {
	case w.Sampled:
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(w.call.method + w.call.variant)) // cannot fail
		between := 2 + int(hash.Sum32()%uint32(max(1, all-2)))
		for _, chosen := range []int{between, all} {
			if n < chosen && chosen <= all {
				return chosen
			}
		}
		return all + 1
	case testing.Short():
		return n + 4
	default:
		return n + 1
	}
}

func (w *faultWorld) brokenBy(err error) {
	w.T.Helper()
	w.ErrorIs(err, servicetest.FaultCode)
	w.ErrorIs(err, servicetest.ErrFault)
}

func (w *faultWorld) run(svc *tenancy.Service) error {
	_, err := w.call.call(w.Ctx, svc, w)
	return err
}

// recovered runs fn and gives what it panics with.
func (w *faultWorld) recovered(fn func()) (met any) {
	defer func() { met = recover() }()
	fn()
	return nil
}

// failingWithin breaks the call inside a Transact that does something before and
// after it and commits: the call is undone, the rest is kept.
func (w *faultWorld) failingWithin() {
	before := w.Dump()
	all := 0
	if w.Sampled {
		all = w.within()
	}
	for n := 1; ; n = w.next(n, all) {
		first, second, err := w.around(n)
		if !w.broke {
			w.False(w.Sampled && n <= all, "statement %d of %d did not run again", n, all)
			w.NoError(err)
			return
		}
		w.brokenBy(err)
		after := w.Dump()
		w.Len(after.Users, len(before.Users)+2)
		w.Equal(before.Stripped(), after.Stripped(first, second), "after failed statement %d", n)
		w.NoError(w.Svc.Users.Erase(w.Ctx, first))
		w.NoError(w.Svc.Users.Erase(w.Ctx, second))
		before = w.Dump()
	}
}

// within counts the statements of the call inside a Transact, which is undone.
func (w *faultWorld) within() int {
	w.Equal(servicetest.ErrStop, w.breakable.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.at(0, servicetest.Fine)
		_, err := w.call.call(ctx, tx, w)
		w.NoError(err)
		return servicetest.ErrStop
	}))
	return w.met
}

// around makes the call between the creation of two users, in one transaction, and
// breaks the call's n-th statement.
func (w *faultWorld) around(n int) (first, second tenancy.UserID, inner error) {
	w.at(0, servicetest.Fine)
	err := w.breakable.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		one, err := tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("first%d@within.example", n)})
		if err != nil {
			return err
		}
		w.at(n, servicetest.Fault)
		_, inner = w.call.call(ctx, tx, w)
		broke := w.broke
		w.at(0, servicetest.Fine)
		w.broke = broke
		two, err := tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("second%d@within.example", n)})
		first, second = one.ID, two.ID
		return err
	})
	w.NoError(err)
	return first, second, inner
}

// runningAgain compares a store that runs each transaction twice, the first time in
// vain, with one that does not.
func runningAgain(t *testing.T, worlds *faultWorlds, call faultCall) {
	t.Helper()
	once, twice := worlds.give(t, call), worlds.give(t, call)
	mark := twice.Source.N
	twice.faulty.Repeat, twice.faulty.Begin = true, func() { twice.Source.N = mark }
	want, err := call.call(once.Ctx, once.breakable, once)
	once.NoError(err)
	got, err := call.call(twice.Ctx, twice.breakable, twice)
	twice.NoError(err)
	once.Equal(want, got)
	once.Equal(once.Dump(), twice.Dump())
}
