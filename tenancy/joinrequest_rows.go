package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// joinRequestFilter selects join requests. The fields are combined with and.
type joinRequestFilter struct {
	ID             typed.In[JoinRequestID]
	OrganizationID typed.In[OrganizationID]
	UserID         typed.In[UserID]
	State          typed.In[JoinRequestState]
}

// joinRequestRows describes the row of a join request.
var joinRequestRows = typed.Describe[JoinRequest, joinRequestFilter](
	"tenancy_join_requests", "join request",
	typed.ID("id", func(v *JoinRequest) *JoinRequestID { return &v.ID }),
	typed.Integer("version", func(v *JoinRequest) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *JoinRequest) *OrganizationID { return &v.OrganizationID }).References(organizationRows.Table),
	typed.ID("user_id", func(v *JoinRequest) *UserID { return &v.UserID }).References(userRows.Table),
	typed.Text("note", func(v *JoinRequest) *string { return &v.Note }).OrNull(),
	typed.Text("state", func(v *JoinRequest) *JoinRequestState { return &v.State }),
	typed.ID("decider_id", func(v *JoinRequest) *UserID { return &v.DeciderID }).OrNull(),
	typed.Moment("decided_at", func(v *JoinRequest) *time.Time { return &v.DecidedAt }),
	typed.Instant("created_at", func(v *JoinRequest) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *JoinRequest) *time.Time { return &v.UpdatedAt }),
).
	Unique("user", "organization_id", "user_id").
	Index("user_id", "state").
	Index("organization_id", "state").
	Where(func(c *typed.Conds, f joinRequestFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "state", orEvery(f.State, f.OrganizationID.IsSet() != f.UserID.IsSet(),
			JoinRequestPending, JoinRequestApproved, JoinRequestDeclined, JoinRequestCanceled))
	})

func (t *txn) JoinRequests() table[JoinRequest, joinRequestFilter] { return bind(t, joinRequestRows) }
