package rules

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// manyRows is how many rows strangers make in the attacks below: more than one transaction
// of a step takes.
func manyRows() int { return servicetest.Soak(1_001, 250) }

func stepAttacks() []rule {
	few := func(c *tenancy.Config) {
		c.DeleteLimit = 220
		c.Limits.Invitations, c.Limits.JoinRequests, c.Limits.JoinCodes = 20_000, 20_000, 20_000
	}
	return []rule{
		{"G18 U7 attack: invitations of strangers keep a person from being deleted, erased or merged", with(few, strangersRows)},
		{"G18 O2 attack: requests of strangers keep an organization from being deleted", with(few, strangersRequests)},
		{"G18 O2 a deletion that was broken off goes on, and is not undone", with(few, brokenDeletion)},
		{"G18 what keeps a user from going keeps what waits for them", with(few, shedsNothing)},
	}
}

// inOne is a call in a transaction of the caller's.
func (w *world) inOne(call func(ctx context.Context, tx *tenancy.Service) error) func() error {
	return func() error { return w.Svc.Transact(w.Ctx, call) }
}

// besiege has strangers' organizations invite a person, and gives how many memberships wait.
func (w *world) besiege(user tenancy.User, n int) {
	w.T.Helper()
	for i := range n {
		w.Invite(w.Org(fmt.Sprintf("Stranger %d", i)), user.Email)
	}
}

func (w *world) waiting(user tenancy.User) (n int) {
	for _, m := range w.Dump().Memberships {
		if m.UserID == user.ID && m.Status == tenancy.MembershipPending {
			n++
		}
	}
	return n
}

func strangersRows(w *world) {
	for name, end := range map[string]func(user tenancy.User) error{
		"delete": func(user tenancy.User) error { return w.Svc.Users.Delete(w.Ctx, user.ID) },
		"erase":  func(user tenancy.User) error { return w.Svc.Users.Erase(w.Ctx, user.ID) },
		"merge": func(user tenancy.User) error {
			_, err := w.Svc.Users.Merge(w.Ctx, user.ID, w.User("into").ID)
			return err
		},
	} {
		victim := w.User(name)
		w.besiege(victim, manyRows())
		w.Equal(manyRows(), w.waiting(victim))
		w.refuses(tenancy.ErrTooLarge, "", w.inOne(func(ctx context.Context, tx *tenancy.Service) error { return tx.Users.Delete(ctx, victim.ID) }))
		w.NoError(end(victim), name)
		w.Zero(w.waiting(victim))
		if name == "erase" {
			for _, inv := range w.Dump().Invitations {
				w.NotEqual(victim.EmailKey, inv.EmailKey)
			}
		}
	}
	w.consistent()
}

func shedsNothing(w *world) {
	victim := w.User("victim")
	w.Owned("Acme", victim)
	w.besiege(victim, 210)
	for _, end := range []func() error{
		func() error { return w.Svc.Users.Delete(w.Ctx, victim.ID) },
		func() error { return w.Svc.Users.Erase(w.Ctx, victim.ID) },
	} {
		w.refuses(tenancy.ErrLastOwner, "", end)
	}
	w.Equal(210, w.waiting(victim))
}

func strangersRequests(w *world) {
	acme := w.Org("Acme")
	for i := range manyRows() {
		stranger := w.User(fmt.Sprintf("stranger%d", i))
		req, err := w.Svc.JoinRequests.Create(w.Ctx, acme.ID, stranger.ID, "")
		w.NoError(err)
		if i%2 == 0 {
			_, err = w.Svc.JoinRequests.Cancel(w.Ctx, req.ID)
			w.NoError(err)
		}
	}
	w.refuses(tenancy.ErrTooLarge, "", w.inOne(func(ctx context.Context, tx *tenancy.Service) error { return tx.Organizations.Delete(ctx, acme.ID) }))
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
	w.Empty(w.Dump().JoinRequests)
	w.refuses(tenancy.ErrNotFound, "", func() error { _, err := w.Svc.Organizations.Get(w.Ctx, acme.ID); return err })
}

func brokenDeletion(w *world) {
	for _, goesOn := range []func(org tenancy.Organization){
		func(org tenancy.Organization) { w.NoError(w.Svc.Organizations.Delete(w.Ctx, org.ID)) },
		func(org tenancy.Organization) {
			w.runUntil(func() bool {
				_, err := w.Svc.Organizations.Get(w.Ctx, org.ID)
				return tenancy.CodeOf(err) == tenancy.ErrNotFound
			})
		},
	} {
		acme := w.breakOff()
		goesOn(acme)
		w.NoError(w.Svc.Organizations.ReleaseSlug(w.Ctx, "acme")) // which it gave up as it ended
		w.NoError(w.Svc.Organizations.Delete(w.Ctx, w.NewOrg(tenancy.NewOrganization{DisplayName: "Other", Slug: "acme"}).ID))
		w.NoError(w.Svc.Organizations.ReleaseSlug(w.Ctx, "acme"))
	}
}

// breakOff has the deletion of an organization stop midway.
func (w *world) breakOff() tenancy.Organization {
	w.T.Helper()
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme"})
	for i := range 230 {
		w.Invite(acme, fmt.Sprintf("invited%d@acme.example", i))
	}
	svc, breaks := w.broken(2) // archived, and once emptied
	w.ErrorIs(svc.Organizations.Delete(w.Ctx, acme.ID), breaks)
	got := w.getOrg(acme.ID)
	w.False(got.DeletedAt.IsZero())
	w.False(got.ArchivedAt.IsZero())
	w.refuses(tenancy.ErrInvalid, "organization", func() error { _, err := w.Svc.Organizations.Restore(w.Ctx, acme.ID); return err })
	w.refuses(tenancy.ErrAlreadyExists, "slug", func() error {
		_, err := w.Svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Other", Slug: "acme"})
		return err
	})
	return acme
}
