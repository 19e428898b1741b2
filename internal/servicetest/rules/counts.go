package rules

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func countRules() []rule {
	return []rule{
		{"G17 members who hold a role, and how many", on(membersByRole)},
		{"G17 a count is exact to 10,000", on(countToTheEnd).in(servicetest.Memory)},
		{"G17 Seats is what the limit counts", on(seatsCounted)},
		{"G17 Seats of an organization that is shut", on(seatsShut)},
	}
}

// membersByRole: a list and a count by role are what is left of all members.
func membersByRole(w *world) {
	w.Declare()
	acme, other := w.Owned("Acme", w.User("ada")), w.Owned("Other", w.User("oda"))
	w.Role(acme.ID, "org-lead", "", "*")
	w.Add(acme, w.User("bob"), rbac.Admin, rbac.Guest)
	w.Add(acme, w.User("ben"), "org-lead")
	w.Add(other, w.User("out"), rbac.Admin)
	dot := w.User("dot")
	double := w.Add(acme, dot, rbac.Admin)
	w.Assign(double, rbac.Admin, tenancy.RoleDirectory, "group-1")
	w.Assign(double, rbac.Guest, tenancy.RoleDirectory, "group-1")
	away := w.User("bea")
	w.Add(acme, away, rbac.Admin)
	w.Deactivate(acme, away)
	w.pend(acme, w.User("pending"))
	w.Members(acme, 4)
	for _, roles := range [][]string{nil, {}, {rbac.Owner}, {rbac.Admin}, {rbac.Guest, rbac.Admin}, {"org-lead", rbac.Member}, {servicetest.Clerk}} {
		for _, statuses := range [][]tenancy.MembershipStatus{nil, {tenancy.MembershipInactive}, {tenancy.MembershipPending}, allStatuses()} {
			for _, q := range []tenancy.MemberQuery{{}, {NamePrefix: "b"}, {EmailPrefix: "b"}, {Order: tenancy.ByName, Descending: true}, {Order: tenancy.ByEmail}} {
				q.Statuses, q.Limit = statuses, 2
				var want, got []tenancy.MembershipID
				for m, err := range w.Svc.Memberships.All(w.Ctx, acme.ID, q) {
					w.NoError(err)
					if roles == nil || slices.ContainsFunc(m.Roles, func(slug string) bool { return slices.Contains(roles, slug) }) {
						want = append(want, m.ID)
					}
				}
				q.Roles = roles
				for m, err := range w.Svc.Memberships.All(w.Ctx, acme.ID, q) {
					w.NoError(err)
					got = append(got, m.ID)
				}
				w.Equal(want, got, q)
				n, err := w.Svc.Memberships.Count(w.Ctx, acme.ID, q)
				w.NoError(err)
				w.Equal(tenancy.MemberCount{N: len(want)}, n, q)
			}
		}
	}
	_, err := w.Svc.Memberships.Count(w.Ctx, other.ID, tenancy.MemberQuery{Roles: []string{"org-lead"}})
	w.Failed(err, tenancy.ErrUnknownRole, "roles")
	_, err = w.Svc.MembersWith(w.Ctx, acme.ID, servicetest.ReadDocs, tenancy.MemberQuery{Roles: []string{rbac.Admin}})
	w.Failed(err, tenancy.ErrInvalid, "query")
	_, err = w.asUser(dot).Memberships.Count(w.Ctx, acme.ID, tenancy.MemberQuery{Statuses: allStatuses()})
	w.Failed(err, tenancy.ErrForbidden, "statuses")
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Roles: []string{rbac.Admin}, Limit: 1})
	w.NoError(err)
	_, err = w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Roles: []string{rbac.Guest}, Limit: 1, Cursor: page.Next})
	w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
}

// countToTheEnd: what more than 10,000 are is not counted, and what more than 1,000 hold is looked for.
func countToTheEnd(w *world) {
	acme := w.Owned("Acme", w.User("ada"))
	people := 0
	enroll := func(n int, name string, role string) {
		w.T.Helper()
		w.NoError(w.Svc.Import(w.Ctx, func(ctx context.Context, in *tenancy.Service) error {
			for range n {
				people++
				user, err := in.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("m%d@mail.example", people), DisplayName: fmt.Sprintf("%s %d", name, people)})
				if err != nil {
					return err
				}
				if _, err := in.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: user.ID, Roles: []string{role}}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	counts := func(want int, more bool, q tenancy.MemberQuery) {
		w.T.Helper()
		n, err := w.Svc.Memberships.Count(w.Ctx, acme.ID, q)
		w.NoError(err)
		w.Equal(tenancy.MemberCount{N: want, More: more}, n, q)
	}
	pages := func(q tenancy.MemberQuery) (n, all int) {
		w.T.Helper()
		q.Limit = 1000
		for all = 1; ; all++ {
			page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, q)
			w.NoError(err)
			n += len(page.Items)
			if q.Cursor = page.Next; q.Cursor == "" {
				return n, all
			}
		}
	}
	guests, members, both := []string{rbac.Guest}, []string{rbac.Member}, []string{rbac.Member, rbac.Guest}
	enroll(1000, "Ann", rbac.Guest)
	counts(1000, false, tenancy.MemberQuery{Roles: guests, NamePrefix: "ann"})
	enroll(1, "Ann", rbac.Guest)
	counts(1001, false, tenancy.MemberQuery{Roles: guests, NamePrefix: "ann"})
	counts(0, false, tenancy.MemberQuery{Roles: guests, NamePrefix: "zoe"})
	enroll(8998, "Zoe", rbac.Member)
	counts(10_000, false, tenancy.MemberQuery{})
	counts(9999, false, tenancy.MemberQuery{Roles: both})
	enroll(1, "Zoe", rbac.Member)
	counts(10_000, false, tenancy.MemberQuery{Roles: both})
	counts(10_000, true, tenancy.MemberQuery{})
	enroll(1, "Zoe", rbac.Member)
	counts(10_000, true, tenancy.MemberQuery{Roles: both})
	counts(10_000, true, tenancy.MemberQuery{EmailPrefix: "m"})
	counts(10_000, true, tenancy.MemberQuery{EmailPrefix: "m", Roles: both})
	counts(9000, false, tenancy.MemberQuery{Roles: members})
	counts(9000, false, tenancy.MemberQuery{Roles: members, NamePrefix: "zoe"})
	counts(0, false, tenancy.MemberQuery{Roles: members, NamePrefix: "ann"})
	for _, q := range []tenancy.MemberQuery{{}, {Order: tenancy.ByName, Descending: true}, {Order: tenancy.ByEmail}} {
		q.Roles = guests
		n, _ := pages(q)
		w.Equal(1001, n, q)
		q.Roles = both
		n, all := pages(q)
		w.Equal(10_001, n, q)
		w.Equal(11, all, q)
	}
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Roles: guests, Order: tenancy.ByName, Descending: true, Limit: 1000})
	w.NoError(err)
	w.Len(page.Items, 1000)             // behind 9,000 others
	for n := 10_000; n > 0; n -= 1000 { // who is behind more than a page looks through is on the next
		enroll(1000, "Zoe", rbac.Member)
	}
	page, err = w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Roles: guests, Order: tenancy.ByName, Descending: true, Limit: 1000})
	w.NoError(err)
	w.Empty(page.Items)
	w.NotEmpty(page.Next)
	n, _ := pages(tenancy.MemberQuery{Roles: guests, Order: tenancy.ByName, Descending: true})
	w.Equal(1001, n)
}

// seatsCounted: Seats agrees with what is refused, whatever holds a seat and whatever holds none.
func seatsCounted(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	svc := w.Svc.Memberships
	used, invited := 1, 0
	limit := 0
	counts := func(what string) {
		w.T.Helper()
		for range 2 {
			s, err := w.Svc.Organizations.Seats(w.Ctx, acme.ID)
			w.NoError(err)
			w.Equal(tenancy.Seats{Used: used, Invited: invited, Limit: limit}, s, what)
			if limit > 0 {
				_, err := svc.Add(w.Ctx, servicetest.Adding(acme, w.User(fmt.Sprintf("more%d", w.RowsOf("user")))))
				e := w.Failed(err, tenancy.ErrSeatLimit, "")
				w.Equal(map[string]int{"seats": used + invited, "limit": limit}, e.Counts, what)
			}
			if limit == 0 {
				limit = used + invited
			} else {
				limit = 0
			}
			w.limit(acme, limit)
		}
	}
	counts("an owner")
	bob, eve := w.User("bob"), w.User("eve")
	w.Add(acme, bob)
	w.Add(acme, eve, rbac.Admin)
	used += 2
	counts("members")
	w.Invite(acme, w.User("pending").Email)
	w.Invite(acme, "new@mail.example")
	invited += 2
	counts("invitations, one of them pending")
	_, err := w.Svc.Users.Suspend(w.Ctx, bob.ID)
	w.NoError(err)
	used--
	counts("a suspended member")
	w.Deactivate(acme, bob)
	counts("the same, inactive")
	w.InviteBy(w.asUser(eve), acme, "void@mail.example")
	invited++
	counts("an administrator's invitation")
	_, err = svc.SetRoles(w.Ctx, acme.ID, eve.ID, rbac.Member)
	w.NoError(err)
	invited--
	counts("that, void")
	w.Clock.Advance(31 * 24 * time.Hour)
	invited = 0
	counts("what ran out")
}

// seatsShut: the seats of an organization that is shut are counted as they are.
func seatsShut(w *world) {
	ada, eve := w.User("ada"), w.User("eve")
	acme := w.Owned("Acme", ada)
	w.Add(acme, eve, rbac.Admin)
	w.InviteBy(w.asUser(eve), acme, "new@mail.example")
	w.limit(acme, 2) // below what is taken
	seats := func(s *tenancy.Service) tenancy.Seats {
		w.T.Helper()
		n, err := s.Organizations.Seats(w.Ctx, acme.ID)
		w.NoError(err)
		return n
	}
	w.Equal(tenancy.Seats{Used: 2, Invited: 1, Limit: 2}, seats(w.Svc))
	w.Equal(seats(w.Svc), seats(w.asUser(ada)))
	_, err := w.Svc.Organizations.Suspend(w.Ctx, acme.ID)
	w.NoError(err)
	w.Equal(tenancy.Seats{Used: 2, Invited: 1, Limit: 2}, seats(w.Svc))
	w.Archive(acme)
	w.Equal(2, seats(w.Svc).Used)
	_, err = w.asUser(ada).Organizations.Seats(w.Ctx, acme.ID)
	w.Failed(err, tenancy.ErrNotFound, "")
}
