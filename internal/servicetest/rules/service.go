package rules

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func serviceRules() []rule {
	return []rule{
		{"G1 ids are counted by Config or chosen by the caller", on(ids)},
		{"G2 one instant a transaction, UTC, in microseconds", on(instants)},
		{"G3 metadata is patched", on(metadata)},
		{"G7 errors carry code, operation and cause", on(errorForm)},
		{"G11 an update may name its version", on(versions)},
		{"New refuses a bad Config", on(badConfigs)},
		{"O4 a label for the word organization", on(labels)},
		{"Transact keeps all or nothing", on(transact)},
		{"Transact ends with its function", on(ended)},
		{"Join joins the host's transaction", on(withStore)},
		{"Join refuses a store that is not the service's own", on(withForeignStore)},
	}
}

func ids(w *world) {
	org, user := w.Config.NewID(), w.Config.NewID()
	made := w.NewOrg(tenancy.NewOrganization{ID: org, DisplayName: "Acme"})
	w.Equal(tenancy.OrganizationID(org), made.ID)
	ada := w.NewUser(tenancy.NewUser{ID: user, Email: "ada@acme.example"})
	w.Equal(tenancy.UserID(user), ada.ID)
	w.False(w.Org("Other").ID.IsZero())

	in := servicetest.Adding(made, ada)
	in.ID = w.Config.NewID()
	m, err := w.Svc.Memberships.Add(w.Ctx, in)
	w.NoError(err)
	w.Equal(in.ID, m.ID)

	w.refuses(tenancy.ErrAlreadyExists, "id", func() error {
		_, err := w.Svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{ID: org, DisplayName: "Again"})
		return err
	})
	w.refuses(tenancy.ErrAlreadyExists, "id", func() error {
		_, err := w.Svc.Users.Create(w.Ctx, tenancy.NewUser{ID: user, Email: "eve@acme.example"})
		return err
	})
	in = servicetest.Adding(made, w.User("bob"))
	in.ID = m.ID
	w.refuses(tenancy.ErrAlreadyExists, "id", func() error {
		_, err := w.Svc.Memberships.Add(w.Ctx, in)
		return err
	})
}

func instants(w *world) {
	w.Clock.At = time.Date(2030, 5, 6, 7, 8, 9, 123456789, time.FixedZone("east", 3600))
	cut := time.Date(2030, 5, 6, 6, 8, 9, 123456000, time.UTC)
	org := w.Org("Acme")
	w.Equal(cut, org.CreatedAt)
	w.Equal(cut, org.UpdatedAt)
	w.Equal(cut, w.since(0)[0].Time)

	var first, second tenancy.User
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) (err error) {
		if first, err = tx.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"}); err != nil {
			return err
		}
		w.Clock.Advance(time.Hour)
		second, err = tx.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example"})
		return err
	}))
	w.Equal(cut, first.CreatedAt)
	w.Equal(cut, second.CreatedAt)

	updated, err := w.Svc.Users.Update(w.Ctx, first.ID, tenancy.UserUpdate{GivenName: servicetest.Ptr("Ada")})
	w.NoError(err)
	w.Equal(cut, updated.CreatedAt)
	w.Equal(cut.Add(time.Hour), updated.UpdatedAt)
}

func metadata(w *world) {
	given := map[string]string{"plan": "pro", "region": "eu"}
	org := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Metadata: given})
	given["plan"] = "edited by the caller"
	w.Equal(map[string]string{"plan": "pro", "region": "eu"}, w.getOrg(org.ID).Metadata)

	patch := tenancy.Patch{"plan": nil, "tier": servicetest.Ptr("gold"), "empty": servicetest.Ptr("")}
	org, err := w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{Metadata: patch})
	w.NoError(err)
	w.Equal(map[string]string{"region": "eu", "tier": "gold", "empty": ""}, org.Metadata)
	w.Equal(org, w.getOrg(org.ID))

	w.silent(func() error { // G8: what is so already
		_, err := w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{
			Metadata: tenancy.Patch{"tier": servicetest.Ptr("gold"), "absent": nil},
		})
		return err
	})
	all := tenancy.Patch{"region": nil, "tier": nil, "empty": nil}
	org, err = w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{Metadata: all})
	w.NoError(err)
	w.Empty(org.Metadata)
	w.Empty(w.getOrg(org.ID).Metadata)
}

func (w *world) getOrg(id tenancy.OrganizationID) tenancy.Organization {
	w.T.Helper()
	org, err := w.Svc.Organizations.Get(w.Ctx, id)
	w.NoError(err)
	return org
}

func (w *world) getUser(id tenancy.UserID) tenancy.User {
	w.T.Helper()
	user, err := w.Svc.Users.Get(w.Ctx, id)
	w.NoError(err)
	return user
}

func errorForm(w *world) {
	_, err := w.Svc.Organizations.Get(w.Ctx, servicetest.Nowhere)
	w.Failed(err, tenancy.ErrNotFound, "")
	w.Equal(`get organization "`+servicetest.Nowhere.String()+`": not_found`, err.Error())
	w.Equal(tenancy.ErrNotFound, tenancy.CodeOf(err))

	// A thing of another organization and a thing that is not there: the same.
	acme, other := w.Org("Acme"), w.Org("Other")
	ada := w.User("ada")
	w.Add(other, ada)
	_, foreign := w.Svc.Memberships.Get(w.Ctx, acme.ID, ada.ID)
	_, absent := w.Svc.Memberships.Get(w.Ctx, acme.ID, servicetest.Nobody)
	w.Equal(w.Failed(foreign, tenancy.ErrNotFound, "").Kind, w.Failed(absent, tenancy.ErrNotFound, "").Kind)

	_, err = tenancy.ParseUserID(acme.ID.String())
	w.ErrorIs(err, tenancy.ErrInvalid)
	_, err = tenancy.ParseOrganizationID(acme.ID.String() + "0")
	w.ErrorIs(err, tenancy.ErrInvalid)
	_, err = tenancy.ParseID[tenancy.Membership]("")
	w.ErrorIs(err, tenancy.ErrInvalid)
}

func versions(w *world) {
	org, ada := w.Org("Acme"), w.User("ada")
	member := w.Add(org, ada)
	bump := func(name string, version int64) error {
		_, err := w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{Version: version, DisplayName: &name})
		return err
	}
	w.Equal(int64(1), org.Version)
	w.NoError(bump("Acme Two", 1))
	w.Equal(int64(2), w.getOrg(org.ID).Version)
	for _, stale := range []int64{1, 3, -7} {
		w.refuses(tenancy.ErrConflict, "version", func() error { return bump("Acme Three", stale) })
		w.refuses(tenancy.ErrConflict, "version", func() error {
			_, err := w.Svc.Users.Update(w.Ctx, ada.ID, tenancy.UserUpdate{Version: ada.Version + stale, Phone: servicetest.Ptr("1")})
			return err
		})
		w.refuses(tenancy.ErrConflict, "version", func() error {
			_, err := w.Svc.Memberships.Update(w.Ctx, org.ID, ada.ID,
				tenancy.MembershipUpdate{Version: member.Version + stale, DisplayName: servicetest.Ptr("A")})
			return err
		})
	}
	w.NoError(bump("Acme Four", 0)) // whichever
}

func badConfigs(w *world) {
	for name, bad := range map[string]struct {
		configure func(*tenancy.Config)
		code      tenancy.Code
		field     string
	}{
		"no store":                             {func(c *tenancy.Config) { c.Store = nil }, tenancy.ErrInvalid, "store"},
		"D4 an app that is no DNS label":       {func(c *tenancy.Config) { c.App = "My App" }, tenancy.ErrInvalid, "app"},
		"D4 an app that is another's":          {func(c *tenancy.Config) { c.App = "acme-subdomains" }, tenancy.ErrInvalid, "app"},
		"G9 a negative limit of claims":        {func(c *tenancy.Config) { c.Limits.DomainClaims = -1 }, tenancy.ErrInvalid, "domain_claims"},
		"O6 a negative limit of organizations": {func(c *tenancy.Config) { c.Limits.UserOrganizations = -1 }, tenancy.ErrInvalid, "user_organizations"},
		"D3 a negative limit of new claims":    {func(c *tenancy.Config) { c.Limits.NewClaims = -1 }, tenancy.ErrInvalid, "new_claims"},
		"unknown default role":                 {func(c *tenancy.Config) { c.DefaultRole = "org-king" }, tenancy.ErrUnknownRole, "default_role"},
		"unknown creator role":                 {func(c *tenancy.Config) { c.CreatorRole = "King" }, tenancy.ErrUnknownRole, "creator_role"},
		"R3 default role that manages":         {func(c *tenancy.Config) { c.DefaultRole = "admin" }, tenancy.ErrInvalid, "default_role"},
		"R3 default role that owns":            {func(c *tenancy.Config) { c.DefaultRole = "owner" }, tenancy.ErrInvalid, "default_role"},
	} {
		w.each(name, func(w *world) {
			config := w.Config
			bad.configure(&config)
			_, err := tenancy.New(config)
			w.Failed(err, bad.code, bad.field)
		})
	}
}

func labels(w *world) {
	w.Equal(tenancy.Label{Singular: "organization", Plural: "organizations"}, w.Svc.Label())
	w.Equal(tenancy.Label{Singular: "team", Plural: "teams"},
		w.Another(func(c *tenancy.Config) { c.Label.Singular = "team" }).Label())
	w.Equal(tenancy.Label{Singular: "company", Plural: "companies"},
		w.Another(func(c *tenancy.Config) { c.Label = tenancy.Label{Singular: "company", Plural: "companies"} }).Label())
}

func transact(w *world) {
	signUp := func(fails error) func(context.Context, *tenancy.Service) error {
		return func(ctx context.Context, tx *tenancy.Service) error {
			ada, err := tx.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"})
			w.NoError(err)
			_, err = tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID})
			w.NoError(err)
			got, err := tx.Users.Get(ctx, ada.ID) // its own writes are seen
			w.NoError(err)
			w.Equal(ada, got)
			last, err := tx.Events.Last(ctx) // E1: positions exist after the commit
			w.NoError(err)
			w.Zero(last)
			return fails
		}
	}
	w.unchanged(func() { w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, signUp(servicetest.ErrStop))) })
	w.unchanged(func() {
		w.PanicsWithValue("a panic of the host's", func() {
			_ = w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
				w.NoError(signUp(nil)(ctx, tx))
				panic("a panic of the host's")
			})
		})
	})
	w.NoError(w.Svc.Transact(w.Ctx, signUp(nil)))
	w.Len(w.Dump().Events, 3)

	// A failing call undoes only itself, also one made of several.
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example"})
		w.NoError(err)
		_, err = tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Half", Owner: servicetest.Nobody})
		w.Failed(err, tenancy.ErrNotFound, "")
		return nil
	}))
	w.Len(w.Dump().Organizations, 1)
	w.Len(w.Dump().Users, 2)
}

func ended(w *world) {
	var kept *tenancy.Service
	var inner context.Context
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		kept, inner = tx, ctx
		_, err := tx.Rows()
		w.NoError(err)
		_, err = w.Svc.Users.Get(ctx, servicetest.Nobody)
		w.Failed(err, tenancy.ErrInTransaction, "")
		return nil
	}))
	_, err := kept.Users.Get(inner, servicetest.Nobody)
	w.Failed(err, tenancy.ErrClosed, "")
	_, err = kept.Users.Create(inner, tenancy.NewUser{Email: "late@acme.example"})
	w.Failed(err, tenancy.ErrClosed, "")
	_, err = w.Svc.Rows()
	w.Failed(err, tenancy.ErrInvalid, "service")

	// Another Service of New has a transaction of its own, and knows no mark of this one.
	other, err := tenancy.New(w.Config)
	w.NoError(err)
	_, err = other.Users.Get(inner, servicetest.Nobody)
	w.Failed(err, tenancy.ErrNotFound, "")
}

func withStore(w *world) {
	inHost := func(fails error) error {
		return w.Store.Update(w.Ctx, func(rows store.Rows) error {
			_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
			w.NoError(err)
			_, err = in.Users.Create(w.Ctx, tenancy.NewUser{Email: "ada@acme.example"})
			w.NoError(err)
			w.Clock.Advance(time.Minute)
			_, err = in.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Half", Owner: servicetest.Nobody})
			w.Failed(err, tenancy.ErrNotFound, "") // undoes only itself
			org, err := in.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Acme"})
			w.NoError(err)
			w.Equal(w.Clock.At.Add(-time.Minute).Truncate(time.Microsecond), org.CreatedAt) // G2
			_, err = in.Rows()
			w.Failed(err, tenancy.ErrInvalid, "service")
			_, _, err = in.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
			w.Failed(err, tenancy.ErrInTransaction, "")
			return fails
		})
	}
	w.unchanged(func() { w.Equal(servicetest.ErrStop, inHost(servicetest.ErrStop)) })
	w.NoError(inHost(nil))
	w.Len(w.Dump().Users, 1)
	w.Len(w.Dump().Organizations, 1)
	w.Len(w.Dump().Events, 2)
}

func withForeignStore(w *world) {
	w.NoError(w.Store.View(w.Ctx, func(rows store.Rows) error {
		for name, store := range map[string]store.Store{
			"nil":                          nil,
			"the store itself":             w.Store,
			"joined from nothing":          servicetest.Joined{Rows: rows, Over: nil},
			"joined from another store":    servicetest.Joined{Rows: rows, Over: servicetest.Joined{}},
			"joined from a joined one":     servicetest.Joined{Rows: rows, Over: servicetest.Joined{Rows: rows, Over: w.Store}},
			"a wrapper that knows no root": struct{ store.Store }{w.Store},
		} {
			w.each(name, func(w *world) {
				_, _, err := w.Svc.Join(w.Ctx, store)
				w.Failed(err, tenancy.ErrInvalid, "store")
			})
		}
		return nil
	}))
}
