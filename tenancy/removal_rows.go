package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// removalFilter selects removals. The fields are combined with and.
type removalFilter struct {
	OrganizationID typed.In[OrganizationID]
	UserID         typed.In[UserID]
	Left           typed.In[bool]
}

// removalRows describes the row of a removal. It names its user without a foreign key: it outlives the user,
// and is deleted when they are erased.
var removalRows = typed.Describe[Removal, removalFilter](
	"tenancy_removals", "removal",
	typed.ID("id", func(v *Removal) *RemovalID { return &v.ID }),
	typed.Integer("version", func(v *Removal) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *Removal) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.ID("user_id", func(v *Removal) *UserID { return &v.UserID }),
	typed.Text("name", func(v *Removal) *string { return &v.Name }).OrNull(),
	typed.Text("email", func(v *Removal) *string { return &v.Email }),
	typed.Flag("by_leaving", func(v *Removal) *bool { return &v.Left }),
	typed.ID("remover_id", func(v *Removal) *UserID { return &v.RemoverID }).OrNull(),
	typed.Instant("removed_at", func(v *Removal) *time.Time { return &v.RemovedAt }),
).
	Unique("user", "organization_id", "user_id").
	Index("organization_id").
	Index("user_id").
	Index("organization_id", "by_leaving").
	Where(func(c *typed.Conds, f removalFilter) {
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneFlag(c, "by_leaving", f.Left)
	})

func (t *txn) Removals() table[Removal, removalFilter] { return bind(t, removalRows) }
