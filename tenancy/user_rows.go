package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// userFilter selects users. The fields are combined with and.
type userFilter struct {
	ID          typed.In[UserID]
	EmailKey    typed.In[string]
	ExternalID  typed.In[string]
	Suspended   typed.In[bool]
	Merged      typed.In[bool]
	MergedInto  typed.In[UserID]
	NamePrefix  string // of NameKey
	EmailPrefix string // of EmailKey
}

// userRows describes the row of a user.
var userRows = typed.Describe[User, userFilter](
	"tenancy_users", "user",
	typed.ID("id", func(v *User) *UserID { return &v.ID }),
	typed.Integer("version", func(v *User) *int64 { return &v.Version }),
	typed.Text("email", func(v *User) *string { return &v.Email }).OrNull(),
	typed.Text("email_key", func(v *User) *string { return &v.EmailKey }).OrNull(),
	typed.Moment("email_verified_at", func(v *User) *time.Time { return &v.EmailVerifiedAt }),
	typed.Text("pending_email", func(v *User) *string { return &v.PendingEmail }).OrNull(),
	typed.Text("given_name", func(v *User) *string { return &v.GivenName }).OrNull(),
	typed.Text("family_name", func(v *User) *string { return &v.FamilyName }).OrNull(),
	typed.Text("display_name", func(v *User) *string { return &v.DisplayName }).OrNull(),
	typed.Text("name_key", func(v *User) *string { return &v.NameKey }),
	typed.Text("picture", func(v *User) *string { return &v.Picture }).OrNull(),
	typed.Text("phone", func(v *User) *string { return &v.Phone }).OrNull(),
	typed.Text("locale", func(v *User) *string { return &v.Locale }).OrNull(),
	typed.Dictionary("attributes", func(v *User) *map[string]string { return &v.Attributes }),
	typed.Dictionary("metadata", func(v *User) *map[string]string { return &v.Metadata }),
	typed.Text("external_id", func(v *User) *string { return &v.ExternalID }).OrNull(),
	typed.Moment("suspended_at", func(v *User) *time.Time { return &v.SuspendedAt }),
	typed.ID("merged_into", func(v *User) *UserID { return &v.MergedInto }).OrNull(),
	typed.Moment("last_sign_in_at", func(v *User) *time.Time { return &v.LastSignInAt }),
	typed.Instant("created_at", func(v *User) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *User) *time.Time { return &v.UpdatedAt }),
	typed.Text("email_proved_by", func(v *User) *string { return &v.EmailProvedBy }).OrNull(),
).
	Unique("email", "email_key").
	Unique("external_id", "external_id").
	Index("name_key").Order(typed.Order(ByName), "name_key").
	Index("name_key").WhileSet("suspended_at").
	Index("email_key").WhileSet("suspended_at").
	Index().WhileSet("suspended_at").
	Index("merged_into").WhileSet("merged_into").
	Order(typed.Order(ByEmail), "email_key").
	Touch("last_sign_in_at").
	Where(func(c *typed.Conds, f userFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneText(c, "email_key", addresses(f.EmailKey))
		typed.OneText(c, "external_id", f.ExternalID)
		typed.Present(c, "suspended_at", f.Suspended)
		typed.Present(c, "merged_into", f.Merged)
		typed.OneID(c, "merged_into", f.MergedInto)
		typed.Begins(c, "name_key", f.NamePrefix)
		typed.Begins(c, "email_key", f.EmailPrefix)
	})

func (t *txn) Users() table[User, userFilter] { return bind(t, userRows) }
