package store

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// Catalogue is every entity's description. Memory builds its indexes from it, a
// SQL backend its statements, storetest its cases; a test beside each SQL backend
// holds the schema to it.
type Catalogue struct {
	Organizations   *Entity[tenancy.Organization, tenancy.OrganizationFilter]
	Users           *Entity[tenancy.User, tenancy.UserFilter]
	Identities      *Entity[tenancy.Identity, tenancy.IdentityFilter]
	Memberships     *Entity[tenancy.Membership, tenancy.MembershipFilter]
	RoleAssignments *Entity[tenancy.RoleAssignment, tenancy.RoleAssignmentFilter]
	Roles           *Entity[tenancy.Role, tenancy.RoleFilter]
	Permissions     *Entity[tenancy.Permission, tenancy.PermissionFilter]
	Secrets         *Entity[tenancy.Secret, tenancy.SecretFilter]
	Denials         *Entity[tenancy.Denial, tenancy.DenialFilter]
	Invitations     *Entity[tenancy.Invitation, tenancy.InvitationFilter]
	JoinCodes       *Entity[tenancy.JoinCode, tenancy.JoinCodeFilter]
	JoinRequests    *Entity[tenancy.JoinRequest, tenancy.JoinRequestFilter]
	Domains         *Entity[tenancy.Domain, tenancy.DomainFilter]
	Connections     *Entity[tenancy.Connection, tenancy.ConnectionFilter]
	Policies        *Entity[tenancy.Policy, tenancy.PolicyFilter]
	Sessions        *Entity[tenancy.Session, tenancy.SessionFilter]
	Events          *Entity[tenancy.Event, tenancy.EventFilter] // kept by position, in a log
}

// Describe gives the catalogue, the same one each time.
var Describe = sync.OnceValue(func() *Catalogue {
	return &Catalogue{
		Organizations:   organizations(),
		Users:           users(),
		Identities:      identities(),
		Memberships:     memberships(),
		RoleAssignments: roleAssignments(),
		Roles:           roles(),
		Permissions:     permissions(),
		Secrets:         secrets(),
		Denials:         denials(),
		Invitations:     invitations(),
		JoinCodes:       joinCodes(),
		JoinRequests:    joinRequests(),
		Domains:         domains(),
		Connections:     connections(),
		Policies:        policies(),
		Sessions:        sessions(),
		Events:          events(),
	}
})

// Tables lists the tables of rows, parents before children; the log is apart.
func (c *Catalogue) Tables() []*Table {
	return []*Table{
		&c.Organizations.Table, &c.Users.Table, &c.Identities.Table, &c.Memberships.Table,
		&c.RoleAssignments.Table, &c.Roles.Table, &c.Permissions.Table, &c.Secrets.Table, &c.Denials.Table,
		&c.Invitations.Table, &c.JoinCodes.Table, &c.JoinRequests.Table, &c.Domains.Table,
		&c.Connections.Table, &c.Policies.Table, &c.Sessions.Table,
	}
}

func organizations() *Entity[tenancy.Organization, tenancy.OrganizationFilter] {
	type V = tenancy.Organization
	return describe[V, tenancy.OrganizationFilter](
		"tenancy_organizations", "organization",
		id("id", func(v *V) *tenancy.OrganizationID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		text("display_name", func(v *V) *string { return &v.DisplayName }),
		text("name_key", func(v *V) *string { return &v.NameKey }),
		text("slug", func(v *V) *string { return &v.Slug }).orNull(),
		text("external_id", func(v *V) *string { return &v.ExternalID }).orNull(),
		dictionary("metadata", func(v *V) *map[string]string { return &v.Metadata }),
		integer("seat_limit", func(v *V) *int { return &v.Settings.SeatLimit }).orNull(),
		text("default_role", func(v *V) *string { return &v.Settings.DefaultRole }).orNull(),
		text("creator_role", func(v *V) *string { return &v.Settings.CreatorRole }).orNull(),
		dictionary("features", func(v *V) *map[string]bool { return &v.Settings.Features }),
		moment("suspended_at", func(v *V) *time.Time { return &v.SuspendedAt }),
		moment("archived_at", func(v *V) *time.Time { return &v.ArchivedAt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
		list("allowed_domains", func(v *V) *[]string { return &v.Settings.AllowedDomains }),
		list("blocked_domains", func(v *V) *[]string { return &v.Settings.BlockedDomains }),
		flag("accept_on_domains", func(v *V) *bool { return &v.Settings.AcceptOnDomains }),
		flag("single_sign_on_joins", func(v *V) *bool { return &v.Settings.SingleSignOnJoins }),
		seconds("session_idle_seconds", func(v *V) *time.Duration { return &v.Settings.SessionIdle }).orNull(),
		seconds("session_for_seconds", func(v *V) *time.Duration { return &v.Settings.SessionFor }).orNull(),
		moment("sessions_ended_at", func(v *V) *time.Time { return &v.SessionsEndedAt }),
	).
		unique("slug", "slug").
		unique("external_id", "external_id").
		index("name_key").order(tenancy.ByName, "name_key").
		index("default_role").
		index("creator_role").
		filter(func(c *conds, f tenancy.OrganizationFilter) {
			ids(c, "id", f.ID)
			texts(c, "slug", f.Slug)
			texts(c, "external_id", f.ExternalID)
			present(c, "suspended_at", f.Suspended)
			present(c, "archived_at", f.Archived)
			texts(c, "default_role", f.DefaultRole)
			texts(c, "creator_role", f.CreatorRole)
			prefix(c, "name_key", f.NamePrefix)
		})
}

func users() *Entity[tenancy.User, tenancy.UserFilter] {
	type V = tenancy.User
	return describe[V, tenancy.UserFilter](
		"tenancy_users", "user",
		id("id", func(v *V) *tenancy.UserID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		text("email", func(v *V) *string { return &v.Email }).orNull(),
		text("email_key", func(v *V) *string { return &v.EmailKey }).orNull(),
		moment("email_verified_at", func(v *V) *time.Time { return &v.EmailVerifiedAt }),
		text("pending_email", func(v *V) *string { return &v.PendingEmail }).orNull(),
		text("given_name", func(v *V) *string { return &v.GivenName }).orNull(),
		text("family_name", func(v *V) *string { return &v.FamilyName }).orNull(),
		text("display_name", func(v *V) *string { return &v.DisplayName }).orNull(),
		text("name_key", func(v *V) *string { return &v.NameKey }),
		text("picture", func(v *V) *string { return &v.Picture }).orNull(),
		text("phone", func(v *V) *string { return &v.Phone }).orNull(),
		text("locale", func(v *V) *string { return &v.Locale }).orNull(),
		dictionary("attributes", func(v *V) *map[string]string { return &v.Attributes }),
		dictionary("metadata", func(v *V) *map[string]string { return &v.Metadata }),
		text("external_id", func(v *V) *string { return &v.ExternalID }).orNull(),
		moment("suspended_at", func(v *V) *time.Time { return &v.SuspendedAt }),
		id("merged_into", func(v *V) *tenancy.UserID { return &v.MergedInto }).orNull(),
		moment("last_sign_in_at", func(v *V) *time.Time { return &v.LastSignInAt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
		text("email_proved_by", func(v *V) *string { return &v.EmailProvedBy }).orNull(),
	).
		unique("email", "email_key").
		unique("external_id", "external_id").
		index("name_key").order(tenancy.ByName, "name_key").
		index("merged_into").
		order(tenancy.ByEmail, "email_key").
		touch("last_sign_in_at").
		filter(func(c *conds, f tenancy.UserFilter) {
			ids(c, "id", f.ID)
			texts(c, "email_key", f.EmailKey)
			texts(c, "external_id", f.ExternalID)
			present(c, "suspended_at", f.Suspended)
			present(c, "merged_into", f.Merged)
			ids(c, "merged_into", f.MergedInto)
			prefix(c, "name_key", f.NamePrefix)
			prefix(c, "email_key", f.EmailPrefix)
		})
}

func identities() *Entity[tenancy.Identity, tenancy.IdentityFilter] {
	type V = tenancy.Identity
	return describe[V, tenancy.IdentityFilter](
		"tenancy_identities", "identity",
		id("id", func(v *V) *tenancy.IdentityID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("user_id", func(v *V) *tenancy.UserID { return &v.UserID }),
		text("provider", func(v *V) *string { return &v.Provider }),
		text("subject", func(v *V) *string { return &v.Subject }),
		text("email", func(v *V) *string { return &v.Email }).orNull(),
		flag("email_verified", func(v *V) *bool { return &v.EmailVerified }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
		integer("epoch", func(v *V) *int64 { return &v.Epoch }),
	).
		unique("subject", "provider", "subject").
		index("user_id").
		filter(func(c *conds, f tenancy.IdentityFilter) {
			ids(c, "id", f.ID)
			ids(c, "user_id", f.UserID)
			texts(c, "provider", f.Provider)
			texts(c, "subject", f.Subject)
		})
}

func memberships() *Entity[tenancy.Membership, tenancy.MembershipFilter] {
	type V = tenancy.Membership
	return describe[V, tenancy.MembershipFilter](
		"tenancy_memberships", "membership",
		id("id", func(v *V) *tenancy.MembershipID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }),
		id("user_id", func(v *V) *tenancy.UserID { return &v.UserID }),
		text("status", func(v *V) *tenancy.MembershipStatus { return &v.Status }),
		text("display_name", func(v *V) *string { return &v.DisplayName }).orNull(),
		dictionary("attributes", func(v *V) *map[string]string { return &v.Attributes }),
		dictionary("metadata", func(v *V) *map[string]string { return &v.Metadata }),
		text("joined_via", func(v *V) *tenancy.JoinedVia { return &v.JoinedVia }),
		instant("joined_at", func(v *V) *time.Time { return &v.JoinedAt }),
		moment("last_sign_in_at", func(v *V) *time.Time { return &v.LastSignInAt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		instant("updated_at", func(v *V) *time.Time { return &v.UpdatedAt }),
		text("name_key", func(v *V) *string { return &v.NameKey }),
		text("email_key", func(v *V) *string { return &v.EmailKey }),
		id("inviter_id", func(v *V) *tenancy.UserID { return &v.InviterID }).orNull(),
		id("invitation_id", func(v *V) *tenancy.InvitationID { return &v.InvitationID }).orNull(),
		moment("expires_at", func(v *V) *time.Time { return &v.ExpiresAt }),
		moment("deactivated_at", func(v *V) *time.Time { return &v.DeactivatedAt }),
	).
		unique("user_id", "organization_id", "user_id").
		index("invitation_id").
		index("user_id").
		index("organization_id").
		index("organization_id", "status").
		index("organization_id", "name_key").order(tenancy.ByName, "name_key").
		index("organization_id", "email_key").order(tenancy.ByEmail, "email_key").
		touch("last_sign_in_at").
		filter(func(c *conds, f tenancy.MembershipFilter) {
			ids(c, "id", f.ID)
			ids(c, "organization_id", f.OrganizationID)
			ids(c, "user_id", f.UserID)
			texts(c, "status", f.Status)
			ids(c, "invitation_id", f.InvitationID)
			prefix(c, "name_key", f.NamePrefix)
			prefix(c, "email_key", f.EmailPrefix)
		})
}

func roleAssignments() *Entity[tenancy.RoleAssignment, tenancy.RoleAssignmentFilter] {
	type V = tenancy.RoleAssignment
	return describe[V, tenancy.RoleAssignmentFilter](
		"tenancy_role_assignments", "role assignment",
		id("id", func(v *V) *tenancy.RoleAssignmentID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }),
		id("membership_id", func(v *V) *tenancy.MembershipID { return &v.MembershipID }),
		id("user_id", func(v *V) *tenancy.UserID { return &v.UserID }),
		text("role", func(v *V) *string { return &v.Role }),
		text("source", func(v *V) *tenancy.RoleSource { return &v.Source }),
		text("source_id", func(v *V) *string { return &v.SourceID }),
		text("scope", func(v *V) *string { return &v.Scope }),
		flag("active", func(v *V) *bool { return &v.Active }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
	).
		unique("role", "membership_id", "role", "source", "source_id", "scope").
		index("organization_id", "role", "active").
		index("user_id").
		filter(func(c *conds, f tenancy.RoleAssignmentFilter) {
			ids(c, "id", f.ID)
			ids(c, "organization_id", f.OrganizationID)
			ids(c, "membership_id", f.MembershipID)
			ids(c, "user_id", f.UserID)
			texts(c, "role", f.Role)
			texts(c, "source", f.Source)
			texts(c, "source_id", f.SourceID)
			flags(c, "active", f.Active)
		})
}

func secrets() *Entity[tenancy.Secret, tenancy.SecretFilter] {
	type V = tenancy.Secret
	return describe[V, tenancy.SecretFilter](
		"tenancy_secrets", "secret",
		id("id", func(v *V) *tenancy.SecretID { return &v.ID }),
		integer("version", func(v *V) *int64 { return &v.Version }),
		text("kind", func(v *V) *tenancy.SecretKind { return &v.Kind }),
		text("hash", func(v *V) *string { return &v.Hash }),
		id("user_id", func(v *V) *tenancy.UserID { return &v.UserID }).orNull(),
		text("address", func(v *V) *string { return &v.Address }).orNull(),
		moment("spent_at", func(v *V) *time.Time { return &v.SpentAt }),
		instant("expires_at", func(v *V) *time.Time { return &v.ExpiresAt }),
		instant("created_at", func(v *V) *time.Time { return &v.CreatedAt }),
		text("subject", func(v *V) *string { return &v.Subject }).orNull(),
		derived("open_for", func(v *V) string { return v.OpenFor() }),
	).
		unique("hash", "hash").
		index("subject").
		index("open_for").
		index("user_id").
		index("expires_at").order(tenancy.ByDue, "expires_at").
		filter(func(c *conds, f tenancy.SecretFilter) {
			ids(c, "id", f.ID)
			texts(c, "kind", f.Kind)
			ids(c, "user_id", f.UserID)
			texts(c, "subject", f.Subject)
			texts(c, "open_for", f.OpenFor)
			before(c, "expires_at", f.DueBefore)
		})
}

func events() *Entity[tenancy.Event, tenancy.EventFilter] {
	type V = tenancy.Event
	return describe[V, tenancy.EventFilter](
		"tenancy_events", "event",
		id("id", func(v *V) *tenancy.EventID { return &v.ID }),
		text("type", func(v *V) *tenancy.EventType { return &v.Type }),
		id("organization_id", func(v *V) *tenancy.OrganizationID { return &v.OrganizationID }).orNull(),
		id("user_id", func(v *V) *tenancy.UserID { return &v.UserID }).orNull(),
		text("subject", func(v *V) *string { return &v.Subject }),
		actor("actor", func(v *V) *tenancy.Actor { return &v.Actor }),
		instant("time", func(v *V) *time.Time { return &v.Time }),
		document("data", func(v *V) *json.RawMessage { return &v.Data }),
		document("previous", func(v *V) *json.RawMessage { return &v.Previous }),
		flag("redacted", func(v *V) *bool { return &v.Redacted }),
		text("through", func(v *V) *string { return &v.Through }).orNull(),
	).
		index("organization_id").
		index("user_id").
		filter(func(c *conds, f tenancy.EventFilter) {
			texts(c, "type", f.Type)
			ids(c, "organization_id", f.OrganizationID)
			ids(c, "user_id", f.UserID)
			texts(c, "subject", f.Subject)
			oneOf(c, "actor", f.Actor, func(a tenancy.Actor) Value { return Value{Text: actorText(a)} })
			since(c, "time", f.Since)
			before(c, "time", f.Until)
		})
}
