package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// permissionFilter selects declared permissions. The fields are combined with and.
type permissionFilter struct {
	ID   typed.In[PermissionID]
	Slug typed.In[rbac.Permission]
}

// permissionRows describes the row of a permission.
var permissionRows = typed.Describe[Permission, permissionFilter](
	"tenancy_permissions", "permission",
	typed.ID("id", func(v *Permission) *PermissionID { return &v.ID }),
	typed.Integer("version", func(v *Permission) *int64 { return &v.Version }),
	typed.Text("slug", func(v *Permission) *rbac.Permission { return &v.Slug }),
	typed.Text("description", func(v *Permission) *string { return &v.Description }).OrNull(),
	typed.Integer("revision", func(v *Permission) *int64 { return &v.Revision }),
	typed.Instant("created_at", func(v *Permission) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Permission) *time.Time { return &v.UpdatedAt }),
).
	Unique("slug", "slug").
	Where(func(c *typed.Conds, f permissionFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "slug", f.Slug)
	})

func (t *txn) Permissions() table[Permission, permissionFilter] { return bind(t, permissionRows) }
