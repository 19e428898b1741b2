// Package fresh looks whether [tenancy.Service] ever answers from access that is out of date.
package fresh

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Host runs fn in a transaction of the host's own on a store that an Opener made: it
// commits if fn returns nil, and else rolls back and returns fn's error.
type Host func(ctx context.Context, st store.Store, fn func(joined store.Store) error) error

// NestedHost is the Host of stores that have no transactions but their own.
func NestedHost(ctx context.Context, st store.Store, fn func(joined store.Store) error) error {
	return st.Update(ctx, func(rows store.Rows) error { return fn(servicetest.Joined{Rows: rows, Over: st}) })
}

// Run checks rule R8 for every method that can alter somebody's access: the check
// after it is right, whatever was cached before, and however the change was made.
func Run(t *testing.T, b servicetest.Backend, host Host) {
	t.Run("every method has an entry", func(t *testing.T) {
		w := servicetest.NewWorld(t, b.Open, func(*tenancy.Config) {})
		var names []string
		for _, m := range tenancy.Methods() {
			names = append(names, m.Name)
		}
		w.ElementsMatch(names, append(slices.Collect(maps.Keys(changes())), harmless...), "R8: can the method alter access?")
	})
	worlds := servicetest.NewLaid(t, b, func(c *tenancy.Config) { c.Staleness = time.Minute })
	first := newFreshWorld(worlds.First)
	give := func(t *testing.T) *freshWorld {
		w, filled := worlds.Again(t)
		if !filled {
			return newFreshWorld(w)
		}
		return &freshWorld{World: w, freshCast: first.freshCast}
	}
	for _, name := range slices.Sorted(maps.Keys(changes())) {
		for i := range changes()[name] {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				fresh := func(t *testing.T, check func(*freshWorld)) {
					w := give(t)
					w.change, w.host, w.give = changes()[name][i], host, give
					check(w)
				}
				t.Run("returned", func(t *testing.T) { fresh(t, (*freshWorld).returned) })
				t.Run("returned, with Run", func(t *testing.T) { fresh(t, (*freshWorld).returnedWithRun) })
				t.Run("while a check reads", func(t *testing.T) { fresh(t, (*freshWorld).overtaken) })
				t.Run("transact", func(t *testing.T) { fresh(t, (*freshWorld).transacted) })
				if name != "Run" {
					t.Run("host", func(t *testing.T) { fresh(t, (*freshWorld).hosted) })
				}
			})
		}
	}
}

// freshWorld is a world in which everybody has been checked, so that all is cached
// that ever is.
type freshWorld struct {
	*servicetest.World
	freshCast
	change change
	host   Host
	give   func(t *testing.T) *freshWorld // another like it
}

// freshCast are people who can do something in places, and some who cannot.
type freshCast struct {
	org, shut, stored, next                           tenancy.OrganizationID // next is not there yet
	ada, bob, carl, dora, eve, barred, left, newcomer tenancy.UserID         // newcomer is not there yet
	given                                             tenancy.UserID         // the domain gave them their role
	domain                                            tenancy.DomainID
	brought                                           tenancy.UserID // the connection gave them their role
	sso                                               tenancy.ConnectionID
}

const (
	freshRead  rbac.Permission = "documents:read"
	freshWrite rbac.Permission = "documents:write"
	freshLater rbac.Permission = "documents:later" // not declared yet
)

func newFreshWorld(base *servicetest.World) *freshWorld {
	w := &freshWorld{World: base}
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{{Slug: freshRead}, {Slug: freshWrite}}, Roles: []tenancy.RoleSpec{
		{Slug: rbac.Member, Grants: []rbac.Grant{freshRead}},
		{Slug: "editor", Extends: rbac.Member, Grants: []rbac.Grant{freshWrite}},
	}}))
	ada, bob, carl, dora, eve := w.User("ada"), w.User("bob"), w.User("carl"), w.User("dora"), w.User("eve")
	barred, left := w.User("barred"), w.User("left")
	org, shut, stored := w.Owned("Acme", ada), w.Owned("Shut", ada), w.Owned("Stored", ada)
	_, err := w.Svc.Roles.Create(w.Ctx, org.ID, tenancy.NewRole{Slug: "org-author", Grants: []rbac.Grant{freshWrite}})
	w.NoError(err)
	w.Add(org, bob, "editor")
	w.Add(org, eve, "org-author")
	w.Add(org, carl, "editor")
	w.Deactivate(org, carl)
	w.Add(org, left, "editor")
	w.Add(org, barred, "editor")
	w.Add(shut, bob, "editor")
	w.Add(stored, bob, "editor")
	_, err = w.Svc.Organizations.Suspend(w.Ctx, shut.ID)
	w.NoError(err)
	w.Archive(stored)
	_, err = w.Svc.Users.Suspend(w.Ctx, barred.ID)
	w.NoError(err)
	given, domain := w.User("given"), w.Holds(org.ID, "fresh.example")
	w.Assign(w.Add(org, given, rbac.Guest), "editor", tenancy.RoleDomain, domain.ID.String())
	brought, sso := w.User("brought"), w.Connect(org, "Okta")
	w.Assign(w.Add(org, brought, rbac.Guest), "editor", tenancy.RoleSingleSignOn, sso.ID.String())
	w.Link(brought, tenancy.NewIdentity{Provider: sso.ID.String(), Subject: "brought"})
	w.freshCast = freshCast{
		org.ID, shut.ID, stored.ID, w.Config.NewID(),
		ada.ID, bob.ID, carl.ID, dora.ID, eve.ID, barred.ID, left.ID, w.Config.NewID(),
		given.ID, domain.ID, brought.ID, sso.ID,
	}
	return w
}

// answer is what a check says: yes, no, or the code of its error.
func (w *freshWorld) answer(svc *tenancy.Service, p probe) string {
	ok, err := svc.Can(w.Ctx, p.user, p.org, p.permission)
	if err != nil {
		return string(tenancy.CodeOf(err))
	}
	if checked := svc.Check(w.Ctx, p.user, p.org, p.permission); ok != (checked == nil) {
		return "Check differs from Can"
	}
	if ok {
		return may
	}
	return mayNot
}

// before and after check all that the change is about, twice: what is not cached at
// the first time is at the second.
func (w *freshWorld) before(svc *tenancy.Service) {
	w.T.Helper()
	for range 2 {
		for _, p := range w.change.probes(w.freshCast) {
			w.Equal(p.before, w.answer(svc, p), "before: %v", p)
		}
	}
}

func (w *freshWorld) after(svc *tenancy.Service) {
	w.T.Helper()
	for range 2 {
		for _, p := range w.change.probes(w.freshCast) {
			w.Equal(p.after, w.answer(svc, p), "after: %v", p)
		}
	}
}

func (w *freshWorld) returned() {
	w.before(w.Svc)
	w.NoError(w.change.call(w.Ctx, w.Svc, w.freshCast))
	w.after(w.Svc)
}

func (w *freshWorld) returnedWithRun() {
	running(w.World, w.Svc)
	w.before(w.Svc)
	w.cached(w.Svc, w.ada, w.freshCast.org)
	w.NoError(w.change.call(w.Ctx, w.Svc, w.freshCast))
	w.after(w.Svc)
}

// overtaken: what a check has read from before the change is not kept, nor shared.
func (w *freshWorld) overtaken() {
	for i := range w.change.probes(w.freshCast) {
		w.Each(fmt.Sprint(i), func(base *servicetest.World) {
			fresh := w.give(base.T)
			base, fresh.change = fresh.World, w.change
			eyed := &eyed{Store: base.Store}
			svc := base.Another(func(c *tenancy.Config) { c.Store = eyed })
			_, err := svc.Can(base.Ctx, fresh.barred, fresh.shut, freshRead) // the first look
			base.NoError(err)
			probe := fresh.change.probes(fresh.freshCast)[i]
			eyed.during = func() { base.NoError(fresh.change.call(base.Ctx, svc, fresh.freshCast)) }
			got, err := svc.Can(base.Ctx, probe.user, probe.org, probe.permission)
			if err == nil { // it read what was before
				base.Equal(probe.before == may, got)
			}
			fresh.after(svc)
		})
	}
}

// transacted: inside it sees its own changes; outside they come with its end, or not
// at all.
func (w *freshWorld) transacted() {
	in := func(end error) error {
		return w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			w.before(tx)
			err := tx.Transact(ctx, func(ctx context.Context, part *tenancy.Service) error {
				w.NoError(w.change.call(ctx, part, w.freshCast))
				return servicetest.ErrStop
			})
			w.Equal(servicetest.ErrStop, err)
			w.before(tx)
			w.NoError(w.change.call(ctx, tx, w.freshCast))
			w.after(tx)
			w.before(w.Svc)
			return end
		})
	}
	w.before(w.Svc)
	w.Equal(servicetest.ErrStop, in(servicetest.ErrStop))
	w.before(w.Svc)
	w.NoError(in(nil))
	w.after(w.Svc)
}

// hosted: the same in a transaction that nobody tells the Service the end of.
func (w *freshWorld) hosted() {
	in := func(end error) error {
		return w.host(w.Ctx, w.Store, func(joined store.Store) error {
			_, tx, err := w.Svc.Join(w.Ctx, joined)
			w.NoError(err)
			w.before(w.Svc)
			err = tx.Transact(w.Ctx, func(ctx context.Context, part *tenancy.Service) error {
				w.NoError(w.change.call(ctx, part, w.freshCast))
				return servicetest.ErrStop
			})
			w.Equal(servicetest.ErrStop, err)
			w.before(w.Svc)
			w.NoError(w.change.call(w.Ctx, tx, w.freshCast))
			w.after(tx)
			w.before(w.Svc) // a load under way now must not be kept
			return end
		})
	}
	w.before(w.Svc)
	w.Equal(servicetest.ErrStop, in(servicetest.ErrStop))
	w.before(w.Svc)
	w.Equal(servicetest.ErrStop, in(servicetest.ErrStop)) // the marks of the first one may still be there
	w.NoError(in(nil))
	w.after(w.Svc)
	w.User("any") // a write of ours settles what is left
	w.after(w.Svc)
}

// cached waits until a check is answered from memory, which allocates nothing.
func (w *freshWorld) cached(svc *tenancy.Service, user tenancy.UserID, org tenancy.OrganizationID) {
	w.T.Helper()
	w.Eventually(func() bool { return w.allocs(svc, user, org) == 0 }, servicetest.Patience, time.Millisecond)
}

func (w *freshWorld) allocs(svc *tenancy.Service, user tenancy.UserID, org tenancy.OrganizationID) float64 {
	return testing.AllocsPerRun(1, func() {
		if _, err := svc.Can(w.Ctx, user, org, freshRead); err != nil {
			panic(err)
		}
	})
}

// running runs a Service until the end of the check.
func running(w *servicetest.World, svc *tenancy.Service) {
	w.T.Helper()
	ctx, cancel := context.WithCancel(w.Ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = svc.Run(ctx)
	}()
	w.T.Cleanup(func() {
		cancel()
		<-ended
	})
}
