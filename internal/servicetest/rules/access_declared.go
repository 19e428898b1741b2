package rules

import (
	"errors"

	"github.com/freehold-dev/freehold/internal/servicetest"
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
	w.Declare()
	ada := w.User("ada")
	org := w.Owned("Acme", ada).ID
	for _, r := range chain("org-", 8, rbac.Member) {
		w.Role(org, r.Slug, r.Extends)
	}
	w.refuses(tenancy.ErrInvalid, "roles", func() error {
		return w.Svc.Roles.Declare(w.Ctx, 2, rbac.Role{Slug: "base"}, rbac.Role{Slug: rbac.Member, Extends: "base"})
	})
	_, err := w.Svc.Can(w.Ctx, ada.ID, org, servicetest.ReadDocs)
	w.NoError(err)
}

func permissionTwice(w *world) {
	for _, descriptions := range [][]string{{"one", "one"}, {"one", "two"}, {"one", "two", "three"}} {
		var list []tenancy.PermissionDeclaration
		for _, d := range descriptions {
			list = append(list, tenancy.PermissionDeclaration{Slug: "a:b", Description: d})
		}
		w.refuses(tenancy.ErrInvalid, "permission", func() error { return w.Svc.Permissions.Declare(w.Ctx, 1, list...) })
	}
}

func childrenTogether(w *world) {
	w.Declare()
	org := w.Org("Acme").ID
	deep := chain("org-", 7, "")
	for _, r := range deep {
		w.Role(org, r.Slug, r.Extends)
	}
	w.Role(org, "org-old", deep[6].Slug)
	w.Role(org, "org-first", "org-old")
	w.Role(org, "org-new", "org-old")
	w.NoError(w.Svc.Roles.Delete(w.Ctx, org, "org-old", "org-new")) // first stands below new now
	first, err := w.Svc.Roles.Get(w.Ctx, org, "org-first")
	w.NoError(err)
	w.Equal("org-new", first.Extends)
}

// heirsHonest breaks each statement of a declaration that looks at an organization's
// default: it fails as the store does, and is never refused.
func heirsHonest(w *world) {
	w.Declare()
	org := w.Org("Acme").ID
	w.Role(org, "org-heir", servicetest.Clerk)
	w.Role(org, "org-harmless", "")
	_, err := w.Svc.Organizations.Update(w.Ctx, org, tenancy.OrganizationUpdate{DefaultRole: servicetest.Ptr("org-harmless")})
	w.NoError(err)
	broken := &servicetest.FaultStore{Inner: w.Store, Statement: servicetest.Fine, Commit: servicetest.Fine, Begin: func() {}}
	svc := w.Another(func(c *tenancy.Config) { c.Store = broken })
	for n, met := 1, 0; ; n++ {
		met = 0
		broken.Statement = func() error {
			if met++; met == n {
				return servicetest.Fault()
			}
			return nil
		}
		err := svc.Roles.Declare(w.Ctx, 2, rbac.Role{Slug: servicetest.Clerk, Extends: servicetest.Auditor, Grants: []rbac.Grant{rbac.Grant(rbac.WriteMembers)}})
		if met < n {
			w.NoError(err)
			return
		}
		w.True(errors.Is(err, servicetest.ErrFault), "statement %d: %v", n, err)
	}
}
