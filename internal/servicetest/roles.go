package servicetest

import (
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// The permissions and roles that worlds declare, and those of an organization's own.
const (
	ReadDocs  rbac.Permission = "documents:read"
	WriteDocs rbac.Permission = "documents:write"
	Billing   rbac.Permission = "billing.see"

	Auditor = "auditor"    // declared: reads documents
	Clerk   = "clerk"      // declared: extends auditor, writes documents
	Editor  = "org-editor" // an organization's own: extends auditor, writes documents
	Helper  = "org-helper" // an organization's own: reads documents
)

// Declare makes the permissions and the application roles known.
func (w *World) Declare() {
	w.T.Helper()
	w.NoError(w.Svc.Permissions.Declare(w.Ctx, 1,
		tenancy.PermissionDeclaration{Slug: ReadDocs, Description: "See documents"},
		tenancy.PermissionDeclaration{Slug: WriteDocs}, tenancy.PermissionDeclaration{Slug: Billing}))
	w.NoError(w.Svc.Roles.Declare(w.Ctx, 1,
		rbac.Role{Slug: Auditor, Name: "Auditor", Grants: []rbac.Grant{rbac.Grant(ReadDocs)}, Priority: 500},
		rbac.Role{Slug: Clerk, Extends: Auditor, Grants: []rbac.Grant{rbac.Grant(WriteDocs)}, Priority: 450}))
}

// Role makes a role of an organization's own.
func (w *World) Role(org tenancy.OrganizationID, slug, extends string, grants ...rbac.Grant) tenancy.Role {
	w.T.Helper()
	role, err := w.Svc.Roles.Create(w.Ctx, org, tenancy.NewRole{Slug: slug, Extends: extends, Grants: grants})
	w.NoError(err)
	return role
}

// OwnRoles makes the organization's own roles editor and helper.
func (w *World) OwnRoles(org tenancy.OrganizationID) {
	w.T.Helper()
	w.Role(org, Editor, Auditor, rbac.Grant(WriteDocs))
	w.Role(org, Helper, "", rbac.Grant(ReadDocs))
}
