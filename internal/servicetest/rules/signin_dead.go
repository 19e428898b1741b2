package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// deadTokenRules: an invitation of no use, in a sign-in that would succeed without it.
func deadTokenRules() []rule {
	return []rule{
		{"I6 a sign-in goes on without an invitation of no use", atDoor(deadTokens)},
		{"I6 a member who opens a spent invitation is signed in where it was for", atDoor(deadTokenOfOwn)},
		{"I6 an invitation of no use lets nobody in", atDoor(deadTokenOfOthers)},
	}
}

// deadToken makes a token of no use to a user at beta, and says with which code.
type deadToken struct {
	name   string
	code   tenancy.Code
	stands bool // the invitation itself does: it shows only when the person accepts
	make   func(d *door, user tenancy.User) string
}

// deadTokenCases are all the codes of an invitation that is of no use to a person.
func deadTokenCases() []deadToken {
	sent := func(d *door, email string) tenancy.SentInvitation { return d.Invite(d.beta, email) }
	return []deadToken{
		{"nonsense", tenancy.ErrInvalidToken, false, func(*door, tenancy.User) string { return "invitation_x" }},
		{"another kind's", tenancy.ErrInvalidToken, false, func(d *door, user tenancy.User) string {
			return d.Session(user, servicetest.NowhereYet).Token.Reveal()
		}},
		{"of a deleted organization", tenancy.ErrInvalidToken, false, func(d *door, user tenancy.User) string {
			gone := d.Org("Gone")
			token := d.invites(gone, user.Email)
			d.NoError(d.Svc.Organizations.Delete(d.Ctx, gone.ID))
			return token
		}},
		{"replaced", tenancy.ErrTokenUsed, false, func(d *door, user tenancy.User) string {
			first := sent(d, user.Email)
			_, err := d.Svc.Invitations.Resend(d.Ctx, first.ID)
			d.NoError(err)
			return first.Token.Reveal()
		}},
		{"accepted", tenancy.ErrInvitationAccepted, false, func(d *door, user tenancy.User) string {
			first := sent(d, user.Email)
			d.accept(first, user)
			return first.Token.Reveal()
		}},
		{"revoked", tenancy.ErrInvitationRevoked, false, func(d *door, user tenancy.User) string {
			first := sent(d, user.Email)
			_, err := d.Svc.Invitations.Revoke(d.Ctx, first.ID)
			d.NoError(err)
			return first.Token.Reveal()
		}},
		{"expired", tenancy.ErrInvitationExpired, false, func(d *door, user tenancy.User) string {
			token := d.invites(d.beta, user.Email)
			d.Clock.Advance(31 * servicetest.Day)
			return token
		}},
		{"void", tenancy.ErrInvitationVoid, true, func(d *door, user tenancy.User) string {
			boss := d.person("boss")
			d.Add(d.beta, boss, rbac.Admin)
			first := d.InviteBy(d.asUser(boss), d.beta, user.Email)
			_, err := d.Svc.Memberships.SetRoles(d.Ctx, d.beta.ID, boss.ID, rbac.Guest)
			d.NoError(err)
			return first.Token.Reveal()
		}},
		{"for a colleague", tenancy.ErrAlreadyMember, true, func(d *door, user tenancy.User) string {
			_, err := d.Svc.Organizations.Update(d.Ctx, d.beta.ID, tenancy.OrganizationUpdate{AcceptOnDomains: servicetest.Ptr(true)})
			d.NoError(err)
			d.Add(d.beta, user)
			return d.invites(d.beta, "colleague@beta.example")
		}},
	}
}

func deadTokens(d *door) {
	for _, c := range deadTokenCases() {
		d.each(c.name, func(w *world) {
			d := d.under(w)
			user := w.NewUser(tenancy.NewUser{Email: slugged(c.name) + "@beta.example", EmailVerified: true})
			token := c.make(d, user)
			// Alone it is refused, and so it is with evidence that does not suffice.
			for _, in := range []tenancy.Attempt{{}, servicetest.ByPassword("c-new", user.Email)} {
				if c.stands {
					w.halts(tenancy.DecisionVerifyEmail, "", bringing(token, in))
				} else {
					w.halts(tenancy.DecisionInvitationRefused, c.code, bringing(token, in))
				}
			}
			got := w.goesOn(c.code, bringing(token, servicetest.ByMail(user.Email)))
			w.Equal(user.ID, got.User.ID)
			w.Nil(got.Member)
			// A decision that asks for more says it, too.
			w.demand(d.beta, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{SecondFactor: true}})
			next := w.halts(tenancy.DecisionSecondFactor, "", bringing(token, servicetest.ByMail(user.Email)))
			if !c.stands {
				w.Equal(c.code, next.InvitationCode)
			}
			w.goesOn(c.code, bringing(token, servicetest.Twice(servicetest.ByMail(user.Email))))
			w.demand(d.beta, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}})
		})
	}
}

// under is d in a subtest.
func (d *door) under(w *world) *door {
	sub := *d
	sub.world = w
	return &sub
}

// deadTokenOfOwn: ann is in two organizations, and would have to choose.
func deadTokenOfOwn(d *door) {
	ann := d.visitor(d.acme, "ann@mail.example")
	first := d.Invite(d.beta, ann.Email)
	token := first.Token.Reveal()
	d.Equal(d.beta.ID, d.enters(bringing(token, servicetest.ByMail(ann.Email))).OrganizationID)
	d.halts(tenancy.DecisionChooseOrganization, "", servicetest.ByMail(ann.Email))
	d.Equal(d.beta.ID, d.goesOn(tenancy.ErrInvitationAccepted, bringing(token, servicetest.ByMail(ann.Email))).OrganizationID)
	d.Equal(d.acme.ID, d.goesOn(tenancy.ErrInvitationAccepted, servicetest.To(d.acme, bringing(token, servicetest.ByMail(ann.Email)))).OrganizationID)
	// A link that was mailed to another person leads there as well.
	other := d.Invite(d.beta, "other@mail.example")
	_, err := d.Svc.Invitations.Revoke(d.Ctx, other.ID)
	d.NoError(err)
	d.Equal(d.beta.ID, d.goesOn(tenancy.ErrInvitationRevoked, bringing(other.Token.Reveal(), servicetest.ByMail(ann.Email))).OrganizationID)
	// The policy of that organization binds as always, and an inactive member stays out.
	d.demand(d.beta, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
	d.halts(tenancy.DecisionSecondFactor, "", bringing(token, servicetest.ByMail(ann.Email)))
	d.Deactivate(d.beta, ann)
	d.Equal(d.acme.ID, d.goesOn(tenancy.ErrInvitationAccepted, bringing(token, servicetest.ByMail(ann.Email))).OrganizationID)
	d.Equal(tenancy.MembershipInactive, d.Member(d.beta, ann).Status)
}

// deadTokenOfOthers: it is neither a way in nor an answer to registration being closed.
func deadTokenOfOthers(d *door) {
	first := d.Invite(d.beta, "ann@mail.example")
	_, err := d.Svc.Invitations.Revoke(d.Ctx, first.ID)
	d.NoError(err)
	token := first.Token.Reveal()
	got := d.goesOn(tenancy.ErrInvitationRevoked, bringing(token, servicetest.ByMail("new@mail.example")))
	d.True(got.Created)
	d.True(got.OrganizationID.IsZero())
	d.halts(tenancy.DecisionInvitationRefused, tenancy.ErrInvitationRevoked, servicetest.To(d.beta, bringing(token, servicetest.ByMail("new@mail.example"))))
	closed := d.Another(func(c *tenancy.Config) { c.Registration = tenancy.RegistrationClosed })
	d.unchanged(func() {
		got, err := closed.SignIn(d.Ctx, bringing(token, servicetest.ByMail("late@mail.example")))
		d.NoError(err)
		d.Equal(tenancy.DecisionInvitationRefused, got.Kind)
		d.Equal(tenancy.ErrInvitationRevoked, got.Code)
	})
	// A live one that is for somebody else is no dead one.
	live := d.invites(d.beta, "other@mail.example")
	d.halts(tenancy.DecisionInvitationRefused, tenancy.ErrInvitationForOtherEmail, bringing(live, servicetest.ByMail("new@mail.example")))
	d.Empty(d.enters(bringing(d.invites(d.beta, "new@mail.example"), servicetest.ByMail("new@mail.example"))).InvitationCode)
}
