package servicetest

import (
	"fmt"
	"time"

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

// invite sends an invitation of the host's.
func (w *world) invite(org tenancy.Organization, email string, roles ...string) tenancy.SentInvitation {
	w.t.Helper()
	return w.inviteBy(w.svc, org, email, roles...)
}

func (w *world) inviteBy(svc *tenancy.Service, org tenancy.Organization, email string, roles ...string) tenancy.SentInvitation {
	w.t.Helper()
	sent, err := svc.Invitations.Send(w.ctx, asking(org, email, roles...))
	w.NoError(err)
	return sent
}

func asking(org tenancy.Organization, email string, roles ...string) tenancy.NewInvitation {
	return tenancy.NewInvitation{OrganizationID: org.ID, Email: email, Roles: roles}
}

func (w *world) accept(sent tenancy.SentInvitation, user tenancy.User) tenancy.Member {
	w.t.Helper()
	m, err := w.svc.Invitations.Accept(w.ctx, sent.Token.Reveal(), user.ID)
	w.NoError(err)
	return m
}

// accepting is an Accept that is to be refused.
func (w *world) accepting(sent tenancy.SentInvitation, user tenancy.User) func() error {
	return func() error {
		_, err := w.svc.Invitations.Accept(w.ctx, sent.Token.Reveal(), user.ID)
		return err
	}
}

func (w *world) invitation(id tenancy.InvitationID) tenancy.Invitation {
	w.t.Helper()
	inv, err := w.svc.Invitations.Get(w.ctx, id)
	w.NoError(err)
	return inv
}

// ofInvitation is an event of an invitation's.
func ofInvitation(kind tenancy.EventType, inv tenancy.Invitation) event {
	return event{kind: kind, org: inv.OrganizationID, user: inv.UserID, subject: inv.ID.String(), data: inv, previous: anything}
}

func inviting(w *world) {
	acme := w.org("Acme")
	in := asking(acme, "Ada@Acme.example", rbac.Guest, rbac.Admin)
	in.Metadata, in.For = map[string]string{"seat": "window"}, 30*24*time.Hour
	var sent tenancy.SentInvitation
	got := w.emits(func() (err error) { sent, err = w.svc.Invitations.Send(w.ctx, in); return err }, some(tenancy.EventInvitationSent))
	w.tells(got[0], ofInvitation(tenancy.EventInvitationSent, sent.Invitation))
	w.Equal(sent.Invitation, w.invitation(sent.ID))
	w.Equal("Ada@Acme.example", sent.Email)
	w.Equal([]string{rbac.Admin, rbac.Guest}, sent.Roles)
	w.Equal(tenancy.InvitationPending, sent.State)
	w.Equal(w.clock.at.Add(in.For), sent.ExpiresAt)
	w.Equal(1, sent.Sends)
	w.False(sent.Token.IsZero())

	w.clock.advance(time.Hour)
	ada := w.newUser(tenancy.NewUser{Email: "ada@acme.example", EmailVerified: true})
	w.clock.advance(time.Hour)
	var m tenancy.Member
	got = w.emits(func() (err error) { m, err = w.svc.Invitations.Accept(w.ctx, sent.Token.Reveal(), ada.ID); return err },
		some(tenancy.EventMembershipCreated), some(tenancy.EventInvitationAccepted))
	inv := w.invitation(sent.ID)
	w.tells(got[0], about(tenancy.EventMembershipCreated, m).was(anything))
	w.tells(got[1], ofInvitation(tenancy.EventInvitationAccepted, inv))
	w.Equal(m, w.member(acme, ada))
	w.Equal(tenancy.MembershipActive, m.Status)
	w.Equal(tenancy.JoinedInvitation, m.JoinedVia)
	w.Equal(w.clock.at, m.JoinedAt)
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
	w.Equal(w.clock.at, inv.DecidedAt)
	w.consistent()

	// What an invitation gave is as much somebody's choice as what a hand gives.
	m, err := w.svc.Memberships.SetRoles(w.ctx, acme.ID, ada.ID, rbac.Guest)
	w.NoError(err)
	w.Equal([]string{rbac.Guest}, m.Roles)
	w.Equal([]string{rbac.Member}, w.accept(w.invite(acme, "bob@acme.example"), w.user("bob")).Roles) // M1: the default
}

func sendRefusals(w *world) {
	acme, shut := w.org("Acme"), w.org("Shut")
	ada := w.user("ada")
	w.add(acme, ada)
	first := w.invite(acme, "bob@acme.example")
	_, err := w.svc.Organizations.Suspend(w.ctx, shut.ID)
	w.NoError(err)
	picky := w.newOrg(tenancy.NewOrganization{DisplayName: "Picky", Settings: tenancy.Settings{
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
		"into nowhere":                 {tenancy.Organization{ID: nowhere}, "eve@acme.example", nil, tenancy.ErrNotFound, ""},
		"into a suspended one":         {shut, "eve@acme.example", nil, tenancy.ErrOrganizationClosed, ""},
		"a domain that is not allowed": {picky, "eve@sub.acme.example", nil, tenancy.ErrEmailDomainNotAllowed, "email"},
		"a domain that is blocked":     {picky, "eve@bad.example", nil, tenancy.ErrEmailDomainNotAllowed, "email"},
	} {
		w.each(name, func(w *world) {
			e := w.refuses(c.code, c.field, func() error {
				_, err := w.svc.Invitations.Send(w.ctx, asking(c.org, c.email, c.roles...))
				return err
			})
			if c.code == tenancy.ErrAlreadyInvited {
				w.Equal([]string{first.ID.String()}, e.IDs)
			}
		})
	}
	w.invite(picky, "eve@acme.example")
	w.invite(picky, "bob@acme.example") // another organization's invitation is in nobody's way
}

func invitationLimit(w *world) {
	acme := w.org("Acme")
	for i := range 3 {
		w.invite(acme, fmt.Sprintf("user%d@acme.example", i))
	}
	w.refuses(tenancy.ErrInvalid, "organization", func() error {
		_, err := w.svc.Invitations.Send(w.ctx, asking(acme, "more@acme.example"))
		return err
	})
	w.invite(w.org("Other"), "more@acme.example")
	w.clock.advance(8 * 24 * time.Hour) // those that ran out do not count
	w.invite(acme, "more@acme.example")
}

func inviteIntoApplication(w *world) {
	sent, err := w.svc.Invitations.Send(w.ctx, tenancy.NewInvitation{Email: "ada@acme.example"})
	w.NoError(err)
	again := func(in tenancy.NewInvitation) func() error {
		return func() error { _, err := w.svc.Invitations.Send(w.ctx, in); return err }
	}
	w.refuses(tenancy.ErrAlreadyInvited, "", again(tenancy.NewInvitation{Email: "ada@acme.example"}))
	w.refuses(tenancy.ErrInvalid, "roles", again(tenancy.NewInvitation{Email: "bob@acme.example", Roles: []string{rbac.Member}}))
	w.refuses(tenancy.ErrInvalid, "metadata", again(tenancy.NewInvitation{Email: "bob@acme.example", Metadata: map[string]string{"a": "b"}}))

	ada, bob := w.user("ada"), w.user("bob")
	w.refuses(tenancy.ErrAlreadyMember, "", again(tenancy.NewInvitation{Email: "bob@acme.example"}))
	w.refuses(tenancy.ErrInvitationForOtherEmail, "", w.accepting(sent, bob))
	var m tenancy.Member
	w.emits(func() (err error) { m, err = w.svc.Invitations.Accept(w.ctx, sent.Token.Reveal(), ada.ID); return err },
		event{kind: tenancy.EventInvitationAccepted, user: ada.ID, subject: sent.ID.String(), previous: anything})
	w.Zero(m)
	w.Equal(tenancy.InvitationAccepted, w.invitation(sent.ID).State)
	page, err := w.svc.Invitations.List(w.ctx, tenancy.OrganizationID{}, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Len(page.Items, 1)

	// Only the host: to an actor they are not there.
	acme := w.owned("Acme", ada)
	svc := w.svc.As(tenancy.UserPrincipal(ada.ID))
	w.refuses(tenancy.ErrForbidden, "", func() error {
		_, err := svc.Invitations.Send(w.ctx, tenancy.NewInvitation{Email: "eve@acme.example"})
		return err
	})
	for _, call := range map[string]func(tenancy.InvitationID) error{
		"Get":    func(id tenancy.InvitationID) error { _, err := svc.Invitations.Get(w.ctx, id); return err },
		"Resend": func(id tenancy.InvitationID) error { _, err := svc.Invitations.Resend(w.ctx, id); return err },
		"Revoke": func(id tenancy.InvitationID) error { _, err := svc.Invitations.Revoke(w.ctx, id); return err },
	} {
		w.refuses(tenancy.ErrNotFound, "", func() error { return call(sent.ID) })
		w.refuses(tenancy.ErrNotFound, "", func() error { return call(tenancy.InvitationID(nobody)) })
	}
	w.NotZero(acme.ID)
}

// invitationYear: a year of expiry on the clock, in one invitation that is resent.
func invitationYear(w *world) {
	acme, ada := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{SeatLimit: 1}}), w.user("ada")
	sent := w.invite(acme, ada.Email)
	for week := range 52 {
		w.clock.advance(7*24*time.Hour - time.Microsecond)
		w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State)
		w.Equal(tenancy.MembershipPending, w.member(acme, ada).Status)
		w.clock.advance(time.Microsecond)
		w.Equal(tenancy.InvitationExpired, w.invitation(sent.ID).State)
		w.Equal(tenancy.MembershipInvitationExpired, w.member(acme, ada).Status) // M2
		w.refuses(tenancy.ErrInvitationExpired, "", w.accepting(sent, ada))
		old := sent
		var err error
		sent, err = w.svc.Invitations.Resend(w.ctx, sent.ID)
		w.NoError(err)
		w.Equal(week+2, sent.Sends)
		w.Equal(w.clock.at.Add(7*24*time.Hour), sent.ExpiresAt)
		w.refuses(tenancy.ErrTokenUsed, "token", w.accepting(old, ada))
	}
	w.accept(sent, ada)
}

func sweeping(w *world) {
	acme, beta := w.org("Acme"), w.org("Beta")
	ada := w.user("ada")
	due := w.invite(acme, ada.Email)
	into, err := w.svc.Invitations.Send(w.ctx, tenancy.NewInvitation{Email: "new@acme.example"})
	w.NoError(err)
	w.clock.advance(time.Hour)
	stays := w.invite(beta, ada.Email)
	sweep := func() int {
		n, err := w.svc.Invitations.Sweep(w.ctx)
		w.NoError(err)
		return n
	}
	w.clock.advance(7*24*time.Hour - time.Hour - time.Microsecond)
	w.silent(func() error { w.Zero(sweep()); return nil })
	w.clock.advance(time.Microsecond)
	got := w.emits(func() error { w.Equal(2, sweep()); return nil },
		some(tenancy.EventInvitationExpired), some(tenancy.EventInvitationExpired))
	w.tells(got[0], ofInvitation(tenancy.EventInvitationExpired, w.invitation(due.ID)))
	w.tells(got[1], ofInvitation(tenancy.EventInvitationExpired, w.invitation(into.ID)))
	w.Equal(w.clock.at, w.invitation(due.ID).DecidedAt)
	w.Equal(tenancy.InvitationPending, w.invitation(stays.ID).State)
	w.Equal(tenancy.MembershipInvitationExpired, w.member(acme, ada).Status)
	w.silent(func() error { w.Zero(sweep()); return nil })
	w.Equal(tenancy.MembershipActive, w.add(acme, ada).Status) // M2: Add replaces it

	w.clock.advance(60 * 24 * time.Hour) // their tokens are forgotten in the end
	sweep()
	w.refuses(tenancy.ErrInvalidToken, "token", w.accepting(due, ada))
}

func resending(w *world) {
	owner, admin := w.user("owner"), w.user("admin")
	acme := w.owned("Acme", owner)
	w.add(acme, admin, rbac.Admin)
	ada := w.user("ada")
	by := func(user tenancy.User) *tenancy.Service { return w.svc.As(tenancy.UserPrincipal(user.ID)) }
	sent := w.inviteBy(by(owner), acme, ada.Email, rbac.Admin)
	w.Equal(owner.ID, sent.InviterID)
	w.clock.advance(time.Hour)
	again, err := by(admin).Invitations.Resend(w.ctx, sent.ID)
	w.NoError(err)
	w.Equal(admin.ID, again.InviterID) // who resends it stands for it
	w.Equal(again.Invitation, w.invitation(sent.ID))
	w.NotEqual(sent.Token.Reveal(), again.Token.Reveal())
	w.Equal(again.ExpiresAt, w.member(acme, ada).ExpiresAt)
	w.refuses(tenancy.ErrTokenUsed, "token", w.accepting(sent, ada))
	resend := func(svc *tenancy.Service, id tenancy.InvitationID) func() error {
		return func() error { _, err := svc.Invitations.Resend(w.ctx, id); return err }
	}
	crown := w.inviteBy(by(owner), acme, "heir@acme.example", rbac.Owner)
	w.refuses(tenancy.ErrForbidden, "roles", resend(by(admin), crown.ID)) // R6
	w.refuses(tenancy.ErrForbidden, "roles", func() error {               // nor take it
		_, err := by(admin).Invitations.Revoke(w.ctx, crown.ID)
		return err
	})

	w.accept(again, ada)
	w.refuses(tenancy.ErrInvitationAccepted, "", resend(w.svc, sent.ID))
	_, err = w.svc.Invitations.Revoke(w.ctx, crown.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrInvitationRevoked, "", resend(w.svc, crown.ID))

	// One that ran out, where a newer one is pending, or there is no seat any more.
	old := w.invite(acme, "eve@acme.example")
	w.clock.advance(8 * 24 * time.Hour)
	newer := w.invite(acme, "eve@acme.example")
	w.refuses(tenancy.ErrAlreadyInvited, "", resend(w.svc, old.ID))
	_, err = w.svc.Invitations.Revoke(w.ctx, newer.ID)
	w.NoError(err)
	_, err = w.svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{SeatLimit: ptr(3)})
	w.NoError(err)
	w.refuses(tenancy.ErrSeatLimit, "", resend(w.svc, old.ID))
}

func revoking(w *world) {
	acme, ada := w.org("Acme"), w.user("ada")
	sent := w.invite(acme, ada.Email)
	w.Equal(tenancy.MembershipPending, w.member(acme, ada).Status)
	revoke := func() error { _, err := w.svc.Invitations.Revoke(w.ctx, sent.ID); return err }
	w.clock.advance(time.Minute)
	got := w.emits(revoke, some(tenancy.EventInvitationRevoked), some(tenancy.EventMembershipWithdrawn))
	w.tells(got[0], ofInvitation(tenancy.EventInvitationRevoked, w.invitation(sent.ID)))
	w.status(acme, ada, "")
	w.refuses(tenancy.ErrInvitationRevoked, "", revoke)
	w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, ada))
	sent = w.invite(acme, ada.Email) // I5: a dead one never blocks a new one
	w.accept(sent, ada)
	w.refuses(tenancy.ErrInvitationAccepted, "", revoke)
	sent = w.invite(acme, "bob@acme.example")
	w.clock.advance(8 * 24 * time.Hour)
	w.refuses(tenancy.ErrInvitationExpired, "", revoke)
}

func severalInvitations(w *world) {
	acme, beta, ada := w.org("Acme"), w.org("Beta"), w.user("ada")
	one, other := w.invite(acme, ada.Email), w.invite(beta, ada.Email)
	preview := func(sent tenancy.SentInvitation) tenancy.InvitationPreview {
		var shown tenancy.InvitationPreview
		w.silent(func() (err error) { shown, err = w.svc.Invitations.Preview(w.ctx, sent.Token.Reveal()); return err })
		return shown
	}
	w.Equal(tenancy.InvitationPreview{
		ID: one.ID, OrganizationID: acme.ID, OrganizationName: "Acme", Email: "a***@acme.example",
		State: tenancy.InvitationPending, ExpiresAt: one.ExpiresAt,
	}, preview(one))
	mine, err := w.svc.As(tenancy.UserPrincipal(ada.ID)).Invitations.ListByUser(w.ctx, ada.ID, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Equal([]tenancy.InvitationPreview{preview(one), preview(other)}, mine.Items)

	w.accept(one, ada)
	w.Equal(tenancy.InvitationAccepted, preview(one).State)
	w.Equal(tenancy.InvitationPending, preview(other).State)
	w.status(beta, ada, tenancy.MembershipPending)
	w.archive(beta)
	mine, err = w.svc.Invitations.ListByUser(w.ctx, ada.ID, tenancy.InvitationQuery{})
	w.NoError(err)
	w.Len(mine.Items, 1)
	eve := w.newUser(tenancy.NewUser{Email: "eve@acme.example"})
	w.invite(acme, eve.Email)
	mine, err = w.svc.Invitations.ListByUser(w.ctx, eve.ID, tenancy.InvitationQuery{}) // not verified: nobody's
	w.NoError(err)
	w.Empty(mine.Items)
}

func movingPerson(w *world) {
	before, after, ada := w.org("Before"), w.org("After"), w.user("ada")
	w.add(before, ada, rbac.Admin)
	m := w.accept(w.invite(after, ada.Email), ada)
	w.Equal(ada.ID, m.UserID)
	w.status(before, ada, tenancy.MembershipActive) // stays until it is removed
	w.NoError(w.svc.Memberships.Leave(w.ctx, before.ID, ada.ID))
	w.status(after, ada, tenancy.MembershipActive)
}

func invitationSeats(w *world) {
	acme := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{SeatLimit: 2}})
	ada, bob, eve := w.user("ada"), w.user("bob"), w.user("eve")
	w.add(acme, ada)
	sent := w.invite(acme, bob.Email) // and bob's pending membership has no seat of its own
	full := map[string]func() error{
		"Send": func() error {
			_, err := w.svc.Invitations.Send(w.ctx, asking(acme, eve.Email))
			return err
		},
		"Add": func() error { _, err := w.svc.Memberships.Add(w.ctx, adding(acme, eve)); return err },
	}
	for _, call := range full {
		e := w.refuses(tenancy.ErrSeatLimit, "", call)
		w.Equal(map[string]int{"seats": 2, "limit": 2}, e.Counts)
	}
	w.accept(sent, bob) // into its own seat
	for _, call := range full {
		w.refuses(tenancy.ErrSeatLimit, "", call)
	}
	w.deactivate(acme, bob)
	sent = w.invite(acme, eve.Email)
	w.clock.advance(7 * 24 * time.Hour) // one that ran out has none
	w.add(acme, bob)
	w.refuses(tenancy.ErrSeatLimit, "", func() error { _, err := w.svc.Invitations.Resend(w.ctx, sent.ID); return err })

	// Lowering the limit admits nobody, not even those invited before.
	w.deactivate(acme, bob)
	sent, err := w.svc.Invitations.Resend(w.ctx, sent.ID)
	w.NoError(err)
	_, err = w.svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{SeatLimit: ptr(1)})
	w.NoError(err)
	w.refuses(tenancy.ErrSeatLimit, "", w.accepting(sent, eve))
	w.consistent()
}
