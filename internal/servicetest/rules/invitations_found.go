package rules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// foundingInvitationRules are about invitations whose person founds an organization (rule I13).
func foundingInvitationRules() []rule {
	return []rule{
		{"I13 accepting an invitation founds its organization", on(acceptFounding)},
		{"I13 signing in with an invitation founds its organization", atDoor(signInFounding)},
		{"I13 I4 founding by an invitation takes the proofs that invitations take", atDoor(foundingProofs)},
		{"I13 what a founding invitation says, and what it may not", on(foundingInput)},
		{"I13 the mail of a founding invitation says what it founds", on(foundingMail)},
		{"I13 O5 the slug of a founding invitation may be taken meanwhile", on(foundingSlugs)},
		{"I13 a founding invitation that cannot be accepted any more", atDoor(foundingVoid)},
		{"I13 O6 founding by an invitation counts toward no limit", with(func(c *tenancy.Config) {
			c.SelfServe, c.Limits.UserOrganizations = true, 1
		}, foundingLimits)},
		{"I13 M13 M11 what founding by an invitation must pass", on(foundingRefusals)},
		{"I13 U7 erasing whom a founding invitation was for", on(foundingErased)},
		{"I13 attack: only the host has somebody found", on(foundingByMembers)},
	}
}

// gamma is an organization with everything that an invitation may say of one.
func gamma() *tenancy.NewOrganization {
	return &tenancy.NewOrganization{
		DisplayName: "Gamma", Slug: "gamma", ExternalID: "crm-7",
		Metadata: map[string]string{"plan": "pro"}, Attributes: map[string]string{"color": "red"},
		Settings: tenancy.Settings{
			SeatLimit: 5, Features: map[string]bool{"beta": true}, AllowedDomains: []string{"acme.example"}, BlockedDomains: []string{"evil.example"},
			AcceptOnDomains: true, SingleSignOnJoins: true, JoinRequests: true, SessionIdle: time.Hour, SessionFor: servicetest.Day,
		},
	}
}

// asksToFound sends an invitation to found an organization.
func (w *world) asksToFound(svc *tenancy.Service, email string, in *tenancy.NewOrganization) tenancy.SentInvitation {
	w.T.Helper()
	sent, err := svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: email, Found: in})
	w.NoError(err)
	return sent
}

func acceptFounding(w *world) {
	ada := w.User("ada") // who is a user already, with a proved address
	sent := w.asksToFound(w.Svc, ada.Email, gamma())
	w.Equal(gamma(), sent.Found)
	w.Equal(gamma(), w.invitation(sent.ID).Found)
	w.True(w.invitation(sent.ID).FoundedID.IsZero())
	_, err := w.Svc.Organizations.GetBySlug(w.Ctx, "gamma")
	w.Failed(err, tenancy.ErrNotFound, "")
	preview, err := w.Svc.Invitations.Preview(w.Ctx, sent.Token.Reveal())
	w.NoError(err)
	w.Equal("Gamma", preview.OrganizationName)
	w.Zero(preview.OrganizationID)
	own, err := w.Svc.Invitations.ListByUser(w.Ctx, ada.ID, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Equal([]tenancy.InvitationPreview{preview}, own.Items)

	w.Clock.Advance(time.Minute)
	sent, err = w.Svc.Invitations.Resend(w.Ctx, sent.ID)
	w.NoError(err)
	w.Equal(gamma(), sent.Found)
	var m tenancy.Member
	got := w.emits(func() (err error) { m, err = w.Svc.Invitations.Accept(w.Ctx, sent.Token.Reveal(), ada.ID); return err },
		some(tenancy.EventOrganizationCreated), some(tenancy.EventMembershipCreated),
		event{kind: tenancy.EventInvitationAccepted, user: ada.ID, subject: sent.ID.String(), previous: anything})
	org, err := w.Svc.Organizations.GetBySlug(w.Ctx, "gamma")
	w.NoError(err)
	w.tells(got[0], ofOrg(tenancy.EventOrganizationCreated, org, ""))
	w.tells(got[1], about(tenancy.EventMembershipCreated, m))
	w.Equal(org.ID, m.OrganizationID)
	w.Equal(ada.ID, m.UserID)
	w.Equal([]string{rbac.Owner}, m.Roles)
	w.Equal(tenancy.JoinedCreated, m.JoinedVia)
	w.Equal([]tenancy.UserID{ada.ID}, w.owners(org))
	want := gamma()
	w.Equal(tenancy.NewOrganization{
		DisplayName: org.DisplayName, Slug: org.Slug, ExternalID: org.ExternalID, Metadata: org.Metadata, Attributes: org.Attributes, Settings: org.Settings,
	}, *want)
	inv := w.invitation(sent.ID)
	w.Equal(tenancy.InvitationAccepted, inv.State)
	w.Equal(org.ID, inv.FoundedID)
	w.Equal(want, inv.Found)

	w.refuses(tenancy.ErrInvitationAccepted, "", w.accepting(sent, ada))
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, org.ID)) // the invitation tells of what was
	w.Equal(inv, w.invitation(sent.ID))

	bob := w.User("bob") // by themselves
	sent = w.asksToFound(w.Svc, bob.Email, &tenancy.NewOrganization{DisplayName: "Delta"})
	m, err = w.Svc.As(tenancy.UserPrincipal(bob.ID)).Invitations.Accept(w.Ctx, sent.Token.Reveal(), bob.ID)
	w.NoError(err)
	for e, err := range w.Svc.Events.All(w.Ctx, tenancy.EventQuery{OrganizationID: m.OrganizationID}) {
		w.NoError(err)
		w.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: bob.ID.String()}, e.Actor)
	}
}

func signInFounding(d *door) {
	d.joining(tenancy.JoiningAuto, "") // where an invitation that founds does not lead
	sent := d.asksToFound(d.mailed(), "ann@acme.example", gamma())
	in := tenancy.Attempt{Invitation: sent.Token.Reveal(), ChooseLater: true} // there is nothing to choose
	var got tenancy.Decision
	d.emits(func() (err error) { got, err = d.Svc.SignIn(d.Ctx, in); return err },
		some(tenancy.EventUserCreated), some(tenancy.EventOrganizationCreated), some(tenancy.EventMembershipCreated),
		some(tenancy.EventInvitationAccepted), some(tenancy.EventSessionStarted))
	d.Equal(tenancy.DecisionSignedIn, got.Kind)
	d.True(got.Created)
	org, err := d.Svc.Organizations.Get(d.Ctx, got.OrganizationID)
	d.NoError(err)
	d.Equal("Gamma", org.DisplayName)
	d.Equal(org.ID, got.Session.OrganizationID)
	d.Equal(org.ID, got.Member.OrganizationID)
	d.Equal([]string{rbac.Owner}, got.Member.Roles)
	d.Equal(org.ID, d.invitation(sent.ID).FoundedID)
	_, err = d.Svc.Memberships.Get(d.Ctx, d.acme.ID, got.User.ID)
	d.Failed(err, tenancy.ErrNotFound, "")
	for e, err := range d.Svc.Events.All(d.Ctx, tenancy.EventQuery{OrganizationID: org.ID}) {
		d.NoError(err)
		d.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: got.User.ID.String()}, e.Actor)
	}

	// The same link again leads there, among several organizations (I6).
	d.Add(d.acme, got.User, rbac.Member)
	again := d.goesOn(tenancy.ErrInvitationAccepted, bringing(sent.Token.Reveal(), servicetest.ByMail("ann@acme.example")))
	d.Equal(org.ID, again.OrganizationID)
	d.Equal(tenancy.ErrInvitationAccepted, d.halts(tenancy.DecisionInvitationRefused, tenancy.ErrInvitationAccepted, in).Code)

	// It goes with no other organization.
	sent = d.asksToFound(d.Svc, "bob@mail.example", &tenancy.NewOrganization{DisplayName: "Delta"})
	fresh := bringing(sent.Token.Reveal(), servicetest.ByMail("bob@mail.example"))
	refused := func(field string, in tenancy.Attempt) {
		d.T.Helper()
		d.refuses(tenancy.ErrInvalid, field, func() error { _, err := d.Svc.SignIn(d.Ctx, in); return err })
	}
	refused("found", founding("Epsilon", fresh))
	refused("organization_id", servicetest.To(d.acme, fresh))
	d.NotNil(d.enters(fresh).Member)

	// Through a connection, and after a second factor.
	sent = d.asksToFound(d.Svc, "cyd@acme.example", &tenancy.NewOrganization{DisplayName: "Epsilon"})
	got = d.enters(bringing(sent.Token.Reveal(), servicetest.Through(d.okta, "s-1", "cyd@acme.example")))
	d.NotEqual(d.acme.ID, got.OrganizationID)
	d.Equal([]string{rbac.Owner}, got.Member.Roles)
}

func foundingProofs(d *door) {
	ann := d.NewUser(tenancy.NewUser{Email: "ann@mail.example", EmailVerified: true})
	sent := d.asksToFound(d.mailed(), ann.Email, &tenancy.NewOrganization{DisplayName: "Gamma"})
	token := sent.Token.Reveal()
	d.halts(tenancy.DecisionVerifyEmail, "", tenancy.Attempt{Invitation: token}) // the account is somebody's
	d.halts(tenancy.DecisionVerifyEmail, "", bringing(token, servicetest.ByPassword("c-9", ann.Email)))
	d.halts(tenancy.DecisionInvitationRefused, tenancy.ErrInvitationForOtherEmail, bringing(token, servicetest.ByMail("eve@mail.example")))
	eve := d.NewUser(tenancy.NewUser{Email: "eve@mail.example", EmailVerified: true})
	d.refuses(tenancy.ErrInvitationForOtherEmail, "", d.accepting(sent, eve))
	guest := d.visitor(d.acme, "guest@mail.example") // whom the connection vouches for in acme alone
	d.Link(guest, tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "s-9"})
	confined := d.asksToFound(d.Svc, guest.Email, &tenancy.NewOrganization{DisplayName: "Delta"})
	d.halts(tenancy.DecisionNotMember, "", bringing(confined.Token.Reveal(), servicetest.Through(d.okta, "s-9", guest.Email)))
	unproved := d.NewUser(tenancy.NewUser{Email: "new@mail.example"})
	shown := d.asksToFound(d.Svc, unproved.Email, &tenancy.NewOrganization{DisplayName: "Delta"})
	d.refuses(tenancy.ErrEmailNotVerified, "", d.accepting(shown, unproved))

	got := d.enters(bringing(token, servicetest.ByMail(ann.Email)))
	d.Equal(ann.ID, got.User.ID)
	d.Equal(got.OrganizationID, d.invitation(sent.ID).FoundedID)
}

func foundingInput(w *world) {
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", ExternalID: "crm-1"})
	refused := func(code tenancy.Code, field string, in tenancy.NewInvitation) {
		w.T.Helper()
		w.refuses(code, field, func() error { _, err := w.Svc.Invitations.Send(w.Ctx, in); return err })
	}
	refused(tenancy.ErrInvalid, "found", tenancy.NewInvitation{OrganizationID: acme.ID, Email: "ann@mail.example", Found: gamma()})
	for _, bad := range []struct {
		code  tenancy.Code
		field string
		in    tenancy.NewOrganization
	}{
		{tenancy.ErrInvalid, "found.display_name", tenancy.NewOrganization{}},
		{tenancy.ErrInvalid, "found.slug", tenancy.NewOrganization{DisplayName: "G", Slug: "-"}},
		{tenancy.ErrInvalid, "found.external_id", tenancy.NewOrganization{DisplayName: "G", ExternalID: "a\nb"}},
		{tenancy.ErrInvalid, "found.metadata", tenancy.NewOrganization{DisplayName: "G", Metadata: map[string]string{"": "x"}}},
		{tenancy.ErrInvalid, "found.attributes", tenancy.NewOrganization{DisplayName: "G", Attributes: map[string]string{"": "x"}}},
		{tenancy.ErrInvalid, "found.seat_limit", tenancy.NewOrganization{DisplayName: "G", Settings: tenancy.Settings{SeatLimit: -1}}},
		{tenancy.ErrPublicEmailDomain, "found.allowed_domains", tenancy.NewOrganization{DisplayName: "G", Settings: tenancy.Settings{AllowedDomains: []string{"gmail.com"}}}},
		{tenancy.ErrEmailDomainNotAllowed, "found.email", tenancy.NewOrganization{DisplayName: "G", Settings: tenancy.Settings{AllowedDomains: []string{"acme.example"}}}},
		{tenancy.ErrAlreadyExists, "found.slug", tenancy.NewOrganization{DisplayName: "G", Slug: "acme"}},
		{tenancy.ErrAlreadyExists, "found.external_id", tenancy.NewOrganization{DisplayName: "G", ExternalID: "crm-1"}},
		{tenancy.ErrInvalid, "found.id", tenancy.NewOrganization{DisplayName: "G", ID: servicetest.Nowhere}},
		{tenancy.ErrInvalid, "found.created_at", tenancy.NewOrganization{DisplayName: "G", CreatedAt: w.Clock.At}},
		{tenancy.ErrInvalid, "found.owner", tenancy.NewOrganization{DisplayName: "G", Owner: servicetest.Nobody}},
		{tenancy.ErrInvalid, "found.domains", tenancy.NewOrganization{DisplayName: "G", Domains: []tenancy.NewDomain{{Name: "g.example"}}}},
		{tenancy.ErrInvalid, "found.default_role", tenancy.NewOrganization{DisplayName: "G", Settings: tenancy.Settings{DefaultRole: rbac.Guest}}},
		{tenancy.ErrInvalid, "found.creator_role", tenancy.NewOrganization{DisplayName: "G", Settings: tenancy.Settings{CreatorRole: rbac.Owner}}},
	} {
		refused(bad.code, bad.field, tenancy.NewInvitation{Email: "ann@mail.example", Found: &bad.in})
	}
	sent := w.asksToFound(w.Svc, "ann@mail.example", &tenancy.NewOrganization{DisplayName: "  Gamma ", Settings: tenancy.Settings{AllowedDomains: []string{"MAIL.example", "mail.example"}}})
	w.Equal("Gamma", sent.Found.DisplayName)
	w.Equal([]string{"mail.example"}, sent.Found.Settings.AllowedDomains)
	refused(tenancy.ErrAlreadyInvited, "", tenancy.NewInvitation{Email: "ann@mail.example", Found: gamma2()})

	w.refuses(tenancy.ErrInvalid, "found.created_at", func() error { // nor in an import, which may say it of others
		return w.Svc.Import(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			_, err := tx.Invitations.Send(ctx, tenancy.NewInvitation{
				Email: "dan@mail.example", Found: &tenancy.NewOrganization{DisplayName: "G", CreatedAt: w.Clock.At.Add(-time.Hour)},
			})
			return err
		})
	})

	// Of many, one that is refused keeps no other back.
	results, err := w.Svc.Invitations.SendMany(w.Ctx, []tenancy.NewInvitation{
		{Email: "bob@mail.example", Found: &tenancy.NewOrganization{DisplayName: "G", Settings: tenancy.Settings{AllowedDomains: []string{"gmail.com"}}}},
		{Email: "cyd@mail.example", Found: gamma2()},
	}, tenancy.SendOptions{})
	w.NoError(err)
	w.Failed(results[0].Err, tenancy.ErrPublicEmailDomain, "found.allowed_domains")
	w.NoError(results[1].Err)
}

func foundingMail(w *world) {
	box := w.limited()
	w.asksToFound(w.Svc, "ann@acme.example", gamma())
	w.Len(box.sent, 1)
	w.Equal("Gamma", box.sent[0].Organization)
	w.Zero(box.sent[0].OrganizationID)
}

func gamma2() *tenancy.NewOrganization { return &tenancy.NewOrganization{DisplayName: "Gamma 2"} }

func foundingSlugs(w *world) {
	long := strings.Repeat("a", 60) + "-bc"
	for name, c := range map[string]struct {
		slug  string
		taken []string
		want  string
	}{
		"free":        {"beta", nil, "beta"},
		"taken":       {"gamma", []string{"gamma"}, "gamma-2"},
		"twice taken": {"delta", []string{"delta", "delta-2"}, "delta-3"},
		"long":        {long, []string{long}, long[:60] + "-2"},
	} {
		w.each(name, func(w *world) {
			user := w.User("founder-" + c.slug[:4])
			sent := w.asksToFound(w.Svc, user.Email, &tenancy.NewOrganization{DisplayName: "New", Slug: c.slug})
			for _, slug := range c.taken {
				w.NewOrg(tenancy.NewOrganization{DisplayName: "Other", Slug: slug})
			}
			w.Clock.Advance(time.Minute)
			sent, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID) // which does not look at the slug
			w.NoError(err)
			m := w.accept(sent, user)
			org, err := w.Svc.Organizations.Get(w.Ctx, m.OrganizationID)
			w.NoError(err)
			w.Equal(c.want, org.Slug)
			w.Equal(c.slug, w.invitation(sent.ID).Found.Slug)
		})
	}
	// One that another organization gave up is reserved for it.
	other := w.NewOrg(tenancy.NewOrganization{DisplayName: "Other"})
	ada := w.User("ada")
	sent := w.asksToFound(w.Svc, ada.Email, &tenancy.NewOrganization{DisplayName: "New", Slug: "moved"})
	for _, slug := range []string{"moved", "now"} {
		_, err := w.Svc.Organizations.Update(w.Ctx, other.ID, tenancy.OrganizationUpdate{Slug: &slug})
		w.NoError(err)
	}
	m := w.accept(sent, ada)
	_, err := w.Svc.Organizations.GetBySlug(w.Ctx, "moved-2")
	w.NoError(err)
	w.refuses(tenancy.ErrAlreadyExists, "found.slug", func() error {
		_, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: "x@mail.example", Found: &tenancy.NewOrganization{DisplayName: "X", Slug: "moved"}})
		return err
	})
	w.NotZero(m.ID)
	// After 20 the organization has none.
	bob := w.User("bob")
	sent = w.asksToFound(w.Svc, bob.Email, &tenancy.NewOrganization{DisplayName: "New", Slug: "full"})
	w.NewOrg(tenancy.NewOrganization{DisplayName: "Other", Slug: "full"})
	for n := 2; n <= 20; n++ {
		w.NewOrg(tenancy.NewOrganization{DisplayName: "Other", Slug: fmt.Sprintf("full-%d", n)})
	}
	org, err := w.Svc.Organizations.Get(w.Ctx, w.accept(sent, bob).OrganizationID)
	w.NoError(err)
	w.Empty(org.Slug)
}

func foundingVoid(d *door) {
	ann := d.NewUser(tenancy.NewUser{Email: "ann@mail.example", EmailVerified: true})
	sent := d.asksToFound(d.Svc, ann.Email, &tenancy.NewOrganization{DisplayName: "Gamma", ExternalID: "crm-7"})
	d.NewOrg(tenancy.NewOrganization{DisplayName: "Other", ExternalID: "crm-7"})
	d.refuses(tenancy.ErrInvitationVoid, "", d.accepting(sent, ann))
	got := d.goesOn(tenancy.ErrInvitationVoid, bringing(sent.Token.Reveal(), servicetest.ByMail(ann.Email)))
	d.Nil(got.Member)
	d.Clock.Advance(time.Minute)
	d.refuses(tenancy.ErrAlreadyExists, "found.external_id", func() error {
		_, err := d.Svc.Invitations.Resend(d.Ctx, sent.ID)
		return err
	})
	d.Equal(tenancy.InvitationPending, d.invitation(sent.ID).State)
	_, err := d.Svc.Invitations.Revoke(d.Ctx, sent.ID)
	d.NoError(err)
	d.refuses(tenancy.ErrInvitationRevoked, "", d.accepting(sent, ann))
	sent = d.asksToFound(d.Svc, ann.Email, &tenancy.NewOrganization{DisplayName: "Gamma"})
	d.Clock.Advance(8 * servicetest.Day)
	d.refuses(tenancy.ErrInvitationExpired, "", d.accepting(sent, ann))
}

func foundingLimits(w *world) {
	ada := w.User("ada")
	self := w.Svc.As(tenancy.UserPrincipal(ada.ID))
	founds := func() error {
		_, err := self.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Own", Owner: ada.ID})
		return err
	}
	w.accept(w.asksToFound(w.Svc, ada.Email, gamma()), ada)
	w.NoError(founds()) // the one of the host's was not counted
	w.refuses(tenancy.ErrInvalid, "organizations", founds)
	w.Clock.Advance(time.Minute)
	sent := w.asksToFound(w.Svc, ada.Email, gamma2())
	_, err := self.Invitations.Accept(w.Ctx, sent.Token.Reveal(), ada.ID)
	w.NoError(err)
}

func foundingRefusals(w *world) {
	ada := w.User("ada")
	w.Add(w.Org("Acme"), ada)
	single := w.Another(func(c *tenancy.Config) { c.SingleOrganization = true })
	sent := w.asksToFound(single, ada.Email, gamma())
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", func() error {
		_, err := single.Invitations.Accept(w.Ctx, sent.Token.Reveal(), ada.ID)
		return err
	})
	vetoing := w.Another(func(c *tenancy.Config) {
		c.OnJoin = func(context.Context, *tenancy.Service, tenancy.Join) error { return errors.New("no") }
	})
	w.refuses(tenancy.ErrJoinRefused, "", func() error {
		_, err := vetoing.Invitations.Accept(w.Ctx, sent.Token.Reveal(), ada.ID)
		return err
	})
	_, err := w.Svc.Users.Suspend(w.Ctx, ada.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrUserSuspended, "", w.accepting(sent, ada))
}

func foundingErased(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	waits := w.asksToFound(w.Svc, bob.Email, gamma2())
	sent := w.asksToFound(w.Svc, ada.Email, gamma())
	m := w.accept(sent, ada)
	w.Add(tenancy.Organization{ID: m.OrganizationID}, bob, rbac.Owner)
	w.NoError(w.Svc.Users.Erase(w.Ctx, ada.ID))
	inv := w.invitation(sent.ID)
	w.Nil(inv.Found)
	w.Equal(m.OrganizationID, inv.FoundedID) // which is there still
	_, err := w.Svc.Organizations.Get(w.Ctx, m.OrganizationID)
	w.NoError(err)
	w.Equal(gamma2(), w.invitation(waits.ID).Found)
}

func foundingByMembers(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	for name, svc := range map[string]*tenancy.Service{
		"an owner": w.Svc.As(tenancy.UserPrincipal(owner.ID)), "nobody": w.Svc.As(tenancy.Principal{}),
	} {
		w.each(name, func(w *world) {
			w.refuses(tenancy.ErrForbidden, "", func() error {
				_, err := svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: "eve@mail.example", Found: gamma()})
				return err
			})
		})
	}
	sent := w.asksToFound(w.Svc, "ann@acme.example", gamma())
	as := w.Svc.As(tenancy.UserPrincipal(owner.ID))
	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := as.Invitations.Get(w.Ctx, sent.ID); return err })
	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := as.Invitations.Resend(w.Ctx, sent.ID); return err })
	w.refuses(tenancy.ErrInvalid, "found", func() error {
		_, err := as.Invitations.Send(w.Ctx, tenancy.NewInvitation{OrganizationID: acme.ID, Email: "eve@mail.example", Found: gamma()})
		return err
	})
}
