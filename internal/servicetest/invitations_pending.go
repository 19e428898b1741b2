package servicetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func pendingRules() []rule {
	return []rule{
		{"I2 a pending membership appears and goes with the address", on(pendingAddress)},
		{"I2 at most twenty at once", on(pendingLimit)},
		{"M2 a pending membership has no roles and gives nothing", on(pendingNothing)},
		{"M2 any other way in revokes the invitation", on(pendingOtherWays)},
		{"M2 M3 one that ran out is replaced", on(pendingExpired)},
		{"M2 attack: inviting does not tell who is registered", on(pendingHidden)},
		{"M6 U6 U7 what goes with a member, a user and an organization", on(pendingGone)},
		{"U7 Erase redacts the person in invitations", on(erasedInvitations)},
	}
}

func pendingAddress(w *world) {
	acme := w.org("Acme")
	sent := w.invite(acme, "ada@acme.example", rbac.Admin)
	var ada tenancy.User
	w.emits(func() (err error) {
		ada, err = w.svc.Users.Create(w.ctx, tenancy.NewUser{Email: "ada@acme.example"})
		return err
	}, some(tenancy.EventUserCreated)) // not proved: nobody's
	w.status(acme, ada, "")
	verified := func(is bool) func() error {
		return func() error {
			_, err := w.svc.Users.Update(w.ctx, ada.ID, tenancy.UserUpdate{EmailVerified: &is})
			return err
		}
	}
	w.emits(verified(true), some(tenancy.EventUserUpdated), some(tenancy.EventMembershipOffered))
	m := w.member(acme, ada)
	w.Equal(tenancy.MembershipPending, m.Status)
	w.Equal(sent.ID, m.InvitationID)
	w.Equal(sent.ExpiresAt, m.ExpiresAt)
	w.Empty(m.Roles)
	w.emits(verified(false), some(tenancy.EventUserUpdated), some(tenancy.EventMembershipWithdrawn))
	w.status(acme, ada, "")
	w.NoError(verified(true)())

	// It moves away, and to another address.
	beta := w.org("Beta")
	w.invite(beta, "moved@acme.example")
	proof, err := w.svc.Users.ChangeEmail(w.ctx, ada.ID, "moved@acme.example")
	w.NoError(err)
	w.status(acme, ada, tenancy.MembershipPending)
	w.emits(func() error { return w.moves(ada, proof) },
		some(tenancy.EventUserEmailChanged), some(tenancy.EventMembershipWithdrawn), some(tenancy.EventMembershipOffered))
	w.status(acme, ada, "")
	w.status(beta, ada, tenancy.MembershipPending)
	w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State) // the invitation stays
	w.refuses(tenancy.ErrInvitationForOtherEmail, "", w.accepting(sent, w.getUser(ada.ID)))
	next := w.user("ada") // somebody else, who has the address now
	w.status(acme, next, tenancy.MembershipPending)
	w.accept(sent, next)
	w.consistent()
}

func pendingLimit(w *world) {
	var sent []tenancy.SentInvitation
	_, err := w.svc.Invitations.Send(w.ctx, tenancy.NewInvitation{Email: "ada@acme.example"})
	w.NoError(err)
	for i := range 25 {
		sent = append(sent, w.invite(w.org(fmt.Sprintf("Org %d", i)), "ada@acme.example"))
	}
	ada := w.user("ada")
	page, err := w.svc.Memberships.ListByUser(w.ctx, ada.ID, tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipPending}})
	w.NoError(err)
	w.Len(page.Items, 20)
	for _, s := range sent { // those that did not appear are as good
		w.accept(s, ada)
	}
}

func pendingNothing(w *world) {
	acme, ada := w.org("Acme"), w.user("ada")
	w.invite(acme, ada.Email, rbac.Owner)
	ok, err := w.svc.Can(w.ctx, ada.ID, acme.ID, rbac.ReadOrganization)
	w.NoError(err)
	w.False(ok)
	w.Empty(w.dump().RoleAssignments)
	for _, code := range []func() error{
		func() error { _, err := w.svc.Memberships.Reactivate(w.ctx, acme.ID, ada.ID); return err },
		func() error { _, err := w.svc.Memberships.Deactivate(w.ctx, acme.ID, ada.ID); return err },
		func() error { _, err := w.svc.Memberships.SetRoles(w.ctx, acme.ID, ada.ID, rbac.Owner); return err },
	} {
		w.refuses(tenancy.ErrPendingMembership, "", code)
	}
	page, err := w.svc.Memberships.List(w.ctx, acme.ID, tenancy.MemberQuery{}) // M12
	w.NoError(err)
	w.Empty(page.Items)
	w.consistent()
}

func pendingOtherWays(w *world) {
	beta := w.org("Beta")
	for name, enter := range map[string]func(acme tenancy.Organization, ada tenancy.User){
		"join code": func(acme tenancy.Organization, ada tenancy.User) {
			_, err := w.svc.JoinCodes.Use(w.ctx, w.code(acme).Token.Reveal(), ada.ID)
			w.NoError(err)
		},
		"join request": func(acme tenancy.Organization, ada tenancy.User) {
			req, err := w.svc.JoinRequests.Create(w.ctx, acme.ID, ada.ID, "")
			w.NoError(err)
			_, err = w.svc.JoinRequests.Approve(w.ctx, req.ID)
			w.NoError(err)
		},
		"merge": func(acme tenancy.Organization, ada tenancy.User) {
			other := w.newUser(tenancy.NewUser{Email: "twin@acme.example"})
			w.add(acme, other)
			_, err := w.svc.Users.Merge(w.ctx, other.ID, ada.ID)
			w.NoError(err)
		},
	} {
		w.each(name, func(w *world) {
			acme := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{SeatLimit: 2}})
			ada := w.newUser(tenancy.NewUser{Email: strings.ReplaceAll(name, " ", "") + "@acme.example", EmailVerified: true})
			sent := w.invite(acme, ada.Email, rbac.Owner)
			elsewhere := w.invite(beta, ada.Email)
			before := w.member(acme, ada)
			enter(acme, ada)
			m := w.member(acme, ada)
			w.Equal(tenancy.MembershipActive, m.Status)
			w.Equal([]string{rbac.Member}, m.Roles) // that way's roles
			if name != "merge" {                    // which brings its own row
				w.Equal(before.ID, m.ID)
			}
			w.Zero(m.InvitationID)
			w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
			w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, ada))
			w.Equal(tenancy.InvitationPending, w.invitation(elsewhere.ID).State)
			w.add(acme, w.newUser(tenancy.NewUser{Email: "seat." + ada.Email})) // M9: its seat is free
			w.consistent()
		})
	}
	acme, ada := w.org("Acme"), w.user("ada")
	w.invite(acme, ada.Email)
	w.refuses(tenancy.ErrPendingMembership, "", func() error { _, err := w.svc.Memberships.Add(w.ctx, adding(acme, ada)); return err }) // M3
}

func pendingExpired(w *world) {
	acme, beta, ada := w.org("Acme"), w.org("Beta"), w.user("ada")
	old, other := w.invite(acme, ada.Email), w.invite(beta, ada.Email)
	before := w.member(acme, ada)
	w.clock.advance(7 * 24 * time.Hour)
	w.Equal(tenancy.MembershipInvitationExpired, w.member(acme, ada).Status)
	page, err := w.svc.Memberships.List(w.ctx, acme.ID, tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipPending}})
	w.NoError(err)
	w.Equal(tenancy.MembershipInvitationExpired, page.Items[0].Status)
	var m tenancy.Member
	w.emits(func() (err error) { m, err = w.svc.Memberships.Add(w.ctx, adding(beta, ada)); return err },
		some(tenancy.EventInvitationExpired), some(tenancy.EventMembershipCreated))
	w.Equal(tenancy.MembershipActive, m.Status)
	w.Equal(tenancy.InvitationExpired, w.invitation(other.ID).State)
	w.Equal(tenancy.JoinedAdded, m.JoinedVia)

	sent := w.invite(acme, ada.Email)
	w.Equal(tenancy.InvitationExpired, w.invitation(old.ID).State)
	m = w.member(acme, ada)
	w.Equal(before.ID, m.ID)
	w.Equal(sent.ID, m.InvitationID)
	w.Equal(tenancy.MembershipPending, m.Status)
	w.accept(sent, ada)
}

// pendingHidden: whatever an actor of the organization's does, an address that somebody
// has proved and one that nobody has read the same.
func pendingHidden(w *world) {
	owner, ada := w.user("owner"), w.user("ada")
	acme := w.owned("Acme", owner)
	svc := w.svc.As(tenancy.UserPrincipal(owner.ID))
	last, err := w.svc.Events.Last(w.ctx)
	w.NoError(err)
	known, unknown := w.inviteBy(svc, acme, ada.Email), w.inviteBy(svc, acme, "who@acme.example")
	_, err = svc.Memberships.Get(w.ctx, acme.ID, ada.ID)
	w.failed(err, tenancy.ErrNotFound, "")
	w.refuses(tenancy.ErrForbidden, "statuses", func() error {
		_, err := svc.Memberships.List(w.ctx, acme.ID, tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipPending}})
		return err
	})
	seen := func(read func(tenancy.SentInvitation) any) {
		w.t.Helper()
		same := func(s tenancy.SentInvitation) string {
			return strings.NewReplacer(s.ID.String(), "ID", s.Email, "EMAIL").Replace(w.json(read(s)))
		}
		w.Equal(same(unknown), same(known))
	}
	seen(func(s tenancy.SentInvitation) any {
		inv, err := svc.Invitations.Get(w.ctx, s.ID)
		w.NoError(err)
		return inv
	})
	type told struct {
		Type tenancy.EventType
		User tenancy.UserID
		Data json.RawMessage
	}
	events := func(s tenancy.SentInvitation) any {
		var list []told
		for e, err := range svc.Events.All(w.ctx, tenancy.EventQuery{OrganizationID: acme.ID, After: last}) {
			w.NoError(err)
			if strings.Contains(string(e.Data), s.Email) || e.UserID == ada.ID && s.ID == known.ID {
				list = append(list, told{e.Type, e.UserID, e.Data})
			}
		}
		w.NotEmpty(list)
		return list
	}
	seen(events)
	for _, s := range []tenancy.SentInvitation{known, unknown} {
		_, err := svc.Invitations.Resend(w.ctx, s.ID)
		w.NoError(err)
	}
	seen(events)
	for _, s := range []tenancy.SentInvitation{known, unknown} {
		_, err := svc.Invitations.Revoke(w.ctx, s.ID)
		w.NoError(err)
	}
	seen(events)
	// Oneself sees it, and may decline.
	sent := w.inviteBy(svc, acme, ada.Email)
	me := w.svc.As(tenancy.UserPrincipal(ada.ID))
	m, err := me.Memberships.Get(w.ctx, acme.ID, ada.ID)
	w.NoError(err)
	w.Equal(tenancy.MembershipPending, m.Status)
	w.NoError(me.Memberships.Leave(w.ctx, acme.ID, ada.ID))
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
}

func pendingGone(w *world) {
	acme, beta, ada := w.org("Acme"), w.org("Beta"), w.user("ada")
	sent := w.invite(acme, ada.Email)
	w.emits(func() error { return w.svc.Memberships.Remove(w.ctx, acme.ID, ada.ID) }, // M6
		some(tenancy.EventInvitationRevoked), some(tenancy.EventMembershipWithdrawn))
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)

	// U6: from's pending memberships are dropped and the invitations stay; what from sent
	// stands on into.
	boss, heir := w.user("boss"), w.user("heir")
	w.add(beta, boss, rbac.Admin)
	sent = w.inviteBy(w.svc.As(tenancy.UserPrincipal(boss.ID)), beta, ada.Email)
	mine := w.invite(acme, boss.Email)
	asked, err := w.svc.JoinRequests.Create(w.ctx, w.org("Gamma").ID, boss.ID, "")
	w.NoError(err)
	_, err = w.svc.Users.Merge(w.ctx, boss.ID, heir.ID)
	w.NoError(err)
	w.Equal(heir.ID, w.invitation(sent.ID).InviterID)
	w.Equal(tenancy.InvitationPending, w.invitation(mine.ID).State)
	w.status(acme, heir, "")
	req, err := w.svc.JoinRequests.Get(w.ctx, asked.ID)
	w.NoError(err)
	w.Equal(heir.ID, req.UserID)
	w.accept(sent, ada)

	// U7: with the user goes what waited; the invitation to the address stays.
	eve := w.user("eve")
	sent = w.invite(acme, eve.Email)
	_, err = w.svc.JoinRequests.Create(w.ctx, beta.ID, eve.ID, "")
	w.NoError(err)
	w.NoError(w.svc.Users.Delete(w.ctx, eve.ID))
	w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State)
	w.status(acme, w.user("eve"), tenancy.MembershipPending) // somebody new

	// O2: with the organization goes everything.
	w.code(acme)
	w.NoError(w.svc.Organizations.Delete(w.ctx, acme.ID))
	left := w.dump()
	for _, inv := range left.Invitations {
		w.NotEqual(acme.ID, inv.OrganizationID)
		w.NotEqual(sent.ID, inv.ID)
	}
	w.Empty(left.JoinCodes)
	for _, s := range left.Secrets {
		w.NotEqual(tenancy.SecretJoinCode, s.Kind)
		w.NotEqual(sent.ID.String(), s.Subject)
	}
}

func erasedInvitations(w *world) {
	acme, beta, gamma := w.org("Acme"), w.org("Beta"), w.org("Gamma")
	in := asking(acme, "ada@acme.example")
	in.Metadata = map[string]string{"note": "ada is nice"}
	before, err := w.svc.Invitations.Send(w.ctx, in) // before anybody had the address
	w.NoError(err)
	other := w.invite(acme, "bob@acme.example")
	ada := w.user("ada")
	w.accept(before, ada)
	pending := w.invite(beta, ada.Email)
	_, err = w.svc.JoinRequests.Create(w.ctx, gamma.ID, ada.ID, "ada is nice")
	w.NoError(err)
	w.NoError(w.svc.Users.Erase(w.ctx, ada.ID))
	for _, id := range []tenancy.InvitationID{before.ID, pending.ID} {
		inv := w.invitation(id)
		w.Empty(inv.Email)
		w.Empty(inv.Metadata)
	}
	w.Equal(tenancy.InvitationRevoked, w.invitation(pending.ID).State)
	left := w.dump()
	w.NotContains(left.String(), "ada@")
	w.NotContains(left.String(), "nice")
	w.Contains(left.String(), "bob@acme.example") // nobody else's
	w.Equal("bob@acme.example", w.invitation(other.ID).Email)
	w.user("ada") // the address is free
	w.invite(beta, "ada@acme.example")
}
