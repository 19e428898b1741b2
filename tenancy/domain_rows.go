package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// domainFilter selects domains. Fields are joined by and.
type domainFilter struct {
	ID             typed.In[DomainID]
	OrganizationID typed.In[OrganizationID]
	Name           typed.In[string]
	State          typed.In[DomainState] // as stored
	Role           typed.In[string]
	DueBefore      time.Time // DueAt before this instant
}

// domainRows describes the row of a domain.
var domainRows = typed.Describe[Domain, domainFilter](
	"tenancy_domains", "domain",
	typed.ID("id", func(v *Domain) *DomainID { return &v.ID }),
	typed.Integer("version", func(v *Domain) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *Domain) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.Text("name", func(v *Domain) *string { return &v.Name }),
	typed.Derived("verified_name", func(v *Domain) string { return when(v.State == DomainVerified, v.Name) }).OrNull(),
	typed.Text("state", func(v *Domain) *DomainState { return &v.State }),
	typed.Text("challenge", func(v *Domain) *string { return &v.Challenge }),
	typed.Flag("subdomains", func(v *Domain) *bool { return &v.Subdomains }),
	typed.Text("joining", func(v *Domain) *DomainJoining { return &v.Joining }),
	typed.Text("role", func(v *Domain) *string { return &v.Role }).OrNull(),
	typed.Text("method", func(v *Domain) *string { return &v.Method }).OrNull(),
	typed.Moment("verified_at", func(v *Domain) *time.Time { return &v.VerifiedAt }),
	typed.Moment("proved_at", func(v *Domain) *time.Time { return &v.ProvedAt }),
	typed.Moment("missing_since", func(v *Domain) *time.Time { return &v.MissingSince }),
	typed.Moment("subdomains_proved_at", func(v *Domain) *time.Time { return &v.SubdomainsProvedAt }),
	typed.Moment("subdomains_missing_since", func(v *Domain) *time.Time { return &v.SubdomainsMissingSince }),
	typed.Moment("due_at", func(v *Domain) *time.Time { return &v.DueAt }),
	typed.Instant("created_at", func(v *Domain) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Domain) *time.Time { return &v.UpdatedAt }),
).
	Unique("name", "organization_id", "name").
	Unique("name", "verified_name").
	Index("organization_id").
	Index("name").
	Index("role").WhileSet("role").
	Index("due_at").WhileSet("due_at").Order(typed.Order(ByDue), "due_at").
	Where(func(c *typed.Conds, f domainFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneText(c, "name", f.Name)
		typed.OneText(c, "state", f.State)
		typed.OneText(c, "role", f.Role)
		typed.Before(c, "due_at", f.DueBefore)
	})

func (t *txn) Domains() table[Domain, domainFilter] { return bind(t, domainRows) }
