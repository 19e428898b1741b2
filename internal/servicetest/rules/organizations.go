package rules

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func organizationRules() []rule {
	return []rule{
		{"O1 create, with an owner", on(createOrganization)},
		{"O1 create is all or nothing", on(createRefused)},
		{"G4 keys are unique, and an external id is free after deletion", on(organizationKeys)},
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
	ada := w.User("ada")
	var org tenancy.Organization
	in := tenancy.NewOrganization{
		DisplayName: "Acme", Slug: "acme", ExternalID: "crm-1", Metadata: map[string]string{"plan": "pro"}, Owner: ada.ID,
		Settings: tenancy.Settings{SeatLimit: 5, DefaultRole: "guest", CreatorRole: "admin", Features: map[string]bool{"beta": false}},
	}
	events := w.emits(func() (err error) {
		org, err = w.Svc.Organizations.Create(w.Ctx, in)
		return err
	}, some(tenancy.EventOrganizationCreated), some(tenancy.EventMembershipCreated))
	member := w.Member(org, ada)
	w.tells(events[0], ofOrg(tenancy.EventOrganizationCreated, org, ""))
	w.tells(events[1], about(tenancy.EventMembershipCreated, member))
	w.Equal(org, w.getOrg(org.ID))
	w.Equal(int64(1), org.Version)
	w.Equal(in.Settings, org.Settings)
	w.Equal(in.Metadata, org.Metadata)
	w.Equal([]string{rbac.Admin}, member.Roles)
	w.Equal(tenancy.JoinedCreated, member.JoinedVia)
	w.Equal(tenancy.MembershipActive, member.Status)

	plain := w.Owned("Plain", ada)
	w.Equal([]string{rbac.Owner}, w.Member(plain, ada).Roles) // the creator role of the application
	w.Empty(plain.Slug)
	for _, find := range []func() (tenancy.Organization, error){
		func() (tenancy.Organization, error) { return w.Svc.Organizations.GetBySlug(w.Ctx, "acme") },
		func() (tenancy.Organization, error) { return w.Svc.Organizations.GetByExternalID(w.Ctx, "crm-1") },
	} {
		got, err := find()
		w.NoError(err)
		w.Equal(org, got)
	}
}

func createRefused(w *world) {
	ada, gone := w.User("ada"), w.User("gone")
	_, err := w.Svc.Users.Merge(w.Ctx, gone.ID, ada.ID)
	w.NoError(err)
	for owner, code := range map[tenancy.UserID]tenancy.Code{servicetest.Nobody: tenancy.ErrNotFound, gone.ID: tenancy.ErrMerged} {
		w.refuses(code, "", func() error {
			_, err := w.Svc.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", Owner: owner})
			return err
		})
	}
}

func organizationKeys(w *world) {
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", ExternalID: "X-1"})
	other := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme"}) // names may repeat
	for field, in := range map[string]tenancy.OrganizationUpdate{
		"slug": {Slug: servicetest.Ptr("acme")}, "external_id": {ExternalID: servicetest.Ptr("X-1")},
	} {
		w.refuses(tenancy.ErrAlreadyExists, field, func() error {
			_, err := w.Svc.Organizations.Update(w.Ctx, other.ID, in)
			return err
		})
	}
	_, err := w.Svc.Organizations.Update(w.Ctx, acme.ID, tenancy.OrganizationUpdate{Slug: servicetest.Ptr("")})
	w.NoError(err)
	_, err = w.Svc.Organizations.Update(w.Ctx, other.ID, tenancy.OrganizationUpdate{ExternalID: servicetest.Ptr("x-1")})
	w.NoError(err) // an external id is exact
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
	w.NewOrg(tenancy.NewOrganization{DisplayName: "Heir", ExternalID: "X-1"})
}

func normalNames(w *world) {
	org := w.Org(" \tCafe\u0301 \u00a0")
	w.Equal("Café", org.DisplayName)
	user := w.NewUser(tenancy.NewUser{Email: "Ada@ACME.example", GivenName: " Ada ", FamilyName: "Lovelace"})
	w.Equal("Ada", user.GivenName)
	w.Equal("Ada Lovelace", user.Name())
	w.Equal("Ada@ACME.example", user.Email) // U1: as given, beside its canonical form
	w.Equal("ada@acme.example", user.EmailKey)
}

func updateOrganization(w *world) {
	org := w.NewOrg(tenancy.NewOrganization{
		DisplayName: "Acme", Slug: "acme", ExternalID: "x-1", Metadata: map[string]string{"a": "1"},
		Settings: tenancy.Settings{SeatLimit: 3},
	})
	w.Clock.Advance(1)
	change := func(in tenancy.OrganizationUpdate, previous string) {
		w.T.Helper()
		var after tenancy.Organization
		got := w.emits(func() (err error) { after, err = w.Svc.Organizations.Update(w.Ctx, org.ID, in); return err },
			some(tenancy.EventOrganizationUpdated))
		w.tells(got[0], ofOrg(tenancy.EventOrganizationUpdated, after, previous))
		w.Equal(org.Version+1, after.Version)
		w.Equal(after, w.getOrg(org.ID))
		org = after
	}
	for _, same := range []tenancy.OrganizationUpdate{
		{},
		{Version: 1},
		{DisplayName: servicetest.Ptr("Acme")},
		{DisplayName: servicetest.Ptr(" Acme ")},
		{Slug: servicetest.Ptr("acme"), ExternalID: servicetest.Ptr("x-1"), SeatLimit: servicetest.Ptr(3), DefaultRole: servicetest.Ptr(""), CreatorRole: servicetest.Ptr("")},
		{Metadata: tenancy.Patch{"a": servicetest.Ptr("1"), "b": nil}, Features: map[string]*bool{"f": nil}},
	} {
		w.silent(func() error {
			got, err := w.Svc.Organizations.Update(w.Ctx, org.ID, same)
			w.Equal(org, got)
			return err
		})
	}
	change(tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("Acme Two")}, `{"display_name":"Acme"}`)
	change(tenancy.OrganizationUpdate{Slug: servicetest.Ptr("")}, `{"slug":"acme"}`)
	change(tenancy.OrganizationUpdate{Slug: servicetest.Ptr("two")}, `{"slug":null}`)
	change(tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"a": nil}}, `{"metadata":{"a":"1"}}`)
	change(tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(0)}, `{"settings":{"seat_limit":3}}`)
	change(tenancy.OrganizationUpdate{DisplayName: servicetest.Ptr("acme two"), ExternalID: servicetest.Ptr("y")}, `{"display_name":"Acme Two","external_id":"x-1"}`)
}

// organizationState is what an organization is in when an operation meets it.
type organizationState struct {
	name                string
	suspended, archived bool
}

func organizationStates(w *world) {
	states := []organizationState{{"live", false, false}, {"suspended", true, false}, {"archived", false, true}, {"both", true, true}}
	s := w.Svc
	type op struct {
		name string
		do   func(id tenancy.OrganizationID) error
		to   func(organizationState) organizationState
		kind tenancy.EventType
	}
	ops := []op{
		{
			"suspend", func(id tenancy.OrganizationID) error { _, err := s.Organizations.Suspend(w.Ctx, id); return err },
			func(o organizationState) organizationState { o.suspended = true; return o }, tenancy.EventOrganizationSuspended,
		},
		{
			"resume", func(id tenancy.OrganizationID) error { _, err := s.Organizations.Resume(w.Ctx, id); return err },
			func(o organizationState) organizationState { o.suspended = false; return o }, tenancy.EventOrganizationResumed,
		},
		{
			"archive", func(id tenancy.OrganizationID) error { _, err := s.Organizations.Archive(w.Ctx, id); return err },
			func(o organizationState) organizationState { o.archived = true; return o }, tenancy.EventOrganizationArchived,
		},
		{
			"restore", func(id tenancy.OrganizationID) error { _, err := s.Organizations.Restore(w.Ctx, id); return err },
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
				w.Clock.Advance(1e9)
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
	w.T.Helper()
	org := w.Org("Org " + state.name)
	var err error
	if state.suspended {
		org, err = w.Svc.Organizations.Suspend(w.Ctx, org.ID)
		w.NoError(err)
	}
	if state.archived {
		org = w.Archive(org)
	}
	return org
}

// hostMay: M14, no way in but the host's; and nothing is lost (O2).
func (w *world) hostMay(org tenancy.Organization) {
	w.T.Helper()
	user := w.NewUser(tenancy.NewUser{Email: fmt.Sprintf("u%d@acme.example", len(w.Dump().Users))})
	w.Add(org, user)
	w.Deactivate(org, user)
	_, err := w.Svc.Memberships.Reactivate(w.Ctx, org.ID, user.ID)
	w.NoError(err)
	page, err := w.Svc.Memberships.List(w.Ctx, org.ID, tenancy.MemberQuery{})
	w.NoError(err)
	w.Len(page.Items, 1)
	_, err = w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{Metadata: tenancy.Patch{"k": servicetest.Ptr("v")}})
	w.NoError(err)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, org.ID))
	_, err = w.Svc.Organizations.Get(w.Ctx, org.ID)
	w.Failed(err, tenancy.ErrNotFound, "")
}

func suspensionKept(w *world) {
	org := w.Org("Acme")
	suspended, err := w.Svc.Organizations.Suspend(w.Ctx, org.ID)
	w.NoError(err)
	w.Clock.Advance(1e9)
	archived := w.Archive(org)
	w.Equal(suspended.SuspendedAt, archived.SuspendedAt)
	restored, err := w.Svc.Organizations.Restore(w.Ctx, org.ID)
	w.NoError(err)
	w.Equal(suspended.SuspendedAt, restored.Organization.SuspendedAt)
	w.Empty(restored.Deactivated)
}

func deleteOrganization(w *world) {
	ada, bob := w.User("ada"), w.User("bob")
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", ExternalID: "x-1", Owner: ada.ID})
	other := w.Owned("Other", ada)
	w.Add(acme, bob, rbac.Admin, rbac.Member)
	w.pend(acme, w.User("pending"))
	stays := w.Member(other, ada)
	w.emits(func() error { return w.Svc.Organizations.Delete(w.Ctx, acme.ID) }, event{
		kind: tenancy.EventOrganizationDeleted, org: acme.ID, subject: acme.ID.String(),
		data: struct {
			tenancy.Organization
			Removed map[string]int `json:"removed"`
		}{acme, map[string]int{"memberships": 3, "role_assignments": 3}},
	})
	d := w.Dump()
	w.Len(d.Organizations, 1)
	w.Len(d.Memberships, 1)
	w.Len(d.RoleAssignments, 1)
	w.Len(d.Users, 3) // users stay
	w.Equal(stays, w.Member(other, ada))
	w.refuses(tenancy.ErrNotFound, "", func() error { return w.Svc.Organizations.Delete(w.Ctx, acme.ID) })
	w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", ExternalID: "x-1"})
}

func purge(w *world) {
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	w.Members(acme, 4)
	e := w.refuses(tenancy.ErrTooLarge, "", w.inOne(func(ctx context.Context, tx *tenancy.Service) error { return tx.Organizations.Delete(ctx, acme.ID) }))
	w.Equal(map[string]int{"memberships": 5}, e.Counts)
	n := 0
	purge := func(most int) func() error {
		return func() (err error) { n, err = w.Svc.Organizations.Purge(w.Ctx, acme.ID, most); return err }
	}
	w.refuses(tenancy.ErrInvalid, "organization", purge(2))
	w.Archive(acme)
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
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
	w.Len(w.Dump().Users, 5)
	w.Empty(w.Dump().RoleAssignments)

	// Three are not too many.
	small := w.Org("Small")
	for _, user := range w.Dump().Users[:3] {
		w.Add(small, user)
	}
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, small.ID))
}

func settings(w *world) {
	org := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Settings: tenancy.Settings{
		SeatLimit: 2, DefaultRole: rbac.Guest, CreatorRole: rbac.Member, Features: map[string]bool{"on": true, "off": false},
	}})
	got := w.getOrg(org.ID).Settings
	_, absent := got.Features["other"]
	off, present := got.Features["off"]
	w.False(absent)
	w.True(present)
	w.False(off)
	w.Equal([]string{rbac.Guest}, w.Add(org, w.User("ada")).Roles) // M1

	got.Features["on"] = false // the caller's own copy
	w.True(w.getOrg(org.ID).Settings.Features["on"])
	update := func(in tenancy.OrganizationUpdate) tenancy.Settings {
		w.T.Helper()
		org, err := w.Svc.Organizations.Update(w.Ctx, org.ID, in)
		w.NoError(err)
		return org.Settings
	}
	s := update(tenancy.OrganizationUpdate{Features: map[string]*bool{"on": nil, "new": servicetest.Ptr(true)}})
	w.Equal(map[string]bool{"off": false, "new": true}, s.Features)
	s = update(tenancy.OrganizationUpdate{
		SeatLimit: servicetest.Ptr(0), DefaultRole: servicetest.Ptr(""), CreatorRole: servicetest.Ptr(""), Features: map[string]*bool{"off": nil, "new": nil},
	})
	w.Equal(tenancy.Settings{}, s)
	w.Equal([]string{rbac.Member}, w.Add(org, w.User("bob")).Roles) // the application's default again

	guests := w.Another(func(c *tenancy.Config) { c.DefaultRole, c.CreatorRole = rbac.Guest, rbac.Admin })
	eve := w.User("eve")
	m, err := guests.Memberships.Add(context.Background(), servicetest.Adding(org, eve))
	w.NoError(err)
	w.Equal([]string{rbac.Guest}, m.Roles)
	made, err := guests.Organizations.Create(w.Ctx, tenancy.NewOrganization{DisplayName: "Eve's", Owner: eve.ID})
	w.NoError(err)
	w.Equal([]string{rbac.Admin}, w.Member(made, eve).Roles)
}
