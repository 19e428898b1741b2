package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// formerSlugFilter selects former slugs. The fields are combined with and.
type formerSlugFilter struct {
	ID             typed.In[formerSlugID]
	Slug           typed.In[string]
	OrganizationID typed.In[OrganizationID]
	EndsBefore     time.Time // EndsAt before this instant
}

// formerSlugRows describes the row of a former slug. It names its organization without a foreign key, because
// it outlives the organization.
var formerSlugRows = typed.Describe[formerSlug, formerSlugFilter](
	"tenancy_former_slugs", "former slug",
	typed.ID("id", func(v *formerSlug) *formerSlugID { return &v.ID }),
	typed.Integer("version", func(v *formerSlug) *int64 { return &v.Version }),
	typed.Text("slug", func(v *formerSlug) *string { return &v.Slug }),
	typed.ID("organization_id", func(v *formerSlug) *OrganizationID { return &v.OrganizationID }),
	typed.Instant("ends_at", func(v *formerSlug) *time.Time { return &v.EndsAt }),
).
	Unique("slug", "slug").
	Index("organization_id").
	Index("ends_at").Order(typed.Order(ByDue), "ends_at").
	Where(func(c *typed.Conds, f formerSlugFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "slug", f.Slug)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.Before(c, "ends_at", f.EndsBefore)
	})

func (t *txn) FormerSlugs() table[formerSlug, formerSlugFilter] { return bind(t, formerSlugRows) }
