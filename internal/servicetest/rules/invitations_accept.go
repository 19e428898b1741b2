package rules

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func acceptRules() []rule {
	mailOnly := func(c *tenancy.Config) { c.MailOnly = true }
	single := func(c *tenancy.Config) { c.SingleOrganization = true }
	return []rule{
		{"I4 attack: acceptance by the wrong person", on(wrongPerson)},
		{"I4 attack: split addresses are one address or none", on(splitInvited)},
		{"I4 attack: an inviter demoted before acceptance", on(demotedInviter)},
		{"I4 attack: an invitation takes no more than its inviter could", on(cunningInvitation)},
		{"I4 attack: token replay", on(replayedToken)},
		{"G7 attack: cross-tenant invitation tampering", on(foreignInvitations)},
		{"I4 an inactive member comes back on the same row", on(acceptAgain)},
		{"I4 a token shown to the host proves no mailbox", on(shownToken)},
		{"I4 U4 a mailed token proves the mailbox", with(mailOnly, mailedToken)},
		{"I4 anybody on the organization's own domains", on(acceptOnDomains)},
		{"M14 what acceptance must pass", on(acceptRefusals)},
		{"M13 never when inviting, always when accepting", with(single, acceptSingle)},
		{"M11 OnJoin and an invitation", on(acceptVeto)},
	}
}

func wrongPerson(w *world) {
	acme, ada, eve := w.Org("Acme"), w.User("ada"), w.User("eve")
	sent := w.Invite(acme, ada.Email, rbac.Admin)
	w.refuses(tenancy.ErrInvitationForOtherEmail, "", w.accepting(sent, eve))
	w.refuses(tenancy.ErrNotFound, "", w.accepting(sent, tenancy.User{ID: servicetest.Nobody}))
	as := w.Svc.As(tenancy.UserPrincipal(eve.ID)) // and for nobody but oneself
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := as.Invitations.Accept(w.Ctx, sent.Token.Reveal(), ada.ID)
		return err
	})
	w.accept(sent, ada)
}

// splitInvited: what reads like the address invited, and is not.
func splitInvited(w *world) {
	acme := w.Org("Acme")
	for name, address := range map[string]string{
		"a quoted local part": `"ada@evil.example"@acme.example`, "a full-width at-sign": "ada＠acme.example",
		"a comment": "ada(x)@acme.example", "two at-signs": "ada@evil.example@acme.example", "a line break": "ada@acme\n.example",
		"an encoded word": "=?utf-8?q?ada?=@acme.example,", "a Kelvin sign in the local part": "\u212Aate@acme.example",
	} {
		w.each(name, func(w *world) {
			w.refuses(tenancy.ErrInvalid, "email", func() error {
				_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, address))
				return err
			})
		})
	}
	kate := w.Invite(acme, "kate@acme.example")
	for _, other := range []string{"kate+x@acme.example", "k.ate@acme.example", "kate@sub.acme.example", "kate@acme.example.evil.example"} {
		user := w.NewUser(tenancy.NewUser{Email: other, EmailVerified: true})
		w.refuses(tenancy.ErrInvitationForOtherEmail, "", w.accepting(kate, user))
	}
	w.accept(kate, w.NewUser(tenancy.NewUser{Email: "KATE@Acme.Example", EmailVerified: true}))
}

func demotedInviter(w *world) {
	w.Declare()
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	w.OwnRoles(acme.ID)
	ada := w.User("ada")
	for name, fall := range map[string]func(admin tenancy.User){
		"demoted": func(u tenancy.User) {
			_, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, u.ID, rbac.Guest)
			w.NoError(err)
		},
		"deactivated": func(u tenancy.User) { w.Deactivate(acme, u) },
		"removed":     func(u tenancy.User) { w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, u.ID)) },
		"suspended":   func(u tenancy.User) { _, err := w.Svc.Users.Suspend(w.Ctx, u.ID); w.NoError(err) },
		"deleted":     func(u tenancy.User) { w.NoError(w.Svc.Users.Delete(w.Ctx, u.ID)) },
	} {
		for _, role := range []string{rbac.Admin, rbac.Guest} { // a role without a grant, too
			w.each(name+"/"+role, func(w *world) {
				admin := w.User("admin" + name + role)
				w.Add(acme, admin, rbac.Admin)
				sent := w.InviteBy(w.Svc.As(tenancy.UserPrincipal(admin.ID)), acme, ada.Email, role)
				fall(admin)
				w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(sent, ada))
				again, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID) // somebody else stands for it now
				w.NoError(err)
				w.accept(again, ada)
				w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, ada.ID))
			})
		}
	}
	// A role that grew meanwhile: above the inviter by now.
	admin := w.User("admin")
	w.Add(acme, admin, rbac.Admin)
	_, err := w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-grows"})
	w.NoError(err)
	sent := w.InviteBy(w.Svc.As(tenancy.UserPrincipal(admin.ID)), acme, ada.Email, "org-grows")
	_, err = w.Svc.Roles.Update(w.Ctx, acme.ID, "org-grows", tenancy.RoleUpdate{Grants: servicetest.Ptr([]rbac.Grant{rbac.TransferOwnership})})
	w.NoError(err)
	w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(sent, ada))
}

// cunningInvitation: inviting an inactive owner as a guest would take their ownership.
func cunningInvitation(w *world) {
	owner, admin, second := w.User("owner"), w.User("admin"), w.User("second")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	w.Add(acme, second, rbac.Owner)
	w.Deactivate(acme, second)
	svc := w.Svc.As(tenancy.UserPrincipal(admin.ID))
	w.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, second.Email, rbac.Guest))
		return err
	})
	w.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, "heir@acme.example", rbac.Owner))
		return err
	})
	third := w.User("third") // sent before they were an owner
	w.Add(acme, third, rbac.Guest)
	w.Deactivate(acme, third)
	sent := w.InviteBy(svc, acme, third.Email, rbac.Guest)
	_, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, third.ID, rbac.Owner)
	w.NoError(err)
	w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(sent, third))
}

func replayedToken(w *world) {
	acme, ada, eve := w.Org("Acme"), w.User("ada"), w.User("eve")
	sent := w.Invite(acme, ada.Email)
	w.accept(sent, ada)
	for _, who := range []tenancy.User{ada, eve} {
		w.refuses(tenancy.ErrInvitationAccepted, "", w.accepting(sent, who))
	}
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, ada.ID))
	w.refuses(tenancy.ErrInvitationAccepted, "", w.accepting(sent, ada)) // nor back in by it
	w.Clock.Advance(365 * 24 * time.Hour)
	w.refuses(tenancy.ErrInvitationAccepted, "", w.accepting(sent, ada))
}

func foreignInvitations(w *world) {
	eve, ada := w.User("eve"), w.User("ada")
	acme, beta := w.Owned("Acme", eve), w.Owned("Beta", w.User("other"))
	sent := w.Invite(beta, ada.Email)
	code, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: beta.ID})
	w.NoError(err)
	req, err := w.Svc.JoinRequests.Create(w.Ctx, beta.ID, w.User("asker").ID, "")
	w.NoError(err)
	svc := w.Svc.As(tenancy.UserPrincipal(eve.ID))
	for name, call := range map[string]func(g tenancy.InvitationID, c tenancy.JoinCodeID, r tenancy.JoinRequestID) error{
		"Get": func(id tenancy.InvitationID, _ tenancy.JoinCodeID, _ tenancy.JoinRequestID) error {
			_, err := svc.Invitations.Get(w.Ctx, id)
			return err
		},
		"Resend": func(id tenancy.InvitationID, _ tenancy.JoinCodeID, _ tenancy.JoinRequestID) error {
			_, err := svc.Invitations.Resend(w.Ctx, id)
			return err
		},
		"Revoke": func(id tenancy.InvitationID, _ tenancy.JoinCodeID, _ tenancy.JoinRequestID) error {
			_, err := svc.Invitations.Revoke(w.Ctx, id)
			return err
		},
		"Get a code": func(_ tenancy.InvitationID, id tenancy.JoinCodeID, _ tenancy.JoinRequestID) error {
			_, err := svc.JoinCodes.Get(w.Ctx, id)
			return err
		},
		"Revoke a code": func(_ tenancy.InvitationID, id tenancy.JoinCodeID, _ tenancy.JoinRequestID) error {
			_, err := svc.JoinCodes.Revoke(w.Ctx, id)
			return err
		},
		"Get a request": func(_ tenancy.InvitationID, _ tenancy.JoinCodeID, id tenancy.JoinRequestID) error {
			_, err := svc.JoinRequests.Get(w.Ctx, id)
			return err
		},
		"Approve": func(_ tenancy.InvitationID, _ tenancy.JoinCodeID, id tenancy.JoinRequestID) error {
			_, err := svc.JoinRequests.Approve(w.Ctx, id)
			return err
		},
		"Decline": func(_ tenancy.InvitationID, _ tenancy.JoinCodeID, id tenancy.JoinRequestID) error {
			_, err := svc.JoinRequests.Decline(w.Ctx, id)
			return err
		},
		"Cancel": func(_ tenancy.InvitationID, _ tenancy.JoinCodeID, id tenancy.JoinRequestID) error {
			_, err := svc.JoinRequests.Cancel(w.Ctx, id)
			return err
		},
	} {
		w.each(name, func(w *world) {
			theirs := w.refuses(tenancy.ErrNotFound, "", func() error { return call(sent.ID, code.ID, req.ID) })
			none := w.refuses(tenancy.ErrNotFound, "", func() error {
				return call(tenancy.InvitationID(servicetest.Nobody), tenancy.JoinCodeID(servicetest.Nobody), tenancy.JoinRequestID(servicetest.Nobody))
			})
			w.Equal(none.Kind, theirs.Kind) // G7: the same answer
		})
	}
	for _, org := range []tenancy.OrganizationID{beta.ID, servicetest.Nowhere} {
		w.refuses(tenancy.ErrNotFound, "", func() error {
			_, err := svc.Invitations.List(w.Ctx, org, tenancy.InvitationQuery{})
			return err
		})
		w.refuses(tenancy.ErrNotFound, "", func() error {
			_, err := svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{OrganizationID: org, Email: "x@acme.example"})
			return err
		})
	}
	page, err := svc.Invitations.List(w.Ctx, acme.ID, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Empty(page.Items)
}

func acceptAgain(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	first := w.Add(acme, ada, rbac.Admin)
	_, err := w.Svc.Memberships.Update(w.Ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{Metadata: tenancy.Patch{"k": servicetest.Ptr("v")}})
	w.NoError(err)
	w.Deactivate(acme, ada)
	sent := w.Invite(acme, ada.Email, rbac.Guest)
	w.status(acme, ada, tenancy.MembershipInactive) // until it is accepted
	w.Clock.Advance(time.Hour)
	w.emits(func() error { return w.accepting(sent, ada)() },
		some(tenancy.EventMembershipReactivated), some(tenancy.EventInvitationAccepted))
	m := w.Member(acme, ada)
	w.Equal(first.ID, m.ID)
	w.Equal(first.JoinedAt, m.JoinedAt)
	w.Equal([]string{rbac.Guest}, m.Roles) // with the invited roles, and no others
	w.Equal(map[string]string{"k": "v"}, m.Metadata)
	w.consistent()

	// Back by another way, or removed: the invitation goes.
	w.Deactivate(acme, ada)
	sent = w.Invite(acme, ada.Email)
	_, err = w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, ada.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, ada))
	w.Deactivate(acme, ada)
	sent = w.Invite(acme, ada.Email)
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, ada.ID))
	w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, ada))
}

func shownToken(w *world) {
	acme := w.Org("Acme")
	eve := w.NewUser(tenancy.NewUser{Email: "ada@acme.example"}) // who says so
	sent := w.Invite(acme, "ada@acme.example")
	w.status(acme, eve, "")
	w.refuses(tenancy.ErrEmailNotVerified, "", w.accepting(sent, eve))

	// Nor does a token from before the host began to mail them.
	mailed := w.Another(func(c *tenancy.Config) { c.MailOnly = true })
	w.refuses(tenancy.ErrEmailNotVerified, "", func() error {
		_, err := mailed.Invitations.Accept(w.Ctx, sent.Token.Reveal(), eve.ID)
		return err
	})
}

func mailedToken(w *world) {
	acme, beta := w.Org("Acme"), w.Org("Beta")
	eve := w.NewUser(tenancy.NewUser{Email: "ada@acme.example"}) // made by somebody else, perhaps
	_, err := w.Svc.Identities.Link(w.Ctx, eve.ID, tenancy.NewIdentity{Provider: "google", Subject: "evil"})
	w.NoError(err)
	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, eve.ID, "eve@evil.example")
	w.NoError(err)
	session := w.Session(eve, servicetest.NowhereYet)
	sent, other := w.Invite(acme, "ada@acme.example", rbac.Admin), w.Invite(beta, "ada@acme.example")
	m := w.accept(sent, eve)
	w.Equal([]string{rbac.Admin}, m.Roles)
	w.Equal(w.Clock.At, w.getUser(eve.ID).EmailVerifiedAt)
	w.status(beta, eve, tenancy.MembershipPending) // I2: their address came to be verified
	links, err := w.Svc.Identities.List(w.Ctx, eve.ID)
	w.NoError(err)
	w.Empty(links) // U4: all that whoever made the account could come back by
	w.refuses(tenancy.ErrTokenUsed, "token", func() error {
		_, err := w.Svc.Users.ConfirmEmail(w.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal()})
		return err
	})
	_, err = w.Svc.Sessions.Authenticate(w.Ctx, session.Token.Reveal(), servicetest.NowhereYet)
	w.Error(err)
	w.accept(other, eve)

	// It proves the mailbox that it went to, and no other.
	bob := w.NewUser(tenancy.NewUser{Email: "bob@acme.example"})
	w.refuses(tenancy.ErrInvitationForOtherEmail, "", w.accepting(w.Invite(acme, "carl@acme.example"), bob))
}

func acceptOnDomains(w *world) {
	acme, beta := w.Org("Acme"), w.Org("Beta")
	w.claimVerified(acme, "corp.example")
	w.claimVerified(beta, "beta.example")
	sent := w.Invite(acme, "team@corp.example")
	ada := w.NewUser(tenancy.NewUser{Email: "ada@corp.example", EmailVerified: true})
	w.refuses(tenancy.ErrInvitationForOtherEmail, "", w.accepting(sent, ada)) // only where the organization says so
	_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{AcceptOnDomains: servicetest.Ptr(true)})
	w.NoError(err)
	for name, in := range map[string]tenancy.NewUser{
		"unverified":                     {Email: "bob@corp.example"},
		"another organization's domain":  {Email: "bob@beta.example", EmailVerified: true},
		"a domain that nobody has":       {Email: "bob@other.example", EmailVerified: true},
		"a subdomain that is not proved": {Email: "bob@sub.corp.example", EmailVerified: true},
	} {
		w.each(name, func(w *world) {
			w.refuses(tenancy.ErrInvitationForOtherEmail, "", w.accepting(sent, w.NewUser(in)))
		})
	}
	team := w.NewUser(tenancy.NewUser{Email: "team@corp.example", EmailVerified: true})
	w.status(acme, team, tenancy.MembershipPending)
	w.accept(sent, ada)
	w.Equal(ada.ID, w.invitation(sent.ID).UserID)
	w.status(acme, team, "") // it waits for nothing any more
}

// claimVerified gives an organization a domain by the host's word.
func (w *world) claimVerified(org tenancy.Organization, name string) {
	w.T.Helper()
	domain, err := w.Svc.Domains.Claim(w.Ctx, tenancy.NewDomain{OrganizationID: org.ID, Name: name})
	w.NoError(err)
	_, err = w.Svc.Domains.MarkVerified(w.Ctx, org.ID, domain.ID)
	w.NoError(err)
}

func acceptRefusals(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	sent := w.Invite(acme, ada.Email)
	_, err := w.Svc.Organizations.Suspend(w.Ctx, acme.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrOrganizationClosed, "", w.accepting(sent, ada))
	_, err = w.Svc.Organizations.Resume(w.Ctx, acme.ID)
	w.NoError(err)
	w.Archive(acme)
	w.refuses(tenancy.ErrOrganizationClosed, "", w.accepting(sent, ada))
	_, err = w.Svc.Organizations.Restore(w.Ctx, acme.ID)
	w.NoError(err)
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{"acme.example"}})
	w.NoError(err)
	w.refuses(tenancy.ErrEmailDomainNotAllowed, "email", w.accepting(sent, ada))
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{BlockedDomains: &[]string{}})
	w.NoError(err)
	w.accept(sent, ada)
}

func acceptSingle(w *world) {
	acme, beta, ada := w.Org("Acme"), w.Org("Beta"), w.User("ada")
	w.Add(acme, ada)
	sent := w.Invite(beta, ada.Email)
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", w.accepting(sent, ada))
	w.NoError(w.Svc.Memberships.Leave(w.Ctx, acme.ID, ada.ID))
	w.accept(sent, ada)
}

func acceptVeto(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	sent := w.Invite(acme, ada.Email, rbac.Guest)
	no, asked := errors.New("no"), 0
	w.Svc = w.Another(func(c *tenancy.Config) {
		c.OnJoin = func(_ context.Context, _ *tenancy.Service, j tenancy.Join) error {
			asked++
			w.Equal(tenancy.JoinedInvitation, j.Via)
			w.Equal([]string{rbac.Guest}, j.Roles)
			return no
		}
	})
	w.ErrorIs(w.refuses(tenancy.ErrJoinRefused, "", w.accepting(sent, ada)), no)
	w.Equal(1, asked)
	w.status(acme, ada, tenancy.MembershipPending)
}
