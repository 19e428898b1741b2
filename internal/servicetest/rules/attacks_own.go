package rules

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func ownAttacks() []rule {
	return []rule{
		{"R6 attack: an administrator revokes an owner's invitation by removing who left", on(barsOwner)},
		{"M9 attack: an invitation to an address that became a member's own keeps a seat", on(ownAddressInvited)},
		{"M5 attack: an invitation from before, by an address that was moved to", on(movedToInvited)},
		{"M2 M3 the host's Add over an invitation", on(addOverPending)},
		{"M2 an invitation that the host's Add names", on(addNamed)},
		{"M6 Remove of somebody who left", on(removeLeaver)},
	}
}

// ownAddressInvited: strangers' invitations to the address, by the dozen, are in nobody's way.
func ownAddressInvited(w *world) {
	acme, bob := w.Owned("Acme", w.User("owner")), w.User("bob")
	w.Add(acme, bob)
	for range 22 {
		w.Invite(w.Org("Other"), "rob@acme.example")
	}
	sent := w.Invite(acme, "rob@acme.example", rbac.Admin)
	same := w.Invite(acme, "rob+tag@acme.example")
	w.limit(acme, 4)
	w.refuses(tenancy.ErrSeatLimit, "", w.using(w.Code(acme), w.User("ann")))
	bob = w.changesEmail(bob, "rob@acme.example")
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
	w.Equal(tenancy.InvitationPending, w.invitation(same.ID).State)
	w.NoError(w.using(w.Code(acme), w.mustFind("ann@acme.example"))())
	w.changesEmail(bob, "rob+tag@acme.example") // whose mailbox is the same
	w.Equal(tenancy.InvitationRevoked, w.invitation(same.ID).State)
	// By a merge it becomes a member's own, too.
	from, into := w.User("from"), w.User("into")
	w.limit(acme, 9)
	w.Add(acme, from)
	sent = w.Invite(acme, into.Email)
	_, err := w.merge(from, into)
	w.NoError(err)
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
	from, into = w.User("from"), w.NewUser(tenancy.NewUser{Email: "unproved@acme.example"})
	w.Add(acme, from)
	w.Deactivate(acme, from)
	sent = w.Invite(acme, into.Email) // which shows to nobody
	_, err = w.merge(from, into)
	w.NoError(err)
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
	w.consistent()
}

// movedToInvited: in the same instant, or by clocks that differ.
func movedToInvited(w *world) {
	acme := w.Owned("Acme", w.User("owner"))
	for _, ahead := range []time.Duration{0, -time.Minute} {
		bob := w.User("bob")
		w.Add(acme, bob)
		sent := w.Invite(acme, "home@acme.example")
		w.Clock.Advance(ahead)
		w.Deactivate(acme, bob)
		bob = w.changesEmail(bob, "home@acme.example")
		w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, bob))
		w.status(acme, bob, tenancy.MembershipInactive)
		// And one from since, whatever its clock says.
		w.Clock.Advance(-time.Minute)
		w.NoError(w.accepting(w.Invite(acme, bob.Email), bob)())
		w.Clock.Advance(48 * time.Hour)
		w.NoError(w.Svc.Users.Erase(w.Ctx, bob.ID))
	}
}

func addOverPending(w *world) {
	owner, boss := w.User("owner"), w.User("boss")
	acme := w.Owned("Acme", owner)
	w.Add(acme, boss, rbac.Admin)
	for i, end := range []func(){
		func() {}, func() { w.Clock.Advance(8 * 24 * time.Hour) }, func() { w.Deactivate(acme, boss) },
	} {
		user := w.User(string(rune('a' + i)))
		sent, err := w.asUser(boss).Invitations.Send(w.Ctx, tenancy.NewInvitation{OrganizationID: acme.ID, Email: user.Email, Roles: []string{rbac.Admin}})
		w.NoError(err)
		pending := w.Member(acme, user)
		end()
		m := w.Add(acme, user, rbac.Guest)
		w.Equal(pending.ID, m.ID)
		w.Equal([]string{rbac.Guest}, m.Roles)
		w.Equal(tenancy.JoinedAdded, m.JoinedVia)
		w.Zero(m.InviterID)
		w.Empty(m.Metadata)
		w.NotEqual(tenancy.InvitationPending, w.invitation(sent.ID).State)
		w.NotEqual(tenancy.InvitationVoid, w.invitation(sent.ID).State)
		w.consistent()
	}
}

func addNamed(w *world) {
	owner := w.User("owner")
	acme, beta := w.Owned("Acme", owner), w.Org("Beta")
	w.limit(acme, 3)
	adding := func(user tenancy.User, id tenancy.InvitationID, roles ...string) func() error {
		return func() error {
			_, err := w.Svc.Memberships.Add(w.Ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: user.ID, InvitationID: id, Roles: roles})
			return err
		}
	}
	ann, bob := w.User("ann"), w.NewUser(tenancy.NewUser{Email: "bob@acme.example"})
	one, two := w.meant(acme, ann.Email, rbac.Admin), w.meant(acme, bob.Email, rbac.Guest)
	w.refuses(tenancy.ErrInvitationForOtherEmail, "", adding(ann, two.ID))
	w.refuses(tenancy.ErrNotFound, "", adding(ann, w.Invite(beta, ann.Email).ID))
	w.refuses(tenancy.ErrNotFound, "", adding(ann, tenancy.InvitationID{1}))
	w.NoError(adding(ann, one.ID)())
	w.NoError(adding(bob, two.ID, rbac.Member)()) // who has not proved the address
	for user, roles := range map[*tenancy.User][]string{&ann: {rbac.Admin}, &bob: {rbac.Member, rbac.Guest}} {
		m := w.Member(acme, *user)
		w.Equal(roles, m.Roles)
		w.Equal(map[string]string{"limit": user.Email}, m.Metadata)
		w.Equal(tenancy.JoinedAdded, m.JoinedVia)
	}
	for _, sent := range []tenancy.SentInvitation{one, two} {
		w.Equal(tenancy.InvitationAccepted, w.invitation(sent.ID).State)
	}
	w.remove(acme, ann)
	w.refuses(tenancy.ErrInvitationAccepted, "", adding(ann, one.ID))
	revoked := w.Invite(acme, ann.Email)
	_, err := w.Svc.Invitations.Revoke(w.Ctx, revoked.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrInvitationRevoked, "", adding(ann, revoked.ID))
	run := w.Invite(acme, ann.Email)
	w.Clock.Advance(8 * 24 * time.Hour)
	w.refuses(tenancy.ErrInvitationExpired, "", adding(ann, run.ID))
	w.consistent()
}

func removeLeaver(w *world) {
	owner, bob, few := w.User("owner"), w.User("bob"), w.User("few")
	acme := w.Owned("Acme", owner)
	w.Add(acme, bob)
	w.Add(acme, few)
	code := w.Code(acme)
	leave := func() { w.NoError(w.asUser(bob).Memberships.Leave(w.Ctx, acme.ID, bob.ID)) }
	remove := func(svc *tenancy.Service) func() error {
		return func() error { return svc.Memberships.Remove(w.Ctx, acme.ID, bob.ID) }
	}
	leave()
	req := w.asked(acme, bob)
	sent := w.meant(acme, bob.Email, rbac.Admin)
	for _, as := range []tenancy.User{few, w.User("stranger")} {
		w.Error(remove(w.asUser(as))())
	}
	w.Clock.Advance(time.Hour)
	w.emits(remove(w.asUser(owner)), event{kind: tenancy.EventMembershipBarred, org: acme.ID, user: bob.ID, subject: later},
		some(tenancy.EventInvitationRevoked), some(tenancy.EventMembershipWithdrawn), some(tenancy.EventJoinRequestCanceled))
	w.silent(remove(w.asUser(owner)))
	for r, err := range w.Svc.Memberships.AllRemoved(w.Ctx, acme.ID, tenancy.RemovalQuery{}) {
		w.NoError(err)
		w.False(r.Left)
		w.Equal(owner.ID, r.RemoverID)
		w.Equal(w.Clock.At.Truncate(time.Microsecond), r.RemovedAt)
	}
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
	w.refuses(tenancy.ErrJoinRequestDecided, "", func() error { _, err := w.Svc.JoinRequests.Approve(w.Ctx, req.ID); return err })
	w.refuses(tenancy.ErrMembershipRemoved, "", w.using(code, bob))
	w.refuses(tenancy.ErrMembershipRemoved, "", w.asks(acme, bob))
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.asUser(bob).Memberships.Leave(w.Ctx, acme.ID, bob.ID) })
	// The host, too, while an invitation waits; and of a user who is deleted.
	w.Add(acme, bob)
	leave()
	sent = w.meant(acme, bob.Email, rbac.Guest)
	w.NoError(remove(w.Svc)())
	w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
	w.refuses(tenancy.ErrMembershipRemoved, "", w.using(code, bob))
	w.Add(acme, bob)
	leave()
	w.NoError(w.Svc.Users.Delete(w.Ctx, bob.ID))
	w.NoError(remove(w.asUser(owner))())
	w.refuses(tenancy.ErrMembershipRemoved, "", w.using(code, w.User("bob")))
	nobody := w.User("nobody")
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.Svc.Memberships.Remove(w.Ctx, acme.ID, nobody.ID) })
}

// barsOwner: an owner who left is invited again, as an owner. Somebody who may not take that back
// does not get there by removing them once more.
func barsOwner(w *world) {
	boss, olivia, manager := w.User("boss"), w.User("olivia"), w.User("manager")
	acme := w.Owned("Acme", boss)
	w.Add(acme, olivia, rbac.Owner)
	w.Add(acme, manager, rbac.Admin)
	w.NoError(w.asUser(olivia).Memberships.Leave(w.Ctx, acme.ID, olivia.ID))
	token := w.invites(acme, olivia.Email, rbac.Owner)
	w.refuses(tenancy.ErrForbidden, "roles", func() error {
		return w.asUser(manager).Memberships.Remove(w.Ctx, acme.ID, olivia.ID)
	})
	_, err := w.Svc.Invitations.Accept(w.Ctx, token, olivia.ID)
	w.NoError(err)
}
