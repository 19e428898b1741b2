package servicetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// Race is a Service under concurrent use. Unlike a world, its clock runs.
type Race struct {
	*require.Assertions
	Ctx    context.Context
	Svc    *tenancy.Service
	Single *tenancy.Service // where one organization is all that anyone may have
	Later  *tenancy.Service // whose clock is two months ahead
	Soon   *tenancy.Service // whose clock is two minutes ahead
	Strict *tenancy.Service // with the limits on claims that a host has
}

// NewRace makes Services over one store of open's.
func NewRace(t *testing.T, open Opener) *Race {
	t.Helper()
	st := open(t)
	serve := func(c tenancy.Config) *tenancy.Service {
		MailsFreely(&c)
		c.HeavyWrite = -1
		if !c.AllowTestDomains {
			ProvesFreely(&c)
		}
		svc, err := tenancy.New(c)
		require.NoError(t, err)
		return svc
	}
	ahead := func() time.Time { return time.Now().Add(2 * Month) }
	soon := func() time.Time { return time.Now().Add(2 * time.Minute) }
	return &Race{
		require.New(t), t.Context(), serve(tenancy.Config{Store: st, Prover: NewProver()}),
		serve(tenancy.Config{Store: st, SingleOrganization: true}), serve(tenancy.Config{Store: st, Prover: NewProver(), Now: ahead}),
		serve(tenancy.Config{Store: st, Prover: NewProver(), Now: soon}), serve(tenancy.Config{Store: st, Prover: NewProver(), AllowTestDomains: true}),
	}
}

// Together makes all calls at once and gives the code of each. A call that fails for
// want of the store, not for a rule, is no outcome of a race.
func (r *Race) Together(calls ...func() error) []tenancy.Code {
	codes := make([]tenancy.Code, len(calls))
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(len(calls))
	for i, call := range calls {
		done.Go(func() {
			ready.Done()
			<-start
			codes[i] = tenancy.CodeOf(call())
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	for _, code := range codes {
		r.NotContains([]tenancy.Code{tenancy.ErrBusy, tenancy.ErrInternal, tenancy.ErrCanceled}, code)
	}
	return codes
}

// Repeat is n times the same call.
func Repeat(n int, call func(i int) error) []func() error {
	calls := make([]func() error, n)
	for i := range calls {
		calls[i] = func() error { return call(i) }
	}
	return calls
}

// Count is how many codes are the one wanted.
func Count(codes []tenancy.Code, want tenancy.Code) (n int) {
	for _, code := range codes {
		if code == want {
			n++
		}
	}
	return n
}

// User makes the n-th user of a name, with a verified address.
func (r *Race) User(local string, n int) tenancy.User {
	user, err := r.Svc.Users.Create(r.Ctx, tenancy.NewUser{
		Email: fmt.Sprintf("%s%d@race.example", local, n), EmailVerified: true,
	})
	r.NoError(err)
	return user
}

// Org makes an organization that the users own.
func (r *Race) Org(owners ...tenancy.User) tenancy.Organization {
	org, err := r.Svc.Organizations.Create(r.Ctx, tenancy.NewOrganization{DisplayName: "Race", Owner: owners[0].ID})
	r.NoError(err)
	for _, owner := range owners[1:] {
		_, err := r.Svc.Memberships.Add(r.Ctx, Adding(org, owner, rbac.Owner))
		r.NoError(err)
	}
	return org
}

// Active counts the active members of an organization, and the owners among them.
func (r *Race) Active(org tenancy.Organization) (members, owners int) {
	for m, err := range r.Svc.Memberships.All(r.Ctx, org.ID, tenancy.MemberQuery{}) {
		r.NoError(err)
		members++
		if m.Roles[0] == rbac.Owner {
			owners++
		}
	}
	return members, owners
}

// Claims makes n organizations that claim one domain each.
func (r *Race) Claims(n int, name string) []tenancy.Domain {
	all := make([]tenancy.Domain, n)
	for i := range all {
		org, err := r.Svc.Organizations.Create(r.Ctx, tenancy.NewOrganization{DisplayName: "Race"})
		r.NoError(err)
		all[i], err = r.Svc.Domains.Claim(r.Ctx, tenancy.NewDomain{OrganizationID: org.ID, Name: name})
		r.NoError(err)
	}
	return all
}
