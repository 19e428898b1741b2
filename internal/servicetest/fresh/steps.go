package fresh

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// UnderLoad makes random changes of every kind while readers check, with Run and
// without, and counts the stale answers: there is none (rule R8). The writer tells what
// is true once each change has returned; a reader that finds it the same before its
// check and after it knows the one right answer. With Run it makes n changes, without a
// fifth of them.
func UnderLoad(t *testing.T, open servicetest.Opener, host Host, n int) {
	for runs, n := range map[bool]int{true: n, false: n / 5} {
		t.Run(fmt.Sprintf("run=%t", runs), func(t *testing.T) {
			// Four entries fewer than there are members: some have to go.
			w := servicetest.NewWorld(t, open, func(c *tenancy.Config) {
				c.Now, c.CacheSize, c.Staleness = time.Now, stepOrgs*stepUsers-4, 20*time.Millisecond
			})
			w.Ctx = t.Context() // this takes longer than patience lasts
			s := newSteps(w, host)
			if runs {
				running(w, w.Svc)
			}
			s.run(min(n, servicetest.MostOperations))
		})
	}
}

const (
	stepOrgs    = 4
	stepUsers   = 6
	stepReaders = 8
)

// steps is a world with a table of the truth beside it.
type steps struct {
	*servicetest.World
	host  Host
	rand  *rand.Rand
	orgs  [stepOrgs]tenancy.OrganizationID
	users [stepUsers]tenancy.UserID
	// What the writer knows.
	truth, undo stepTruth
	// What the readers know: who may, and how often a change has begun or ended.
	cells   [stepOrgs][stepUsers]atomic.Bool
	changes atomic.Uint64
}

// stepTruth is all that decides.
type stepTruth struct {
	closed [stepOrgs]bool // suspended
	stored [stepOrgs]bool // archived
	author [stepOrgs]bool // org-author gives the permission
	barred [stepUsers]bool
	away   [stepOrgs][stepUsers]bool
	role   [stepOrgs][stepUsers]string
	editor bool // editor gives the permission
}

func (s *stepTruth) may(o, u int) bool {
	gives := map[string]bool{rbac.Admin: true, "editor": s.editor, "org-author": s.author[o]}
	return !s.closed[o] && !s.stored[o] && !s.barred[u] && !s.away[o][u] && gives[s.role[o][u]]
}

func newSteps(w *servicetest.World, host Host) *steps {
	s := &steps{World: w, host: host, rand: rand.New(rand.NewPCG(3, 4))} //nolint:gosec // to be repeated
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{{Slug: freshRead}, {Slug: freshWrite}}, Roles: []tenancy.RoleSpec{{Slug: "editor", Grants: []rbac.Grant{freshWrite}}}}))
	s.truth.editor = true
	for u := range s.users {
		s.users[u] = w.User(fmt.Sprint("u", u)).ID
	}
	for o := range s.orgs {
		s.orgs[o] = w.Org(fmt.Sprint("Org ", o)).ID
		_, err := w.Svc.Roles.Create(w.Ctx, s.orgs[o], tenancy.NewRole{Slug: "org-author", Grants: []rbac.Grant{freshWrite}})
		w.NoError(err)
		s.truth.author[o] = true
		for u := range s.users {
			_, err := w.Svc.Memberships.Add(w.Ctx, tenancy.NewMembership{OrganizationID: s.orgs[o], UserID: s.users[u], Roles: []string{"editor"}})
			w.NoError(err)
			s.truth.role[o][u] = "editor"
		}
	}
	s.publish()
	return s
}

// run makes n steps while the readers read.
func (s *steps) run(n int) {
	stop := make(chan struct{})
	var readers sync.WaitGroup
	var checks, stale atomic.Int64
	for r := range stepReaders {
		readers.Go(func() {
			choice := rand.New(rand.NewPCG(5, uint64(r))) //nolint:gosec // to be repeated
			for {
				select {
				case <-stop:
					return
				default:
				}
				certain, right := s.read(choice.IntN(stepOrgs), choice.IntN(stepUsers))
				if certain {
					checks.Add(1)
				}
				if !right {
					stale.Add(1)
				}
				runtime.Gosched() // the writer's turn
			}
		})
	}
	began := time.Now()
	for step := range n {
		s.step(step)
		for range 4 { // the very next checks
			if _, right := s.read(s.rand.IntN(stepOrgs), s.rand.IntN(stepUsers)); !right {
				stale.Add(1)
			}
			checks.Add(1)
		}
		if stale.Load() > 0 {
			s.T.Errorf("step %d: a stale answer", step)
			break
		}
	}
	close(stop)
	readers.Wait()
	require.Positive(s.T, checks.Load())
	s.T.Logf("figures: fresh: %d changes, %d checks, %d stale, %v", n, checks.Load(), stale.Load(), time.Since(began).Round(time.Millisecond))
}

// read checks a pair, and says whether the right answer is certain, and whether it
// came. While one change is made, or just before it, a cell that it leaves alone is
// certain all the same.
func (s *steps) read(o, u int) (certain, right bool) {
	began, before := s.changes.Load(), s.cells[o][u].Load()
	ok, err := s.Svc.Can(s.Ctx, s.users[u], s.orgs[o], freshWrite)
	if err != nil {
		s.T.Errorf("check: %v", err)
		return true, false
	}
	after, ended := s.cells[o][u].Load(), s.changes.Load()
	if ended%2 != 0 || ended-began > 2 || before != after {
		return false, true
	}
	return true, ok == after
}

// publish tells the readers the truth.
func (s *steps) publish() {
	for o := range s.orgs {
		for u := range s.users {
			s.cells[o][u].Store(s.truth.may(o, u))
		}
	}
}

// step makes one change, in one of the ways in which changes are made.
func (s *steps) step(n int) {
	s.changes.Add(1)
	defer s.changes.Add(1)
	s.undo = s.truth
	var err error
	switch s.rand.IntN(8) {
	case 0:
		err = s.Svc.Transact(s.Ctx, func(ctx context.Context, tx *tenancy.Service) error { return s.some(ctx, tx, n) })
	case 1:
		err = s.Svc.Transact(s.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			s.NoError(s.some(ctx, tx, n))
			return servicetest.ErrStop
		})
	case 2:
		err = s.hosted(n, nil)
	case 3:
		err = s.hosted(n, servicetest.ErrStop)
	default:
		err = s.change(s.Ctx, s.Svc, n)
	}
	if err != nil {
		s.Equal(servicetest.ErrStop, err)
		s.truth = s.undo
	}
	s.publish()
}

func (s *steps) hosted(n int, end error) error {
	return s.host(s.Ctx, s.Store, func(joined store.Store) error {
		_, in, err := s.Svc.Join(s.Ctx, joined)
		s.NoError(err)
		s.NoError(s.some(s.Ctx, in, n))
		return end
	})
}

func (s *steps) some(ctx context.Context, svc *tenancy.Service, n int) error {
	for range 1 + s.rand.IntN(3) {
		if err := s.change(ctx, svc, n); err != nil {
			return err
		}
	}
	return nil
}

// change makes one change and notes what is true by it.
func (s *steps) change(ctx context.Context, svc *tenancy.Service, n int) (err error) {
	o, u := s.rand.IntN(stepOrgs), s.rand.IntN(stepUsers)
	org, user := s.orgs[o], s.users[u]
	switch kind := s.rand.IntN(20); {
	case kind < 10 && !s.truth.away[o][u] && kind%2 == 0:
		role := []string{"editor", "org-author", rbac.Admin, rbac.Guest}[s.rand.IntN(4)]
		s.truth.role[o][u] = role
		_, err = svc.Memberships.SetRoles(ctx, org, user, role)
	case kind < 10:
		err = s.flip(&s.truth.away[o][u], func() error { return drop1(svc.Memberships.Deactivate(ctx, org, user)) },
			func() error { return s.back(ctx, svc, o, u) })
	case kind < 12:
		err = s.flip(&s.truth.barred[u], func() error { return drop1(svc.Users.Suspend(ctx, user)) },
			func() error { return drop1(svc.Users.Unsuspend(ctx, user)) })
	case kind < 14:
		err = s.flip(&s.truth.closed[o], func() error { return drop1(svc.Organizations.Suspend(ctx, org)) },
			func() error { return drop1(svc.Organizations.Resume(ctx, org)) })
	case kind < 15:
		err = s.flip(&s.truth.stored[o], func() error { return drop1(svc.Organizations.Archive(ctx, org)) },
			func() error { return drop1(svc.Organizations.Restore(ctx, org)) })
	case kind < 18:
		write := []rbac.Grant{freshWrite}
		err = s.flip(&s.truth.author[o], func() error {
			return drop1(svc.Roles.Update(ctx, org, "org-author", tenancy.RoleUpdate{Add: write}))
		}, func() error {
			return drop1(svc.Roles.Update(ctx, org, "org-author", tenancy.RoleUpdate{Remove: write}))
		})
	default:
		declare := func(grant rbac.Permission) func() error {
			return func() error {
				return svc.Declare(ctx, int64(n+2), tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "editor", Grants: []rbac.Grant{grant}}}})
			}
		}
		err = s.flip(&s.truth.editor, declare(freshWrite), declare(freshRead))
	}
	return err
}

// back lets a member in again, in one of two ways.
func (s *steps) back(ctx context.Context, svc *tenancy.Service, o, u int) error {
	if s.truth.stored[o] || s.truth.closed[o] || s.rand.IntN(2) == 0 {
		return drop1(svc.Memberships.Reactivate(ctx, s.orgs[o], s.users[u]))
	}
	if err := svc.Memberships.Remove(ctx, s.orgs[o], s.users[u]); err != nil {
		return err
	}
	s.truth.role[o][u] = "editor"
	return drop1(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: s.orgs[o], UserID: s.users[u], Roles: []string{"editor"}}))
}

// flip turns a fact around by the call that does.
func (s *steps) flip(fact *bool, on, off func() error) error {
	*fact = !*fact
	if *fact {
		return on()
	}
	return off()
}

func drop1[T any](_ T, err error) error { return err }
