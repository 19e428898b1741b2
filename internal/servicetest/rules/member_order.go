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

func memberOrderRules() []rule {
	return []rule{
		{"G17 members are listed by when they joined and by their last sign-in", on(membersInOrder)},
		{"G17 counts, searches and lists by last sign-in of over 10,000 members", on(manyMembers).in(servicetest.Memory)},
	}
}

// membersInOrder compares the lists of every filter, in pages of every size and in both directions, with sorted ones.
func membersInOrder(w *world) {
	acme, other := w.Owned("Acme", w.User("owner")), w.Org("Other")
	_, joined, seen, _ := past()
	for i := range 12 {
		w.Clock.Advance(time.Duration(i%3) * time.Minute) // some join at the same instant
		user := w.User(fmt.Sprintf("user%d", i))
		if i%4 == 3 { // ids are younger than when they joined
			w.NoError(w.imports(func(ctx context.Context, tx *tenancy.Service) error {
				in := servicetest.Adding(acme, user, rbac.Guest)
				in.History = tenancy.MembershipHistory{JoinedAt: joined.Add(-time.Duration(i) * time.Hour), LastSignInAt: seen.Add(time.Duration(i%8) * time.Hour)}
				_, err := tx.Memberships.Add(ctx, in)
				return err
			}))
			continue
		}
		w.Add(acme, user, []string{rbac.Member, rbac.Guest}[i%2])
		w.Add(other, user)
		if i%3 == 0 {
			w.NoError(w.Svc.Users.RecordSignIn(w.Ctx, user.ID, acme.ID))
		}
		if i%5 == 0 {
			w.Deactivate(acme, user)
		}
	}
	invited := w.NewUser(tenancy.NewUser{Email: "invited@acme.example", EmailVerified: true}) // joins long after they were invited
	w.pend(acme, invited)
	w.Clock.Advance(time.Hour)
	w.pend(acme, w.User("pending"))
	w.Add(acme, w.User("between"))
	w.Clock.Advance(time.Hour)
	w.Add(acme, invited)

	keys := map[tenancy.Order]func(tenancy.Member) int64{
		tenancy.ByJoined:     func(m tenancy.Member) int64 { return m.JoinedAt.UnixMicro() },
		tenancy.ByLastSignIn: func(m tenancy.Member) int64 { return m.LastSignInAt.UnixMicro() },
	}
	for order, key := range keys {
		for _, q := range []tenancy.MemberQuery{
			{},
			{Statuses: allStatuses()},
			{Statuses: []tenancy.MembershipStatus{}},
			{Statuses: []tenancy.MembershipStatus{tenancy.MembershipInactive}},
			{Statuses: []tenancy.MembershipStatus{tenancy.MembershipPending}},
			{Roles: []string{rbac.Guest}},
			{Roles: []string{}},
			{Roles: []string{rbac.Owner, rbac.Member}, Statuses: allStatuses()},
		} {
			want := w.members(acme, q)
			slices.SortStableFunc(want, func(a, b tenancy.Member) int { return int(key(a) - key(b)) }) // by id before
			q.Order = order
			for _, q.Limit = range []int{1000, 1, 3, len(want) + 1} {
				q.Descending = false
				w.Equal(want, w.members(acme, q), "%+v", q)
				q.Descending = true
				got := w.members(acme, q)
				slices.Reverse(got)
				w.Equal(want, got, "%+v", q)
			}
			q.Limit = 0
			n, err := w.Svc.Memberships.Count(w.Ctx, acme.ID, q)
			w.NoError(err)
			w.Equal(tenancy.MemberCount{N: len(want)}, n, "%+v", q)
		}
		w.refusesOrder(acme, other, order)
	}
}

// members are those whom a query finds, on all pages.
func (w *world) members(org tenancy.Organization, q tenancy.MemberQuery) (members []tenancy.Member) {
	w.T.Helper()
	for m, err := range w.Svc.Memberships.All(w.Ctx, org.ID, q) {
		w.NoError(err, "%+v", q)
		members = append(members, m)
	}
	return members
}

// refusesOrder: what does not go with an order, and cursors of other queries.
func (w *world) refusesOrder(acme, other tenancy.Organization, order tenancy.Order) {
	w.T.Helper()
	for _, q := range []tenancy.MemberQuery{{Search: "user"}, {NamePrefix: "user"}, {EmailPrefix: "user"}} {
		q.Order = order
		_, err := w.Svc.Memberships.List(w.Ctx, acme.ID, q)
		w.Failed(err, tenancy.ErrInvalid, "order")
	}
	_, err := w.Svc.Users.List(w.Ctx, tenancy.UserQuery{Order: order})
	w.Failed(err, tenancy.ErrInvalid, "order")
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Order: order, Limit: 1})
	w.NoError(err)
	for _, q := range []tenancy.MemberQuery{{}, {Order: tenancy.ByName}, {Order: order, Descending: true}, {Order: order, Statuses: allStatuses()}, {Order: order, Roles: []string{rbac.Guest}}} {
		q.Cursor = page.Next
		_, err = w.Svc.Memberships.List(w.Ctx, acme.ID, q)
		w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
	}
	_, err = w.Svc.Memberships.List(w.Ctx, other.ID, tenancy.MemberQuery{Order: order, Cursor: page.Next})
	w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
}

// enrolMany makes people members, by one import.
func (w *world) enrolMany(org tenancy.Organization, name string, n int, local string, seen func(i int) time.Time, roles ...string) {
	w.T.Helper()
	w.NoError(w.imports(func(ctx context.Context, tx *tenancy.Service) error {
		for i := range n {
			user, err := tx.Users.Create(ctx, tenancy.NewUser{Email: fmt.Sprintf("%s%d@mail.example", local, i), DisplayName: name})
			if err != nil {
				return err
			}
			in := servicetest.Adding(org, user, roles...)
			if seen != nil {
				in.History.LastSignInAt = seen(i)
			}
			if _, err := tx.Memberships.Add(ctx, in); err != nil {
				return err
			}
		}
		return nil
	}))
}

// manyMembers: where more are looked at than one page may, the page is short and has a next. A list by last sign-in is
// sorted within each 10,000.
func manyMembers(w *world) {
	acme := w.Owned("Acme", w.User("ada"))
	_, _, seen, _ := past()
	counts := func(search string, want tenancy.MemberCount) {
		for _, desc := range []bool{false, true} {
			n, err := w.Svc.Memberships.Count(w.Ctx, acme.ID, tenancy.MemberQuery{Search: search, Descending: desc})
			w.NoError(err)
			w.Equal(want, n, search)
		}
	}
	// In the whole list those of the second block sort before all of the first.
	w.enrolMany(acme, "Zoe Many", 10_000, "m", func(i int) time.Time { return seen.Add(time.Duration(i*7919%10_000) * time.Minute) }, rbac.Member)
	counts("many", tenancy.MemberCount{N: 10_000})
	counts("many zo", tenancy.MemberCount{N: 10_000})
	w.enrolMany(acme, "Zoe Many", 1, "n", nil, rbac.Member)
	counts("many", tenancy.MemberCount{N: 10_000, More: true})
	w.enrolMany(acme, "Zoe Many Rare", 1, "o", nil, rbac.Member)

	pages, q := 0, tenancy.MemberQuery{Search: "many ra"}
	for more := true; more; more = q.Cursor != "" {
		page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, q)
		w.NoError(err)
		pages, q.Cursor = pages+1, page.Next
	}
	w.Equal(6, pages) // 2,000 each
	w.Equal([]string{"Zoe Many Rare"}, w.finds(acme, "many ra"))
	w.Equal([]string{"Zoe Many Rare"}, w.finds(acme, "rare"))
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Search: "many rar"}) // goes along the rare one
	w.NoError(err)
	w.Len(page.Items, 1)
	w.Empty(page.Next)
	w.Len(w.finds(acme, "many"), 10_002)

	for _, q := range []tenancy.MemberQuery{{}, {Descending: true}, {Roles: []string{rbac.Member}}} {
		w.sortsBlocks(acme, q)
	}
	w.enrolMany(acme, "Zoe Later", 20, "p", nil) // more than are away in changesBlocks
	w.changesBlocks(acme)
}

// sortsBlocks: a list by last sign-in has everybody once, sorted within each 10,000, also among roles that many hold.
func (w *world) sortsBlocks(org tenancy.Organization, q tenancy.MemberQuery) {
	w.T.Helper()
	q.Limit = 1000
	want := w.members(org, tenancy.MemberQuery{Descending: q.Descending, Limit: 1000})
	for _, block := range [][]tenancy.Member{want[:10_000], want[10_000:]} {
		slices.SortStableFunc(block, func(a, b tenancy.Member) int {
			if q.Descending {
				a, b = b, a
			}
			return a.LastSignInAt.Compare(b.LastSignInAt)
		})
	}
	if q.Roles != nil {
		want = slices.DeleteFunc(want, func(m tenancy.Member) bool { return !slices.Contains(m.Roles, q.Roles[0]) })
	}
	q.Order = tenancy.ByLastSignIn
	w.True(slices.EqualFunc(want, w.members(org, q), func(a, b tenancy.Member) bool { return a.ID == b.ID }), "%+v", q)
}

// changesBlocks: who is a member all the while is listed once, though a block loses and gains members between its pages.
func (w *world) changesBlocks(org tenancy.Organization) {
	w.T.Helper()
	all := w.members(org, tenancy.MemberQuery{Limit: 1000})
	leave, back := map[tenancy.UserID]bool{}, map[tenancy.UserID]bool{}
	for i := 5; i < len(all); i += 1000 {
		back[all[i+1].UserID] = true
		w.Deactivate(org, tenancy.User{ID: all[i+1].UserID})
		if i < 5000 { // fewer than come back: the block grows
			leave[all[i].UserID] = true
		}
	}
	q, times := tenancy.MemberQuery{Order: tenancy.ByLastSignIn, Limit: 1000}, map[tenancy.UserID]int{}
	for pages, more := 0, true; more; pages++ {
		page, err := w.Svc.Memberships.List(w.Ctx, org.ID, q)
		w.NoError(err)
		for _, m := range page.Items {
			times[m.UserID]++
		}
		switch pages {
		case 2:
			for id := range leave {
				w.NoError(w.Svc.Memberships.Remove(w.Ctx, org.ID, id))
			}
		case 5:
			for id := range back {
				_, err := w.Svc.Memberships.Reactivate(w.Ctx, org.ID, id)
				w.NoError(err)
			}
		}
		q.Cursor, more = page.Next, page.Next != ""
	}
	for _, m := range all {
		if !leave[m.UserID] && !back[m.UserID] {
			w.Equal(1, times[m.UserID], m.Email)
		}
		w.LessOrEqual(times[m.UserID], 1, m.Email)
	}
}
