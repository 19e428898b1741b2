package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// secretFilter selects secrets. Fields are joined by and.
type secretFilter struct {
	ID        typed.In[SecretID]
	Kind      typed.In[SecretKind]
	UserID    typed.In[UserID]
	Subject   typed.In[string]
	OpenFor   typed.In[string] // see [Secret.OpenFor]
	DueBefore time.Time        // ExpiresAt before this instant
}

// secretRows says how one lies in a row.
var secretRows = typed.Describe[Secret, secretFilter](
	"tenancy_secrets", "secret",
	typed.ID("id", func(v *Secret) *SecretID { return &v.ID }),
	typed.Integer("version", func(v *Secret) *int64 { return &v.Version }),
	typed.Text("kind", func(v *Secret) *SecretKind { return &v.Kind }),
	typed.Text("hash", func(v *Secret) *string { return &v.Hash }),
	typed.ID("user_id", func(v *Secret) *UserID { return &v.UserID }).OrNull().References(userRows.Table),
	typed.Text("address", func(v *Secret) *string { return &v.Address }).OrNull(),
	typed.Moment("spent_at", func(v *Secret) *time.Time { return &v.SpentAt }),
	typed.Instant("expires_at", func(v *Secret) *time.Time { return &v.ExpiresAt }),
	typed.Instant("created_at", func(v *Secret) *time.Time { return &v.CreatedAt }),
	typed.Text("subject", func(v *Secret) *string { return &v.Subject }).OrNull(),
	typed.Derived("open_for", func(v *Secret) string { return v.OpenFor() }),
).
	Unique("hash", "hash").
	Index("subject").
	Index("open_for").
	Index("user_id").
	Index("expires_at").Order(typed.Order(ByDue), "expires_at").
	Where(func(c *typed.Conds, f secretFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "kind", f.Kind)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "subject", f.Subject)
		typed.OneText(c, "open_for", f.OpenFor)
		typed.Before(c, "expires_at", f.DueBefore)
	})
