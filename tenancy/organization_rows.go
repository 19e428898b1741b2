package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// organizationFilter selects organizations. The fields are combined with and.
type organizationFilter struct {
	ID         typed.In[OrganizationID]
	Slug       typed.In[string]
	ExternalID typed.In[string]
	Suspended  typed.In[bool]
	Archived   typed.In[bool]
	// DefaultRole and CreatorRole match the settings with these names.
	DefaultRole typed.In[string]
	CreatorRole typed.In[string]
	NamePrefix  string // of NameKey
	Deleted     typed.In[bool]
}

// organizationRows describes the row of an organization.
var organizationRows = typed.Describe[Organization, organizationFilter](
	"tenancy_organizations", "organization",
	typed.ID("id", func(v *Organization) *OrganizationID { return &v.ID }),
	typed.Integer("version", func(v *Organization) *int64 { return &v.Version }),
	typed.Text("display_name", func(v *Organization) *string { return &v.DisplayName }),
	typed.Text("name_key", func(v *Organization) *string { return &v.NameKey }),
	typed.Text("slug", func(v *Organization) *string { return &v.Slug }).OrNull(),
	typed.Text("external_id", func(v *Organization) *string { return &v.ExternalID }).OrNull(),
	typed.Dictionary("metadata", func(v *Organization) *map[string]string { return &v.Metadata }),
	typed.Integer("seat_limit", func(v *Organization) *int { return &v.Settings.SeatLimit }).OrNull(),
	typed.Text("default_role", func(v *Organization) *string { return &v.Settings.DefaultRole }).OrNull(),
	typed.Text("creator_role", func(v *Organization) *string { return &v.Settings.CreatorRole }).OrNull(),
	typed.Dictionary("features", func(v *Organization) *map[string]bool { return &v.Settings.Features }),
	typed.Moment("suspended_at", func(v *Organization) *time.Time { return &v.SuspendedAt }),
	typed.Moment("archived_at", func(v *Organization) *time.Time { return &v.ArchivedAt }),
	typed.Instant("created_at", func(v *Organization) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Organization) *time.Time { return &v.UpdatedAt }),
	typed.List("allowed_domains", func(v *Organization) *[]string { return &v.Settings.AllowedDomains }),
	typed.List("blocked_domains", func(v *Organization) *[]string { return &v.Settings.BlockedDomains }),
	typed.Flag("accept_on_domains", func(v *Organization) *bool { return &v.Settings.AcceptOnDomains }),
	typed.Flag("single_sign_on_joins", func(v *Organization) *bool { return &v.Settings.SingleSignOnJoins }),
	typed.Seconds("session_idle_seconds", func(v *Organization) *time.Duration { return &v.Settings.SessionIdle }).OrNull(),
	typed.Seconds("session_for_seconds", func(v *Organization) *time.Duration { return &v.Settings.SessionFor }).OrNull(),
	typed.Moment("sessions_ended_at", func(v *Organization) *time.Time { return &v.SessionsEndedAt }),
	typed.Dictionary("attributes", func(v *Organization) *map[string]string { return &v.Attributes }),
	typed.Flag("join_requests", func(v *Organization) *bool { return &v.Settings.JoinRequests }),
	typed.Moment("deleted_at", func(v *Organization) *time.Time { return &v.DeletedAt }),
).
	Unique("slug", "slug").
	Unique("external_id", "external_id").
	Index("name_key").WhileSet("suspended_at").
	Index("name_key").WhileSet("archived_at").
	Index("name_key").WhileNull("archived_at").Order(typed.Order(ByName), "name_key").
	Index().WhileSet("suspended_at").
	Index().WhileSet("archived_at").
	Index("default_role").WhileSet("default_role").
	Index("creator_role").WhileSet("creator_role").
	Index().WhileSet("deleted_at").
	Where(func(c *typed.Conds, f organizationFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "slug", f.Slug)
		typed.OneText(c, "external_id", f.ExternalID)
		typed.Present(c, "suspended_at", f.Suspended)
		typed.Present(c, "archived_at", f.Archived)
		typed.Present(c, "deleted_at", f.Deleted)
		typed.OneText(c, "default_role", f.DefaultRole)
		typed.OneText(c, "creator_role", f.CreatorRole)
		typed.Begins(c, "name_key", f.NamePrefix)
	})

func (t *txn) Organizations() table[Organization, organizationFilter] {
	return bind(t, organizationRows)
}
