package rules

import (
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// search: what a prefix finds, in whatever case either was written.
func search(w *world) {
	for _, name := range []string{
		"Straße", "STRASSE", "Große GmbH", "GROẞE KG", "İstanbul", "ΣΊΣΥΦΟΣ", "σίσυφος", "Ærø", "100% Cotton", "100 Men", "a_b", "axb",
		"Café", "Cafe\u0301 du Nord", "Ｆull", "plain", "PLAINER",
	} {
		w.Org(name)
		w.NewUser(tenancy.NewUser{Email: string(rune('a'+len(w.Dump().Users))) + "@acme.example", DisplayName: name})
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
			orgs, err := w.Svc.Organizations.List(w.Ctx, tenancy.OrganizationQuery{NamePrefix: prefix})
			w.NoError(err)
			var names []string
			for _, org := range orgs.Items {
				names = append(names, org.DisplayName)
			}
			w.Equal(want, names)
			users, err := w.Svc.Users.List(w.Ctx, tenancy.UserQuery{NamePrefix: prefix})
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
	acme := w.Org("Acme")
	ada := w.NewUser(tenancy.NewUser{Email: "Ada.L@ACME.example", GivenName: "Ada", FamilyName: "Lovelace"})
	w.Add(acme, ada)
	found := func(q tenancy.MemberQuery) int {
		page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, q)
		w.NoError(err)
		mine, err := w.Svc.Memberships.ListByUser(w.Ctx, ada.ID, q)
		w.NoError(err)
		w.Len(mine.Items, len(page.Items))
		return len(page.Items)
	}
	w.Equal(1, found(tenancy.MemberQuery{NamePrefix: "ada love"}))
	w.Equal(1, found(tenancy.MemberQuery{EmailPrefix: "ADA.l@acme"}))
	w.Equal(0, found(tenancy.MemberQuery{NamePrefix: "ada love", EmailPrefix: "bob"}))

	version := w.Member(acme, ada).Version
	_, err := w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{DisplayName: servicetest.Ptr("Countess")})
	w.NoError(err)
	w.Equal(1, found(tenancy.MemberQuery{NamePrefix: "COUNTESS"}))
	w.Equal(0, found(tenancy.MemberQuery{NamePrefix: "ada"}))
	w.Equal("Countess", w.Member(acme, ada).Name)
	w.Equal(version+1, w.Member(acme, ada).Version) // rewritten with the user

	_, err = w.Svc.Memberships.Update(w.Ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{DisplayName: servicetest.Ptr("The Enchantress")})
	w.NoError(err)
	w.Equal(1, found(tenancy.MemberQuery{NamePrefix: "the e"}))
	w.Equal(0, found(tenancy.MemberQuery{NamePrefix: "count"}))
	_, err = w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{DisplayName: servicetest.Ptr("")})
	w.NoError(err)
	w.Equal(1, found(tenancy.MemberQuery{NamePrefix: "the e"})) // its own name stays

	proof, err := w.Svc.Users.ChangeEmail(w.Ctx, ada.ID, "Countess@other.example")
	w.NoError(err)
	w.Equal(0, found(tenancy.MemberQuery{EmailPrefix: "countess"}))
	w.NoError(w.moves(ada, proof))
	w.Equal(1, found(tenancy.MemberQuery{EmailPrefix: "countess@other"}))
	w.Equal("Countess@other.example", w.Member(acme, ada).Email)
}

// membersPage: one call has everything that the page shows (M12, R4).
func membersPage(w *world) {
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme"})
	ada, bob, eve := w.User("ada"), w.User("bob"), w.User("eve")
	w.Add(acme, ada, rbac.Member, rbac.Owner, rbac.Member)
	w.Add(acme, bob)
	w.Add(acme, eve)
	w.Deactivate(acme, bob)
	w.pend(acme, w.User("pending"))
	w.Clock.Advance(time.Hour)
	w.silentEvents(func() error { return w.Svc.Users.RecordSignIn(w.Ctx, ada.ID, acme.ID) })

	page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 2) // active only
	first := page.Items[0]
	w.Equal("Ada", first.Name)
	w.Equal("ada@acme.example", first.Email)
	w.Equal([]string{rbac.Owner, rbac.Member}, first.Roles) // R4: the primary one first
	w.Equal("Acme", first.OrganizationName)
	w.Equal("acme", first.OrganizationSlug)
	w.Equal(w.Clock.At.Truncate(time.Microsecond), first.LastSignInAt)
	w.Len(first.Assignments, 2)
	w.Equal(w.Member(acme, ada), first)

	for _, c := range []struct {
		statuses []tenancy.MembershipStatus
		n        int
	}{{allStatuses(), 4}, {[]tenancy.MembershipStatus{"inactive"}, 1}, {[]tenancy.MembershipStatus{"pending"}, 1}, {[]tenancy.MembershipStatus{}, 0}} {
		page, err := w.Svc.Memberships.List(w.Ctx, acme.ID, tenancy.MemberQuery{Statuses: c.statuses})
		w.NoError(err)
		w.Len(page.Items, c.n, "%v", c.statuses)
	}
}

func switcherPage(w *world) {
	ada := w.User("ada")
	var orgs []tenancy.Organization
	for _, name := range []string{"Zeta", "Alpha", "Mid", "Left", "Gone"} {
		orgs = append(orgs, w.Owned(name, ada))
		w.Add(orgs[len(orgs)-1], w.User(name), rbac.Owner)
	}
	w.Deactivate(orgs[3], ada)
	w.Archive(orgs[4])
	_, err := w.Svc.Organizations.Suspend(w.Ctx, orgs[2].ID)
	w.NoError(err)
	page, err := w.Svc.Memberships.ListByUser(w.Ctx, ada.ID, tenancy.MemberQuery{})
	w.NoError(err)
	var names []string
	for _, m := range page.Items {
		names = append(names, m.OrganizationName)
		w.Equal([]string{rbac.Owner}, m.Roles)
		w.Equal("Ada", m.Name)
	}
	w.Equal([]string{"Zeta", "Alpha", "Mid"}, names)
	page, err = w.Svc.Memberships.ListByUser(w.Ctx, ada.ID, tenancy.MemberQuery{Statuses: allStatuses()})
	w.NoError(err)
	w.Len(page.Items, 4)
	none, err := w.Svc.Memberships.ListByUser(w.Ctx, w.User("lonely").ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Empty(none.Items) // U3: no membership at all
}

func archivedLists(w *world) {
	live, gone := w.Org("Live"), w.NewOrg(tenancy.NewOrganization{DisplayName: "Gone", Slug: "gone", ExternalID: "x-1"})
	w.Archive(gone)
	names := func(q tenancy.OrganizationQuery) []string {
		var names []string
		for org, err := range w.Svc.Organizations.All(w.Ctx, q) {
			w.NoError(err)
			names = append(names, org.DisplayName)
		}
		return names
	}
	_, err := w.Svc.Organizations.Suspend(w.Ctx, live.ID)
	w.NoError(err)
	w.Equal([]string{"Live"}, names(tenancy.OrganizationQuery{}))
	w.Equal([]string{"Gone"}, names(tenancy.OrganizationQuery{Archived: true}))
	w.Equal([]string{"Live"}, names(tenancy.OrganizationQuery{Suspended: servicetest.Ptr(true)}))
	w.Empty(names(tenancy.OrganizationQuery{Suspended: servicetest.Ptr(false)}))
	w.Empty(names(tenancy.OrganizationQuery{IDs: []tenancy.OrganizationID{gone.ID}}))
	w.Equal([]string{"Live"}, names(tenancy.OrganizationQuery{IDs: []tenancy.OrganizationID{live.ID, gone.ID, servicetest.Nowhere}}))
	// By id and by key it is found still, and its keys stay taken.
	w.Equal("Gone", w.getOrg(gone.ID).DisplayName)
	got, err := w.Svc.Organizations.GetBySlug(w.Ctx, "gone")
	w.NoError(err)
	w.Equal(gone.ID, got.ID)
	w.refuses(tenancy.ErrAlreadyExists, "slug", func() error {
		_, err := w.Svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "New", Slug: "gone"})
		return err
	})
}

// silentEvents checks that fn writes no event and moves no version.
func (w *world) silentEvents(fn func() error) {
	w.T.Helper()
	before := w.Dump()
	w.NoError(fn())
	after := w.Dump()
	w.Equal(before.Events, after.Events)
	for i := range before.Users {
		w.Equal(before.Users[i].Version, after.Users[i].Version)
	}
	for i := range before.Memberships {
		w.Equal(before.Memberships[i].Version, after.Memberships[i].Version)
	}
}
