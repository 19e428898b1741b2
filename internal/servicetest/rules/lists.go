package rules

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func listRules() []rule {
	return []rule{
		{"G6 a walk gives everything once in order, ties and all", on(walks)},
		{"G6 a walk under changes repeats and misses nothing", on(walksUnderChange)},
		{"G6 limits and page ends", on(pageEnds)},
		{"G6 a cursor fits its own query alone", on(cursors)},
		{"G6 a cursor that is cut is malformed", on(cutCursors)},
		{"G6 a cursor tells no constraint from one that nothing passes", on(emptyCursors)},
		{"G6 All passes an error on and stops when told", on(iterators)},
		{"G12 search by prefix, case-folded", on(search)},
		{"G6 what begins with a text comes along that text", on(alongPrefix)},
		{"G12 members are searched by the name here and the email", on(searchMembers)},
		{"M12 the members page", on(membersPage)},
		{"M12 the switcher page", on(switcherPage)},
		{"M12 pages of any size in as many statements", on(constantPages)},
		{"O2 archived organizations are listed apart", on(archivedLists)},
	}
}

// listing is a list that every rule of lists holds for.
type listing struct {
	name   string
	orders tenancy.Order
	page   func(order tenancy.Order, desc bool, limit int, cursor string) ([]item, string, error)
	all    func(ctx context.Context, order tenancy.Order, desc bool, limit int) iter.Seq2[item, error]
}

// item is what orders go by.
type item struct {
	id          string
	name, email string
}

func (i item) key(order tenancy.Order) string {
	switch order {
	case tenancy.ByName:
		return i.name + "\x00" + i.id
	case tenancy.ByEmail:
		return i.email + "\x00" + i.id
	default:
		return i.id
	}
}

func listings(w *world, org tenancy.OrganizationID, user tenancy.UserID) []listing {
	ofOrg := func(v tenancy.Organization) item { return item{v.ID.String(), v.NameKey, ""} }
	ofUser := func(v tenancy.User) item { return item{v.ID.String(), v.NameKey, v.EmailKey} }
	ofMember := func(v tenancy.Member) item { return item{v.ID.String(), v.NameKey, v.EmailKey} }
	return []listing{
		lister("organizations", 2, ofOrg, func(ctx context.Context, o tenancy.Order, d bool, l int, c string) (tenancy.Page[tenancy.Organization], error) {
			return w.Svc.Organizations.List(ctx, tenancy.OrganizationQuery{Order: o, Descending: d, Limit: l, Cursor: c})
		}, func(ctx context.Context, o tenancy.Order, d bool, l int) iter.Seq2[tenancy.Organization, error] {
			return w.Svc.Organizations.All(ctx, tenancy.OrganizationQuery{Order: o, Descending: d, Limit: l})
		}),
		lister("users", 3, ofUser, func(ctx context.Context, o tenancy.Order, d bool, l int, c string) (tenancy.Page[tenancy.User], error) {
			return w.Svc.Users.List(ctx, tenancy.UserQuery{Order: o, Descending: d, Limit: l, Cursor: c})
		}, func(ctx context.Context, o tenancy.Order, d bool, l int) iter.Seq2[tenancy.User, error] {
			return w.Svc.Users.All(ctx, tenancy.UserQuery{Order: o, Descending: d, Limit: l})
		}),
		lister("members", 3, ofMember, func(ctx context.Context, o tenancy.Order, d bool, l int, c string) (tenancy.Page[tenancy.Member], error) {
			return w.Svc.Memberships.List(ctx, org, tenancy.MemberQuery{Order: o, Descending: d, Limit: l, Cursor: c})
		}, func(ctx context.Context, o tenancy.Order, d bool, l int) iter.Seq2[tenancy.Member, error] {
			return w.Svc.Memberships.All(ctx, org, tenancy.MemberQuery{Order: o, Descending: d, Limit: l})
		}),
		lister("organizations of a user", 1, ofMember, func(ctx context.Context, o tenancy.Order, d bool, l int, c string) (tenancy.Page[tenancy.Member], error) {
			return w.Svc.Memberships.ListByUser(ctx, user, tenancy.MemberQuery{Order: o, Descending: d, Limit: l, Cursor: c})
		}, func(ctx context.Context, o tenancy.Order, d bool, l int) iter.Seq2[tenancy.Member, error] {
			return w.Svc.Memberships.AllByUser(ctx, user, tenancy.MemberQuery{Order: o, Descending: d, Limit: l})
		}),
	}
}

func lister[T any](name string, orders tenancy.Order, of func(T) item,
	page func(ctx context.Context, order tenancy.Order, desc bool, limit int, cursor string) (tenancy.Page[T], error),
	all func(ctx context.Context, order tenancy.Order, desc bool, limit int) iter.Seq2[T, error],
) listing {
	return listing{name, orders, func(order tenancy.Order, desc bool, limit int, cursor string) ([]item, string, error) {
		got, err := page(context.Background(), order, desc, limit, cursor)
		var items []item
		for _, v := range got.Items {
			items = append(items, of(v))
		}
		return items, got.Next, err
	}, func(ctx context.Context, order tenancy.Order, desc bool, limit int) iter.Seq2[item, error] {
		return func(yield func(item, error) bool) {
			for v, err := range all(ctx, order, desc, limit) {
				if err != nil {
					yield(item{}, err)
					return
				}
				if !yield(of(v), nil) {
					return
				}
			}
		}
	}}
}

// crowd makes eleven users, organizations and memberships, of which some share a name.
func crowd(w *world) []listing {
	names := []string{"Eve", "ada", "Ada", "Zoë", "ADA", "eve", "ada", "Bob", "bob", "Ämilie", "Ada"}
	hub, hubUser := w.Org("Hub"), w.NewUser(tenancy.NewUser{Email: "hub@acme.example", DisplayName: "Hub"})
	w.Add(hub, hubUser)
	for i, name := range names {
		user := w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("%c%d@acme.example", 'z'-i%3, i), DisplayName: name})
		w.Add(hub, user)
		w.Add(w.Org(name), hubUser)
	}
	return listings(w, hub.ID, hubUser.ID)
}

// eachWalk runs check for each list, order and direction.
func eachWalk(w *world, lists []listing, check func(w *world, l listing, order tenancy.Order, desc bool)) {
	for _, l := range lists {
		for order := range l.orders {
			for _, desc := range []bool{false, true} {
				w.each(fmt.Sprintf("%s/order %d/descending %t", l.name, order, desc), func(w *world) { check(w, l, order, desc) })
			}
		}
	}
}

// alongPrefix: where no order is asked for, and where one is.
func alongPrefix(w *world) {
	hub := w.Org("Hub")
	for i, name := range []string{"Mo C", "Mo A", "Mo B"} {
		user := w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("mo%d@acme.example", 9-i), DisplayName: name})
		w.Add(hub, user)
		w.Org(name)
	}
	names := func(order tenancy.Order, name, email string) (users, members, orgs []string) {
		for u, err := range w.Svc.Users.All(w.Ctx, tenancy.UserQuery{NamePrefix: name, EmailPrefix: email, Order: order, Limit: 2}) {
			w.NoError(err)
			users = append(users, u.DisplayName)
		}
		for m, err := range w.Svc.Memberships.All(w.Ctx, hub.ID, tenancy.MemberQuery{NamePrefix: name, EmailPrefix: email, Order: order, Limit: 2}) {
			w.NoError(err)
			members = append(members, m.Name)
		}
		if email == "" && order != tenancy.ByEmail {
			for o, err := range w.Svc.Organizations.All(w.Ctx, tenancy.OrganizationQuery{NamePrefix: name, Order: order, Limit: 2}) {
				w.NoError(err)
				orgs = append(orgs, o.DisplayName)
			}
		}
		return users, members, orgs
	}
	byName, byEmail := []string{"Mo A", "Mo B", "Mo C"}, []string{"Mo B", "Mo A", "Mo C"}
	users, members, orgs := names(tenancy.ByID, "mo", "")
	w.Equal([][]string{byName, byName, byName}, [][]string{users, members, orgs})
	users, members, _ = names(tenancy.ByID, "", "mo")
	w.Equal([][]string{byEmail, byEmail}, [][]string{users, members})
	users, members, _ = names(tenancy.ByEmail, "mo", "")
	w.Equal([][]string{byEmail, byEmail}, [][]string{users, members})
}

func walks(w *world) {
	eachWalk(w, crowd(w), func(w *world, l listing, order tenancy.Order, desc bool) {
		whole, next, err := l.page(order, desc, 1000, "")
		w.NoError(err)
		w.Empty(next)
		w.Len(whole, 12)
		w.True(slices.IsSortedFunc(whole, func(a, b item) int {
			if desc {
				a, b = b, a
			}
			return strings.Compare(a.key(order), b.key(order))
		}), "%v", whole)
		for _, limit := range []int{1, 2, 5, 11, 12} {
			var walked []item
			for v, err := range l.all(w.Ctx, order, desc, limit) {
				w.NoError(err)
				walked = append(walked, v)
			}
			w.Equal(whole, walked)
		}
	})
}

// walksUnderChange adds and deletes around a walk: what stood throughout comes once.
func walksUnderChange(w *world) {
	hub := w.Org("Hub")
	var standing []string
	var doomed []tenancy.User
	for i := range 20 {
		user := w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("u%02d@acme.example", i), DisplayName: fmt.Sprintf("U%02d", i)})
		m := w.Add(hub, user)
		if i%3 == 1 {
			doomed = append(doomed, user)
		} else {
			standing = append(standing, m.ID.String())
		}
	}
	added := 0
	eachWalk(w, listings(w, hub.ID, servicetest.Nobody)[2:3], func(w *world, l listing, order tenancy.Order, desc bool) {
		seen := map[string]int{}
		cursor, page := "", 0
		for {
			items, next, err := l.page(order, desc, 3, cursor)
			w.NoError(err)
			for _, i := range items {
				seen[i.id]++
			}
			if cursor = next; next == "" {
				break
			}
			if page++; page > 4 {
				continue
			}
			added++ // one before and one behind wherever the walk is
			for _, name := range []string{"A", "V"} {
				w.Add(hub, w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("%s%d@acme.example", name, added), DisplayName: name}))
			}
			if page == 2 && len(doomed) > 0 {
				w.NoError(w.Svc.Users.Delete(w.Ctx, doomed[0].ID))
				doomed = doomed[1:]
			}
		}
		for id, n := range seen {
			w.Equal(1, n, "%s came %d times", id, n)
		}
		for _, id := range standing {
			w.Contains(seen, id)
		}
	})
}

func pageEnds(w *world) {
	empty := w.Org("Empty")
	page, err := w.Svc.Memberships.List(w.Ctx, empty.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Empty(page.Items)
	w.Empty(page.Next)
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		for i := range 50 {
			if _, err := tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: fmt.Sprint("O", i)}); err != nil {
				return err
			}
		}
		return nil
	}))
	first, err := w.Svc.Organizations.List(w.Ctx, tenancy.OrganizationQuery{})
	w.NoError(err)
	w.Len(first.Items, tenancy.DefaultLimit)
	second, err := w.Svc.Organizations.List(w.Ctx, tenancy.OrganizationQuery{Cursor: first.Next})
	w.NoError(err)
	w.Len(second.Items, 1)
	w.Empty(second.Next)
	exact, err := w.Svc.Organizations.List(w.Ctx, tenancy.OrganizationQuery{Limit: 51})
	w.NoError(err)
	w.Len(exact.Items, 51)
	w.Empty(exact.Next)
	// The limit may change from page to page.
	next, err := w.Svc.Organizations.List(w.Ctx, tenancy.OrganizationQuery{Limit: 7, Cursor: first.Next})
	w.NoError(err)
	w.Equal(second, next)
}

func cursors(w *world) {
	lists := crowd(w)
	hub, other := w.Org("Third"), w.Org("Fourth")
	w.Members(hub, 3)
	for _, l := range lists {
		_, cursor, err := l.page(tenancy.ByID, false, 2, "")
		w.NoError(err)
		for _, m := range lists {
			if m.name != l.name {
				_, _, err := m.page(tenancy.ByID, false, 2, cursor)
				w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
			}
		}
		_, _, err = l.page(tenancy.ByID, true, 2, cursor)
		w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
		last := l.orders - 1 // one that has a text in it, where there is one
		_, longest, err := l.page(last, false, 2, "")
		w.NoError(err)
		raw, err := base64.RawURLEncoding.DecodeString(longest)
		w.NoError(err)
		for i := range 9 { // version and fingerprint
			flipped := slices.Clone(raw)
			flipped[i] ^= 0x40
			_, _, err := l.page(last, false, 2, base64.RawURLEncoding.EncodeToString(flipped))
			w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
		}
	}
	page, err := w.Svc.Memberships.List(w.Ctx, hub.ID, tenancy.MemberQuery{Limit: 1})
	w.NoError(err)
	for _, q := range []tenancy.MemberQuery{
		{Statuses: allStatuses()},
		{NamePrefix: "m"},
		{EmailPrefix: "m"},
		{Order: tenancy.ByName},
		{Order: tenancy.ByEmail},
	} {
		q.Limit, q.Cursor = 1, page.Next
		_, err := w.Svc.Memberships.List(w.Ctx, hub.ID, q)
		w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
	}
	_, err = w.Svc.Memberships.List(w.Ctx, other.ID, tenancy.MemberQuery{Limit: 1, Cursor: page.Next})
	w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
}

func cutCursors(w *world) {
	for _, l := range crowd(w) {
		last := l.orders - 1 // one that has a text in it, where there is one
		_, cursor, err := l.page(last, false, 2, "")
		w.NoError(err)
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		w.NoError(err)
		for cut := 1; cut < len(raw); cut++ {
			_, _, err := l.page(last, false, 2, base64.RawURLEncoding.EncodeToString(raw[:cut]))
			w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
		}
	}
}

func emptyCursors(w *world) {
	hub := w.Org("Hub")
	w.Members(hub, 3)
	members, err := w.Svc.Memberships.List(w.Ctx, hub.ID, tenancy.MemberQuery{Limit: 1})
	w.NoError(err)
	_, err = w.Svc.Memberships.List(w.Ctx, hub.ID, tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{}, Cursor: members.Next})
	w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
	users, err := w.Svc.Users.List(w.Ctx, tenancy.UserQuery{Limit: 1})
	w.NoError(err)
	_, err = w.Svc.Users.List(w.Ctx, tenancy.UserQuery{IDs: []tenancy.UserID{}, Cursor: users.Next})
	w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
}

func iterators(w *world) {
	for _, l := range crowd(w) {
		n := 0
		for _, err := range l.all(w.Ctx, tenancy.ByID, false, 2) {
			w.NoError(err)
			if n++; n == 3 {
				break
			}
		}
		w.Equal(3, n)
		ctx, cancel := context.WithCancel(w.Ctx)
		n = 0
		var last error
		for _, err := range l.all(ctx, tenancy.ByID, false, 2) {
			if last = err; err != nil {
				break
			}
			if n++; n == 2 {
				cancel()
			}
		}
		cancel()
		w.Failed(last, tenancy.ErrCanceled, "")
		w.Equal(2, n)
		for _, err := range l.all(w.Ctx, tenancy.ByID, false, -1) {
			w.Failed(err, tenancy.ErrInvalid, "limit")
		}
		// A caller with an item in hand holds no transaction (CRAFT 8): it may write.
		for _, err := range l.all(w.Ctx, tenancy.ByID, false, 100) {
			w.NoError(err)
			w.Org("Made meanwhile")
			break
		}
	}
}
