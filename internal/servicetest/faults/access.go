package faults

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// settleRoles lays what the calls on roles need: cyd holds a declared role and one of
// acme's own, which is its default too.
func (w *faultWorld) settleRoles() {
	w.Declare()
	w.OwnRoles(w.acme.ID)
	w.Role(w.acme.ID, "org-child", servicetest.Editor)
	for _, slugs := range [][]string{{rbac.Member, rbac.Guest, servicetest.Editor, servicetest.Clerk}} {
		_, err := w.Svc.Memberships.SetRoles(w.Ctx, w.acme.ID, w.cyd.ID, slugs...)
		w.NoError(err)
	}
	acme, err := w.Svc.Organizations.Update(w.Ctx, w.acme.ID, tenancy.OrganizationUpdate{
		DefaultRole: servicetest.Ptr(servicetest.Editor), CreatorRole: servicetest.Ptr(servicetest.Clerk),
	})
	w.NoError(err)
	w.acme = acme
}

func accessCalls() []faultCall {
	return []faultCall{
		{method: "Declare", call: only(func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) error {
			return svc.Declare(ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "cook", Extends: servicetest.Auditor}, {Slug: servicetest.Auditor, Name: "Reader"}}})
		})},
		{method: "Roles.Create", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Roles.Create(ctx, w.acme.ID, tenancy.NewRole{Slug: "org-new", Extends: servicetest.Helper})
		}},
		{method: "Roles.Update", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Roles.Update(ctx, w.acme.ID, servicetest.Editor, tenancy.RoleUpdate{Add: []rbac.Grant{servicetest.Billing}})
		}},
		{method: "Roles.Reorder", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Roles.Reorder(ctx, w.acme.ID, servicetest.Helper, "org-child", servicetest.Editor)
		})},
		{method: "Roles.Delete", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Roles.Delete(ctx, w.acme.ID, servicetest.Editor, servicetest.Helper)
		})},
		{method: "Roles.Delete", variant: " of a declared one", call: only(func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) error {
			return svc.Roles.Delete(ctx, tenancy.OrganizationID{}, servicetest.Clerk, servicetest.Auditor)
		})},
		{method: "Declare", variant: " of permissions", call: only(func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) error {
			return svc.Declare(ctx, 2, tenancy.Schema{Permissions: []tenancy.PermissionSpec{
				{Slug: "dishes:wash"},
				{Slug: servicetest.ReadDocs, Description: "Look at documents"},
			}})
		})},
		{method: "Permissions.Delete", call: only(func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) error {
			return svc.Permissions.Delete(ctx, servicetest.WriteDocs)
		})},
	}
}
