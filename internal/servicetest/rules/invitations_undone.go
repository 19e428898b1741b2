package rules

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
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
		{"U7 erasing who was invited leaves who stood in", on(erasedInvited)},
		{"M2 M5 who stands in and was not offered their own invitation, of more than are, leaves none standing", on(standInNotOffered)},
		{"I2 M11 what OnJoin sends and cannot be mailed", on(vetoMailFails)},
		{"I2 a Mailer that panics", on(mailPanics)},
		{"I7 G7 an archived organization takes no requests", on(archivedRequest)},
	}
}

// acceptsOnDomains is an organization that lets people on its domain stand in.
func (w *world) acceptsOnDomains(owner tenancy.User) tenancy.Organization {
	w.T.Helper()
	acme := w.Owned("Acme", owner)
	w.claimVerified(acme, "acme.example")
	_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{AcceptOnDomains: servicetest.Ptr(true)})
	w.NoError(err)
	return acme
}

// changesEmail moves a user to another address, with its proof.
func (w *world) changesEmail(user tenancy.User, email string) tenancy.User {
	w.T.Helper()
	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, user.ID, email)
	w.NoError(err)
	w.NoError(w.moves(user, proof))
	return w.getUser(user.ID)
}

func standInInactive(w *world) {
	eve := w.User("eve")
	acme := w.acceptsOnDomains(w.User("owner"))
	w.Add(acme, eve)
	w.Deactivate(acme, eve)
	w.Clock.Advance(time.Hour)
	sent := w.Invite(acme, "bob@acme.example", rbac.Admin)
	w.refuses(tenancy.ErrMembershipInactive, "", w.accepting(sent, eve))
	w.status(acme, eve, tenancy.MembershipInactive)
	w.accept(sent, w.User("ada"))
}

func staleInvitation(w *world) {
	acme, eve := w.Org("Acme"), w.NewUser(tenancy.NewUser{Email: "eve@acme.example"})
	w.Add(acme, eve)
	sent := w.Invite(acme, "eve@home.example")
	w.Clock.Advance(time.Hour)
	w.Deactivate(acme, eve)
	w.Equal(w.Clock.At.Truncate(time.Microsecond), w.Member(acme, eve).DeactivatedAt)
	eve = w.changesEmail(eve, "eve@home.example") // to an address that was invited before
	w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, eve))
	w.accept(w.Invite(acme, eve.Email), eve) // and is now
	w.Zero(w.Member(acme, eve).DeactivatedAt)

	// One that stands to their own address goes, and by a merge, too.
	ada, second := w.User("ada"), w.User("second")
	w.Add(acme, ada)
	w.Add(acme, second)
	w.Deactivate(acme, second)
	w.Clock.Advance(time.Hour)
	_, err := w.Svc.Users.Merge(w.Ctx, second.ID, ada.ID)
	w.NoError(err)
	w.Equal(w.Clock.At.Add(-time.Hour).Truncate(time.Microsecond), w.Member(acme, ada).DeactivatedAt)
}

// staleAfterRemoval: the one invited joined by another way before they proved the
// address, so that nothing waited for the invitation.
func staleAfterRemoval(w *world) {
	for name, end := range map[string]func(tenancy.Organization, tenancy.User){
		"removed": func(acme tenancy.Organization, u tenancy.User) {
			w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, u.ID))
		},
		"deactivated": func(acme tenancy.Organization, u tenancy.User) { w.Deactivate(acme, u) },
	} {
		w.each(name, func(w *world) {
			acme, eve := w.Org("Acme"), w.NewUser(tenancy.NewUser{Email: name + "@acme.example"})
			sent := w.Invite(acme, eve.Email)
			w.Add(acme, eve)
			w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State) // M9: its seat is theirs
			end(acme, eve)
			w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, eve))

			bob := w.NewUser(tenancy.NewUser{Email: "bob." + name + "@acme.example"})
			w.Add(acme, bob)
			sent = w.Invite(acme, "new."+bob.Email)
			bob = w.changesEmail(bob, "new."+bob.Email)
			w.Equal(tenancy.InvitationRevoked, w.invitation(sent.ID).State)
			end(acme, bob)
			w.refuses(tenancy.ErrInvitationRevoked, "", w.accepting(sent, bob))
		})
	}
}

func revivedInvitation(w *world) {
	owner, second := w.User("owner"), w.User("second")
	acme := w.Owned("Acme", owner)
	w.Add(acme, second, rbac.Owner)
	for name, svc := range map[string]*tenancy.Service{
		"host":    w.Svc,
		"owner":   w.Svc.As(tenancy.UserPrincipal(owner.ID)),
		"service": w.Svc.As(tenancy.ServicePrincipal("cleaner", acme.ID, rbac.WriteRoles, rbac.ReadRoles)),
	} {
		w.each(name, func(w *world) {
			_, err := w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-x"})
			w.NoError(err)
			eve := w.User("eve-" + name)
			sent := w.InviteBy(w.Svc.As(tenancy.UserPrincipal(second.ID)), acme, eve.Email, rbac.Owner, "org-x")
			w.Deactivate(acme, second)
			w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(sent, eve))
			w.NoError(svc.Roles.Delete(w.Ctx, acme.ID, "org-x", rbac.Guest))
			w.Equal(second.ID, w.invitation(sent.ID).InviterID)
			w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(sent, eve))
			_, err = w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, second.ID)
			w.NoError(err)
		})
	}
}

// succeededInviter: only by who may give all that the invitation gives.
func succeededInviter(w *world) {
	owner, admin := w.User("owner"), w.User("admin")
	acme := w.Owned("Acme", owner)
	w.Add(acme, admin, rbac.Admin)
	writes := w.Svc.As(tenancy.ServicePrincipal("roles", acme.ID, rbac.WriteRoles, rbac.ReadRoles, rbac.TransferOwnership))
	for name, c := range map[string]struct {
		svc  *tenancy.Service
		want tenancy.UserID
	}{
		"host":    {w.Svc, tenancy.UserID{}},
		"owner":   {w.Svc.As(tenancy.UserPrincipal(owner.ID)), owner.ID},
		"service": {writes, admin.ID}, // covers the replacement, and not the rest
	} {
		w.each(name, func(w *world) {
			_, err := w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-x"})
			w.NoError(err)
			_, err = w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-high", Grants: []rbac.Grant{rbac.TransferOwnership}})
			w.NoError(err)
			user := w.User("ada" + name)
			sent := w.InviteBy(w.Svc.As(tenancy.UserPrincipal(admin.ID)), acme, user.Email, rbac.Admin, "org-x")
			w.NoError(c.svc.Roles.Delete(w.Ctx, acme.ID, "org-x", "org-high"))
			w.Equal(c.want, w.invitation(sent.ID).InviterID)
			if c.want == admin.ID {
				w.refuses(tenancy.ErrInvitationVoid, "", w.accepting(sent, user))
			} else {
				w.accept(sent, user)
			}
			w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, user.ID)) // or the invitation that they wait for
			w.NoError(w.Svc.Roles.Delete(w.Ctx, acme.ID, "org-high", rbac.Guest))
		})
	}
}

func boundedJoining(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	for _, org := range []tenancy.Organization{acme, w.Org("Beta"), w.Org("Gamma")} {
		w.NoError(w.asks(org, ada)())
	}
	_, err := w.Svc.Roles.Create(w.Ctx, acme.ID, tenancy.NewRole{Slug: "org-x"})
	w.NoError(err)
	for _, email := range []string{"a@acme.example", "b@acme.example", "c@acme.example"} {
		w.Invite(acme, email, "org-x")
	}
	e := w.refuses(tenancy.ErrTooLarge, "", func() error { return w.Svc.Roles.Delete(w.Ctx, acme.ID, "org-x", rbac.Guest) })
	w.Equal(map[string]int{"invitations": 3}, e.Counts)
	heir := w.User("heir")
	e = w.refuses(tenancy.ErrTooLarge, "", func() error { _, err := w.Svc.Users.Merge(w.Ctx, ada.ID, heir.ID); return err })
	w.Equal(map[string]int{"join_requests": 3}, e.Counts)
	e = w.refuses(tenancy.ErrTooLarge, "", w.inOne(func(ctx context.Context, tx *tenancy.Service) error { return tx.Organizations.Delete(ctx, acme.ID) }))
	w.Equal(map[string]int{"invitations": 3}, e.Counts)

	w.Code(acme)
	w.Archive(acme)
	went := 0
	for {
		n, err := w.Svc.Organizations.Purge(w.Ctx, acme.ID, 2)
		w.NoError(err)
		if went += n; n == 0 {
			break
		}
	}
	w.Equal(3+1+1, went)
	w.Empty(w.Dump().Secrets)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
}

func erasedResent(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	sent := w.Invite(acme, ada.Email)
	w.Clock.Advance(8 * servicetest.Day)
	_, err := w.Svc.Invitations.Sweep(w.Ctx)
	w.NoError(err)
	w.NoError(w.Svc.Users.Erase(w.Ctx, ada.ID))
	w.refuses(tenancy.ErrInvitationRevoked, "", func() error { _, err := w.Svc.Invitations.Resend(w.Ctx, sent.ID); return err })
}

func erasedAddresses(w *world) {
	box := w.mailbox()
	acme := w.Org("Acme")
	for name, c := range map[string]func(tenancy.User) tenancy.UserID{
		"accepted": func(u tenancy.User) tenancy.UserID {
			_, err := w.Svc.Invitations.Accept(w.Ctx, box.sent[len(box.sent)-1].Token.Reveal(), u.ID)
			w.NoError(err)
			return u.ID
		},
		"deleted": func(u tenancy.User) tenancy.UserID { w.NoError(w.Svc.Users.Delete(w.Ctx, u.ID)); return u.ID },
		"moved": func(u tenancy.User) tenancy.UserID {
			_, err := w.Svc.Users.ChangeEmail(w.Ctx, u.ID, "elsewhere@acme.example")
			w.NoError(err)
			w.NoError(w.moves(u, tenancy.EmailProof{Token: box.sent[len(box.sent)-1].Token}))
			return u.ID
		},
		"merged": func(u tenancy.User) tenancy.UserID {
			heir := w.User("heir")
			_, err := w.Svc.Users.Merge(w.Ctx, u.ID, heir.ID)
			w.NoError(err)
			return heir.ID
		},
	} {
		w.each(name, func(w *world) {
			sent := w.Invite(acme, "secret."+name+"@acme.example")
			id := c(w.User("secret." + name))
			w.NoError(w.Svc.Users.Erase(w.Ctx, id))
			w.Empty(w.invitation(sent.ID).Email)
			w.NotContains(w.Dump().String(), "secret."+name)
		})
	}

	// An address that is somebody else's by now, and one that was claimed and not proved.
	w.Svc = w.Another(func(c *tenancy.Config) { c.Mailer = nil })
	was := w.changesEmail(w.User("shared"), "new@acme.example")
	now := w.User("shared")
	claimed := w.NewUser(tenancy.NewUser{Email: "claimed@acme.example"})
	theirs, anybodys := w.Invite(acme, now.Email), w.Invite(acme, claimed.Email)
	w.NoError(w.Svc.Users.Delete(w.Ctx, claimed.ID))
	for _, id := range []tenancy.UserID{was.ID, claimed.ID} {
		w.NoError(w.Svc.Users.Erase(w.Ctx, id))
	}
	w.Equal(tenancy.InvitationPending, w.invitation(theirs.ID).State)
	w.Equal(tenancy.InvitationPending, w.invitation(anybodys.ID).State)
}

func standInNotOffered(w *world) {
	acme := w.acceptsOnDomains(w.User("owner"))
	for range 20 {
		w.Invite(w.Org("Other"), "sub@acme.example")
	}
	own, anothers := w.Invite(acme, "sub@acme.example"), w.Invite(acme, "bob@acme.example")
	sub := w.User("sub")
	w.status(acme, sub, "")
	w.accept(anothers, sub)
	w.Equal(tenancy.InvitationRevoked, w.invitation(own.ID).State)
}

func erasedStandIn(w *world) {
	owner, sub := w.User("owner"), w.User("sub")
	acme, other := w.acceptsOnDomains(owner), w.Org("Other")
	in := servicetest.Asking(acme, "bob@home.example")
	in.Metadata = map[string]string{"k": "of sub's"}
	sent, err := w.Svc.Invitations.Send(w.Ctx, in)
	w.NoError(err)
	kept := w.Invite(other, "bob@home.example")
	w.accept(sent, sub)
	w.NoError(w.Svc.Users.Erase(w.Ctx, sub.ID))
	inv := w.invitation(sent.ID)
	w.Equal("bob@home.example", inv.Email)
	w.Zero(inv.UserID)
	w.Empty(inv.Metadata)
	w.Equal(tenancy.InvitationPending, w.invitation(kept.ID).State)
	for e, err := range w.Svc.Events.All(w.Ctx, tenancy.EventQuery{OrganizationID: other.ID, Types: []tenancy.EventType{tenancy.EventInvitationSent}}) {
		w.NoError(err)
		w.False(e.Redacted, "of somebody who is not erased")
	}
}

func erasedInvited(w *world) {
	acme, sub, bob := w.acceptsOnDomains(w.User("owner")), w.User("sub"), w.NewUser(tenancy.NewUser{Email: "bob@home.example", EmailVerified: true})
	sent := w.Invite(acme, bob.Email)
	w.accept(sent, sub)
	w.NoError(w.Svc.Users.Erase(w.Ctx, bob.ID))
	inv := w.invitation(sent.ID)
	w.Empty(inv.Email)
	w.Equal(tenancy.InvitationAccepted, inv.State)
	w.Equal(sub.ID, inv.UserID)
}

func vetoMailFails(w *world) {
	box := &mailbox{w: w, fails: errors.New("no route to host")}
	w.Svc = w.Another(func(c *tenancy.Config) {
		c.Mailer = box
		c.OnJoin = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
			_, err := tx.Invitations.Send(ctx, servicetest.Asking(j.Organization, "friend."+j.User.Email))
			return err
		}
	})
	acme, ada := w.Org("Acme"), w.User("ada")
	m, err := w.Svc.JoinCodes.Use(w.Ctx, w.Code(acme).Token.Reveal(), ada.ID)
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
	w.Svc = w.Another(func(c *tenancy.Config) { c.Mailer = box })
	acme := w.Org("Acme")
	err := w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for _, email := range []string{"one@acme.example", "two@acme.example"} {
			_, err := tx.Invitations.Send(ctx, servicetest.Asking(acme, email))
			w.NoError(err)
		}
		return nil
	})
	w.Len(w.Failed(err, tenancy.ErrMailFailed, "").IDs, 2)
	w.Equal(2, box.tried)
}

func archivedRequest(w *world) {
	acme, ada := w.Org("Acme"), w.User("ada")
	w.Archive(acme)
	for _, svc := range []*tenancy.Service{w.Svc, w.Svc.As(tenancy.UserPrincipal(ada.ID))} {
		var kinds []string
		for _, id := range []tenancy.OrganizationID{acme.ID, servicetest.Nowhere} {
			e := w.refuses(tenancy.ErrNotFound, "", func() error { _, err := svc.JoinRequests.Create(w.Ctx, id, ada.ID, ""); return err })
			kinds = append(kinds, e.Kind)
		}
		w.Equal(kinds[0], kinds[1])
	}
}
