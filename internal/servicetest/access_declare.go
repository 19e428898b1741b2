package servicetest

import (
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func declareRules() []rule {
	return []rule{
		{"R1 Permissions.Declare adds, changes and never deletes", on(declarePermissions)},
		{"R1 an undeclared permission is unknown, a wildcard in a check invalid", on(undeclared)},
		{"R2 Roles.Declare adds, changes and never deletes", on(declareRoles)},
		{"R2 Roles.Declare twice of as many roles as there may be", with(lowRoleLimits, declareMost)},
		{"R2 cycles and depth are refused", on(roleChains)},
		{"R2 a declaration may not make an organization's own roles too deep", on(deepUnderOwn)},
		{"R3 a default role never manages, whatever changes under it", on(defaultsStayHarmless)},
		{"R3 Config.DefaultRole may be declared later", with(func(c *tenancy.Config) { c.DefaultRole = auditor }, declaredDefault)},
		{"R5 Permissions.Delete takes it out of every role", on(deletePermission)},
	}
}

func declarePermissions(w *world) {
	declare := func(revision int64, list ...tenancy.PermissionDeclaration) func() error {
		return func() error { return w.svc.Permissions.Declare(w.ctx, revision, list...) }
	}
	read := tenancy.PermissionDeclaration{Slug: readDocs, Description: "See"}
	w.emits(declare(3, read, tenancy.PermissionDeclaration{Slug: billing}), some(tenancy.EventPermissionCreated), some(tenancy.EventPermissionCreated))
	w.silent(declare(3, read))
	w.silent(declare(3, read, tenancy.PermissionDeclaration{Slug: billing}))
	w.silent(declare(3)) // what is not named stays
	read.Description = "Look"
	w.silent(declare(2, read, tenancy.PermissionDeclaration{Slug: writeDocs})) // an older program
	events := w.emits(declare(3, read), some(tenancy.EventPermissionUpdated))
	w.JSONEq(`{"description":"See"}`, string(events[0].Previous))
	all, err := w.svc.Permissions.List(w.ctx)
	w.NoError(err)
	w.Len(all, 2+len(rbac.Management()))
	w.True(slices.IsSortedFunc(all, func(a, b tenancy.Permission) int { return compareSlugs(a.Slug, b.Slug) }))
	// All or nothing.
	w.refuses(tenancy.ErrInvalid, "permission", declare(4, tenancy.PermissionDeclaration{Slug: writeDocs}, tenancy.PermissionDeclaration{Slug: "tenancy:mine"}))
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
	w.declare()
	ada := w.user("ada")
	org := w.owned("Acme", ada)
	for permission, code := range map[rbac.Permission]tenancy.Code{
		"documents:burn": tenancy.ErrUnknownPermission, "Documents:read": tenancy.ErrUnknownPermission, "tenancy:burn": tenancy.ErrUnknownPermission,
		"documents:*": tenancy.ErrInvalid, "*": tenancy.ErrInvalid, "tenancy:*": tenancy.ErrInvalid, "": tenancy.ErrInvalid, "a b": tenancy.ErrInvalid,
	} {
		w.each(string(permission), func(w *world) {
			// Also for those whom it would not help: never silently false (R1).
			for _, user := range []tenancy.UserID{ada.ID, nobody} {
				_, err := w.svc.Can(w.ctx, user, org.ID, permission)
				w.failed(err, code, "permission")
				w.failed(w.svc.Check(w.ctx, user, org.ID, permission), code, "permission")
				_, err = w.svc.Explain(w.ctx, user, org.ID, permission)
				w.failed(err, code, "permission")
			}
			_, err := w.svc.MembersWith(w.ctx, org.ID, permission, tenancy.MemberQuery{})
			w.failed(err, code, "permission")
		})
	}
}

func declareRoles(w *world) {
	w.declare()
	declare := func(revision int64, list ...rbac.Role) func() error {
		return func() error { return w.svc.Roles.Declare(w.ctx, revision, list...) }
	}
	cook := rbac.Role{Slug: "cook", Name: "Cook", Extends: "washer", Grants: []rbac.Grant{"documents:write", "documents:read"}, Priority: 7}
	washer := rbac.Role{Slug: "washer"}
	w.emits(declare(3, cook, washer), some(tenancy.EventRoleCreated), some(tenancy.EventRoleCreated)) // the parent may come after
	w.silent(declare(3, cook, washer))
	cook.Grants = []rbac.Grant{"documents:read", "documents:write", "documents:read"} // the same in another order
	w.silent(declare(3, cook))
	w.silent(declare(3))
	cook.Name, cook.Grants = "Chef", []rbac.Grant{"documents:*"}
	w.silent(declare(2, cook, rbac.Role{Slug: "late"}))
	events := w.emits(declare(3, cook), some(tenancy.EventRoleUpdated))
	w.JSONEq(`{"name":"Cook","grants":["documents:read","documents:write"]}`, string(events[0].Previous))
	org := w.org("Acme").ID
	got, err := w.svc.Roles.Get(w.ctx, org, "cook")
	w.NoError(err)
	w.Equal("Chef", got.Name)
	w.Equal(int64(2), got.Version)
	// Built-in ones: what member grants is the host's; who owner and admin are is not.
	w.NoError(declare(3, rbac.Role{Slug: rbac.Member, Grants: []rbac.Grant{"documents:read"}, Priority: 9999}, rbac.Role{Slug: rbac.Guest})())
	ada := w.user("ada")
	w.add(tenancy.Organization{ID: org}, ada)
	ok, err := w.svc.Can(w.ctx, ada.ID, org, readDocs)
	w.NoError(err)
	w.True(ok)
	list, err := w.svc.Roles.List(w.ctx, org)
	w.NoError(err)
	var slugs []string
	for _, r := range list {
		slugs = append(slugs, r.Slug)
	}
	w.Equal([]string{"washer", "cook", rbac.Owner, rbac.Admin, rbac.Member, rbac.Guest, clerk, auditor}, slugs) // R4: by priority
	w.refuses(tenancy.ErrInvalid, "roles", declare(3, rbac.Role{Slug: "twice"}, rbac.Role{Slug: "twice"}))
	w.refuses(tenancy.ErrInvalid, "slug", declare(3, rbac.Role{Slug: "fine"}, rbac.Role{Slug: rbac.Owner}))
	for _, call := range []func() error{ // declared roles are not edited at run time
		func() error {
			_, err := w.svc.Roles.Update(w.ctx, org, "cook", tenancy.RoleUpdate{Name: ptr("X")})
			return err
		},
		func() error {
			_, err := w.svc.Roles.Update(w.ctx, org, rbac.Member, tenancy.RoleUpdate{Name: ptr("X")})
			return err
		},
	} {
		w.refuses(tenancy.ErrInvalid, "slug", call)
	}
}

func declareMost(w *world) {
	three := []rbac.Role{{Slug: "one"}, {Slug: "two"}, {Slug: "three"}}
	w.NoError(w.svc.Roles.Declare(w.ctx, 1, three...))
	w.silent(func() error { return w.svc.Roles.Declare(w.ctx, 1, three...) })
	w.refuses(tenancy.ErrInvalid, "roles", func() error { return w.svc.Roles.Declare(w.ctx, 1, rbac.Role{Slug: "four"}) })
}

// chain are n roles of which each extends the one before.
func chain(prefix string, n int, top string) []rbac.Role {
	var roles []rbac.Role
	for i := range n {
		roles = append(roles, rbac.Role{Slug: fmt.Sprintf("%s%d", prefix, i), Extends: top})
		top = roles[i].Slug
	}
	return roles
}

func roleChains(w *world) {
	w.declare()
	org := w.org("Acme").ID
	w.refuses(tenancy.ErrInvalid, "roles", func() error { return w.svc.Roles.Declare(w.ctx, 2, chain("deep-", 10, "")...) })
	w.NoError(w.svc.Roles.Declare(w.ctx, 2, chain("deep-", 9, "")...)) // 8 parents
	w.refuses(tenancy.ErrInvalid, "roles", func() error { return w.svc.Roles.Declare(w.ctx, 2, rbac.Role{Slug: "deep-0", Extends: "deep-4"}) })
	w.refuses(tenancy.ErrInvalid, "extends", func() error {
		_, err := w.svc.Roles.Create(w.ctx, org, tenancy.NewRole{Slug: "org-deeper", Extends: "deep-8"})
		return err
	})
	w.role(org, "org-a", "")
	w.role(org, "org-b", "org-a")
	w.role(org, "org-c", "org-b")
	w.refuses(tenancy.ErrInvalid, "extends", func() error {
		_, err := w.svc.Roles.Update(w.ctx, org, "org-a", tenancy.RoleUpdate{Extends: ptr("org-c")})
		return err
	})
}

// deepUnderOwn: what is declared holds in every organization, so it must fit there.
func deepUnderOwn(w *world) {
	w.declare()
	ada := w.user("ada")
	org := w.owned("Acme", ada).ID
	for _, r := range chain("org-", 8, auditor) {
		w.role(org, r.Slug, r.Extends)
	}
	w.refuses(tenancy.ErrInvalid, "roles", func() error { return w.svc.Roles.Declare(w.ctx, 2, rbac.Role{Slug: auditor, Extends: rbac.Guest}) })
	_, err := w.svc.Can(w.ctx, ada.ID, org, readDocs)
	w.NoError(err)
}

func defaultsStayHarmless(w *world) {
	w.declare()
	ada := w.user("ada")
	org := w.owned("Acme", ada)
	w.role(org.ID, "org-base", auditor)
	w.role(org.ID, "org-default", "org-base")
	w.role(org.ID, "org-boss", rbac.Admin)
	set := func(in tenancy.OrganizationUpdate) func() error {
		return func() error { _, err := w.svc.Organizations.Update(w.ctx, org.ID, in); return err }
	}
	for _, slug := range []string{"org-boss", rbac.Admin, rbac.Owner} {
		w.refuses(tenancy.ErrInvalid, "default_role", set(tenancy.OrganizationUpdate{DefaultRole: &slug}))
	}
	w.NoError(set(tenancy.OrganizationUpdate{DefaultRole: ptr("org-default")})())
	update := func(slug string, in tenancy.RoleUpdate) func() error {
		return func() error { _, err := w.svc.Roles.Update(w.ctx, org.ID, slug, in); return err }
	}
	for name, call := range map[string]func() error{
		"itself":         update("org-default", tenancy.RoleUpdate{Add: []rbac.Grant{"tenancy:members:write"}}),
		"all":            update("org-default", tenancy.RoleUpdate{Add: []rbac.Grant{"*"}}),
		"its parent":     update("org-base", tenancy.RoleUpdate{Add: []rbac.Grant{"tenancy:*"}}),
		"another parent": update("org-default", tenancy.RoleUpdate{Extends: ptr("org-boss")}),
		"a declared parent": func() error {
			return w.svc.Roles.Declare(w.ctx, 2, rbac.Role{Slug: auditor, Grants: []rbac.Grant{"tenancy:roles:write"}})
		},
		"a parent of a declared parent": func() error {
			return w.svc.Roles.Declare(w.ctx, 2, rbac.Role{Slug: "top", Grants: []rbac.Grant{"*"}}, rbac.Role{Slug: auditor, Extends: "top"})
		},
		"the application's own default": func() error {
			return w.svc.Roles.Declare(w.ctx, 2, rbac.Role{Slug: rbac.Member, Grants: []rbac.Grant{"*"}})
		},
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrInvalid, "grants", call) })
	}
	w.each("a replacement of its parent", func(w *world) {
		w.unchanged(func() {
			w.Equal(tenancy.ErrInvalid, tenancy.CodeOf(w.svc.Roles.Delete(w.ctx, org.ID, "org-base", rbac.Admin)))
		})
	})
	w.each("a replacement of a declared parent", func(w *world) {
		w.unchanged(func() {
			w.Equal(tenancy.ErrInvalid, tenancy.CodeOf(w.svc.Roles.Delete(w.ctx, tenancy.OrganizationID{}, auditor, rbac.Admin)))
		})
	})
	w.NoError(update("org-default", tenancy.RoleUpdate{Add: []rbac.Grant{"tenancy:members:read", "documents:*"}})())
}

func declaredDefault(w *world) {
	org, ada := w.org("Acme"), w.user("ada")
	w.refuses(tenancy.ErrUnknownRole, "roles", func() error { _, err := w.svc.Memberships.Add(w.ctx, adding(org, ada)); return err })
	w.NoError(w.svc.Permissions.Declare(w.ctx, 1, tenancy.PermissionDeclaration{Slug: readDocs}))
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		return w.svc.Roles.Declare(w.ctx, 1, rbac.Role{Slug: auditor, Grants: []rbac.Grant{"*"}})
	})
	w.NoError(w.svc.Roles.Declare(w.ctx, 1, rbac.Role{Slug: auditor, Grants: []rbac.Grant{"documents:read"}}))
	w.Equal([]string{auditor}, w.add(org, ada).Roles)
	w.refuses(tenancy.ErrRoleInUse, "", func() error { return w.svc.Roles.Delete(w.ctx, tenancy.OrganizationID{}, auditor, rbac.Guest) })
}

func deletePermission(w *world) {
	w.declare()
	org, other := w.org("Acme").ID, w.org("Other").ID
	w.ownRoles(org)
	w.role(other, "org-all", "", "documents:*", "*", "billing.see")
	w.emits(func() error { return w.svc.Permissions.Delete(w.ctx, writeDocs) },
		some(tenancy.EventRoleUpdated), some(tenancy.EventRoleUpdated), some(tenancy.EventPermissionDeleted)) // clerk and editor
	for slug, want := range map[string][]rbac.Grant{editor: nil, helper: {"documents:read"}, clerk: nil, auditor: {"documents:read"}} {
		r, err := w.svc.Roles.Get(w.ctx, org, slug)
		w.NoError(err)
		w.Empty(r.Grants[len(want):], slug)
		w.ElementsMatch(want, r.Grants, slug)
	}
	r, err := w.svc.Roles.Get(w.ctx, other, "org-all") // a wildcard stays
	w.NoError(err)
	w.Len(r.Grants, 3)
	w.refuses(tenancy.ErrUnknownPermission, "", func() error { return w.svc.Permissions.Delete(w.ctx, writeDocs) })
	w.refuses(tenancy.ErrInvalid, "permission", func() error { return w.svc.Permissions.Delete(w.ctx, rbac.ReadMembers) })
	w.NoError(w.svc.Permissions.Declare(w.ctx, 1, tenancy.PermissionDeclaration{Slug: writeDocs}))
}
