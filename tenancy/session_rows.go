package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// sessionFilter selects sessions. The fields are combined with and.
type sessionFilter struct {
	ID             typed.In[SessionID]
	UserID         typed.In[UserID]
	OrganizationID typed.In[OrganizationID]
	MembershipID   typed.In[MembershipID]
	ClientID       typed.In[SessionID]
	Ended          typed.In[bool]
	DueAfter       time.Time // ExpiresAt after this instant
	DueBefore      time.Time // ExpiresAt before this instant
}

// sessionRows describes the row of a session.
var sessionRows = typed.Describe[Session, sessionFilter](
	"tenancy_sessions", "session",
	typed.ID("id", func(v *Session) *SessionID { return &v.ID }),
	typed.Integer("version", func(v *Session) *int64 { return &v.Version }),
	typed.ID("user_id", func(v *Session) *UserID { return &v.UserID }).References(userRows.Table),
	typed.ID("organization_id", func(v *Session) *OrganizationID { return &v.OrganizationID }).OrNull().References(organizationRows.Table),
	typed.ID("membership_id", func(v *Session) *MembershipID { return &v.MembershipID }).OrNull(),
	typed.ID("identity_id", func(v *Session) *IdentityID { return &v.IdentityID }).OrNull(),
	typed.Text("method", func(v *Session) *SignInMethod { return &v.Method }).OrNull(),
	typed.ID("connection_id", func(v *Session) *ConnectionID { return &v.ConnectionID }).OrNull(),
	typed.Flag("second_factor", func(v *Session) *bool { return &v.SecondFactor }),
	typed.Flag("confined", func(v *Session) *bool { return &v.Confined }),
	typed.Text("user_agent", func(v *Session) *string { return &v.UserAgent }).OrNull(),
	typed.Text("address", func(v *Session) *string { return &v.Address }).OrNull(),
	typed.Instant("selected_at", func(v *Session) *time.Time { return &v.SelectedAt }),
	typed.Instant("expires_at", func(v *Session) *time.Time { return &v.ExpiresAt }),
	typed.Moment("ended_at", func(v *Session) *time.Time { return &v.EndedAt }),
	typed.Text("end_reason", func(v *Session) *EndReason { return &v.EndReason }).OrNull(),
	typed.Moment("last_seen_at", func(v *Session) *time.Time { return &v.LastSeenAt }),
	typed.Instant("created_at", func(v *Session) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Session) *time.Time { return &v.UpdatedAt }),
	typed.Integer("connection_epoch", func(v *Session) *int64 { return &v.ConnectionEpoch }),
	typed.ID("client_id", func(v *Session) *SessionID { return &v.ClientID }),
	typed.Instant("proved_at", func(v *Session) *time.Time { return &v.ProvedAt }),
).
	Index("user_id").
	Index("user_id").WhileNull("ended_at").
	Index("user_id", "expires_at").
	Index("organization_id").
	Index("organization_id").WhileNull("ended_at").
	Index("membership_id", "expires_at").
	Index("expires_at").Order(typed.Order(ByDue), "expires_at").
	Index("client_id").WhileNull("ended_at").
	Index("client_id", "organization_id").WhileSet("ended_at").
	Touch("last_seen_at").
	Where(func(c *typed.Conds, f sessionFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneID(c, "organization_id", f.OrganizationID)
		typed.OneID(c, "membership_id", f.MembershipID)
		typed.OneID(c, "client_id", f.ClientID)
		typed.Present(c, "ended_at", f.Ended)
		typed.After(c, "expires_at", f.DueAfter)
		typed.Before(c, "expires_at", f.DueBefore)
	})

func (t *txn) Sessions() table[Session, sessionFilter] { return bind(t, sessionRows) }
