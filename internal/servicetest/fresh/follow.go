package fresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Follow checks what rule R8 says of changes by others: another Service over the same
// store counts as one.
func Follow(t *testing.T, open servicetest.Opener) {
	for name, check := range map[string]func(*followWorld){
		"within Staleness":                  within,
		"a negative Staleness looks always": always,
		"a clock set back":                  setBack,
		"with Run":                          withRun,
		"Run stopped":                       runStopped,
		"a look that fails":                 failingLook,
		"a look that hangs":                 hangingLook,
		"Run begins long after a look":      lateRun,
		"below the pruned floor":            pruned,
		"a look that comes late":            lateLook,
		"more than 10,000 behind":           farBehind,
		"roles that are news":               newRoles,
		"CacheSize":                         cacheSize,
	} {
		t.Run(name, func(t *testing.T) {
			base := servicetest.NewWorld(t, open, func(c *tenancy.Config) { c.Staleness = time.Minute })
			check(&followWorld{newFreshWorld(base), &eyed{Store: base.Store}})
		})
	}
}

// followWorld has changes made by w.svc, and checks made by other Services.
type followWorld struct {
	*freshWorld
	eyed *eyed
}

// follower is another Service, which knows that Bob may write.
func (w *followWorld) follower(configure func(*tenancy.Config)) *tenancy.Service {
	w.T.Helper()
	svc := w.Another(func(c *tenancy.Config) {
		c.Store = w.eyed
		configure(c)
	})
	w.says(svc, true)
	w.says(svc, true)
	return svc
}

// says checks whether Bob may write.
func (w *followWorld) says(svc *tenancy.Service, want bool) {
	w.T.Helper()
	got, err := svc.Can(w.Ctx, w.bob, w.freshCast.org, freshWrite)
	w.NoError(err)
	w.Equal(want, got)
}

// soon waits until it is seen that Bob may no longer write.
func (w *followWorld) soon(svc *tenancy.Service) {
	w.T.Helper()
	w.Eventually(func() bool {
		got, err := svc.Can(w.Ctx, w.bob, w.freshCast.org, freshWrite)
		return err == nil && !got
	}, servicetest.Patience, time.Millisecond)
}

func (w *followWorld) rest() {
	w.T.Helper()
	_, err := w.Svc.Memberships.Deactivate(w.Ctx, w.freshCast.org, w.bob)
	w.NoError(err)
}

func within(w *followWorld) {
	svc := w.follower(func(*tenancy.Config) {})
	w.rest()
	w.says(svc, true) // it may be behind, and this shows that it was cached
	w.Clock.Advance(time.Minute - 1)
	w.says(svc, true)
	w.Clock.Advance(1)
	w.says(svc, false)
	w.says(w.Svc, false)
}

func always(w *followWorld) {
	svc := w.follower(func(c *tenancy.Config) { c.Staleness = -1 })
	looks := w.eyed.looks.Load()
	w.rest()
	w.says(svc, false)
	w.Equal(looks+1, w.eyed.looks.Load())
}

func setBack(w *followWorld) {
	svc := w.follower(func(*tenancy.Config) {})
	w.rest()
	w.Clock.Advance(-time.Hour)
	w.says(svc, false)
}

func withRun(w *followWorld) {
	svc := w.follower(func(c *tenancy.Config) { c.Staleness = 40 * time.Millisecond })
	running(w.World, svc)
	w.cached(svc, w.bob, w.freshCast.org)
	w.rest()
	began := time.Now()
	w.soon(svc)
	w.T.Logf("seen after %v, within %v", time.Since(began).Round(time.Millisecond), 40*time.Millisecond)
}

func runStopped(w *followWorld) {
	svc := w.follower(func(c *tenancy.Config) { c.Staleness = time.Hour })
	ctx, cancel := context.WithCancel(w.Ctx)
	ended := make(chan error)
	looks := w.eyed.looks.Load()
	go func() { ended <- svc.Run(ctx) }()
	w.Eventually(func() bool { return w.eyed.looks.Load() > looks }, servicetest.Patience, time.Millisecond)
	w.cached(svc, w.bob, w.freshCast.org)
	w.rest()
	w.says(svc, true)
	cancel()
	w.ErrorIs(<-ended, context.Canceled)
	w.says(svc, false)
}

func failingLook(w *followWorld) {
	svc := w.follower(func(*tenancy.Config) {})
	w.rest()
	w.Clock.Advance(time.Minute)
	w.eyed.fail.Store(true)
	w.says(svc, false) // from the store
	_, err := w.Svc.Memberships.Reactivate(w.Ctx, w.freshCast.org, w.bob)
	w.NoError(err)
	w.says(svc, true)
	w.rest()
	w.says(svc, false)
	w.eyed.fail.Store(false)
	w.says(svc, false)
}

func hangingLook(w *followWorld) {
	svc := w.follower(func(c *tenancy.Config) { c.Staleness = 40 * time.Millisecond })
	running(w.World, svc)
	w.cached(svc, w.bob, w.freshCast.org)
	let := make(chan struct{})
	defer close(let)
	w.eyed.hang.Store(&let)
	w.rest()
	w.soon(svc) // though no look ever comes to its end
}

// lateLook: what a look saw counts from when it began, however late it comes back.
func lateLook(w *followWorld) {
	const staleness = 40 * time.Millisecond
	svc := w.follower(func(c *tenancy.Config) { c.Staleness = staleness })
	running(w.World, svc)
	w.cached(svc, w.bob, w.freshCast.org)
	seen := make(chan struct{})
	var rested, once sync.WaitGroup
	rested.Add(1)
	once.Add(1)
	w.eyed.after.Store(servicetest.Ptr(func() {
		close(seen)
		rested.Wait() // the snapshot is old by now
		time.Sleep(3 * staleness)
		once.Done()
	}))
	<-seen
	w.rest()
	rested.Done()
	once.Wait()
	for began := time.Now(); time.Since(began) < staleness/4; {
		w.says(svc, false)
	}
}

func lateRun(w *followWorld) {
	svc := w.follower(func(c *tenancy.Config) { c.Staleness = time.Hour })
	w.rest()
	w.Clock.Advance(2 * time.Hour)
	let := make(chan struct{})
	w.eyed.hang.Store(&let)
	looks := w.eyed.looks.Load()
	running(w.World, svc)
	defer close(let)
	w.Eventually(func() bool { return w.eyed.looks.Load() > looks }, servicetest.Patience, time.Millisecond)
	w.says(svc, false)
}

func pruned(w *followWorld) {
	svc := w.follower(func(*tenancy.Config) {})
	w.rest()
	w.Clock.Advance(time.Hour)
	w.User("later") // so that the end of the log lies beyond the floor
	_, err := w.Svc.Events.Prune(w.Ctx, w.Clock.At)
	w.NoError(err)
	w.says(svc, false)
}

func farBehind(w *followWorld) {
	_, encode, _ := tenancy.RowsOf[tenancy.Event]()
	svc := w.follower(func(*tenancy.Config) {})
	w.rest()
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
		for range 10_000 {
			e := tenancy.Event{
				ID: w.Config.NewID(), Type: tenancy.EventUserUpdated, UserID: w.dora, Subject: w.dora.String(),
				Actor: tenancy.Actor{Kind: tenancy.ActorHost}, Time: w.Clock.At,
			}
			if err := rows.Append(w.Ctx, tenancy.EventLog(), encode(e), nil); err != nil {
				return err
			}
		}
		return nil
	}))
	w.Clock.Advance(time.Minute)
	reads := w.eyed.reads.Load()
	w.says(svc, false)
	w.Equal(reads, w.eyed.reads.Load(), "it read what it could have dropped at once")
}

// newRoles: a Service that has not heard of a role yet knows what it gives as soon as
// it meets somebody who holds it.
func newRoles(w *followWorld) {
	svc := w.follower(func(*tenancy.Config) {})
	_, err := svc.Can(w.Ctx, w.eve, w.freshCast.org, freshWrite)
	w.NoError(err)
	w.NoError(w.Svc.Declare(w.Ctx, 3, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "writer", Grants: []rbac.Grant{freshWrite}}}}))
	_, err = w.Svc.Roles.Create(w.Ctx, w.freshCast.org, tenancy.NewRole{Slug: "org-writer", Extends: "writer"})
	w.NoError(err)
	for user, role := range map[tenancy.UserID]string{w.dora: "writer", w.User("new").ID: "org-writer"} {
		_, err = w.Svc.Memberships.Add(w.Ctx, tenancy.NewMembership{OrganizationID: w.freshCast.org, UserID: user, Roles: []string{role}})
		w.NoError(err)
		got, err := svc.Can(w.Ctx, user, w.freshCast.org, freshWrite)
		w.NoError(err, role)
		w.True(got, role)
	}
}

func cacheSize(w *followWorld) {
	const people = 60
	org := w.World.Org("Many")
	users := w.Members(org, people)
	for size, most := range map[int]int{-1: 0, 1: 1, 10: 10, 1000: people} {
		svc := w.follower(func(c *tenancy.Config) { c.CacheSize, c.Staleness = size, time.Hour })
		running(w.World, svc)
		if size > 0 {
			w.cached(svc, users[0].ID, org.ID)
		}
		for range 3 {
			for _, u := range users {
				_, err := svc.Can(w.Ctx, u.ID, org.ID, freshRead)
				w.NoError(err)
			}
		}
		kept := 0
		for _, u := range slices.Backward(users) { // the last come first: others have had to go for them
			views := w.eyed.views.Load()
			_, err := svc.Can(w.Ctx, u.ID, org.ID, freshRead)
			w.NoError(err)
			if w.eyed.views.Load() == views {
				kept++
			}
		}
		w.LessOrEqual(kept, most, "CacheSize %d", size)
		w.GreaterOrEqual(kept, most/2, "CacheSize %d", size)
	}
}

// eyed counts what is looked at, and fails or hangs when told to: in looks alone.
type eyed struct {
	store.Store
	views, looks, reads atomic.Int64
	fail                atomic.Bool
	hang                atomic.Pointer[chan struct{}]
	during              func()                 // runs once, in a View that has its snapshot
	after               atomic.Pointer[func()] // runs once, at the end of a View
}

func (e *eyed) View(ctx context.Context, fn func(store.Rows) error) error {
	e.views.Add(1)
	if after := e.after.Swap(nil); after != nil {
		defer (*after)()
	}
	return e.Store.View(ctx, func(rows store.Rows) error {
		if during := e.during; during != nil {
			e.during = nil
			if _, err := rows.Last(ctx, tenancy.EventLog()); err != nil { // the snapshot is of now
				return err
			}
			during()
		}
		return fn(eyedRows{rows, e})
	})
}

type eyedRows struct {
	store.Rows
	eyed *eyed
}

func (r eyedRows) Last(ctx context.Context, l *store.Log) (int64, error) {
	r.eyed.looks.Add(1)
	if r.eyed.fail.Load() {
		return 0, errors.New("cannot look")
	}
	if hang := r.eyed.hang.Load(); hang != nil {
		<-*hang
	}
	return r.Rows.Last(ctx, l)
}

func (r eyedRows) Events(ctx context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (int64, bool, error) {
	r.eyed.reads.Add(1)
	return r.Rows.Events(ctx, l, where, span, yield)
}

// FollowFromEmpty checks that a Service that first looked at an empty log and missed what was
// pruned since starts anew (rule R8).
func FollowFromEmpty(t *testing.T, open servicetest.Opener) {
	base := servicetest.NewWorld(t, open, func(c *tenancy.Config) { c.Staleness = time.Minute })
	svc := base.Another(func(*tenancy.Config) {})
	_, err := svc.Can(base.Ctx, base.Config.NewID(), base.Config.NewID(), rbac.ReadMembers)
	base.NoError(err)
	w := &followWorld{newFreshWorld(base), &eyed{Store: base.Store}}
	w.says(svc, true)
	w.says(svc, true)
	w.rest()
	w.Clock.Advance(time.Hour)
	w.User("later")
	_, err = w.Svc.Events.Prune(w.Ctx, w.Clock.At)
	w.NoError(err)
	w.says(svc, false)
}

// CheckInOnJoin checks that a check from outside, in the context of a running transaction, is
// refused whether or not its answer is known.
func CheckInOnJoin(t *testing.T, open servicetest.Opener) {
	var w *freshWorld
	var outer *tenancy.Service
	w = newFreshWorld(servicetest.NewWorld(t, open, func(c *tenancy.Config) {
		c.Staleness = time.Minute
		c.OnJoin = func(ctx context.Context, _ *tenancy.Service, _ tenancy.Join) error {
			if outer == nil {
				return nil
			}
			_, err := outer.Can(ctx, w.bob, w.freshCast.org, freshWrite)
			w.Failed(err, tenancy.ErrInTransaction, "")
			return nil
		}
	}))
	running(w.World, w.Svc)
	w.cached(w.Svc, w.bob, w.freshCast.org)
	outer = w.Svc
	_, err := w.Svc.Memberships.Add(w.Ctx, tenancy.NewMembership{OrganizationID: w.freshCast.org, UserID: w.dora})
	w.NoError(err)
}

// BigHost checks that a transaction of the host's that changed more than is marked one by one
// settles like any other once it has committed.
func BigHost(t *testing.T, open servicetest.Opener, host Host) {
	w := newFreshWorld(servicetest.NewWorld(t, open, func(c *tenancy.Config) { c.Staleness = time.Minute }))
	running(w.World, w.Svc)
	w.NoError(host(w.Ctx, w.Store, func(joined store.Store) error {
		_, in, err := w.Svc.Join(w.Ctx, joined)
		w.NoError(err)
		for i := range 1_100 {
			_, err := in.Roles.Create(w.Ctx, w.freshCast.org, tenancy.NewRole{Slug: fmt.Sprint("org-r", i%400)})
			if err == nil {
				err = in.Roles.Delete(w.Ctx, w.freshCast.org, fmt.Sprint("org-r", i%400), "")
			}
			w.NoError(err)
		}
		return nil
	}))
	w.cached(w.Svc, w.bob, w.freshCast.org)
}
