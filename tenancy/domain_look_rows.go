package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// domainLookFilter selects rows of domainLook. Fields are joined by and.
type domainLookFilter struct {
	ID             typed.In[domainLookID]
	OrganizationID typed.In[OrganizationID]
	Actor          typed.In[Actor]
	ClaimedAfter   time.Time // ClaimedAt after this instant
	DueBefore      time.Time // DueAt before this instant
}

// domainLookRows describes the row of a domainLook.
var domainLookRows = typed.Describe[domainLook, domainLookFilter](
	"tenancy_domain_looks", "domain_look",
	typed.ID("id", func(v *domainLook) *domainLookID { return &v.ID }),
	typed.Integer("version", func(v *domainLook) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *domainLook) *OrganizationID { return &v.OrganizationID }),
	actorField("actor", func(v *domainLook) *Actor { return &v.Actor }),
	typed.Text("method", func(v *domainLook) *string { return &v.Method }).OrNull(),
	typed.Text("reason", func(v *domainLook) *string { return &v.Reason }).OrNull(),
	typed.Moment("claimed_at", func(v *domainLook) *time.Time { return &v.ClaimedAt }),
	typed.Moment("asked_at", func(v *domainLook) *time.Time { return &v.AskedAt }),
	typed.Moment("subdomains_asked_at", func(v *domainLook) *time.Time { return &v.SubdomainsAskedAt }),
	typed.Moment("due_at", func(v *domainLook) *time.Time { return &v.DueAt }),
).
	Index("organization_id", "claimed_at").
	Index("actor", "claimed_at").
	Index("due_at").WhileSet("due_at").Order(typed.Order(ByDue), "due_at").
	Where(func(c *typed.Conds, f domainLookFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneOf(c, "actor", f.Actor, func(a Actor) store.Value { return store.Value{Text: actorText(a)} })
		typed.After(c, "claimed_at", f.ClaimedAfter)
		typed.Before(c, "due_at", f.DueBefore)
	})

func (t *txn) DomainLooks() table[domainLook, domainLookFilter] { return bind(t, domainLookRows) }
