package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// mix is a file in which many work at once as the people of an application do.
type mix struct {
	path  string
	store *sqlite.Store
	svc   *tenancy.Service
	orgs  []team
}

// team is an organization with its members, the owner first.
type team struct {
	id      tenancy.OrganizationID
	members []tenancy.User
}

// unlimited is the configuration of a load that no limit on mails or sessions is to end.
func unlimited(st *sqlite.Store) tenancy.Config {
	return tenancy.Config{
		Store: st, MailEvery: -1, AllowTestDomains: true,
		Limits: tenancy.Limits{Mails: 1 << 30, AddressMails: 1 << 30, UserSessions: 1 << 30, NewClaims: 1 << 30},
	}
}

// openMix opens a file with the organizations that are in it.
func openMix(t *testing.T, path string, level sqlite.Synchronous) *mix {
	t.Helper()
	st, err := (sqlite.Options{Synchronous: level}).Open(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	m := &mix{path: path, store: st}
	m.serve(t)
	m.know(t)
	return m
}

// serve makes a Service, and has its Run at work until t ends.
func (m *mix) serve(t *testing.T) {
	t.Helper()
	var err error
	m.svc, err = tenancy.New(unlimited(m.store))
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func(svc *tenancy.Service) {
		defer close(stopped)
		_ = svc.Run(ctx)
	}(m.svc)
	t.Cleanup(func() {
		cancel()
		<-stopped
	})
}

// know reads who is in the file.
func (m *mix) know(t *testing.T) {
	t.Helper()
	m.orgs = nil
	for org, err := range m.svc.Organizations.All(t.Context(), tenancy.OrganizationQuery{}) {
		must(t, err)
		of := team{id: org.ID}
		for member, err := range m.svc.Memberships.All(t.Context(), org.ID, tenancy.MemberQuery{}) {
			must(t, err)
			user, err := m.svc.Users.Get(t.Context(), member.UserID)
			must(t, err)
			of.members = append(of.members, user)
		}
		m.orgs = append(m.orgs, of)
	}
}

// fill makes organizations of so many members, whose addresses are proved.
func (m *mix) fill(t *testing.T, orgs, members int) {
	t.Helper()
	must(t, m.svc.Import(t.Context(), func(ctx context.Context, tx *tenancy.Service) error {
		for o := range orgs {
			org, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: fmt.Sprint("Team ", o)})
			if err != nil {
				return err
			}
			for i := range members {
				email := fmt.Sprintf("p%d@team%d.example.com", i, o)
				if _, err := joins(ctx, tx, org.ID, email, map[bool]string{true: "owner", false: "member"}[i == 0]); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	m.know(t)
}

// joins makes a user whose address is proved, and a member.
func joins(ctx context.Context, tx *tenancy.Service, org tenancy.OrganizationID, email string, roles ...string) (tenancy.User, error) {
	user, err := tx.Users.Create(ctx, tenancy.NewUser{Email: email, EmailVerified: true})
	if err != nil {
		return user, err
	}
	_, err = tx.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: org, UserID: user.ID, Roles: roles})
	return user, err
}

// worker is somebody who works without a rest in one organization.
type worker struct {
	*mix
	n     int
	rand  *rand.Rand
	home  team
	token string
	done  int
	took  spreads
}

// work has so many workers work for a while, the first of them number from, and gives how long their calls took.
func (m *mix) work(ctx context.Context, from, workers int, span time.Duration) (spreads, error) {
	took, failed := spreads{}, make([]error, workers)
	end := time.Now().Add(span)
	var all sync.WaitGroup
	var over atomic.Bool
	var mu sync.Mutex
	for i := range workers {
		all.Go(func() {
			n := from + i
			w := &worker{mix: m, n: n, rand: rand.New(rand.NewPCG(uint64(n), 1)), home: m.orgs[n%len(m.orgs)], took: spreads{}}
			err := w.signIn(ctx)
			for err == nil && time.Now().Before(end) && !over.Load() {
				err = w.turn(ctx)
			}
			if failed[i] = err; err != nil {
				over.Store(true)
			}
			mu.Lock()
			defer mu.Unlock()
			took.merge(w.took)
		})
	}
	all.Wait()
	return took, errors.Join(failed...)
}

// turn is one piece of work.
func (w *worker) turn(ctx context.Context) error {
	w.done++
	switch at := w.rand.IntN(100); {
	case at < 8:
		return w.signIn(ctx)
	case at < 35:
		return w.took.time("authenticate", func() error {
			_, err := w.svc.Sessions.Authenticate(ctx, w.token, tenancy.OrganizationID{})
			return err
		})
	case at < 65:
		org := w.orgs[w.rand.IntN(len(w.orgs))]
		return w.took.time("check", func() error {
			_, err := w.svc.Can(ctx, org.members[w.rand.IntN(len(org.members))].ID, org.id, rbac.ReadMembers)
			return err
		})
	case at < 77:
		return w.took.time("change", func() error {
			name := fmt.Sprint("Name ", w.n, " ", w.done)
			_, err := w.owner().Memberships.Update(ctx, w.home.id, w.one().ID, tenancy.MembershipUpdate{DisplayName: &name})
			return err
		})
	case at < 94:
		return w.took.time("list", func() error { return w.list(ctx) })
	default:
		return w.took.time("invitation, sent and answered", func() error { return w.invite(ctx) })
	}
}

func (w *worker) owner() *tenancy.Service {
	return w.svc.As(tenancy.UserPrincipal(w.home.members[0].ID))
}

func (w *worker) one() tenancy.User { return w.home.members[w.rand.IntN(len(w.home.members))] }

func (w *worker) signIn(ctx context.Context) error {
	return w.took.time("sign-in", func() error {
		d, err := w.svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.MailboxEvidence(w.one().Email)})
		if err == nil && d.Kind != tenancy.DecisionSignedIn {
			err = fmt.Errorf("decided %s", d.Kind)
		}
		w.token = d.Token.Reveal()
		return err
	})
}

func (w *worker) list(ctx context.Context) (err error) {
	switch w.done % 3 {
	case 0:
		_, err = w.svc.Memberships.List(ctx, w.home.id, tenancy.MemberQuery{Order: tenancy.ByName})
	case 1:
		_, err = w.svc.Memberships.ListByUser(ctx, w.one().ID, tenancy.MemberQuery{})
	default:
		_, err = w.svc.Sessions.List(ctx, w.home.id, tenancy.SessionQuery{})
	}
	return err
}

// invite invites a new person, who accepts, or revokes the invitation.
func (w *worker) invite(ctx context.Context) error {
	email := fmt.Sprintf("guest%d-%d-%d@mail.example.com", os.Getpid(), w.n, w.done)
	sent, err := w.owner().Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: w.home.id, Email: email})
	if err != nil {
		return err
	}
	if w.done%2 == 0 {
		_, err = w.owner().Invitations.Revoke(ctx, sent.ID)
		return err
	}
	d, err := w.svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.MailboxEvidence(email), Invitation: sent.Token.Reveal()})
	if err == nil && d.Member == nil {
		err = fmt.Errorf("decided %s", d.Kind)
	}
	return err
}
