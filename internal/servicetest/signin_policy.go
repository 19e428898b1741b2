package servicetest

import (
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
	bob := d.user("bob") // on acme's domain, and a member of beta alone
	d.add(d.beta, bob)
	in := byMail("bob@acme.example")
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	for _, attempt := range []tenancy.Attempt{in, to(d.beta, in), twice(in), by(byGoogle, "g-1", "bob@acme.example", true), byMail("new@acme.example")} {
		halted := d.halts(tenancy.DecisionUseSingleSignOn, "", attempt)
		d.Equal(views(d.okta), halted.Connections)
		d.Equal(d.acme.ID, halted.OrganizationID)
	}
	second := d.connect(d.acme, "Second")
	d.halts(tenancy.DecisionUseSingleSignOn, "", through(second, "t-1", "bob@acme.example"))
	d.Equal(d.beta.ID, d.enters(to(d.beta, through(d.okta, "s-1", "bob@acme.example"))).OrganizationID)
	d.enters(byMail("eve@mail.example")) // it binds nobody else

	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{
		Methods: []tenancy.SignInMethod{byGoogle, tenancy.MethodSingleSignOn}, SecondFactor: true,
	}})
	halted := d.halts(tenancy.DecisionUseOtherMethod, "", in)
	d.Equal([]tenancy.SignInMethod{byGoogle, tenancy.MethodSingleSignOn}, halted.Methods)
	d.Equal(views(d.okta, second), halted.Connections)
	d.halts(tenancy.DecisionSecondFactor, "", by(byGoogle, "g-1", "bob@acme.example", true))
	d.enters(twice(by(byGoogle, "g-1", "bob@acme.example", true)))
	d.halts(tenancy.DecisionSecondFactor, "", to(d.beta, through(d.okta, "s-1", "bob@acme.example")))
	// A pending claim has no effect at all (D3), nor has one that was given up.
	d.NoError(d.svc.Domains.Release(d.ctx, d.acme.ID, d.domain.ID))
	d.claim(d.acme.ID, "acme.example")
	d.Equal(d.beta.ID, d.enters(in).OrganizationID)
}

func organizationPolicies(d *door) {
	ann := d.visitor(d.acme, "ann@mail.example") // guests too
	d.add(d.beta, ann)
	in := byMail("ann@mail.example")
	second := d.connect(d.acme, "Second")
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	halted := d.halts(tenancy.DecisionUseSingleSignOn, "", to(d.acme, twice(in)))
	d.Equal(views(d.okta, second), halted.Connections)
	d.enters(to(d.beta, in))
	d.halts(tenancy.DecisionChooseOrganization, "", in)
	sso := proving("ann@mail.example", through(second, "t-1", "ann@mail.example"))
	d.enters(sso)
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: d.okta.ID}})
	d.Equal(views(d.okta), d.halts(tenancy.DecisionUseSingleSignOn, "", sso).Connections)
	// Another organization's connection is none here.
	d.admitting()
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	bob := d.enters(through(d.okta, "s-1", "bob@acme.example")).User
	d.add(d.beta, bob)
	d.Equal(views(d.entra), d.halts(tenancy.DecisionUseSingleSignOn, "", to(d.beta, through(d.okta, "s-1", "bob@acme.example"))).Connections)

	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	d.halts(tenancy.DecisionSecondFactor, "", to(d.acme, in))
	d.enters(to(d.acme, twice(in)))
	d.enters(sso) // for the others
}

func bothPolicies(d *door) {
	bob := d.user("bob")
	d.add(d.beta, bob)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{byGoogle}}})
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	in := by(byGoogle, "g-1", "bob@acme.example", true)
	d.halts(tenancy.DecisionUseOtherMethod, "", twice(byMail("bob@acme.example")))
	d.halts(tenancy.DecisionSecondFactor, "", in)
	d.enters(twice(in))
	// The known identity tells another address by now: the user's own counts.
	in = by(byGithub, "h-1", "bob@mail.example", true)
	d.link(bob, tenancy.NewIdentity{Provider: "github", Subject: "h-1", Email: "bob@mail.example"})
	d.halts(tenancy.DecisionUseOtherMethod, "", twice(in))
}

func breakGlass(d *door) {
	ann, bob := d.user("ann"), d.user("bob")
	d.add(d.acme, ann)
	d.add(d.acme, bob)
	d.demand(d.acme, tenancy.PolicyUpdate{
		Domain:       &tenancy.DomainPolicy{ConnectionID: d.okta.ID},
		Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}, Exempt: &[]tenancy.UserID{ann.ID},
	})
	d.link(ann, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	d.Equal(d.acme.ID, d.enters(byMail("ann@acme.example")).OrganizationID)
	d.enters(byPassword("c-1", ""))
	d.halts(tenancy.DecisionUseSingleSignOn, "", byMail("bob@acme.example"))
	// By name, and not by a claim to it.
	d.halts(tenancy.DecisionUseSingleSignOn, "", by(byGoogle, "g-1", "ann@acme.example", false))
	// As long as they are a member.
	d.deactivate(d.acme, ann)
	d.halts(tenancy.DecisionUseSingleSignOn, "", byMail("ann@acme.example"))
	// Of that organization's policy, and no other's.
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	_, err := d.svc.Memberships.Reactivate(d.ctx, d.acme.ID, ann.ID)
	d.NoError(err)
	d.add(d.beta, ann)
	d.halts(tenancy.DecisionUseSingleSignOn, "", to(d.beta, byMail("ann@acme.example")))
}

// policyFirst: who comes by a way that is not allowed hears of no organization, no
// account and no invitation.
func policyFirst(d *door) {
	bob, barred := d.user("bob"), d.user("barred")
	d.add(d.acme, bob)
	d.add(d.beta, bob)
	_, err := d.svc.Users.Suspend(d.ctx, barred.ID)
	d.NoError(err)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}, BindsOwners: ptr(true)})
	want := d.halts(tenancy.DecisionUseSingleSignOn, "", byMail("nobody@acme.example"))
	for _, in := range []tenancy.Attempt{
		byMail("bob@acme.example"), byMail("barred@acme.example"), byPassword("c", "bob@acme.example"), byPassword("c", "nobody@acme.example"),
		by(byGoogle, "g", "owner@acme.example", false), to(d.beta, byMail("owner@acme.example")),
	} {
		d.Equal(want, d.halts(tenancy.DecisionUseSingleSignOn, "", in))
	}
}

func policyOfSwitch(d *door) {
	bob := d.visitor(d.acme, "bob@mail.example")
	d.add(d.beta, bob)
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	got := d.enters(to(d.acme, byMail("bob@mail.example")))
	_, err := d.svc.Sessions.Switch(d.ctx, got.Token.Reveal(), d.beta.ID)
	d.ErrorIs(err, tenancy.ErrSignInRefused)
	got = d.enters(to(d.acme, twice(byMail("bob@mail.example"))))
	_, err = d.svc.Sessions.Switch(d.ctx, got.Token.Reveal(), d.beta.ID)
	d.NoError(err)
}
