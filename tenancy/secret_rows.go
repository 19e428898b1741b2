package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// secretFilter selects secrets. The fields are combined with and.
type secretFilter struct {
	ID        typed.In[storedSecretID]
	Kind      typed.In[secretKind]
	UserID    typed.In[UserID]
	Subject   typed.In[string]
	OpenFor   typed.In[string] // see storedSecret.openFor
	DueBefore time.Time        // ExpiresAt before this instant
}

// secretRows describes the row of a secret.
var secretRows = typed.Describe[storedSecret, secretFilter](
	"tenancy_secrets", "secret",
	typed.ID("id", func(v *storedSecret) *storedSecretID { return &v.ID }),
	typed.Integer("version", func(v *storedSecret) *int64 { return &v.Version }),
	typed.Text("kind", func(v *storedSecret) *secretKind { return &v.Kind }),
	typed.Text("hash", func(v *storedSecret) *string { return &v.Hash }),
	typed.ID("user_id", func(v *storedSecret) *UserID { return &v.UserID }).OrNull().References(userRows.Table),
	typed.Text("address", func(v *storedSecret) *string { return &v.Address }).OrNull(),
	typed.Moment("spent_at", func(v *storedSecret) *time.Time { return &v.SpentAt }),
	typed.Instant("expires_at", func(v *storedSecret) *time.Time { return &v.ExpiresAt }),
	typed.Instant("created_at", func(v *storedSecret) *time.Time { return &v.CreatedAt }),
	typed.Text("subject", func(v *storedSecret) *string { return &v.Subject }).OrNull(),
	typed.Derived("open_for", func(v *storedSecret) string { return v.openFor() }),
	typed.ID("session_id", func(v *storedSecret) *SessionID { return &v.SessionID }).OrNull(),
).
	Unique("hash", "hash").
	Index("subject").WhileSet("subject").
	Index("open_for").
	Index("user_id", "kind").WhileSet("user_id").
	Index("expires_at").Order(typed.Order(ByDue), "expires_at").
	Where(func(c *typed.Conds, f secretFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "kind", f.Kind)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "subject", f.Subject)
		typed.OneText(c, "open_for", f.OpenFor)
		typed.Before(c, "expires_at", f.DueBefore)
	})

func (t *txn) Secrets() table[storedSecret, secretFilter] { return bind(t, secretRows) }
