package servicetest

import (
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// constantPages counts the statements of the members page and the switcher page: as
// many for a page of one as for a page of many (M12).
func constantPages(w *world) {
	statements := 0
	counting := w.another(func(c *tenancy.Config) {
		c.Store = &faultStore{
			inner:     w.store,
			statement: func() error { statements++; return nil },
			commit:    func() error { return nil },
			begin:     func() {},
		}
	})
	acme, ada := w.org("Acme"), w.user("ada")
	w.add(acme, ada)
	for i := range 60 {
		w.add(acme, w.user(fmt.Sprintf("member%d", i)))
		w.add(w.org(fmt.Sprintf("Organization %d", i)), ada)
	}
	for _, list := range []struct {
		name string
		most int
		page func(limit int) (tenancy.Page[tenancy.Member], error)
	}{
		{"members page", 4, func(limit int) (tenancy.Page[tenancy.Member], error) {
			return counting.Memberships.List(w.ctx, acme.ID, tenancy.MemberQuery{Limit: limit, Order: tenancy.ByName})
		}},
		{"switcher page", 4, func(limit int) (tenancy.Page[tenancy.Member], error) {
			return counting.Memberships.ListByUser(w.ctx, ada.ID, tenancy.MemberQuery{Limit: limit})
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
