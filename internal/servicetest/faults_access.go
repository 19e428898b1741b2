package servicetest

import (
	"context"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// settleRoles lays what the calls on roles need: cyd holds a declared role and one of
// acme's own, which is its default too.
func (w *faultWorld) settleRoles() {
	w.declare()
	w.ownRoles(w.acme.ID)
	w.role(w.acme.ID, "org-child", editor)
	for _, slugs := range [][]string{{rbac.Member, rbac.Guest, editor, clerk}} {
		_, err := w.svc.Memberships.SetRoles(w.ctx, w.acme.ID, w.cyd.ID, slugs...)
		w.NoError(err)
	}
	acme, err := w.svc.Organizations.Update(w.ctx, w.acme.ID, tenancy.OrganizationUpdate{DefaultRole: ptr(editor), CreatorRole: ptr(clerk)})
	w.NoError(err)
	w.acme = acme
}

func accessCalls() []faultCall {
	return []faultCall{
		{method: "Roles.Declare", call: only(func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) error {
			return svc.Roles.Declare(ctx, 2, rbac.Role{Slug: "cook", Extends: auditor}, rbac.Role{Slug: auditor, Name: "Reader"})
		})},
		{method: "Roles.Create", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Roles.Create(ctx, w.acme.ID, tenancy.NewRole{Slug: "org-new", Extends: helper})
		}},
		{method: "Roles.Update", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Roles.Update(ctx, w.acme.ID, editor, tenancy.RoleUpdate{Add: []rbac.Grant{rbac.Grant(billing)}})
		}},
		{method: "Roles.Reorder", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Roles.Reorder(ctx, w.acme.ID, helper, "org-child", editor)
		})},
		{method: "Roles.Delete", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Roles.Delete(ctx, w.acme.ID, editor, helper)
		})},
		{method: "Roles.Delete", variant: " of a declared one", call: only(func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) error {
			return svc.Roles.Delete(ctx, tenancy.OrganizationID{}, clerk, auditor)
		})},
		{method: "Permissions.Declare", call: only(func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) error {
			return svc.Permissions.Declare(ctx, 2, tenancy.PermissionDeclaration{Slug: "dishes:wash"},
				tenancy.PermissionDeclaration{Slug: readDocs, Description: "Look at documents"})
		})},
		{method: "Permissions.Delete", call: only(func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) error {
			return svc.Permissions.Delete(ctx, writeDocs)
		})},
	}
}
