package rules

import (
	"context"
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
		{"R1 R8 what is declared counts at once, everywhere and in transactions, and not what was undone", on(declaredAtOnce)},
		{"R1 what a host does to an answer changes no other", on(answersApart)},
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
		return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "base"}, {Slug: rbac.Member, Extends: "base"}}})
	})
	_, err := w.Svc.Can(w.Ctx, ada.ID, org, servicetest.ReadDocs)
	w.NoError(err)
}

func permissionTwice(w *world) {
	for _, descriptions := range [][]string{{"one", "one"}, {"one", "two"}, {"one", "two", "three"}} {
		var list []tenancy.PermissionSpec
		for _, d := range descriptions {
			list = append(list, tenancy.PermissionSpec{Slug: "a:b", Description: d})
		}
		w.refuses(tenancy.ErrInvalid, "permission", func() error { return w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Permissions: list}) })
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
		err := svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: servicetest.Clerk, Extends: servicetest.Auditor, Grants: []rbac.Grant{rbac.WriteMembers}}}})
		if met < n {
			w.NoError(err)
			return
		}
		w.True(errors.Is(err, servicetest.ErrFault), "statement %d: %v", n, err)
	}
}

// declaredAtOnce asks bound Services of two instances, which keep what is declared, after each
// kind of change: by the other, in a transaction, and one that was undone.
func declaredAtOnce(w *world) {
	w.Declare()
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	cyd := w.Add(acme, w.User("cyd"), servicetest.Clerk).UserID
	other := w.Another(func(*tenancy.Config) {})
	may := func(s *tenancy.Service, p rbac.Permission) bool {
		ok, err := s.As(tenancy.UserPrincipal(cyd)).Can(w.Ctx, cyd, acme.ID, p)
		w.NoError(err)
		return ok
	}
	grant := func(s *tenancy.Service, revision int64, grants ...rbac.Grant) error {
		return s.Declare(w.Ctx, revision, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: servicetest.Clerk, Extends: servicetest.Auditor, Grants: grants}}})
	}
	both := func(want bool) {
		w.T.Helper()
		w.Equal(want, may(w.Svc, servicetest.Billing))
		w.Equal(want, may(other, servicetest.Billing))
	}
	both(false)
	w.NoError(grant(other, 2, servicetest.Billing))
	both(true)
	w.NoError(grant(w.Svc, 3))
	both(false)
	for range 2 { // the second time what the first had compiled is there, under a mark that is not
		w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			in := func(want bool) {
				ok, err := tx.As(tenancy.UserPrincipal(cyd)).Can(ctx, cyd, acme.ID, servicetest.Billing)
				w.NoError(err)
				w.Equal(want, ok)
			}
			in(false)
			w.NoError(grant(tx, 4, servicetest.Billing))
			in(true)
			w.NoError(grant(tx, 5))
			in(false)
			w.Failed(tx.Declare(ctx, 6, tenancy.Schema{Roles: []tenancy.RoleSpec{
				{Slug: servicetest.Clerk, Grants: []rbac.Grant{servicetest.Billing}},
				{Slug: "far", Extends: "nowhere"},
			}}), tenancy.ErrUnknownRole, "roles")
			in(false)
			w.NoError(grant(tx, 7, servicetest.Billing))
			in(true)
			return servicetest.ErrStop
		}))
		both(false)
	}
	w.NoError(grant(other, 4, servicetest.Billing))
	both(true)
	w.NoError(other.Permissions.Delete(w.Ctx, servicetest.Billing))
	_, err := w.Svc.As(tenancy.UserPrincipal(cyd)).Can(w.Ctx, cyd, acme.ID, servicetest.Billing)
	w.Failed(err, tenancy.ErrUnknownPermission, "permission")
	w.NoError(other.Roles.Delete(w.Ctx, tenancy.OrganizationID{}, servicetest.Clerk, servicetest.Auditor))
	w.False(may(w.Svc, servicetest.WriteDocs))
}

// answersApart changes what calls gave, all of which may come from what the instance keeps, and
// asks again.
func answersApart(w *world) {
	w.Declare()
	ada := w.User("ada")
	acme := w.Owned("Acme", ada)
	cyd := w.User("cyd")
	w.Add(acme, cyd, servicetest.Clerk)
	session := w.Session(cyd, acme.ID).Session.ID
	for range 2 {
		claims, err := w.Svc.Sessions.Claims(w.Ctx, session, tenancy.ClaimsQuery{})
		w.NoError(err)
		w.Equal([]string{servicetest.Clerk}, claims[tenancy.ClaimRoles])
		claims[tenancy.ClaimRoles].([]string)[0] = "mine"
		role, err := w.Svc.Roles.Get(w.Ctx, acme.ID, servicetest.Clerk)
		w.NoError(err)
		w.Equal([]rbac.Grant{servicetest.WriteDocs}, role.Grants)
		role.Grants[0] = "*"
		all, err := w.Svc.Roles.List(w.Ctx, acme.ID)
		w.NoError(err)
		for _, r := range all {
			for i := range r.Grants {
				w.True(r.Slug != servicetest.Clerk || r.Grants[i] != "*")
				r.Grants[i] = "*"
			}
		}
		permissions, err := w.Svc.Permissions.Of(w.Ctx, cyd.ID, acme.ID)
		w.NoError(err)
		w.Equal([]rbac.Permission{servicetest.ReadDocs, servicetest.WriteDocs}, permissions)
		permissions[0] = "mine"
		ok, err := w.Svc.As(tenancy.UserPrincipal(cyd.ID)).Can(w.Ctx, cyd.ID, acme.ID, servicetest.Billing)
		w.NoError(err)
		w.False(ok)
	}
}
