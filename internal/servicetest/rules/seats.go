package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func seatRules() []rule {
	return []rule{
		{"M9 no way in passes the seat limit", on(seats)},
		{"M9 lowering the limit throws nobody out and lets nobody in", on(lowerSeats)},
		{"M9 the host may set a limit, or lift it, while somebody joins", on(limitedOnJoin)},
		{"M9 what is purged frees its seats", on(purgedSeats)},
		{"M9 seats that nobody has counted are counted", on(uncountedSeats)},
		{"M9 U6 an import sees what the transaction around it writes", on(importInside)},
	}
}

// uncountedSeats: the row of an organization came past the Service, and so there is no count.
func uncountedSeats(w *world) {
	acme := w.Owned("Acme", w.User("ada"))
	bob, eve, dan := w.User("bob"), w.User("eve"), w.User("dan")
	table, encode, _ := tenancy.RowsOf[tenancy.Organization]()
	acme.Settings.SeatLimit, acme.Version = 2, acme.Version+1
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error { return rows.Update(w.Ctx, table, encode(acme)) }))
	add := func(user tenancy.User) error {
		_, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(acme, user))
		return err
	}
	w.NoError(add(bob))
	w.Failed(add(eve), tenancy.ErrSeatLimit, "")
	w.limit(acme, 0)
	w.limit(acme, 3)
	w.NoError(add(eve))
	w.refuses(tenancy.ErrSeatLimit, "", func() error { return add(dan) })
}

// importInside: a member who was added beside an import in the same transaction is one for it.
func importInside(w *world) {
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{SeatLimit: 2}})
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		return tx.Import(ctx, func(ctx context.Context, in *tenancy.Service) error {
			ann, err := in.Users.Create(ctx, tenancy.NewUser{Email: "ann@mail.example"})
			w.NoError(err)
			_, err = in.Memberships.Get(ctx, acme.ID, ann.ID)
			w.Failed(err, tenancy.ErrNotFound, "")
			_, err = tx.Memberships.Add(ctx, servicetest.Adding(acme, ann))
			w.NoError(err)
			_, err = in.Memberships.Get(ctx, acme.ID, ann.ID)
			w.NoError(err)
			return in.Users.Delete(ctx, ann.ID)
		})
	}))
	w.Dump() // which counts the seats
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
