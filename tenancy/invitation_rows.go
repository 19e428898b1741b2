package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// invitationFilter selects invitations. Fields are joined by and.
type invitationFilter struct {
	ID             typed.In[InvitationID]
	OrganizationID typed.In[OrganizationID] // the zero id: into the application
	EmailKey       typed.In[string]
	InviterID      typed.In[UserID]
	UserID         typed.In[UserID]
	State          typed.In[InvitationState] // as stored; an expired one may still be pending
	EmailPrefix    string                    // of EmailKey
	DueBefore      time.Time                 // ExpiresAt before this instant
	DueAfter       time.Time                 // ExpiresAt after this instant
	MailBefore     time.Time                 // MailDueAt before this instant
}

// invitationRows describes the row of an invitation.
var invitationRows = typed.Describe[Invitation, invitationFilter](
	"tenancy_invitations", "invitation",
	typed.ID("id", func(v *Invitation) *InvitationID { return &v.ID }),
	typed.Integer("version", func(v *Invitation) *int64 { return &v.Version }),
	typed.ID("organization_id", func(v *Invitation) *OrganizationID { return &v.OrganizationID }).OrNull().References(organizationRows.Table),
	typed.Derived("scope", func(v *Invitation) string { return v.OrganizationID.String() }),
	typed.Text("email", func(v *Invitation) *string { return &v.Email }),
	typed.Text("email_key", func(v *Invitation) *string { return &v.EmailKey }),
	typed.Derived("pending_email_key", func(v *Invitation) string { return when(v.State == InvitationPending, v.EmailKey) }).OrNull(),
	typed.List("roles", func(v *Invitation) *[]string { return &v.Roles }),
	typed.Dictionary("metadata", func(v *Invitation) *map[string]string { return &v.Metadata }),
	typed.ID("inviter_id", func(v *Invitation) *UserID { return &v.InviterID }).OrNull(),
	typed.Text("state", func(v *Invitation) *InvitationState { return &v.State }),
	typed.Integer("sends", func(v *Invitation) *int { return &v.Sends }),
	typed.Instant("sent_at", func(v *Invitation) *time.Time { return &v.SentAt }),
	typed.Instant("expires_at", func(v *Invitation) *time.Time { return &v.ExpiresAt }),
	typed.ID("user_id", func(v *Invitation) *UserID { return &v.UserID }).OrNull(),
	typed.Moment("decided_at", func(v *Invitation) *time.Time { return &v.DecidedAt }),
	typed.Instant("created_at", func(v *Invitation) *time.Time { return &v.CreatedAt }),
	typed.Instant("updated_at", func(v *Invitation) *time.Time { return &v.UpdatedAt }),
	typed.Moment("mail_due_at", func(v *Invitation) *time.Time { return &v.MailDueAt }),
	typed.Object("found", storeFound, loadFound),
	typed.ID("founded_id", func(v *Invitation) *OrganizationID { return &v.FoundedID }).OrNull(),
).
	Unique("email", "scope", "pending_email_key").
	Index("scope", "email_key").Order(typed.Order(ByEmail), "email_key").
	Index("email_key", "state").
	Index("inviter_id").WhileSet("inviter_id").
	Index("user_id").WhileSet("user_id").
	Index("scope", "state").
	Index("organization_id").WhileSet("organization_id").
	Index("mail_due_at").WhileSet("mail_due_at").Order(typed.Order(ByTime), "mail_due_at").
	Index("state", "expires_at").Order(typed.Order(ByDue), "expires_at").
	Where(func(c *typed.Conds, f invitationFilter) {
		typed.OneID(c, "id", f.ID)
		typed.OneOf(c, "scope", f.OrganizationID, func(id OrganizationID) store.Value { return store.Value{Text: id.String()} })
		typed.OneText(c, "email_key", addresses(f.EmailKey))
		typed.OneID(c, "inviter_id", f.InviterID)
		typed.OneID(c, "user_id", f.UserID)
		typed.OneText(c, "state", orEvery(f.State, f.OrganizationID.IsSet(), InvitationPending, InvitationAccepted, InvitationRevoked, InvitationDeclined, InvitationExpired, InvitationVoid))
		typed.Begins(c, "email_key", f.EmailPrefix)
		typed.Before(c, "expires_at", f.DueBefore)
		typed.After(c, "expires_at", f.DueAfter)
		typed.Before(c, "mail_due_at", f.MailBefore)
	})

func (t *txn) Invitations() table[Invitation, invitationFilter] { return bind(t, invitationRows) }
