package store

import (
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

func domains() *Entity[tenancy.Domain, tenancy.DomainFilter] {
	type V = tenancy.Domain
	return describe[V, tenancy.DomainFilter](
		"tenancy_domains", "domain",
		id("id", func(v *V) *tenancy.DomainID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }),
		text("name", func(v *V) *string { return &v.Name }),
		derived("verified_name", func(v *V) string { return when(v.State == tenancy.DomainVerified, v.Name) }).orNull(),
		text("state", func(v *V) *tenancy.DomainState { return &v.State }),
		text("challenge", func(v *V) *string { return &v.Challenge }),
		flag("subdomains", func(v *V) *bool { return &v.Subdomains }),
		text("joining", func(v *V) *tenancy.DomainJoining { return &v.Joining }),
		text("role", func(v *V) *string { return &v.Role }).orNull(),
		text("method", func(v *V) *string { return &v.Method }).orNull(),
		moment("verified_at", func(v *V) *time.Time { return &v.VerifiedAt }),
		moment("proved_at", func(v *V) *time.Time { return &v.ProvedAt }),
		moment("missing_since", func(v *V) *time.Time { return &v.MissingSince }),
		moment("subdomains_proved_at", func(v *V) *time.Time { return &v.SubdomainsProvedAt }),
		moment("subdomains_missing_since", func(v *V) *time.Time { return &v.SubdomainsMissingSince }),
		moment("due_at", func(v *V) *time.Time { return &v.DueAt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
	).
		unique("name", "organization_id", "name").
		unique("name", "verified_name").
		index("organization_id").
		index("name").
		index("role").
		index("due_at").order(tenancy.ByDue, "due_at").
		filter(func(c *conds, f tenancy.DomainFilter) {
			ids(c, "id", f.ID)
			ids(c, "organization_id", f.OrganizationID)
			texts(c, "name", f.Name)
			texts(c, "state", f.State)
			texts(c, "role", f.Role)
			before(c, "due_at", f.DueBefore)
		})
}
