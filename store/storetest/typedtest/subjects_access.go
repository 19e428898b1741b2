package typedtest

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func roles() *subject[tenancy.Role, tenancy.RoleFilter] {
	type V = tenancy.Role
	type F = tenancy.RoleFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Roles,
		table:   tenancy.Tx.Roles,
		bare:    bareRole,
		full:    fullRole,
		derived: map[string]string{"scope": "organization_id"},
		parents: places,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.RoleID] { return &f.ID }, func(v V) tenancy.RoleID { return v.ID }),
			in("Scope", func(f *F) *tenancy.In[string] { return &f.Scope }, func(v V) string { return v.OrganizationID.String() }),
			in("Slug", func(f *F) *tenancy.In[string] { return &f.Slug }, func(v V) string { return v.Slug }),
			inNull("Extends", func(f *F) *tenancy.In[string] { return &f.Extends }, func(v V) string { return v.Extends }),
		},
	}
}

func permissions() *subject[tenancy.Permission, tenancy.PermissionFilter] {
	type V = tenancy.Permission
	type F = tenancy.PermissionFilter
	return &subject[V, F]{
		entity: tenancy.Describe().Permissions,
		table:  tenancy.Tx.Permissions,
		bare:   barePermission,
		full:   fullPermission,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.PermissionID] { return &f.ID }, func(v V) tenancy.PermissionID { return v.ID }),
			in("Slug", func(f *F) *tenancy.In[rbac.Permission] { return &f.Slug }, func(v V) rbac.Permission { return v.Slug }),
		},
	}
}

func denials() *subject[tenancy.Denial, tenancy.DenialFilter] {
	type V = tenancy.Denial
	type F = tenancy.DenialFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Denials,
		table:   tenancy.Tx.Denials,
		bare:    bareDenial,
		full:    fullDenial,
		derived: map[string]string{"scope": "organization_id"},
		closed:  []string{"actor"},
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.DenialID] { return &f.ID }, func(v V) tenancy.DenialID { return v.ID }),
			in("Actor", func(f *F) *tenancy.In[tenancy.Actor] { return &f.Actor }, func(v V) tenancy.Actor { return v.Actor }),
			in("Method", func(f *F) *tenancy.In[string] { return &f.Method }, func(v V) string { return v.Method }),
			inNull("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
			since("Since", func(f *F) *time.Time { return &f.Since }, func(v V) time.Time { return v.Minute }),
			before("Until", func(f *F) *time.Time { return &f.Until }, func(v V) time.Time { return v.Minute }),
		},
	}
}
