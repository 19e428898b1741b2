package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func connectionRules() []rule {
	return []rule{
		{"P1 connections: what happens to one, and its events", on(connections)},
		{"P1 a connection of another organization's is not there", atDoor(foreignConnection)},
		{"P1 most connections of an organization", with(func(c *tenancy.Config) { c.Limits.Connections = 2 }, mostConnections)},
		{"P8 R6 groups go to roles that the actor covers, and never to owner", on(groupCeiling)},
		{"M10 what a connection brought goes with it, and nothing else", atDoor(deleteConnection)},
		{"M10 Delete takes from nobody what the actor does not cover", atDoor(deleteAbove)},
		{"P3 a connection that a policy requires stays", atDoor(connectionInUse)},
		{"R5 a role that a group is mapped to needs a replacement", atDoor(mappedRole)},
		{"O2 an organization goes with its connections and its policy", atDoor(deleteConnected)},
		{"P1 U4 nobody makes an identity of a connection's but the host", atDoor(forgedIdentity)},
	}
}

func connections(w *world) {
	org := w.Org("Acme")
	w.Declare()
	var c tenancy.Connection
	events := w.emits(func() (err error) {
		c, err = w.Svc.Connections.Create(w.Ctx, tenancy.NewConnection{
			OrganizationID: org.ID, Protocol: tenancy.ProtocolSAML, Provider: "okta", Name: " Okta ", Issuer: "https://idp.example/1",
			Settings: map[string]string{"sso_url": "https://idp.example"}, Groups: map[string]string{"Eng": servicetest.Auditor},
		})
		return err
	}, some(tenancy.EventConnectionCreated))
	w.tells(events[0], event{kind: tenancy.EventConnectionCreated, org: org.ID, subject: c.ID.String(), data: c})
	w.Equal("Okta", c.Name)
	w.Equal(tenancy.ConnectionInactive, c.State)
	update := func(in tenancy.ConnectionUpdate) func() error {
		return func() (err error) { c, err = w.Svc.Connections.Update(w.Ctx, org.ID, c.ID, in); return err }
	}
	w.silent(update(tenancy.ConnectionUpdate{Name: servicetest.Ptr("Okta"), Groups: &map[string]string{"Eng": servicetest.Auditor}}))
	w.Clock.Advance(1e9)
	events = w.emits(update(tenancy.ConnectionUpdate{
		Version: 1, State: servicetest.Ptr(tenancy.ConnectionActive), Issuer: servicetest.Ptr(""), Settings: tenancy.Patch{"sso_url": nil, "cert": servicetest.Ptr("x")},
		Groups: &map[string]string{},
	}), some(tenancy.EventConnectionUpdated))
	w.tells(events[0], event{
		kind: tenancy.EventConnectionUpdated, org: org.ID, subject: c.ID.String(), data: c,
		previous: `{"issuer":"https://idp.example/1","epoch":1,"sessions_epoch":1,"state":"inactive","settings":{"sso_url":"https://idp.example"},"groups":{"Eng":"auditor"}}`,
	})
	w.Equal(map[string]string{"cert": "x"}, c.Settings)
	w.Nil(c.Groups)
	w.refuses(tenancy.ErrConflict, "version", func() error { // G11
		_, err := w.Svc.Connections.Update(w.Ctx, org.ID, c.ID, tenancy.ConnectionUpdate{Version: 1, Name: servicetest.Ptr("New")})
		return err
	})
	got, err := w.Svc.Connections.Get(w.Ctx, org.ID, c.ID)
	w.NoError(err)
	w.Equal(c, got)
	second := w.Connect(org, "Second")
	page, err := w.Svc.Connections.List(w.Ctx, org.ID, tenancy.ConnectionQuery{State: tenancy.ConnectionActive})
	w.NoError(err)
	w.Equal([]tenancy.Connection{c, second}, page.Items)
	page, err = w.Svc.Connections.List(w.Ctx, org.ID, tenancy.ConnectionQuery{State: tenancy.ConnectionInactive})
	w.NoError(err)
	w.Empty(page.Items)
	w.emits(func() error { return w.Svc.Connections.Delete(w.Ctx, org.ID, c.ID) },
		event{kind: tenancy.EventConnectionDeleted, org: org.ID, subject: c.ID.String(), data: c})
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.Svc.Connections.Delete(w.Ctx, org.ID, c.ID) })
}

func foreignConnection(d *door) {
	for name, call := range map[string]func() error{
		"get": func() error { _, err := d.Svc.Connections.Get(d.Ctx, d.beta.ID, d.okta.ID); return err },
		"update": func() error {
			_, err := d.Svc.Connections.Update(d.Ctx, d.beta.ID, d.okta.ID, tenancy.ConnectionUpdate{Name: servicetest.Ptr("Mine")})
			return err
		},
		"delete": func() error { return d.Svc.Connections.Delete(d.Ctx, d.beta.ID, d.okta.ID) },
		"domain policy": func() error {
			_, err := d.Svc.Policies.Set(d.Ctx, d.beta.ID, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
			return err
		},
		"organization policy": func() error {
			_, err := d.Svc.Policies.Set(d.Ctx, d.beta.ID, tenancy.PolicyUpdate{
				Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: d.okta.ID},
			})
			return err
		},
	} {
		d.each(name, func(w *world) { w.refuses(tenancy.ErrNotFound, "", call) })
	}
}

func mostConnections(w *world) {
	org := w.Org("Acme")
	w.Connect(org, "One")
	w.Connect(org, "Two")
	w.refuses(tenancy.ErrInvalid, "connections", func() error {
		_, err := w.Svc.Connections.Create(w.Ctx, tenancy.NewConnection{OrganizationID: org.ID, Protocol: tenancy.ProtocolSAML, Name: "Three"})
		return err
	})
	w.Connect(w.Org("Other"), "One")
}

func groupCeiling(w *world) {
	h := newHouse(w)
	c := w.Connect(h.acme, "Okta")
	set := func(s *tenancy.Service, groups map[string]string) func() error {
		return func() error {
			_, err := s.Connections.Update(w.Ctx, h.at.org, c.ID, tenancy.ConnectionUpdate{Groups: &groups})
			return err
		}
	}
	for name, s := range map[string]*tenancy.Service{"the host": w.Svc, "an owner": h.as("owner")} {
		w.each("owner, by "+name, func(w *world) { w.refuses(tenancy.ErrInvalid, "groups", set(s, map[string]string{"g": rbac.Owner})) })
	}
	w.refuses(tenancy.ErrUnknownRole, "groups", set(w.Svc, map[string]string{"g": "org-beta"}))
	w.refuses(tenancy.ErrUnknownRole, "groups", set(w.Svc, map[string]string{"g": ""}))
	few := w.Svc.As(tenancy.ServicePrincipal("few", h.at.org, "tenancy:connections:write", servicetest.ReadDocs))
	w.NoError(set(few, map[string]string{"readers": servicetest.Helper})())
	w.refuses(tenancy.ErrForbidden, "roles", set(few, map[string]string{"readers": servicetest.Editor}))
	w.refuses(tenancy.ErrForbidden, "roles", set(few, map[string]string{"readers": servicetest.Helper, "admins": rbac.Admin}))
	w.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := few.Connections.Create(w.Ctx, tenancy.NewConnection{
			OrganizationID: h.at.org, Protocol: tenancy.ProtocolOIDC, Name: "Mine", Groups: map[string]string{"g": servicetest.Editor},
		})
		return err
	})
	// What others mapped higher they neither move nor take, and may leave.
	w.NoError(set(w.Svc, map[string]string{"readers": servicetest.Helper, "admins": rbac.Admin})())
	w.refuses(tenancy.ErrForbidden, "roles", set(few, map[string]string{"readers": servicetest.Helper, "admins": servicetest.Helper}))
	w.refuses(tenancy.ErrForbidden, "roles", set(few, map[string]string{}))
	w.NoError(set(few, map[string]string{"admins": rbac.Admin})())
}

func deleteConnection(d *door) {
	d.Declare()
	d.Maps(d.okta, map[string]string{"eng": servicetest.Auditor})
	d.admitting()
	ann := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example", "eng"))
	d.Equal([]string{servicetest.Auditor}, d.rolesAt(d.acme, ann.User))
	bob := d.User("bob")
	d.Add(d.acme, bob, servicetest.Clerk)
	both := d.enters(servicetest.Through(d.okta, "s-2", "bob@acme.example", "eng"))
	d.Equal([]string{servicetest.Clerk, servicetest.Auditor}, d.rolesAt(d.acme, bob))
	other := d.enters(servicetest.ByMail("bob@acme.example"))
	d.Link(bob, google("g-1", "", false))

	events := d.emits(func() error { return d.Svc.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID) },
		some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged),
		some(tenancy.EventIdentityUnlinked), some(tenancy.EventIdentityUnlinked), some(tenancy.EventConnectionDeleted))
	d.JSONEq(`{"roles":["auditor"]}`, string(events[0].Previous))
	d.Equal([]string{rbac.Member}, d.rolesAt(d.acme, ann.User)) // at least one
	d.Equal(tenancy.RoleManual, d.Member(d.acme, ann.User).Assignments[0].Source)
	d.Equal([]string{servicetest.Clerk}, d.rolesAt(d.acme, bob)) // by hand, and so it stays
	d.False(d.stands(ann) || d.stands(both))
	d.True(d.stands(other))
	d.Empty(d.identities(ann.User))
	d.Len(d.identities(bob), 1)
	d.unchanged(func() {
		_, err := d.Svc.SignIn(d.Ctx, servicetest.Through(d.okta, "s-1", "ann@acme.example"))
		d.Failed(err, tenancy.ErrNotFound, "")
	})
}

func deleteAbove(d *door) {
	d.Declare()
	d.admitting()
	few := d.Svc.As(tenancy.ServicePrincipal("few", d.acme.ID, "tenancy:connections:write", servicetest.ReadDocs))
	above := func() error { return few.Connections.Delete(d.Ctx, d.acme.ID, d.okta.ID) }
	d.Maps(d.okta, map[string]string{"admins": rbac.Admin})
	d.refuses(tenancy.ErrForbidden, "roles", above) // what it maps
	d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example", "admins"))
	d.Maps(d.okta, map[string]string{})
	d.refuses(tenancy.ErrForbidden, "roles", above) // what it gave
	d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example"))
	d.refuses(tenancy.ErrForbidden, "roles", above) // the owner, whose address it speaks for
	d.NoError(d.Svc.Domains.Release(d.Ctx, d.acme.ID, d.domain.ID))
	d.NoError(above())
}

func connectionInUse(d *door) {
	second := d.Connect(d.acme, "Second")
	off := func(c tenancy.Connection) func() error {
		return func() error {
			_, err := d.Svc.Connections.Update(d.Ctx, c.OrganizationID, c.ID, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
			return err
		}
	}
	remove := func(c tenancy.Connection) func() error {
		return func() error { return d.Svc.Connections.Delete(d.Ctx, c.OrganizationID, c.ID) }
	}
	for name, p := range map[string]tenancy.PolicyUpdate{
		"by the domain policy": {Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}, Organization: &tenancy.OrganizationPolicy{}},
		"by the organization policy": {
			Domain: &tenancy.DomainPolicy{}, Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: d.okta.ID},
		},
	} {
		d.each(name, func(w *world) {
			w.demand(d.acme, p)
			w.refuses(tenancy.ErrConnectionInUse, "", off(d.okta))
			w.refuses(tenancy.ErrConnectionInUse, "", remove(d.okta))
		})
	}
	// Any will do: the last one stays.
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}, Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	d.NoError(remove(second)())
	d.refuses(tenancy.ErrConnectionInUse, "", remove(d.okta))
	d.refuses(tenancy.ErrConnectionInUse, "", off(d.okta))
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{}})
	d.NoError(off(d.okta)())
	d.NoError(remove(d.okta)())
}

func mappedRole(d *door) {
	d.Declare()
	d.OwnRoles(d.acme.ID)
	d.Maps(d.okta, map[string]string{"eng": servicetest.Editor, "all": rbac.Guest, "aud": servicetest.Auditor})
	d.Maps(d.entra, map[string]string{"aud": servicetest.Auditor})
	remove := func(org tenancy.OrganizationID, slug, replacement string) func() error {
		return func() error { return d.Svc.Roles.Delete(d.Ctx, org, slug, replacement) }
	}
	refusal := d.refuses(tenancy.ErrRoleInUse, "", remove(d.acme.ID, servicetest.Editor, ""))
	d.Equal(1, refusal.Counts["group_mappings"])
	d.refuses(tenancy.ErrInvalid, "replacement", remove(d.acme.ID, servicetest.Editor, rbac.Owner))
	d.emits(remove(d.acme.ID, servicetest.Editor, servicetest.Helper), some(tenancy.EventConnectionUpdated), some(tenancy.EventRoleDeleted))
	c, err := d.Svc.Connections.Get(d.Ctx, d.acme.ID, d.okta.ID)
	d.NoError(err)
	d.Equal(map[string]string{"eng": servicetest.Helper, "all": rbac.Guest, "aud": servicetest.Auditor}, c.Groups)

	// A declared one, everywhere.
	d.NoError(d.Svc.Roles.Delete(d.Ctx, tenancy.OrganizationID{}, servicetest.Clerk, rbac.Guest))
	refusal = d.refuses(tenancy.ErrRoleInUse, "", remove(tenancy.OrganizationID{}, servicetest.Auditor, ""))
	d.Equal(2, refusal.Counts["group_mappings"])
	d.NoError(remove(tenancy.OrganizationID{}, servicetest.Auditor, rbac.Guest)())
	c, err = d.Svc.Connections.Get(d.Ctx, d.beta.ID, d.entra.ID)
	d.NoError(err)
	d.Equal(map[string]string{"aud": rbac.Guest}, c.Groups)
}

func deleteConnected(d *door) {
	d.admitting()
	ann := d.enters(servicetest.Through(d.okta, "s-1", "ann@acme.example"))
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	d.NoError(d.Svc.Organizations.Delete(d.Ctx, d.acme.ID))
	d.Empty(d.identities(ann.User))
	dump := d.Dump()
	d.Len(dump.Connections, 1) // beta's
	d.Empty(dump.Policies)
}

func forgedIdentity(d *door) {
	eve := d.User("eve")
	me := d.Svc.As(tenancy.UserPrincipal(eve.ID))
	forged := tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "ceo"}
	d.refuses(tenancy.ErrForbidden, "", func() error { _, err := me.Identities.Link(d.Ctx, eve.ID, forged); return err })
	d.refuses(tenancy.ErrInvalid, "provider", func() error { _, err := d.Svc.Identities.Resolve(d.Ctx, forged); return err })
	d.Link(eve, forged) // an import
	for _, provider := range []string{"con_", "con_1", tenancy.ConnectionID(servicetest.Nowhere).String()} {
		d.refuses(tenancy.ErrInvalid, "provider", func() error {
			_, err := d.Svc.Identities.Link(d.Ctx, eve.ID, tenancy.NewIdentity{Provider: provider, Subject: "ceo"})
			return err
		})
	}
}
