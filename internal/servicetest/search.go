package servicetest

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// search: what a prefix finds, in whatever case either was written.
func search(w *world) {
	for _, name := range []string{
		"Straße", "STRASSE", "Große GmbH", "GROẞE KG", "İstanbul", "ΣΊΣΥΦΟΣ", "σίσυφος", "Ærø", "100% Cotton", "100 Men", "a_b", "axb",
		"Café", "Cafe\u0301 du Nord", "Ｆull", "plain", "PLAINER",
	} {
		w.org(name)
		w.newUser(tenancy.NewUser{Email: string(rune('a'+len(w.dump().Users))) + "@acme.example", DisplayName: name})
	}
	for prefix, want := range map[string][]string{
		"stras":          {"Straße", "STRASSE"},
		"STRASS":         {"Straße", "STRASSE"},
		"straß":          {"Straße", "STRASSE"},
		"groẞ":           {"Große GmbH", "GROẞE KG"},
		"grosse":         {"Große GmbH", "GROẞE KG"},
		"i\u0307stan":    {"İstanbul"},
		"İSTAN":          {"İstanbul"},
		"σίσυφοσ":        {"ΣΊΣΥΦΟΣ", "σίσυφος"},
		"ΣΊΣΥΦΟς":        {"ΣΊΣΥΦΟΣ", "σίσυφος"},
		"æRØ":            {"Ærø"},
		"100%":           {"100% Cotton"},
		"a_":             {"a_b"},
		"cafe\u0301":     {"Café", "Café du Nord"},
		"CAFÉ":           {"Café", "Café du Nord"},
		"PLAIN":          {"plain", "PLAINER"},
		"plaine":         {"PLAINER"},
		"lain":           nil,
		"straße weg":     nil,
		"\U0010ffff":     nil,
		"ΣΊΣΥΦΟΣ und ko": nil,
	} {
		w.each(prefix, func(w *world) {
			orgs, err := w.svc.Organizations.List(w.ctx, tenancy.OrganizationQuery{NamePrefix: prefix})
			w.NoError(err)
			var names []string
			for _, org := range orgs.Items {
				names = append(names, org.DisplayName)
			}
			w.Equal(want, names)
			users, err := w.svc.Users.List(w.ctx, tenancy.UserQuery{NamePrefix: prefix})
			w.NoError(err)
			names = nil
			for _, user := range users.Items {
				names = append(names, user.DisplayName)
			}
			w.Equal(want, names)
		})
	}
}

func searchMembers(w *world) {
	acme := w.org("Acme")
	ada := w.newUser(tenancy.NewUser{Email: "Ada.L@ACME.example", GivenName: "Ada", FamilyName: "Lovelace"})
	w.add(acme, ada)
	found := func(q tenancy.MemberQuery) int {
		page, err := w.svc.Memberships.List(w.ctx, acme.ID, q)
		w.NoError(err)
		mine, err := w.svc.Memberships.ListByUser(w.ctx, ada.ID, q)
		w.NoError(err)
		w.Len(mine.Items, len(page.Items))
		return len(page.Items)
	}
	w.Equal(1, found(tenancy.MemberQuery{NamePrefix: "ada love"}))
	w.Equal(1, found(tenancy.MemberQuery{EmailPrefix: "ADA.l@acme"}))
	w.Equal(0, found(tenancy.MemberQuery{NamePrefix: "ada love", EmailPrefix: "bob"}))

	version := w.member(acme, ada).Version
	_, err := w.svc.Users.Update(w.ctx, ada.ID, tenancy.UserUpdate{DisplayName: ptr("Countess")})
	w.NoError(err)
	w.Equal(1, found(tenancy.MemberQuery{NamePrefix: "COUNTESS"}))
	w.Equal(0, found(tenancy.MemberQuery{NamePrefix: "ada"}))
	w.Equal("Countess", w.member(acme, ada).Name)
	w.Equal(version+1, w.member(acme, ada).Version) // rewritten with the user

	_, err = w.svc.Memberships.Update(w.ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{DisplayName: ptr("The Enchantress")})
	w.NoError(err)
	w.Equal(1, found(tenancy.MemberQuery{NamePrefix: "the e"}))
	w.Equal(0, found(tenancy.MemberQuery{NamePrefix: "count"}))
	_, err = w.svc.Users.Update(w.ctx, ada.ID, tenancy.UserUpdate{DisplayName: ptr("")})
	w.NoError(err)
	w.Equal(1, found(tenancy.MemberQuery{NamePrefix: "the e"})) // its own name stays

	proof, err := w.svc.Users.ChangeEmail(w.ctx, ada.ID, "Countess@other.example")
	w.NoError(err)
	w.Equal(0, found(tenancy.MemberQuery{EmailPrefix: "countess"}))
	w.NoError(w.moves(ada, proof))
	w.Equal(1, found(tenancy.MemberQuery{EmailPrefix: "countess@other"}))
	w.Equal("Countess@other.example", w.member(acme, ada).Email)
}

// membersPage: one call has everything that the page shows (M12, R4).
func membersPage(w *world) {
	acme := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme"})
	ada, bob, eve := w.user("ada"), w.user("bob"), w.user("eve")
	w.add(acme, ada, rbac.Member, rbac.Owner, rbac.Member)
	w.add(acme, bob)
	w.add(acme, eve)
	w.deactivate(acme, bob)
	w.pend(acme, w.user("pending"))
	w.clock.advance(time.Hour)
	w.silentEvents(func() error { return w.svc.Users.RecordSignIn(w.ctx, ada.ID, acme.ID) })

	page, err := w.svc.Memberships.List(w.ctx, acme.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 2) // active only
	first := page.Items[0]
	w.Equal("Ada", first.Name)
	w.Equal("ada@acme.example", first.Email)
	w.Equal([]string{rbac.Owner, rbac.Member}, first.Roles) // R4: the primary one first
	w.Equal("Acme", first.OrganizationName)
	w.Equal("acme", first.OrganizationSlug)
	w.Equal(w.clock.at.Truncate(time.Microsecond), first.LastSignInAt)
	w.Len(first.Assignments, 2)
	w.Equal(w.member(acme, ada), first)

	for _, c := range []struct {
		statuses []tenancy.MembershipStatus
		n        int
	}{{allStatuses(), 4}, {[]tenancy.MembershipStatus{"inactive"}, 1}, {[]tenancy.MembershipStatus{"pending"}, 1}, {[]tenancy.MembershipStatus{}, 0}} {
		page, err := w.svc.Memberships.List(w.ctx, acme.ID, tenancy.MemberQuery{Statuses: c.statuses})
		w.NoError(err)
		w.Len(page.Items, c.n, "%v", c.statuses)
	}
}

func switcherPage(w *world) {
	ada := w.user("ada")
	var orgs []tenancy.Organization
	for _, name := range []string{"Zeta", "Alpha", "Mid", "Left", "Gone"} {
		orgs = append(orgs, w.owned(name, ada))
		w.add(orgs[len(orgs)-1], w.user(name), rbac.Owner)
	}
	w.deactivate(orgs[3], ada)
	w.archive(orgs[4])
	_, err := w.svc.Organizations.Suspend(w.ctx, orgs[2].ID)
	w.NoError(err)
	page, err := w.svc.Memberships.ListByUser(w.ctx, ada.ID, tenancy.MemberQuery{})
	w.NoError(err)
	var names []string
	for _, m := range page.Items {
		names = append(names, m.OrganizationName)
		w.Equal([]string{rbac.Owner}, m.Roles)
		w.Equal("Ada", m.Name)
	}
	w.Equal([]string{"Zeta", "Alpha", "Mid"}, names)
	page, err = w.svc.Memberships.ListByUser(w.ctx, ada.ID, tenancy.MemberQuery{Statuses: allStatuses()})
	w.NoError(err)
	w.Len(page.Items, 4)
	none, err := w.svc.Memberships.ListByUser(w.ctx, w.user("lonely").ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Empty(none.Items) // U3: no membership at all
}

func archivedLists(w *world) {
	live, gone := w.org("Live"), w.newOrg(tenancy.NewOrganization{DisplayName: "Gone", Slug: "gone", ExternalID: "x-1"})
	w.archive(gone)
	names := func(q tenancy.OrganizationQuery) []string {
		var names []string
		for org, err := range w.svc.Organizations.All(w.ctx, q) {
			w.NoError(err)
			names = append(names, org.DisplayName)
		}
		return names
	}
	_, err := w.svc.Organizations.Suspend(w.ctx, live.ID)
	w.NoError(err)
	w.Equal([]string{"Live"}, names(tenancy.OrganizationQuery{}))
	w.Equal([]string{"Gone"}, names(tenancy.OrganizationQuery{Archived: true}))
	w.Equal([]string{"Live"}, names(tenancy.OrganizationQuery{Suspended: ptr(true)}))
	w.Empty(names(tenancy.OrganizationQuery{Suspended: ptr(false)}))
	w.Empty(names(tenancy.OrganizationQuery{IDs: []tenancy.OrganizationID{gone.ID}}))
	w.Equal([]string{"Live"}, names(tenancy.OrganizationQuery{IDs: []tenancy.OrganizationID{live.ID, gone.ID, nowhere}}))
	// By id and by key it is found still, and its keys stay taken.
	w.Equal("Gone", w.getOrg(gone.ID).DisplayName)
	got, err := w.svc.Organizations.GetBySlug(w.ctx, "gone")
	w.NoError(err)
	w.Equal(gone.ID, got.ID)
	w.refuses(tenancy.ErrAlreadyExists, "slug", func() error {
		_, err := w.svc.Organizations.Create(w.ctx, tenancy.NewOrganization{DisplayName: "New", Slug: "gone"})
		return err
	})
}

// silentEvents checks that fn writes no event and moves no version.
func (w *world) silentEvents(fn func() error) {
	w.t.Helper()
	before := w.dump()
	w.NoError(fn())
	after := w.dump()
	w.Equal(before.Events, after.Events)
	for i := range before.Users {
		w.Equal(before.Users[i].Version, after.Users[i].Version)
	}
	for i := range before.Memberships {
		w.Equal(before.Memberships[i].Version, after.Memberships[i].Version)
	}
}
