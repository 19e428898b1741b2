package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// signInFoundingRules are about organizations that are founded by signing in (rules P5, O6).
func signInFoundingRules() []rule {
	serving := func(c *tenancy.Config) { c.SelfServe, c.Limits.UserOrganizations = true, 2 }
	return []rule{
		{"P5 a person founds an organization by signing in", atDoorWith(serving, foundsBySignIn)},
		{"P5 O6 what founds nothing by signing in leaves nothing behind", atDoorWith(serving, foundsNothing)},
		{"P5 who may not create an organization founds none by signing in", atDoor(foundsUnserved)},
		{"P5 founding by signing in where registration is closed", atDoorWith(func(c *tenancy.Config) {
			serving(c)
			c.Registration = tenancy.RegistrationClosed
		}, foundsClosed)},
	}
}

// founding is an attempt that founds an organization.
func founding(name string, in tenancy.Attempt) tenancy.Attempt {
	in.Found = &tenancy.NewOrganization{DisplayName: name}
	return in
}

func foundsBySignIn(d *door) {
	d.joining(tenancy.JoiningAuto, "") // where they do not want to
	var got tenancy.Decision
	d.emits(func() (err error) {
		got, err = d.Svc.SignIn(d.Ctx, founding("Gamma", servicetest.ByMail("ann@acme.example")))
		return err
	}, some(tenancy.EventUserCreated), some(tenancy.EventOrganizationCreated), some(tenancy.EventMembershipCreated), some(tenancy.EventSessionStarted))
	d.Equal(tenancy.DecisionSignedIn, got.Kind)
	d.True(got.Created)
	org, err := d.Svc.Organizations.Get(d.Ctx, got.OrganizationID)
	d.NoError(err)
	d.Equal("Gamma", org.DisplayName)
	d.Equal(org.ID, got.Session.OrganizationID)
	d.Equal(got.Session.MembershipID, got.Member.ID)
	d.Equal([]string{rbac.Owner}, got.Member.Roles)
	d.Equal(tenancy.JoinedCreated, got.Member.JoinedVia)
	d.Equal([]tenancy.UserID{got.User.ID}, d.owners(org))
	d.True(d.stands(got))
	for e, err := range d.Svc.Events.All(d.Ctx, tenancy.EventQuery{OrganizationID: org.ID}) {
		d.NoError(err)
		d.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: got.User.ID.String()}, e.Actor)
	}
	_, err = d.Svc.Memberships.Get(d.Ctx, d.acme.ID, got.User.ID)
	d.Failed(err, tenancy.ErrNotFound, "")

	// After a choice, and for somebody whom the connection vouches for.
	later := servicetest.ByMail("bob@mail.example")
	later.ChooseLater = true
	_, token := d.waits(tenancy.DecisionChooseOrganization, later)
	org, err = d.Svc.Organizations.Get(d.Ctx, d.enters(founding("Delta", resuming(token))).OrganizationID)
	d.NoError(err)
	d.Equal("Delta", org.DisplayName)
	d.isVoid(token)
	d.admitting()
	d.enters(servicetest.Through(d.okta, "s-1", "cyd@acme.example"))
	d.NotEqual(d.acme.ID, d.enters(founding("Epsilon", servicetest.Through(d.okta, "s-1", "cyd@acme.example"))).OrganizationID)
}

func foundsNothing(d *door) {
	ann := d.NewUser(tenancy.NewUser{Email: "ann@mail.example", EmailVerified: true})
	refused := func(code tenancy.Code, field string, in tenancy.Attempt) {
		d.T.Helper()
		d.refuses(code, field, func() error { _, err := d.Svc.SignIn(d.Ctx, in); return err })
	}
	fresh := servicetest.ByMail("new@mail.example")
	refused(tenancy.ErrInvalid, "display_name", founding("", fresh))
	refused(tenancy.ErrInvalid, "found", servicetest.To(d.acme, founding("Gamma", fresh)))
	refused(tenancy.ErrInvalid, "found", bringing(d.invites(d.acme, "new@mail.example"), founding("Gamma", fresh)))
	linking := founding("Gamma", servicetest.ByPassword("c-1", ""))
	linking.LinkTo = d.enters(servicetest.ByMail(ann.Email)).Token.Reveal()
	refused(tenancy.ErrInvalid, "found", linking)
	for field, in := range map[string]tenancy.NewOrganization{
		"found.owner": {DisplayName: "Gamma", Owner: ann.ID}, "metadata": {DisplayName: "Gamma", Metadata: map[string]string{"plan": "free"}},
		"seat_limit": {DisplayName: "Gamma", Settings: tenancy.Settings{SeatLimit: 1}}, "external_id": {DisplayName: "Gamma", ExternalID: "x"},
	} {
		code := tenancy.ErrForbidden
		if field == "found.owner" {
			code = tenancy.ErrInvalid
		}
		attempt := fresh
		attempt.Found = &in
		refused(code, field, attempt)
	}

	d.halts(tenancy.DecisionVerifyEmail, "", founding("Gamma", servicetest.ByPassword("c-9", "new@mail.example")))
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	d.halts(tenancy.DecisionUseSingleSignOn, "", founding("Gamma", servicetest.ByMail("new@acme.example")))
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}})
	guest := d.visitor(d.acme, "guest@mail.example") // whom the connection vouches for in acme alone
	d.Link(guest, tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "s-9"})
	confined := founding("Gamma", servicetest.Through(d.okta, "s-9", "guest@mail.example"))
	d.halts(tenancy.DecisionNotMember, "", confined)
	dead, err := d.Svc.Invitations.Send(d.Ctx, tenancy.NewInvitation{OrganizationID: d.acme.ID, Email: "late@mail.example"})
	d.NoError(err)
	_, err = d.Svc.Invitations.Revoke(d.Ctx, dead.ID)
	d.NoError(err)
	d.halts(tenancy.DecisionInvitationRefused, tenancy.ErrInvitationRevoked, bringing(dead.Token.Reveal(), confined))

	for range 2 {
		d.enters(founding("Gamma", servicetest.ByMail(ann.Email)))
	}
	refused(tenancy.ErrInvalid, "organizations", founding("Gamma", servicetest.ByMail(ann.Email)))

	// An error leaves the pending sign-in as it is: the person may correct what they wrote.
	later := fresh
	later.ChooseLater = true
	_, token := d.waits(tenancy.DecisionChooseOrganization, later)
	for range 6 {
		refused(tenancy.ErrInvalid, "display_name", founding(" ", resuming(token)))
	}
	d.enters(founding("Gamma", resuming(token)))
}

func foundsUnserved(d *door) {
	d.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := d.Svc.SignIn(d.Ctx, founding("Gamma", servicetest.ByMail("new@mail.example")))
		return err
	})
}

func foundsClosed(d *door) {
	fresh := servicetest.ByMail("new@mail.example")
	d.joining(tenancy.JoiningAuto, "")
	d.halts(tenancy.DecisionInvitationNeeded, "", founding("Gamma", fresh))
	d.halts(tenancy.DecisionInvitationNeeded, "", founding("Gamma", servicetest.ByMail("new@acme.example")))
	sent, err := d.Svc.Invitations.Send(d.Ctx, tenancy.NewInvitation{Email: "new@mail.example"})
	d.NoError(err)
	later := bringing(sent.Token.Reveal(), fresh)
	later.ChooseLater = true
	_, token := d.waits(tenancy.DecisionChooseOrganization, later)
	got := d.enters(founding("Gamma", resuming(token)))
	d.True(got.Created)
	d.Equal([]string{rbac.Owner}, got.Member.Roles)
}
