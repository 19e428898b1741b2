package servicetest

import (
	"context"
	"errors"
	"time"

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
		{"Join refuses a store of another family", on(withForeignStore)},
	}
}

// errStop is an error of the host's.
var errStop = errors.New("stop")

func ids(w *world) {
	org, user := w.config.NewID(), w.config.NewID()
	made := w.newOrg(tenancy.NewOrganization{ID: org, DisplayName: "Acme"})
	w.Equal(tenancy.OrganizationID(org), made.ID)
	ada := w.newUser(tenancy.NewUser{ID: user, Email: "ada@acme.example"})
	w.Equal(tenancy.UserID(user), ada.ID)
	w.False(w.org("Other").ID.IsZero())

	in := adding(made, ada)
	in.ID = w.config.NewID()
	m, err := w.svc.Memberships.Add(w.ctx, in)
	w.NoError(err)
	w.Equal(in.ID, m.ID)

	w.refuses(tenancy.ErrAlreadyExists, "id", func() error {
		_, err := w.svc.Organizations.Create(w.ctx, tenancy.NewOrganization{ID: org, DisplayName: "Again"})
		return err
	})
	w.refuses(tenancy.ErrAlreadyExists, "id", func() error {
		_, err := w.svc.Users.Create(w.ctx, tenancy.NewUser{ID: user, Email: "eve@acme.example"})
		return err
	})
	in = adding(made, w.user("bob"))
	in.ID = m.ID
	w.refuses(tenancy.ErrAlreadyExists, "id", func() error {
		_, err := w.svc.Memberships.Add(w.ctx, in)
		return err
	})
}

func instants(w *world) {
	w.clock.at = time.Date(2030, 5, 6, 7, 8, 9, 123456789, time.FixedZone("east", 3600))
	cut := time.Date(2030, 5, 6, 6, 8, 9, 123456000, time.UTC)
	org := w.org("Acme")
	w.Equal(cut, org.CreatedAt)
	w.Equal(cut, org.UpdatedAt)
	w.Equal(cut, w.since(0)[0].Time)

	var first, second tenancy.User
	w.NoError(w.svc.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) (err error) {
		if first, err = tx.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"}); err != nil {
			return err
		}
		w.clock.advance(time.Hour)
		second, err = tx.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example"})
		return err
	}))
	w.Equal(cut, first.CreatedAt)
	w.Equal(cut, second.CreatedAt)

	updated, err := w.svc.Users.Update(w.ctx, first.ID, tenancy.UserUpdate{GivenName: ptr("Ada")})
	w.NoError(err)
	w.Equal(cut, updated.CreatedAt)
	w.Equal(cut.Add(time.Hour), updated.UpdatedAt)
}

func metadata(w *world) {
	given := map[string]string{"plan": "pro", "region": "eu"}
	org := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Metadata: given})
	given["plan"] = "edited by the caller"
	w.Equal(map[string]string{"plan": "pro", "region": "eu"}, w.getOrg(org.ID).Metadata)

	patch := tenancy.Patch{"plan": nil, "tier": ptr("gold"), "empty": ptr("")}
	org, err := w.svc.Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{Metadata: patch})
	w.NoError(err)
	w.Equal(map[string]string{"region": "eu", "tier": "gold", "empty": ""}, org.Metadata)
	w.Equal(org, w.getOrg(org.ID))

	w.silent(func() error { // G8: what is so already
		_, err := w.svc.Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{
			Metadata: tenancy.Patch{"tier": ptr("gold"), "absent": nil},
		})
		return err
	})
	all := tenancy.Patch{"region": nil, "tier": nil, "empty": nil}
	org, err = w.svc.Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{Metadata: all})
	w.NoError(err)
	w.Empty(org.Metadata)
	w.Empty(w.getOrg(org.ID).Metadata)
}

func (w *world) getOrg(id tenancy.OrganizationID) tenancy.Organization {
	w.t.Helper()
	org, err := w.svc.Organizations.Get(w.ctx, id)
	w.NoError(err)
	return org
}

func (w *world) getUser(id tenancy.UserID) tenancy.User {
	w.t.Helper()
	user, err := w.svc.Users.Get(w.ctx, id)
	w.NoError(err)
	return user
}

func errorForm(w *world) {
	_, err := w.svc.Organizations.Get(w.ctx, nowhere)
	w.failed(err, tenancy.ErrNotFound, "")
	w.Equal(`get organization "`+nowhere.String()+`": not_found`, err.Error())
	w.Equal(tenancy.ErrNotFound, tenancy.CodeOf(err))

	// A thing of another organization and a thing that is not there: the same.
	acme, other := w.org("Acme"), w.org("Other")
	ada := w.user("ada")
	w.add(other, ada)
	_, foreign := w.svc.Memberships.Get(w.ctx, acme.ID, ada.ID)
	_, absent := w.svc.Memberships.Get(w.ctx, acme.ID, nobody)
	w.Equal(w.failed(foreign, tenancy.ErrNotFound, "").Kind, w.failed(absent, tenancy.ErrNotFound, "").Kind)

	_, err = tenancy.ParseUserID(acme.ID.String())
	w.ErrorIs(err, tenancy.ErrInvalid)
	_, err = tenancy.ParseOrganizationID(acme.ID.String() + "0")
	w.ErrorIs(err, tenancy.ErrInvalid)
	_, err = tenancy.ParseID[tenancy.Membership]("")
	w.ErrorIs(err, tenancy.ErrInvalid)
}

func versions(w *world) {
	org, ada := w.org("Acme"), w.user("ada")
	member := w.add(org, ada)
	bump := func(name string, version int64) error {
		_, err := w.svc.Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{Version: version, DisplayName: &name})
		return err
	}
	w.Equal(int64(1), org.Version)
	w.NoError(bump("Acme Two", 1))
	w.Equal(int64(2), w.getOrg(org.ID).Version)
	for _, stale := range []int64{1, 3, -7} {
		w.refuses(tenancy.ErrConflict, "version", func() error { return bump("Acme Three", stale) })
		w.refuses(tenancy.ErrConflict, "version", func() error {
			_, err := w.svc.Users.Update(w.ctx, ada.ID, tenancy.UserUpdate{Version: ada.Version + stale, Phone: ptr("1")})
			return err
		})
		w.refuses(tenancy.ErrConflict, "version", func() error {
			_, err := w.svc.Memberships.Update(w.ctx, org.ID, ada.ID,
				tenancy.MembershipUpdate{Version: member.Version + stale, DisplayName: ptr("A")})
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
		"no store":                       {func(c *tenancy.Config) { c.Store = nil }, tenancy.ErrInvalid, "store"},
		"D4 an app that is no DNS label": {func(c *tenancy.Config) { c.App = "My App" }, tenancy.ErrInvalid, "app"},
		"D4 an app that is another's":    {func(c *tenancy.Config) { c.App = "acme-subdomains" }, tenancy.ErrInvalid, "app"},
		"G9 a negative limit of claims":  {func(c *tenancy.Config) { c.Limits.DomainClaims = -1 }, tenancy.ErrInvalid, "domain_claims"},
		"unknown default role":           {func(c *tenancy.Config) { c.DefaultRole = "org-king" }, tenancy.ErrUnknownRole, "default_role"},
		"unknown creator role":           {func(c *tenancy.Config) { c.CreatorRole = "King" }, tenancy.ErrUnknownRole, "creator_role"},
		"R3 default role that manages":   {func(c *tenancy.Config) { c.DefaultRole = "admin" }, tenancy.ErrInvalid, "default_role"},
		"R3 default role that owns":      {func(c *tenancy.Config) { c.DefaultRole = "owner" }, tenancy.ErrInvalid, "default_role"},
	} {
		w.each(name, func(w *world) {
			config := w.config
			bad.configure(&config)
			_, err := tenancy.New(config)
			w.failed(err, bad.code, bad.field)
		})
	}
}

func labels(w *world) {
	w.Equal(tenancy.Label{Singular: "organization", Plural: "organizations"}, w.svc.Label())
	w.Equal(tenancy.Label{Singular: "team", Plural: "teams"},
		w.another(func(c *tenancy.Config) { c.Label.Singular = "team" }).Label())
	w.Equal(tenancy.Label{Singular: "company", Plural: "companies"},
		w.another(func(c *tenancy.Config) { c.Label = tenancy.Label{Singular: "company", Plural: "companies"} }).Label())
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
	w.unchanged(func() { w.Equal(errStop, w.svc.Transact(w.ctx, signUp(errStop))) })
	w.unchanged(func() {
		w.PanicsWithValue("a panic of the host's", func() {
			_ = w.svc.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
				w.NoError(signUp(nil)(ctx, tx))
				panic("a panic of the host's")
			})
		})
	})
	w.NoError(w.svc.Transact(w.ctx, signUp(nil)))
	w.Len(w.dump().Events, 3)

	// A failing call undoes only itself, also one made of several.
	w.NoError(w.svc.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example"})
		w.NoError(err)
		_, err = tx.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Half", Owner: nobody})
		w.failed(err, tenancy.ErrNotFound, "")
		return nil
	}))
	w.Len(w.dump().Organizations, 1)
	w.Len(w.dump().Users, 2)
}

func ended(w *world) {
	var kept *tenancy.Service
	var inner context.Context
	w.NoError(w.svc.Transact(w.ctx, func(ctx context.Context, tx *tenancy.Service) error {
		kept, inner = tx, ctx
		_, err := tx.Rows()
		w.NoError(err)
		_, err = w.svc.Users.Get(ctx, nobody)
		w.failed(err, tenancy.ErrInTransaction, "")
		return nil
	}))
	_, err := kept.Users.Get(inner, nobody)
	w.failed(err, tenancy.ErrClosed, "")
	_, err = kept.Users.Create(inner, tenancy.NewUser{Email: "late@acme.example"})
	w.failed(err, tenancy.ErrClosed, "")
	_, err = w.svc.Rows()
	w.failed(err, tenancy.ErrInvalid, "service")

	// Another family has a transaction of its own, and knows no mark of this one.
	other, err := tenancy.New(w.config)
	w.NoError(err)
	_, err = other.Users.Get(inner, nobody)
	w.failed(err, tenancy.ErrNotFound, "")
}

// joined is a store inside a transaction of the host's, as a SQL backend has it.
type joined struct {
	rows store.Rows
	root store.Store
}

func (j joined) Root() store.Store { return j.root }

func (j joined) View(_ context.Context, fn func(store.Rows) error) error { return fn(j.rows) }

func (j joined) Update(ctx context.Context, fn func(store.Rows) error) error {
	return j.rows.Savepoint(ctx, func() error { return fn(j.rows) })
}

func withStore(w *world) {
	inHost := func(fails error) error {
		return w.store.Update(w.ctx, func(rows store.Rows) error {
			_, in, err := w.svc.Join(w.ctx, joined{rows, w.store})
			w.NoError(err)
			_, err = in.Users.Create(w.ctx, tenancy.NewUser{Email: "ada@acme.example"})
			w.NoError(err)
			w.clock.advance(time.Minute)
			_, err = in.Organizations.Create(w.ctx, tenancy.NewOrganization{DisplayName: "Half", Owner: nobody})
			w.failed(err, tenancy.ErrNotFound, "") // undoes only itself
			org, err := in.Organizations.Create(w.ctx, tenancy.NewOrganization{DisplayName: "Acme"})
			w.NoError(err)
			w.Equal(w.clock.at.Add(-time.Minute).Truncate(time.Microsecond), org.CreatedAt) // G2
			_, err = in.Rows()
			w.failed(err, tenancy.ErrInvalid, "service")
			_, _, err = in.Join(w.ctx, joined{rows, w.store})
			w.failed(err, tenancy.ErrInTransaction, "")
			return fails
		})
	}
	w.unchanged(func() { w.Equal(errStop, inHost(errStop)) })
	w.NoError(inHost(nil))
	w.Len(w.dump().Users, 1)
	w.Len(w.dump().Organizations, 1)
	w.Len(w.dump().Events, 2)
}

func withForeignStore(w *world) {
	w.NoError(w.store.View(w.ctx, func(rows store.Rows) error {
		for name, store := range map[string]store.Store{
			"nil":                          nil,
			"the store itself":             w.store,
			"joined from nothing":          joined{rows, nil},
			"joined from another store":    joined{rows, joined{}},
			"joined from a joined one":     joined{rows, joined{rows, w.store}},
			"a wrapper that knows no root": struct{ store.Store }{w.store},
		} {
			w.each(name, func(w *world) {
				_, _, err := w.svc.Join(w.ctx, store)
				w.failed(err, tenancy.ErrInvalid, "store")
			})
		}
		return nil
	}))
}
