package store

import (
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

func invitations() *Entity[tenancy.Invitation, tenancy.InvitationFilter] {
	type V = tenancy.Invitation
	return describe[V, tenancy.InvitationFilter](
		"tenancy_invitations", "invitation",
		id("id", func(v *V) *tenancy.InvitationID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }).orNull(),
		derived("scope", func(v *V) string { return v.OrganizationID.String() }),
		text("email", func(v *V) *string { return &v.Email }),
		text("email_key", func(v *V) *string { return &v.EmailKey }),
		derived("pending_email_key", func(v *V) string { return when(v.State == tenancy.InvitationPending, v.EmailKey) }).orNull(),
		list("roles", func(v *V) *[]string { return &v.Roles }),
		dictionary("metadata", func(v *V) *map[string]string { return &v.Metadata }),
		id("inviter_id", func(v *V) *tenancy.UserID { return &v.InviterID }).orNull(),
		text("state", func(v *V) *tenancy.InvitationState { return &v.State }),
		integer("sends", func(v *V) *int { return &v.Sends }),
		instant("sent_at", func(v *V) *time.Time { return &v.SentAt }),
		instant("expires_at", func(v *V) *time.Time { return &v.ExpiresAt }),
		id("user_id", func(v *V) *tenancy.UserID { return &v.UserID }).orNull(),
		moment("decided_at", func(v *V) *time.Time { return &v.DecidedAt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
	).
		unique("email", "scope", "pending_email_key").
		index("scope", "email_key").order(tenancy.ByEmail, "email_key").
		index("email_key", "state").
		index("inviter_id").
		index("user_id").
		index("scope", "state").
		index("scope").
		index("organization_id").
		index("state", "expires_at").order(tenancy.ByDue, "expires_at").
		filter(func(c *conds, f tenancy.InvitationFilter) {
			ids(c, "id", f.ID)
			oneOf(c, "scope", f.OrganizationID, func(id tenancy.OrganizationID) Value { return Value{Text: id.String()} })
			texts(c, "email_key", f.EmailKey)
			ids(c, "inviter_id", f.InviterID)
			ids(c, "user_id", f.UserID)
			texts(c, "state", f.State)
			prefix(c, "email_key", f.EmailPrefix)
			before(c, "expires_at", f.DueBefore)
			after(c, "expires_at", f.DueAfter)
		})
}

func joinCodes() *Entity[tenancy.JoinCode, tenancy.JoinCodeFilter] {
	type V = tenancy.JoinCode
	return describe[V, tenancy.JoinCodeFilter](
		"tenancy_join_codes", "join code",
		id("id", func(v *V) *tenancy.JoinCodeID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }),
		text("role", func(v *V) *string { return &v.Role }).orNull(),
		list("allowed_domains", func(v *V) *[]string { return &v.AllowedDomains }),
		integer("max_uses", func(v *V) *int { return &v.MaxUses }).orNull(),
		integer("uses", func(v *V) *int { return &v.Uses }),
		id("creator_id", func(v *V) *tenancy.UserID { return &v.CreatorID }).orNull(),
		instant("expires_at", func(v *V) *time.Time { return &v.ExpiresAt }),
		moment("revoked_at", func(v *V) *time.Time { return &v.RevokedAt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
	).
		index("organization_id").
		index("role").
		filter(func(c *conds, f tenancy.JoinCodeFilter) {
			ids(c, "id", f.ID)
			ids(c, "organization_id", f.OrganizationID)
			texts(c, "role", f.Role)
			present(c, "revoked_at", f.Revoked)
		})
}

func joinRequests() *Entity[tenancy.JoinRequest, tenancy.JoinRequestFilter] {
	type V = tenancy.JoinRequest
	return describe[V, tenancy.JoinRequestFilter](
		"tenancy_join_requests", "join request",
		id("id", func(v *V) *tenancy.JoinRequestID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }),
		id("user_id", func(v *V) *tenancy.UserID { return &v.UserID }),
		derived("pending_user_id", func(v *V) string { return when(v.State == tenancy.JoinRequestPending, v.UserID.String()) }).orNull(),
		text("note", func(v *V) *string { return &v.Note }).orNull(),
		text("state", func(v *V) *tenancy.JoinRequestState { return &v.State }),
		id("decider_id", func(v *V) *tenancy.UserID { return &v.DeciderID }).orNull(),
		moment("decided_at", func(v *V) *time.Time { return &v.DecidedAt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
	).
		unique("user", "organization_id", "pending_user_id").
		index("user_id").
		index("organization_id", "state").
		index("organization_id").
		filter(func(c *conds, f tenancy.JoinRequestFilter) {
			ids(c, "id", f.ID)
			ids(c, "organization_id", f.OrganizationID)
			ids(c, "user_id", f.UserID)
			texts(c, "state", f.State)
		})
}
