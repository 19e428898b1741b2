package servicetest

import (
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
	in := through(d.okta, "s-1", "ann@acme.example")
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
	d.enters(proving("bob@acme.example", in))
	// It reaches an account that is there, and takes over one that nobody proved.
	cyd := d.newUser(tenancy.NewUser{Email: "cyd@acme.example"})
	d.link(cyd, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	taken := d.enters(through(d.okta, "s-3", "cyd@acme.example"))
	d.True(taken.TookOver)
	d.Len(d.identities(cyd), 1)
	// M5: nobody is brought back.
	d.deactivate(d.acme, cyd)
	d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipInactive, through(d.okta, "s-3", "cyd@acme.example"))
	// With a domain that it can verify it leads elsewhere, too.
	d.add(d.beta, got.User)
	d.Equal(d.beta.ID, d.enters(to(d.beta, through(d.okta, "s-1", "ann@acme.example"))).OrganizationID)
}

// ssoForeign: whatever it asserts about addresses that are none of its business.
func ssoForeign(d *door) {
	d.admitting()
	victim, boss := d.newUser(tenancy.NewUser{Email: "victim@mail.example", EmailVerified: true}), d.visitor(d.beta, "boss@beta.example")
	for _, email := range []string{"victim@mail.example", "boss@beta.example", "new@mail.example", "new@beta.example", "x@sub.acme.example"} {
		d.halts(tenancy.DecisionInvitationNeeded, "", through(d.okta, "evil", email))
		proved := proving(email, through(d.okta, "evil", email))
		d.halts(tenancy.DecisionInvitationNeeded, "", proved)
		d.halts(tenancy.DecisionInvitationNeeded, "", to(d.beta, proved))
	}
	d.halts(tenancy.DecisionInvitationNeeded, "", through(d.okta, "evil", "new@mail.example"))
	// Another organization's invitation is none here, and this one's is not enough.
	elsewhere := d.invites(d.beta, "victim@mail.example")
	in := through(d.okta, "evil", "victim@mail.example")
	d.halts(tenancy.DecisionInvitationNeeded, "", bringing(elsewhere, proving("victim@mail.example", in)))
	here := d.invites(d.acme, "victim@mail.example")
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(here, in)) // who invites sees the token
	d.halts(tenancy.DecisionInvitationRefused, tenancy.ErrInvitationForOtherEmail, bringing(here, through(d.okta, "evil", "boss@beta.example")))
	got := d.enters(bringing(here, proving("victim@mail.example", in)))
	d.Equal(victim.ID, got.User.ID)
	d.True(got.Session.Confined)
	d.Empty(d.identities(boss))
}

func ssoMailed(d *door) {
	token := d.invites(d.acme, "ann@mail.example", rbac.Guest)
	got := d.enters(bringing(token, through(d.okta, "s-1", "ann@mail.example")))
	d.True(got.Created)
	d.True(got.Session.Confined)
	d.Equal([]string{rbac.Guest}, got.Member.Roles)
	d.Nil(d.enters(through(d.okta, "s-1", "ann@mail.example")).Member)
}

func ssoConfined(d *door) {
	ann := d.visitor(d.acme, "ann@mail.example")
	d.add(d.beta, ann)
	d.halts(tenancy.DecisionVerifyEmail, "", through(d.okta, "s-1", "ann@mail.example")) // a member: the mailbox is enough
	in := proving("ann@mail.example", through(d.okta, "s-1", "ann@mail.example"))
	d.True(d.enters(in).Session.Confined)
	known := through(d.okta, "s-1", "")
	got := d.enters(known)
	d.True(got.Session.Confined)
	d.Equal(d.acme.ID, got.OrganizationID) // though they are in two
	d.halts(tenancy.DecisionNotMember, "", to(d.beta, known))
	_, err := d.svc.Sessions.Switch(d.ctx, got.Token.Reveal(), d.beta.ID)
	d.Error(err)
	// A known identity brings nobody in who has left.
	d.admitting()
	d.NoError(d.svc.Memberships.Leave(d.ctx, d.acme.ID, ann.ID))
	d.halts(tenancy.DecisionNotMember, "", known)
}

func ssoLapsed(d *door) {
	d.admitting()
	in := through(d.okta, "s-1", "ann@acme.example")
	d.False(d.enters(in).Session.Confined)
	d.NoError(d.svc.Domains.Release(d.ctx, d.acme.ID, d.domain.ID))
	d.True(d.enters(in).Session.Confined)
	d.halts(tenancy.DecisionInvitationNeeded, "", through(d.okta, "s-2", "bob@acme.example"))
}

func groupRoles(d *door) {
	d.declare()
	d.admitting()
	d.maps(d.okta, map[string]string{"aud": auditor, "clk": clerk, "adm": rbac.Admin})
	got := d.enters(through(d.okta, "s-1", "ann@acme.example", "clk", "aud", "others"))
	d.Equal([]string{clerk, auditor}, got.Member.Roles)
	user := got.User
	again := func(groups ...string) func() error {
		return func() error {
			_, err := d.svc.SignIn(d.ctx, through(d.okta, "s-1", "ann@acme.example", groups...))
			return err
		}
	}
	d.emits(again("aud", "clk"), some(tenancy.EventSessionStarted))
	events := d.emits(again("adm", "aud"), some(tenancy.EventMembershipRolesChanged), some(tenancy.EventSessionStarted))
	d.JSONEq(`{"roles":["clerk","auditor"]}`, string(events[0].Previous))
	d.Equal([]string{rbac.Admin, auditor}, d.rolesAt(d.acme, user))
	d.NoError(again()())
	d.Equal([]string{rbac.Member}, d.rolesAt(d.acme, user)) // at least one
	d.emits(again(), some(tenancy.EventSessionStarted))
	d.NoError(again("aud")())
	d.Equal([]string{auditor}, d.rolesAt(d.acme, user))
	// The map counts as it is now.
	d.maps(d.okta, map[string]string{"aud": clerk})
	d.NoError(again("aud")())
	d.Equal([]string{clerk}, d.rolesAt(d.acme, user))
	// Not by another way of signing in.
	d.silentRoles(user, byMail("ann@acme.example"))
}

func (d *door) silentRoles(user tenancy.User, in tenancy.Attempt) {
	d.t.Helper()
	before := d.rolesAt(d.acme, user)
	d.enters(in)
	d.Equal(before, d.rolesAt(d.acme, user))
}

func groupsOnly(d *door) {
	d.declare()
	d.maps(d.okta, map[string]string{"aud": auditor, "clk": clerk})
	ann := d.user("ann")
	d.add(d.acme, ann, auditor)
	d.enters(through(d.okta, "s-1", "ann@acme.example", "aud", "clk"))
	d.Equal([]string{clerk, auditor}, d.rolesAt(d.acme, ann))
	second := d.connect(d.acme, "Second")
	d.maps(second, map[string]string{"g": rbac.Guest})
	d.enters(through(second, "t-1", "ann@acme.example", "g"))
	d.enters(through(d.okta, "s-1", "ann@acme.example"))
	d.Equal([]string{rbac.Guest, auditor}, d.rolesAt(d.acme, ann)) // by hand, and by the other
	// The owner is never stripped (M7).
	d.enters(through(d.okta, "s-2", "owner@acme.example", "aud"))
	d.Equal([]string{rbac.Owner, auditor}, d.rolesAt(d.acme, d.owner))
	d.enters(through(d.okta, "s-2", "owner@acme.example"))
	d.Equal([]string{rbac.Owner}, d.rolesAt(d.acme, d.owner))
}

func ssoShut(d *door) {
	d.admitting()
	in := through(d.okta, "s-1", "ann@acme.example")
	ann := d.enters(in).User
	d.add(d.beta, ann)
	d.suspend(d.acme)
	d.halts(tenancy.DecisionSuspended, "", in)
	d.halts(tenancy.DecisionSuspended, "", to(d.beta, in))
	d.halts(tenancy.DecisionSuspended, "", through(d.okta, "s-2", "new@acme.example")) // nobody is made
	d.archive(d.acme)
	d.unchanged(func() {
		_, err := d.svc.SignIn(d.ctx, in)
		d.failed(err, tenancy.ErrNotFound, "")
	})
}

// ssoTakenOver: the identity from before goes with the takeover, and is not looked for
// again.
func ssoTakenOver(d *door) {
	ann := d.newUser(tenancy.NewUser{Email: "ann@acme.example"})
	d.add(d.acme, ann)
	d.link(ann, tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "s-1"})
	c, err := d.svc.Connections.Update(d.ctx, d.acme.ID, d.okta.ID, tenancy.ConnectionUpdate{Issuer: ptr("https://other.example")})
	d.NoError(err)
	got := d.enters(through(c, "s-1", "ann@acme.example"))
	d.True(got.TookOver && got.Linked)
	d.Equal(ann.ID, got.User.ID)
	d.Len(d.identities(ann), 1)
	d.Equal(c.Epoch, d.identities(ann)[0].Epoch)
}
