package typedtest

import (
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// subjects lists the entities that are kept in tables, parents before children.
func subjects() []anySubject {
	return []anySubject{
		organizations(), users(), identities(), memberships(), roleAssignments(), roles(), permissions(), secrets(), denials(),
		invitations(), joinCodes(), joinRequests(), domains(), connections(), policies(), sessions(),
	}
}

func organizations() *subject[tenancy.Organization, tenancy.OrganizationFilter] {
	type V = tenancy.Organization
	type F = tenancy.OrganizationFilter
	return &subject[V, F]{
		entity: tenancy.Describe().Organizations,
		table:  tenancy.Tx.Organizations,
		bare:   bareOrganization,
		full:   fullOrganization,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.ID }, func(v V) tenancy.OrganizationID { return v.ID }),
			inNull("Slug", func(f *F) *tenancy.In[string] { return &f.Slug }, func(v V) string { return v.Slug }),
			inNull("ExternalID", func(f *F) *tenancy.In[string] { return &f.ExternalID }, func(v V) string { return v.ExternalID }),
			in("Suspended", func(f *F) *tenancy.In[bool] { return &f.Suspended }, func(v V) bool { return !v.SuspendedAt.IsZero() }),
			in("Archived", func(f *F) *tenancy.In[bool] { return &f.Archived }, func(v V) bool { return !v.ArchivedAt.IsZero() }),
			inNull("DefaultRole", func(f *F) *tenancy.In[string] { return &f.DefaultRole }, func(v V) string { return v.Settings.DefaultRole }),
			inNull("CreatorRole", func(f *F) *tenancy.In[string] { return &f.CreatorRole }, func(v V) string { return v.Settings.CreatorRole }),
			prefix("NamePrefix", func(f *F) *string { return &f.NamePrefix }, func(v *V) *string { return &v.NameKey }),
		},
	}
}

func users() *subject[tenancy.User, tenancy.UserFilter] {
	type V = tenancy.User
	type F = tenancy.UserFilter
	return &subject[V, F]{
		entity:   tenancy.Describe().Users,
		table:    tenancy.Tx.Users,
		bare:     bareUser,
		full:     fullUser,
		standing: []V{bareUser(survivor)},
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.ID }, func(v V) tenancy.UserID { return v.ID }),
			inNull("EmailKey", func(f *F) *tenancy.In[string] { return &f.EmailKey }, func(v V) string { return v.EmailKey }),
			inNull("ExternalID", func(f *F) *tenancy.In[string] { return &f.ExternalID }, func(v V) string { return v.ExternalID }),
			in("Suspended", func(f *F) *tenancy.In[bool] { return &f.Suspended }, func(v V) bool { return !v.SuspendedAt.IsZero() }),
			in("Merged", func(f *F) *tenancy.In[bool] { return &f.Merged }, func(v V) bool { return !v.MergedInto.IsZero() }),
			inNull("MergedInto", func(f *F) *tenancy.In[tenancy.UserID] { return &f.MergedInto }, func(v V) tenancy.UserID { return v.MergedInto }),
			prefix("NamePrefix", func(f *F) *string { return &f.NamePrefix }, func(v *V) *string { return &v.NameKey }),
			prefix("EmailPrefix", func(f *F) *string { return &f.EmailPrefix }, func(v *V) *string { return &v.EmailKey }),
		},
	}
}

func identities() *subject[tenancy.Identity, tenancy.IdentityFilter] {
	type V = tenancy.Identity
	type F = tenancy.IdentityFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Identities,
		table:   tenancy.Tx.Identities,
		bare:    bareIdentity,
		full:    fullIdentity,
		parents: people,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.IdentityID] { return &f.ID }, func(v V) tenancy.IdentityID { return v.ID }),
			in("UserID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.UserID }, func(v V) tenancy.UserID { return v.UserID }),
			in("Provider", func(f *F) *tenancy.In[string] { return &f.Provider }, func(v V) string { return v.Provider }),
			in("Subject", func(f *F) *tenancy.In[string] { return &f.Subject }, func(v V) string { return v.Subject }),
		},
	}
}

func memberships() *subject[tenancy.Membership, tenancy.MembershipFilter] {
	type V = tenancy.Membership
	type F = tenancy.MembershipFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Memberships,
		table:   tenancy.Tx.Memberships,
		bare:    bareMembership,
		full:    fullMembership,
		closed:  []string{"status", "joined_via"},
		parents: peopleAndPlaces,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.MembershipID] { return &f.ID }, func(v V) tenancy.MembershipID { return v.ID }),
			in("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
			in("UserID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.UserID }, func(v V) tenancy.UserID { return v.UserID }),
			in("Status", func(f *F) *tenancy.In[tenancy.MembershipStatus] { return &f.Status }, func(v V) tenancy.MembershipStatus { return v.Status }),
			inNull("InvitationID", func(f *F) *tenancy.In[tenancy.InvitationID] { return &f.InvitationID }, func(v V) tenancy.InvitationID { return v.InvitationID }),
			prefix("NamePrefix", func(f *F) *string { return &f.NamePrefix }, func(v *V) *string { return &v.NameKey }),
			prefix("EmailPrefix", func(f *F) *string { return &f.EmailPrefix }, func(v *V) *string { return &v.EmailKey }),
		},
	}
}

func roleAssignments() *subject[tenancy.RoleAssignment, tenancy.RoleAssignmentFilter] {
	type V = tenancy.RoleAssignment
	type F = tenancy.RoleAssignmentFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().RoleAssignments,
		table:   tenancy.Tx.RoleAssignments,
		bare:    bareRoleAssignment,
		full:    fullRoleAssignment,
		closed:  []string{"source"},
		parents: members,
		mend:    mendRoleAssignment,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.RoleAssignmentID] { return &f.ID }, func(v V) tenancy.RoleAssignmentID { return v.ID }),
			in("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
			in("MembershipID", func(f *F) *tenancy.In[tenancy.MembershipID] { return &f.MembershipID }, func(v V) tenancy.MembershipID { return v.MembershipID }),
			in("UserID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.UserID }, func(v V) tenancy.UserID { return v.UserID }),
			in("Role", func(f *F) *tenancy.In[string] { return &f.Role }, func(v V) string { return v.Role }),
			in("Source", func(f *F) *tenancy.In[tenancy.RoleSource] { return &f.Source }, func(v V) tenancy.RoleSource { return v.Source }),
			in("SourceID", func(f *F) *tenancy.In[string] { return &f.SourceID }, func(v V) string { return v.SourceID }),
			in("Active", func(f *F) *tenancy.In[bool] { return &f.Active }, func(v V) bool { return v.Active }),
		},
	}
}

func secrets() *subject[tenancy.Secret, tenancy.SecretFilter] {
	type V = tenancy.Secret
	type F = tenancy.SecretFilter
	return &subject[V, F]{
		entity:  tenancy.Describe().Secrets,
		table:   tenancy.Tx.Secrets,
		bare:    bareSecret,
		full:    fullSecret,
		closed:  []string{"kind"},
		parents: people,
		fields: []field[V, F]{
			in("ID", func(f *F) *tenancy.In[tenancy.SecretID] { return &f.ID }, func(v V) tenancy.SecretID { return v.ID }),
			in("Kind", func(f *F) *tenancy.In[tenancy.SecretKind] { return &f.Kind }, func(v V) tenancy.SecretKind { return v.Kind }),
			inNull("UserID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.UserID }, func(v V) tenancy.UserID { return v.UserID }),
			inNull("Subject", func(f *F) *tenancy.In[string] { return &f.Subject }, func(v V) string { return v.Subject }),
			in("OpenFor", func(f *F) *tenancy.In[string] { return &f.OpenFor }, func(v V) string { return v.OpenFor() }),
			before("DueBefore", func(f *F) *time.Time { return &f.DueBefore }, func(v V) time.Time { return v.ExpiresAt }),
		},
	}
}

// eventFields are the fields of the log's filter.
func eventFields() []field[tenancy.Event, tenancy.EventFilter] {
	type V = tenancy.Event
	type F = tenancy.EventFilter
	return []field[V, F]{
		in("Type", func(f *F) *tenancy.In[tenancy.EventType] { return &f.Type }, func(v V) tenancy.EventType { return v.Type }),
		inNull("OrganizationID", func(f *F) *tenancy.In[tenancy.OrganizationID] { return &f.OrganizationID }, func(v V) tenancy.OrganizationID { return v.OrganizationID }),
		inNull("UserID", func(f *F) *tenancy.In[tenancy.UserID] { return &f.UserID }, func(v V) tenancy.UserID { return v.UserID }),
		in("Subject", func(f *F) *tenancy.In[string] { return &f.Subject }, func(v V) string { return v.Subject }),
		in("Actor", func(f *F) *tenancy.In[tenancy.Actor] { return &f.Actor }, func(v V) tenancy.Actor { return v.Actor }),
		since("Since", func(f *F) *time.Time { return &f.Since }, func(v V) time.Time { return v.Time }),
		before("Until", func(f *F) *time.Time { return &f.Until }, func(v V) time.Time { return v.Time }),
	}
}
