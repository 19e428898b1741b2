package servicetest

import (
	"errors"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// declaredRules are corners of declaring and deleting roles.
func declaredRules() []rule {
	return []rule{
		{"R2 a built-in role's first declaration is held to the depth of organizations' roles", on(builtinParent)},
		{"R2 a permission named twice is refused", on(permissionTwice)},
		{"R5 children move together, in whatever order", on(childrenTogether)},
		{"R3 what the store says is not taken for a default that manages", on(heirsHonest)},
	}
}

func builtinParent(w *world) {
	w.declare()
	ada := w.user("ada")
	org := w.owned("Acme", ada).ID
	for _, r := range chain("org-", 8, rbac.Member) {
		w.role(org, r.Slug, r.Extends)
	}
	w.refuses(tenancy.ErrInvalid, "roles", func() error {
		return w.svc.Roles.Declare(w.ctx, 2, rbac.Role{Slug: "base"}, rbac.Role{Slug: rbac.Member, Extends: "base"})
	})
	_, err := w.svc.Can(w.ctx, ada.ID, org, readDocs)
	w.NoError(err)
}

func permissionTwice(w *world) {
	for _, descriptions := range [][]string{{"one", "one"}, {"one", "two"}, {"one", "two", "three"}} {
		var list []tenancy.PermissionDeclaration
		for _, d := range descriptions {
			list = append(list, tenancy.PermissionDeclaration{Slug: "a:b", Description: d})
		}
		w.refuses(tenancy.ErrInvalid, "permission", func() error { return w.svc.Permissions.Declare(w.ctx, 1, list...) })
	}
}

func childrenTogether(w *world) {
	w.declare()
	org := w.org("Acme").ID
	deep := chain("org-", 7, "")
	for _, r := range deep {
		w.role(org, r.Slug, r.Extends)
	}
	w.role(org, "org-old", deep[6].Slug)
	w.role(org, "org-first", "org-old")
	w.role(org, "org-new", "org-old")
	w.NoError(w.svc.Roles.Delete(w.ctx, org, "org-old", "org-new")) // first stands below new now
	first, err := w.svc.Roles.Get(w.ctx, org, "org-first")
	w.NoError(err)
	w.Equal("org-new", first.Extends)
}

// heirsHonest breaks each statement of a declaration that looks at an organization's
// default: it fails as the store does, and is never refused.
func heirsHonest(w *world) {
	w.declare()
	org := w.org("Acme").ID
	w.role(org, "org-heir", clerk)
	w.role(org, "org-harmless", "")
	_, err := w.svc.Organizations.Update(w.ctx, org, tenancy.OrganizationUpdate{DefaultRole: ptr("org-harmless")})
	w.NoError(err)
	broken := &faultStore{inner: w.store, statement: fine, commit: fine, begin: func() {}}
	svc := w.another(func(c *tenancy.Config) { c.Store = broken })
	for n, met := 1, 0; ; n++ {
		met = 0
		broken.statement = func() error {
			if met++; met == n {
				return fault()
			}
			return nil
		}
		err := svc.Roles.Declare(w.ctx, 2, rbac.Role{Slug: clerk, Extends: auditor, Grants: []rbac.Grant{rbac.Grant(rbac.WriteMembers)}})
		if met < n {
			w.NoError(err)
			return
		}
		w.True(errors.Is(err, errFault), "statement %d: %v", n, err)
	}
}
