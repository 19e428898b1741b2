package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func invitationLists(w *world) {
	acme := w.Org("Acme")
	var all []tenancy.Invitation
	for i := range 6 {
		all = append(all, w.Invite(acme, fmt.Sprintf("user%d@acme.example", i)).Invitation)
	}
	w.Invite(w.Org("Other"), "user9@acme.example")
	_, err := w.Svc.Invitations.Revoke(w.Ctx, all[1].ID)
	w.NoError(err)
	w.accept(w.Invite(acme, "ada@acme.example"), w.User("ada"))
	w.Clock.Advance(7 * 24 * time.Hour)
	_, err = w.Svc.Invitations.Sweep(w.Ctx)
	w.NoError(err)
	for _, i := range []int{0, 2} {
		_, err = w.Svc.Invitations.Resend(w.Ctx, all[i].ID)
		w.NoError(err)
	}
	run := w.Invite(acme, "late@acme.example")
	_, err = w.Svc.Invitations.Resend(w.Ctx, run.ID)
	w.NoError(err)
	w.Clock.Advance(6 * 24 * time.Hour)
	_, err = w.Svc.Invitations.Resend(w.Ctx, all[0].ID)
	w.NoError(err)
	w.Clock.Advance(24 * time.Hour) // all[2] and late ran out, unswept; all[0] stands

	names := func(q tenancy.InvitationQuery) []string {
		var got []string
		q.Limit = 2
		for inv, err := range w.Svc.Invitations.All(w.Ctx, acme.ID, q) {
			w.NoError(err)
			got = append(got, inv.Email[:len(inv.Email)-len("@acme.example")]+":"+string(inv.State))
		}
		return got
	}
	in := func(states ...tenancy.InvitationState) tenancy.InvitationQuery {
		return tenancy.InvitationQuery{States: states}
	}
	const pending, expired = tenancy.InvitationPending, tenancy.InvitationExpired
	w.Equal([]string{"user0:pending"}, names(in(pending)))
	dead := []string{"user2:expired", "user3:expired", "user4:expired", "user5:expired", "late:expired"}
	w.Equal(dead, names(in(expired)))
	w.Equal(append([]string{"user0:pending"}, dead...), names(in(pending, expired)))
	w.Equal([]string{"user0:pending", "ada:accepted"}, names(in(pending, tenancy.InvitationAccepted)))
	w.Equal([]string{"user1:revoked", "late:expired"}, slices.DeleteFunc(names(in(expired, tenancy.InvitationRevoked)),
		func(s string) bool { return s[:4] == "user" && s != "user1:revoked" }))
	w.Len(names(tenancy.InvitationQuery{}), 8)
	w.Equal([]string{"late:expired"}, names(tenancy.InvitationQuery{EmailPrefix: "LATE"}))
	w.Empty(names(tenancy.InvitationQuery{States: []tenancy.InvitationState{}}))
	back := names(tenancy.InvitationQuery{Descending: true})
	slices.Reverse(back)
	w.Equal(names(tenancy.InvitationQuery{}), back)
}

func invitedRoleDeleted(w *world) {
	w.Declare()
	owner, admin := w.User("owner"), w.User("admin")
	acme := w.Owned("Acme", owner)
	w.OwnRoles(acme.ID)
	w.Add(acme, admin, rbac.Admin)
	w.Role(acme.ID, "org-small", "")
	w.Role(acme.ID, "org-other", "")
	sent := w.InviteBy(w.Svc.As(tenancy.UserPrincipal(admin.ID)), acme, "ada@acme.example", "org-small", rbac.Guest)
	code, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID, Role: "org-small"})
	w.NoError(err)
	remove := func(replacement string) func() error {
		return func() error {
			return w.Svc.As(tenancy.UserPrincipal(owner.ID)).Roles.Delete(w.Ctx, acme.ID, "org-small", replacement)
		}
	}
	e := w.refuses(tenancy.ErrRoleInUse, "", remove(""))
	w.Equal(1, e.Counts["invitations"])
	w.Equal(1, e.Counts["join_codes"])
	w.refuses(tenancy.ErrInvalid, "replacement", remove(rbac.Admin)) // R3: a code gives it without anyone choosing it
	w.NoError(remove("org-other")())
	w.ElementsMatch([]string{rbac.Guest, "org-other"}, w.invitation(sent.ID).Roles)
	w.Equal(admin.ID, w.invitation(sent.ID).InviterID)
	after, err := w.Svc.JoinCodes.Get(w.Ctx, code.ID)
	w.NoError(err)
	w.Equal("org-other", after.Role)

	// An inviter who may not give the replacement is succeeded by the actor.
	_, err = w.Svc.JoinCodes.Revoke(w.Ctx, code.ID)
	w.NoError(err)
	_, err = w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-purse", Grants: []rbac.Grant{rbac.TransferOwnership}})
	w.NoError(err)
	w.NoError(w.Svc.As(tenancy.UserPrincipal(owner.ID)).Roles.Delete(w.Ctx, acme.ID, "org-other", "org-purse"))
	w.Equal(owner.ID, w.invitation(sent.ID).InviterID)
	m := w.accept(sent, w.User("ada"))
	w.Contains(m.Roles, "org-purse")
}

// invitationTokens: malformed, truncated, unknown and another kind's tokens read the same.
func invitationTokens(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	sent := w.Invite(acme, ada.Email)
	code, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: acme.ID})
	w.NoError(err)
	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "moved@acme.example")
	w.NoError(err)
	raw := sent.Token.Reveal()
	gone := w.Org("Gone")
	orphan := w.Invite(gone, ada.Email)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, gone.ID))
	for name, bad := range map[string]string{
		"empty": "", "truncated": raw[:len(raw)-1], "longer": raw + "a", "upper case": "INVITATION" + raw[10:], "a join code's": code.Token.Reveal(),
		"an email proof's": proof.Token.Reveal(), "NUL": raw + "\x00", "another prefix": "joincode" + raw[10:], "of an organization that is gone": orphan.Token.Reveal(),
	} {
		w.each(name, func(w *world) {
			w.refuses(tenancy.ErrInvalidToken, "token", func() error { _, err := w.Svc.Invitations.Accept(w.Ctx, bad, ada.ID); return err })
			w.refuses(tenancy.ErrInvalidToken, "token", func() error { _, err := w.Svc.Invitations.Preview(w.Ctx, bad); return err })
			if bad != code.Token.Reveal() {
				w.refuses(tenancy.ErrInvalidToken, "token", func() error { _, err := w.Svc.JoinCodes.Use(w.Ctx, bad, ada.ID); return err })
			}
		})
	}
}
