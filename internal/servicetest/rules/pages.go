package rules

import (
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// constantPages counts the statements of the members page and the switcher page: as
// many for a page of one as for a page of many (M12).
func constantPages(w *world) {
	statements := 0
	counting := w.Another(func(c *tenancy.Config) {
		c.Store = &servicetest.FaultStore{
			Inner:     w.Store,
			Statement: func() error { statements++; return nil },
			Commit:    func() error { return nil },
			Begin:     func() {},
		}
	})
	acme, ada := w.Org("Acme"), w.User("ada")
	w.Add(acme, ada)
	for i := range 60 {
		w.Add(acme, w.User(fmt.Sprintf("member%d", i)))
		w.Add(w.Org(fmt.Sprintf("Organization %d", i)), ada)
	}
	for _, list := range []struct {
		name string
		most int
		page func(limit int) (tenancy.Page[tenancy.Member], error)
	}{
		{"members page", 4, func(limit int) (tenancy.Page[tenancy.Member], error) {
			return counting.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Limit: limit, Order: tenancy.ByName})
		}},
		{"switcher page", 4, func(limit int) (tenancy.Page[tenancy.Member], error) {
			return counting.Memberships.ListByUser(w.Ctx, ada.ID, tenancy.MemberQuery{Limit: limit})
		}},
	} {
		for _, limit := range []int{1, 10, 60} {
			statements = 0
			page, err := list.page(limit)
			w.NoError(err)
			w.Len(page.Items, limit)
			w.LessOrEqual(statements, list.most, "%s of %d", list.name, limit)
		}
	}
}
