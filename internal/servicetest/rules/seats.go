package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func seatRules() []rule {
	return []rule{
		{"M9 no way in passes the seat limit", on(seats)},
		{"M9 lowering the limit throws nobody out and lets nobody in", on(lowerSeats)},
		{"M9 the host may set a limit, or lift it, while somebody joins", on(limitedOnJoin)},
		{"M9 what is purged frees its seats", on(purgedSeats)},
	}
}

func purgedSeats(w *world) {
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Owner: w.User("ada").ID, Settings: tenancy.Settings{SeatLimit: 3}})
	users := w.Members(acme, 2)
	w.Deactivate(acme, users[0])
	w.Archive(acme)
	_, err := w.Svc.Organizations.Purge(w.Ctx, acme.ID, 2)
	w.NoError(err)
	w.Dump() // which counts the seats
}

// limitedOnJoin: who joins is counted under the limit that there is by then.
func limitedOnJoin(w *world) {
	limit := 0
	svc := w.Another(func(c *tenancy.Config) {
		c.OnJoin = func(ctx context.Context, tx *tenancy.Service, j tenancy.Join) error {
			_, err := tx.Organizations.Update(ctx, j.Organization.ID, tenancy.OrganizationUpdate{SeatLimit: &limit})
			return err
		}
	})
	acme := w.Owned("Acme", w.User("ada"))
	bob, eve, dan := w.User("bob"), w.User("eve"), w.User("dan")
	add := func(user tenancy.User) error {
		_, err := svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, user))
		w.Dump() // which counts the seats
		return err
	}
	limit = 3
	w.NoError(add(bob))
	w.NoError(add(eve))
	w.refuses(tenancy.ErrSeatLimit, "", func() error { return add(dan) })
	limit = 0
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, eve.ID))
	w.NoError(add(dan))
	w.NoError(add(eve))
}

func (w *world) limit(org tenancy.Organization, seats int) {
	w.T.Helper()
	_, err := w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{SeatLimit: &seats})
	w.NoError(err)
}

func seats(w *world) {
	ada, bob, eve := w.User("ada"), w.User("bob"), w.User("eve")
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID, Settings: tenancy.Settings{SeatLimit: 2}})
	w.Add(acme, bob)
	w.pend(acme, w.User("pending")) // counts only through its invitation
	add := func() error { _, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, eve)); return err }
	e := w.refuses(tenancy.ErrSeatLimit, "", add)
	w.Equal(map[string]int{"seats": 2, "limit": 2}, e.Counts)
	w.Deactivate(acme, bob) // frees a seat
	w.NoError(add())
	for _, again := range []func() error{
		func() error { _, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, bob.ID); return err },
		func() error {
			_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, bob, rbac.Guest))
			return err
		},
	} {
		w.refuses(tenancy.ErrSeatLimit, "", again)
	}
	w.silent(func() error { _, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, eve.ID); return err }) // has one already
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, eve.ID))
	_, err := w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, bob.ID)
	w.NoError(err)
	w.limit(acme, 0)
	w.NoError(add())
}

func lowerSeats(w *world) {
	acme := w.Owned("Acme", w.User("ada"))
	users := w.Members(acme, 3)
	w.limit(acme, 2)
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 4)
	late := w.User("late")
	for range 3 {
		w.refuses(tenancy.ErrSeatLimit, "", func() error { _, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, late)); return err })
		w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, users[0].ID))
		users = users[1:]
	}
	w.Add(acme, late)
}
