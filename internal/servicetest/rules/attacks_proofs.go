package rules

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// proofAttacks credit a proof to somebody who did not give it.
func proofAttacks() []rule {
	mailOnly := func(c *tenancy.Config) { c.MailOnly = true }
	return []rule{
		{"U5 attack: a victim opens the link that somebody else asked for", atDoor(trojanLink)},
		{"U5 attack: a link is opened in a session that is not the user's", atDoor(linkInOtherSession)},
		{"U5 attack: an older session goes on after the address moved", atDoor(sessionsAfterMove)},
		{"U4 attack: a company's provider says that an address is not verified", atDoor(providerSaysNo)},
		{"I4 attack: a mailed invitation opens the account of a known user", atDoorWith(mailOnly, invitationAsKey)},
		{"I4 attack: a mailed invitation links a stranger's identity", atDoorWith(mailOnly, invitationLinks)},
		{"I4 attack: an invitation into the application opens an account made since", atDoorWith(mailOnly, applicationInvitation)},
	}
}

// trojanLink: m@evil.example asks for v@acme.example, and V opens the link.
func trojanLink(d *door) {
	d.joining(tenancy.JoiningAuto, rbac.Member)
	m := d.NewUser(tenancy.NewUser{Email: "m@evil.example", EmailVerified: true})
	d.Link(m, tenancy.NewIdentity{Provider: "password", Subject: "c-m"})
	evil := d.enters(servicetest.ByPassword("c-m", ""))
	d.invites(d.beta, "v@acme.example", rbac.Admin)
	proof, err := d.asSession(evil.Session).Users.ChangeEmail(d.Ctx, m.ID, "v@acme.example")
	d.NoError(err)
	d.refuses(tenancy.ErrSignInRequired, "session", func() error { return d.confirm(proof.Token.Reveal()) })

	d.Equal("m@evil.example", d.getUser(m.ID).Email)
	d.True(d.stands(evil)) // signed in to M's own account
	page, err := d.asSession(evil.Session).Invitations.ListByUser(d.Ctx, m.ID, tenancy.InvitationQuery{})
	d.NoError(err)
	d.Empty(page.Items)
	again := d.enters(servicetest.ByPassword("c-m", ""))
	d.True(again.OrganizationID.IsZero())
	d.False(d.isMember(d.acme, m))
	v := d.enters(servicetest.ByMail("v@acme.example"))
	d.True(v.Created)
	d.NotEqual(m.ID, v.User.ID)
	d.Equal(d.acme.ID, v.OrganizationID)
	// The address is V's now, and the proof does not change that.
	d.refuses(tenancy.ErrAlreadyExists, "email", func() error { return d.moves(m, proof) })
}

// linkInOtherSession: only a live, unconfined session of the same user moves an address.
func linkInOtherSession(d *door) {
	m := d.visitor(d.acme, "m@mail.example")
	proof := d.proof(m, "m@new.example")
	own, other := d.enters(servicetest.ByMail(m.Email)), d.enters(servicetest.ByMail("v@mail.example"))
	confined := d.enters(servicetest.Proving(m.Email, servicetest.Through(d.okta, "s-m", m.Email)))
	d.True(confined.Session.Confined)
	signedOut := d.enters(servicetest.ByMail(m.Email))
	d.NoError(d.Svc.Sessions.SignOut(d.Ctx, signedOut.Token.Reveal()))
	moved := d.enters(servicetest.ByMail(m.Email))
	d.enters(servicetest.Within(moved.Token, servicetest.ByMail(m.Email)))
	for name, session := range map[string]string{
		"in none": "", "in another person's": other.Token.Reveal(), "in a confined one": confined.Token.Reveal(),
		"in one that the host confined": d.confinedBy(m, d.acme).Token.Reveal(),
		"in one that was signed out":    signedOut.Token.Reveal(), "by a token that another sign-in replaced": moved.Token.Reveal(),
		"by the id of a session": own.Session.ID.String(), "by the token of the link": proof.Token.Reveal(), "by nonsense": "session_x",
	} {
		d.each(name, func(w *world) {
			w.refuses(tenancy.ErrSignInRequired, "session", func() error {
				_, err := w.Svc.Users.ConfirmEmail(w.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: session})
				return err
			})
		})
	}
	d.refuses(tenancy.ErrForbidden, "", func() error { return d.moves(other.User, proof) })
	d.refuses(tenancy.ErrForbidden, "", func() error {
		in := tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: own.Token.Reveal()} // beside a confined principal
		_, err := d.asSession(confined.Session).Users.ConfirmEmail(d.Ctx, in)
		return err
	})
	// A refusal spends nothing.
	_, err := d.Svc.Users.ConfirmEmail(d.Ctx, tenancy.EmailConfirmation{Token: proof.Token.Reveal(), Session: own.Token.Reveal()})
	d.NoError(err)
	d.Equal("m@new.example", d.getUser(m.ID).Email)
}

func sessionsAfterMove(d *door) {
	for name, confirm := range map[string]func(w *world, own tenancy.Decision, token string) error{
		"host": func(w *world, own tenancy.Decision, token string) error {
			_, err := w.Svc.Users.ConfirmEmail(w.Ctx, tenancy.EmailConfirmation{Token: token, Session: own.Token.Reveal()})
			return err
		},
		"bound": func(w *world, own tenancy.Decision, token string) error {
			_, err := w.asSession(own.Session).Users.ConfirmEmail(w.Ctx, tenancy.EmailConfirmation{Token: token})
			return err
		},
	} {
		d.each(name, func(w *world) {
			v := w.person(name)
			own, other := w.enters(servicetest.ByMail(v.Email)), w.enters(servicetest.ByMail(v.Email))
			w.NoError(confirm(w, own, w.proof(v, name+"@new.example").Token.Reveal()))
			w.True(w.stands(own))
			w.ended(other.Token, tenancy.ErrSessionEnded, string(tenancy.EndedEmailChanged))
		})
	}
}

// providerSaysNo: what a company's provider says about an address counts only where it is
// true, or where it says nothing.
func providerSaysNo(d *door) {
	unproved := d.NewUser(tenancy.NewUser{Email: "new@acme.example"})
	d.Add(d.acme, unproved, rbac.Admin)
	answer := func(subject, email, verified string) tenancy.Attempt {
		if verified != "" {
			verified = `,"email_verified":` + verified
		}
		claims := fmt.Sprintf(`{"sub":%q,"email":%q%s}`, subject, email, verified)
		return servicetest.Asserting(d.okta, tenancy.AssertionFromClaims(json.RawMessage(claims)))
	}
	for _, claim := range []string{`false`, `"false"`, `"true"`, `0`, `1`, `null`, `[true]`, `{}`} {
		d.each(claim, func(w *world) {
			w.halts(tenancy.DecisionVerifyEmail, "", answer("intern", "owner@acme.example", claim))
			w.halts(tenancy.DecisionVerifyEmail, "", answer("intern", "new@acme.example", claim))
		})
	}
	d.halts(tenancy.DecisionVerifyEmail, "", doubting(d.okta, "intern", "owner@acme.example")) // SAML, with an attribute
	d.Empty(d.identities(d.owner))
	d.True(d.getUser(unproved.ID).EmailVerifiedAt.IsZero())
	// The person who reads the mailbox gets in all the same.
	d.True(d.enters(servicetest.Proving("new@acme.example", answer("new", "new@acme.example", "false"))).TookOver)
	d.True(d.enters(answer("owner", "owner@acme.example", "")).Linked)
}

// invitedOwner has beta, an organization of strangers, invite acme's owner.
func (d *door) invitedOwner() (token string) {
	d.T.Helper()
	stranger := d.NewUser(tenancy.NewUser{Email: "stranger@evil.example", EmailVerified: true})
	d.Add(d.beta, stranger, rbac.Admin)
	sent, err := d.asUser(stranger).Invitations.Send(d.Ctx, tenancy.NewInvitation{
		OrganizationID: d.beta.ID, Email: d.owner.Email, For: 30 * servicetest.Day,
	})
	d.NoError(err)
	return sent.Token.Reveal()
}

// invitationAsKey: the mail of any tenant proves nothing about an account that is proved.
func invitationAsKey(d *door) {
	token := d.invitedOwner()
	alone := tenancy.Attempt{Invitation: token}
	halted := d.halts(tenancy.DecisionVerifyEmail, "", alone)
	d.True(halted.OrganizationID.IsZero())
	d.Clock.Advance(30*servicetest.Day - time.Minute)
	d.halts(tenancy.DecisionVerifyEmail, "", alone)
	d.refuses(tenancy.ErrInvalid, "organization_id", func() error { _, err := d.Svc.SignIn(d.Ctx, servicetest.To(d.acme, alone)); return err })
	d.False(d.isMember(d.beta, d.owner) && d.Member(d.beta, d.owner).Status == tenancy.MembershipActive)
	// The person who signs in by other evidence is admitted.
	got := d.enters(bringing(token, servicetest.ByMail(d.owner.Email)))
	d.Equal(d.beta.ID, got.OrganizationID)
	d.Equal(tenancy.JoinedInvitation, got.Member.JoinedVia)

	other := d.invites(d.beta, "cyd@acme.example")
	cyd := d.User("cyd")
	session := d.enters(servicetest.ByMail(cyd.Email))
	_, err := d.asSession(session.Session).Invitations.Accept(d.Ctx, other, cyd.ID)
	d.NoError(err)
}

// invitationLinks: it does not vouch for a way of signing in that comes with it.
func invitationLinks(d *door) {
	token := d.invitedOwner()
	entra := servicetest.Through(d.entra, "s-evil", d.owner.Email) // of beta itself
	for name, in := range map[string]tenancy.Attempt{
		"a password": servicetest.ByPassword("c-evil", d.owner.Email), "a password alone": servicetest.ByPassword("c-evil", ""),
		"a provider that verified nothing": servicetest.ByProvider(servicetest.Google, "g-evil", d.owner.Email, false),
		"a provider that tells no address": servicetest.ByProvider(servicetest.Google, "g-evil", "", nil),
		"the connection of who invites":    entra, "that connection, with a doubt": doubting(d.entra, "s-evil", d.owner.Email),
	} {
		d.each(name, func(w *world) { w.halts(tenancy.DecisionVerifyEmail, "", bringing(token, in)) })
	}
	d.Empty(d.identities(d.owner))
	d.halts(tenancy.DecisionVerifyEmail, "", servicetest.To(d.acme, servicetest.ByPassword("c-evil", d.owner.Email)))
	d.halts(tenancy.DecisionInvitationNeeded, "", entra)
	// It still lets in somebody new, and opens an account that nobody has proved.
	d.True(d.enters(bringing(d.invites(d.beta, "new@mail.example"), servicetest.ByPassword("c-new", "new@mail.example"))).Created)
	d.NewUser(tenancy.NewUser{Email: "trap@mail.example"})
	d.True(d.enters(tenancy.Attempt{Invitation: d.invites(d.beta, "trap@mail.example")}).TookOver)
}

func applicationInvitation(d *door) {
	sent, err := d.Svc.Invitations.Send(d.Ctx, tenancy.NewInvitation{Email: "late@mail.example", For: 30 * servicetest.Day})
	d.NoError(err)
	token := sent.Token.Reveal()
	late := d.person("late")
	d.Add(d.beta, late, rbac.Admin)
	for _, in := range []tenancy.Attempt{
		{},
		servicetest.ByPassword("c-evil", late.Email), servicetest.ByProvider(servicetest.Google, "g-evil", late.Email, false),
		servicetest.To(d.beta, servicetest.ByPassword("c-evil", "")),
	} {
		d.halts(tenancy.DecisionVerifyEmail, "", bringing(token, in))
	}
	d.Empty(d.identities(late))
}
