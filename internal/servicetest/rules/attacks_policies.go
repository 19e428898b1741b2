package rules

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// policyAttacks free a person from the policy that binds them, or bind people who should
// be free.
func policyAttacks() []rule {
	return []rule{
		{"D8 attack: a member releases the domain whose policy binds them", atDoor(releasesDomain)},
		{"D8 attack: a member narrows the domain whose policy binds them", atDoor(narrowsDomain)},
		{"D8 attack: a member releases the domain that a connection speaks for", atDoor(releasesSpoken)},
		{"D8 attack: a member has the domain proved by what they can take away", atDoor(proofSwitched)},
		{"M16 attack: an exemption outlives the membership", atDoor(exemptionsEnd)},
		{"M16 attack: a member who left keeps the policy from being changed", atDoor(staleExemption)},
		{"M16 attack: a merge brings an exemption back to life", atDoor(mergedExemption)},
		{"P3 attack: an administrator exempts themselves", atDoor(exemptsThemselves)},
		{"P2 attack: a suspended organization keeps the people on its domain out of others", atDoor(suspendedHolder)},
	}
}

func releasesDomain(d *door) {
	bob, session := d.boundByOkta()
	as := d.custom(bob, "org-dns", "tenancy:domains:read", "tenancy:domains:write")
	release := func(svc *tenancy.Service) func() error {
		return func() error { return svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID) }
	}
	refusal := d.refuses(tenancy.ErrForbidden, "domain", release(as))
	d.Equal(map[string]int{"policies": 1, "connections": 1}, refusal.Counts)
	d.refuses(tenancy.ErrForbidden, "domain", release(d.asSession(session.Session)))
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.acme, servicetest.ByMail(bob.Email)))
	// Each of the two takes a permission of its own.
	for slug, c := range map[string]struct {
		grants []rbac.Grant
		stops  map[string]int
	}{
		"org-dns-policies":    {[]rbac.Grant{"tenancy:policies:write"}, map[string]int{"connections": 1}},
		"org-dns-connections": {[]rbac.Grant{"tenancy:connections:write"}, map[string]int{"policies": 1}},
	} {
		as := d.custom(bob, slug, append(c.grants, "tenancy:domains:read", "tenancy:domains:write")...)
		d.Equal(c.stops, d.refuses(tenancy.ErrForbidden, "domain", release(as)).Counts)
	}
	d.NoError(release(d.custom(bob, "org-all", "tenancy:domains:*", "tenancy:policies:write", "tenancy:connections:write"))())
}

func narrowsDomain(d *door) {
	subdomains := func(svc *tenancy.Service, on bool) func() error {
		return func() error {
			_, err := svc.Domains.Update(d.Ctx, d.acme.ID, d.domain.ID, tenancy.DomainUpdate{Subdomains: &on})
			return err
		}
	}
	d.NoError(subdomains(d.Svc, true)())
	ann := d.NewUser(tenancy.NewUser{Email: "ann@eu.acme.example", EmailVerified: true})
	d.Add(d.acme, ann)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}})
	d.halts(tenancy.DecisionSecondFactor, "", servicetest.ByMail(ann.Email))
	as := d.custom(ann, "org-dns", "tenancy:domains:read", "tenancy:domains:write")
	d.refuses(tenancy.ErrForbidden, "domain", subdomains(as, false))
	d.halts(tenancy.DecisionSecondFactor, "", servicetest.ByMail(ann.Email))
	d.NoError(subdomains(d.asUser(d.owner), false)())
}

// releasesSpoken: without a policy, the connection still stops speaking for its people.
func releasesSpoken(d *door) {
	bob := d.User("bob")
	d.Add(d.acme, bob)
	as := d.custom(bob, "org-dns", "tenancy:domains:read", "tenancy:domains:write")
	release := func() error { return as.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID) }
	d.Equal(map[string]int{"connections": 1}, d.refuses(tenancy.ErrForbidden, "domain", release).Counts)
	claim := d.Claim(d.acme.ID, "other.example") // a claim that waits stops nothing
	d.NoError(as.Domains.Release(d.Ctx, d.acme.ID, claim.ID))
	d.turned(d.okta, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
	d.NoError(release())
}

// exempt makes acme demand a second factor of everybody but ann, an administrator.
func (w *world) exempt(org tenancy.Organization, ann tenancy.User) {
	w.T.Helper()
	w.Add(org, ann, rbac.Admin)
	w.demand(org, tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, Exempt: &[]tenancy.UserID{ann.ID},
	})
	w.enters(servicetest.To(org, servicetest.ByMail(ann.Email)))
}

func (w *world) exempts(org tenancy.Organization) []tenancy.UserID {
	w.T.Helper()
	p, err := w.Svc.Policies.Get(w.Ctx, org.ID)
	w.NoError(err)
	return p.Exempt
}

// exemptionsEnd: ann comes back as a guest, and would be free of the second factor.
func exemptionsEnd(d *door) {
	invited := func(w *world, org tenancy.Organization, ann tenancy.User) error {
		_, err := w.Svc.Invitations.Accept(w.Ctx, w.invites(org, ann.Email, rbac.Guest), ann.ID)
		return err
	}
	added := func(w *world, org tenancy.Organization, ann tenancy.User) error {
		_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(org, ann, rbac.Guest))
		return err
	}
	for name, c := range map[string]struct {
		ends    func(w *world, org tenancy.Organization, ann tenancy.User) error
		returns func(w *world, org tenancy.Organization, ann tenancy.User) error // nil: there is nobody to return
	}{
		"Remove": {func(w *world, org tenancy.Organization, ann tenancy.User) error {
			return w.Svc.Memberships.Remove(w.Ctx, org.ID, ann.ID)
		}, added},
		"Leave": {func(w *world, org tenancy.Organization, ann tenancy.User) error {
			return w.asUser(ann).Memberships.Leave(w.Ctx, org.ID, ann.ID)
		}, invited},
		"Deactivate": {func(w *world, org tenancy.Organization, ann tenancy.User) error {
			_, err := w.Svc.Memberships.Deactivate(w.Ctx, org.ID, ann.ID)
			return err
		}, func(w *world, org tenancy.Organization, ann tenancy.User) error {
			_, err := w.Svc.Memberships.Reactivate(w.Ctx, org.ID, ann.ID)
			return err
		}},
		"Purge": {func(w *world, org tenancy.Organization, _ tenancy.User) error {
			w.Archive(org)
			_, err := w.Svc.Organizations.Purge(w.Ctx, org.ID, 100)
			w.restore(org)
			return err
		}, added},
		"Users.Delete": {func(w *world, _ tenancy.Organization, ann tenancy.User) error {
			return w.Svc.Users.Delete(w.Ctx, ann.ID)
		}, nil},
		"Erase": {func(w *world, _ tenancy.Organization, ann tenancy.User) error {
			return w.Svc.Users.Erase(w.Ctx, ann.ID)
		}, nil},
	} {
		d.each(name, func(w *world) {
			ann := w.NewUser(tenancy.NewUser{Email: "ann@mail.example", EmailVerified: true})
			org := w.Owned(name, w.person("owner-of-"+slugged(name)))
			w.exempt(org, ann)
			w.NoError(c.ends(w, org, ann))
			w.Empty(w.exempts(org))
			if c.returns == nil {
				return
			}
			w.NoError(c.returns(w, org, ann))
			w.halts(tenancy.DecisionSecondFactor, "", servicetest.To(org, servicetest.ByMail(ann.Email)))
			w.Empty(w.exempts(org))
			w.NoError(w.Svc.Users.Delete(w.Ctx, ann.ID))
		})
	}
}

// staleExemption: an owner adds somebody to what Policies.Get gives.
func staleExemption(d *door) {
	ann, bob := d.person("ann"), d.User("bob")
	d.exempt(d.acme, ann)
	d.NoError(d.Svc.Memberships.Remove(d.Ctx, d.acme.ID, ann.ID))
	d.Add(d.acme, bob)
	p, err := d.Svc.Policies.Get(d.Ctx, d.acme.ID)
	d.NoError(err)
	more := append(p.Exempt, bob.ID)
	_, err = d.asUser(d.owner).Policies.Set(d.Ctx, d.acme.ID, tenancy.PolicyUpdate{Version: p.Version, Exempt: &more})
	d.NoError(err)
	d.Equal([]tenancy.UserID{bob.ID}, d.exempts(d.acme))
}

func mergedExemption(d *door) {
	ann, bob, cyd := d.person("ann"), d.person("bob"), d.person("cyd")
	d.exempt(d.acme, ann)
	d.NoError(d.Svc.Memberships.Remove(d.Ctx, d.acme.ID, ann.ID))
	d.invites(d.acme, ann.Email) // a membership that waits
	d.Add(d.acme, bob, rbac.Guest)
	_, err := d.merge(ann, bob)
	d.NoError(err)
	d.halts(tenancy.DecisionSecondFactor, "", servicetest.To(d.acme, servicetest.ByMail(bob.Email)))
	d.Empty(d.exempts(d.acme))
	// The exemption of an active member goes along.
	d.demand(d.acme, tenancy.PolicyUpdate{Exempt: &[]tenancy.UserID{bob.ID}})
	_, err = d.merge(bob, cyd)
	d.NoError(err)
	d.Equal([]tenancy.UserID{cyd.ID}, d.exempts(d.acme))
}

func exemptsThemselves(d *door) {
	ann := d.person("ann")
	d.Add(d.acme, ann, rbac.Admin)
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	set := func(svc *tenancy.Service, exempt ...tenancy.UserID) func() error {
		return d.policy(svc, tenancy.PolicyUpdate{Exempt: &exempt})
	}
	for name, svc := range map[string]*tenancy.Service{
		"by user": d.asUser(ann), "by session": d.asSession(d.enters(servicetest.Twice(servicetest.ByMail(ann.Email))).Session),
		"an owner": d.asUser(d.owner),
	} {
		d.each(name, func(w *world) {
			self := tenancy.UserID{}
			for _, id := range []tenancy.UserID{ann.ID, d.owner.ID} {
				if svc.Actor().ID == id.String() {
					self = id
				}
			}
			w.refuses(tenancy.ErrForbidden, "exempt", set(svc, self))
			w.refuses(tenancy.ErrForbidden, "exempt", set(svc, d.owner.ID, ann.ID, self))
		})
	}
	d.halts(tenancy.DecisionSecondFactor, "", servicetest.To(d.acme, servicetest.ByMail(ann.Email)))
	// Another administrator may, and then the list may be sent as it is.
	_, other := d.admin("other")
	d.NoError(set(other, ann.ID)())
	d.NoError(set(d.asUser(ann), ann.ID)())
	d.NoError(set(d.asUser(ann), d.owner.ID, ann.ID)())
	d.NoError(set(d.asUser(ann), d.owner.ID)())
	d.refuses(tenancy.ErrForbidden, "exempt", set(d.asUser(ann), ann.ID)) // once given up, it is gone
}

// suspendedHolder: bob is on acme's domain and works at beta. While acme is shut, nobody
// could sign in as its policy demands.
func suspendedHolder(d *door) {
	bob := d.User("bob")
	d.Add(d.beta, bob)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID, SecondFactor: true}})
	gamma := d.Org("Gamma")
	d.Add(gamma, bob)
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.beta, servicetest.ByMail(bob.Email)))
	rests := func() {
		d.T.Helper()
		session := d.enters(servicetest.To(d.beta, servicetest.ByMail(bob.Email)))
		_, err := d.change(session.Token, gamma.ID)
		d.NoError(err)
		_, err = d.Svc.Sessions.Start(d.Ctx, servicetest.Starting(bob.ID, d.beta.ID))
		d.NoError(err)
		route := d.routed(bob.Email, tenancy.RouteHints{OrganizationID: d.beta.ID})
		d.True(slices.Contains(route.Methods, tenancy.MethodMagicLink))
		d.False(route.SecondFactor)
	}
	d.suspend(d.acme)
	rests()
	d.NoError(d.Svc.Transact(d.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Organizations.Resume(ctx, d.acme.ID)
		return err
	}))
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.beta, servicetest.ByMail(bob.Email)))
	d.Archive(d.acme)
	rests()
	// The policy of the organization that they sign in to does not rest.
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	d.halts(tenancy.DecisionSecondFactor, "", servicetest.To(d.beta, servicetest.ByMail(bob.Email)))
}
