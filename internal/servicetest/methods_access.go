package servicetest

import (
	"context"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// The permissions and roles that worlds declare, and those of an organization's own.
const (
	readDocs  rbac.Permission = "documents:read"
	writeDocs rbac.Permission = "documents:write"
	billing   rbac.Permission = "billing.see"

	auditor = "auditor"    // declared: reads documents
	clerk   = "clerk"      // declared: extends auditor, writes documents
	editor  = "org-editor" // an organization's own: extends auditor, writes documents
	helper  = "org-helper" // an organization's own: reads documents
)

// declare makes the permissions and the application roles known.
func (w *world) declare() {
	w.t.Helper()
	w.NoError(w.svc.Permissions.Declare(w.ctx, 1,
		tenancy.PermissionDeclaration{Slug: readDocs, Description: "See documents"},
		tenancy.PermissionDeclaration{Slug: writeDocs}, tenancy.PermissionDeclaration{Slug: billing}))
	w.NoError(w.svc.Roles.Declare(w.ctx, 1,
		rbac.Role{Slug: auditor, Name: "Auditor", Grants: []rbac.Grant{rbac.Grant(readDocs)}, Priority: 500},
		rbac.Role{Slug: clerk, Extends: auditor, Grants: []rbac.Grant{rbac.Grant(writeDocs)}, Priority: 450}))
}

// role makes a role of an organization's own.
func (w *world) role(org tenancy.OrganizationID, slug, extends string, grants ...rbac.Grant) tenancy.Role {
	w.t.Helper()
	role, err := w.svc.Roles.Create(w.ctx, org, tenancy.NewRole{Slug: slug, Extends: extends, Grants: grants})
	w.NoError(err)
	return role
}

// ownRoles makes the organization's own roles editor and helper.
func (w *world) ownRoles(org tenancy.OrganizationID) {
	w.t.Helper()
	w.role(org, editor, auditor, rbac.Grant(writeDocs))
	w.role(org, helper, "", rbac.Grant(readDocs))
}

func roleMethods() map[string]method {
	return map[string]method{
		"Declare": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return s.Roles.Declare(ctx, 2, rbac.Role{Slug: "cook", Grants: []rbac.Grant{"documents:*"}})
		}),
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.Get(ctx, c.org, rbac.Admin)
			return err
		}, noOrg()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.List(ctx, c.org)
			return err
		}, noOrg()),
		"Create": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.Create(ctx, c.org, tenancy.NewRole{Slug: "org-new", Grants: []rbac.Grant{"documents:read"}})
			return err
		}, noOrg()),
		"Update": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Roles.Update(ctx, c.org, editor, tenancy.RoleUpdate{Name: ptr("Writer")})
			return err
		}, noOrg()),
		"Reorder": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Roles.Reorder(ctx, c.org, helper, editor)
		}, noOrg()),
		"Delete": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Roles.Delete(ctx, c.org, editor, helper)
		}, map[string]func(*cast){"unknown organization": func(c *cast) { c.org = nowhere }}),
	}
}

func permissionMethods() map[string]method {
	return map[string]method{
		"Declare": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return s.Permissions.Declare(ctx, 2, tenancy.PermissionDeclaration{Slug: "dishes:wash"})
		}),
		"Delete": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			return s.Permissions.Delete(ctx, writeDocs)
		}),
		"List": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Permissions.List(ctx)
			return err
		}),
		"Of": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Permissions.Of(ctx, c.member, c.org)
			return err
		}),
	}
}

func denialMethod() method {
	return reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Events.Denials(ctx, tenancy.DenialQuery{OrganizationID: c.org})
		return err
	})
}
