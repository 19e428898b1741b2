package servicetest

import (
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func seatRules() []rule {
	return []rule{
		{"M9 no way in passes the seat limit", on(seats)},
		{"M9 lowering the limit throws nobody out and lets nobody in", on(lowerSeats)},
	}
}

func (w *world) limit(org tenancy.Organization, seats int) {
	w.t.Helper()
	_, err := w.svc.Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{SeatLimit: &seats})
	w.NoError(err)
}

func seats(w *world) {
	ada, bob, eve := w.user("ada"), w.user("bob"), w.user("eve")
	acme := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID, Settings: tenancy.Settings{SeatLimit: 2}})
	w.add(acme, bob)
	w.pend(acme, w.user("pending")) // counts only through its invitation
	add := func() error { _, err := w.svc.Memberships.Add(w.ctx, adding(acme, eve)); return err }
	e := w.refuses(tenancy.ErrSeatLimit, "", add)
	w.Equal(map[string]int{"seats": 2, "limit": 2}, e.Counts)
	w.deactivate(acme, bob) // frees a seat
	w.NoError(add())
	for _, again := range []func() error{
		func() error { _, err := w.svc.Memberships.Reactivate(w.ctx, acme.ID, bob.ID); return err },
		func() error { _, err := w.svc.Memberships.Add(w.ctx, adding(acme, bob, rbac.Guest)); return err },
	} {
		w.refuses(tenancy.ErrSeatLimit, "", again)
	}
	w.silent(func() error { _, err := w.svc.Memberships.Reactivate(w.ctx, acme.ID, eve.ID); return err }) // has one already
	w.NoError(w.svc.Memberships.Remove(w.ctx, acme.ID, eve.ID))
	_, err := w.svc.Memberships.Reactivate(w.ctx, acme.ID, bob.ID)
	w.NoError(err)
	w.limit(acme, 0)
	w.NoError(add())
}

func lowerSeats(w *world) {
	acme := w.owned("Acme", w.user("ada"))
	users := w.members(acme, 3)
	w.limit(acme, 2)
	page, err := w.svc.Memberships.List(w.ctx, acme.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 4)
	late := w.user("late")
	for range 3 {
		w.refuses(tenancy.ErrSeatLimit, "", func() error { _, err := w.svc.Memberships.Add(w.ctx, adding(acme, late)); return err })
		w.NoError(w.svc.Memberships.Remove(w.ctx, acme.ID, users[0].ID))
		users = users[1:]
	}
	w.add(acme, late)
}
