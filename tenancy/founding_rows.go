package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// foundingFilter selects foundings. Fields are joined by and.
type foundingFilter struct {
	UserID     typed.In[UserID]
	EndsBefore time.Time // EndsAt before this instant
}

// foundingRows describes the row of a founding.
var foundingRows = typed.Describe[founding, foundingFilter](
	"tenancy_foundings", "founding",
	typed.ID("id", func(v *founding) *foundingID { return &v.ID }),
	typed.Integer("version", func(v *founding) *int64 { return &v.Version }),
	typed.ID("user_id", func(v *founding) *UserID { return &v.UserID }).References(userRows.Table),
	typed.Instant("founded_at", func(v *founding) *time.Time { return &v.FoundedAt }),
	typed.Moment("ends_at", func(v *founding) *time.Time { return &v.EndsAt }),
).
	Index("user_id").
	Where(func(c *typed.Conds, f foundingFilter) {
		typed.OneID(c, "user_id", f.UserID)
		typed.Before(c, "ends_at", f.EndsBefore)
	})

func (t *txn) Foundings() table[founding, foundingFilter] { return bind(t, foundingRows) }
