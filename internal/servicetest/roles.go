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
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{
		{Slug: ReadDocs, Description: "See documents"},
		{Slug: WriteDocs},
		{Slug: Billing},
	}, Roles: []tenancy.RoleSpec{
		{Slug: Clerk, Extends: Auditor, Grants: []rbac.Grant{WriteDocs}},
		{Slug: Auditor, Name: "Auditor", Grants: []rbac.Grant{ReadDocs}},
	}}))
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
	w.Role(org, Editor, Auditor, WriteDocs)
	w.Role(org, Helper, "", ReadDocs)
}
