package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// joinCodeFilter selects join codes. The fields are combined with and.
type joinCodeFilter struct {
	ID             typed.In[JoinCodeID]
	OrganizationID typed.In[OrganizationID]
	Role           typed.In[string]
	CreatorID      typed.In[UserID]
	Revoked        typed.In[bool]
	OpenFor        typed.In[OrganizationID] // see JoinCode.openFor
	DueAfter       time.Time                // ExpiresAt after this instant
}

// joinCodeRows describes the row of a join code.
var joinCodeRows = typed.Describe[JoinCode, joinCodeFilter](
	"tenancy_join_codes", "join code",
	typed.ID("id", func(v *JoinCode) *JoinCodeID { return &v.ID }),
	typed.Integer("version", func(v *JoinCode) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *JoinCode) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.Text("role", func(v *JoinCode) *string { return &v.Role }).OrNull(),
	typed.List("allowed_domains", func(v *JoinCode) *[]string { return &v.AllowedDomains }),
	typed.Integer("max_uses", func(v *JoinCode) *int { return &v.MaxUses }).OrNull(),
	typed.Integer("uses", func(v *JoinCode) *int { return &v.Uses }),
	typed.ID("creator_id", func(v *JoinCode) *UserID { return &v.CreatorID }).OrNull(),
	typed.Instant("expires_at", func(v *JoinCode) *time.Time { return &v.ExpiresAt }),
	typed.Moment("revoked_at", func(v *JoinCode) *time.Time { return &v.RevokedAt }),
	typed.Instant("created_at", func(v *JoinCode) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *JoinCode) *time.Time { return &v.UpdatedAt }),
	typed.Derived("open_for", func(v *JoinCode) string { return v.openFor().String() }).OrNull(),
).
	Index("organization_id").
	Index("role").WhileSet("role").
	Index("creator_id").WhileSet("creator_id").
	Index("open_for", "expires_at").WhileSet("open_for").
	Where(func(c *typed.Conds, f joinCodeFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneText(c, "role", f.Role)
		typed.OneID(c, "creator_id", f.CreatorID)
		typed.Present(c, "revoked_at", f.Revoked)
		typed.OneOf(c, "open_for", f.OpenFor, func(id OrganizationID) store.Value { return store.Value{Text: id.String()} })
		typed.After(c, "expires_at", f.DueAfter)
	})

func (t *txn) JoinCodes() table[JoinCode, joinCodeFilter] { return bind(t, joinCodeRows) }
