package store

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func roles() *Entity[tenancy.Role, tenancy.RoleFilter] {
	type V = tenancy.Role
	return describe[V, tenancy.RoleFilter](
		"tenancy_roles", "role",
		id("id", func(v *V) *tenancy.RoleID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }).orNull(),
		derived("scope", func(v *V) string { return v.OrganizationID.String() }),
		text("slug", func(v *V) *string { return &v.Slug }),
		text("name", func(v *V) *string { return &v.Name }),
		text("description", func(v *V) *string { return &v.Description }).orNull(),
		text("extends", func(v *V) *string { return &v.Extends }).orNull(),
		list("grants", func(v *V) *[]rbac.Grant { return &v.Grants }),
		integer("priority", func(v *V) *int { return &v.Priority }),
		integer("revision", func(v *V) *int64 { return &v.Revision }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
	).
		unique("slug", "scope", "slug").
		index("extends").
		filter(func(c *conds, f tenancy.RoleFilter) {
			ids(c, "id", f.ID)
			texts(c, "scope", f.Scope)
			texts(c, "slug", f.Slug)
			texts(c, "extends", f.Extends)
		})
}

func permissions() *Entity[tenancy.Permission, tenancy.PermissionFilter] {
	type V = tenancy.Permission
	return describe[V, tenancy.PermissionFilter](
		"tenancy_permissions", "permission",
		id("id", func(v *V) *tenancy.PermissionID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		text("slug", func(v *V) *rbac.Permission { return &v.Slug }),
		text("description", func(v *V) *string { return &v.Description }).orNull(),
		integer("revision", func(v *V) *int64 { return &v.Revision }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
	).
		unique("slug", "slug").
		filter(func(c *conds, f tenancy.PermissionFilter) {
			ids(c, "id", f.ID)
			texts(c, "slug", f.Slug)
		})
}

func denials() *Entity[tenancy.Denial, tenancy.DenialFilter] {
	type V = tenancy.Denial
	return describe[V, tenancy.DenialFilter](
		"tenancy_denials", "denial",
		id("id", func(v *V) *tenancy.DenialID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		actor("actor", func(v *V) *tenancy.Actor { return &v.Actor }),
		text("method", func(v *V) *string { return &v.Method }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }).orNull(),
		derived("scope", func(v *V) string { return v.OrganizationID.String() }),
		instant("minute", func(v *V) *time.Time { return &v.Minute }),
		integer("count", func(v *V) *int { return &v.Count }),
	).
		unique("minute", "actor", "method", "scope", "minute").
		index("organization_id", "minute").
		index("minute").order(tenancy.ByTime, "minute").
		filter(func(c *conds, f tenancy.DenialFilter) {
			ids(c, "id", f.ID)
			oneOf(c, "actor", f.Actor, func(a tenancy.Actor) Value { return Value{Text: actorText(a)} })
			texts(c, "method", f.Method)
			ids(c, "organization_id", f.OrganizationID)
			since(c, "minute", f.Since)
			before(c, "minute", f.Until)
		})
}
