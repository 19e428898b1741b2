package rules

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func wordRules() []rule {
	return []rule{
		{"M2 attack: the order of a search tells who is invited", on(searchTellsNobody)},
		{"G17 members are found by the beginnings of words", on(foundByWords)},
		{"G17 a search gives each member once, in pages and beside the other filters", on(foundOnce)},
		{"G17 words follow names, addresses and merges", on(wordsFollow)},
		{"G17 a search finds nobody of another organization", on(foundHere)},
		{"G17 Run writes the words of rows from before", on(wordsWritten)},
		{"M2 attack: where a page of a search ends tells who is invited", on(cursorTellsNobody).in(servicetest.Memory)},
	}
}

// finds is the names of those whom a search finds, in its order.
func (w *world) finds(org tenancy.Organization, search string) (names []string) {
	w.T.Helper()
	for m, err := range w.Svc.Memberships.All(w.Ctx, org.ID, tenancy.MemberQuery{Search: search}) {
		w.NoError(err, search)
		names = append(names, m.Name)
	}
	return names
}

// enrol makes somebody with this name and address a member.
func (w *world) enrol(org tenancy.Organization, name, email string, roles ...string) tenancy.User {
	w.T.Helper()
	user := w.NewUser(tenancy.NewUser{Email: email, DisplayName: name})
	w.Add(org, user, roles...)
	return user
}

func foundByWords(w *world) {
	acme := w.Org("Acme")
	for name, email := range map[string]string{
		"Ada Lovelace": "ada.lovelace@acme.example", "Bjørn Åkesson": "bj@nord.example", "Jean-Luc Picard": "captain+bridge@fleet.example",
		"Miles O'Brien": "mob@fleet.example", "Zoë van der Berg": "zoe_b@mail.example", "Đorđe Łęcki": "dl@mail.example",
		"Émile": "e@mail.example", "王 小明": "wang@mail.example", "Cafe\u0301 Straße": "cs@bücher.example", "Øy Li": "li@mail.example", "🦊": "f.ox@mail.example",
	} {
		w.enrol(acme, name, email)
	}
	for search, want := range map[string][]string{
		"lovelace": {"Ada Lovelace"}, "LOVE": {"Ada Lovelace"}, "ada love": {"Ada Lovelace"}, "love ada": {"Ada Lovelace"}, "ada l": {"Ada Lovelace"},
		"ada.lovelace@acme.example": {"Ada Lovelace"}, "lovelace acme": {"Ada Lovelace"}, "ovelace": nil, "ada x": nil, "  ada ": {"Ada Lovelace"},
		"bjorn": {"Bjørn Åkesson"}, "bjørn": {"Bjørn Åkesson"}, "BJØ": {"Bjørn Åkesson"}, "bj": {"Bjørn Åkesson"}, "akesson": {"Bjørn Åkesson"},
		"åk": nil, "nord": {"Bjørn Åkesson"}, "luc": {"Jean-Luc Picard"}, "jean-luc": {"Jean-Luc Picard"}, "pi": nil, "bridge": {"Jean-Luc Picard"},
		"fleet": {"Jean-Luc Picard", "Miles O'Brien"}, "obrien": {"Miles O'Brien"}, "o’brien": {"Miles O'Brien"}, "zoe": {"Zoë van der Berg"},
		"zo": {"Zoë van der Berg"}, "der berg": {"Zoë van der Berg"}, "djor": nil, "dorde": {"Đorđe Łęcki"}, "lecki": {"Đorđe Łęcki"},
		"do": {"Đorđe Łęcki"}, "le": nil, "emile": {"Émile"}, "em": {"Émile"}, "e": {"Émile"}, "小明": nil, "王": {"王 小明"}, "王 小": {"王 小明"}, "strasse": {"Café Straße"},
		"CAFE": {"Café Straße"}, "bucher": {"Café Straße"}, "BÜCHER": {"Café Straße"}, "xn--bcher": nil, "oy": {"Øy Li"}, "øy": {"Øy Li"}, "l": {"Øy Li"},
		"🦊": nil, "!": nil, "%": nil, "ox": nil, "f": {"🦊"}, "mail": {"Zoë van der Berg", "Đorđe Łęcki", "Émile", "王 小明", "Øy Li", "🦊"},
	} {
		got := w.finds(acme, search)
		slices.Sort(got)
		want := slices.Sorted(slices.Values(want))
		w.Equal(want, got, search)
	}
	w.Len(w.finds(acme, " "), 11) // no search
	long := w.enrol(acme, "One Two Three Four Five Six Seven Eight Nine", "ten.eleven@mail.example")
	name := long.DisplayName
	w.Equal([]string{name}, w.finds(acme, "one"))
	w.Equal([]string{name}, w.finds(acme, "ten"))
	w.Equal([]string{name}, w.finds(acme, "seven"))
	w.Empty(w.finds(acme, "eight")) // beyond eight
	w.Equal([]string{name}, w.finds(acme, "seven nin elev"))
}

// foundOnce compares what a search finds, in every way to ask for it, with what it should find.
func foundOnce(w *world) {
	acme, other := w.Owned("Acme", w.User("ada")), w.Org("Other")
	first, last := []string{"Ann", "Anna", "Bo", "Åsa", "Smith"}, []string{"Ann", "Smith", "Annable", "Bo", "O'Ann"}
	var all []tenancy.UserID
	for i, given := range first {
		for k, family := range last {
			user := w.enrol(acme, given+" "+family, fmt.Sprintf("%s.%s%d@ann%d.example", []string{"smith", "bo", "ann"}[(i+k)%3], strings.ToLower(family[:1]), 10*i+k, k%2), []string{rbac.Member, rbac.Guest}[k%2])
			all = append(all, user.ID)
			if i == k {
				w.Deactivate(acme, user)
			}
			if k == 2 {
				_, err := w.Svc.Memberships.Update(w.Ctx, acme.ID, user.ID, tenancy.MembershipUpdate{DisplayName: servicetest.Ptr("Here " + given)})
				w.NoError(err)
			}
		}
	}
	w.Add(other, tenancy.User{ID: all[0]})
	w.pend(acme, w.NewUser(tenancy.NewUser{Email: "ann@pending.example", DisplayName: "Ann Pending"}))
	var everyone []tenancy.Member
	for m, err := range w.Svc.Memberships.All(w.Ctx, acme.ID, tenancy.MemberQuery{Statuses: allStatuses()}) {
		w.NoError(err)
		everyone = append(everyone, m)
	}
	plain := strings.NewReplacer("å", "a", "'", "")
	words := func(s string) []string {
		return strings.FieldsFunc(plain.Replace(strings.ToLower(s)), func(r rune) bool { return strings.ContainsRune(" .@", r) })
	}
	for _, search := range []string{"ann", "anna", "bo", "b", "smith", "asa", "oann", "here", "example", "ann smi", "ann example", "ann0", "a", "as"} {
		for _, q := range []tenancy.MemberQuery{
			{},
			{Statuses: allStatuses()},
			{Statuses: []tenancy.MembershipStatus{}},
			{Statuses: []tenancy.MembershipStatus{tenancy.MembershipInactive}},
			{Roles: []string{rbac.Guest}},
			{Roles: []string{}},
			{NamePrefix: "ANN"},
			{EmailPrefix: "smith"},
			{Statuses: allStatuses(), Roles: []string{rbac.Member}, NamePrefix: "b"},
		} {
			q.Search = search
			var want []tenancy.MembershipID
			for _, m := range everyone {
				name, address := words(m.Name), words(m.Email)
				matches := func(of []string, word string) bool {
					return slices.ContainsFunc(of, func(s string) bool { return strings.HasPrefix(s, word) })
				}
				fits := q.Statuses == nil && m.Status == tenancy.MembershipActive || slices.Contains(q.Statuses, m.Status)
				for _, word := range words(search) {
					fits = fits && (matches(name, word) || matches(address, word))
				}
				if len(search) < 3 {
					fits = fits && (strings.HasPrefix(name[0], search) || strings.HasPrefix(address[0], search))
				}
				fits = fits && (q.Roles == nil || slices.ContainsFunc(m.Roles, func(slug string) bool { return slices.Contains(q.Roles, slug) }))
				if fits && strings.HasPrefix(strings.ToLower(m.Name), strings.ToLower(q.NamePrefix)) && strings.HasPrefix(m.Email, q.EmailPrefix) {
					want = append(want, m.ID)
				}
			}
			w.walksFound(acme, q, want)
		}
	}
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Search: "ann", Limit: 1})
	w.NoError(err)
	for _, q := range []tenancy.MemberQuery{{Search: "anna"}, {Search: "ann", Descending: true}, {Search: "ann", Roles: []string{rbac.Guest}}, {}} {
		q.Cursor = page.Next
		_, err = w.Svc.Memberships.List(w.Ctx, acme.ID, q)
		w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
	}
}

// searchTellsNobody: the order of those who are found is the same with somebody invited whom the words find, too.
func searchTellsNobody(w *world) {
	acme := w.Owned("Acme", w.User("owner"))
	for i, name := range []string{"Raredoma Abcdefghz", "Raredomb Abcdefgha", "Cee Abcdefghx"} {
		w.Add(acme, w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("m%d@mail.example", i), DisplayName: name}))
	}
	found := func() (names []string) {
		for m, err := range w.Svc.Memberships.All(w.Ctx, acme.ID, tenancy.MemberQuery{Search: "abcdefgh raredom"}) {
			w.NoError(err)
			names = append(names, m.Name)
		}
		return names
	}
	before := found()
	w.Len(before, 2)
	w.pend(acme, w.NewUser(tenancy.NewUser{Email: "victim@raredom.example", EmailVerified: true}))
	w.Equal(before, found())
}

// walksFound: the pages of every size, in both directions, have those members, each once.
func (w *world) walksFound(org tenancy.Organization, q tenancy.MemberQuery, want []tenancy.MembershipID) {
	w.T.Helper()
	order := func(a, b tenancy.MembershipID) int { return strings.Compare(a.String(), b.String()) }
	var whole []tenancy.MembershipID
	for _, limit := range []int{1000, 3} {
		for _, desc := range []bool{false, true} {
			q.Limit, q.Descending, q.Cursor = limit, desc, ""
			var got []tenancy.MembershipID
			for m, err := range w.Svc.Memberships.All(w.Ctx, org.ID, q) {
				w.NoError(err)
				got = append(got, m.ID)
			}
			w.ElementsMatch(want, got, "%+v", q)
			switch {
			case !desc && limit == 1000:
				whole = got
			case !desc:
				w.Equal(whole, got, "%+v", q) // the same order in small pages
			}
		}
	}
	slices.SortFunc(whole, order)
	n, err := w.Svc.Memberships.Count(w.Ctx, org.ID, q)
	w.NoError(err)
	w.Equal(tenancy.MemberCount{N: len(want)}, n, "%+v", q)
}

func wordsFollow(w *world) {
	acme, other := w.Owned("Acme", w.User("owner")), w.Org("Other")
	ada := w.enrol(acme, "Ada Lovelace", "ada@old.example")
	w.Add(other, ada)
	named := func(org tenancy.Organization, name string) {
		_, err := w.Svc.Memberships.Update(w.Ctx, org.ID, ada.ID, tenancy.MembershipUpdate{DisplayName: &name})
		w.NoError(err)
	}
	named(other, "The Enchantress")
	w.Equal([]string{"The Enchantress"}, w.finds(other, "enchan"))
	w.Empty(w.finds(other, "lovelace"))
	w.Equal([]string{"Ada Lovelace"}, w.finds(acme, "lovelace"))

	_, err := w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{DisplayName: servicetest.Ptr("Ada King")})
	w.NoError(err)
	w.Empty(w.finds(acme, "lovelace"))
	w.Equal([]string{"Ada King"}, w.finds(acme, "king"))
	w.Equal([]string{"The Enchantress"}, w.finds(other, "enchan"))
	w.Empty(w.finds(other, "king"))

	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "countess@new.example")
	w.NoError(err)
	w.NoError(w.moves(ada, proof))
	for _, org := range []tenancy.Organization{acme, other} {
		w.Empty(w.finds(org, "old"))
		w.Len(w.finds(org, "new"), 1)
		w.Len(w.finds(org, "countess"), 1)
	}
	w.Equal([]string{"The Enchantress"}, w.finds(other, "enchan new"))
	named(other, "")
	w.Equal([]string{"Ada King"}, w.finds(other, "king new"))
	named(other, "The Enchantress")

	w.Deactivate(acme, ada)
	w.Empty(w.finds(acme, "king"))
	_, err = w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, ada.ID)
	w.NoError(err)
	w.Equal([]string{"Ada King"}, w.finds(acme, "king"))

	bob := w.NewUser(tenancy.NewUser{Email: "bob@mail.example", DisplayName: "Bob Byron"})
	_, err = w.Svc.Users.Merge(w.Ctx, ada.ID, bob.ID)
	w.NoError(err)
	w.Empty(w.finds(acme, "king"))
	w.Equal([]string{"Bob Byron"}, w.finds(acme, "byron mail"))
	w.Equal([]string{"The Enchantress"}, w.finds(other, "enchan mail"))
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, acme.ID, bob.ID))
	w.Empty(w.finds(acme, "byron"))
	w.NoError(w.Svc.Users.Erase(w.Ctx, bob.ID))
	w.Empty(w.finds(other, "enchan"))
}

func foundHere(w *world) {
	acme, other := w.Owned("Acme", w.User("ada")), w.Org("Other")
	for i := range 5 {
		w.enrol(other, "Zoe Other", fmt.Sprintf("zoe.other%d@other.example", i))
	}
	w.enrol(acme, "Zoe Here", "zoe.here@acme.example")
	for search, want := range map[string]int{"zoe": 1, "here": 1, "other": 0, "z": 1} {
		w.Len(w.finds(acme, search), want, search)
		n, err := w.Svc.Memberships.Count(w.Ctx, acme.ID, tenancy.MemberQuery{Search: search})
		w.NoError(err)
		w.Equal(tenancy.MemberCount{N: want}, n)
	}
	page, err := w.Svc.Memberships.List(w.Ctx, other.ID, tenancy.MemberQuery{Search: "other", Limit: 1})
	w.NoError(err)
	_, err = w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Search: "other", Cursor: page.Next})
	w.Failed(err, tenancy.ErrInvalidCursor, "cursor")
}

// wordsWritten: rows from before there were words are found by their first words, and once Run has written
// the others by these, too.
func wordsWritten(w *world) {
	acme := w.Owned("Acme", w.User("ada"))
	for i := range 5 {
		w.enrol(acme, fmt.Sprintf("Zoe%d Early", i), fmt.Sprintf("z%d@before.example", i))
	}
	single := w.enrol(acme, "Plain", "plain@plain.plain")
	w.enrol(acme, "Zoe Zoeyson", "zoey@mail.example") // whom "zoe" finds by the name, the address and a word
	table, _, _ := tenancy.RowsOf[tenancy.Membership]()
	old := func() (n int) {
		w.NoError(w.Store.View(w.Ctx, func(rows store.Rows) (err error) {
			n, err = rows.Count(w.Ctx, table, []store.Cond{{Column: table.Index("word_1"), Op: store.IsNull}})
			return err
		}))
		return n
	}
	w.Zero(old())
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
		var set []store.Set
		for i := 1; i <= 6; i++ {
			set = append(set, store.Set{Column: table.Index(fmt.Sprint("word_", i)), Value: store.Value{Null: true}})
		}
		_, err := rows.UpdateAll(w.Ctx, table, []store.Cond{{Column: table.Index("organization_id"), Op: store.OneOf, Values: []store.Value{{ID: acme.ID}}}}, set)
		return err
	}))
	w.Equal(8, old())
	foundBothWays := func() {
		q := tenancy.MemberQuery{Search: "zoe"}
		found := w.members(acme, q)
		w.Len(found, 6)
		q.Descending = true
		again := w.members(acme, q)
		slices.Reverse(again)
		w.Equal(found, again)
		n, err := w.Svc.Memberships.Count(w.Ctx, acme.ID, q)
		w.NoError(err)
		w.Equal(tenancy.MemberCount{N: 6}, n)
	}
	foundBothWays()
	w.Empty(w.finds(acme, "early"))
	version := w.Member(acme, single).Version
	w.runUntil(func() bool { return old() == 0 })
	foundBothWays()
	w.Len(w.finds(acme, "early"), 5)
	w.Equal([]string{"Plain"}, w.finds(acme, "plain"))
	w.Equal(version, w.Member(acme, single).Version) // no event tells of it
}

// cursorTellsNobody: a page that ends because it looked at many ends at the same member with somebody invited, and
// its cursor is of a member.
func cursorTellsNobody(w *world) {
	acme := w.Owned("Acme", w.User("owner"))
	q := tenancy.MemberQuery{Search: "man ra", Limit: 10}
	w.enrolMany(acme, "Zoe Many", 2_001, "z", nil)
	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, q)
	w.NoError(err)
	w.Empty(page.Items)
	w.NotEmpty(page.Next)
	for i := range 3 { // before all the others
		w.pend(acme, w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("p%d@mail.example", i), EmailVerified: true, DisplayName: "Zoe Mana"}))
	}
	again, err := w.Svc.Memberships.List(w.Ctx, acme.ID, q)
	w.NoError(err)
	w.Equal(page, again)

	other := w.Owned("Other", w.User("another"))
	w.enrolMany(other, "Zoe Many", 2_000, "others", nil)
	var invited []tenancy.Membership
	for i := range 3 { // between the last whom the page looks at and the next
		invited = append(invited, w.pend(other, w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("q%d@mail.example", i), EmailVerified: true, DisplayName: "Zoe Many"})))
	}
	w.enrol(other, "Zoe Many Rare", "rare@mail.example")
	page, err = w.Svc.Memberships.List(w.Ctx, other.ID, q)
	w.NoError(err)
	w.NotEmpty(page.Next)
	raw, err := base64.RawURLEncoding.DecodeString(page.Next)
	w.NoError(err)
	for _, m := range invited {
		w.False(bytes.Contains(raw, m.ID[:]))
	}
	w.Equal([]string{"Zoe Many Rare"}, w.finds(other, "man ra"))
}
