package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// denialFilter selects denials. Fields are joined by and.
type denialFilter struct {
	ID             typed.In[DenialID]
	Actor          typed.In[Actor]
	Method         typed.In[string]
	OrganizationID typed.In[OrganizationID]
	Since          time.Time // Minute at this time or later
	Until          time.Time // Minute before this time
}

// denialRows describes the row of a denial.
var denialRows = typed.Describe[Denial, denialFilter](
	"tenancy_denials", "denial",
	typed.ID("id", func(v *Denial) *DenialID { return &v.ID }),
	typed.Integer("version", func(v *Denial) *int64 { return &v.Version }),
	actorField("actor", func(v *Denial) *Actor { return &v.Actor }),
	typed.Text("method", func(v *Denial) *string { return &v.Method }),
	typed.ID("organization_id", func(v *Denial) *OrganizationID { return &v.OrganizationID }).OrNull(),
	typed.Derived("scope", func(v *Denial) string { return v.OrganizationID.String() }),
	typed.Instant("minute", func(v *Denial) *time.Time { return &v.Minute }),
	typed.Integer("count", func(v *Denial) *int { return &v.Count }),
).
	Unique("minute", "actor", "method", "scope", "minute").
	Index("organization_id", "minute").
	Index("minute").Order(typed.Order(ByTime), "minute").
	Where(func(c *typed.Conds, f denialFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneOf(c, "actor", f.Actor, func(a Actor) store.Value { return store.Value{Text: actorText(a)} })
		typed.OneText(c, "method", f.Method)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.Since(c, "minute", f.Since)
		typed.Before(c, "minute", f.Until)
	})

func (t *txn) Denials() table[Denial, denialFilter] { return bind(t, denialRows) }
