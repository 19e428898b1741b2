package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func singleSignOnRules() []rule {
	mailed := func(c *tenancy.Config) { c.MailOnly = true }
	return []rule{
		{"P6 a connection lets in whom its organization's domains know", atDoor(ssoJoins)},
		{"P6 a connection proves nothing about other addresses", atDoor(ssoForeign)},
		{"P6 an invitation that only the mailbox has seen", atDoorWith(mailed, ssoMailed)},
		{"P6 a session by an address that it cannot verify is confined", atDoor(ssoConfined)},
		{"P6 a domain that is gone confines too", atDoor(ssoLapsed)},
		{"P8 groups give roles, anew at each sign-in", atDoor(groupRoles)},
		{"P8 M10 groups take nothing but their own", atDoor(groupsOnly)},
		{"P6 O2 a connection of a suspended organization", atDoor(ssoShut)},
		{"U4 U5 a takeover by a subject from before the connection was pointed elsewhere", atDoor(ssoTakenOver)},
	}
}

func ssoJoins(d *door) {
	in := servicetest.Through(d.okta, "s-1", "ann@acme.example")
	d.halts(tenancy.DecisionNotMember, "", in) // it is not switched on
	d.admitting()
	got := d.enters(in)
	d.True(got.Created && got.Linked)
	d.Equal(d.acme.ID, got.OrganizationID)
	d.Equal(tenancy.JoinedSingleSignOn, got.Member.JoinedVia)
	d.Equal(d.okta.ID, got.Session.ConnectionID)
	d.Equal(tenancy.MethodSingleSignOn, got.Session.Method)
	d.False(got.Session.Confined)
	d.Equal(d.okta.ID.String(), d.identities(got.User)[0].Provider)
	d.Nil(d.enters(in).Member)
	// U4: the claim is the provider's word, and without it there is none.
	in = doubting(d.okta, "s-2", "bob@acme.example")
	d.halts(tenancy.DecisionVerifyEmail, "", in)
	d.enters(servicetest.Proving("bob@acme.example", in))
	// It reaches an account that is there, and takes over one that nobody proved.
	cyd := d.NewUser(tenancy.NewUser{Email: "cyd@acme.example"})
	d.Link(cyd, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	taken := d.enters(servicetest.Through(d.okta, "s-3", "cyd@acme.example"))
	d.True(taken.TookOver)
	d.Len(d.identities(cyd), 1)
	// M5: nobody is brought back.
	d.Deactivate(d.acme, cyd)
	d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipInactive, servicetest.Through(d.okta, "s-3", "cyd@acme.example"))
	// With a domain that it can verify it leads elsewhere, too.
	d.Add(d.beta, got.User)
	d.Equal(d.beta.ID, d.enters(servicetest.To(d.beta, servicetest.Through(d.okta, "s-1", "ann@acme.example"))).OrganizationID)
}

// ssoForeign: whatever it asserts about addresses that are none of its business.
func ssoForeign(d *door) {
	d.admitting()
	victim, boss := d.NewUser(tenancy.NewUser{Email: "victim@mail.example", EmailVerified: true}), d.visitor(d.beta, "boss@beta.example")
	for _, email := range []string{"victim@mail.example", "boss@beta.example", "new@mail.example", "new@beta.example", "x@sub.acme.example"} {
		d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Through(d.okta, "evil", email))
		proved := servicetest.Proving(email, servicetest.Through(d.okta, "evil", email))
		d.halts(tenancy.DecisionInvitationNeeded, "", proved)
		d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.To(d.beta, proved))
	}
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Through(d.okta, "evil", "new@mail.example"))
	// Another organization's invitation is none here, and this one's is not enough.
	elsewhere := d.invites(d.beta, "victim@mail.example")
	in := servicetest.Through(d.okta, "evil", "victim@mail.example")
	d.halts(tenancy.DecisionInvitationNeeded, "", bringing(elsewhere, servicetest.Proving("victim@mail.example", in)))
	here := d.invites(d.acme, "victim@mail.example")
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(here, in)) // who invites sees the token
	d.halts(tenancy.DecisionInvitationRefused, tenancy.ErrInvitationForOtherEmail, bringing(here, servicetest.Through(d.okta, "evil", "boss@beta.example")))
	got := d.enters(bringing(here, servicetest.Proving("victim@mail.example", in)))
	d.Equal(victim.ID, got.User.ID)
	d.True(got.Session.Confined)
	d.Empty(d.identities(boss))
}

func ssoMailed(d *door) {
	token := d.invites(d.acme, "ann@mail.example", rbac.Guest)
	got := d.enters(bringing(token, servicetest.Through(d.okta, "s-1", "ann@mail.example")))
	d.True(got.Created)
	d.True(got.Session.Confined)
	d.Equal([]string{rbac.Guest}, got.Member.Roles)
	d.Nil(d.enters(servicetest.Through(d.okta, "s-1", "ann@mail.example")).Member)
}

func ssoConfined(d *door) {
	ann := d.visitor(d.acme, "ann@mail.example")
	d.Add(d.beta, ann)
	d.halts(tenancy.DecisionVerifyEmail, "", servicetest.Through(d.okta, "s-1", "ann@mail.example")) // a member: the mailbox is enough
	in := servicetest.Proving("ann@mail.example", servicetest.Through(d.okta, "s-1", "ann@mail.example"))
	d.True(d.enters(in).Session.Confined)
	known := servicetest.Through(d.okta, "s-1", "")
	got := d.enters(known)
	d.True(got.Session.Confined)
	d.Equal(d.acme.ID, got.OrganizationID) // though they are in two
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.beta, known))
	_, err := d.change(got.Token, d.beta.ID)
	d.Error(err)
	// A known identity brings nobody in who has left.
	d.admitting()
	d.NoError(d.Svc.Memberships.Leave(d.Ctx, d.acme.ID, ann.ID))
	d.halts(tenancy.DecisionNotMember, "", known)
}

func ssoLapsed(d *door) {
	d.admitting()
	in := servicetest.Through(d.okta, "s-1", "ann@acme.example")
	d.False(d.enters(in).Session.Confined)
	d.NoError(d.Svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID))
	d.True(d.enters(in).Session.Confined)
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Through(d.okta, "s-2", "bob@acme.example"))
}

func groupRoles(d *door) {
	d.Declare()
	d.admitting()
	d.Maps(d.okta, map[string]string{"aud": servicetest.Auditor, "clk": servicetest.Clerk, "adm": rbac.Admin})
	got := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example", "clk", "aud", "others"))
	d.Equal([]string{servicetest.Clerk, servicetest.Auditor}, got.Member.Roles)
	user := got.User
	again := func(groups ...string) func() error {
		return func() error {
			_, err := d.Svc.SignIn(d.Ctx, servicetest.Through(d.okta, "s-1", "ann@acme.example", groups...))
			return err
		}
	}
	d.emits(again("aud", "clk"), some(tenancy.EventSessionStarted))
	events := d.emits(again("adm", "aud"), some(tenancy.EventMembershipRolesChanged), some(tenancy.EventSessionStarted))
	d.JSONEq(`{"roles":["clerk","auditor"]}`, string(events[0].Previous))
	d.Equal([]string{rbac.Admin, servicetest.Auditor}, d.rolesAt(d.acme, user))
	d.NoError(again()())
	d.Equal([]string{rbac.Member}, d.rolesAt(d.acme, user)) // at least one
	d.emits(again(), some(tenancy.EventSessionStarted))
	d.NoError(again("aud")())
	d.Equal([]string{servicetest.Auditor}, d.rolesAt(d.acme, user))
	// The map counts as it is now.
	d.Maps(d.okta, map[string]string{"aud": servicetest.Clerk})
	d.NoError(again("aud")())
	d.Equal([]string{servicetest.Clerk}, d.rolesAt(d.acme, user))
	// Not by another way of signing in.
	d.silentRoles(user, servicetest.ByMail("ann@acme.example"))
}

func (d *door) silentRoles(user tenancy.User, in tenancy.Attempt) {
	d.T.Helper()
	before := d.rolesAt(d.acme, user)
	d.enters(in)
	d.Equal(before, d.rolesAt(d.acme, user))
}

func groupsOnly(d *door) {
	d.Declare()
	d.Maps(d.okta, map[string]string{"aud": servicetest.Auditor, "clk": servicetest.Clerk})
	ann := d.User("ann")
	d.Add(d.acme, ann, servicetest.Auditor)
	d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example", "aud", "clk"))
	d.Equal([]string{servicetest.Clerk, servicetest.Auditor}, d.rolesAt(d.acme, ann))
	second := d.Connect(d.acme, "Second")
	d.Maps(second, map[string]string{"g": rbac.Guest})
	d.enters(servicetest.Through(second, "t-1", "ann@acme.example", "g"))
	d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example"))
	d.Equal([]string{rbac.Guest, servicetest.Auditor}, d.rolesAt(d.acme, ann)) // by hand, and by the other
	// The owner is never stripped (M7).
	d.enters(servicetest.Through(d.okta, "s-2", "owner@acme.example", "aud"))
	d.Equal([]string{rbac.Owner, servicetest.Auditor}, d.rolesAt(d.acme, d.owner))
	d.enters(servicetest.Through(d.okta, "s-2", "owner@acme.example"))
	d.Equal([]string{rbac.Owner}, d.rolesAt(d.acme, d.owner))
}

func ssoShut(d *door) {
	d.admitting()
	in := servicetest.Through(d.okta, "s-1", "ann@acme.example")
	ann := d.enters(in).User
	d.Add(d.beta, ann)
	d.suspend(d.acme)
	d.halts(tenancy.DecisionSuspended, "", in)
	d.halts(tenancy.DecisionSuspended, "", servicetest.To(d.beta, in))
	d.halts(tenancy.DecisionSuspended, "", servicetest.Through(d.okta, "s-2", "new@acme.example")) // nobody is made
	d.Archive(d.acme)
	d.unchanged(func() {
		_, err := d.Svc.SignIn(d.Ctx, in)
		d.Failed(err, tenancy.ErrNotFound, "")
	})
}

// ssoTakenOver: the identity from before goes with the takeover, and is not looked for
// again.
func ssoTakenOver(d *door) {
	ann := d.NewUser(tenancy.NewUser{Email: "ann@acme.example"})
	d.Add(d.acme, ann)
	d.Link(ann, tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "s-1"})
	c, err := d.Svc.Connections.Update(d.Ctx, d.acme.ID, d.okta.ID, tenancy.ConnectionUpdate{Issuer: servicetest.Ptr("https://other.example")})
	d.NoError(err)
	got := d.enters(servicetest.Through(c, "s-1", "ann@acme.example"))
	d.True(got.TookOver && got.Linked)
	d.Equal(ann.ID, got.User.ID)
	d.Len(d.identities(ann), 1)
	d.Equal(c.Epoch, d.identities(ann)[0].Epoch)
}
