package rules

import (
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// invitationUpdateRules are about changing an invitation that is pending (rule I10).
func invitationUpdateRules() []rule {
	return []rule{
		{"I10 update", on(updatingInvitation)},
		{"I10 what Update refuses", on(updateRefusals)},
		{"I10 R6 the ceiling of an update", on(updateCeiling)},
		{"I10 I3 an update makes a void invitation good", on(updateHeals)},
		{"I10 attack: an invitation is updated into more than its updater has", on(updateEscalates)},
	}
}

// updating is an Update that may be refused.
func (w *world) updating(svc *tenancy.Service, id tenancy.InvitationID, in tenancy.InvitationUpdate) func() error {
	return func() error { _, err := svc.Invitations.Update(w.Ctx, id, in); return err }
}

func toRoles(slugs ...string) tenancy.InvitationUpdate {
	return tenancy.InvitationUpdate{Roles: &slugs}
}

func updatingInvitation(w *world) {
	box := w.mailbox()
	acme, ada := w.Org("Acme"), w.User("ada")
	in := servicetest.Asking(acme, ada.Email, rbac.Admin)
	in.Metadata = map[string]string{"seat": "window", "row": "1"}
	sent, err := w.Svc.Invitations.Send(w.Ctx, in)
	w.NoError(err)
	w.Clock.Advance(time.Hour)
	change := tenancy.InvitationUpdate{
		Version: 1, Roles: tenancy.Set([]string{rbac.Guest, rbac.Member, rbac.Guest}), Metadata: tenancy.SetKeys(map[string]string{"seat": "aisle"}, "row"),
	}
	var inv tenancy.Invitation
	got := w.emits(func() (err error) { inv, err = w.Svc.Invitations.Update(w.Ctx, sent.ID, change); return err },
		some(tenancy.EventInvitationUpdated), some(tenancy.EventMembershipOffered))
	told := ofInvitation(tenancy.EventInvitationUpdated, inv)
	told.previous = `{"roles":["admin"],"metadata":{"row":"1","seat":"window"}}`
	w.tells(got[0], told)
	w.Equal(inv, w.invitation(sent.ID))
	w.Equal([]string{rbac.Member, rbac.Guest}, inv.Roles)
	w.Equal(map[string]string{"seat": "aisle"}, inv.Metadata)
	w.Equal(int64(2), inv.Version)
	w.Equal(sent.ExpiresAt, inv.ExpiresAt)
	w.Equal(sent.SentAt, inv.SentAt)
	w.Equal(1, inv.Sends)
	w.Equal(inv.Metadata, w.Member(acme, ada).Metadata) // what is pending follows
	w.Len(box.sent, 1)                                  // nothing is mailed

	change.Version = 0
	w.silent(w.updating(w.Svc, sent.ID, change)) // G8
	w.silent(w.updating(w.Svc, sent.ID, tenancy.InvitationUpdate{}))
	w.refuses(tenancy.ErrConflict, "version", w.updating(w.Svc, sent.ID, tenancy.InvitationUpdate{Version: 1}))
	w.NoError(w.updating(w.Svc, sent.ID, toRoles())())
	w.Equal([]string{rbac.Member}, w.invitation(sent.ID).Roles) // M1: the default

	m, err := w.Svc.Invitations.Accept(w.Ctx, box.sent[0].Token.Reveal(), ada.ID) // its link stays
	w.NoError(err)
	w.Equal([]string{rbac.Member}, m.Roles)
	w.Equal(map[string]string{"seat": "aisle"}, m.Metadata)

	// One of more memberships than appear at once (rule I2) does not appear by an update that changes nothing.
	var many []tenancy.SentInvitation
	for range 21 {
		many = append(many, w.Invite(w.Org("Acme"), "many@acme.example"))
	}
	w.User("many")
	for _, sent := range many {
		w.silent(w.updating(w.Svc, sent.ID, tenancy.InvitationUpdate{}))
	}

	// Where nobody has the address, nothing but the invitation changes.
	stranger := w.Invite(acme, "new@acme.example")
	w.emits(w.updating(w.Svc, stranger.ID, toRoles(rbac.Guest)), some(tenancy.EventInvitationUpdated))
}

func updateRefusals(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	guest := toRoles(rbac.Guest)
	w.refuses(tenancy.ErrNotFound, "", w.updating(w.Svc, tenancy.InvitationID(servicetest.Nobody), guest))
	sent := w.Invite(acme, ada.Email)
	w.refuses(tenancy.ErrUnknownRole, "roles", w.updating(w.Svc, sent.ID, toRoles("king")))
	w.accept(sent, ada)
	w.refuses(tenancy.ErrInvitationAccepted, "", w.updating(w.Svc, sent.ID, guest))
	revoked := w.Invite(acme, "bob@acme.example")
	_, err := w.Svc.Invitations.Revoke(w.Ctx, revoked.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrInvitationRevoked, "", w.updating(w.Svc, revoked.ID, guest))
	late := w.Invite(acme, "late@acme.example")
	w.Clock.Advance(7 * servicetest.Day)
	w.refuses(tenancy.ErrInvitationExpired, "", w.updating(w.Svc, late.ID, guest))

	into, err := w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{Email: "zoe@mail.example"})
	w.NoError(err)
	w.refuses(tenancy.ErrInvalid, "roles", w.updating(w.Svc, into.ID, guest))
	w.refuses(tenancy.ErrInvalid, "metadata", w.updating(w.Svc, into.ID, tenancy.InvitationUpdate{Metadata: tenancy.SetKeys(map[string]string{"a": "b"})}))
	w.silent(w.updating(w.Svc, into.ID, toRoles()))

	shut := w.Invite(acme, "eve@acme.example")
	_, err = w.Svc.Organizations.Suspend(w.Ctx, acme.ID)
	w.NoError(err)
	w.refuses(tenancy.ErrOrganizationClosed, "", w.updating(w.Svc, shut.ID, guest))
}

func updateCeiling(w *world) {
	owner, admin, other := w.User("owner"), w.User("admin"), w.User("other")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	by := func(user tenancy.User) *tenancy.Service { return w.Svc.As(tenancy.UserPrincipal(user.ID)) }
	sent := w.InviteBy(by(owner), acme, "ada@acme.example", rbac.Admin)
	w.emits(w.updating(by(admin), sent.ID, toRoles(rbac.Member)), some(tenancy.EventInvitationUpdated).by(admin))
	w.Equal(admin.ID, w.invitation(sent.ID).InviterID) // who changes the roles stands for them
	w.silent(w.updating(by(owner), sent.ID, toRoles(rbac.Member)))
	w.Equal(admin.ID, w.invitation(sent.ID).InviterID)

	w.refuses(tenancy.ErrForbidden, "metadata", w.updating(by(owner), sent.ID, tenancy.InvitationUpdate{Metadata: tenancy.SetKeys(map[string]string{"a": "b"})}))
	w.NoError(w.updating(w.Svc, sent.ID, tenancy.InvitationUpdate{Metadata: tenancy.SetKeys(map[string]string{"a": "b"})})())
	w.Equal(admin.ID, w.invitation(sent.ID).InviterID) // metadata stands on nobody

	w.NotEqual(tenancy.InvitationVoid, w.invitation(sent.ID).State)
	w.refuses(tenancy.ErrNotFound, "", w.updating(by(other), sent.ID, toRoles(rbac.Guest))) // G7
	w.Add(acme, other, rbac.Guest)
	w.Failed(w.updating(by(other), sent.ID, toRoles(rbac.Guest))(), tenancy.ErrForbidden, "")
}

func updateEscalates(w *world) {
	owner, admin, back := w.User("owner"), w.User("admin"), w.User("back")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	by := func(user tenancy.User) *tenancy.Service { return w.Svc.As(tenancy.UserPrincipal(user.ID)) }
	own := w.InviteBy(by(admin), acme, "friend@mail.example", rbac.Member)
	w.refuses(tenancy.ErrForbidden, "roles", w.updating(by(admin), own.ID, toRoles(rbac.Owner)))
	w.refuses(tenancy.ErrForbidden, "roles", w.updating(by(admin), own.ID, toRoles(rbac.Guest, rbac.Owner)))
	above := w.InviteBy(by(owner), acme, "heir@acme.example", rbac.Owner)
	w.refuses(tenancy.ErrForbidden, "roles", w.updating(by(admin), above.ID, toRoles(rbac.Guest))) // nor does it take them
	// Nor does an invitation that they change bring back what is above them.
	w.Add(acme, back, rbac.Owner)
	w.Deactivate(acme, back)
	again := w.InviteBy(by(owner), acme, back.Email, rbac.Member)
	w.refuses(tenancy.ErrForbidden, "roles", w.updating(by(admin), again.ID, toRoles(rbac.Guest)))
}

func updateHeals(w *world) {
	owner, admin := w.User("owner"), w.User("admin")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	by := func(user tenancy.User) *tenancy.Service { return w.Svc.As(tenancy.UserPrincipal(user.ID)) }
	sent := w.InviteBy(by(admin), acme, "ada@acme.example", rbac.Member)
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, admin.ID))
	w.Equal(tenancy.InvitationVoid, w.invitation(sent.ID).State)
	inv, err := w.Svc.Invitations.Update(w.Ctx, sent.ID, tenancy.InvitationUpdate{Metadata: tenancy.SetKeys(map[string]string{"a": "b"})})
	w.NoError(err)
	w.Equal(tenancy.InvitationVoid, inv.State) // which metadata does not change

	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(1)})
	w.NoError(err)
	w.refuses(tenancy.ErrSeatLimit, "", w.updating(by(owner), sent.ID, toRoles(rbac.Member)))
	_, err = w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(2)})
	w.NoError(err)
	inv, err = by(owner).Invitations.Update(w.Ctx, sent.ID, toRoles(rbac.Member))
	w.NoError(err)
	w.Equal(tenancy.InvitationPending, inv.State)
	w.Equal(owner.ID, inv.InviterID)
	w.accept(sent, w.User("ada"))
}
