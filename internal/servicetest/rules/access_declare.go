package rules

import (
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func declareRules() []rule {
	return []rule{
		{"R1 Declare adds and changes permissions, and never deletes", on(declarePermissions)},
		{"R1 an undeclared permission is unknown, a wildcard in a check invalid", on(undeclared)},
		{"R2 Declare adds and changes roles, and never deletes", on(declareRoles)},
		{"R2 Declare twice of as many roles as there may be", with(lowRoleLimits, declareMost)},
		{"R2 cycles and depth are refused", on(roleChains)},
		{"R2 a declaration may not make an organization's own roles too deep", on(deepUnderOwn)},
		{"R3 a default role never manages, whatever changes under it", on(defaultsStayHarmless)},
		{"R3 Config.DefaultRole may be declared later", with(func(c *tenancy.Config) { c.DefaultRole = servicetest.Auditor }, declaredDefault)},
		{"R5 Permissions.Delete takes it out of every role", on(deletePermission)},
	}
}

func declarePermissions(w *world) {
	declare := func(revision int64, list ...tenancy.PermissionSpec) func() error {
		return func() error { return w.Svc.Declare(w.Ctx, revision, tenancy.Schema{Permissions: list}) }
	}
	read := tenancy.PermissionSpec{Slug: servicetest.ReadDocs, Description: "See"}
	w.emits(declare(3, read, tenancy.PermissionSpec{Slug: servicetest.Billing}), some(tenancy.EventPermissionCreated), some(tenancy.EventPermissionCreated))
	w.silent(declare(3, read))
	w.silent(declare(3, read, tenancy.PermissionSpec{Slug: servicetest.Billing}))
	w.silent(declare(3)) // what is not named stays
	read.Description = "Look"
	w.silent(declare(2, read, tenancy.PermissionSpec{Slug: servicetest.WriteDocs})) // an older program
	events := w.emits(declare(3, read), some(tenancy.EventPermissionUpdated))
	w.JSONEq(`{"description":"See"}`, string(events[0].Previous))
	all, err := w.Svc.Permissions.List(w.Ctx)
	w.NoError(err)
	w.Len(all, 2+len(rbac.Management()))
	w.True(slices.IsSortedFunc(all, func(a, b tenancy.Permission) int { return compareSlugs(a.Slug, b.Slug) }))
	// All or nothing.
	w.refuses(tenancy.ErrInvalid, "permission", declare(4, tenancy.PermissionSpec{Slug: servicetest.WriteDocs}, tenancy.PermissionSpec{Slug: "tenancy:mine"}))
}

func compareSlugs(a, b rbac.Permission) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func undeclared(w *world) {
	w.Declare()
	ada := w.User("ada")
	org := w.Owned("Acme", ada)
	for permission, code := range map[rbac.Permission]tenancy.Code{
		"documents:burn": tenancy.ErrUnknownPermission, "Documents:read": tenancy.ErrUnknownPermission, "tenancy:burn": tenancy.ErrUnknownPermission,
		"documents:*": tenancy.ErrInvalid, "*": tenancy.ErrInvalid, "tenancy:*": tenancy.ErrInvalid, "": tenancy.ErrInvalid, "a b": tenancy.ErrInvalid,
	} {
		w.each(string(permission), func(w *world) {
			// Also for those whom it would not help: never silently false (R1).
			for _, user := range []tenancy.UserID{ada.ID, servicetest.Nobody} {
				_, err := w.Svc.Can(w.Ctx, user, org.ID, permission)
				w.Failed(err, code, "permission")
				w.Failed(w.Svc.Check(w.Ctx, user, org.ID, permission), code, "permission")
				_, err = w.Svc.Explain(w.Ctx, user, org.ID, permission)
				w.Failed(err, code, "permission")
			}
			_, err := w.Svc.MembersWith(w.Ctx, org.ID, permission, tenancy.MemberQuery{})
			w.Failed(err, code, "permission")
		})
	}
}

func declareRoles(w *world) {
	w.Declare()
	declare := func(revision int64, list ...tenancy.RoleSpec) func() error {
		return func() error { return w.Svc.Declare(w.Ctx, revision, tenancy.Schema{Roles: list}) }
	}
	cook := tenancy.RoleSpec{Slug: "cook", Name: "Cook", Extends: "washer", Grants: []rbac.Grant{"documents:write", "documents:read"}}
	washer := tenancy.RoleSpec{Slug: "washer"}
	w.emits(declare(3, cook, washer), some(tenancy.EventRoleCreated), some(tenancy.EventRoleCreated)) // the parent may come after
	w.silent(declare(3, cook, washer))
	cook.Grants = []rbac.Grant{"documents:read", "documents:write", "documents:read"} // the same in another order
	w.silent(declare(3, cook))
	w.silent(declare(3))
	cook.Name, cook.Grants = "Chef", []rbac.Grant{"documents:*"}
	w.silent(declare(2, cook, tenancy.RoleSpec{Slug: "late"}))
	events := w.emits(declare(3, cook), some(tenancy.EventRoleUpdated))
	w.JSONEq(`{"name":"Cook","grants":["documents:read","documents:write"]}`, string(events[0].Previous))
	org := w.Org("Acme").ID
	got, err := w.Svc.Roles.Get(w.Ctx, org, "cook")
	w.NoError(err)
	w.Equal("Chef", got.Name)
	w.Equal(int64(2), got.Version)
	// Built-in ones: what member grants is the host's; who owner and admin are is not.
	w.NoError(declare(3, tenancy.RoleSpec{Slug: rbac.Member, Grants: []rbac.Grant{"documents:read"}}, tenancy.RoleSpec{Slug: rbac.Guest})())
	ada := w.User("ada")
	w.Add(tenancy.Organization{ID: org}, ada)
	ok, err := w.Svc.Can(w.Ctx, ada.ID, org, servicetest.ReadDocs)
	w.NoError(err)
	w.True(ok)
	list, err := w.Svc.Roles.List(w.Ctx, org)
	w.NoError(err)
	var slugs []string
	for _, r := range list {
		slugs = append(slugs, r.Slug)
	}
	w.Equal([]string{rbac.Owner, rbac.Admin, rbac.Member, rbac.Guest, servicetest.Clerk, "cook", servicetest.Auditor, "washer"}, slugs) // R4: by priority
	w.refuses(tenancy.ErrInvalid, "roles", declare(3, tenancy.RoleSpec{Slug: "twice"}, tenancy.RoleSpec{Slug: "twice"}))
	w.refuses(tenancy.ErrInvalid, "slug", declare(3, tenancy.RoleSpec{Slug: "fine"}, tenancy.RoleSpec{Slug: rbac.Owner}))
	for _, call := range []func() error{ // declared roles are not edited at run time
		func() error {
			_, err := w.Svc.Roles.Update(w.Ctx, org, "cook", tenancy.RoleUpdate{Name: servicetest.Ptr("X")})
			return err
		},
		func() error {
			_, err := w.Svc.Roles.Update(w.Ctx, org, rbac.Member, tenancy.RoleUpdate{Name: servicetest.Ptr("X")})
			return err
		},
	} {
		w.refuses(tenancy.ErrInvalid, "slug", call)
	}
}

func declareMost(w *world) {
	three := []tenancy.RoleSpec{{Slug: "one"}, {Slug: "two"}, {Slug: "three"}}
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Roles: three}))
	w.silent(func() error { return w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Roles: three}) })
	w.refuses(tenancy.ErrInvalid, "roles", func() error {
		return w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "four"}}})
	})
}

// chain are n roles of which each extends the one before.
func chain(prefix string, n int, top string) []tenancy.RoleSpec {
	var roles []tenancy.RoleSpec
	for i := range n {
		roles = append(roles, tenancy.RoleSpec{Slug: fmt.Sprintf("%s%d", prefix, i), Extends: top})
		top = roles[i].Slug
	}
	return roles
}

func roleChains(w *world) {
	w.Declare()
	org := w.Org("Acme").ID
	w.refuses(tenancy.ErrInvalid, "roles", func() error { return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: chain("deep-", 10, "")}) })
	w.NoError(w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: chain("deep-", 9, "")})) // 8 parents
	w.refuses(tenancy.ErrInvalid, "roles", func() error {
		return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "deep-0", Extends: "deep-4"}}})
	})
	w.refuses(tenancy.ErrInvalid, "extends", func() error {
		_, err := w.Svc.Roles.Create(w.Ctx, org, tenancy.NewRole{Slug: "org-deeper", Extends: "deep-8"})
		return err
	})
	w.Role(org, "org-a", "")
	w.Role(org, "org-b", "org-a")
	w.Role(org, "org-c", "org-b")
	w.refuses(tenancy.ErrInvalid, "extends", func() error {
		_, err := w.Svc.Roles.Update(w.Ctx, org, "org-a", tenancy.RoleUpdate{Extends: servicetest.Ptr("org-c")})
		return err
	})
}

// deepUnderOwn: what is declared holds in every organization, so it must fit there.
func deepUnderOwn(w *world) {
	w.Declare()
	ada := w.User("ada")
	org := w.Owned("Acme", ada).ID
	for _, r := range chain("org-", 8, servicetest.Auditor) {
		w.Role(org, r.Slug, r.Extends)
	}
	w.refuses(tenancy.ErrInvalid, "roles", func() error {
		return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: servicetest.Auditor, Extends: rbac.Guest}}})
	})
	_, err := w.Svc.Can(w.Ctx, ada.ID, org, servicetest.ReadDocs)
	w.NoError(err)
}

func defaultsStayHarmless(w *world) {
	w.Declare()
	ada := w.User("ada")
	org := w.Owned("Acme", ada)
	w.Role(org.ID, "org-base", servicetest.Auditor)
	w.Role(org.ID, "org-default", "org-base")
	w.Role(org.ID, "org-boss", rbac.Admin)
	set := func(in tenancy.OrganizationUpdate) func() error {
		return func() error { _, err := w.Svc.Organizations.Update(w.Ctx, org.ID, in); return err }
	}
	for _, slug := range []string{"org-boss", rbac.Admin, rbac.Owner} {
		w.refuses(tenancy.ErrInvalid, "default_role", set(tenancy.OrganizationUpdate{DefaultRole: &slug}))
	}
	w.NoError(set(tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr("org-default")})())
	update := func(slug string, in tenancy.RoleUpdate) func() error {
		return func() error { _, err := w.Svc.Roles.Update(w.Ctx, org.ID, slug, in); return err }
	}
	for name, call := range map[string]func() error{
		"itself":         update("org-default", tenancy.RoleUpdate{Add: []rbac.Grant{"tenancy:members:write"}}),
		"all":            update("org-default", tenancy.RoleUpdate{Add: []rbac.Grant{"*"}}),
		"its parent":     update("org-base", tenancy.RoleUpdate{Add: []rbac.Grant{"tenancy:*"}}),
		"another parent": update("org-default", tenancy.RoleUpdate{Extends: servicetest.Ptr("org-boss")}),
		"a declared parent": func() error {
			return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: servicetest.Auditor, Grants: []rbac.Grant{"tenancy:roles:write"}}}})
		},
		"a parent of a declared parent": func() error {
			return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "top", Grants: []rbac.Grant{"*"}}, {Slug: servicetest.Auditor, Extends: "top"}}})
		},
		"the application's own default": func() error {
			return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: rbac.Member, Grants: []rbac.Grant{"*"}}}})
		},
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrInvalid, "grants", call) })
	}
	w.each("a replacement of its parent", func(w *world) {
		w.unchanged(func() {
			w.Equal(tenancy.ErrInvalid, tenancy.CodeOf(w.Svc.Roles.Delete(w.Ctx, org.ID, "org-base", rbac.Admin)))
		})
	})
	w.each("a replacement of a declared parent", func(w *world) {
		w.unchanged(func() {
			w.Equal(tenancy.ErrInvalid, tenancy.CodeOf(w.Svc.Roles.Delete(w.Ctx, tenancy.OrganizationID{}, servicetest.Auditor, rbac.Admin)))
		})
	})
	w.NoError(update("org-default", tenancy.RoleUpdate{Add: []rbac.Grant{"tenancy:members:read", "documents:*"}})())
}

func declaredDefault(w *world) {
	org, ada := w.Org("Acme"), w.User("ada")
	w.refuses(tenancy.ErrUnknownRole, "roles", func() error { _, err := w.Svc.Memberships.Add(w.Ctx, servicetest.Adding(org, ada)); return err })
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{{Slug: servicetest.ReadDocs}}}))
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		return w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: servicetest.Auditor, Grants: []rbac.Grant{"*"}}}})
	})
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: servicetest.Auditor, Grants: []rbac.Grant{"documents:read"}}}}))
	w.Equal([]string{servicetest.Auditor}, w.Add(org, ada).Roles)
	w.refuses(tenancy.ErrRoleInUse, "", func() error {
		return w.Svc.Roles.Delete(w.Ctx, tenancy.OrganizationID{}, servicetest.Auditor, rbac.Guest)
	})
}

func deletePermission(w *world) {
	w.Declare()
	org, other := w.Org("Acme").ID, w.Org("Other").ID
	w.OwnRoles(org)
	w.Role(other, "org-all", "", "documents:*", "*", "billing.see")
	w.emits(func() error { return w.Svc.Permissions.Delete(w.Ctx, servicetest.WriteDocs) },
		some(tenancy.EventRoleUpdated), some(tenancy.EventRoleUpdated), some(tenancy.EventPermissionDeleted)) // clerk and editor
	for slug, want := range map[string][]rbac.Grant{servicetest.Editor: nil, servicetest.Helper: {"documents:read"}, servicetest.Clerk: nil, servicetest.Auditor: {"documents:read"}} {
		r, err := w.Svc.Roles.Get(w.Ctx, org, slug)
		w.NoError(err)
		w.Empty(r.Grants[len(want):], slug)
		w.ElementsMatch(want, r.Grants, slug)
	}
	r, err := w.Svc.Roles.Get(w.Ctx, other, "org-all") // a wildcard stays
	w.NoError(err)
	w.Len(r.Grants, 3)
	w.refuses(tenancy.ErrUnknownPermission, "", func() error { return w.Svc.Permissions.Delete(w.Ctx, servicetest.WriteDocs) })
	w.refuses(tenancy.ErrInvalid, "permission", func() error { return w.Svc.Permissions.Delete(w.Ctx, rbac.ReadMembers) })
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{{Slug: servicetest.WriteDocs}}}))
}
