package servicetest

import (
	"context"
	"errors"
	"strings"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func joiningRules() []rule {
	veto := func(c *tenancy.Config) { c.OnJoin = refuseVetoed }
	mailed := func(c *tenancy.Config) { c.MailOnly = true }
	return []rule{
		{"I4 sign-in by invitation", atDoor(invitedSignIn)},
		{"I4 an invitation that is refused is not spent", atDoor(invitationRefused)},
		{"I4 a token that only the mailbox has seen proves it", atDoorWith(mailed, mailedInvitation)},
		{"D7 a verified domain lets people in", atDoor(joinByDomain)},
		{"D7 M5 what a verified domain never does", atDoor(domainNever)},
		{"D7 a domain that suggests, and one that takes requests", atDoor(suggestAndRequest)},
		{"M9 M11 M14 who is not let in is not held up", atDoorWith(veto, drawnAside)},
	}
}

// errNotThem is the host's no.
var errNotThem = errors.New("not them")

func refuseVetoed(_ context.Context, _ *tenancy.Service, j tenancy.Join) error {
	if strings.HasPrefix(j.User.Email, "vetoed@") {
		return errNotThem
	}
	return nil
}

func invitedSignIn(d *door) {
	token := d.invites(d.beta, "ann@mail.example", rbac.Admin)
	got := d.enters(bringing(token, by(byGoogle, "g-1", "ann@mail.example", true)))
	d.True(got.Created && got.Linked)
	d.Equal(d.beta.ID, got.OrganizationID)
	d.Equal(tenancy.JoinedInvitation, got.Member.JoinedVia)
	d.Equal([]string{rbac.Admin}, got.Member.Roles)
	d.Equal(d.beta.ID, d.enters(by(byGoogle, "g-1", "", nil)).OrganizationID)
	// An inactive member comes back by a fresh one (I4).
	d.deactivate(d.beta, got.User)
	d.enters(bringing(d.invites(d.beta, "ann@mail.example"), by(byGoogle, "g-1", "", nil)))
	d.Equal([]string{rbac.Member}, d.rolesAt(d.beta, got.User))
}

func invitationRefused(d *door) {
	token := d.invites(d.beta, "ann@mail.example")
	refused := tenancy.DecisionInvitationRefused
	d.goesOn(tenancy.ErrInvalidToken, bringing("invitation_x", byMail("visitor@mail.example")))
	d.halts(refused, tenancy.ErrInvitationForOtherEmail, bringing(token, byMail("eve@mail.example")))
	d.halts(refused, tenancy.ErrInvitationForOtherEmail, bringing(token, byMail("owner@acme.example")))
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(token, by(byGoogle, "g-1", "ann@mail.example", false)))
	d.suspend(d.beta)
	d.halts(refused, tenancy.ErrOrganizationClosed, bringing(token, byMail("ann@mail.example")))
	_, err := d.svc.Organizations.Resume(d.ctx, d.beta.ID)
	d.NoError(err)
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	d.halts(tenancy.DecisionSecondFactor, "", bringing(token, byMail("ann@mail.example")))
	d.enters(bringing(token, twice(byMail("ann@mail.example"))))
	again := d.goesOn(tenancy.ErrInvitationAccepted, bringing(token, twice(byMail("ann@mail.example")))) // I6
	d.Equal(d.beta.ID, again.OrganizationID)
	d.halts(refused, tenancy.ErrInvitationAccepted, tenancy.Attempt{Invitation: token})
	d.Equal(d.beta.ID, d.enters(twice(byMail("ann@mail.example"))).OrganizationID)
	late := d.invites(d.acme, "ann@mail.example")
	d.clock.advance(40 * 24 * 3600 * 1e9)
	d.halts(tenancy.DecisionSecondFactor, "", bringing(late, byMail("ann@mail.example")))
	d.goesOn(tenancy.ErrInvitationExpired, bringing(late, twice(byMail("ann@mail.example"))))
}

func mailedInvitation(d *door) {
	token := d.invites(d.beta, "ann@mail.example")
	got := d.enters(bringing(token, byPassword("c-1", "ann@mail.example"))) // sign-up with a password, from the mail
	d.True(got.Created)
	d.False(got.User.EmailVerifiedAt.IsZero())
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(d.invites(d.beta, "bob@mail.example"), byPassword("c-2", "eve@mail.example")))
	// A takeover by it keeps what the person came by.
	eve := d.newUser(tenancy.NewUser{Email: "eve@mail.example"})
	mine := d.link(eve, tenancy.NewIdentity{Provider: "password", Subject: "c-3"})
	d.link(eve, tenancy.NewIdentity{Provider: "github", Subject: "evil"})
	got = d.enters(bringing(d.invites(d.beta, "eve@mail.example"), byPassword("c-3", "")))
	d.True(got.TookOver)
	d.Equal([]tenancy.Identity{mine}, d.identities(eve))
}

func joinByDomain(d *door) {
	d.declare()
	d.joining(tenancy.JoiningAuto, auditor)
	got := d.enters(by(byGoogle, "g-1", "ann@acme.example", true))
	d.Equal(d.acme.ID, got.OrganizationID)
	d.Equal(tenancy.JoinedDomain, got.Member.JoinedVia)
	d.Equal(tenancy.RoleDomain, got.Member.Assignments[0].Source)
	d.Equal(d.domain.ID.String(), got.Member.Assignments[0].SourceID)
	d.Equal([]string{auditor}, got.Member.Roles)
	d.Nil(d.enters(by(byGoogle, "g-1", "", nil)).Member) // in already
	// Who is elsewhere too joins, and chooses.
	bob := d.user("bob")
	d.add(d.beta, bob)
	d.Len(d.halts(tenancy.DecisionChooseOrganization, "", byMail("bob@acme.example")).Choices, 2)
	d.Nil(d.enters(to(d.beta, byMail("bob@acme.example"))).Member)
	d.Equal(d.acme.ID, d.enters(to(d.acme, byMail("bob@acme.example"))).Member.OrganizationID)
	// An invitation that waits is overtaken (M2).
	token := d.invites(d.acme, "cyd@acme.example", rbac.Admin)
	cyd := d.enters(byMail("cyd@acme.example"))
	d.Equal([]string{auditor}, cyd.Member.Roles)
	d.goesOn(tenancy.ErrInvitationRevoked, bringing(token, byMail("cyd@acme.example")))
}

func domainNever(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	// D7: it acts only on verified addresses.
	trap := d.newUser(tenancy.NewUser{Email: "trap@acme.example"})
	d.link(trap, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	d.True(d.enters(byPassword("c-1", "")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, "", to(d.acme, byPassword("c-1", "")))
	// M5: it brings nobody back.
	ann := d.enters(byMail("ann@acme.example")).User
	d.deactivate(d.acme, ann)
	d.True(d.enters(byMail("ann@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipInactive, to(d.acme, byMail("ann@acme.example")))
	d.joining(tenancy.JoiningRequest, "")
	d.True(d.enters(byMail("ann@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipInactive, to(d.acme, byMail("ann@acme.example")))
	// Another organization's domain opens none but that.
	d.halts(tenancy.DecisionNotMember, "", to(d.acme, byMail("bob@beta.example")))
	// O2: into what is shut it leads nobody.
	d.joining(tenancy.JoiningAuto, "")
	d.suspend(d.acme)
	d.True(d.enters(byMail("cyd@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionSuspended, "", to(d.acme, byMail("cyd@acme.example")))
	d.archive(d.acme)
	d.True(d.enters(byMail("dan@acme.example")).OrganizationID.IsZero())
}

func suggestAndRequest(d *door) {
	d.joining(tenancy.JoiningSuggest, "")
	got := d.enters(byMail("ann@acme.example"))
	d.Len(got.Suggested, 1)
	d.Equal(d.acme.ID, got.Suggested[0].ID)
	d.True(got.OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, "", to(d.acme, byMail("ann@acme.example")))
	d.Empty(d.enters(byMail("owner@acme.example")).Suggested)

	d.joining(tenancy.JoiningRequest, "")
	in := byMail("bob@acme.example")
	in.Note = "It is me"
	var filed tenancy.Decision
	events := d.emits(func() (err error) { filed, err = d.svc.SignIn(d.ctx, in); return err },
		some(tenancy.EventUserCreated), some(tenancy.EventJoinRequestCreated))
	d.NotEmpty(events)
	d.Equal(tenancy.DecisionRequestFiled, filed.Kind)
	d.True(filed.Created)
	d.True(filed.Token.IsZero())
	d.Equal("It is me", filed.Request.Note)
	d.silent(func() error { // it waits, and is not filed twice
		again, err := d.svc.SignIn(d.ctx, in)
		d.Equal(filed.Request, again.Request)
		return err
	})
	// Who is in elsewhere is asked nothing, unless that is where they want to.
	cyd := d.user("cyd")
	d.add(d.beta, cyd)
	d.Equal(d.beta.ID, d.enters(byMail("cyd@acme.example")).OrganizationID)
	asked, err := d.svc.SignIn(d.ctx, to(d.acme, byMail("cyd@acme.example")))
	d.NoError(err)
	d.Equal(tenancy.DecisionRequestFiled, asked.Kind)
	d.Equal(cyd.ID, asked.Request.UserID)
}

func drawnAside(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	d.Equal(d.acme.ID, d.enters(byMail("fine@acme.example")).OrganizationID)
	d.True(d.enters(byMail("vetoed@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, tenancy.ErrJoinRefused, to(d.acme, byMail("vetoed@acme.example")))
	d.limitSeats(2)
	d.True(d.enters(byMail("late@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, tenancy.ErrSeatLimit, to(d.acme, byMail("late@acme.example")))
	d.limitSeats(0)
	_, err := d.svc.Organizations.Update(d.ctx, d.acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"acme.example"}})
	d.NoError(err)
	d.halts(tenancy.DecisionNotMember, tenancy.ErrEmailDomainNotAllowed, to(d.acme, byMail("late@acme.example")))
}

func (d *door) limitSeats(n int) {
	d.t.Helper()
	_, err := d.svc.Organizations.Update(d.ctx, d.acme.ID, tenancy.OrganizationUpdate{SeatLimit: &n})
	d.NoError(err)
}
