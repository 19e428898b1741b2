package rules

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func takeUpAttacks() []rule {
	two := func(c *tenancy.Config) { c.Limits.MemberRoles = 2 }
	veto := func(c *tenancy.Config) {
		c.OnJoin = func(_ context.Context, _ *tenancy.Service, j tenancy.Join) error {
			if j.Via == tenancy.JoinedInvitation {
				return errors.New("not by invitation")
			}
			return nil
		}
	}
	return []rule{
		{"M2 attack: a join code or a request destroys an invitation", on(codeAgainstInvitation)},
		{"R6 attack: a join code takes up what a connection's own person was invited to", atDoor(codeByConnection)},
		{"M2 what was left standing is taken up later", on(sparedLater)},
		{"M10 an invitation gives what another source gives already, too", atDoor(givesBeside)},
		{"M2 what of an invitation a code cannot take up is passed over", with(two, codePassesOver)},
		{"M2 a veto on an invitation does not stop a code", with(veto, codeVetoed)},
	}
}

// myself is the use of a join code by the person, signed in.
func (w *world) myself(code tenancy.IssuedJoinCode, user tenancy.User) func() error {
	return func() error { _, err := w.asUser(user).JoinCodes.Use(w.Ctx, code.Token.Reveal(), user.ID); return err }
}

// meant is an invitation of the host's with a role and metadata.
func (w *world) meant(org tenancy.Organization, email, role string) tenancy.SentInvitation {
	w.T.Helper()
	sent, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{
		OrganizationID: org.ID, Email: email, Roles: []string{role}, Metadata: map[string]string{"limit": email},
	})
	w.NoError(err)
	return sent
}

func (w *world) asked(org tenancy.Organization, user tenancy.User) tenancy.JoinRequest {
	w.T.Helper()
	req, err := w.asUser(user).JoinRequests.Create(w.Ctx, org.ID, user.ID, "")
	w.NoError(err)
	return req
}

func codeAgainstInvitation(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	code := w.Code(acme)
	ann, bob := w.User("ann"), w.User("bob")
	for user, enter := range map[*tenancy.User]func() error{
		&ann: func() error { return w.myself(code, ann)() },
		&bob: func() error {
			req := w.asked(acme, bob)
			_, err := w.asUser(owner).JoinRequests.Approve(w.Ctx, req.ID)
			if err == nil {
				got, err := w.Svc.JoinRequests.Get(w.Ctx, req.ID)
				w.NoError(err)
				w.Equal(tenancy.JoinRequestApproved, got.State)
				w.Equal(owner.ID, got.DeciderID)
			}
			return err
		},
	} {
		sent := w.meant(acme, user.Email, rbac.Admin)
		w.NoError(enter())
		m := w.Member(acme, *user)
		w.Equal([]string{rbac.Admin, rbac.Member}, m.Roles)
		w.Equal(map[string]string{"limit": user.Email}, m.Metadata)
		w.Equal(tenancy.JoinedInvitation, m.JoinedVia)
		w.Equal(tenancy.InvitationAccepted, w.invitation(sent.ID).State)
		w.consistent()
	}
	got, err := w.Svc.JoinCodes.Get(w.Ctx, code.ID)
	w.NoError(err)
	w.Equal(1, got.Uses)
	// Who has not proved the address that is invited does not end the invitation.
	sent := w.meant(acme, "eve@acme.example", rbac.Admin)
	squatter := w.NewUser(tenancy.NewUser{Email: "eve@acme.example"})
	w.refuses(tenancy.ErrEmailNotVerified, "", w.myself(code, squatter))
	w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State)
	// Nor does a use of which nobody knows who made it.
	cyd := w.User("cyd")
	sent = w.meant(acme, cyd.Email, rbac.Admin)
	w.NoError(w.using(code, cyd)())
	m := w.Member(acme, cyd)
	w.Equal([]string{rbac.Member}, m.Roles)
	w.Empty(m.Metadata)
	w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State)
	// An inactive member comes back by the invitation alone.
	w.Deactivate(acme, cyd)
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
	w.refuses(tenancy.ErrMembershipInactive, "", w.myself(code, cyd))
	w.meant(acme, cyd.Email, rbac.Guest)
	w.NoError(w.myself(code, cyd)())
	w.Equal([]string{rbac.Member, rbac.Guest}, w.Member(acme, cyd).Roles)
}

// codeByConnection: who may make connections makes a person by one, on the organization's own
// domain, whom an owner has invited.
func codeByConnection(d *door) {
	d.joining(tenancy.JoiningOff, "")
	code := d.Code(d.acme)
	for _, role := range []string{rbac.Owner, rbac.Admin} {
		email := "new-" + role + "@acme.example"
		made := d.Svc.As(tenancy.SessionPrincipal(d.arrives(email)))
		user := d.mustFind(email)
		sent := d.Invite(d.acme, email, role)
		_, err := made.JoinCodes.Use(d.Ctx, code.Token.Reveal(), user.ID)
		d.NoError(err)
		d.Equal([]string{rbac.Member}, d.Member(d.acme, user).Roles)
		d.Equal(tenancy.InvitationPending, d.invitation(sent.ID).State)
	}
	// Nor by a request, of which the address says nothing but that the connection knows it.
	d.arrives("asks@acme.example")
	user := d.mustFind("asks@acme.example")
	sent := d.Invite(d.acme, user.Email, rbac.Owner)
	_, err := d.Svc.JoinRequests.Approve(d.Ctx, d.asked(d.acme, user).ID)
	d.NoError(err)
	d.Equal([]string{rbac.Member}, d.Member(d.acme, user).Roles)
	d.Equal(tenancy.InvitationPending, d.invitation(sent.ID).State)
	// What manages nothing they take up.
	session := d.arrives("plain@acme.example")
	user = d.mustFind("plain@acme.example")
	sent = d.Invite(d.acme, user.Email, rbac.Guest)
	_, err = d.Svc.As(tenancy.SessionPrincipal(session)).JoinCodes.Use(d.Ctx, code.Token.Reveal(), user.ID)
	d.NoError(err)
	d.Equal([]string{rbac.Member, rbac.Guest}, d.Member(d.acme, user).Roles)
	d.Equal(tenancy.InvitationAccepted, d.invitation(sent.ID).State)
}

// arrives is the session of somebody new who comes by acme's connection, and is no member of acme.
func (d *door) arrives(email string) tenancy.Session {
	d.T.Helper()
	d.admitting()
	got := d.enters(servicetest.Through(d.okta, email, email))
	d.remove(d.acme, got.User)
	d.NoError(d.Svc.Memberships.Readmit(d.Ctx, d.acme.ID, got.User.ID))
	_, err := d.Svc.Organizations.Update(d.Ctx, d.acme.ID, tenancy.OrganizationUpdate{SingleSignOnJoins: servicetest.Ptr(false)})
	d.NoError(err)
	other := d.Org("Other " + email)
	d.Add(other, got.User)
	return d.enters(servicetest.To(other, servicetest.Through(d.okta, email, email))).Session
}

func sparedLater(w *world) {
	acme, bob := w.Owned("Acme", w.User("owner")), w.User("bob")
	code := w.Code(acme)
	w.limit(acme, 2) // the owner, and the one invited
	sent := w.meant(acme, bob.Email, rbac.Admin)
	w.NoError(w.using(code, bob)()) // on the seat that was kept for them
	w.limit(acme, 3)
	w.Add(acme, w.User("third")) // theirs takes none any more
	w.refuses(tenancy.ErrSeatLimit, "", w.using(code, w.User("fourth")))
	w.refuses(tenancy.ErrAlreadyMember, "", w.myself(code, bob)) // a use of the code is none of the invitation
	w.Clock.Advance(time.Hour)
	w.emits(w.accepting(sent, bob), some(tenancy.EventMembershipUpdated), some(tenancy.EventMembershipRolesChanged), some(tenancy.EventInvitationAccepted))
	m := w.Member(acme, bob)
	w.Equal([]string{rbac.Admin, rbac.Member}, m.Roles)
	w.Equal(map[string]string{"limit": bob.Email}, m.Metadata)
	w.Equal(tenancy.JoinedCode, m.JoinedVia)
	w.refuses(tenancy.ErrInvitationAccepted, "", w.accepting(sent, bob))
	w.consistent()
	// The same checks hold.
	boss, cyd := w.User("boss"), w.User("cyd")
	w.limit(acme, 9)
	w.Add(acme, boss, rbac.Admin)
	void := w.InviteBy(w.asUser(boss), acme, cyd.Email, rbac.Admin)
	w.NoError(w.using(code, cyd)())
	w.remove(acme, boss)
	w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(void, cyd))
	w.Equal([]string{rbac.Member}, w.Member(acme, cyd).Roles)
	// One that is void by then keeps no seat, and ends.
	dan := w.User("dan")
	w.Add(acme, boss, rbac.Admin)
	void = w.InviteBy(w.asUser(boss), acme, dan.Email, rbac.Admin)
	w.remove(acme, boss)
	w.limit(acme, 4) // owner, bob, third, cyd
	w.refuses(tenancy.ErrSeatLimit, "", w.using(code, dan))
	w.limit(acme, 5)
	w.NoError(w.using(code, dan)())
	w.Equal(tenancy.InvitationRevoked, w.invitation(void.ID).State)
}

// givesBeside: what an invitation has given does not go with the connection that gave it before.
func givesBeside(d *door) {
	d.joining(tenancy.JoiningOff, "")
	d.admitting()
	d.Maps(d.okta, map[string]string{"staff": rbac.Guest})
	sent := d.Invite(d.acme, "ann@acme.example", rbac.Admin, rbac.Guest)
	ann := d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "ann", "ann@acme.example", "staff"))).User
	d.Equal([]string{rbac.Guest}, d.Member(d.acme, ann).Roles) // it speaks for nobody who manages
	d.NoError(d.accepting(sent, ann)())
	d.Equal([]string{rbac.Admin, rbac.Guest}, d.Member(d.acme, ann).Roles)
	d.NoError(d.Svc.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID))
	d.Equal([]string{rbac.Admin, rbac.Guest}, d.Member(d.acme, ann).Roles)
	d.consistent()
}

func codePassesOver(w *world) {
	acme, bob := w.Owned("Acme", w.User("owner")), w.User("bob")
	sent := w.Invite(acme, bob.Email, rbac.Admin, rbac.Guest)
	w.NoError(w.myself(w.Code(acme), bob)()) // with both it would be three
	w.Equal([]string{rbac.Member}, w.Member(acme, bob).Roles)
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
	// To accept one that was left standing is refused where it would be too many.
	cyd := w.User("cyd")
	sent = w.Invite(acme, cyd.Email, rbac.Admin, rbac.Guest)
	w.NoError(w.using(w.Code(acme), cyd)())
	w.refuses(tenancy.ErrInvalid, "roles", w.accepting(sent, cyd))
}

func codeVetoed(w *world) {
	acme, bob := w.Owned("Acme", w.User("owner")), w.User("bob")
	sent := w.Invite(acme, bob.Email, rbac.Admin)
	w.NoError(w.myself(w.Code(acme), bob)())
	w.Equal([]string{rbac.Member}, w.Member(acme, bob).Roles)
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
}
