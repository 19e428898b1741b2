package servicetest

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func organizationRules() []rule {
	return []rule{
		{"O1 create, with an owner", on(createOrganization)},
		{"O1 create is all or nothing", on(createRefused)},
		{"G4 keys are unique, and free after deletion", on(organizationKeys)},
		{"G5 names are kept in NFC, without white space around", on(normalNames)},
		{"G8 update tells what changed, and only that", on(updateOrganization)},
		{"O2 states and operations", on(organizationStates)},
		{"O2 suspension outlives the archive", on(suspensionKept)},
		{"O2 delete takes everything in it", on(deleteOrganization)},
		{"O2 over the limit: archive, purge, delete", with(func(c *tenancy.Config) { c.DeleteLimit = 3 }, purge)},
		{"O3 settings, absent is not zero", on(settings)},
	}
}

func createOrganization(w *world) {
	ada := w.user("ada")
	var org tenancy.Organization
	in := tenancy.NewOrganization{
		DisplayName: "Acme", Slug: "acme", ExternalID: "crm-1", Metadata: map[string]string{"plan": "pro"}, Owner: ada.ID,
		Settings: tenancy.Settings{SeatLimit: 5, DefaultRole: "guest", CreatorRole: "admin", Features: map[string]bool{"beta": false}},
	}
	events := w.emits(func() (err error) {
		org, err = w.svc.Organizations.Create(w.ctx, in)
		return err
	}, some(tenancy.EventOrganizationCreated), some(tenancy.EventMembershipCreated))
	member := w.member(org, ada)
	w.tells(events[0], ofOrg(tenancy.EventOrganizationCreated, org, ""))
	w.tells(events[1], about(tenancy.EventMembershipCreated, member))
	w.Equal(org, w.getOrg(org.ID))
	w.Equal(int64(1), org.Version)
	w.Equal(in.Settings, org.Settings)
	w.Equal(in.Metadata, org.Metadata)
	w.Equal([]string{rbac.Admin}, member.Roles)
	w.Equal(tenancy.JoinedCreated, member.JoinedVia)
	w.Equal(tenancy.MembershipActive, member.Status)

	plain := w.owned("Plain", ada)
	w.Equal([]string{rbac.Owner}, w.member(plain, ada).Roles) // the creator role of the application
	w.Empty(plain.Slug)
	for _, find := range []func() (tenancy.Organization, error){
		func() (tenancy.Organization, error) { return w.svc.Organizations.GetBySlug(w.ctx, "acme") },
		func() (tenancy.Organization, error) { return w.svc.Organizations.GetByExternalID(w.ctx, "crm-1") },
	} {
		got, err := find()
		w.NoError(err)
		w.Equal(org, got)
	}
}

func createRefused(w *world) {
	ada, gone := w.user("ada"), w.user("gone")
	_, err := w.svc.Users.Merge(w.ctx, gone.ID, ada.ID)
	w.NoError(err)
	for owner, code := range map[tenancy.UserID]tenancy.Code{nobody: tenancy.ErrNotFound, gone.ID: tenancy.ErrMerged} {
		w.refuses(code, "", func() error {
			_, err := w.svc.Organizations.Create(w.ctx, tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", Owner: owner})
			return err
		})
	}
}

func organizationKeys(w *world) {
	acme := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", ExternalID: "X-1"})
	other := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme"}) // names may repeat
	for field, in := range map[string]tenancy.OrganizationUpdate{
		"slug": {Slug: ptr("acme")}, "external_id": {ExternalID: ptr("X-1")},
	} {
		w.refuses(tenancy.ErrAlreadyExists, field, func() error {
			_, err := w.svc.Organizations.Update(w.ctx, other.ID, in)
			return err
		})
	}
	_, err := w.svc.Organizations.Update(w.ctx, acme.ID, tenancy.OrganizationUpdate{Slug: ptr("")})
	w.NoError(err)
	_, err = w.svc.Organizations.Update(w.ctx, other.ID, tenancy.OrganizationUpdate{Slug: ptr("acme"), ExternalID: ptr("x-1")})
	w.NoError(err) // freed; and an external id is exact
	w.NoError(w.svc.Organizations.Delete(w.ctx, acme.ID))
	w.newOrg(tenancy.NewOrganization{DisplayName: "Heir", ExternalID: "X-1"})
}

func normalNames(w *world) {
	org := w.org(" \tCafe\u0301 \u00a0")
	w.Equal("Café", org.DisplayName)
	user := w.newUser(tenancy.NewUser{Email: "Ada@ACME.example", GivenName: " Ada ", FamilyName: "Lovelace"})
	w.Equal("Ada", user.GivenName)
	w.Equal("Ada Lovelace", user.Name())
	w.Equal("Ada@ACME.example", user.Email) // U1: as given, beside its canonical form
	w.Equal("ada@acme.example", user.EmailKey)
}

func updateOrganization(w *world) {
	org := w.newOrg(tenancy.NewOrganization{
		DisplayName: "Acme", Slug: "acme", ExternalID: "x-1", Metadata: map[string]string{"a": "1"},
		Settings: tenancy.Settings{SeatLimit: 3},
	})
	w.clock.advance(1)
	change := func(in tenancy.OrganizationUpdate, previous string) {
		w.t.Helper()
		var after tenancy.Organization
		got := w.emits(func() (err error) { after, err = w.svc.Organizations.Update(w.ctx, org.ID, in); return err },
			some(tenancy.EventOrganizationUpdated))
		w.tells(got[0], ofOrg(tenancy.EventOrganizationUpdated, after, previous))
		w.Equal(org.Version+1, after.Version)
		w.Equal(after, w.getOrg(org.ID))
		org = after
	}
	for _, same := range []tenancy.OrganizationUpdate{
		{},
		{Version: 1},
		{DisplayName: ptr("Acme")},
		{DisplayName: ptr(" Acme ")},
		{Slug: ptr("acme"), ExternalID: ptr("x-1"), SeatLimit: ptr(3), DefaultRole: ptr(""), CreatorRole: ptr("")},
		{Metadata: tenancy.Patch{"a": ptr("1"), "b": nil}, Features: map[string]*bool{"f": nil}},
	} {
		w.silent(func() error {
			got, err := w.svc.Organizations.Update(w.ctx, org.ID, same)
			w.Equal(org, got)
			return err
		})
	}
	change(tenancy.OrganizationUpdate{DisplayName: ptr("Acme Two")}, `{"display_name":"Acme"}`)
	change(tenancy.OrganizationUpdate{Slug: ptr("")}, `{"slug":"acme"}`)
	change(tenancy.OrganizationUpdate{Slug: ptr("two")}, `{"slug":null}`)
	change(tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"a": nil}}, `{"metadata":{"a":"1"}}`)
	change(tenancy.OrganizationUpdate{SeatLimit: ptr(0)}, `{"settings":{"seat_limit":3}}`)
	change(tenancy.OrganizationUpdate{DisplayName: ptr("acme two"), ExternalID: ptr("y")}, `{"display_name":"Acme Two","external_id":"x-1"}`)
}

// organizationState is what an organization is in when an operation meets it.
type organizationState struct {
	name                string
	suspended, archived bool
}

func organizationStates(w *world) {
	states := []organizationState{{"live", false, false}, {"suspended", true, false}, {"archived", false, true}, {"both", true, true}}
	s := w.svc
	type op struct {
		name string
		do   func(id tenancy.OrganizationID) error
		to   func(organizationState) organizationState
		kind tenancy.EventType
	}
	ops := []op{
		{
			"suspend", func(id tenancy.OrganizationID) error { _, err := s.Organizations.Suspend(w.ctx, id); return err },
			func(o organizationState) organizationState { o.suspended = true; return o }, tenancy.EventOrganizationSuspended,
		},
		{
			"resume", func(id tenancy.OrganizationID) error { _, err := s.Organizations.Resume(w.ctx, id); return err },
			func(o organizationState) organizationState { o.suspended = false; return o }, tenancy.EventOrganizationResumed,
		},
		{
			"archive", func(id tenancy.OrganizationID) error { _, err := s.Organizations.Archive(w.ctx, id); return err },
			func(o organizationState) organizationState { o.archived = true; return o }, tenancy.EventOrganizationArchived,
		},
		{
			"restore", func(id tenancy.OrganizationID) error { _, err := s.Organizations.Restore(w.ctx, id); return err },
			func(o organizationState) organizationState { o.archived = false; return o }, tenancy.EventOrganizationRestored,
		},
	}
	for _, state := range states {
		for _, op := range ops {
			w.each(state.name+"/"+op.name, func(w *world) {
				before := w.inState(state)
				want := op.to(state)
				if want == state {
					w.silent(func() error { return op.do(before.ID) })
					return
				}
				w.clock.advance(1e9)
				got := w.emits(func() error { return op.do(before.ID) }, some(op.kind))
				after := w.getOrg(before.ID)
				w.tells(got[0], ofOrg(op.kind, after, anything))
				w.Equal(want.suspended, !after.SuspendedAt.IsZero())
				w.Equal(want.archived, !after.ArchivedAt.IsZero())
				w.Equal(before.Version+1, after.Version)
				w.Equal(before.DisplayName, after.DisplayName)
			})
		}
		w.each(state.name+"/the host may do the rest", func(w *world) { w.hostMay(w.inState(state)) })
	}
}

// inState makes an organization in a state.
func (w *world) inState(state organizationState) tenancy.Organization {
	w.t.Helper()
	org := w.org("Org " + state.name)
	var err error
	if state.suspended {
		org, err = w.svc.Organizations.Suspend(w.ctx, org.ID)
		w.NoError(err)
	}
	if state.archived {
		org = w.archive(org)
	}
	return org
}

// hostMay: M14, no way in but the host's; and nothing is lost (O2).
func (w *world) hostMay(org tenancy.Organization) {
	w.t.Helper()
	user := w.newUser(tenancy.NewUser{Email: fmt.Sprintf("u%d@acme.example", len(w.dump().Users))})
	w.add(org, user)
	w.deactivate(org, user)
	_, err := w.svc.Memberships.Reactivate(w.ctx, org.ID, user.ID)
	w.NoError(err)
	page, err := w.svc.Memberships.List(w.ctx, org.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 1)
	_, err = w.svc.Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"k": ptr("v")}})
	w.NoError(err)
	w.NoError(w.svc.Organizations.Delete(w.ctx, org.ID))
	_, err = w.svc.Organizations.Get(w.ctx, org.ID)
	w.failed(err, tenancy.ErrNotFound, "")
}

func suspensionKept(w *world) {
	org := w.org("Acme")
	suspended, err := w.svc.Organizations.Suspend(w.ctx, org.ID)
	w.NoError(err)
	w.clock.advance(1e9)
	archived := w.archive(org)
	w.Equal(suspended.SuspendedAt, archived.SuspendedAt)
	restored, err := w.svc.Organizations.Restore(w.ctx, org.ID)
	w.NoError(err)
	w.Equal(suspended.SuspendedAt, restored.Organization.SuspendedAt)
	w.Empty(restored.Deactivated)
}

func deleteOrganization(w *world) {
	ada, bob := w.user("ada"), w.user("bob")
	acme := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", ExternalID: "x-1", Owner: ada.ID})
	other := w.owned("Other", ada)
	w.add(acme, bob, rbac.Admin, rbac.Member)
	w.pend(acme, w.user("pending"))
	stays := w.member(other, ada)
	w.emits(func() error { return w.svc.Organizations.Delete(w.ctx, acme.ID) }, event{
		kind: tenancy.EventOrganizationDeleted, org: acme.ID, subject: acme.ID.String(),
		data: struct {
			tenancy.Organization
			Removed map[string]int `json:"removed"`
		}{acme, map[string]int{"memberships": 3, "role_assignments": 3}},
	})
	d := w.dump()
	w.Len(d.Organizations, 1)
	w.Len(d.Memberships, 1)
	w.Len(d.RoleAssignments, 1)
	w.Len(d.Users, 3) // users stay
	w.Equal(stays, w.member(other, ada))
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.svc.Organizations.Delete(w.ctx, acme.ID) })
	w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", ExternalID: "x-1"})
}

func purge(w *world) {
	ada := w.user("ada")
	acme := w.owned("Acme", ada)
	w.members(acme, 4)
	e := w.refuses(tenancy.ErrTooLarge, "", func() error { return w.svc.Organizations.Delete(w.ctx, acme.ID) })
	w.Equal(map[string]int{"memberships": 5}, e.Counts)
	n := 0
	purge := func(most int) func() error {
		return func() (err error) { n, err = w.svc.Organizations.Purge(w.ctx, acme.ID, most); return err }
	}
	w.refuses(tenancy.ErrInvalid, "organization", purge(2))
	w.archive(acme)
	w.refuses(tenancy.ErrInvalid, "n", purge(4))
	w.refuses(tenancy.ErrInvalid, "n", purge(0))
	purged := event{kind: tenancy.EventOrganizationPurged, org: acme.ID, subject: acme.ID.String()}
	for _, want := range []int{3, 2} { // M7 aside: the owner goes as well
		purged.data = map[string]int{"memberships": want, "role_assignments": want}
		w.emits(purge(3), purged)
		w.Equal(want, n)
	}
	w.silent(purge(3))
	w.Zero(n)
	w.NoError(w.svc.Organizations.Delete(w.ctx, acme.ID))
	w.Len(w.dump().Users, 5)
	w.Empty(w.dump().RoleAssignments)

	// Three are not too many.
	small := w.org("Small")
	for _, user := range w.dump().Users[:3] {
		w.add(small, user)
	}
	w.NoError(w.svc.Organizations.Delete(w.ctx, small.ID))
}

func settings(w *world) {
	org := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{
		SeatLimit: 2, DefaultRole: rbac.Guest, CreatorRole: rbac.Member, Features: map[string]bool{"on": true, "off": false},
	}})
	got := w.getOrg(org.ID).Settings
	_, absent := got.Features["other"]
	off, present := got.Features["off"]
	w.False(absent)
	w.True(present)
	w.False(off)
	w.Equal([]string{rbac.Guest}, w.add(org, w.user("ada")).Roles) // M1

	got.Features["on"] = false // the caller's own copy
	w.True(w.getOrg(org.ID).Settings.Features["on"])
	update := func(in tenancy.OrganizationUpdate) tenancy.Settings {
		w.t.Helper()
		org, err := w.svc.Organizations.Update(w.ctx, org.ID, in)
		w.NoError(err)
		return org.Settings
	}
	s := update(tenancy.OrganizationUpdate{Features: map[string]*bool{"on": nil, "new": ptr(true)}})
	w.Equal(map[string]bool{"off": false, "new": true}, s.Features)
	s = update(tenancy.OrganizationUpdate{
		SeatLimit: ptr(0), DefaultRole: ptr(""), CreatorRole: ptr(""), Features: map[string]*bool{"off": nil, "new": nil},
	})
	w.Equal(tenancy.Settings{}, s)
	w.Equal([]string{rbac.Member}, w.add(org, w.user("bob")).Roles) // the application's default again

	guests := w.another(func(c *tenancy.Config) { c.DefaultRole, c.CreatorRole = rbac.Guest, rbac.Admin })
	eve := w.user("eve")
	m, err := guests.Memberships.Add(context.Background(), adding(org, eve))
	w.NoError(err)
	w.Equal([]string{rbac.Guest}, m.Roles)
	made, err := guests.Organizations.Create(w.ctx, tenancy.NewOrganization{DisplayName: "Eve's", Owner: eve.ID})
	w.NoError(err)
	w.Equal([]string{rbac.Admin}, w.member(made, eve).Roles)
}
