package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func signInPolicyRules() []rule {
	return []rule{
		{"P2 the domain policy binds whoever is on the domain, wherever they go", atDoor(domainPolicies)},
		{"P3 the organization policy binds who signs in there", atDoor(organizationPolicies)},
		{"P2 P3 all that bind must be satisfied", atDoor(bothPolicies)},
		{"P3 break glass: members exempt by name", atDoor(breakGlass)},
		{"P2 a policy is heard before anything else is told", atDoor(policyFirst)},
		{"P3 S1 a session is held to the policy as it moves", atDoor(policyOfSwitch)},
	}
}

func domainPolicies(d *door) {
	d.admitting()
	bob := d.User("bob") // on acme's domain, and a member of beta alone
	d.Add(d.beta, bob)
	in := servicetest.ByMail("bob@acme.example")
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	for _, attempt := range []tenancy.Attempt{
		in, servicetest.To(d.beta, in), servicetest.Twice(in),
		servicetest.ByProvider(servicetest.Google, "g-1", "bob@acme.example", true), servicetest.ByMail("new@acme.example"),
	} {
		halted := d.halts(tenancy.DecisionUseSingleSignOn, "", attempt)
		d.Equal(views(d.okta), halted.Connections)
		d.Equal(d.acme.ID, halted.OrganizationID)
	}
	second := d.Connect(d.acme, "Second")
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.Through(second, "t-1", "bob@acme.example"))
	d.Equal(d.beta.ID, d.enters(servicetest.To(d.beta, servicetest.Through(d.okta, "s-1", "bob@acme.example"))).OrganizationID)
	d.enters(servicetest.ByMail("eve@mail.example")) // it binds nobody else

	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{
		Methods: []tenancy.SignInMethod{servicetest.Google, tenancy.MethodSingleSignOn}, SecondFactor: true,
	}})
	halted := d.halts(tenancy.DecisionUseOtherMethod, "", in)
	d.Equal([]tenancy.SignInMethod{servicetest.Google, tenancy.MethodSingleSignOn}, halted.Methods)
	d.Equal(views(d.okta, second), halted.Connections)
	d.halts(tenancy.DecisionSecondFactor, "", servicetest.ByProvider(servicetest.Google, "g-1", "bob@acme.example", true))
	d.enters(servicetest.Twice(servicetest.ByProvider(servicetest.Google, "g-1", "bob@acme.example", true)))
	d.halts(tenancy.DecisionSecondFactor, "", servicetest.To(d.beta, servicetest.Through(d.okta, "s-1", "bob@acme.example")))
	// A pending claim has no effect at all (D3), nor has one that was given up.
	d.NoError(d.Svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID))
	d.Claim(d.acme.ID, "acme.example")
	d.Equal(d.beta.ID, d.enters(in).OrganizationID)
}

func organizationPolicies(d *door) {
	ann := d.visitor(d.acme, "ann@mail.example") // guests too
	d.Add(d.beta, ann)
	in := servicetest.ByMail("ann@mail.example")
	second := d.Connect(d.acme, "Second")
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	halted := d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.acme, servicetest.Twice(in)))
	d.Equal(views(d.okta, second), halted.Connections)
	d.enters(servicetest.To(d.beta, in))
	d.halts(tenancy.DecisionChooseOrganization, "", in)
	sso := servicetest.Proving("ann@mail.example", servicetest.Through(second, "t-1", "ann@mail.example"))
	d.enters(sso)
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: d.okta.ID}})
	d.Equal(views(d.okta), d.halts(tenancy.DecisionUseSingleSignOn, "", sso).Connections)
	// Another organization's connection is none here.
	d.admitting()
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	bob := d.enters(servicetest.Through(d.okta, "s-1", "bob@acme.example")).User
	d.Add(d.beta, bob)
	d.Equal(views(d.entra), d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.beta, servicetest.Through(d.okta, "s-1", "bob@acme.example"))).Connections)

	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	d.halts(tenancy.DecisionSecondFactor, "", servicetest.To(d.acme, in))
	d.enters(servicetest.To(d.acme, servicetest.Twice(in)))
	d.enters(sso) // for the others
}

func bothPolicies(d *door) {
	bob := d.User("bob")
	d.Add(d.beta, bob)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Google}}})
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	in := servicetest.ByProvider(servicetest.Google, "g-1", "bob@acme.example", true)
	d.halts(tenancy.DecisionUseOtherMethod, "", servicetest.Twice(servicetest.ByMail("bob@acme.example")))
	d.halts(tenancy.DecisionSecondFactor, "", in)
	d.enters(servicetest.Twice(in))
	// The known identity tells another address by now: the user's own counts.
	in = servicetest.ByProvider(servicetest.Github, "h-1", "bob@mail.example", true)
	d.Link(bob, tenancy.NewIdentity{Provider: "github", Subject: "h-1", Email: "bob@mail.example"})
	d.halts(tenancy.DecisionUseOtherMethod, "", servicetest.Twice(in))
}

func breakGlass(d *door) {
	ann, bob := d.User("ann"), d.User("bob")
	d.Add(d.acme, ann)
	d.Add(d.acme, bob)
	d.demand(d.acme, tenancy.PolicyUpdate{
		Domain:       &tenancy.DomainPolicy{ConnectionID: d.okta.ID},
		Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}, Exempt: &[]tenancy.UserID{ann.ID},
	})
	d.Link(ann, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	d.Equal(d.acme.ID, d.enters(servicetest.ByMail("ann@acme.example")).OrganizationID)
	d.enters(servicetest.ByPassword("c-1", ""))
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByMail("bob@acme.example"))
	// By name, and not by a claim to it.
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByProvider(servicetest.Google, "g-1", "ann@acme.example", false))
	// As long as they are a member.
	d.Deactivate(d.acme, ann)
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByMail("ann@acme.example"))
	// Of that organization's policy, and no other's.
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	_, err := d.Svc.Memberships.Reactivate(d.Ctx, d.acme.ID, ann.ID)
	d.NoError(err)
	d.Add(d.beta, ann)
	d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.To(d.beta, servicetest.ByMail("ann@acme.example")))
}

// policyFirst: who comes by a way that is not allowed hears of no organization, no
// account and no invitation.
func policyFirst(d *door) {
	bob, barred := d.User("bob"), d.User("barred")
	d.Add(d.acme, bob)
	d.Add(d.beta, bob)
	_, err := d.Svc.Users.Suspend(d.Ctx, barred.ID)
	d.NoError(err)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}, BindsOwners: servicetest.Ptr(true)})
	want := d.halts(tenancy.DecisionUseSingleSignOn, "", servicetest.ByMail("nobody@acme.example"))
	for _, in := range []tenancy.Attempt{
		servicetest.ByMail("bob@acme.example"), servicetest.ByMail("barred@acme.example"), servicetest.ByPassword("c", "bob@acme.example"), servicetest.ByPassword("c", "nobody@acme.example"),
		servicetest.ByProvider(servicetest.Google, "g", "owner@acme.example", false), servicetest.To(d.beta, servicetest.ByMail("owner@acme.example")),
	} {
		d.Equal(want, d.halts(tenancy.DecisionUseSingleSignOn, "", in))
	}
}

func policyOfSwitch(d *door) {
	bob := d.visitor(d.acme, "bob@mail.example")
	d.Add(d.beta, bob)
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	got := d.enters(servicetest.To(d.acme, servicetest.ByMail("bob@mail.example")))
	d.unchanged(func() {
		for _, call := range []func(context.Context, string, tenancy.OrganizationID) (tenancy.Decision, error){d.Svc.Sessions.Switch, d.Svc.Sessions.Enter} {
			wanted, err := call(d.Ctx, got.Token.Reveal(), d.beta.ID)
			d.NoError(err)
			d.Equal(tenancy.Decision{Kind: tenancy.DecisionSecondFactor, OrganizationID: d.beta.ID}, wanted)
		}
	})
	got = d.enters(servicetest.To(d.acme, servicetest.Twice(servicetest.ByMail("bob@mail.example"))))
	_, err := d.change(got.Token, d.beta.ID)
	d.NoError(err)
}
