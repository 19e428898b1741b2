package rules

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func joiningAttacks() []rule {
	return []rule{
		{"M2 attack: the weaker way in destroys an invitation", atDoor(weakerWay)},
		{"R6 attack: a connection of one's own takes up an owner's invitation", atDoor(invitedByOwnProvider)},
		{"M2 attack: a password takes up what was mailed", atDoor(passwordWay)},
		{"M2 what of an invitation cannot be taken up is passed over", atDoorWith(func(c *tenancy.Config) { c.Limits.MemberRoles = 2 }, passedOver)},
		{"I3 attack: invitations of somebody who is gone keep the seats", on(voidInvitations)},
		{"I3 a void invitation is good again", on(voidHeals)},
		{"M9 attack: users whom the host suspended keep the seats", on(suspendedSeats)},
		{"I7 attack: one outsider fills an organization with decided requests", on(requestRows)},
		{"I7 attack: strangers' requests leave no room for people on the organization's domain", atDoor(requestsCrowd)},
		{"I7 requests to join are off unless an organization wants them", atDoor(requestsOff)},
		{"I7 who took the last use of a code clicks again", on(lastUse)},
	}
}

func weakerWay(d *door) {
	d.admitting()
	d.joining(tenancy.JoiningAuto, rbac.Guest)
	boss := d.asUser(d.owner)
	for name, in := range map[string]tenancy.Attempt{
		"domain": servicetest.ByMail("domain@acme.example"),
		"named":  servicetest.To(d.acme, servicetest.ByMail("named@acme.example")),
		"sso":    servicetest.Through(d.okta, "sso", "sso@acme.example"),
		"known":  servicetest.ByMail("known@acme.example"),
	} {
		email := name + "@acme.example"
		want := []string{rbac.Admin, rbac.Guest}
		if name == "sso" { // by whose word nobody manages anything
			want = []string{rbac.Member, rbac.Guest}
			d.Maps(d.okta, map[string]string{"staff": rbac.Guest})
			in = servicetest.Asserting(d.okta, tenancy.Assertion{Subject: "sso", Email: email, Groups: []string{"staff"}})
		}
		if name == "known" {
			d.User("known") // so that the invitation shows as a pending membership
		}
		sent, err := d.Svc.Invitations.Send(d.Ctx, tenancy.NewInvitation{
			OrganizationID: d.acme.ID, Email: email, Roles: []string{want[0]}, Metadata: map[string]string{"limit": name},
		})
		d.NoError(err)
		sent.Invitation, err = boss.Invitations.Get(d.Ctx, sent.ID)
		d.NoError(err)
		got := d.enters(in)
		m := d.Member(d.acme, got.User)
		d.Equal(want, m.Roles, name)
		d.Equal(map[string]string{"limit": name}, m.Metadata)
		d.Equal(tenancy.InvitationAccepted, d.invitation(sent.ID).State, name)
		d.consistent()
	}
}

// invitedByOwnProvider: a provider asserts the address that is invited. Its maker gets no role that manages anything.
func invitedByOwnProvider(d *door) {
	d.joining(tenancy.JoiningAuto, "")
	d.admitting()
	for i, role := range []string{rbac.Owner, rbac.Admin} {
		email := "new-" + role + "@acme.example"
		sent := d.Invite(d.acme, email, role)
		got := d.enters(servicetest.Through(d.okta, role, email))
		d.Equal([]string{rbac.Member}, d.Member(d.acme, got.User).Roles, "%d", i)
		d.Equal(tenancy.InvitationPending, d.invitation(sent.ID).State) // for who has the mailbox
	}
}

func passwordWay(d *door) {
	d.joining(tenancy.JoiningAuto, rbac.Guest)
	ann := d.User("ann")
	d.Link(ann, tenancy.NewIdentity{Provider: string(tenancy.MethodPassword), Subject: "ann-1"})
	sent := d.Invite(d.acme, ann.Email, rbac.Admin)
	got := d.enters(tenancy.Attempt{Evidence: tenancy.PasswordEvidence("ann-1", ann.Email)})
	d.Equal([]string{rbac.Guest}, d.Member(d.acme, got.User).Roles)
	d.Equal(tenancy.InvitationPending, d.invitation(sent.ID).State)
	d.NoError(d.accepting(sent, ann)())
	d.Equal([]string{rbac.Admin, rbac.Guest}, d.Member(d.acme, ann).Roles)
	// Nor does a provider that may say nothing of the address: it passes it over, and leaves it standing.
	bob := d.person("bob")
	d.admitting()
	sent = d.Invite(d.acme, bob.Email, rbac.Admin)
	d.halts(tenancy.DecisionInvitationNeeded, "", servicetest.Through(d.okta, "b-1", bob.Email))
	d.Equal(tenancy.InvitationPending, d.invitation(sent.ID).State)
}

func passedOver(d *door) {
	d.joining(tenancy.JoiningAuto, rbac.Guest)
	many := d.Invite(d.acme, "many@acme.example", rbac.Admin, rbac.Member)
	got := d.enters(servicetest.ByMail("many@acme.example"))
	d.Equal([]string{rbac.Guest}, d.Member(d.acme, got.User).Roles) // with both it would be three
	d.Equal(tenancy.InvitationRevoked, d.invitation(many.ID).State)
	// A void one gives nothing.
	boss := d.User("boss")
	d.Add(d.acme, boss, rbac.Admin)
	void := d.InviteBy(d.asUser(boss), d.acme, "void@acme.example", rbac.Admin)
	d.Deactivate(d.acme, boss)
	got = d.enters(servicetest.ByMail("void@acme.example"))
	d.Equal([]string{rbac.Guest}, d.Member(d.acme, got.User).Roles)
	d.Equal(tenancy.InvitationRevoked, d.invitation(void.ID).State)
}

// sponsor is an administrator with an invitation out.
func (w *world) sponsor(org tenancy.Organization, local, email string) (tenancy.User, tenancy.SentInvitation) {
	w.T.Helper()
	boss := w.User(local)
	w.Add(org, boss, rbac.Admin)
	return boss, w.InviteBy(w.asUser(boss), org, email)
}

func voidInvitations(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	w.User("known")
	ann, first := w.sponsor(acme, "ann", "known@acme.example")
	bob, second := w.sponsor(acme, "bob", "two@mail.example")
	w.limit(acme, 5) // owner, ann, bob, and the two invited
	full := w.Code(acme)
	w.refuses(tenancy.ErrSeatLimit, "", w.using(full, w.User("cyd")))
	w.Deactivate(acme, ann)
	w.Equal(tenancy.InvitationVoid, w.invitation(first.ID).State)
	w.Equal(tenancy.InvitationPending, w.invitation(second.ID).State)
	w.NoError(w.using(full, w.mustFind("cyd@acme.example"))())
	w.NoError(w.using(full, w.User("dan"))())
	w.refuses(tenancy.ErrSeatLimit, "", w.using(full, w.User("eve")))
	w.limit(acme, 50)
	// It is in nobody's way.
	again := w.InviteBy(w.asUser(owner), acme, "known@acme.example")
	w.Equal(tenancy.InvitationRevoked, w.invitation(first.ID).State)
	w.NoError(w.accepting(again, w.mustFind("known@acme.example"))())
	// Demoted, suspended by the host, gone: all the same; the organization's own state is not.
	for name, end := range map[string]func(){
		"demoted":   func() { _, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, bob.ID, rbac.Guest); w.NoError(err) },
		"suspended": func() { _, err := w.Svc.Users.Suspend(w.Ctx, bob.ID); w.NoError(err) },
	} {
		_, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, bob.ID, rbac.Admin)
		w.NoError(err)
		w.Equal(tenancy.InvitationPending, w.invitation(second.ID).State, name)
		end()
		w.Equal(tenancy.InvitationVoid, w.invitation(second.ID).State, name)
		_, err = w.Svc.Users.Unsuspend(w.Ctx, bob.ID)
		w.NoError(err)
	}
	page, err := w.Svc.Invitations.List(w.Ctx, acme.ID, tenancy.InvitationQuery{States: []tenancy.InvitationState{tenancy.InvitationVoid}})
	w.NoError(err)
	pending, err := w.Svc.Invitations.List(w.Ctx, acme.ID, tenancy.InvitationQuery{States: []tenancy.InvitationState{tenancy.InvitationPending}})
	w.NoError(err)
	w.Len(append(page.Items, pending.Items...), 1)
	w.remove(acme, bob)
	w.Equal(tenancy.InvitationVoid, w.invitation(second.ID).State)
	preview, err := w.Svc.Invitations.Preview(w.Ctx, second.Token.Reveal())
	w.NoError(err)
	w.Equal(tenancy.InvitationVoid, preview.State)
	w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(second, w.NewUser(tenancy.NewUser{Email: "two@mail.example", EmailVerified: true})))
}

func voidHeals(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	ann, sent := w.sponsor(acme, "ann", "one@mail.example")
	w.remove(acme, ann)
	w.limit(acme, 1)
	w.Clock.Advance(time.Hour)
	resend := func() error { _, err := w.asUser(owner).Invitations.Resend(w.Ctx, sent.ID); return err }
	w.refuses(tenancy.ErrSeatLimit, "", resend) // it had no seat
	w.limit(acme, 2)
	w.NoError(resend())
	w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State)
	w.suspend(acme)
	w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State)
}

func suspendedSeats(w *world) {
	acme, ann, bob := w.Org("Acme"), w.User("ann"), w.User("bob")
	w.Add(acme, ann)
	w.Add(acme, bob)
	w.limit(acme, 2)
	code := w.Code(acme)
	w.refuses(tenancy.ErrSeatLimit, "", w.using(code, w.User("cyd")))
	_, err := w.Svc.Users.Suspend(w.Ctx, bob.ID)
	w.NoError(err)
	w.NoError(w.using(code, w.mustFind("cyd@acme.example"))())
	w.refuses(tenancy.ErrSeatLimit, "", w.using(code, w.User("dan")))
	_, err = w.Svc.Users.Unsuspend(w.Ctx, bob.ID) // which the host may, over the limit
	w.NoError(err)
	w.Deactivate(acme, ann)
	w.refuses(tenancy.ErrSeatLimit, "", w.using(code, w.mustFind("dan@acme.example")))
	// Inactive ones count when they are back, as what they are by then.
	_, err = w.Svc.Users.Suspend(w.Ctx, ann.ID)
	w.NoError(err)
	w.limit(acme, 3)
	_, err = w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, ann.ID)
	w.NoError(err)
	w.NoError(w.using(code, w.mustFind("dan@acme.example"))())
	w.refuses(tenancy.ErrSeatLimit, "", w.using(code, w.User("eve")))
}

func requestRows(w *world) {
	acme, eve := w.Org("Acme"), w.User("eve")
	filed := 0
	for range 1000 { // in ten minutes
		w.Clock.Advance(600 * time.Millisecond)
		req, err := w.asUser(eve).JoinRequests.Create(w.Ctx, acme.ID, eve.ID, "please")
		if err != nil {
			w.Failed(err, tenancy.ErrRateLimited, "")
			continue
		}
		filed++
		_, err = w.asUser(eve).JoinRequests.Cancel(w.Ctx, req.ID)
		w.NoError(err)
	}
	w.Equal(10, filed)
	w.Len(w.Dump().JoinRequests, 1)
	w.early("", 600*time.Millisecond, w.asks(acme, eve))
	w.Clock.Advance(time.Minute)
	w.NoError(w.asks(acme, eve)())
	w.Equal(tenancy.JoinRequestPending, w.Dump().JoinRequests[0].State)
}

// requestsCrowd: strangers' requests do not keep out who is at home there.
func requestsCrowd(d *door) {
	d.Config.Limits.JoinRequests = 3
	d.Svc = d.Another(func(*tenancy.Config) {})
	for i := range 3 {
		d.NoError(d.asks(d.acme, d.person(fmt.Sprintf("stranger%d", i)))())
	}
	d.refuses(tenancy.ErrInvalid, "organization", d.asks(d.acme, d.person("late")))
	d.refuses(tenancy.ErrInvalid, "organization", d.asks(d.acme, d.User("ann"))) // its domain takes none
	d.joining(tenancy.JoiningRequest, "")
	for _, name := range []string{"bob", "cyd", "dan"} {
		d.NoError(d.asks(d.acme, d.User(name))())
	}
	d.refuses(tenancy.ErrInvalid, "organization", d.asks(d.acme, d.User("eve")))
}

func requestsOff(d *door) {
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{JoinRequests: servicetest.Ptr(false)})
	d.NoError(err)
	ann, out := d.User("ann"), d.person("out")
	for _, user := range []tenancy.User{ann, out} {
		d.refuses(tenancy.ErrJoinRequestsOff, "", d.asks(d.acme, user))
	}
	d.joining(tenancy.JoiningRequest, "")
	d.refuses(tenancy.ErrJoinRequestsOff, "", d.asks(d.acme, out))
	d.NoError(d.asks(d.acme, ann)())
	org, err := d.Svc.Organizations.Create(d.Ctx, tenancy.NewOrganization{DisplayName: "Plain"})
	d.NoError(err)
	d.False(org.Settings.JoinRequests)
	d.refuses(tenancy.ErrJoinRequestsOff, "", d.asks(org, out))
}

func lastUse(w *world) {
	acme, ann := w.Org("Acme"), w.User("ann")
	code, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, MaxUses: 1})
	w.NoError(err)
	w.NoError(w.using(code, ann)())
	w.refuses(tenancy.ErrAlreadyMember, "", w.using(code, ann))
	w.refuses(tenancy.ErrJoinCodeSpent, "", w.using(code, w.User("bob")))
}
