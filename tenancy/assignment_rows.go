package tenancy

import (
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// roleAssignmentFilter selects role assignments. Fields are joined by and.
type roleAssignmentFilter struct {
	ID             typed.In[RoleAssignmentID]
	OrganizationID typed.In[OrganizationID]
	MembershipID   typed.In[MembershipID]
	UserID         typed.In[UserID]
	Role           typed.In[string]
	Source         typed.In[RoleSource]
	SourceID       typed.In[string]
	Active         typed.In[bool]
}

// roleAssignmentRows describes the row of a role assignment.
var roleAssignmentRows = typed.Describe[RoleAssignment, roleAssignmentFilter](
	"tenancy_role_assignments", "role assignment",
	typed.ID("id", func(v *RoleAssignment) *RoleAssignmentID { return &v.ID }),
	typed.Integer("version", func(v *RoleAssignment) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *RoleAssignment) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.ID("membership_id", func(v *RoleAssignment) *MembershipID { return &v.MembershipID }).References(membershipRows.Table),
	typed.ID("user_id", func(v *RoleAssignment) *UserID { return &v.UserID }).References(userRows.Table),
	typed.Text("role", func(v *RoleAssignment) *string { return &v.Role }),
	typed.Text("source", func(v *RoleAssignment) *RoleSource { return &v.Source }),
	typed.Text("source_id", func(v *RoleAssignment) *string { return &v.SourceID }),
	typed.Text("scope", func(v *RoleAssignment) *string { return &v.Scope }),
	typed.Flag("active", func(v *RoleAssignment) *bool { return &v.Active }),
	typed.Instant("created_at", func(v *RoleAssignment) *time.Time { return &v.CreatedAt }),
	typed.Derived("sourced_by", func(v *RoleAssignment) string { return v.SourceID }).OrNull(),
).
	Unique("role", "membership_id", "role", "source", "source_id", "scope").
	Index("organization_id", "role", "active").
	Index("user_id").
	Index("sourced_by").WhileSet("sourced_by").
	Where(func(c *typed.Conds, f roleAssignmentFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneID(c, "membership_id", f.MembershipID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "role", f.Role)
		typed.OneText(c, "source", f.Source)
		typed.OneText(c, "source_id", f.SourceID)
		if ids := f.SourceID.Values(); len(ids) > 0 && !slices.Contains(ids, "") {
			typed.OneText(c, "sourced_by", f.SourceID)
		}
		typed.OneFlag(c, "active", f.Active)
	})

func (t *txn) RoleAssignments() table[RoleAssignment, roleAssignmentFilter] {
	return bind(t, roleAssignmentRows)
}
