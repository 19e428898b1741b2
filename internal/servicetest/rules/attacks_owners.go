package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// ownerAttacks keep the owners of an organization out of it.
func ownerAttacks() []rule {
	return []rule{
		{"M8 attack: what gave a role takes an owner away, because an owner took its place", atDoor(madeOwner)},
		{"P3 attack: an administrator locks every owner out by a policy", atDoor(coup)},
		{"P3 attack: an administrator binds the owners", atDoor(bindsOwners)},
		{"P3 attack: an administrator changes a policy that binds owners, or what it names", atDoor(boundPolicy)},
		{"P3 attack: an owner locks all owners out by mistake", atDoor(wouldLockOut)},
		{"P3 owners are free of a policy until it binds them", atDoor(freeOwners)},
	}
}

// admin is an administrator of acme's.
func (d *door) admin(local string) (tenancy.User, *tenancy.Service) {
	d.T.Helper()
	user := d.User(local)
	d.Add(d.acme, user, rbac.Admin)
	return user, d.asUser(user)
}

// policy is a change of acme's policy.
func (d *door) policy(svc *tenancy.Service, in tenancy.PolicyUpdate) func() error {
	return func() error { _, err := svc.Policies.Set(d.Ctx, d.acme.ID, in); return err }
}

func bySingleSignOn(c tenancy.Connection) *tenancy.OrganizationPolicy {
	return &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: c.ID}
}

// coup: a policy that only the administrator could satisfy, an exemption for themselves,
// and the end of every session.
func coup(d *door) {
	_, as := d.admin("admin")
	live := d.enters(servicetest.To(d.acme, servicetest.ByMail(d.owner.Email)))
	for name, in := range map[string]tenancy.PolicyUpdate{
		"the organization's, by single sign-on": {Organization: bySingleSignOn(d.okta)},
		"the domain's, by single sign-on":       {Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}},
		"the domain's, by a method":             {Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Github}, SecondFactor: true}},
		"both": {
			Domain:       &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{tenancy.MethodSingleSignOn}, SecondFactor: true},
			Organization: bySingleSignOn(d.okta),
		},
	} {
		d.each(name, func(w *world) {
			w.NoError(d.policy(as, in)())
			w.NoError(as.Sessions.RevokeByOrganization(w.Ctx, d.acme.ID))
			w.False(w.stands(live))
			for _, attempt := range []tenancy.Attempt{servicetest.ByMail(d.owner.Email), servicetest.ByProvider(servicetest.Google, "g-owner", d.owner.Email, true)} {
				w.Equal(d.acme.ID, w.enters(servicetest.To(d.acme, attempt)).OrganizationID)
			}
			w.NoError(d.policy(d.asUser(d.owner), tenancy.PolicyUpdate{
				Domain: &tenancy.DomainPolicy{}, Organization: &tenancy.OrganizationPolicy{}, Exempt: &[]tenancy.UserID{},
			})())
		})
	}
	// A connection of their own, which would speak for the owner, is above them.
	d.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := as.Connections.Create(d.Ctx, tenancy.NewConnection{
			OrganizationID: d.acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Mine", Issuer: "https://idp.evil.example", State: tenancy.ConnectionActive,
		})
		return err
	})
}

func bindsOwners(d *door) {
	_, as := d.admin("admin")
	in := tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, BindsOwners: servicetest.Ptr(true)}
	d.refuses(tenancy.ErrForbidden, "binds_owners", d.policy(as, in))
	d.refuses(tenancy.ErrForbidden, "binds_owners", d.policy(as, tenancy.PolicyUpdate{BindsOwners: servicetest.Ptr(true)}))
	everything := d.Svc.As(tenancy.ServicePrincipal("robot", d.acme.ID, "*", "tenancy:*"))
	d.refuses(tenancy.ErrForbidden, "binds_owners", d.policy(everything, in))
	d.NoError(d.policy(as, tenancy.PolicyUpdate{BindsOwners: servicetest.Ptr(false)})()) // as it is
}

// boundPolicy: while a policy binds owners, they alone change it and what it stands on.
func boundPolicy(d *door) {
	_, as := d.admin("admin")
	other, _ := d.admin("other")
	d.demand(d.acme, tenancy.PolicyUpdate{
		Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}, Exempt: &[]tenancy.UserID{d.owner.ID}, BindsOwners: servicetest.Ptr(true),
	})
	spare := d.Connect(d.acme, "Spare")
	for name, in := range map[string]tenancy.PolicyUpdate{
		"its rule": {Domain: &tenancy.DomainPolicy{}}, "the other rule": {Organization: &tenancy.OrganizationPolicy{SecondFactor: true}},
		"its exemptions": {Exempt: &[]tenancy.UserID{}}, "that it binds owners": {BindsOwners: servicetest.Ptr(false)},
		"another's exemption": {Exempt: &[]tenancy.UserID{d.owner.ID, other.ID}},
	} {
		d.each(name, func(w *world) { w.refuses(tenancy.ErrForbidden, "binds_owners", d.policy(as, in)) })
	}
	update := func(svc *tenancy.Service, c tenancy.Connection, in tenancy.ConnectionUpdate) func() error {
		return func() error { _, err := svc.Connections.Update(d.Ctx, d.acme.ID, c.ID, in); return err }
	}
	for _, in := range []tenancy.ConnectionUpdate{elsewhere, {Settings: tenancy.Patch{"k": servicetest.Ptr("v")}}, {State: servicetest.Ptr(tenancy.ConnectionInactive)}} {
		d.refuses(tenancy.ErrForbidden, "binds_owners", update(as, d.okta, in))
	}
	// With the domain the policy would rest.
	d.refuses(tenancy.ErrForbidden, "binds_owners", func() error { return as.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID) })
	// An owner may do all of it.
	owner := d.asUser(d.owner)
	d.NoError(update(owner, d.okta, tenancy.ConnectionUpdate{Settings: tenancy.Patch{"k": servicetest.Ptr("v")}})())
	d.NoError(d.policy(owner, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}, Organization: bySingleSignOn(spare)})())
	d.refuses(tenancy.ErrForbidden, "binds_owners", update(as, spare, elsewhere)) // named by now
	d.NoError(d.policy(owner, tenancy.PolicyUpdate{BindsOwners: servicetest.Ptr(false)})())
	d.NoError(d.policy(as, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{}})())
}

// wouldLockOut: after a change some owner must be able to sign in, by what they have shown
// in a live session, or by an exemption.
func wouldLockOut(d *door) {
	owner := d.asUser(d.owner)
	bind := func(in tenancy.PolicyUpdate) func() error {
		in.BindsOwners = servicetest.Ptr(true)
		return d.policy(owner, in)
	}
	strict := tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}}
	none := tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}, Organization: &tenancy.OrganizationPolicy{}, Exempt: &[]tenancy.UserID{}, BindsOwners: servicetest.Ptr(false)}
	d.refuses(tenancy.ErrWouldLockOut, "", bind(strict)) // there is no session at all
	d.enters(servicetest.To(d.acme, servicetest.ByMail(d.owner.Email)))
	d.refuses(tenancy.ErrWouldLockOut, "", bind(strict)) // and none with a second factor
	twofold := d.enters(servicetest.To(d.acme, servicetest.Twice(servicetest.ByMail(d.owner.Email))))
	d.NoError(bind(strict)())
	d.NoError(d.Svc.Sessions.SignOut(d.Ctx, twofold.Token.Reveal()))
	d.refuses(tenancy.ErrWouldLockOut, "", d.policy(owner, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}}))
	d.demand(d.acme, none)
	// A session counts by the evidence that it shows.
	d.refuses(tenancy.ErrWouldLockOut, "", bind(tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Github}}}))
	d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "s-owner", d.owner.Email)))
	d.NoError(bind(tenancy.PolicyUpdate{Organization: bySingleSignOn(d.okta)})())
	// The connection by which the only owner can sign in stays as it is.
	d.refuses(tenancy.ErrWouldLockOut, "", func() error {
		_, err := owner.Connections.Update(d.Ctx, d.acme.ID, d.okta.ID, elsewhere)
		return err
	})
	d.demand(d.acme, none)
	// An exemption of another owner is enough, unless that owner is suspended.
	second := d.User("second")
	d.Add(d.acme, second, rbac.Owner)
	github := tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Github}}, Exempt: &[]tenancy.UserID{second.ID}}
	_, err := d.Svc.Users.Suspend(d.Ctx, second.ID)
	d.NoError(err)
	d.refuses(tenancy.ErrWouldLockOut, "", bind(github))
	_, err = d.Svc.Users.Unsuspend(d.Ctx, second.ID)
	d.NoError(err)
	d.NoError(bind(github)())
	d.NoError(d.policy(d.Svc, tenancy.PolicyUpdate{Exempt: &[]tenancy.UserID{}})()) // the host may
}

// freeOwners: P3 binds everybody else, and owners of another organization too.
func freeOwners(d *door) {
	second := d.User("second")
	d.Add(d.acme, second, rbac.Admin)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}, Organization: bySingleSignOn(d.okta)})
	d.enters(servicetest.To(d.acme, servicetest.ByMail(d.owner.Email)))
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.acme, servicetest.ByMail(second.Email)))
	_, err := d.Svc.Memberships.SetRoles(d.Ctx, d.acme.ID, second.ID, rbac.Owner)
	d.NoError(err)
	d.enters(servicetest.To(d.acme, servicetest.ByMail(second.Email)))
	// Only where they are proved to be the owner, and an active one.
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByPassword("c-evil", second.Email))
	d.Deactivate(d.acme, second)
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByMail(second.Email))
	// On the domain, being an owner elsewhere frees nobody.
	cyd := d.User("cyd")
	gamma := d.Owned("Gamma", cyd)
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(gamma, servicetest.ByMail(cyd.Email)))
	// And from the binding on, the owner is held to it.
	d.demand(d.acme, tenancy.PolicyUpdate{BindsOwners: servicetest.Ptr(true)})
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.acme, servicetest.ByMail(d.owner.Email)))
	d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "s-owner", d.owner.Email)))
}

// madeOwner: ann has a role from the domain when that is replaced by the owner role. Nothing but a
// word makes owners, so the end of the domain does not take that back.
func madeOwner(d *door) {
	d.Role(d.acme.ID, "org-lead", "")
	d.joining(tenancy.JoiningAuto, "org-lead")
	ann := d.enters(servicetest.ByMail("ann@acme.example")).User
	d.Equal([]string{"org-lead"}, d.rolesAt(d.acme, ann))
	d.joining(tenancy.JoiningAuto, "")
	_, err := d.Svc.Memberships.AddRole(d.Ctx, d.acme.ID, ann.ID, "org-lead")
	d.NoError(err)
	d.NoError(d.Svc.Roles.Delete(d.Ctx, d.acme.ID, "org-lead", rbac.Owner))
	m := d.Member(d.acme, ann)
	d.Empty(m.Kept())
	d.Len(m.Assignments, 1)
	d.NoError(d.Svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID))
	d.Equal([]string{rbac.Owner}, d.rolesAt(d.acme, ann))
}
