package servicetest

import (
	"maps"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func roleRules() []rule {
	return []rule{
		{"R2 an organization's own roles", on(ownRoleChanges)},
		{"R4 priorities: the first role is the primary one", on(priorities)},
		{"R5 a role in use needs a replacement", on(roleInUse)},
		{"R5 a replacement takes over members, children and defaults", on(replaceRole)},
		{"R5 a declared role is replaced everywhere", on(replaceDeclared)},
		{"R5 what cannot be deleted, and replacements that are none", on(deleteRefused)},
		{"M10 SetRoles strips only what a person chose", on(manualOnly)},
	}
}

func ownRoleChanges(w *world) {
	w.declare()
	org := w.org("Acme").ID
	var role tenancy.Role
	events := w.emits(func() (err error) {
		role, err = w.svc.Roles.Create(w.ctx, org, tenancy.NewRole{
			Slug: editor, Name: "Editor", Description: "Edits", Extends: auditor, Grants: []rbac.Grant{"documents:write", "documents:write"},
		})
		return err
	}, some(tenancy.EventRoleCreated))
	w.tells(events[0], event{kind: tenancy.EventRoleCreated, org: org, subject: role.ID.String(), data: role})
	w.Equal([]rbac.Grant{"documents:write"}, role.Grants)
	got, err := w.svc.Roles.Get(w.ctx, org, editor)
	w.NoError(err)
	w.Equal(role, got)
	update := func(in tenancy.RoleUpdate) func() error {
		return func() (err error) { role, err = w.svc.Roles.Update(w.ctx, org, editor, in); return err }
	}
	w.silent(update(tenancy.RoleUpdate{Name: ptr("Editor"), Add: []rbac.Grant{"documents:write"}, Remove: []rbac.Grant{"billing.see"}})) // G8
	events = w.emits(update(tenancy.RoleUpdate{Add: []rbac.Grant{"billing.see"}, Remove: []rbac.Grant{"documents:write"}}), some(tenancy.EventRoleUpdated))
	w.tells(events[0], event{kind: tenancy.EventRoleUpdated, org: org, subject: role.ID.String(), data: role, previous: `{"grants":["documents:write"]}`})
	w.Equal([]rbac.Grant{"billing.see"}, role.Grants)
	w.NoError(update(tenancy.RoleUpdate{Grants: ptr([]rbac.Grant{"documents:read"}), Add: []rbac.Grant{"documents:*"}, Extends: ptr(""), Description: ptr("")})())
	w.Equal([]rbac.Grant{"documents:*", "documents:read"}, role.Grants)
	w.Empty(role.Extends + role.Description)
	w.Equal(editor, role.Slug)
	w.refuses(tenancy.ErrUnknownRole, "slug", func() error {
		_, err := w.svc.Roles.Update(w.ctx, org, "org-none", tenancy.RoleUpdate{})
		return err
	})
	// Slugs are each organization's own.
	other := w.org("Other").ID
	w.role(other, editor, "")
	list, err := w.svc.Roles.List(w.ctx, other)
	w.NoError(err)
	w.Len(list, 4+2+1)
	w.NoError(w.svc.Organizations.Delete(w.ctx, other))
	w.Len(w.dump().Roles, 3)
}

func priorities(w *world) {
	w.declare()
	org, ada := w.org("Acme"), w.user("ada")
	w.ownRoles(org.ID)
	w.role(org.ID, "org-third", "")
	m := w.add(org, ada, "org-third", helper, editor, auditor, rbac.Guest, clerk)
	w.Equal([]string{rbac.Guest, clerk, auditor, editor, helper, "org-third"}, m.Roles) // built in 400, declared 450, 500, own in order made
	w.NoError(w.svc.Roles.Reorder(w.ctx, org.ID, "org-third", helper, editor))
	w.Equal([]string{rbac.Guest, clerk, auditor, "org-third", helper, editor}, w.member(org, ada).Roles)
	w.silent(func() error { return w.svc.Roles.Reorder(w.ctx, org.ID, "org-third", helper, editor) })
	_, err := w.svc.Roles.Update(w.ctx, org.ID, "org-third", tenancy.RoleUpdate{Priority: ptr(5000)})
	w.NoError(err)
	w.Equal([]string{rbac.Guest, clerk, auditor, helper, editor, "org-third"}, w.member(org, ada).Roles)
	for name, slugs := range map[string][]string{
		"one missing": {editor, helper}, "one twice": {editor, helper, helper}, "one more": {editor, helper, "org-third", auditor},
		"none": nil, "another's": {editor, helper, "org-other"},
	} {
		w.each(name, func(w *world) {
			w.refuses(tenancy.ErrInvalid, "roles", func() error { return w.svc.Roles.Reorder(w.ctx, org.ID, slugs...) })
		})
	}
}

func roleInUse(w *world) {
	w.declare()
	org := w.org("Acme")
	w.ownRoles(org.ID)
	drop := func() error { return w.svc.Roles.Delete(w.ctx, org.ID, editor, "") }
	counts := func(want map[string]int) {
		w.t.Helper()
		got := w.refuses(tenancy.ErrRoleInUse, "", drop).Counts
		maps.DeleteFunc(got, func(_ string, n int) bool { return n == 0 })
		maps.DeleteFunc(want, func(_ string, n int) bool { return n == 0 })
		w.Equal(want, got)
	}
	m := w.add(org, w.user("ada"), editor)
	counts(map[string]int{"members": 1, "roles": 0, "defaults": 0})
	w.assign(m, editor, tenancy.RoleDirectory, "group")
	w.role(org.ID, "org-child", editor)
	_, err := w.svc.Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{DefaultRole: ptr(editor), CreatorRole: ptr(editor)})
	w.NoError(err)
	counts(map[string]int{"members": 1, "roles": 1, "defaults": 1})
	w.NoError(w.svc.Roles.Delete(w.ctx, org.ID, editor, helper))
	events := w.emits(func() error { return w.svc.Roles.Delete(w.ctx, org.ID, "org-child", "") }, some(tenancy.EventRoleDeleted))
	w.Equal(org.ID, events[0].OrganizationID)
	w.refuses(tenancy.ErrUnknownRole, "slug", drop)
}

func replaceRole(w *world) {
	w.declare()
	org, ada, bob, eve := w.org("Acme"), w.user("ada"), w.user("bob"), w.user("eve")
	w.ownRoles(org.ID)
	w.role(org.ID, "org-child", editor)
	w.add(org, ada, editor)
	both := w.add(org, bob, editor, helper) // collapses
	w.assign(both, editor, tenancy.RoleDirectory, "g-1")
	w.add(org, eve, editor, rbac.Guest)
	w.deactivate(org, eve) // an inactive one moves too
	_, err := w.svc.Organizations.Update(w.ctx, org.ID, tenancy.OrganizationUpdate{DefaultRole: ptr(editor), CreatorRole: ptr(editor)})
	w.NoError(err)
	events := w.emits(func() error { return w.svc.Roles.Delete(w.ctx, org.ID, editor, helper) },
		some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged),
		some(tenancy.EventRoleUpdated), some(tenancy.EventOrganizationUpdated), some(tenancy.EventRoleDeleted))
	w.Contains(string(events[5].Data), `"replacement":"`+helper+`"`)
	w.Equal([]string{helper}, w.member(org, ada).Roles)
	w.Equal([]string{rbac.Guest, helper}, w.member(org, eve).Roles)
	sources := map[tenancy.RoleSource]int{}
	for _, a := range w.member(org, bob).Assignments {
		w.Equal(helper, a.Role)
		sources[a.Source]++
	}
	w.Equal(map[tenancy.RoleSource]int{tenancy.RoleManual: 1, tenancy.RoleDirectory: 1}, sources)
	child, err := w.svc.Roles.Get(w.ctx, org.ID, "org-child")
	w.NoError(err)
	w.Equal(helper, child.Extends)
	settings := w.getOrg(org.ID).Settings
	w.Equal([]string{helper, helper}, []string{settings.DefaultRole, settings.CreatorRole})
	w.consistent()
	// A child that replaces its parent takes the parent's place.
	w.role(org.ID, "org-top", "")
	w.role(org.ID, "org-under", "org-top")
	w.NoError(w.svc.Roles.Delete(w.ctx, org.ID, "org-top", "org-under"))
	under, err := w.svc.Roles.Get(w.ctx, org.ID, "org-under")
	w.NoError(err)
	w.Empty(under.Extends)
	// Behind a grandchild there would be a cycle.
	w.role(org.ID, "org-one", "")
	w.role(org.ID, "org-two", "org-one")
	w.role(org.ID, "org-three", "org-two")
	w.refuses(tenancy.ErrInvalid, "replacement", func() error { return w.svc.Roles.Delete(w.ctx, org.ID, "org-one", "org-three") })
}

func replaceDeclared(w *world) {
	w.declare()
	ada, org, other := w.user("ada"), w.org("Acme"), w.org("Other")
	w.ownRoles(org.ID)
	w.add(org, ada, auditor)
	w.add(other, ada, auditor, clerk)
	w.role(other.ID, "org-child", auditor)
	_, err := w.svc.Organizations.Update(w.ctx, other.ID, tenancy.OrganizationUpdate{DefaultRole: ptr(auditor)})
	w.NoError(err)
	refusal := w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.svc.Roles.Delete(w.ctx, tenancy.OrganizationID{}, auditor, "") })
	w.Subset(refusal.Counts, map[string]int{"members": 2, "roles": 3, "defaults": 1}) // clerk, editor, org-child
	w.NoError(w.svc.Roles.Delete(w.ctx, tenancy.OrganizationID{}, auditor, rbac.Guest))
	w.Equal([]string{rbac.Guest}, w.member(org, ada).Roles)
	w.Equal([]string{rbac.Guest, clerk}, w.member(other, ada).Roles)
	w.Equal(rbac.Guest, w.getOrg(other.ID).Settings.DefaultRole)
	for _, r := range w.dump().Roles {
		w.NotEqual(auditor, r.Extends)
	}
	w.consistent()
}

func deleteRefused(w *world) {
	w.declare()
	org, other := w.org("Acme").ID, w.org("Other").ID
	w.ownRoles(org)
	w.role(other, "org-theirs", "")
	none := tenancy.OrganizationID{}
	for name, c := range map[string]struct {
		org               tenancy.OrganizationID
		slug, replacement string
		code              tenancy.Code
		field             string
	}{
		"owner":                     {none, rbac.Owner, rbac.Admin, tenancy.ErrInvalid, "slug"},
		"member":                    {none, rbac.Member, rbac.Guest, tenancy.ErrInvalid, "slug"},
		"a built-in one by an org":  {org, rbac.Guest, "", tenancy.ErrInvalid, "slug"},
		"a declared one by an org":  {org, clerk, "", tenancy.ErrInvalid, "slug"},
		"an own one without an org": {none, editor, "", tenancy.ErrInvalid, "slug"},
		"unknown":                   {org, "org-none", "", tenancy.ErrUnknownRole, "slug"},
		"another organization's":    {org, "org-theirs", "", tenancy.ErrUnknownRole, "slug"},
		"itself":                    {org, editor, editor, tenancy.ErrInvalid, "replacement"},
		"by an unknown one":         {org, editor, "king", tenancy.ErrUnknownRole, "replacement"},
		"by another organization's": {org, editor, "org-theirs", tenancy.ErrUnknownRole, "replacement"},
		"a declared by an own one":  {none, clerk, editor, tenancy.ErrInvalid, "replacement"},
	} {
		w.each(name, func(w *world) {
			w.refuses(c.code, c.field, func() error { return w.svc.Roles.Delete(w.ctx, c.org, c.slug, c.replacement) })
		})
	}
}

func manualOnly(w *world) {
	w.declare()
	org, ada := w.org("Acme"), w.user("ada")
	w.ownRoles(org.ID)
	m := w.add(org, ada, rbac.Guest)
	w.assign(m, editor, tenancy.RoleDirectory, "g-1")
	w.assign(m, editor, tenancy.RoleDirectory, "g-2")
	w.assign(m, rbac.Guest, tenancy.RoleSingleSignOn, "c-1")
	w.assign(m, helper, tenancy.RoleInvitation, "i-1")
	w.assign(m, auditor, tenancy.RoleDomain, "d-1")
	set := func(slugs ...string) []string {
		got, err := w.svc.Memberships.SetRoles(w.ctx, org.ID, ada.ID, slugs...)
		w.NoError(err)
		return got.Roles
	}
	w.Equal([]string{rbac.Admin, rbac.Guest, auditor, editor}, set(rbac.Admin)) // a person chose what the invitation gave
	w.Equal([]string{rbac.Guest, auditor, editor}, set())                       // other sources give roles enough
	w.Equal([]string{rbac.Guest, auditor, editor}, set(editor))
	manual := 0
	for _, a := range w.member(org, ada).Assignments {
		if a.Source == tenancy.RoleManual {
			manual++
			w.Equal(editor, a.Role)
		}
	}
	w.Equal(1, manual)
	w.Len(w.member(org, ada).Assignments, 5)
}
