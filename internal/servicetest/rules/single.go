package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func singleRules() []rule {
	alone := func(c *tenancy.Config) { c.SingleOrganization = true }
	return []rule{
		{"M13 one active membership, by every way in", with(alone, oneOrganization)},
		{"M13 O2 an archived organization does not count, until it is restored", with(alone, restoreSingle)},
		{"E2 a restore tells who came back inactive", with(alone, restoreTells)},
		{"M13 U6 merge", with(alone, mergeSingle)},
		{"U3 without it a user may have many", on(manyOrganizations)},
	}
}

func oneOrganization(w *world) {
	ada := w.User("ada")
	acme, other := w.Owned("Acme", ada), w.Org("Other")
	ways := []func() error{
		func() error { _, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(other, ada)); return err },
		func() error {
			_, err := w.Svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Third", Owner: ada.ID})
			return err
		},
	}
	for _, way := range ways {
		w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", way)
	}
	w.Add(acme, w.User("bob"), rbac.Owner)
	w.Deactivate(acme, ada) // inactive and pending ones do not count
	w.pend(acme, w.User("pending"))
	w.Add(other, w.mustFind("pending@acme.example"))
	w.NoError(ways[0]())
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", func() error { _, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, ada.ID); return err })
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", func() error { _, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, ada)); return err })
	_, err := w.Svc.Organizations.Suspend(w.Ctx, other.ID) // a suspended one counts
	w.NoError(err)
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", func() error { _, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, ada.ID); return err })
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, other.ID, ada.ID))
	_, err = w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, ada.ID)
	w.NoError(err)
}

func restoreSingle(w *world) {
	ada, bob, eve := w.User("ada"), w.User("bob"), w.User("eve")
	acme := w.Owned("Acme", ada)
	w.Add(acme, bob)
	w.Add(acme, eve)
	w.Archive(acme)
	other := w.Owned("Other", ada) // acme does not count meanwhile
	w.Add(other, bob)
	var done tenancy.Restored
	got := w.emits(func() (err error) { done, err = w.Svc.Organizations.Restore(w.Ctx, acme.ID); return err },
		some(tenancy.EventOrganizationRestored), some(tenancy.EventMembershipDeactivated), some(tenancy.EventMembershipDeactivated),
		some(tenancy.EventOrganizationOwnerLost))
	w.Equal([]tenancy.UserID{ada.ID, bob.ID}, done.Deactivated)
	w.Equal(w.getOrg(acme.ID), done.Organization)
	w.status(acme, ada, tenancy.MembershipInactive)
	w.status(acme, eve, tenancy.MembershipActive)
	w.tells(got[3], event{kind: tenancy.EventOrganizationOwnerLost, org: acme.ID, subject: acme.ID.String()})
	w.consistent()
	w.silent(func() error {
		done, err := w.Svc.Organizations.Restore(w.Ctx, acme.ID)
		w.Empty(done.Deactivated)
		return err
	})

	// Nobody elsewhere: everybody comes back, and an owner stays one.
	w.Archive(other)
	w.emits(func() (err error) { done, err = w.Svc.Organizations.Restore(w.Ctx, other.ID); return err }, some(tenancy.EventOrganizationRestored))
	w.Empty(done.Deactivated)
	w.Equal([]tenancy.UserID{ada.ID}, w.owners(other))
}

func restoreTells(w *world) {
	ada := w.User("ada")
	acme := w.Org("Acme")
	w.Add(acme, ada)
	w.Archive(acme)
	w.Add(w.Org("Other"), ada)
	got := w.emits(func() error { _, err := w.Svc.Organizations.Restore(w.Ctx, acme.ID); return err },
		some(tenancy.EventOrganizationRestored), some(tenancy.EventMembershipDeactivated))
	w.Contains(string(got[0].Data), acme.ID.String())
	w.Contains(string(got[0].Data), `"deactivated":["`+ada.ID.String()+`"]`)
}

func mergeSingle(w *world) {
	from, into := w.User("from"), w.User("into")
	acme, other := w.Org("Acme"), w.Org("Other")
	w.Add(acme, from)
	w.Add(other, into)
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", func() error { _, err := w.merge(from, into); return err })
	w.Deactivate(other, into)
	_, err := w.merge(from, into)
	w.NoError(err)
	w.status(acme, into, tenancy.MembershipActive)
	// Both in one organization, and nowhere else.
	third := w.User("third")
	w.Add(acme, third)
	_, err = w.merge(third, into)
	w.NoError(err)
	// What is inactive moves without a question.
	fourth := w.User("fourth")
	last := w.Org("Last")
	w.Add(last, fourth)
	w.Deactivate(last, fourth)
	_, err = w.merge(fourth, into)
	w.NoError(err)
	w.status(last, into, tenancy.MembershipInactive)
}

func manyOrganizations(w *world) {
	ada := w.User("ada")
	for _, name := range []string{"One", "Two", "Three"} {
		w.Owned(name, ada)
	}
	page, err := w.Svc.Memberships.ListByUser(w.Ctx, ada.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 3)
}
