package rules

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func invitationRules() []rule {
	few := func(c *tenancy.Config) { c.Limits.Invitations = 3 }
	return []rule{
		{"I1 send and accept", on(inviting)},
		{"I1 what Send refuses", on(sendRefusals)},
		{"I1 G9 as many as may stand", with(few, invitationLimit)},
		{"I1 into the application", on(inviteIntoApplication)},
		{"I3 states by the clock, and a year of them", on(invitationYear)},
		{"I3 a sweep tidies up", on(sweeping)},
		{"I5 resend", on(resending)},
		{"I5 revoke", on(revoking)},
		{"I6 several organizations, and a preview", on(severalInvitations)},
		{"I8 moving a person", on(movingPerson)},
		{"G6 lists of invitations", on(invitationLists)},
		{"M9 an invitation has a seat", on(invitationSeats)},
		{"R5 deleting a role that invitations and codes give", on(invitedRoleDeleted)},
		{"G10 invitation tokens", on(invitationTokens)},
	}
}

func (w *world) accept(sent tenancy.SentInvitation, user tenancy.User) tenancy.Member {
	w.T.Helper()
	m, err := w.Svc.Invitations.Accept(w.Ctx, sent.Token.Reveal(), user.ID)
	w.NoError(err)
	return m
}

// accepting is an Accept that is to be refused.
func (w *world) accepting(sent tenancy.SentInvitation, user tenancy.User) func() error {
	return func() error {
		_, err := w.Svc.Invitations.Accept(w.Ctx, sent.Token.Reveal(), user.ID)
		return err
	}
}

func (w *world) invitation(id tenancy.InvitationID) tenancy.Invitation {
	w.T.Helper()
	inv, err := w.Svc.Invitations.Get(w.Ctx, id)
	w.NoError(err)
	return inv
}

// ofInvitation is an event of an invitation's.
func ofInvitation(kind tenancy.EventType, inv tenancy.Invitation) event {
	return event{kind: kind, org: inv.OrganizationID, user: inv.UserID, subject: inv.ID.String(), data: inv, previous: anything}
}

func inviting(w *world) {
	acme := w.Org("Acme")
	in := servicetest.Asking(acme, "Ada@Acme.example", rbac.Guest, rbac.Admin)
	in.Metadata, in.For = map[string]string{"seat": "window"}, 30*24*time.Hour
	var sent tenancy.SentInvitation
	got := w.emits(func() (err error) { sent, err = w.Svc.Invitations.Send(w.Ctx, in); return err }, some(tenancy.EventInvitationSent))
	w.tells(got[0], ofInvitation(tenancy.EventInvitationSent, sent.Invitation))
	w.Equal(sent.Invitation, w.invitation(sent.ID))
	w.Equal("Ada@Acme.example", sent.Email)
	w.Equal([]string{rbac.Admin, rbac.Guest}, sent.Roles)
	w.Equal(tenancy.InvitationPending, sent.State)
	w.Equal(w.Clock.At.Add(in.For), sent.ExpiresAt)
	w.Equal(1, sent.Sends)
	w.False(sent.Token.IsZero())

	w.Clock.Advance(time.Hour)
	ada := w.NewUser(tenancy.NewUser{Email: "ada@acme.example", EmailVerified: true})
	w.Clock.Advance(time.Hour)
	var m tenancy.Member
	got = w.emits(func() (err error) { m, err = w.Svc.Invitations.Accept(w.Ctx, sent.Token.Reveal(), ada.ID); return err },
		some(tenancy.EventMembershipCreated), some(tenancy.EventInvitationAccepted))
	inv := w.invitation(sent.ID)
	w.tells(got[0], about(tenancy.EventMembershipCreated, m).was(anything))
	w.tells(got[1], ofInvitation(tenancy.EventInvitationAccepted, inv))
	w.Equal(m, w.Member(acme, ada))
	w.Equal(tenancy.MembershipActive, m.Status)
	w.Equal(tenancy.JoinedInvitation, m.JoinedVia)
	w.Equal(w.Clock.At, m.JoinedAt)
	w.Equal([]string{rbac.Admin, rbac.Guest}, m.Roles)
	w.Equal(in.Metadata, m.Metadata)
	w.Zero(m.InvitationID)
	w.Zero(m.ExpiresAt)
	for _, a := range m.Assignments { // M10
		w.Equal(tenancy.RoleInvitation, a.Source)
		w.Equal(sent.ID.String(), a.SourceID)
	}
	w.Equal(tenancy.InvitationAccepted, inv.State)
	w.Equal(ada.ID, inv.UserID)
	w.Equal(w.Clock.At, inv.DecidedAt)
	w.consistent()

	// What an invitation gave is as much somebody's choice as what a hand gives.
	m, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, ada.ID, rbac.Guest)
	w.NoError(err)
	w.Equal([]string{rbac.Guest}, m.Roles)
	w.Equal([]string{rbac.Member}, w.accept(w.Invite(acme, "bob@acme.example"), w.User("bob")).Roles) // M1: the default
}

func sendRefusals(w *world) {
	acme, shut := w.Org("Acme"), w.Org("Shut")
	ada := w.User("ada")
	w.Add(acme, ada)
	first := w.Invite(acme, "bob@acme.example")
	_, err := w.Svc.Organizations.Suspend(w.Ctx, shut.ID)
	w.NoError(err)
	picky := w.NewOrg(tenancy.NewOrganization{DisplayName: "Picky", Settings: tenancy.Settings{
		AllowedDomains: []string{"acme.example"}, BlockedDomains: []string{"bad.example"},
	}})
	for name, c := range map[string]struct {
		org   tenancy.Organization
		email string
		roles []string
		code  tenancy.Code
		field string
	}{
		"a member":                     {acme, "ADA@acme.example", nil, tenancy.ErrAlreadyMember, ""},
		"invited already":              {acme, "Bob@ACME.example", nil, tenancy.ErrAlreadyInvited, ""},
		"an unknown role":              {acme, "eve@acme.example", []string{"king"}, tenancy.ErrUnknownRole, "roles"},
		"into nowhere":                 {tenancy.Organization{ID: servicetest.Nowhere}, "eve@acme.example", nil, tenancy.ErrNotFound, ""},
		"into a suspended one":         {shut, "eve@acme.example", nil, tenancy.ErrOrganizationClosed, ""},
		"a domain that is not allowed": {picky, "eve@sub.acme.example", nil, tenancy.ErrEmailDomainNotAllowed, "email"},
		"a domain that is blocked":     {picky, "eve@bad.example", nil, tenancy.ErrEmailDomainNotAllowed, "email"},
	} {
		w.each(name, func(w *world) {
			e := w.refuses(c.code, c.field, func() error {
				_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(c.org, c.email, c.roles...))
				return err
			})
			if c.code == tenancy.ErrAlreadyInvited {
				w.Equal([]string{first.ID.String()}, e.IDs)
			}
		})
	}
	w.Invite(picky, "eve@acme.example")
	w.Invite(picky, "bob@acme.example") // another organization's invitation is in nobody's way
}

func invitationLimit(w *world) {
	acme := w.Org("Acme")
	for i := range 3 {
		w.Invite(acme, fmt.Sprintf("user%d@acme.example", i))
	}
	w.refuses(tenancy.ErrInvalid, "organization", func() error {
		_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, "more@acme.example"))
		return err
	})
	w.Invite(w.Org("Other"), "more@acme.example")
	w.Clock.Advance(8 * 24 * time.Hour) // those that ran out do not count
	w.Invite(acme, "more@acme.example")
}

func inviteIntoApplication(w *world) {
	sent, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: "ada@acme.example"})
	w.NoError(err)
	again := func(in tenancy.NewInvitation) func() error {
		return func() error { _, err := w.Svc.Invitations.Send(w.Ctx, in); return err }
	}
	w.refuses(tenancy.ErrAlreadyInvited, "", again(tenancy.NewInvitation{Email: "ada@acme.example"}))
	w.refuses(tenancy.ErrInvalid, "roles", again(tenancy.NewInvitation{Email: "bob@acme.example", Roles: []string{rbac.Member}}))
	w.refuses(tenancy.ErrInvalid, "metadata", again(tenancy.NewInvitation{Email: "bob@acme.example", Metadata: map[string]string{"a": "b"}}))

	ada, bob := w.User("ada"), w.User("bob")
	w.refuses(tenancy.ErrAlreadyMember, "", again(tenancy.NewInvitation{Email: "bob@acme.example"}))
	w.refuses(tenancy.ErrInvitationForOtherEmail, "", w.accepting(sent, bob))
	var m tenancy.Member
	w.emits(func() (err error) { m, err = w.Svc.Invitations.Accept(w.Ctx, sent.Token.Reveal(), ada.ID); return err },
		event{kind: tenancy.EventInvitationAccepted, user: ada.ID, subject: sent.ID.String(), previous: anything})
	w.Zero(m)
	w.Equal(tenancy.InvitationAccepted, w.invitation(sent.ID).State)
	page, err := w.Svc.Invitations.List(w.Ctx, tenancy.OrganizationID{}, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Len(page.Items, 1)

	// Only the host: to an actor they are not there.
	acme := w.Owned("Acme", ada)
	svc := w.Svc.As(tenancy.UserPrincipal(ada.ID))
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: "eve@acme.example"})
		return err
	})
	for _, call := range map[string]func(tenancy.InvitationID) error{
		"Get":    func(id tenancy.InvitationID) error { _, err := svc.Invitations.Get(w.Ctx, id); return err },
		"Resend": func(id tenancy.InvitationID) error { _, err := svc.Invitations.Resend(w.Ctx, id); return err },
		"Revoke": func(id tenancy.InvitationID) error { _, err := svc.Invitations.Revoke(w.Ctx, id); return err },
	} {
		w.refuses(tenancy.ErrNotFound, "", func() error { return call(sent.ID) })
		w.refuses(tenancy.ErrNotFound, "", func() error { return call(tenancy.InvitationID(servicetest.Nobody)) })
	}
	w.NotZero(acme.ID)
}

// invitationYear: a year of expiry on the clock, in one invitation that is resent.
func invitationYear(w *world) {
	acme, ada := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{SeatLimit: 1}}), w.User("ada")
	sent := w.Invite(acme, ada.Email)
	for week := range 52 {
		w.Clock.Advance(7*24*time.Hour - time.Microsecond)
		w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State)
		w.Equal(tenancy.MembershipPending, w.Member(acme, ada).Status)
		w.Clock.Advance(time.Microsecond)
		w.Equal(tenancy.InvitationExpired, w.invitation(sent.ID).State)
		w.Equal(tenancy.MembershipInvitationExpired, w.Member(acme, ada).Status) // M2
		w.refuses(tenancy.ErrInvitationExpired, "", w.accepting(sent, ada))
		old := sent
		var err error
		sent, err = w.Svc.Invitations.Resend(w.Ctx, sent.ID)
		w.NoError(err)
		w.Equal(week+2, sent.Sends)
		w.Equal(w.Clock.At.Add(7*24*time.Hour), sent.ExpiresAt)
		w.refuses(tenancy.ErrTokenUsed, "token", w.accepting(old, ada))
	}
	w.accept(sent, ada)
}

func sweeping(w *world) {
	acme, beta := w.Org("Acme"), w.Org("Beta")
	ada := w.User("ada")
	due := w.Invite(acme, ada.Email)
	into, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: "new@acme.example"})
	w.NoError(err)
	w.Clock.Advance(time.Hour)
	stays := w.Invite(beta, ada.Email)
	sweep := func() int {
		n, err := w.Svc.Invitations.Sweep(w.Ctx)
		w.NoError(err)
		return n
	}
	w.Clock.Advance(7*24*time.Hour - time.Hour - time.Microsecond)
	w.silent(func() error { w.Zero(sweep()); return nil })
	w.Clock.Advance(time.Microsecond)
	got := w.emits(func() error { w.Equal(2, sweep()); return nil },
		some(tenancy.EventInvitationExpired), some(tenancy.EventInvitationExpired))
	w.tells(got[0], ofInvitation(tenancy.EventInvitationExpired, w.invitation(due.ID)))
	w.tells(got[1], ofInvitation(tenancy.EventInvitationExpired, w.invitation(into.ID)))
	w.Equal(w.Clock.At, w.invitation(due.ID).DecidedAt)
	w.Equal(tenancy.InvitationPending, w.invitation(stays.ID).State)
	w.Equal(tenancy.MembershipInvitationExpired, w.Member(acme, ada).Status)
	w.silent(func() error { w.Zero(sweep()); return nil })
	w.Equal(tenancy.MembershipActive, w.Add(acme, ada).Status) // M2: Add replaces it

	w.Clock.Advance(60 * 24 * time.Hour) // their tokens are forgotten in the end
	sweep()
	w.refuses(tenancy.ErrInvalidToken, "token", w.accepting(due, ada))
}

func resending(w *world) {
	owner, admin := w.User("owner"), w.User("admin")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	ada := w.User("ada")
	by := func(user tenancy.User) *tenancy.Service { return w.Svc.As(tenancy.UserPrincipal(user.ID)) }
	sent := w.InviteBy(by(owner), acme, ada.Email, rbac.Admin)
	w.Equal(owner.ID, sent.InviterID)
	w.Clock.Advance(time.Hour)
	again, err := by(admin).Invitations.Resend(w.Ctx, sent.ID)
	w.NoError(err)
	w.Equal(admin.ID, again.InviterID) // who resends it stands for it
	w.Equal(again.Invitation, w.invitation(sent.ID))
	w.NotEqual(sent.Token.Reveal(), again.Token.Reveal())
	w.Equal(again.ExpiresAt, w.Member(acme, ada).ExpiresAt)
	w.refuses(tenancy.ErrTokenUsed, "token", w.accepting(sent, ada))
	resend := func(svc *tenancy.Service, id tenancy.InvitationID) func() error {
		return func() error { _, err := svc.Invitations.Resend(w.Ctx, id); return err }
	}
	crown := w.InviteBy(by(owner), acme, "heir@acme.example", rbac.Owner)
	w.refuses(tenancy.ErrForbidden, "roles", resend(by(admin), crown.ID)) // R6
	w.refuses(tenancy.ErrForbidden, "roles", func() error {               // nor take it
		_, err := by(admin).Invitations.Revoke(w.Ctx, crown.ID)
		return err
	})

	w.accept(again, ada)
	w.refuses(tenancy.ErrInvitationAccepted, "", resend(w.Svc, sent.ID))
	_, err = w.Svc.Invitations.Revoke(w.Ctx, crown.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrInvitationRevoked, "", resend(w.Svc, crown.ID))

	// One that ran out, where a newer one is pending, or there is no seat any more.
	old := w.Invite(acme, "eve@acme.example")
	w.Clock.Advance(8 * 24 * time.Hour)
	newer := w.Invite(acme, "eve@acme.example")
	w.refuses(tenancy.ErrAlreadyInvited, "", resend(w.Svc, old.ID))
	_, err = w.Svc.Invitations.Revoke(w.Ctx, newer.ID)
	w.NoError(err)
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(3)})
	w.NoError(err)
	w.refuses(tenancy.ErrSeatLimit, "", resend(w.Svc, old.ID))
}

func revoking(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	sent := w.Invite(acme, ada.Email)
	w.Equal(tenancy.MembershipPending, w.Member(acme, ada).Status)
	revoke := func() error { _, err := w.Svc.Invitations.Revoke(w.Ctx, sent.ID); return err }
	w.Clock.Advance(time.Minute)
	got := w.emits(revoke, some(tenancy.EventInvitationRevoked), some(tenancy.EventMembershipWithdrawn))
	w.tells(got[0], ofInvitation(tenancy.EventInvitationRevoked, w.invitation(sent.ID)))
	w.status(acme, ada, "")
	w.refuses(tenancy.ErrInvitationRevoked, "", revoke)
	w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, ada))
	sent = w.Invite(acme, ada.Email) // I5: a dead one never blocks a new one
	w.accept(sent, ada)
	w.refuses(tenancy.ErrInvitationAccepted, "", revoke)
	sent = w.Invite(acme, "bob@acme.example")
	w.Clock.Advance(8 * 24 * time.Hour)
	w.refuses(tenancy.ErrInvitationExpired, "", revoke)
}

func severalInvitations(w *world) {
	acme, beta, ada := w.Org("Acme"), w.Org("Beta"), w.User("ada")
	one, other := w.Invite(acme, ada.Email), w.Invite(beta, ada.Email)
	preview := func(sent tenancy.SentInvitation) tenancy.InvitationPreview {
		var shown tenancy.InvitationPreview
		w.silent(func() (err error) { shown, err = w.Svc.Invitations.Preview(w.Ctx, sent.Token.Reveal()); return err })
		return shown
	}
	w.Equal(tenancy.InvitationPreview{
		ID: one.ID, OrganizationID: acme.ID, OrganizationName: "Acme", Email: "a***@acme.example",
		State: tenancy.InvitationPending, ExpiresAt: one.ExpiresAt,
	}, preview(one))
	mine, err := w.Svc.As(tenancy.UserPrincipal(ada.ID)).Invitations.ListByUser(w.Ctx, ada.ID, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Equal([]tenancy.InvitationPreview{preview(one), preview(other)}, mine.Items)

	w.accept(one, ada)
	w.Equal(tenancy.InvitationAccepted, preview(one).State)
	w.Equal(tenancy.InvitationPending, preview(other).State)
	w.status(beta, ada, tenancy.MembershipPending)
	w.Archive(beta)
	mine, err = w.Svc.Invitations.ListByUser(w.Ctx, ada.ID, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Len(mine.Items, 1)
	eve := w.NewUser(tenancy.NewUser{Email: "eve@acme.example"})
	w.Invite(acme, eve.Email)
	mine, err = w.Svc.Invitations.ListByUser(w.Ctx, eve.ID, tenancy.InvitationQuery{}) // not verified: nobody's
	w.NoError(err)
	w.Empty(mine.Items)
}

func movingPerson(w *world) {
	before, after, ada := w.Org("Before"), w.Org("After"), w.User("ada")
	w.Add(before, ada, rbac.Admin)
	m := w.accept(w.Invite(after, ada.Email), ada)
	w.Equal(ada.ID, m.UserID)
	w.status(before, ada, tenancy.MembershipActive) // stays until it is removed
	w.NoError(w.Svc.Memberships.Leave(w.Ctx, before.ID, ada.ID))
	w.status(after, ada, tenancy.MembershipActive)
}

func invitationSeats(w *world) {
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{SeatLimit: 2}})
	ada, bob, eve := w.User("ada"), w.User("bob"), w.User("eve")
	w.Add(acme, ada)
	sent := w.Invite(acme, bob.Email) // and bob's pending membership has no seat of its own
	full := map[string]func() error{
		"Send": func() error {
			_, err := w.Svc.Invitations.Send(w.Ctx, servicetest.Asking(acme, eve.Email))
			return err
		},
		"Add": func() error { _, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, eve)); return err },
	}
	for _, call := range full {
		e := w.refuses(tenancy.ErrSeatLimit, "", call)
		w.Equal(map[string]int{"seats": 2, "limit": 2}, e.Counts)
	}
	w.accept(sent, bob) // into its own seat
	for _, call := range full {
		w.refuses(tenancy.ErrSeatLimit, "", call)
	}
	w.Deactivate(acme, bob)
	sent = w.Invite(acme, eve.Email)
	w.Clock.Advance(7 * 24 * time.Hour) // one that ran out has none
	w.Add(acme, bob)
	w.refuses(tenancy.ErrSeatLimit, "", func() error { _, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID); return err })

	// Lowering the limit admits nobody, not even those invited before.
	w.Deactivate(acme, bob)
	sent, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID)
	w.NoError(err)
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(1)})
	w.NoError(err)
	w.refuses(tenancy.ErrSeatLimit, "", w.accepting(sent, eve))
	w.consistent()
}
