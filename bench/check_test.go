package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// permissions are what the roles of the world give: one custom role of ten.
var permissions = []rbac.Permission{
	"documents:read", "documents:write", "documents:delete", "billing:read", "billing:write",
	"projects:read", "projects:write", "reports:read", "reports:write", "settings:read",
}

// people is a world in memory: organizations of ten, each with a role of its own that
// four of them hold; the others hold built-in roles.
type people struct {
	svc   *tenancy.Service
	store store.Store
	orgs  []tenancy.OrganizationID
	users []tenancy.UserID
}

func newPeople(tb testing.TB, orgs, members int) *people {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	st := memory.New()
	svc, err := tenancy.New(tenancy.Config{Store: st, CacheSize: 2 * orgs * members, Staleness: time.Second})
	must(tb, err)
	w := &people{svc: svc, store: st}
	var declared []tenancy.PermissionSpec
	for _, p := range permissions {
		declared = append(declared, tenancy.PermissionSpec{Slug: p})
	}
	must(tb, svc.Declare(ctx, 1, tenancy.Schema{Permissions: declared, Roles: []tenancy.RoleSpec{{Slug: "member", Grants: []rbac.Grant{"documents:read", "projects:read"}}}}))
	for o := range orgs {
		must(tb, svc.Import(ctx, func(ctx context.Context, tx *tenancy.Service) error { return w.organization(ctx, tx, o, members) }))
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = svc.Run(ctx)
	}()
	tb.Cleanup(func() { cancel(); <-stopped })
	time.Sleep(100 * time.Millisecond) // Run has looked by then; from now on checks are kept
	for i := range w.users {
		w.check(tb, i)
	}
	return w
}

func (w *people) organization(ctx context.Context, tx *tenancy.Service, o, members int) error {
	org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: fmt.Sprint("Organization ", o)})
	if err != nil {
		return err
	}
	w.orgs = append(w.orgs, org.ID)
	custom := tenancy.NewRole{Slug: "org-editor", Extends: "member", Grants: []rbac.Grant{"documents:write", "projects:*"}}
	if _, err := tx.Roles.Create(ctx, org.ID, custom); err != nil {
		return err
	}
	for i := range members {
		user, err := tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("p%d@o%d.example.com", i, o)})
		if err != nil {
			return err
		}
		w.users = append(w.users, user.ID)
		if _, err := tx.Memberships.Add(ctx, tenancy.NewMembership{
			OrganizationID: org.ID, UserID: user.ID, Roles: []string{role(i)},
		}); err != nil {
			return err
		}
	}
	return nil
}

func role(i int) string {
	switch {
	case i == 0:
		return "owner"
	case i == 1:
		return "admin"
	case i < 6:
		return "org-editor"
	default:
		return "member"
	}
}

func (w *people) org(i int) tenancy.OrganizationID { return w.orgs[i/(len(w.users)/len(w.orgs))] }

func (w *people) check(tb testing.TB, i int) {
	ok, err := w.svc.Can(context.Background(), w.users[i], w.org(i), "documents:read")
	if err != nil || !ok {
		tb.Fatal(ok, err)
	}
}

// order is a walk of the people in which neighbours have nothing in common.
func order(n int) []int { return rand.New(rand.NewPCG(1, 2)).Perm(n) }

// floor is the least that a check can cost: one map, one bit, the permission by name.
type floor struct {
	members map[pair]uint64
	bits    map[rbac.Permission]uint
}

type pair struct{ org, user [16]byte }

func newFloor(w *people) *floor {
	f := &floor{members: map[pair]uint64{}, bits: map[rbac.Permission]uint{}}
	for i, p := range permissions {
		f.bits[p] = uint(i)
	}
	for i, u := range w.users {
		f.members[pair{w.org(i), u}] = 3
	}
	return f
}

func (f *floor) can(org, user [16]byte, p rbac.Permission) bool {
	return f.members[pair{org, user}]&(1<<f.bits[p]) != 0
}

// hot is a walk of a thousand people from all over the world, in no order: those who
// are at work, where the whole world measures how long memory takes to answer.
func hot(walk []int) []int { return walk[:min(len(walk), 1_000)] }

// sizes are how many organizations of ten there are; a million memberships only where
// FREEHOLD_LARGE=1 asks for them.
func sizes() []int {
	if os.Getenv("FREEHOLD_LARGE") == "1" {
		return []int{10, 10_000, 100_000}
	}
	return []int{10, 10_000}
}

func BenchmarkCheck(b *testing.B) {
	for _, orgs := range sizes() {
		w := newPeople(b, orgs, 10)
		f := newFloor(w)
		all := order(len(w.users))
		for _, part := range []string{"hot", "whole"} {
			walk := all
			if part == "hot" {
				walk = hot(all)
			}
			check(b, w, f, walk, func(what string) string { return fmt.Sprintf("%s/walk=%s/orgs=%d", what, part, orgs) })
		}
	}
}

func check(b *testing.B, w *people, f *floor, walk []int, name func(what string) string) {
	ctx := context.Background()
	b.Run(name("floor"), func(b *testing.B) {
		i := 0
		for b.Loop() {
			k := walk[i%len(walk)]
			i++
			if !f.can(w.org(k), w.users[k], "documents:read") {
				b.Fatal("no")
			}
		}
	})
	b.Run(name("freehold"), func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			k := walk[i%len(walk)]
			i++
			if ok, err := w.svc.Can(ctx, w.users[k], w.org(k), "documents:read"); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run(name("freehold-parallel"), func(b *testing.B) {
		var seed atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			i := int(seed.Add(1)) * 7919
			for pb.Next() {
				k := walk[i%len(walk)]
				i++
				if ok, err := w.svc.Can(ctx, w.users[k], w.org(k), "documents:read"); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	})
	b.Run(name("freehold-under-writes"), func(b *testing.B) { underWrites(b, w, walk) })
}

// underWrites checks the first half of the organizations while 100 changes a second
// land in the other half.
func underWrites(b *testing.B, w *people, walk []int) {
	ctx := context.Background()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			k := len(w.users)/2 + i%(len(w.users)/2)
			if k%10 == 0 {
				continue
			}
			_, _ = w.svc.Memberships.Deactivate(ctx, w.org(k), w.users[k])
			_, _ = w.svc.Memberships.Reactivate(ctx, w.org(k), w.users[k])
		}
	}()
	i := 0
	for b.Loop() {
		k := walk[i%len(walk)] % (len(w.users) / 2)
		i++
		if ok, err := w.svc.Can(ctx, w.users[k], w.org(k), "documents:read"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	close(stop)
	<-stopped
}

// BenchmarkCacheMemory fills the cache of a Service, and says what a membership in it
// takes, the room that is free among them included.
func BenchmarkCacheMemory(b *testing.B) {
	w := newPeople(b, 10_000, 10)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		svc, err := tenancy.New(tenancy.Config{Store: w.store, CacheSize: len(w.users), Staleness: time.Hour})
		must(b, err)
		for i, u := range w.users {
			if _, err := svc.Can(b.Context(), u, w.org(i), "documents:read"); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/float64(len(w.users)), "B/membership")
		runtime.KeepAlive(svc)
	}
}

// BenchmarkVisible changes a membership among 100,000 that are cached. "call" is the
// change with all that it does and the check after it, which goes to the store;
// "again" is the same check once it is cached again.
func BenchmarkVisible(b *testing.B) {
	w := newPeople(b, 10_000, 10)
	ctx := context.Background()
	seen := func(i int, want bool) time.Duration {
		began := time.Now()
		if ok, err := w.svc.Can(ctx, w.users[i], w.org(i), "projects:write"); ok != want || err != nil {
			b.Fatal(ok, err)
		}
		return time.Since(began)
	}
	roles := map[bool]string{true: "admin", false: "member"}
	var change, first time.Duration
	n := 0
	for b.Loop() {
		i := 6 + n*10%len(w.users) // a plain member
		for _, role := range []bool{true, false} {
			began := time.Now()
			_, err := w.svc.Memberships.SetRoles(ctx, w.org(i), w.users[i], roles[role])
			must(b, err)
			change += time.Since(began)
			first += seen(i, role)
			n++
		}
	}
	b.ReportMetric(float64(change.Nanoseconds())/float64(n), "ns/change")
	b.ReportMetric(float64(first.Nanoseconds())/float64(n), "ns/first-check")
}
