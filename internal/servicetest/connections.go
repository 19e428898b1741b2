package servicetest

import (
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
	org := w.org("Acme")
	w.declare()
	var c tenancy.Connection
	events := w.emits(func() (err error) {
		c, err = w.svc.Connections.Create(w.ctx, tenancy.NewConnection{
			OrganizationID: org.ID, Protocol: tenancy.ProtocolSAML, Provider: "okta", Name: " Okta ", Issuer: "https://idp.example/1",
			Settings: map[string]string{"sso_url": "https://idp.example"}, Groups: map[string]string{"Eng": auditor},
		})
		return err
	}, some(tenancy.EventConnectionCreated))
	w.tells(events[0], event{kind: tenancy.EventConnectionCreated, org: org.ID, subject: c.ID.String(), data: c})
	w.Equal("Okta", c.Name)
	w.Equal(tenancy.ConnectionInactive, c.State)
	update := func(in tenancy.ConnectionUpdate) func() error {
		return func() (err error) { c, err = w.svc.Connections.Update(w.ctx, org.ID, c.ID, in); return err }
	}
	w.silent(update(tenancy.ConnectionUpdate{Name: ptr("Okta"), Groups: &map[string]string{"Eng": auditor}}))
	w.clock.advance(1e9)
	events = w.emits(update(tenancy.ConnectionUpdate{
		Version: 1, State: ptr(tenancy.ConnectionActive), Issuer: ptr(""), Settings: tenancy.Patch{"sso_url": nil, "cert": ptr("x")},
		Groups: &map[string]string{},
	}), some(tenancy.EventConnectionUpdated))
	w.tells(events[0], event{
		kind: tenancy.EventConnectionUpdated, org: org.ID, subject: c.ID.String(), data: c,
		previous: `{"issuer":"https://idp.example/1","epoch":1,"sessions_epoch":1,"state":"inactive","settings":{"sso_url":"https://idp.example"},"groups":{"Eng":"auditor"}}`,
	})
	w.Equal(map[string]string{"cert": "x"}, c.Settings)
	w.Nil(c.Groups)
	w.refuses(tenancy.ErrConflict, "version", func() error { // G11
		_, err := w.svc.Connections.Update(w.ctx, org.ID, c.ID, tenancy.ConnectionUpdate{Version: 1, Name: ptr("New")})
		return err
	})
	got, err := w.svc.Connections.Get(w.ctx, org.ID, c.ID)
	w.NoError(err)
	w.Equal(c, got)
	second := w.connect(org, "Second")
	page, err := w.svc.Connections.List(w.ctx, org.ID, tenancy.ConnectionQuery{State: tenancy.ConnectionActive})
	w.NoError(err)
	w.Equal([]tenancy.Connection{c, second}, page.Items)
	page, err = w.svc.Connections.List(w.ctx, org.ID, tenancy.ConnectionQuery{State: tenancy.ConnectionInactive})
	w.NoError(err)
	w.Empty(page.Items)
	w.emits(func() error { return w.svc.Connections.Delete(w.ctx, org.ID, c.ID) },
		event{kind: tenancy.EventConnectionDeleted, org: org.ID, subject: c.ID.String(), data: c})
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.svc.Connections.Delete(w.ctx, org.ID, c.ID) })
}

func foreignConnection(d *door) {
	for name, call := range map[string]func() error{
		"get": func() error { _, err := d.svc.Connections.Get(d.ctx, d.beta.ID, d.okta.ID); return err },
		"update": func() error {
			_, err := d.svc.Connections.Update(d.ctx, d.beta.ID, d.okta.ID, tenancy.ConnectionUpdate{Name: ptr("Mine")})
			return err
		},
		"delete": func() error { return d.svc.Connections.Delete(d.ctx, d.beta.ID, d.okta.ID) },
		"domain policy": func() error {
			_, err := d.svc.Policies.Set(d.ctx, d.beta.ID, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
			return err
		},
		"organization policy": func() error {
			_, err := d.svc.Policies.Set(d.ctx, d.beta.ID, tenancy.PolicyUpdate{
				Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: d.okta.ID},
			})
			return err
		},
	} {
		d.each(name, func(w *world) { w.refuses(tenancy.ErrNotFound, "", call) })
	}
}

func mostConnections(w *world) {
	org := w.org("Acme")
	w.connect(org, "One")
	w.connect(org, "Two")
	w.refuses(tenancy.ErrInvalid, "connections", func() error {
		_, err := w.svc.Connections.Create(w.ctx, tenancy.NewConnection{OrganizationID: org.ID, Protocol: tenancy.ProtocolSAML, Name: "Three"})
		return err
	})
	w.connect(w.org("Other"), "One")
}

func groupCeiling(w *world) {
	h := newHouse(w)
	c := w.connect(h.acme, "Okta")
	set := func(s *tenancy.Service, groups map[string]string) func() error {
		return func() error {
			_, err := s.Connections.Update(w.ctx, h.at.org, c.ID, tenancy.ConnectionUpdate{Groups: &groups})
			return err
		}
	}
	for name, s := range map[string]*tenancy.Service{"the host": w.svc, "an owner": h.as("owner")} {
		w.each("owner, by "+name, func(w *world) { w.refuses(tenancy.ErrInvalid, "groups", set(s, map[string]string{"g": rbac.Owner})) })
	}
	w.refuses(tenancy.ErrUnknownRole, "groups", set(w.svc, map[string]string{"g": "org-beta"}))
	w.refuses(tenancy.ErrUnknownRole, "groups", set(w.svc, map[string]string{"g": ""}))
	few := w.svc.As(tenancy.ServicePrincipal("few", h.at.org, "tenancy:connections:write", rbac.Grant(readDocs)))
	w.NoError(set(few, map[string]string{"readers": helper})())
	w.refuses(tenancy.ErrForbidden, "roles", set(few, map[string]string{"readers": editor}))
	w.refuses(tenancy.ErrForbidden, "roles", set(few, map[string]string{"readers": helper, "admins": rbac.Admin}))
	w.refuses(tenancy.ErrForbidden, "roles", func() error {
		_, err := few.Connections.Create(w.ctx, tenancy.NewConnection{
			OrganizationID: h.at.org, Protocol: tenancy.ProtocolOIDC, Name: "Mine", Groups: map[string]string{"g": editor},
		})
		return err
	})
	// What others mapped higher they neither move nor take, and may leave.
	w.NoError(set(w.svc, map[string]string{"readers": helper, "admins": rbac.Admin})())
	w.refuses(tenancy.ErrForbidden, "roles", set(few, map[string]string{"readers": helper, "admins": helper}))
	w.refuses(tenancy.ErrForbidden, "roles", set(few, map[string]string{}))
	w.NoError(set(few, map[string]string{"admins": rbac.Admin})())
}

func deleteConnection(d *door) {
	d.declare()
	d.maps(d.okta, map[string]string{"eng": auditor})
	d.admitting()
	ann := d.enters(through(d.okta, "s-1", "ann@acme.example", "eng"))
	d.Equal([]string{auditor}, d.rolesAt(d.acme, ann.User))
	bob := d.user("bob")
	d.add(d.acme, bob, clerk)
	both := d.enters(through(d.okta, "s-2", "bob@acme.example", "eng"))
	d.Equal([]string{clerk, auditor}, d.rolesAt(d.acme, bob))
	other := d.enters(byMail("bob@acme.example"))
	d.link(bob, google("g-1", "", false))

	events := d.emits(func() error { return d.svc.Connections.Delete(d.ctx, d.acme.ID, d.okta.ID) },
		some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged),
		some(tenancy.EventIdentityUnlinked), some(tenancy.EventIdentityUnlinked), some(tenancy.EventConnectionDeleted))
	d.JSONEq(`{"roles":["auditor"]}`, string(events[0].Previous))
	d.Equal([]string{rbac.Member}, d.rolesAt(d.acme, ann.User)) // at least one
	d.Equal(tenancy.RoleManual, d.member(d.acme, ann.User).Assignments[0].Source)
	d.Equal([]string{clerk}, d.rolesAt(d.acme, bob)) // by hand, and so it stays
	d.False(d.stands(ann) || d.stands(both))
	d.True(d.stands(other))
	d.Empty(d.identities(ann.User))
	d.Len(d.identities(bob), 1)
	d.unchanged(func() {
		_, err := d.svc.SignIn(d.ctx, through(d.okta, "s-1", "ann@acme.example"))
		d.failed(err, tenancy.ErrNotFound, "")
	})
}

func deleteAbove(d *door) {
	d.declare()
	d.admitting()
	few := d.svc.As(tenancy.ServicePrincipal("few", d.acme.ID, "tenancy:connections:write", rbac.Grant(readDocs)))
	above := func() error { return few.Connections.Delete(d.ctx, d.acme.ID, d.okta.ID) }
	d.maps(d.okta, map[string]string{"admins": rbac.Admin})
	d.refuses(tenancy.ErrForbidden, "roles", above) // what it maps
	d.enters(through(d.okta, "s-1", "ann@acme.example", "admins"))
	d.maps(d.okta, map[string]string{})
	d.refuses(tenancy.ErrForbidden, "roles", above) // what it gave
	d.enters(through(d.okta, "s-1", "ann@acme.example"))
	d.refuses(tenancy.ErrForbidden, "roles", above) // the owner, whose address it speaks for
	d.NoError(d.svc.Domains.Release(d.ctx, d.acme.ID, d.domain.ID))
	d.NoError(above())
}

func connectionInUse(d *door) {
	second := d.connect(d.acme, "Second")
	off := func(c tenancy.Connection) func() error {
		return func() error {
			_, err := d.svc.Connections.Update(d.ctx, c.OrganizationID, c.ID, tenancy.ConnectionUpdate{State: ptr(tenancy.ConnectionInactive)})
			return err
		}
	}
	remove := func(c tenancy.Connection) func() error {
		return func() error { return d.svc.Connections.Delete(d.ctx, c.OrganizationID, c.ID) }
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
	d.declare()
	d.ownRoles(d.acme.ID)
	d.maps(d.okta, map[string]string{"eng": editor, "all": rbac.Guest, "aud": auditor})
	d.maps(d.entra, map[string]string{"aud": auditor})
	remove := func(org tenancy.OrganizationID, slug, replacement string) func() error {
		return func() error { return d.svc.Roles.Delete(d.ctx, org, slug, replacement) }
	}
	refusal := d.refuses(tenancy.ErrRoleInUse, "", remove(d.acme.ID, editor, ""))
	d.Equal(1, refusal.Counts["group_mappings"])
	d.refuses(tenancy.ErrInvalid, "replacement", remove(d.acme.ID, editor, rbac.Owner))
	d.emits(remove(d.acme.ID, editor, helper), some(tenancy.EventConnectionUpdated), some(tenancy.EventRoleDeleted))
	c, err := d.svc.Connections.Get(d.ctx, d.acme.ID, d.okta.ID)
	d.NoError(err)
	d.Equal(map[string]string{"eng": helper, "all": rbac.Guest, "aud": auditor}, c.Groups)

	// A declared one, everywhere.
	d.NoError(d.svc.Roles.Delete(d.ctx, tenancy.OrganizationID{}, clerk, rbac.Guest))
	refusal = d.refuses(tenancy.ErrRoleInUse, "", remove(tenancy.OrganizationID{}, auditor, ""))
	d.Equal(2, refusal.Counts["group_mappings"])
	d.NoError(remove(tenancy.OrganizationID{}, auditor, rbac.Guest)())
	c, err = d.svc.Connections.Get(d.ctx, d.beta.ID, d.entra.ID)
	d.NoError(err)
	d.Equal(map[string]string{"aud": rbac.Guest}, c.Groups)
}

func deleteConnected(d *door) {
	d.admitting()
	ann := d.enters(through(d.okta, "s-1", "ann@acme.example"))
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	d.NoError(d.svc.Organizations.Delete(d.ctx, d.acme.ID))
	d.Empty(d.identities(ann.User))
	dump := d.dump()
	d.Len(dump.Connections, 1) // beta's
	d.Empty(dump.Policies)
}

func forgedIdentity(d *door) {
	eve := d.user("eve")
	me := d.svc.As(tenancy.UserPrincipal(eve.ID))
	forged := tenancy.NewIdentity{Provider: d.okta.ID.String(), Subject: "ceo"}
	d.refuses(tenancy.ErrForbidden, "", func() error { _, err := me.Identities.Link(d.ctx, eve.ID, forged); return err })
	d.refuses(tenancy.ErrInvalid, "provider", func() error { _, err := d.svc.Identities.Resolve(d.ctx, forged); return err })
	d.link(eve, forged) // an import
	for _, provider := range []string{"con_", "con_1", tenancy.ConnectionID(nowhere).String()} {
		d.refuses(tenancy.ErrInvalid, "provider", func() error {
			_, err := d.svc.Identities.Link(d.ctx, eve.ID, tenancy.NewIdentity{Provider: provider, Subject: "ceo"})
			return err
		})
	}
}
