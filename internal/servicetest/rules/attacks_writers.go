package rules

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// writerAttacks are calls that change much, made to hold the one writer while others wait.
func writerAttacks() []rule {
	lots := func(c *tenancy.Config) { c.Limits.Invitations = 20_000 }
	return []rule{
		{"G18 R5 attack: a role that many hold is replaced, and others wait", on(manyHold)},
		{"G18 R5 attack: a role that many invitations give is replaced, and others wait", with(lots, manyPromise)},
		{"G18 M10 attack: a connection that many came by is deleted, and others wait", on(manyCame)},
		{"G18 D5 attack: a domain that many joined by is released, and others wait", on(manyJoined)},
		{"G18 O2 attack: an organization with many sessions, identities and removals is deleted, and others wait", on(manyLeft)},
		{"G18 U7 attack: strangers invite a former address, and to erase its person others wait", with(lots, formerInvited)},
		{"R5 G18 what a replacement is refused for, it is refused for before anybody moves", on(refusedBefore)},
		{"R5 G18 in a transaction of the caller's a role is replaced whole", on(replacedWhole)},
	}
}

// many is how many rows the attacks below are about: more than two transactions change.
func many() int { return servicetest.Soak(1_000, 90) }

// most are the rows that one transaction of a step reads or writes at most, for each thing that
// it changes a few.
const most = 40 * 12

// widest is a store that knows the largest of its transactions that write.
type widest struct {
	store.Store
	read, written, updates int
}

func (s *widest) Update(ctx context.Context, fn func(store.Rows) error) error {
	m := &meter{}
	err := s.Store.Update(ctx, func(rows store.Rows) error {
		m.cost = cost{}
		return fn(metered{rows, m})
	})
	s.read, s.written, s.updates = max(s.read, m.read), max(s.written, m.written), s.updates+1
	return err
}

// bounded makes a call in which no transaction that writes reads or writes much.
func (w *world) bounded(call func(svc *tenancy.Service) error) { w.boundedBut(0, 0, call) }

// boundedBut is bounded for a call of which one transaction reads, and one writes, so much more.
func (w *world) boundedBut(read, written int, call func(svc *tenancy.Service) error) {
	w.T.Helper()
	wide := &widest{Store: w.Store}
	w.NoError(call(w.Another(func(c *tenancy.Config) { c.Store = wide })))
	w.LessOrEqual(wide.read, most+read, "rows read in one transaction")
	w.LessOrEqual(wide.written, most+written, "rows written in one transaction")
	w.Greater(wide.updates, many()/50)
}

// hold makes many people members with these roles.
func (w *world) hold(org tenancy.Organization, roles ...string) []tenancy.User {
	w.T.Helper()
	return w.holders(many(), org, roles...)
}

// holders makes n people members with these roles.
func (w *world) holders(n int, org tenancy.Organization, roles ...string) []tenancy.User {
	w.T.Helper()
	users := make([]tenancy.User, n)
	w.NoError(w.Svc.Import(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for i := range users {
			var err error
			if users[i], err = tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("holder%d@mail.example", i), EmailVerified: true}); err != nil {
				return err
			}
			if _, err = tx.Memberships.Add(ctx, servicetest.Adding(org, users[i], roles...)); err != nil {
				return err
			}
		}
		return nil
	}))
	return users
}

func manyHold(w *world) {
	owner, ada := w.User("owner"), w.User("ada")
	acme := w.Owned("Acme", owner)
	w.Role(acme.ID, "org-boss", rbac.Admin)
	w.Role(acme.ID, "org-chief", rbac.Admin)
	held := w.hold(acme, "org-boss", "org-chief")
	w.Add(acme, ada, "org-boss")
	w.bounded(func(svc *tenancy.Service) error {
		return svc.As(tenancy.UserPrincipal(owner.ID)).Roles.Delete(w.Ctx, acme.ID, "org-chief", rbac.Guest)
	})
	w.bounded(func(svc *tenancy.Service) error { // by the role that goes
		return svc.As(tenancy.UserPrincipal(ada.ID)).Roles.Delete(w.Ctx, acme.ID, "org-boss", rbac.Guest)
	})
	for _, user := range append(held, ada) {
		w.Equal([]string{rbac.Guest}, w.Member(acme, user).Roles)
	}
	w.consistent()
}

// manyPromise has two inviters: one who holds the role that goes, and so cannot invite any more,
// and one who is gone.
func manyPromise(w *world) {
	owner, ada, bob := w.User("owner"), w.User("ada"), w.User("bob")
	acme := w.Owned("Acme", owner)
	w.Role(acme.ID, "org-x", rbac.Admin)
	w.Add(acme, ada, "org-x")
	w.Add(acme, bob, "org-x")
	var sent, void []tenancy.SentInvitation
	for i := range many() {
		if i%9 == 0 {
			void = append(void, w.InviteBy(w.Svc.As(tenancy.UserPrincipal(bob.ID)), acme, fmt.Sprintf("void%d@acme.example", i), "org-x"))
		} else {
			sent = append(sent, w.InviteBy(w.Svc.As(tenancy.UserPrincipal(ada.ID)), acme, fmt.Sprintf("new%d@acme.example", i), "org-x"))
		}
	}
	w.Deactivate(acme, bob)
	// The first transaction reads all of them, which are Limits.Invitations at most, to know which are void.
	w.boundedBut(many(), 0, func(svc *tenancy.Service) error {
		return svc.As(tenancy.UserPrincipal(owner.ID)).Roles.Delete(w.Ctx, acme.ID, "org-x", rbac.Guest)
	})
	for _, inv := range sent {
		w.Equal(owner.ID, w.invitation(inv.ID).InviterID)
		w.Equal([]string{rbac.Guest}, w.invitation(inv.ID).Roles)
	}
	for _, inv := range void {
		w.Equal(bob.ID, w.invitation(inv.ID).InviterID)
		w.Equal(tenancy.InvitationVoid, w.invitation(inv.ID).State)
	}
	w.consistent()
}

// given gives members a role by a source.
func (w *world) given(org tenancy.Organization, users []tenancy.User, role string, source tenancy.RoleSource, id string) {
	w.T.Helper()
	for _, user := range users {
		w.Assign(w.Member(org, user), role, source, id)
	}
}

// cameBy gives people an identity at a connection.
func (w *world) cameBy(c tenancy.Connection, users []tenancy.User) {
	w.T.Helper()
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
		for _, user := range users {
			i := tenancy.Identity{
				ID: w.Config.NewID(), Version: 1, UserID: user.ID, Provider: c.ID.String(), Subject: user.ID.String(), Epoch: c.Epoch,
				CreatedAt: w.Clock.At, UpdatedAt: w.Clock.At,
			}
			if err := servicetest.InsertRow(w.Ctx, rows, i); err != nil {
				return err
			}
		}
		return nil
	}))
}

func manyCame(w *world) {
	ada, owner := w.User("ada"), w.User("owner")
	acme := w.Owned("Acme", owner)
	okta := w.Connect(acme, "Okta")
	users := append(w.hold(acme, rbac.Guest), ada)
	w.Add(acme, ada, rbac.Guest)
	w.given(acme, users, rbac.Admin, tenancy.RoleSingleSignOn, okta.ID.String())
	w.cameBy(okta, users)
	few := w.Svc.As(tenancy.ServicePrincipal("few", acme.ID, rbac.WriteConnections))
	w.refuses(tenancy.ErrForbidden, "roles", func() error { return few.Connections.Delete(w.Ctx, acme.ID, okta.ID) })
	w.demand(acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{ConnectionID: okta.ID, SingleSignOn: true}})
	w.refuses(tenancy.ErrConnectionInUse, "", func() error { return w.Svc.Connections.Delete(w.Ctx, acme.ID, okta.ID) })
	w.demand(acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{}})
	w.bounded(func(svc *tenancy.Service) error {
		return svc.As(tenancy.UserPrincipal(ada.ID)).Connections.Delete(w.Ctx, acme.ID, okta.ID) // who is an administrator by it
	})
	w.Empty(w.Dump().Identities)
	for _, user := range users {
		w.Equal([]string{rbac.Guest}, w.Member(acme, user).Roles)
	}
	w.consistent()
}

func manyJoined(w *world) {
	ada := w.User("ada")
	acme := w.Org("Acme")
	claim := w.Holds(acme.ID, "acme.example")
	users := append(w.hold(acme, rbac.Guest), ada)
	w.Add(acme, ada, rbac.Guest)
	w.given(acme, users, rbac.Admin, tenancy.RoleDomain, claim.ID.String())
	few := w.Svc.As(tenancy.ServicePrincipal("few", acme.ID, rbac.WriteDomains))
	w.refuses(tenancy.ErrForbidden, "roles", func() error { return few.Domains.Release(w.Ctx, acme.ID, claim.ID) })
	w.bounded(func(svc *tenancy.Service) error {
		return svc.As(tenancy.UserPrincipal(ada.ID)).Domains.Release(w.Ctx, acme.ID, claim.ID)
	})
	for _, user := range users {
		w.Equal([]string{rbac.Guest}, w.Member(acme, user).Roles)
	}
	w.consistent()
}

// manyLeft is deleted by its owner, who has no access any more after the first step.
func manyLeft(w *world) {
	owner := w.User("owner")
	acme := w.Owned("Acme", owner)
	okta := w.Connect(acme, "Okta")
	rows := servicetest.Soak(3_000, 450)
	w.ranOut(w.Member(acme, owner), rows)
	w.NoError(w.Store.Update(w.Ctx, func(tx store.Rows) error {
		for i := range rows {
			identity := tenancy.Identity{
				ID: w.Config.NewID(), Version: 1, UserID: owner.ID, Provider: okta.ID.String(), Subject: fmt.Sprint(i), CreatedAt: w.Clock.At, UpdatedAt: w.Clock.At,
			}
			if err := servicetest.InsertRow(w.Ctx, tx, identity); err != nil {
				return err
			}
			removal := tenancy.Removal{ID: w.Config.NewID(), Version: 1, OrganizationID: acme.ID, UserID: w.Config.NewID(), RemovedAt: w.Clock.At}
			if err := servicetest.InsertRow(w.Ctx, tx, removal); err != nil {
				return err
			}
			address := servicetest.MemberAddress{ID: w.Config.NewID(), OrganizationID: acme.ID, UserID: removal.UserID, Address: fmt.Sprint(i, "@mail.example")}
			if err := servicetest.InsertMemberAddress(w.Ctx, tx, address); err != nil {
				return err
			}
		}
		return nil
	}))
	w.bounded(func(svc *tenancy.Service) error {
		return svc.As(tenancy.UserPrincipal(owner.ID)).Organizations.Delete(tenancy.Guarded(w.Ctx), acme.ID)
	})
	d := w.Dump()
	w.Empty(d.Organizations)
	w.Empty(d.Sessions)
	w.Empty(d.Identities)
	w.Empty(d.Removals)
	w.Empty(d.MemberAddresses)
	for _, e := range d.Events {
		if e.Type == tenancy.EventOrganizationDeleted || e.Type == tenancy.EventOrganizationPurged {
			w.Equal(tenancy.Actor{Kind: tenancy.ActorUser, ID: owner.ID.String()}, e.Actor)
		}
	}
	w.consistent()
}

// formerInvited erases somebody who is there, and somebody who was deleted before.
func formerInvited(w *world) {
	for _, name := range []string{"ada", "bob"} {
		user := w.User(name)
		former := user.Email
		for i := range many() {
			w.Invite(w.Org(fmt.Sprintf("Stranger %d of %s", i, name)), former)
		}
		user = w.changesEmail(user, "new-"+former)
		if name == "bob" {
			w.NoError(w.Svc.Users.Delete(w.Ctx, user.ID))
		}
		w.bounded(func(svc *tenancy.Service) error { return svc.Users.Erase(w.Ctx, user.ID) })
	}
	for _, inv := range w.Dump().Invitations {
		w.Empty(inv.Email + inv.EmailKey)
		w.NotEqual(tenancy.InvitationPending, inv.State)
	}
	w.consistent()
}

func refusedBefore(w *world) {
	acme := w.Org("Acme")
	w.Role(acme.ID, "org-x", "")
	w.Role(acme.ID, "org-under", "org-x")
	w.Role(acme.ID, "org-high", "", rbac.WriteMembers)
	w.hold(acme, "org-x")
	_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr("org-under")})
	w.NoError(err)
	e := w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.Svc.Roles.Delete(w.Ctx, acme.ID, "org-x", "") })
	w.Equal(many(), e.Counts["members"])
	w.refuses(tenancy.ErrInvalid, "replacement", func() error { return w.Svc.Roles.Delete(w.Ctx, acme.ID, "org-x", "org-high") }) // by default, they would manage
	w.NoError(w.Svc.Roles.Delete(w.Ctx, acme.ID, "org-x", rbac.Guest))
	w.consistent()
}

func replacedWhole(w *world) {
	acme := w.Org("Acme")
	w.Role(acme.ID, "org-x", "")
	w.hold(acme, "org-x")
	kept := &counting{Store: w.Store}
	w.NoError(w.Another(func(c *tenancy.Config) { c.Store = kept }).Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		return tx.Roles.Delete(ctx, acme.ID, "org-x", rbac.Guest)
	}))
	w.EqualValues(1, kept.updates.Load())
	w.consistent()
}
