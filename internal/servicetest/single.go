package servicetest

import (
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
	ada := w.user("ada")
	acme, other := w.owned("Acme", ada), w.org("Other")
	ways := []func() error{
		func() error { _, err := w.svc.Memberships.Add(w.ctx, adding(other, ada)); return err },
		func() error {
			_, err := w.svc.Organizations.Create(w.ctx, tenancy.NewOrganization{DisplayName: "Third", Owner: ada.ID})
			return err
		},
	}
	for _, way := range ways {
		w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", way)
	}
	w.add(acme, w.user("bob"), rbac.Owner)
	w.deactivate(acme, ada) // inactive and pending ones do not count
	w.pend(acme, w.user("pending"))
	w.add(other, w.mustFind("pending@acme.example"))
	w.NoError(ways[0]())
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", func() error { _, err := w.svc.Memberships.Reactivate(w.ctx, acme.ID, ada.ID); return err })
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", func() error { _, err := w.svc.Memberships.Add(w.ctx, adding(acme, ada)); return err })
	_, err := w.svc.Organizations.Suspend(w.ctx, other.ID) // a suspended one counts
	w.NoError(err)
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", func() error { _, err := w.svc.Memberships.Reactivate(w.ctx, acme.ID, ada.ID); return err })
	w.NoError(w.svc.Memberships.Remove(w.ctx, other.ID, ada.ID))
	_, err = w.svc.Memberships.Reactivate(w.ctx, acme.ID, ada.ID)
	w.NoError(err)
}

func restoreSingle(w *world) {
	ada, bob, eve := w.user("ada"), w.user("bob"), w.user("eve")
	acme := w.owned("Acme", ada)
	w.add(acme, bob)
	w.add(acme, eve)
	w.archive(acme)
	other := w.owned("Other", ada) // acme does not count meanwhile
	w.add(other, bob)
	var done tenancy.Restored
	got := w.emits(func() (err error) { done, err = w.svc.Organizations.Restore(w.ctx, acme.ID); return err },
		some(tenancy.EventOrganizationRestored), some(tenancy.EventMembershipDeactivated), some(tenancy.EventMembershipDeactivated),
		some(tenancy.EventOrganizationOwnerLost))
	w.Equal([]tenancy.UserID{ada.ID, bob.ID}, done.Deactivated)
	w.Equal(w.getOrg(acme.ID), done.Organization)
	w.status(acme, ada, tenancy.MembershipInactive)
	w.status(acme, eve, tenancy.MembershipActive)
	w.tells(got[3], event{kind: tenancy.EventOrganizationOwnerLost, org: acme.ID, subject: acme.ID.String()})
	w.consistent()
	w.silent(func() error {
		done, err := w.svc.Organizations.Restore(w.ctx, acme.ID)
		w.Empty(done.Deactivated)
		return err
	})

	// Nobody elsewhere: everybody comes back, and an owner stays one.
	w.archive(other)
	w.emits(func() (err error) { done, err = w.svc.Organizations.Restore(w.ctx, other.ID); return err }, some(tenancy.EventOrganizationRestored))
	w.Empty(done.Deactivated)
	w.Equal([]tenancy.UserID{ada.ID}, w.owners(other))
}

func restoreTells(w *world) {
	ada := w.user("ada")
	acme := w.org("Acme")
	w.add(acme, ada)
	w.archive(acme)
	w.add(w.org("Other"), ada)
	got := w.emits(func() error { _, err := w.svc.Organizations.Restore(w.ctx, acme.ID); return err },
		some(tenancy.EventOrganizationRestored), some(tenancy.EventMembershipDeactivated))
	w.Contains(string(got[0].Data), acme.ID.String())
	w.Contains(string(got[0].Data), `"deactivated":["`+ada.ID.String()+`"]`)
}

func mergeSingle(w *world) {
	from, into := w.user("from"), w.user("into")
	acme, other := w.org("Acme"), w.org("Other")
	w.add(acme, from)
	w.add(other, into)
	w.refuses(tenancy.ErrAlreadyMemberElsewhere, "", func() error { _, err := w.merge(from, into); return err })
	w.deactivate(other, into)
	_, err := w.merge(from, into)
	w.NoError(err)
	w.status(acme, into, tenancy.MembershipActive)
	// Both in one organization, and nowhere else.
	third := w.user("third")
	w.add(acme, third)
	_, err = w.merge(third, into)
	w.NoError(err)
	// What is inactive moves without a question.
	fourth := w.user("fourth")
	last := w.org("Last")
	w.add(last, fourth)
	w.deactivate(last, fourth)
	_, err = w.merge(fourth, into)
	w.NoError(err)
	w.status(last, into, tenancy.MembershipInactive)
}

func manyOrganizations(w *world) {
	ada := w.user("ada")
	for _, name := range []string{"One", "Two", "Three"} {
		w.owned(name, ada)
	}
	page, err := w.svc.Memberships.ListByUser(w.ctx, ada.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 3)
}
