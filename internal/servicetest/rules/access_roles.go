package rules

import (
	"maps"

	"github.com/freehold-dev/freehold/internal/servicetest"
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
		{"M10 one role more or less, and the others stay as they came", on(oneRole)},
		{"M10 roles added at once are all there", on(rolesAtOnce)},
		{"R2 a declared role ranks by its place, behind the built-in ones", on(declaredBehind)},
	}
}

func ownRoleChanges(w *world) {
	w.Declare()
	org := w.Org("Acme").ID
	var role tenancy.Role
	events := w.emits(func() (err error) {
		role, err = w.Svc.Roles.Create(w.Ctx, org, tenancy.NewRole{
			Slug: servicetest.Editor, Name: "Editor", Description: "Edits", Extends: servicetest.Auditor, Grants: []rbac.Grant{"documents:write", "documents:write"},
		})
		return err
	}, some(tenancy.EventRoleCreated))
	w.tells(events[0], event{kind: tenancy.EventRoleCreated, org: org, subject: role.ID.String(), data: role})
	w.Equal([]rbac.Grant{"documents:write"}, role.Grants)
	got, err := w.Svc.Roles.Get(w.Ctx, org, servicetest.Editor)
	w.NoError(err)
	w.Equal(role, got)
	update := func(in tenancy.RoleUpdate) func() error {
		return func() (err error) { role, err = w.Svc.Roles.Update(w.Ctx, org, servicetest.Editor, in); return err }
	}
	w.silent(update(tenancy.RoleUpdate{Name: servicetest.Ptr("Editor"), Add: []rbac.Grant{"documents:write"}, Remove: []rbac.Grant{"billing.see"}})) // G8
	events = w.emits(update(tenancy.RoleUpdate{Add: []rbac.Grant{"billing.see"}, Remove: []rbac.Grant{"documents:write"}}), some(tenancy.EventRoleUpdated))
	w.tells(events[0], event{kind: tenancy.EventRoleUpdated, org: org, subject: role.ID.String(), data: role, previous: `{"grants":["documents:write"]}`})
	w.Equal([]rbac.Grant{"billing.see"}, role.Grants)
	w.NoError(update(tenancy.RoleUpdate{
		Grants: servicetest.Ptr([]rbac.Grant{"documents:read"}), Add: []rbac.Grant{"documents:*"},
		Extends: servicetest.Ptr(""), Description: servicetest.Ptr(""),
	})())
	w.Equal([]rbac.Grant{"documents:*", "documents:read"}, role.Grants)
	w.Empty(role.Extends + role.Description)
	w.Equal(servicetest.Editor, role.Slug)
	w.refuses(tenancy.ErrUnknownRole, "slug", func() error {
		_, err := w.Svc.Roles.Update(w.Ctx, org, "org-none", tenancy.RoleUpdate{})
		return err
	})
	// Slugs are each organization's own.
	other := w.Org("Other").ID
	w.Role(other, servicetest.Editor, "")
	list, err := w.Svc.Roles.List(w.Ctx, other)
	w.NoError(err)
	w.Len(list, 4+2+1)
	w.NoError(w.Svc.Organizations.Delete(w.Ctx, other))
	w.Len(w.Dump().Roles, 3)
}

func priorities(w *world) {
	w.Declare()
	org, ada := w.Org("Acme"), w.User("ada")
	w.OwnRoles(org.ID)
	w.Role(org.ID, "org-third", "")
	m := w.Add(org, ada, "org-third", servicetest.Helper, servicetest.Editor, servicetest.Auditor, rbac.Guest, servicetest.Clerk)
	w.Equal([]string{rbac.Guest, servicetest.Clerk, servicetest.Auditor, servicetest.Editor, servicetest.Helper, "org-third"}, m.Roles) // built in 400, declared 450, 500, own in order made
	w.NoError(w.Svc.Roles.Reorder(w.Ctx, org.ID, "org-third", servicetest.Helper, servicetest.Editor))
	w.Equal([]string{rbac.Guest, servicetest.Clerk, servicetest.Auditor, "org-third", servicetest.Helper, servicetest.Editor}, w.Member(org, ada).Roles)
	w.silent(func() error {
		return w.Svc.Roles.Reorder(w.Ctx, org.ID, "org-third", servicetest.Helper, servicetest.Editor)
	})
	_, err := w.Svc.Roles.Update(w.Ctx, org.ID, "org-third", tenancy.RoleUpdate{Priority: servicetest.Ptr(5000)})
	w.NoError(err)
	w.Equal([]string{rbac.Guest, servicetest.Clerk, servicetest.Auditor, servicetest.Helper, servicetest.Editor, "org-third"}, w.Member(org, ada).Roles)
	for name, slugs := range map[string][]string{
		"one missing": {servicetest.Editor, servicetest.Helper}, "one twice": {servicetest.Editor, servicetest.Helper, servicetest.Helper},
		"one more": {servicetest.Editor, servicetest.Helper, "org-third", servicetest.Auditor},
		"none":     nil, "another's": {servicetest.Editor, servicetest.Helper, "org-other"},
	} {
		w.each(name, func(w *world) {
			w.refuses(tenancy.ErrInvalid, "roles", func() error { return w.Svc.Roles.Reorder(w.Ctx, org.ID, slugs...) })
		})
	}
}

func roleInUse(w *world) {
	w.Declare()
	org := w.Org("Acme")
	w.OwnRoles(org.ID)
	drop := func() error { return w.Svc.Roles.Delete(w.Ctx, org.ID, servicetest.Editor, "") }
	counts := func(want map[string]int) {
		w.T.Helper()
		got := w.refuses(tenancy.ErrRoleInUse, "", drop).Counts
		maps.DeleteFunc(got, func(_ string, n int) bool { return n == 0 })
		maps.DeleteFunc(want, func(_ string, n int) bool { return n == 0 })
		w.Equal(want, got)
	}
	m := w.Add(org, w.User("ada"), servicetest.Editor)
	counts(map[string]int{"members": 1, "roles": 0, "defaults": 0})
	w.Assign(m, servicetest.Editor, tenancy.RoleDirectory, "group")
	w.Role(org.ID, "org-child", servicetest.Editor)
	_, err := w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr(servicetest.Editor), CreatorRole: servicetest.Ptr(servicetest.Editor)})
	w.NoError(err)
	counts(map[string]int{"members": 1, "roles": 1, "defaults": 1})
	w.NoError(w.Svc.Roles.Delete(w.Ctx, org.ID, servicetest.Editor, servicetest.Helper))
	events := w.emits(func() error { return w.Svc.Roles.Delete(w.Ctx, org.ID, "org-child", "") }, some(tenancy.EventRoleDeleted))
	w.Equal(org.ID, events[0].OrganizationID)
	w.refuses(tenancy.ErrUnknownRole, "slug", drop)
}

func replaceRole(w *world) {
	w.Declare()
	org, ada, bob, eve := w.Org("Acme"), w.User("ada"), w.User("bob"), w.User("eve")
	w.OwnRoles(org.ID)
	w.Role(org.ID, "org-child", servicetest.Editor)
	w.Add(org, ada, servicetest.Editor)
	both := w.Add(org, bob, servicetest.Editor, servicetest.Helper) // collapses
	w.Assign(both, servicetest.Editor, tenancy.RoleDirectory, "g-1")
	w.Add(org, eve, servicetest.Editor, rbac.Guest)
	w.Deactivate(org, eve) // an inactive one moves too
	_, err := w.Svc.Organizations.Update(w.Ctx, org.ID, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr(servicetest.Editor), CreatorRole: servicetest.Ptr(servicetest.Editor)})
	w.NoError(err)
	events := w.emits(func() error { return w.Svc.Roles.Delete(w.Ctx, org.ID, servicetest.Editor, servicetest.Helper) },
		some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged),
		some(tenancy.EventOrganizationUpdated), some(tenancy.EventRoleUpdated), some(tenancy.EventRoleDeleted))
	w.Contains(string(events[5].Data), `"replacement":"`+servicetest.Helper+`"`)
	w.Equal([]string{servicetest.Helper}, w.Member(org, ada).Roles)
	w.Equal([]string{rbac.Guest, servicetest.Helper}, w.Member(org, eve).Roles)
	sources := map[tenancy.RoleSource]int{}
	for _, a := range w.Member(org, bob).Assignments {
		w.Equal(servicetest.Helper, a.Role)
		sources[a.Source]++
	}
	w.Equal(map[tenancy.RoleSource]int{tenancy.RoleManual: 1, tenancy.RoleDirectory: 1}, sources)
	child, err := w.Svc.Roles.Get(w.Ctx, org.ID, "org-child")
	w.NoError(err)
	w.Equal(servicetest.Helper, child.Extends)
	settings := w.getOrg(org.ID).Settings
	w.Equal([]string{servicetest.Helper, servicetest.Helper}, []string{settings.DefaultRole, settings.CreatorRole})
	w.consistent()
	// A child that replaces its parent takes the parent's place.
	w.Role(org.ID, "org-top", "")
	w.Role(org.ID, "org-under", "org-top")
	w.NoError(w.Svc.Roles.Delete(w.Ctx, org.ID, "org-top", "org-under"))
	under, err := w.Svc.Roles.Get(w.Ctx, org.ID, "org-under")
	w.NoError(err)
	w.Empty(under.Extends)
	// Behind a grandchild there would be a cycle.
	w.Role(org.ID, "org-one", "")
	w.Role(org.ID, "org-two", "org-one")
	w.Role(org.ID, "org-three", "org-two")
	w.refuses(tenancy.ErrInvalid, "replacement", func() error { return w.Svc.Roles.Delete(w.Ctx, org.ID, "org-one", "org-three") })
}

func replaceDeclared(w *world) {
	w.Declare()
	ada, org, other := w.User("ada"), w.Org("Acme"), w.Org("Other")
	w.OwnRoles(org.ID)
	w.Add(org, ada, servicetest.Auditor)
	w.Add(other, ada, servicetest.Auditor, servicetest.Clerk)
	w.Role(other.ID, "org-child", servicetest.Auditor)
	_, err := w.Svc.Organizations.Update(w.Ctx, other.ID, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr(servicetest.Auditor)})
	w.NoError(err)
	refusal := w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.Svc.Roles.Delete(w.Ctx, tenancy.OrganizationID{}, servicetest.Auditor, "") })
	w.Subset(refusal.Counts, map[string]int{"members": 2, "roles": 3, "defaults": 1}) // clerk, editor, org-child
	w.NoError(w.Svc.Roles.Delete(w.Ctx, tenancy.OrganizationID{}, servicetest.Auditor, rbac.Guest))
	w.Equal([]string{rbac.Guest}, w.Member(org, ada).Roles)
	w.Equal([]string{rbac.Guest, servicetest.Clerk}, w.Member(other, ada).Roles)
	w.Equal(rbac.Guest, w.getOrg(other.ID).Settings.DefaultRole)
	for _, r := range w.Dump().Roles {
		w.NotEqual(servicetest.Auditor, r.Extends)
	}
	w.consistent()
}

func deleteRefused(w *world) {
	w.Declare()
	org, other := w.Org("Acme").ID, w.Org("Other").ID
	w.OwnRoles(org)
	w.Role(other, "org-theirs", "")
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
		"a declared one by an org":  {org, servicetest.Clerk, "", tenancy.ErrInvalid, "slug"},
		"an own one without an org": {none, servicetest.Editor, "", tenancy.ErrInvalid, "slug"},
		"unknown":                   {org, "org-none", "", tenancy.ErrUnknownRole, "slug"},
		"another organization's":    {org, "org-theirs", "", tenancy.ErrUnknownRole, "slug"},
		"itself":                    {org, servicetest.Editor, servicetest.Editor, tenancy.ErrInvalid, "replacement"},
		"by an unknown one":         {org, servicetest.Editor, "king", tenancy.ErrUnknownRole, "replacement"},
		"by another organization's": {org, servicetest.Editor, "org-theirs", tenancy.ErrUnknownRole, "replacement"},
		"a declared by an own one":  {none, servicetest.Clerk, servicetest.Editor, tenancy.ErrInvalid, "replacement"},
	} {
		w.each(name, func(w *world) {
			w.refuses(c.code, c.field, func() error { return w.Svc.Roles.Delete(w.Ctx, c.org, c.slug, c.replacement) })
		})
	}
}

func manualOnly(w *world) {
	w.Declare()
	org, ada := w.Org("Acme"), w.User("ada")
	w.OwnRoles(org.ID)
	m := w.Add(org, ada, rbac.Guest)
	w.Assign(m, servicetest.Editor, tenancy.RoleDirectory, "g-1")
	w.Assign(m, servicetest.Editor, tenancy.RoleDirectory, "g-2")
	w.Assign(m, rbac.Guest, tenancy.RoleSingleSignOn, "c-1")
	w.Assign(m, servicetest.Helper, tenancy.RoleInvitation, "i-1")
	w.Assign(m, servicetest.Auditor, tenancy.RoleDomain, "d-1")
	set := func(slugs ...string) []string {
		got, err := w.Svc.Memberships.SetRoles(w.Ctx, org.ID, ada.ID, slugs...)
		w.NoError(err)
		return got.Roles
	}
	w.Equal([]string{rbac.Admin, rbac.Guest, servicetest.Auditor, servicetest.Editor}, set(rbac.Admin)) // a person chose what the invitation gave
	w.Equal([]string{rbac.Guest, servicetest.Auditor, servicetest.Editor}, set())                       // other sources give roles enough
	w.Equal([]string{rbac.Guest, servicetest.Auditor, servicetest.Editor}, set(servicetest.Editor))
	manual := 0
	for _, a := range w.Member(org, ada).Assignments {
		if a.Source == tenancy.RoleManual {
			manual++
			w.Equal(servicetest.Editor, a.Role)
		}
	}
	w.Equal(1, manual)
	w.Len(w.Member(org, ada).Assignments, 5)
}
