package rules

import (
	"context"
	"errors"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func joiningRules() []rule {
	veto := func(c *tenancy.Config) { c.OnJoin = refuseVetoed }
	mailed := func(c *tenancy.Config) { c.MailOnly = true }
	return []rule{
		{"I4 sign-in by invitation", atDoor(invitedSignIn)},
		{"I2 M2 an invitation that somebody new takes up is not offered to them first, and others are", atDoor(takenUpAtOnce)},
		{"M6 signing in by an invitation ends what is remembered of who was removed", atDoor(removedAndInvited)},
		{"P5 O2 what the hook of a join has changed counts for the rest of the sign-in", atDoorWith(suspending, suspendedByHook)},
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
	got := d.enters(bringing(token, servicetest.ByProvider(servicetest.Google, "g-1", "ann@mail.example", true)))
	d.True(got.Created && got.Linked)
	d.Equal(d.beta.ID, got.OrganizationID)
	d.Equal(tenancy.JoinedInvitation, got.Member.JoinedVia)
	d.Equal([]string{rbac.Admin}, got.Member.Roles)
	d.Equal(d.beta.ID, d.enters(servicetest.ByProvider(servicetest.Google, "g-1", "", nil)).OrganizationID)
	// An inactive member comes back by a fresh one (I4).
	d.Deactivate(d.beta, got.User)
	d.enters(bringing(d.invites(d.beta, "ann@mail.example"), servicetest.ByProvider(servicetest.Google, "g-1", "", nil)))
	d.Equal([]string{rbac.Member}, d.rolesAt(d.beta, got.User))
}

func takenUpAtOnce(d *door) {
	token := d.invites(d.beta, "ann@mail.example", rbac.Admin)
	d.invites(d.acme, "ann@mail.example")
	var ann tenancy.Decision
	told := d.emits(func() (err error) {
		ann, err = d.Svc.SignIn(d.Ctx, bringing(token, servicetest.Proving("ann@mail.example", servicetest.ByPassword("c-1", "ann@mail.example"))))
		return err
	}, some(tenancy.EventUserCreated), some(tenancy.EventMembershipOffered), some(tenancy.EventIdentityLinked),
		some(tenancy.EventMembershipCreated), some(tenancy.EventInvitationAccepted), some(tenancy.EventSessionStarted))
	d.Empty(told[1].OrganizationID)
	d.Empty(told[3].Previous)
	d.status(d.acme, ann.User, tenancy.MembershipPending)
	m := d.Member(d.beta, ann.User)
	d.Equal(tenancy.MembershipActive, m.Status)
	d.Equal([]string{rbac.Admin}, m.Roles)
	d.Zero(m.InvitationID)
}

// suspending is a host that suspends the organization that somebody joins.
func suspending(c *tenancy.Config) {
	c.OnJoin = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
		if !strings.HasPrefix(j.User.Email, "last@") {
			return nil
		}
		_, err := tx.Organizations.Suspend(ctx, j.Organization.ID)
		return err
	}
}

func suspendedByHook(d *door) {
	d.halts(tenancy.DecisionSuspended, "", bringing(d.invites(d.beta, "last@mail.example"), servicetest.ByMail("last@mail.example")))
	d.joining(tenancy.JoiningAuto, "")
	d.halts(tenancy.DecisionSuspended, "", servicetest.ByMail("last@acme.example"))
}

func removedAndInvited(d *door) {
	bob := d.enters(servicetest.ByMail("bob@mail.example")).User
	d.Add(d.beta, bob)
	d.NoError(d.Svc.Memberships.Remove(d.Ctx, d.beta.ID, bob.ID))
	remembered := func() int {
		page, err := d.Svc.Memberships.Removed(d.Ctx, d.beta.ID, tenancy.RemovalQuery{})
		d.NoError(err)
		return len(page.Items)
	}
	d.Equal(1, remembered())
	d.enters(bringing(d.invites(d.beta, "bob@mail.example"), servicetest.ByMail("bob@mail.example")))
	d.Zero(remembered())
}

func invitationRefused(d *door) {
	token := d.invites(d.beta, "ann@mail.example")
	refused := tenancy.DecisionInvitationRefused
	d.goesOn(tenancy.ErrInvalidToken, bringing("invitation_x", servicetest.ByMail("visitor@mail.example")))
	d.halts(refused, tenancy.ErrInvitationForOtherEmail, bringing(token, servicetest.ByMail("eve@mail.example")))
	d.halts(refused, tenancy.ErrInvitationForOtherEmail, bringing(token, servicetest.ByMail("owner@acme.example")))
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(token, servicetest.ByProvider(servicetest.Google, "g-1", "ann@mail.example", false)))
	d.suspend(d.beta)
	d.halts(refused, tenancy.ErrOrganizationClosed, bringing(token, servicetest.ByMail("ann@mail.example")))
	_, err := d.Svc.Organizations.Resume(d.Ctx, d.beta.ID)
	d.NoError(err)
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	d.halts(tenancy.DecisionSecondFactor, "", bringing(token, servicetest.ByMail("ann@mail.example")))
	d.enters(bringing(token, servicetest.Twice(servicetest.ByMail("ann@mail.example"))))
	again := d.goesOn(tenancy.ErrInvitationAccepted, bringing(token, servicetest.Twice(servicetest.ByMail("ann@mail.example")))) // I6
	d.Equal(d.beta.ID, again.OrganizationID)
	d.halts(refused, tenancy.ErrInvitationAccepted, tenancy.Attempt{Invitation: token})
	d.Equal(d.beta.ID, d.enters(servicetest.Twice(servicetest.ByMail("ann@mail.example"))).OrganizationID)
	late := d.invites(d.acme, "ann@mail.example")
	d.Clock.Advance(40 * 24 * 3600 * 1e9)
	d.halts(tenancy.DecisionSecondFactor, "", bringing(late, servicetest.ByMail("ann@mail.example")))
	d.goesOn(tenancy.ErrInvitationExpired, bringing(late, servicetest.Twice(servicetest.ByMail("ann@mail.example"))))
}

func mailedInvitation(d *door) {
	token := d.invites(d.beta, "ann@mail.example")
	got := d.enters(bringing(token, servicetest.ByPassword("c-1", "ann@mail.example"))) // sign-up with a password, from the mail
	d.True(got.Created)
	d.False(got.User.EmailVerifiedAt.IsZero())
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(d.invites(d.beta, "bob@mail.example"), servicetest.ByPassword("c-2", "eve@mail.example")))
	// A takeover by it keeps what the person came by.
	eve := d.NewUser(tenancy.NewUser{Email: "eve@mail.example"})
	mine := d.Link(eve, tenancy.NewIdentity{Provider: "password", Subject: "c-3"})
	d.Link(eve, tenancy.NewIdentity{Provider: "github", Subject: "evil"})
	got = d.enters(bringing(d.invites(d.beta, "eve@mail.example"), servicetest.ByPassword("c-3", "")))
	d.True(got.TookOver)
	d.Equal([]tenancy.Identity{mine}, d.identities(eve))
}

func joinByDomain(d *door) {
	d.Declare()
	d.joining(tenancy.JoiningAuto, servicetest.Auditor)
	got := d.enters(servicetest.ByProvider(servicetest.Google, "g-1", "ann@acme.example", true))
	d.Equal(d.acme.ID, got.OrganizationID)
	d.Equal(tenancy.JoinedDomain, got.Member.JoinedVia)
	d.Equal(tenancy.RoleDomain, got.Member.Assignments[0].Source)
	d.Equal(d.domain.ID.String(), got.Member.Assignments[0].SourceID)
	d.Equal([]string{servicetest.Auditor}, got.Member.Roles)
	d.Nil(d.enters(servicetest.ByProvider(servicetest.Google, "g-1", "", nil)).Member) // in already
	// Who is elsewhere too joins, and chooses.
	bob := d.User("bob")
	d.Add(d.beta, bob)
	d.Len(d.halts(tenancy.DecisionChooseOrganization, "", servicetest.ByMail("bob@acme.example")).Choices, 2)
	d.Nil(d.enters(servicetest.To(d.beta, servicetest.ByMail("bob@acme.example"))).Member)
	d.Equal(d.acme.ID, d.enters(servicetest.To(d.acme, servicetest.ByMail("bob@acme.example"))).Member.OrganizationID)
	// An invitation that waits is taken up with it (M2).
	token := d.invites(d.acme, "cyd@acme.example", rbac.Admin)
	cyd := d.enters(servicetest.ByMail("cyd@acme.example"))
	d.Equal([]string{rbac.Admin, servicetest.Auditor}, cyd.Member.Roles)
	d.goesOn(tenancy.ErrInvitationAccepted, bringing(token, servicetest.ByMail("cyd@acme.example")))
}

func domainNever(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	// D7: it acts only on verified addresses.
	trap := d.NewUser(tenancy.NewUser{Email: "trap@acme.example"})
	d.Link(trap, tenancy.NewIdentity{Provider: "password", Subject: "c-1"})
	d.True(d.enters(servicetest.ByPassword("c-1", "")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.acme, servicetest.ByPassword("c-1", "")))
	// M5: it brings nobody back.
	ann := d.enters(servicetest.ByMail("ann@acme.example")).User
	d.Deactivate(d.acme, ann)
	d.True(d.enters(servicetest.ByMail("ann@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipInactive, servicetest.To(d.acme, servicetest.ByMail("ann@acme.example")))
	d.joining(tenancy.JoiningRequest, "")
	d.True(d.enters(servicetest.ByMail("ann@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, tenancy.ErrMembershipInactive, servicetest.To(d.acme, servicetest.ByMail("ann@acme.example")))
	// Another organization's domain opens none but that.
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.acme, servicetest.ByMail("bob@beta.example")))
	// O2: into what is shut it leads nobody.
	d.joining(tenancy.JoiningAuto, "")
	d.suspend(d.acme)
	d.True(d.enters(servicetest.ByMail("cyd@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionSuspended, "", servicetest.To(d.acme, servicetest.ByMail("cyd@acme.example")))
	d.Archive(d.acme)
	d.True(d.enters(servicetest.ByMail("dan@acme.example")).OrganizationID.IsZero())
}

func suggestAndRequest(d *door) {
	d.joining(tenancy.JoiningSuggest, "")
	got := d.enters(servicetest.ByMail("ann@acme.example"))
	d.Len(got.Suggested, 1)
	d.Equal(d.acme.ID, got.Suggested[0].ID)
	d.True(got.OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, "", servicetest.To(d.acme, servicetest.ByMail("ann@acme.example")))
	d.Empty(d.enters(servicetest.ByMail("owner@acme.example")).Suggested)

	d.joining(tenancy.JoiningRequest, "")
	in := servicetest.ByMail("bob@acme.example")
	in.Note = "It is me"
	var filed tenancy.Decision
	events := d.emits(func() (err error) { filed, err = d.Svc.SignIn(d.Ctx, in); return err },
		some(tenancy.EventUserCreated), some(tenancy.EventJoinRequestCreated))
	d.NotEmpty(events)
	d.Equal(tenancy.DecisionRequestFiled, filed.Kind)
	d.True(filed.Created)
	d.True(filed.Token.IsZero())
	d.Equal("It is me", filed.Request.Note)
	d.silent(func() error { // it waits, and is not filed twice
		again, err := d.Svc.SignIn(d.Ctx, in)
		d.Equal(filed.Request, again.Request)
		return err
	})
	// Who is in elsewhere is asked nothing, unless that is where they want to.
	cyd := d.User("cyd")
	d.Add(d.beta, cyd)
	d.Equal(d.beta.ID, d.enters(servicetest.ByMail("cyd@acme.example")).OrganizationID)
	asked, err := d.Svc.SignIn(d.Ctx, servicetest.To(d.acme, servicetest.ByMail("cyd@acme.example")))
	d.NoError(err)
	d.Equal(tenancy.DecisionRequestFiled, asked.Kind)
	d.Equal(cyd.ID, asked.Request.UserID)
}

func drawnAside(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	d.Equal(d.acme.ID, d.enters(servicetest.ByMail("fine@acme.example")).OrganizationID)
	d.True(d.enters(servicetest.ByMail("vetoed@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, tenancy.ErrJoinRefused, servicetest.To(d.acme, servicetest.ByMail("vetoed@acme.example")))
	d.limitSeats(2)
	d.True(d.enters(servicetest.ByMail("late@acme.example")).OrganizationID.IsZero())
	d.halts(tenancy.DecisionNotMember, tenancy.ErrSeatLimit, servicetest.To(d.acme, servicetest.ByMail("late@acme.example")))
	d.limitSeats(0)
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"acme.example"}})
	d.NoError(err)
	d.halts(tenancy.DecisionNotMember, tenancy.ErrEmailDomainNotAllowed, servicetest.To(d.acme, servicetest.ByMail("late@acme.example")))
}

func (d *door) limitSeats(n int) {
	d.T.Helper()
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{SeatLimit: &n})
	d.NoError(err)
}
