package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// roleFilter selects roles. The fields are combined with and.
type roleFilter struct {
	ID      typed.In[RoleID]
	Scope   typed.In[string] // the organization's id as text, or "" for application roles
	Slug    typed.In[string]
	Extends typed.In[string]
}

// roleRows describes the row of a role.
var roleRows = typed.Describe[Role, roleFilter](
	"tenancy_roles", "role",
	typed.ID("id", func(v *Role) *RoleID { return &v.ID }),
	typed.Integer("version", func(v *Role) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *Role) *OrganizationID { return &v.OrganizationID }).OrNull().References(organizationRows.Table),
	typed.Derived("scope", func(v *Role) string { return v.OrganizationID.String() }),
	typed.Text("slug", func(v *Role) *string { return &v.Slug }),
	typed.Text("name", func(v *Role) *string { return &v.Name }),
	typed.Text("description", func(v *Role) *string { return &v.Description }).OrNull(),
	typed.Text("extends", func(v *Role) *string { return &v.Extends }).OrNull(),
	typed.List("grants", func(v *Role) *[]rbac.Grant { return &v.Grants }),
	typed.Integer("priority", func(v *Role) *int { return &v.Priority }),
	typed.Integer("revision", func(v *Role) *int64 { return &v.Revision }),
	typed.Instant("created_at", func(v *Role) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Role) *time.Time { return &v.UpdatedAt }),
).
	Unique("slug", "scope", "slug").
	Index("extends").
	Where(func(c *typed.Conds, f roleFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "scope", f.Scope)
		typed.OneText(c, "slug", f.Slug)
		typed.OneText(c, "extends", f.Extends)
	})

func (t *txn) Roles() table[Role, roleFilter] { return bind(t, roleRows) }
