package rules

import (
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// declineRules are about declining an invitation (rule I9).
func declineRules() []rule {
	return []rule{
		{"I9 decline", on(declining)},
		{"I9 a declined token is as if it had never been", on(declinedToken)},
		{"I9 what Decline refuses", on(declineRefusals)},
		{"I9 an address that declined is invited again after 30 days", on(declinedAddress)},
		{"I9 an address that declined is invited again once it asks", on(declinedAsks)},
		{"I9 into the application", on(declinedApplication)},
		{"I9 an address that declined the application is invited again once its person comes", atDoor(declinedCameBack)},
		{"I9 attack: coming to the application in the place of an address that declined", atDoor(declinedImpostor)},
		{"I9 the host says that an address asked", on(declinedAsked)},
		{"I9 U7 erased: that an address declined", on(declineErased)},
		{"I9 attack: mailing an address that declined", on(mailedAfterDeclining)},
		{"I9 attack: learning that an address declined elsewhere", on(declinedElsewhere)},
	}
}

func (w *world) decline(sent tenancy.SentInvitation) tenancy.InvitationPreview {
	w.T.Helper()
	shown, err := w.Svc.Invitations.Decline(w.Ctx, sent.Token.Reveal())
	w.NoError(err)
	return shown
}

// sending is a Send that may be refused.
func (w *world) sending(svc *tenancy.Service, org tenancy.Organization, email string) func() error {
	return func() error { _, err := svc.Invitations.Send(w.Ctx, servicetest.Asking(org, email)); return err }
}

// declined checks that an address is not invited for so long.
func (w *world) declined(wait time.Duration, call func() error) {
	w.T.Helper()
	w.Equal(wait, w.refuses(tenancy.ErrInvitationDeclined, "email", call).RetryAfter)
}

func declining(w *world) {
	acme, ada := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{SeatLimit: 1}}), w.User("ada")
	sent := w.Invite(acme, ada.Email)
	w.status(acme, ada, tenancy.MembershipPending)
	w.Clock.Advance(time.Minute)
	var shown tenancy.InvitationPreview
	decline := func() (err error) { shown, err = w.Svc.Invitations.Decline(w.Ctx, sent.Token.Reveal()); return err }
	got := w.emits(decline, some(tenancy.EventInvitationDeclined), some(tenancy.EventMembershipWithdrawn))
	inv := w.invitation(sent.ID)
	w.tells(got[0], ofInvitation(tenancy.EventInvitationDeclined, inv))
	w.Equal(tenancy.InvitationPreview{
		ID: sent.ID, OrganizationID: acme.ID, OrganizationName: "Acme", Email: "a***@acme.example",
		State: tenancy.InvitationDeclined, ExpiresAt: sent.ExpiresAt,
	}, shown)
	w.Equal(tenancy.InvitationDeclined, inv.State)
	w.Equal(w.Clock.At, inv.DecidedAt)
	w.Zero(inv.UserID)
	w.status(acme, ada, "")
	w.consistent()
	page, err := w.Svc.Invitations.List(w.Ctx, acme.ID, tenancy.InvitationQuery{States: []tenancy.InvitationState{tenancy.InvitationDeclined}})
	w.NoError(err)
	w.Equal([]tenancy.Invitation{inv}, page.Items)

	// It has no seat, and nobody needs an account.
	stranger := w.Invite(acme, "nobody@acme.example")
	w.Equal(tenancy.InvitationDeclined, w.decline(stranger).State)
	// Nor an actor; one who has another account may do it, too.
	bound := w.Svc.As(tenancy.UserPrincipal(ada.ID))
	other := w.Invite(acme, "other@acme.example")
	got = w.emits(func() error { _, err := bound.Invitations.Decline(w.Ctx, other.Token.Reveal()); return err }, some(tenancy.EventInvitationDeclined))
	w.Equal(tenancy.InvitationDeclined, w.invitation(other.ID).State)
	w.Equal(tenancy.Actor{Kind: tenancy.ActorHost}, got[0].Actor) // whose address it is nobody learns (M2)
	here := w.asSession(w.lives(w.Session(ada, servicetest.NowhereYet).Token).Session)
	other = w.Invite(acme, "third@acme.example")
	got = w.emits(func() error { _, err := here.Invitations.Decline(w.Ctx, other.Token.Reveal()); return err }, some(tenancy.EventInvitationDeclined))
	w.Equal(tenancy.Actor{Kind: tenancy.ActorHost}, got[0].Actor)
	w.Empty(got[0].Through)

	// Where nobody else can help: one that is void, and one into an organization that is shut.
	boss := w.User("boss")
	beta := w.Owned("Beta", boss)
	w.Add(beta, w.User("second"), rbac.Owner)
	void := w.InviteBy(w.Svc.As(tenancy.UserPrincipal(boss.ID)), beta, ada.Email)
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, beta.ID, boss.ID))
	w.Equal(tenancy.InvitationVoid, w.invitation(void.ID).State)
	w.Equal(tenancy.InvitationDeclined, w.decline(void).State)
	shut := w.Org("Shut")
	sent = w.Invite(shut, ada.Email)
	_, err = w.Svc.Organizations.Suspend(w.Ctx, shut.ID)
	w.NoError(err)
	w.decline(sent)
}

func declinedToken(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	sent := w.Invite(acme, ada.Email)
	token := sent.Token.Reveal()
	w.decline(sent)
	w.Empty(w.Dump().Secrets)
	for name, call := range map[string]func() error{
		"Decline": func() error { _, err := w.Svc.Invitations.Decline(w.Ctx, token); return err },
		"Accept":  w.accepting(sent, ada),
		"Preview": func() error { _, err := w.Svc.Invitations.Preview(w.Ctx, token); return err },
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrInvalidToken, "token", call) })
	}
	for name, call := range map[string]func() error{
		"Resend": func() error { _, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID); return err },
		"Revoke": func() error { _, err := w.Svc.Invitations.Revoke(w.Ctx, sent.ID); return err },
		"Update": func() error {
			_, err := w.Svc.Invitations.Update(w.Ctx, sent.ID, tenancy.InvitationUpdate{Roles: tenancy.Set([]string{rbac.Guest})})
			return err
		},
		"Add": func() error {
			in := servicetest.Adding(acme, ada)
			in.InvitationID = sent.ID
			_, err := w.Svc.Memberships.Add(w.Ctx, in)
			return err
		},
	} {
		w.each(name, func(w *world) { w.Zero(w.refuses(tenancy.ErrInvitationDeclined, "", call).RetryAfter) })
	}
}

func declineRefusals(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	decline := func(token string) func() error {
		return func() error { _, err := w.Svc.Invitations.Decline(w.Ctx, token); return err }
	}
	sent := w.Invite(acme, ada.Email)
	again, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrTokenUsed, "token", decline(sent.Token.Reveal()))
	w.accept(again, ada)
	w.refuses(tenancy.ErrInvitationAccepted, "", decline(again.Token.Reveal()))
	revoked := w.Invite(acme, "bob@acme.example")
	_, err = w.Svc.Invitations.Revoke(w.Ctx, revoked.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrInvitationRevoked, "", decline(revoked.Token.Reveal()))
	late := w.Invite(acme, "late@acme.example")
	w.Clock.Advance(8 * servicetest.Day)
	w.refuses(tenancy.ErrInvitationExpired, "", decline(late.Token.Reveal()))
	w.refuses(tenancy.ErrInvalidToken, "token", decline(w.Code(acme).Token.Reveal()))
	w.refuses(tenancy.ErrInvalidToken, "token", decline("invitation_no"))
	gone := w.Org("Gone")
	sent = w.Invite(gone, ada.Email)
	w.Archive(gone)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, gone.ID))
	w.refuses(tenancy.ErrInvalidToken, "token", decline(sent.Token.Reveal()))
}

func declinedAddress(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	old := w.Invite(acme, ada.Email)
	w.Clock.Advance(8 * servicetest.Day)
	w.decline(w.Invite(acme, ada.Email))
	send := w.sending(w.Svc, acme, "ADA@acme.example")
	resend := func() error { _, err := w.Svc.Invitations.Resend(w.Ctx, old.ID); return err }
	w.declined(30*servicetest.Day, send)
	w.Clock.Advance(30*servicetest.Day - time.Microsecond)
	_, err := w.Svc.Invitations.Sweep(w.Ctx)
	w.NoError(err)
	w.declined(time.Microsecond, send)
	w.declined(time.Microsecond, resend)
	w.Clock.Advance(time.Microsecond)
	w.NoError(resend())
	_, err = w.Svc.Invitations.Revoke(w.Ctx, old.ID)
	w.NoError(err)
	w.NoError(send())

	w.Clock.Advance(time.Microsecond) // what counts no more is forgotten
	_, err = w.Svc.Invitations.Sweep(w.Ctx)
	w.NoError(err)
	w.decline(w.Invite(acme, "bob@acme.example"))
	w.declined(30*servicetest.Day, w.sending(w.Svc, acme, "bob@acme.example")) // and counts anew
}

func declinedAsks(w *world) {
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{JoinRequests: true}})
	other := w.Org("Other")
	leaves := func(user tenancy.User) {
		w.NoError(w.Svc.Memberships.Leave(w.Ctx, acme.ID, user.ID))
	}
	for name, ask := range map[string]func(user tenancy.User){
		"request": func(user tenancy.User) {
			_, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, user.ID, "after all")
			w.NoError(err)
		},
		"code": func(user tenancy.User) {
			w.NoError(w.using(w.Code(acme), user)())
			leaves(user)
		},
	} {
		w.each(name, func(w *world) {
			user := w.User("asks.by." + name)
			w.decline(w.Invite(acme, user.Email))
			w.decline(w.Invite(other, user.Email))
			ask(user)
			w.NoError(w.sending(w.Svc, acme, user.Email)())
			w.declined(30*servicetest.Day, w.sending(w.Svc, other, user.Email)) // where they did not ask
		})
	}
	// What the host does is nobody's asking.
	bob := w.User("bob")
	w.decline(w.Invite(acme, bob.Email))
	w.Add(acme, bob)
	leaves(bob)
	w.declined(30*servicetest.Day, w.sending(w.Svc, acme, bob.Email))
}

func declinedApplication(w *world) {
	send := func() (tenancy.SentInvitation, error) {
		return w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: "zoe@mail.example"})
	}
	sent, err := send()
	w.NoError(err)
	shown := w.decline(sent)
	w.Zero(shown.OrganizationName)
	w.Equal(tenancy.InvitationDeclined, shown.State)
	w.declined(30*servicetest.Day, func() error { _, err := send(); return err })
	w.Invite(w.Org("Acme"), "zoe@mail.example") // which has not been declined
	_, err = w.Svc.Users.ChangeEmail(w.Ctx, w.User("bob").ID, "zoe@mail.example")
	w.NoError(err) // nor is it about other mails
	w.Clock.Advance(30 * servicetest.Day)
	_, err = send()
	w.NoError(err)
}

// sendsFounding invites an address to found an organization, where that may be refused.
func (w *world) sendsFounding(email string) func() error {
	return func() error {
		_, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: email, Found: &tenancy.NewOrganization{DisplayName: "Gamma"}})
		return err
	}
}

func declinedCameBack(d *door) {
	ann := d.NewUser(tenancy.NewUser{Email: "ann@mail.example", EmailVerified: true})
	d.Add(d.beta, ann)
	in := servicetest.ByMail(ann.Email)
	before := d.enters(servicetest.To(d.beta, in))
	d.Add(d.acme, ann)
	other := d.Org("Other")
	d.decline(d.Invite(other, ann.Email))
	d.decline(d.asksToFound(d.Svc, ann.Email, gamma2()))
	d.Clock.Advance(time.Hour)
	_, err := d.enter(before.Token, d.acme) // by what was shown before
	d.NoError(err)
	d.declined(30*servicetest.Day-time.Hour, d.sendsFounding(ann.Email))
	d.enters(servicetest.To(d.acme, in))
	d.NoError(d.sendsFounding(ann.Email)())
	d.declined(30*servicetest.Day-time.Hour, d.sending(d.Svc, other, ann.Email)) // which they did not come to
}

func declinedImpostor(d *door) {
	// The provider of an organization, which they are a guest of, says that they came.
	guest := d.visitor(d.acme, "guest@mail.example")
	d.Link(guest, tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "s-guest"})
	d.decline(d.asksToFound(d.Svc, guest.Email, gamma2()))
	// Somebody made an account with an address of somebody else.
	d.decline(d.asksToFound(d.Svc, victim, gamma2()))
	made := d.NewUser(tenancy.NewUser{Email: victim})
	d.Clock.Advance(time.Hour)
	d.True(d.enters(servicetest.To(d.acme, servicetest.Through(d.okta, "s-guest", guest.Email))).Session.Confined)
	d.Session(made, servicetest.NowhereYet)
	for _, email := range []string{guest.Email, victim} {
		d.declined(30*servicetest.Day-time.Hour, d.sendsFounding(email))
	}
}

func declinedAsked(w *world) {
	other := w.Org("Other")
	w.decline(w.Invite(other, victim))
	for name, to := range map[string]tenancy.Organization{"organization": w.Org("Acme"), "application": {}} {
		w.each(name, func(w *world) {
			in := servicetest.Asking(to, victim)
			send := func() error { _, err := w.Svc.Invitations.Send(w.Ctx, in); return err }
			w.decline(w.Invite(to, victim))
			w.declined(30*servicetest.Day, send)
			in.Asked = true
			tried, err := w.Svc.Invitations.SendMany(w.Ctx, []tenancy.NewInvitation{in}, tenancy.SendOptions{DryRun: true})
			w.NoError(err)
			w.NoError(tried[0].Err)
			in.Asked = false
			w.declined(30*servicetest.Day, send) // a dry run changes nothing
			in.Asked = true
			w.NoError(send())
		})
	}
	w.declined(30*servicetest.Day, w.sending(w.Svc, other, victim))
}

func declineErased(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	w.decline(w.Invite(acme, ada.Email))
	w.declined(30*servicetest.Day, w.sending(w.Svc, acme, ada.Email))
	w.NoError(w.Svc.Users.Erase(w.Ctx, ada.ID))
	w.NoError(w.sending(w.Svc, acme, ada.Email)())
}

// mailedAfterDeclining tries every way that mails an address for an organization.
func mailedAfterDeclining(w *world) {
	box := w.limited()
	owner, admin := w.User("owner"), w.User("admin")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	by := func(user tenancy.User) *tenancy.Service { return w.Svc.As(tenancy.UserPrincipal(user.ID)) }
	old := w.InviteBy(by(owner), acme, victim)
	w.Clock.Advance(8 * servicetest.Day)
	w.InviteBy(by(owner), acme, victim)
	_, err := w.Svc.Invitations.Decline(w.Ctx, box.sent[1].Token.Reveal())
	w.NoError(err)
	w.Clock.Advance(time.Hour)
	for name, call := range map[string]func() error{
		"Send":                w.sending(by(owner), acme, victim),
		"Send by another":     w.sending(by(admin), acme, victim),
		"Send by the host":    w.sending(w.Svc, acme, victim),
		"Send, spelt anew":    w.sending(by(owner), acme, "Victim@Elsewhere.Example"),
		"Resend an older one": func() error { _, err := by(owner).Invitations.Resend(w.Ctx, old.ID); return err },
		"SendMany": func() error {
			_, err := by(owner).Invitations.SendMany(w.Ctx, []tenancy.NewInvitation{servicetest.Asking(acme, victim)}, tenancy.SendOptions{All: true})
			return err
		},
	} {
		w.each(name, func(w *world) {
			field := "email"
			if name == "SendMany" {
				field = "invitations[0].email"
			}
			e := w.Failed(call(), tenancy.ErrInvitationDeclined, field)
			w.Equal(30*servicetest.Day-time.Hour, e.RetryAfter)
		})
	}
	for range 60 { // nor does a mail go later
		w.Clock.Advance(12 * time.Hour)
		w.sweepMails()
	}
	w.Len(box.sent, 2)
}

// declinedElsewhere: an organization gets the same answers whether or not an address declined
// another's invitation.
func declinedElsewhere(w *world) {
	acme, beta := w.Org("Acme"), w.Org("Beta")
	w.decline(w.Invite(acme, "ada@acme.example"))
	results, err := w.Svc.Invitations.SendMany(w.Ctx, []tenancy.NewInvitation{
		servicetest.Asking(beta, "ada@acme.example"), servicetest.Asking(beta, "bob@acme.example"),
	}, tenancy.SendOptions{DryRun: true})
	w.NoError(err)
	w.NoError(results[0].Err)
	w.NoError(results[1].Err)
	one, other := w.Invite(beta, "ada@acme.example"), w.Invite(beta, "bob@acme.example")
	one.ID, one.Email, one.EmailKey, one.Token = other.ID, other.Email, other.EmailKey, other.Token
	w.Equal(one, other)
	page, err := w.Svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: beta.ID, Types: []tenancy.EventType{tenancy.EventInvitationDeclined}})
	w.NoError(err)
	w.Empty(page.Items)
}
