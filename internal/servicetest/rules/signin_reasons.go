package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// reasonRules: what is absent changes nothing, and a refusal says why.
func reasonRules() []rule {
	refuse := func(c *tenancy.Config) { c.OnJoin = refuseVetoed }
	few := func(c *tenancy.Config) { c.Limits.JoinRequests = 1 }
	return []rule{
		{"P8 attack: a provider that asserts no groups takes roles away", atDoor(absentGroups)},
		{"P5 a refused joining says why, also where no organization was named", atDoorWith(refuse, refusedJoining)},
		{"P5 a refused request to join says why, also where no organization was named", atDoorWith(few, refusedRequest)},
		{"P5 a suspended decision says who is suspended", atDoor(whoIsSuspended)},
	}
}

// absentGroups: nil is that nothing was asserted, and empty is no group.
func absentGroups(d *door) {
	d.admitting()
	d.Maps(d.okta, map[string]string{"admins": rbac.Admin})
	bob := d.enters(servicetest.Through(d.okta, "s-1", "bob@acme.example", "admins")).User
	answer := func(claims string) tenancy.Attempt {
		return servicetest.Asserting(d.okta, tenancy.AssertionFromClaims([]byte(`{"sub":"s-1","email":"bob@acme.example"`+claims+`}`)))
	}
	for name, in := range map[string]tenancy.Attempt{
		"no claim": answer(``), "null": answer(`,"groups":null`), "a text": answer(`,"groups":"admins"`), "a number": answer(`,"groups":1`),
		"a list of numbers": answer(`,"groups":[1]`), "another case": answer(`,"Groups":[]`), "SAML": servicetest.Asserting(d.okta, tenancy.Assertion{Subject: "s-1"}),
		"mail": servicetest.ByMail("bob@acme.example"),
	} {
		d.each(name, func(w *world) {
			w.enters(in)
			w.Equal([]string{rbac.Admin}, w.rolesAt(d.acme, bob))
		})
	}
	d.enters(answer(`,"groups":[]`))
	d.Equal([]string{rbac.Member}, d.rolesAt(d.acme, bob))
	d.enters(answer(`,"groups":["others","admins"]`))
	d.Equal([]string{rbac.Admin}, d.rolesAt(d.acme, bob))
	// A new member without asserted groups gets the default role.
	d.Equal([]string{rbac.Member}, d.enters(servicetest.Asserting(d.okta, tenancy.Assertion{Subject: "s-2", Email: "cyd@acme.example"})).Member.Roles)
}

// refusedJoining: where no organization was named, the sign-in succeeds and says why.
func refusedJoining(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	view := tenancy.OrganizationView{ID: d.acme.ID, DisplayName: "Acme"}
	says := func(code tenancy.Code, local string) {
		d.T.Helper()
		got := d.enters(servicetest.ByMail(local + "@acme.example"))
		d.True(got.OrganizationID.IsZero())
		d.Nil(got.Member)
		d.Equal(&tenancy.JoinRefusal{Organization: view, Code: code}, got.JoinRefused)
		d.Contains(d.json(got), `"join_refused":{"organization":{"id":"`+d.acme.ID.String()+`","display_name":"Acme"},"code":"`+string(code)+`"}`)
		d.halts(tenancy.DecisionNotMember, code, servicetest.To(d.acme, servicetest.ByMail(local+"@acme.example")))
	}
	d.Nil(d.enters(servicetest.ByMail("fine@acme.example")).JoinRefused)
	says(tenancy.ErrJoinRefused, "vetoed")
	d.limitSeats(1)
	says(tenancy.ErrSeatLimit, "late")
	d.limitSeats(0)
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"acme.example"}})
	d.NoError(err)
	says(tenancy.ErrEmailDomainNotAllowed, "blocked")
	// A member of another organization is signed in there, and the decision says why.
	bob := d.User("bob")
	d.Add(d.beta, bob)
	got := d.enters(servicetest.ByMail(bob.Email))
	d.Equal(d.beta.ID, got.OrganizationID)
	d.Equal(tenancy.ErrEmailDomainNotAllowed, got.JoinRefused.Code)
	d.Nil(d.enters(servicetest.To(d.beta, servicetest.ByMail(bob.Email))).JoinRefused) // they named another organization
	d.Nil(d.enters(servicetest.ByMail("stranger@mail.example")).JoinRefused)
	d.Nil(d.enters(servicetest.ByMail(d.owner.Email)).JoinRefused)
}

func refusedRequest(d *door) {
	d.joining(tenancy.JoiningRequest, "")
	says := func(code tenancy.Code, email string) {
		d.T.Helper()
		got := d.enters(servicetest.ByMail(email))
		d.Equal(code, got.JoinRefused.Code)
		d.Equal(d.acme.ID, got.JoinRefused.Organization.ID)
		d.halts(tenancy.DecisionNotMember, code, servicetest.To(d.acme, servicetest.ByMail(email)))
	}
	filed := d.tries(servicetest.ByMail("ann@acme.example"))
	d.tries(servicetest.ByMail("cyd@acme.example"))
	d.Equal(tenancy.DecisionRequestFiled, filed.Kind)
	d.Nil(filed.JoinRefused)
	says(tenancy.ErrInvalid, "bob@acme.example") // the limit of waiting requests
	_, err := d.Svc.JoinRequests.Decline(d.Ctx, filed.Request.ID)
	d.NoError(err)
	says(tenancy.ErrJoinRequestDecided, "ann@acme.example")
}

func whoIsSuspended(d *door) {
	barred, locked := d.person("barred"), d.visitor(d.beta, "locked@mail.example")
	gamma := d.Org("Gamma")
	d.Add(gamma, locked)
	d.Link(barred, google("g-barred", "", false))
	_, err := d.Svc.Users.Suspend(d.Ctx, barred.ID)
	d.NoError(err)
	d.suspend(d.beta)
	d.suspend(gamma)
	says := func(reason tenancy.Reason, org tenancy.OrganizationID, in tenancy.Attempt) {
		d.T.Helper()
		got := d.halts(tenancy.DecisionSuspended, "", in)
		d.Equal(reason, got.Reason)
		d.Equal(org, got.OrganizationID)
		d.Contains(d.json(got), `"reason":"`+string(reason)+`"`)
	}
	says(tenancy.ReasonUserSuspended, servicetest.NowhereYet, servicetest.ByMail(barred.Email))
	says(tenancy.ReasonUserSuspended, servicetest.NowhereYet, servicetest.To(d.acme, servicetest.ByMail(barred.Email)))
	says(tenancy.ReasonUserSuspended, servicetest.NowhereYet, servicetest.ByProvider(servicetest.Google, "g-barred", "", nil))
	says(tenancy.ReasonOrganizationSuspended, servicetest.NowhereYet, servicetest.ByMail(locked.Email)) // both of them
	says(tenancy.ReasonOrganizationSuspended, d.beta.ID, servicetest.To(d.beta, servicetest.ByMail(locked.Email)))
	says(tenancy.ReasonOrganizationSuspended, d.beta.ID, servicetest.Through(d.entra, "e-1", "new@beta.example"))
	// Without proof neither is told.
	d.halts(tenancy.DecisionVerifyEmail, "", servicetest.ByPassword("c-1", barred.Email))
	d.NoError(d.Svc.Transact(d.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Organizations.Resume(ctx, gamma.ID)
		return err
	}))
	d.Equal(gamma.ID, d.enters(servicetest.ByMail(locked.Email)).OrganizationID)
}
