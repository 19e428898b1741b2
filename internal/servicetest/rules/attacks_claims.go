package rules

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// claimLeftBehind: whoever may claim no more has nothing verified by waiting, either.
func claimLeftBehind(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	claims := map[string]tenancy.Domain{}
	for name, ends := range map[string]func(tenancy.User) error{
		"removed": func(u tenancy.User) error { return w.Svc.Memberships.Remove(w.Ctx, acme.ID, u.ID) },
		"demoted": func(u tenancy.User) error {
			_, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, u.ID, rbac.Member)
			return err
		},
		"inactive": func(u tenancy.User) error {
			_, err := w.Svc.Memberships.Deactivate(w.Ctx, acme.ID, u.ID)
			return err
		},
		"suspended": func(u tenancy.User) error { _, err := w.Svc.Users.Suspend(w.Ctx, u.ID); return err },
		"erased":    func(u tenancy.User) error { return w.Svc.Users.Erase(w.Ctx, u.ID) },
		"staying":   func(tenancy.User) error { return nil },
	} {
		manager := w.User(name)
		w.Add(acme, manager, rbac.Admin)
		var err error
		claims[name], err = w.asUser(manager).Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: name + ".example"})
		w.NoError(err)
		w.NoError(ends(manager), name)
	}
	w.Clock.Advance(time.Minute)
	w.recheck()
	for name, claim := range claims {
		got := w.domain(claim)
		if name == "staying" {
			w.Equal(tenancy.DomainVerified, got.State)
			continue
		}
		w.Equal([]any{tenancy.DomainPending, string(tenancy.ErrForbidden)}, []any{got.State, got.FailedReason}, name)
	}
	_, err := w.asUser(owner).Domains.Verify(w.Ctx, acme.ID, claims["removed"].ID, domains.MethodDNS)
	w.NoError(err, "somebody who may looks at it")

	w.Prover.RefuteAll()
	w.Clock.Advance(servicetest.Month) // one that starts over is whose who had it do so
	late := w.asUser(owner).Domains
	_, err = late.Verify(w.Ctx, acme.ID, claims["demoted"].ID, domains.MethodDNS)
	w.Failed(err, tenancy.ErrDomainNotVerified, "")
	w.Prover.ProveAll()
	w.Clock.Advance(time.Minute)
	w.recheck()
	w.Equal(tenancy.DomainVerified, w.domain(claims["demoted"]).State)
}

// claimGivesMore: what the claim gives to who joins is above the claimant by now.
func claimGivesMore(w *world) {
	w.Declare()
	acme, ann := w.Org("Acme"), w.User("ann")
	w.Role(acme.ID, "org-billing", "", servicetest.Billing)
	w.Role(acme.ID, "org-dns", "", "tenancy:domains:*")
	w.Role(acme.ID, "org-both", "", "tenancy:domains:*", servicetest.Billing)
	w.Add(acme, ann, "org-both")
	claim := func(name string, joining tenancy.DomainJoining) tenancy.Domain {
		d, err := w.asUser(ann).Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: name, Joining: joining, Role: "org-billing"})
		w.NoError(err)
		return d
	}
	letsIn, off := claim("in.example", tenancy.JoiningAuto), claim("off.example", tenancy.JoiningOff)
	_, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, ann.ID, "org-dns")
	w.NoError(err)
	w.Clock.Advance(time.Minute)
	w.recheck()
	w.Equal([]tenancy.DomainState{tenancy.DomainPending, tenancy.DomainVerified}, []tenancy.DomainState{w.domain(letsIn).State, w.domain(off).State})
}

// proofSwitched: a member has the domain proved by what they can take away, and takes it away.
func proofSwitched(d *door) {
	bob, _ := d.boundByOkta()
	as := d.custom(bob, "org-dns", "tenancy:domains:read", "tenancy:domains:write")
	verify := func(svc *tenancy.Service, by domains.Method) func() error {
		return func() error {
			_, err := svc.Domains.Verify(d.Ctx, d.acme.ID, d.domain.ID, by)
			return err
		}
	}
	below := func(svc *tenancy.Service) func() error {
		return func() error {
			_, err := svc.Domains.VerifySubdomains(d.Ctx, d.acme.ID, d.domain.ID)
			return err
		}
	}
	on := true
	_, err := d.Svc.Domains.Update(d.Ctx, d.acme.ID, d.domain.ID, tenancy.DomainUpdate{Subdomains: &on})
	d.NoError(err)
	d.Empty(d.world.domain(d.domain).Method) // by the host's word
	d.refuses(tenancy.ErrForbidden, "domain", verify(as, domains.MethodDNS))
	d.refuses(tenancy.ErrForbidden, "domain", below(as))
	d.NoError(verify(d.Svc, domains.MethodDNS)())
	d.NoError(below(d.Svc)())
	d.refuses(tenancy.ErrForbidden, "domain", verify(as, domains.MethodFile))
	d.Clock.Advance(time.Minute)
	d.NoError(verify(as, domains.MethodDNS)(), "what is looked at anyway")
	d.NoError(below(as)())
	d.Equal(string(domains.MethodDNS), d.world.domain(d.domain).Method)
	d.NoError(verify(d.asUser(d.owner), domains.MethodFile)())
}

// heldUpByOne: a person with many organizations has one look in the time in which each other
// has one.
func heldUpByOne(w *world) {
	w.Config.Limits.NewClaims = 100
	w.Svc = w.Another(func(*tenancy.Config) {})
	mallory := w.User("mallory")
	for i := range 20 {
		acme := w.Owned("Acme", mallory)
		for n := range 3 {
			_, err := w.asUser(mallory).Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: fmt.Sprintf("m%d-%d.example", i, n)})
			w.NoError(err)
		}
	}
	w.Clock.Advance(time.Minute)
	for i := range 98 {
		w.Claim(w.Org("One").ID, fmt.Sprintf("one%d.example", i))
	}
	w.Clock.Advance(time.Minute)
	w.Prover.Says(unknown)
	n, err := w.Svc.Domains.Recheck(w.Ctx)
	w.NoError(err)
	w.Equal(100, n)
	own := 0
	for _, asked := range w.Prover.Looks() {
		if asked.Domain[0] == 'm' {
			own++
		}
	}
	w.Equal(2, own)
}
