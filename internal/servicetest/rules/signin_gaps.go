package rules

import (
	"context"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// gapRules are what lies between two chapters: sign-in beside mail, requests, groups
// and policies.
func gapRules() []rule {
	closed := func(c *tenancy.Config) { c.Registration = tenancy.RegistrationClosed }
	few := func(c *tenancy.Config) { c.Limits.JoinRequests = 1 }
	return []rule{
		{"P7 somebody in many organizations chooses among them, or names one", on(manyPlaces)},
		{"I2 M11 what OnJoin mails at a sign-in is sent", atDoor(mailedByJoining)},
		{"P5 D7 who is invited into the application is no stranger", atDoorWith(closed, invitedStranger)},
		{"I7 D7 a request that cannot be filed holds nobody up", atDoorWith(few, requestHoldsUp)},
		{"I7 a request that was decided is not filed again by signing in", atDoor(requestOnce)},
		{"P8 groups count for who comes by an invitation", atDoor(groupsOfInvited)},
		{"P6 attack: a provider takes up an invitation for somebody who left", atDoor(backWithoutMailbox)},
		{"P6 attack: a session started through a connection that proves nothing", atDoor(startThroughAnything)},
		{"P6 an address that a connection tells and may not assert", atDoor(toldAddress)},
		{"P8 G9 groups give no more roles than a member may hold", atDoorWith(func(c *tenancy.Config) { c.Limits.MemberRoles = 2 }, groupsFill)},
		{"P2 single sign-on as a method is by the organization's own", atDoor(ownSingleSignOn)},
		{"P2 P4 single sign-on alone needs something to go through", atDoor(singleSignOnAlone)},
		{"U4 a malformed address locks nobody out, and proves nothing", atDoor(malformedAddress)},
	}
}

func mailedByJoining(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	box := &mailbox{w: d.world}
	d.Svc = d.Another(func(c *tenancy.Config) {
		c.Mailer = box
		c.OnJoin = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
			_, err := tx.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: d.beta.ID, Email: j.User.Email})
			return err
		}
	})
	d.enters(servicetest.ByMail("ann@acme.example"))
	d.Len(box.sent, 1)
	d.enters(servicetest.To(d.acme, servicetest.ByMail("bob@acme.example")))
	d.Len(box.sent, 2)
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.beta, servicetest.ByMail("cyd@acme.example"))) // undone, and not sent
	d.Len(box.sent, 2)
}

func invitedStranger(d *door) {
	d.joining(tenancy.JoiningRequest, "")
	in := bringing(d.invites(tenancy.Organization{}, "bob@acme.example"), servicetest.ByMail("bob@acme.example"))
	got := d.enters(in)
	d.True(got.Created)
	d.True(got.OrganizationID.IsZero())
	token := d.invites(tenancy.Organization{}, "cyd@acme.example")
	asked, err := d.Svc.SignIn(d.Ctx, servicetest.To(d.acme, bringing(token, servicetest.ByMail("cyd@acme.example"))))
	d.NoError(err)
	d.Equal(tenancy.DecisionRequestFiled, asked.Kind)
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.ByMail("eve@acme.example"))
}

func requestHoldsUp(d *door) {
	d.joining(tenancy.JoiningRequest, "")
	first, err := d.Svc.SignIn(d.Ctx, servicetest.ByMail("ann@acme.example"))
	d.NoError(err)
	d.Equal(tenancy.DecisionRequestFiled, first.Kind)
	second, err := d.Svc.SignIn(d.Ctx, servicetest.ByMail("dan@acme.example"))
	d.NoError(err)
	d.Equal(tenancy.DecisionRequestFiled, second.Kind)
	d.True(d.enters(servicetest.ByMail("bob@acme.example")).OrganizationID.IsZero()) // there are as many as may wait
	d.halts(tenancy.DecisionNotMember, tenancy.ErrInvalid, servicetest.To(d.acme, servicetest.ByMail("bob@acme.example")))
	d.silent(func() error { // and the first still waits
		again, err := d.Svc.SignIn(d.Ctx, servicetest.ByMail("ann@acme.example"))
		d.Equal(first.Request, again.Request)
		return err
	})
	_, err = d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"acme.example"}})
	d.NoError(err)
	d.True(d.enters(servicetest.ByMail("cyd@acme.example")).OrganizationID.IsZero())
}

func requestOnce(d *door) {
	d.joining(tenancy.JoiningRequest, "")
	in := servicetest.ByMail("ann@acme.example")
	files := func(in tenancy.Attempt) tenancy.JoinRequest {
		got, err := d.Svc.SignIn(d.Ctx, in)
		d.NoError(err)
		d.Equal(tenancy.DecisionRequestFiled, got.Kind)
		d.Clock.Advance(time.Minute)
		return *got.Request
	}
	req := files(in)
	_, err := d.Svc.JoinRequests.Cancel(d.Ctx, req.ID)
	d.NoError(err)
	d.True(d.enters(in).OrganizationID.IsZero())
	req = files(servicetest.To(d.acme, in)) // they want to, after all
	_, err = d.Svc.JoinRequests.Decline(d.Ctx, req.ID)
	d.NoError(err)
	d.True(d.enters(in).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, tenancy.ErrJoinRequestDecided, servicetest.To(d.acme, in))
}

func groupsOfInvited(d *door) {
	d.admitting()
	d.Maps(d.okta, map[string]string{"adm": rbac.Admin, "gst": rbac.Guest})
	ann := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example", "adm")).User
	d.Deactivate(d.acme, ann)
	// Back as a guest, and the provider asserts no group any more.
	token := d.invites(d.acme, "ann@acme.example", rbac.Guest)
	got := d.enters(bringing(token, servicetest.Through(d.okta, "s-1", "ann@acme.example")))
	d.Equal([]string{rbac.Guest}, d.rolesAt(d.acme, ann))
	d.Equal(d.Member(d.acme, ann), *got.Member)
	token = d.invites(d.acme, "bob@acme.example")
	got = d.enters(bringing(token, servicetest.Through(d.okta, "s-2", "bob@acme.example", "gst")))
	d.Contains(got.Member.Roles, rbac.Guest)
}

func backWithoutMailbox(d *door) {
	victim := d.NewUser(tenancy.NewUser{Email: "victim@mail.example", EmailVerified: true})
	in := servicetest.Through(d.okta, "s-1", "victim@mail.example")
	d.enters(bringing(d.invites(d.acme, "victim@mail.example"), servicetest.Proving("victim@mail.example", in)))
	d.NoError(d.Svc.Memberships.Leave(d.Ctx, d.acme.ID, victim.ID))
	token := d.invites(d.acme, "victim@mail.example") // which who invites can see
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(token, in))
	d.True(d.enters(bringing(token, servicetest.Proving("victim@mail.example", in))).Session.Confined)
}

func startThroughAnything(d *door) {
	victim := d.visitor(d.beta, "victim@mail.example")
	d.Add(d.acme, victim)
	ann := d.User("ann")
	d.Add(d.beta, ann)
	start := func(user tenancy.User, at tenancy.OrganizationID, c tenancy.Connection, confined bool) func() error {
		return func() error {
			in := servicetest.Starting(user.ID, at)
			in.Method, in.ConnectionID, in.Confined = tenancy.MethodSingleSignOn, c.ID, confined
			_, err := d.Svc.Sessions.Start(d.Ctx, in)
			return err
		}
	}
	d.refuses(tenancy.ErrInvalid, "confined", start(victim, d.beta.ID, d.okta, false))
	d.refuses(tenancy.ErrInvalid, "confined", start(victim, d.beta.ID, d.okta, true))
	d.refuses(tenancy.ErrInvalid, "confined", start(victim, d.acme.ID, d.okta, false))
	d.refuses(tenancy.ErrInvalid, "confined", start(victim, servicetest.NowhereYet, d.okta, false))
	d.NoError(start(victim, d.acme.ID, d.okta, true)())
	d.NoError(start(ann, d.beta.ID, d.okta, false)()) // it can verify her address
	second := d.Connect(d.acme, "Second")
	_, err := d.Svc.Connections.Update(d.Ctx, d.acme.ID, second.ID, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
	d.NoError(err)
	d.refuses(tenancy.ErrNotFound, "", start(ann, d.beta.ID, second, false))
	d.suspend(d.acme)
	d.refuses(tenancy.ErrOrganizationClosed, "", start(ann, d.beta.ID, d.okta, false))
	d.Archive(d.acme)
	d.refuses(tenancy.ErrNotFound, "", start(ann, d.beta.ID, d.okta, false))
}

// toldAddress: of a known identity it is kept as it is told, and not as proved.
func toldAddress(d *door) {
	d.admitting()
	ann := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example")).User
	d.True(d.identities(ann)[0].EmailVerified)
	d.enters(servicetest.Through(d.okta, "s-1", "boss@beta.example"))
	d.Equal("boss@beta.example", d.identities(ann)[0].Email)
	d.False(d.identities(ann)[0].EmailVerified)
	d.enters(servicetest.Through(d.okta, "s-1", "ann.b@acme.example"))
	d.True(d.identities(ann)[0].EmailVerified)
}

func groupsFill(d *door) {
	ann := d.User("ann")
	d.Add(d.acme, ann, rbac.Member)
	d.Maps(d.okta, map[string]string{"adm": rbac.Admin, "gst": rbac.Guest})
	d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example", "gst", "adm"))
	d.Equal([]string{rbac.Admin, rbac.Member}, d.rolesAt(d.acme, ann)) // the first by priority
}

func ownSingleSignOn(d *door) {
	in := servicetest.Proving("bob@acme.example", servicetest.Through(d.entra, "e-1", "bob@acme.example"))
	token := d.invites(d.beta, "bob@acme.example")
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Google, tenancy.MethodSingleSignOn}}})
	d.halts(tenancy.DecisionUseOtherMethod, "", bringing(token, in))
	hints := tenancy.RouteHints{ConnectionID: d.entra.ID}
	d.Empty(d.routed("bob@acme.example", hints).Connections)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{tenancy.MethodSingleSignOn}}})
	halted := d.halts(tenancy.DecisionUseSingleSignOn, "", bringing(token, in))
	d.Equal(views(d.okta), halted.Connections)
	d.Equal(views(d.okta), d.routed("bob@acme.example", hints).Connections)
	d.admitting()
	d.enters(servicetest.Through(d.okta, "s-1", "bob@acme.example"))
}

func singleSignOnAlone(d *door) {
	alone := tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{tenancy.MethodSingleSignOn}}}
	bare := d.Org("Bare")
	d.refuses(tenancy.ErrInvalid, "methods", func() error { _, err := d.Svc.Policies.Set(d.Ctx, bare.ID, alone); return err })
	d.demand(d.acme, alone)
	d.refuses(tenancy.ErrConnectionInUse, "", func() error { return d.Svc.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID) })
	d.refuses(tenancy.ErrConnectionInUse, "", func() error {
		_, err := d.Svc.Connections.Update(d.Ctx, d.acme.ID, d.okta.ID, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
		return err
	})
	d.Connect(d.acme, "Second")
	d.NoError(d.Svc.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID)) // not the last one
}

func malformedAddress(d *door) {
	const odd = `"ann b"@mail.example`
	d.admitting()
	ann := d.enters(servicetest.ByProvider(servicetest.Google, "g-1", "ann@mail.example", true)).User
	for _, verified := range []bool{false, true} {
		d.Equal(ann.ID, d.enters(servicetest.ByProvider(servicetest.Google, "g-1", odd, verified)).User.ID)
		d.Equal("ann@mail.example", d.identities(ann)[0].Email)
	}
	eve := d.enters(servicetest.Through(d.okta, "s-1", "eve@acme.example")).User
	d.Equal(eve.ID, d.enters(servicetest.Through(d.okta, "s-1", odd)).User.ID)
	for _, in := range []tenancy.Attempt{
		servicetest.ByProvider(servicetest.Google, "g-2", odd, true), servicetest.ByProvider(servicetest.Google, "g-2", odd, false),
		servicetest.Through(d.okta, "s-2", odd), servicetest.ByMail(odd), servicetest.ByPassword("c-1", odd),
	} {
		d.refuses(tenancy.ErrInvalid, "email", func() error { _, err := d.Svc.SignIn(d.Ctx, in); return err })
	}
	// The provider's word was about that address alone: it proves no other one.
	bob := d.User("bob")
	token := d.invites(d.beta, "bob@acme.example", rbac.Admin)
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(token, servicetest.ByProvider(servicetest.Google, "g-2", odd, true)))
	d.Empty(d.identities(bob))
}

// manyPlaces signs in a member of many organizations. A sign-in that names one reads only some of the memberships.
func manyPlaces(w *world) {
	ada := w.User("ada")
	orgs := make([]tenancy.Organization, 70)
	for i := range orgs {
		orgs[i] = w.Org(fmt.Sprintf("Place %d", i))
		w.Add(orgs[i], ada)
	}
	w.Deactivate(orgs[68], ada)
	in := servicetest.ByMail(ada.Email)
	got, err := w.Svc.SignIn(w.Ctx, in)
	w.NoError(err)
	w.Equal(tenancy.DecisionChooseOrganization, got.Kind)
	w.Len(got.Choices, 69)
	for _, i := range []int{0, 69} {
		in.OrganizationID = orgs[i].ID
		got, err = w.Svc.SignIn(w.Ctx, in)
		w.NoError(err)
		w.Equal(tenancy.DecisionSignedIn, got.Kind)
		w.Equal(orgs[i].ID, got.Session.OrganizationID)
	}
	in.OrganizationID = orgs[68].ID
	got, err = w.Svc.SignIn(w.Ctx, in)
	w.NoError(err)
	w.NotEqual(tenancy.DecisionSignedIn, got.Kind)
}
