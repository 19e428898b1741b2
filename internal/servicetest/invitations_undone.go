package servicetest

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func undoneRules() []rule {
	few := func(c *tenancy.Config) { c.DeleteLimit = 2 }
	return []rule{
		{"M5 attack: a deactivated member stands in for somebody else", on(standInInactive)},
		{"M5 attack: an invitation from before the deactivation", on(staleInvitation)},
		{"M6 an invitation from before does not undo a removal", on(staleAfterRemoval)},
		{"R5 attack: replacing a role revives a void invitation", on(revivedInvitation)},
		{"R5 R6 who succeeds an inviter", on(succeededInviter)},
		{"O2 R5 U6 as much as one transaction may touch", with(few, boundedJoining)},
		{"U7 I5 an erased invitation is not sent again", on(erasedResent)},
		{"U7 I4 erased: the token's secret, and addresses from before", on(erasedAddresses)},
		{"U7 erasing who stood in leaves who was invited", on(erasedStandIn)},
		{"I2 M11 what OnJoin sends and cannot be mailed", on(vetoMailFails)},
		{"I2 a Mailer that panics", on(mailPanics)},
		{"I7 G7 an archived organization takes no requests", on(archivedRequest)},
	}
}

// acceptsOnDomains is an organization that lets people on its domain stand in.
func (w *world) acceptsOnDomains(owner tenancy.User) tenancy.Organization {
	w.t.Helper()
	acme := w.owned("Acme", owner)
	w.claimVerified(acme, "acme.example")
	_, err := w.svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{AcceptOnDomains: ptr(true)})
	w.NoError(err)
	return acme
}

// changesEmail moves a user to another address, with its proof.
func (w *world) changesEmail(user tenancy.User, email string) tenancy.User {
	w.t.Helper()
	proof, err := w.svc.Users.ChangeEmail(w.ctx, user.ID, email)
	w.NoError(err)
	w.NoError(w.moves(user, proof))
	return w.getUser(user.ID)
}

func standInInactive(w *world) {
	eve := w.user("eve")
	acme := w.acceptsOnDomains(w.user("owner"))
	w.add(acme, eve)
	w.deactivate(acme, eve)
	w.clock.advance(time.Hour)
	sent := w.invite(acme, "bob@acme.example", rbac.Admin)
	w.refuses(tenancy.ErrMembershipInactive, "", w.accepting(sent, eve))
	w.status(acme, eve, tenancy.MembershipInactive)
	w.accept(sent, w.user("ada"))
}

func staleInvitation(w *world) {
	acme, eve := w.org("Acme"), w.newUser(tenancy.NewUser{Email: "eve@acme.example"})
	w.add(acme, eve)
	sent := w.invite(acme, "eve@home.example")
	w.clock.advance(time.Hour)
	w.deactivate(acme, eve)
	w.Equal(w.clock.at.Truncate(time.Microsecond), w.member(acme, eve).DeactivatedAt)
	eve = w.changesEmail(eve, "eve@home.example") // to an address that was invited before
	w.clock.advance(time.Hour)
	w.refuses(tenancy.ErrMembershipInactive, "", w.accepting(sent, eve))
	again, err := w.svc.Invitations.Resend(w.ctx, sent.ID) // and has been since
	w.NoError(err)
	w.accept(again, eve)
	w.Zero(w.member(acme, eve).DeactivatedAt)

	// One that stands to their own address goes, and by a merge, too.
	ada, second := w.user("ada"), w.user("second")
	w.add(acme, ada)
	w.add(acme, second)
	w.deactivate(acme, second)
	w.clock.advance(time.Hour)
	_, err = w.svc.Users.Merge(w.ctx, second.ID, ada.ID)
	w.NoError(err)
	w.Equal(w.clock.at.Add(-time.Hour).Truncate(time.Microsecond), w.member(acme, ada).DeactivatedAt)
}

// staleAfterRemoval: the one invited joined by another way before they proved the
// address, so that nothing waited for the invitation.
func staleAfterRemoval(w *world) {
	for name, end := range map[string]func(tenancy.Organization, tenancy.User){
		"removed": func(acme tenancy.Organization, u tenancy.User) {
			w.NoError(w.svc.Memberships.Remove(w.ctx, acme.ID, u.ID))
		},
		"deactivated": func(acme tenancy.Organization, u tenancy.User) { w.deactivate(acme, u) },
	} {
		w.each(name, func(w *world) {
			acme, eve := w.org("Acme"), w.newUser(tenancy.NewUser{Email: name + "@acme.example"})
			sent := w.invite(acme, eve.Email)
			w.NoError(w.using(w.code(acme), eve)())
			w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State) // M9: its seat is theirs
			end(acme, eve)
			w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, eve))

			bob := w.newUser(tenancy.NewUser{Email: "bob." + name + "@acme.example"})
			w.add(acme, bob)
			sent = w.invite(acme, "new."+bob.Email)
			bob = w.changesEmail(bob, "new."+bob.Email)
			end(acme, bob)
			w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, bob))
		})
	}
}

func revivedInvitation(w *world) {
	owner, second := w.user("owner"), w.user("second")
	acme := w.owned("Acme", owner)
	w.add(acme, second, rbac.Owner)
	for name, svc := range map[string]*tenancy.Service{
		"host":    w.svc,
		"owner":   w.svc.As(tenancy.UserPrincipal(owner.ID)),
		"service": w.svc.As(tenancy.ServicePrincipal("cleaner", acme.ID, rbac.Grant(rbac.WriteRoles), rbac.Grant(rbac.ReadRoles))),
	} {
		w.each(name, func(w *world) {
			_, err := w.svc.Roles.Create(w.ctx, acme.ID, tenancy.NewRole{Slug: "org-x"})
			w.NoError(err)
			eve := w.user("eve-" + name)
			sent := w.inviteBy(w.svc.As(tenancy.UserPrincipal(second.ID)), acme, eve.Email, rbac.Owner, "org-x")
			w.deactivate(acme, second)
			w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(sent, eve))
			w.NoError(svc.Roles.Delete(w.ctx, acme.ID, "org-x", rbac.Guest))
			w.Equal(second.ID, w.invitation(sent.ID).InviterID)
			w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(sent, eve))
			_, err = w.svc.Memberships.Reactivate(w.ctx, acme.ID, second.ID)
			w.NoError(err)
		})
	}
}

// succeededInviter: only by who may give all that the invitation gives.
func succeededInviter(w *world) {
	owner, admin := w.user("owner"), w.user("admin")
	acme := w.owned("Acme", owner)
	w.add(acme, admin, rbac.Admin)
	writes := w.svc.As(tenancy.ServicePrincipal("roles", acme.ID, rbac.Grant(rbac.WriteRoles), rbac.Grant(rbac.ReadRoles), rbac.Grant(rbac.TransferOwnership)))
	for name, c := range map[string]struct {
		svc  *tenancy.Service
		want tenancy.UserID
	}{
		"host":    {w.svc, tenancy.UserID{}},
		"owner":   {w.svc.As(tenancy.UserPrincipal(owner.ID)), owner.ID},
		"service": {writes, admin.ID}, // covers the replacement, and not the rest
	} {
		w.each(name, func(w *world) {
			_, err := w.svc.Roles.Create(w.ctx, acme.ID, tenancy.NewRole{Slug: "org-x"})
			w.NoError(err)
			_, err = w.svc.Roles.Create(w.ctx, acme.ID, tenancy.NewRole{Slug: "org-high", Grants: []rbac.Grant{rbac.Grant(rbac.TransferOwnership)}})
			w.NoError(err)
			user := w.user("ada" + name)
			sent := w.inviteBy(w.svc.As(tenancy.UserPrincipal(admin.ID)), acme, user.Email, rbac.Admin, "org-x")
			w.NoError(c.svc.Roles.Delete(w.ctx, acme.ID, "org-x", "org-high"))
			w.Equal(c.want, w.invitation(sent.ID).InviterID)
			if c.want == admin.ID {
				w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(sent, user))
			} else {
				w.accept(sent, user)
			}
			w.NoError(w.svc.Memberships.Remove(w.ctx, acme.ID, user.ID)) // or the invitation that they wait for
			w.NoError(w.svc.Roles.Delete(w.ctx, acme.ID, "org-high", rbac.Guest))
		})
	}
}

func boundedJoining(w *world) {
	acme, ada := w.org("Acme"), w.user("ada")
	for range 3 { // by an outsider, who may ask and take it back
		req, err := w.svc.JoinRequests.Create(w.ctx, acme.ID, ada.ID, "")
		w.NoError(err)
		_, err = w.svc.JoinRequests.Cancel(w.ctx, req.ID)
		w.NoError(err)
	}
	_, err := w.svc.Roles.Create(w.ctx, acme.ID, tenancy.NewRole{Slug: "org-x"})
	w.NoError(err)
	for _, email := range []string{"a@acme.example", "b@acme.example", "c@acme.example"} {
		w.invite(acme, email, "org-x")
	}
	e := w.refuses(tenancy.ErrTooLarge, "", func() error { return w.svc.Roles.Delete(w.ctx, acme.ID, "org-x", rbac.Guest) })
	w.Equal(map[string]int{"invitations": 3}, e.Counts)
	heir := w.user("heir")
	e = w.refuses(tenancy.ErrTooLarge, "", func() error { _, err := w.svc.Users.Merge(w.ctx, ada.ID, heir.ID); return err })
	w.Equal(map[string]int{"join_requests": 3}, e.Counts)
	e = w.refuses(tenancy.ErrTooLarge, "", func() error { return w.svc.Organizations.Delete(w.ctx, acme.ID) })
	w.Equal(map[string]int{"invitations": 3}, e.Counts)

	w.code(acme)
	w.archive(acme)
	went := 0
	for {
		n, err := w.svc.Organizations.Purge(w.ctx, acme.ID, 2)
		w.NoError(err)
		if went += n; n == 0 {
			break
		}
	}
	w.Equal(3+3+1, went)
	w.Empty(w.dump().Secrets)
	w.NoError(w.svc.Organizations.Delete(w.ctx, acme.ID))
}

func erasedResent(w *world) {
	acme, ada := w.org("Acme"), w.user("ada")
	sent := w.invite(acme, ada.Email)
	w.clock.advance(8 * day)
	_, err := w.svc.Invitations.Sweep(w.ctx)
	w.NoError(err)
	w.NoError(w.svc.Users.Erase(w.ctx, ada.ID))
	w.refuses(tenancy.ErrInvitationRevoked, "", func() error { _, err := w.svc.Invitations.Resend(w.ctx, sent.ID); return err })
}

func erasedAddresses(w *world) {
	box := w.mailbox()
	acme := w.org("Acme")
	for name, c := range map[string]func(tenancy.User) tenancy.UserID{
		"accepted": func(u tenancy.User) tenancy.UserID {
			_, err := w.svc.Invitations.Accept(w.ctx, box.sent[len(box.sent)-1].Token.Reveal(), u.ID)
			w.NoError(err)
			return u.ID
		},
		"deleted": func(u tenancy.User) tenancy.UserID { w.NoError(w.svc.Users.Delete(w.ctx, u.ID)); return u.ID },
		"moved": func(u tenancy.User) tenancy.UserID {
			_, err := w.svc.Users.ChangeEmail(w.ctx, u.ID, "elsewhere@acme.example")
			w.NoError(err)
			w.NoError(w.moves(u, tenancy.EmailProof{Token: box.sent[len(box.sent)-1].Token}))
			return u.ID
		},
		"merged": func(u tenancy.User) tenancy.UserID {
			heir := w.user("heir")
			_, err := w.svc.Users.Merge(w.ctx, u.ID, heir.ID)
			w.NoError(err)
			return heir.ID
		},
	} {
		w.each(name, func(w *world) {
			sent := w.invite(acme, "secret."+name+"@acme.example")
			id := c(w.user("secret." + name))
			w.NoError(w.svc.Users.Erase(w.ctx, id))
			w.Empty(w.invitation(sent.ID).Email)
			w.NotContains(w.dump().String(), "secret."+name)
		})
	}

	// An address that is somebody else's by now, and one that was claimed and not proved.
	w.svc = w.another(func(c *tenancy.Config) { c.Mailer = nil })
	was := w.changesEmail(w.user("shared"), "new@acme.example")
	now := w.user("shared")
	claimed := w.newUser(tenancy.NewUser{Email: "claimed@acme.example"})
	theirs, anybodys := w.invite(acme, now.Email), w.invite(acme, claimed.Email)
	w.NoError(w.svc.Users.Delete(w.ctx, claimed.ID))
	for _, id := range []tenancy.UserID{was.ID, claimed.ID} {
		w.NoError(w.svc.Users.Erase(w.ctx, id))
	}
	w.Equal(tenancy.InvitationPending, w.invitation(theirs.ID).State)
	w.Equal(tenancy.InvitationPending, w.invitation(anybodys.ID).State)
}

func erasedStandIn(w *world) {
	owner, sub := w.user("owner"), w.user("sub")
	acme, other := w.acceptsOnDomains(owner), w.org("Other")
	in := asking(acme, "bob@home.example")
	in.Metadata = map[string]string{"k": "of sub's"}
	sent, err := w.svc.Invitations.Send(w.ctx, in)
	w.NoError(err)
	kept := w.invite(other, "bob@home.example")
	w.accept(sent, sub)
	w.NoError(w.svc.Users.Erase(w.ctx, sub.ID))
	inv := w.invitation(sent.ID)
	w.Equal("bob@home.example", inv.Email)
	w.Zero(inv.UserID)
	w.Empty(inv.Metadata)
	w.Equal(tenancy.InvitationPending, w.invitation(kept.ID).State)
	for e, err := range w.svc.Events.All(w.ctx, tenancy.EventQuery{OrganizationID: other.ID, Types: []tenancy.EventType{tenancy.EventInvitationSent}}) {
		w.NoError(err)
		w.False(e.Redacted, "of somebody who is not erased")
	}
}

func vetoMailFails(w *world) {
	box := &mailbox{w: w, fails: errors.New("no route to host")}
	w.svc = w.another(func(c *tenancy.Config) {
		c.Mailer = box
		c.OnJoin = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
			_, err := tx.Invitations.Send(ctx, asking(j.Organization, "friend."+j.User.Email))
			return err
		}
	})
	acme, ada := w.org("Acme"), w.user("ada")
	m, err := w.svc.JoinCodes.Use(w.ctx, w.code(acme).Token.Reveal(), ada.ID)
	w.NoError(err) // they are in
	w.Equal(tenancy.MembershipActive, m.Status)
	w.Len(box.sent, 1)
}

type panicking struct{ tried int }

func (p *panicking) Mail(context.Context, tenancy.Message) error {
	p.tried++
	panic("no mail today")
}

func mailPanics(w *world) {
	box := &panicking{}
	w.svc = w.another(func(c *tenancy.Config) { c.Mailer = box })
	acme := w.org("Acme")
	err := w.svc.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for _, email := range []string{"one@acme.example", "two@acme.example"} {
			_, err := tx.Invitations.Send(ctx, asking(acme, email))
			w.NoError(err)
		}
		return nil
	})
	w.Len(w.failed(err, tenancy.ErrMailFailed, "").IDs, 2)
	w.Equal(2, box.tried)
}

func archivedRequest(w *world) {
	acme, ada := w.org("Acme"), w.user("ada")
	w.archive(acme)
	for _, svc := range []*tenancy.Service{w.svc, w.svc.As(tenancy.UserPrincipal(ada.ID))} {
		var kinds []string
		for _, id := range []tenancy.OrganizationID{acme.ID, nowhere} {
			e := w.refuses(tenancy.ErrNotFound, "", func() error { _, err := svc.JoinRequests.Create(w.ctx, id, ada.ID, ""); return err })
			kinds = append(kinds, e.Kind)
		}
		w.Equal(kinds[0], kinds[1])
	}
}
