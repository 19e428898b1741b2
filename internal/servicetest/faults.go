package servicetest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"testing"

	"github.com/freehold-dev/freehold/tenancy"
)

// Faults breaks every mutating method of the Service at each of its statements in
// turn, and at its commit: by an error, by a panic, inside a Transact that goes on
// and commits, and by a store that runs the transaction again. The call returns what
// broke it, and everything is as it was (rule G8). A method that has no call here
// fails the test.
func Faults(t *testing.T, b Backend) {
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
	if b.sampled() {
		broken = "the first, one and the last of each"
	}
	t.Logf("figures: faults: %d calls, %d statements, %s broken in each of 3 ways, and every commit", len(faultCalls()), statements, broken)
}

// faultCall is a call that succeeds in a [faultWorld] and changes something.
type faultCall struct {
	method  string // Group.Method
	variant string
	alone   bool                  // it is in_transaction in any transaction
	config  func(*tenancy.Config) // nil: nothing special
	call    func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error)
}

// faultReads are the methods that change nothing.
var faultReads = []string{
	"Organizations.Get", "Organizations.GetBySlug", "Organizations.GetByExternalID", "Organizations.List", "Organizations.All",
	"Users.Get", "Users.GetByEmail", "Users.GetByExternalID", "Users.List", "Users.All",
	"Identities.List",
	"Memberships.Get", "Memberships.List", "Memberships.All", "Memberships.ListByUser", "Memberships.AllByUser",
	"Events.List", "Events.All", "Events.Last", "Events.Denials",
	"Roles.Get", "Roles.List", "Permissions.List", "Permissions.Of",
	"Domains.Get", "Domains.List", "Domains.All", "Domains.Challenge", "Domains.Owner",
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

// errFault is what breaks; it carries a code of the store's own.
var errFault = errors.New("the disk is on fire")

const faultCode = tenancy.ErrStorageFull

func fault() error { return &tenancy.Error{Code: faultCode, Err: errFault} }

// at breaks the n-th statement from now on by what breaks says, and leaves the
// others alone.
func (w *faultWorld) at(n int, breaks func() error) {
	w.met, w.broke = 0, false
	w.faulty.statement = func() error {
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
	before := w.dump()
	w.faulty.commit = fault
	w.at(0, fine)
	w.brokenBy(w.run(w.breakable))
	all := w.met
	w.Equal(before, w.dump(), "after a failed commit")
	w.faulty.commit = fine
	for n := 1; ; n = w.next(n, all) {
		w.at(n, fault)
		err := w.run(w.breakable)
		if !w.broke {
			w.False(w.sampled && n <= all, "statement %d of %d did not run again", n, all)
			w.NoError(err)
			w.NotEqual(before, w.dump(), "the call changes nothing")
			return w.met
		}
		w.brokenBy(err)
		w.Equal(before, w.dump(), "after failed statement %d", n)
		w.at(n, func() error { panic(errFault) })
		w.Equal(any(errFault), w.recovered(func() { _ = w.run(w.breakable) }))
		w.Equal(before, w.dump(), "after a panic in statement %d", n)
	}
}

// next is the statement to break after the n-th of all: the next one, but -short leaves some
// out, and where statements cost, it is the first, one between, the last, and then one more,
// which is not there.
func (w *faultWorld) next(n, all int) int {
	switch {
	case w.sampled:
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

func fine() error { return nil }

func (w *faultWorld) brokenBy(err error) {
	w.t.Helper()
	w.ErrorIs(err, faultCode)
	w.ErrorIs(err, errFault)
}

func (w *faultWorld) run(svc *tenancy.Service) error {
	_, err := w.call.call(w.ctx, svc, w)
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
	before := w.dump()
	all := 0
	if w.sampled {
		all = w.within()
	}
	for n := 1; ; n = w.next(n, all) {
		first, second, err := w.around(n)
		if !w.broke {
			w.False(w.sampled && n <= all, "statement %d of %d did not run again", n, all)
			w.NoError(err)
			return
		}
		w.brokenBy(err)
		after := w.dump()
		w.Len(after.Users, len(before.Users)+2)
		w.Equal(before.stripped(), after.stripped(first, second), "after failed statement %d", n)
		w.NoError(w.svc.Users.Erase(w.ctx, first))
		w.NoError(w.svc.Users.Erase(w.ctx, second))
		before = w.dump()
	}
}

// within counts the statements of the call inside a Transact, which is undone.
func (w *faultWorld) within() int {
	w.Equal(errStop, w.breakable.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		w.at(0, fine)
		_, err := w.call.call(ctx, tx, w)
		w.NoError(err)
		return errStop
	}))
	return w.met
}

// around makes the call between the creation of two users, in one transaction, and
// breaks the call's n-th statement.
func (w *faultWorld) around(n int) (first, second tenancy.UserID, inner error) {
	w.at(0, fine)
	err := w.breakable.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		one, err := tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("first%d@within.example", n)})
		if err != nil {
			return err
		}
		w.at(n, fault)
		_, inner = w.call.call(ctx, tx, w)
		broke := w.broke
		w.at(0, fine)
		w.broke = broke
		two, err := tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("second%d@within.example", n)})
		first, second = one.ID, two.ID
		return err
	})
	w.NoError(err)
	return first, second, inner
}

// stripped is d less some users and what the log says of them, and less where the log
// ends.
func (d dump) stripped(ids ...tenancy.UserID) dump {
	d.Last = 0
	d.Users = slices.DeleteFunc(slices.Clone(d.Users), func(u tenancy.User) bool { return slices.Contains(ids, u.ID) })
	d.Events = slices.DeleteFunc(slices.Clone(d.Events), func(e tenancy.Event) bool { return slices.Contains(ids, e.UserID) })
	return d
}

// runningAgain compares a store that runs each transaction twice, the first time in
// vain, with one that does not.
func runningAgain(t *testing.T, worlds *faultWorlds, call faultCall) {
	t.Helper()
	once, twice := worlds.give(t, call), worlds.give(t, call)
	mark := twice.source.n
	twice.faulty.repeat, twice.faulty.begin = true, func() { twice.source.n = mark }
	want, err := call.call(once.ctx, once.breakable, once)
	once.NoError(err)
	got, err := call.call(twice.ctx, twice.breakable, twice)
	twice.NoError(err)
	once.Equal(want, got)
	once.Equal(once.dump(), twice.dump())
}
