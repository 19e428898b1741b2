package rules

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func pendingRules() []rule {
	return []rule{
		{"I2 a pending membership appears and goes with the address", on(pendingAddress)},
		{"I2 at most twenty at once", on(pendingLimit)},
		{"M2 a pending membership has no roles and gives nothing", on(pendingNothing)},
		{"M2 what another way in does to the invitation", on(pendingOtherWays)},
		{"M2 attack: the metadata of an invitation that another way in has ended", on(metadataGone)},
		{"M2 M3 one that ran out is replaced", on(pendingExpired)},
		{"M2 attack: inviting does not tell who is registered", on(pendingHidden)},
		{"M6 U6 U7 what goes with a member, a user and an organization", on(pendingGone)},
		{"U7 Erase redacts the person in invitations", on(erasedInvitations)},
	}
}

func pendingAddress(w *world) {
	acme := w.Org("Acme")
	sent := w.Invite(acme, "ada@acme.example", rbac.Admin)
	var ada tenancy.User
	w.emits(func() (err error) {
		ada, err = w.Svc.Users.Create(w.Ctx, tenancy.NewUser{Email: "ada@acme.example"})
		return err
	}, some(tenancy.EventUserCreated)) // not proved: nobody's
	w.status(acme, ada, "")
	verified := func(is bool) func() error {
		return func() error {
			_, err := w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{EmailVerified: &is})
			return err
		}
	}
	w.emits(verified(true), some(tenancy.EventUserUpdated), some(tenancy.EventMembershipOffered))
	m := w.Member(acme, ada)
	w.Equal(tenancy.MembershipPending, m.Status)
	w.Equal(sent.ID, m.InvitationID)
	w.Equal(sent.ExpiresAt, m.ExpiresAt)
	w.Empty(m.Roles)
	w.emits(verified(false), some(tenancy.EventUserUpdated), some(tenancy.EventMembershipWithdrawn))
	w.status(acme, ada, "")
	w.NoError(verified(true)())

	// It moves away, and to another address.
	beta := w.Org("Beta")
	w.Invite(beta, "moved@acme.example")
	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "moved@acme.example")
	w.NoError(err)
	w.status(acme, ada, tenancy.MembershipPending)
	w.emits(func() error { return w.moves(ada, proof) },
		some(tenancy.EventUserEmailChanged), some(tenancy.EventMembershipWithdrawn), some(tenancy.EventMembershipOffered))
	w.status(acme, ada, "")
	w.status(beta, ada, tenancy.MembershipPending)
	w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State) // the invitation stays
	w.refuses(tenancy.ErrInvitationForOtherEmail, "", w.accepting(sent, w.getUser(ada.ID)))
	next := w.User("ada") // somebody else, who has the address now
	w.status(acme, next, tenancy.MembershipPending)
	w.accept(sent, next)
	w.consistent()
}

func pendingLimit(w *world) {
	var sent []tenancy.SentInvitation
	_, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: "ada@acme.example"})
	w.NoError(err)
	for i := range 25 {
		sent = append(sent, w.Invite(w.Org(fmt.Sprintf("Org %d", i)), "ada@acme.example"))
	}
	ada := w.User("ada")
	page, err := w.Svc.Memberships.ListByUser(w.Ctx, ada.ID, tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipPending}})
	w.NoError(err)
	w.Len(page.Items, 20)
	for _, s := range sent { // those that did not appear are as good
		w.accept(s, ada)
	}
}

func pendingNothing(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	w.Invite(acme, ada.Email, rbac.Owner)
	ok, err := w.Svc.Can(w.Ctx, ada.ID, acme.ID, rbac.ReadOrganization)
	w.NoError(err)
	w.False(ok)
	w.Empty(w.Dump().RoleAssignments)
	for _, code := range []func() error{
		func() error { _, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, ada.ID); return err },
		func() error { _, err := w.Svc.Memberships.Deactivate(w.Ctx, acme.ID, ada.ID); return err },
		func() error { _, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, ada.ID, rbac.Owner); return err },
	} {
		w.refuses(tenancy.ErrPendingMembership, "", code)
	}
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{}) // M12
	w.NoError(err)
	w.Empty(page.Items)
	w.consistent()
}

func pendingOtherWays(w *world) {
	beta := w.Org("Beta")
	for name, enter := range map[string]func(acme tenancy.Organization, ada tenancy.User){
		"join code": func(acme tenancy.Organization, ada tenancy.User) {
			_, err := w.Svc.JoinCodes.Use(w.Ctx, w.Code(acme).Token.Reveal(), ada.ID)
			w.NoError(err)
		},
		"join request": func(acme tenancy.Organization, ada tenancy.User) {
			req, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, ada.ID, "")
			w.NoError(err)
			_, err = w.Svc.JoinRequests.Approve(w.Ctx, req.ID)
			w.NoError(err)
		},
		"merge": func(acme tenancy.Organization, ada tenancy.User) {
			other := w.NewUser(tenancy.NewUser{Email: "twin@acme.example"})
			w.Add(acme, other)
			_, err := w.Svc.Users.Merge(w.Ctx, other.ID, ada.ID)
			w.NoError(err)
		},
	} {
		w.each(name, func(w *world) {
			acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{SeatLimit: 2, JoinRequests: true}})
			ada := w.NewUser(tenancy.NewUser{Email: strings.ReplaceAll(name, " ", "") + "@acme.example", EmailVerified: true})
			sent := w.Invite(acme, ada.Email, rbac.Owner)
			elsewhere := w.Invite(beta, ada.Email)
			before := w.Member(acme, ada)
			enter(acme, ada)
			m := w.Member(acme, ada)
			w.Equal(tenancy.MembershipActive, m.Status)
			roles, ends := []string{rbac.Member}, tenancy.InvitationRevoked // that way's roles
			switch name {
			case "join request": // of somebody who has proved the address
				roles, ends = []string{rbac.Owner, rbac.Member}, tenancy.InvitationAccepted
			case "join code": // of which nobody knows who used it
				ends = tenancy.InvitationPending
			}
			w.Equal(roles, m.Roles)
			if name != "merge" { // which brings its own row
				w.Equal(before.ID, m.ID)
			}
			w.Zero(m.InvitationID)
			w.Equal(ends, w.invitation(sent.ID).State)
			w.Equal(tenancy.InvitationPending, w.invitation(elsewhere.ID).State)
			w.Add(acme, w.NewUser(tenancy.NewUser{Email: "seat." + ada.Email})) // M9: its seat is free
			w.consistent()
		})
	}
	acme, ada := w.Org("Acme"), w.User("ada")
	w.Invite(acme, ada.Email)
	_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, ada)) // M3
	w.NoError(err)
}

// metadataGone: what an invitation brings never outlives it.
func metadataGone(w *world) {
	for name, enter := range map[string]func(acme tenancy.Organization, ada tenancy.User) error{
		"join code": func(acme tenancy.Organization, ada tenancy.User) error {
			_, err := w.Svc.JoinCodes.Use(w.Ctx, w.Code(acme).Token.Reveal(), ada.ID)
			return err
		},
		"merge": func(acme tenancy.Organization, ada tenancy.User) error {
			other := w.User("twin")
			w.Add(acme, other)
			_, err := w.Svc.Users.Merge(w.Ctx, other.ID, ada.ID)
			return err
		},
		"host, after it ran out": func(acme tenancy.Organization, ada tenancy.User) error {
			w.Clock.Advance(31 * 24 * time.Hour)
			_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, ada))
			return err
		},
	} {
		w.each(name, func(w *world) {
			acme, ada := w.Org("Acme"), w.User(strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), ",", ""))
			_, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{
				OrganizationID: acme.ID, Email: ada.Email, Metadata: map[string]string{"approval_limit": "1000000"},
			})
			w.NoError(err)
			w.NoError(enter(acme, ada))
			m := w.Member(acme, ada)
			w.Equal(tenancy.MembershipActive, m.Status)
			w.Empty(m.Metadata)
		})
	}
}

func pendingExpired(w *world) {
	acme, beta, ada := w.Org("Acme"), w.Org("Beta"), w.User("ada")
	old, other := w.Invite(acme, ada.Email), w.Invite(beta, ada.Email)
	before := w.Member(acme, ada)
	w.Clock.Advance(7 * 24 * time.Hour)
	w.Equal(tenancy.MembershipInvitationExpired, w.Member(acme, ada).Status)
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipPending}})
	w.NoError(err)
	w.Equal(tenancy.MembershipInvitationExpired, page.Items[0].Status)
	var m tenancy.Member
	w.emits(func() (err error) { m, err = w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(beta, ada)); return err },
		some(tenancy.EventInvitationExpired), some(tenancy.EventMembershipCreated))
	w.Equal(tenancy.MembershipActive, m.Status)
	w.Equal(tenancy.InvitationExpired, w.invitation(other.ID).State)
	w.Equal(tenancy.JoinedAdded, m.JoinedVia)

	sent := w.Invite(acme, ada.Email)
	w.Equal(tenancy.InvitationExpired, w.invitation(old.ID).State)
	m = w.Member(acme, ada)
	w.Equal(before.ID, m.ID)
	w.Equal(sent.ID, m.InvitationID)
	w.Equal(tenancy.MembershipPending, m.Status)
	w.accept(sent, ada)
}

// pendingHidden: whatever an actor of the organization's does, an address that somebody
// has proved and one that nobody has read the same.
func pendingHidden(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme := w.Owned("Acme", owner)
	svc := w.Svc.As(tenancy.UserPrincipal(owner.ID))
	before, err := svc.Events.List(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID})
	w.NoError(err)
	known, unknown := w.InviteBy(svc, acme, ada.Email), w.InviteBy(svc, acme, "who@acme.example")
	_, err = svc.Memberships.Get(w.Ctx, acme.ID, ada.ID)
	w.Failed(err, tenancy.ErrNotFound, "")
	w.refuses(tenancy.ErrForbidden, "statuses", func() error {
		_, err := svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipPending}})
		return err
	})
	seen := func(read func(tenancy.SentInvitation) any) {
		w.T.Helper()
		same := func(s tenancy.SentInvitation) string {
			return strings.NewReplacer(s.ID.String(), "ID", s.Email, "EMAIL").Replace(w.json(read(s)))
		}
		w.Equal(same(unknown), same(known))
	}
	seen(func(s tenancy.SentInvitation) any {
		inv, err := svc.Invitations.Get(w.Ctx, s.ID)
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
		for e, err := range svc.Events.All(w.Ctx, tenancy.EventQuery{OrganizationID: acme.ID, AfterEvent: before.NextEvent}) {
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
		_, err := svc.Invitations.Resend(w.Ctx, s.ID)
		w.NoError(err)
	}
	seen(events)
	for _, s := range []tenancy.SentInvitation{known, unknown} {
		_, err := svc.Invitations.Revoke(w.Ctx, s.ID)
		w.NoError(err)
	}
	seen(events)
	// Oneself sees it, and may decline.
	sent := w.InviteBy(svc, acme, ada.Email)
	me := w.Svc.As(tenancy.UserPrincipal(ada.ID))
	m, err := me.Memberships.Get(w.Ctx, acme.ID, ada.ID)
	w.NoError(err)
	w.Equal(tenancy.MembershipPending, m.Status)
	w.NoError(me.Memberships.Leave(w.Ctx, acme.ID, ada.ID))
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
}

func pendingGone(w *world) {
	acme, beta, ada := w.Org("Acme"), w.Org("Beta"), w.User("ada")
	sent := w.Invite(acme, ada.Email)
	w.emits(func() error { return w.Svc.Memberships.Remove(w.Ctx, acme.ID, ada.ID) }, // M6
		some(tenancy.EventInvitationRevoked), some(tenancy.EventMembershipWithdrawn))
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)

	// U6: from's pending memberships are dropped and the invitations stay; what from sent
	// stands on into.
	boss, heir := w.User("boss"), w.User("heir")
	w.Add(beta, boss, rbac.Admin)
	sent = w.InviteBy(w.Svc.As(tenancy.UserPrincipal(boss.ID)), beta, ada.Email)
	mine := w.Invite(acme, boss.Email)
	asked, err := w.Svc.JoinRequests.Create(w.Ctx, w.Org("Gamma").ID, boss.ID, "")
	w.NoError(err)
	_, err = w.Svc.Users.Merge(w.Ctx, boss.ID, heir.ID)
	w.NoError(err)
	w.Equal(heir.ID, w.invitation(sent.ID).InviterID)
	w.Equal(tenancy.InvitationPending, w.invitation(mine.ID).State)
	w.status(acme, heir, "")
	req, err := w.Svc.JoinRequests.Get(w.Ctx, asked.ID)
	w.NoError(err)
	w.Equal(heir.ID, req.UserID)
	w.accept(sent, ada)

	// U7: with the user goes what waited; the invitation to the address stays.
	eve := w.User("eve")
	sent = w.Invite(acme, eve.Email)
	_, err = w.Svc.JoinRequests.Create(w.Ctx, beta.ID, eve.ID, "")
	w.NoError(err)
	w.NoError(w.Svc.Users.Delete(w.Ctx, eve.ID))
	w.Equal(tenancy.InvitationPending, w.invitation(sent.ID).State)
	w.status(acme, w.User("eve"), tenancy.MembershipPending) // somebody new

	// O2: with the organization goes everything.
	w.Code(acme)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
	left := w.Dump()
	for _, inv := range left.Invitations {
		w.NotEqual(acme.ID, inv.OrganizationID)
		w.NotEqual(sent.ID, inv.ID)
	}
	w.Empty(left.JoinCodes)
	for _, s := range left.Secrets {
		w.NotEqual("joincode", s.Kind)
		w.NotEqual(sent.ID.String(), s.Subject)
	}
}

func erasedInvitations(w *world) {
	acme, beta, gamma := w.Org("Acme"), w.Org("Beta"), w.Org("Gamma")
	in := servicetest.Asking(acme, "ada@acme.example")
	in.Metadata = map[string]string{"note": "ada is nice"}
	before, err := w.Svc.Invitations.Send(w.Ctx, in) // before anybody had the address
	w.NoError(err)
	other := w.Invite(acme, "bob@acme.example")
	ada := w.User("ada")
	w.accept(before, ada)
	pending := w.Invite(beta, ada.Email)
	_, err = w.Svc.JoinRequests.Create(w.Ctx, gamma.ID, ada.ID, "ada is nice")
	w.NoError(err)
	w.NoError(w.Svc.Users.Erase(w.Ctx, ada.ID))
	for _, id := range []tenancy.InvitationID{before.ID, pending.ID} {
		inv := w.invitation(id)
		w.Empty(inv.Email)
		w.Empty(inv.Metadata)
	}
	w.Equal(tenancy.InvitationRevoked, w.invitation(pending.ID).State)
	left := w.Dump()
	w.NotContains(left.String(), "ada@")
	w.NotContains(left.String(), "nice")
	w.Contains(left.String(), "bob@acme.example") // nobody else's
	w.Equal("bob@acme.example", w.invitation(other.ID).Email)
	w.User("ada") // the address is free
	w.Invite(beta, "ada@acme.example")
}
