package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// identityFilter selects identities. Fields are joined by and.
type identityFilter struct {
	ID       typed.In[IdentityID]
	UserID   typed.In[UserID]
	Provider typed.In[string]
	Subject  typed.In[string]
}

// identityRows describes the row of an identity.
var identityRows = typed.Describe[Identity, identityFilter](
	"tenancy_identities", "identity",
	typed.ID("id", func(v *Identity) *IdentityID { return &v.ID }),
	typed.Integer("version", func(v *Identity) *int64 { return &v.Version }),
	typed.ID("user_id", func(v *Identity) *UserID { return &v.UserID }).References(userRows.Table),
	typed.Text("provider", func(v *Identity) *string { return &v.Provider }),
	typed.Text("subject", func(v *Identity) *string { return &v.Subject }),
	typed.Text("email", func(v *Identity) *string { return &v.Email }).OrNull(),
	typed.Flag("email_verified", func(v *Identity) *bool { return &v.EmailVerified }),
	typed.Instant("created_at", func(v *Identity) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Identity) *time.Time { return &v.UpdatedAt }),
	typed.Integer("epoch", func(v *Identity) *int64 { return &v.Epoch }),
).
	Unique("subject", "provider", "subject").
	Index("user_id").
	Where(func(c *typed.Conds, f identityFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "provider", f.Provider)
		typed.OneText(c, "subject", f.Subject)
	})

func (t *txn) Identities() table[Identity, identityFilter] { return bind(t, identityRows) }
