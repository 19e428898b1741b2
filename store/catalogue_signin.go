package store

import (
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

func connections() *Entity[tenancy.Connection, tenancy.ConnectionFilter] {
	type V = tenancy.Connection
	return describe[V, tenancy.ConnectionFilter](
		"tenancy_connections", "connection",
		id("id", func(v *V) *tenancy.ConnectionID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }),
		text("protocol", func(v *V) *tenancy.Protocol { return &v.Protocol }),
		text("provider", func(v *V) *string { return &v.Provider }).orNull(),
		text("name", func(v *V) *string { return &v.Name }),
		text("issuer", func(v *V) *string { return &v.Issuer }).orNull(),
		text("state", func(v *V) *tenancy.ConnectionState { return &v.State }),
		dictionary("settings", func(v *V) *map[string]string { return &v.Settings }),
		dictionary("group_roles", func(v *V) *map[string]string { return &v.Groups }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
		flag("updates_email", func(v *V) *bool { return &v.UpdatesEmail }),
		integer("epoch", func(v *V) *int64 { return &v.Epoch }),
		integer("sessions_epoch", func(v *V) *int64 { return &v.SessionsEpoch }),
	).
		index("organization_id").
		filter(func(c *conds, f tenancy.ConnectionFilter) {
			ids(c, "id", f.ID)
			ids(c, "organization_id", f.OrganizationID)
			texts(c, "state", f.State)
		})
}

func policies() *Entity[tenancy.Policy, tenancy.PolicyFilter] {
	type V = tenancy.Policy
	return describe[V, tenancy.PolicyFilter](
		"tenancy_policies", "policy",
		id("id", func(v *V) *tenancy.PolicyID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }),
		object("domain_policy", func(v *V) *tenancy.DomainPolicy { return &v.Domain }),
		object("organization_policy", func(v *V) *tenancy.OrganizationPolicy { return &v.Organization }),
		list("exempt", func(v *V) *[]tenancy.UserID { return &v.Exempt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
		flag("binds_owners", func(v *V) *bool { return &v.BindsOwners }),
	).
		unique("organization_id", "organization_id").
		filter(func(c *conds, f tenancy.PolicyFilter) {
			ids(c, "id", f.ID)
			ids(c, "organization_id", f.OrganizationID)
		})
}

func sessions() *Entity[tenancy.Session, tenancy.SessionFilter] {
	type V = tenancy.Session
	return describe[V, tenancy.SessionFilter](
		"tenancy_sessions", "session",
		id("id", func(v *V) *tenancy.SessionID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("user_id", func(v *V) *tenancy.UserID { return &v.UserID }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }).orNull(),
		id("membership_id", func(v *V) *tenancy.MembershipID { return &v.MembershipID }).orNull(),
		id("identity_id", func(v *V) *tenancy.IdentityID { return &v.IdentityID }).orNull(),
		text("method", func(v *V) *tenancy.SignInMethod { return &v.Method }).orNull(),
		id("connection_id", func(v *V) *tenancy.ConnectionID { return &v.ConnectionID }).orNull(),
		flag("second_factor", func(v *V) *bool { return &v.SecondFactor }),
		flag("confined", func(v *V) *bool { return &v.Confined }),
		text("user_agent", func(v *V) *string { return &v.UserAgent }).orNull(),
		text("address", func(v *V) *string { return &v.Address }).orNull(),
		instant("selected_at", func(v *V) *time.Time { return &v.SelectedAt }),
		instant("expires_at", func(v *V) *time.Time { return &v.ExpiresAt }),
		moment("ended_at", func(v *V) *time.Time { return &v.EndedAt }),
		text("end_reason", func(v *V) *tenancy.EndReason { return &v.EndReason }).orNull(),
		moment("last_seen_at", func(v *V) *time.Time { return &v.LastSeenAt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
		integer("connection_epoch", func(v *V) *int64 { return &v.ConnectionEpoch }),
	).
		index("user_id").
		index("organization_id").
		index("membership_id").
		index("expires_at").order(tenancy.ByDue, "expires_at").
		touch("last_seen_at").
		filter(func(c *conds, f tenancy.SessionFilter) {
			ids(c, "id", f.ID)
			ids(c, "user_id", f.UserID)
			ids(c, "organization_id", f.OrganizationID)
			ids(c, "membership_id", f.MembershipID)
			present(c, "ended_at", f.Ended)
			before(c, "expires_at", f.DueBefore)
		})
}
