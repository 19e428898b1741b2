package rbac

// The management permissions allow a person to run an organization through a bound Service (rule A1). Every
// [Registry] declares them. A role gets them by name or by tenancy:*, never by *.
const (
	// ReadOrganization: see the organization's settings, metadata and limits.
	ReadOrganization Permission = "tenancy:organization:read"
	// UpdateOrganization: change its name, slug and settings.
	UpdateOrganization Permission = "tenancy:organization:update"
	// DeleteOrganization: archive or delete it.
	DeleteOrganization Permission = "tenancy:organization:delete"
	// TransferOwnership: give one's own ownership to another member.
	TransferOwnership Permission = "tenancy:ownership:transfer"
	// ReadMembers: see the members page.
	ReadMembers Permission = "tenancy:members:read"
	// WriteMembers: change roles and profiles, deactivate, reactivate, remove.
	WriteMembers Permission = "tenancy:members:write"
	// ReadInvitations: see invitations, join codes and join requests.
	ReadInvitations Permission = "tenancy:invitations:read"
	// WriteInvitations: send, resend and revoke them, answer join requests.
	WriteInvitations Permission = "tenancy:invitations:write"
	// ReadRoles: see the roles and who holds them.
	ReadRoles Permission = "tenancy:roles:read"
	// WriteRoles: create, change, order and delete the organization's own roles.
	WriteRoles Permission = "tenancy:roles:write"
	// ReadDomains: see domain claims.
	ReadDomains Permission = "tenancy:domains:read"
	// WriteDomains: claim, verify and release domains, and set what they do.
	WriteDomains Permission = "tenancy:domains:write"
	// ReadConnections: see single sign-on connections.
	ReadConnections Permission = "tenancy:connections:read"
	// WriteConnections: set them up, map their groups to roles, remove them.
	WriteConnections Permission = "tenancy:connections:write"
	// ReadPolicies: see the domain, sign-in and session policies.
	ReadPolicies Permission = "tenancy:policies:read"
	// WritePolicies: change them.
	WritePolicies Permission = "tenancy:policies:write"
	// ReadDirectories: see directories and what they sent.
	ReadDirectories Permission = "tenancy:directories:read"
	// WriteDirectories: set them up, rotate their tokens, map groups, remove them.
	WriteDirectories Permission = "tenancy:directories:write"
	// ReadWorkspaces: see workspaces, resources and the grants on them.
	ReadWorkspaces Permission = "tenancy:workspaces:read"
	// WriteWorkspaces: create, change and archive them, grant roles on them.
	WriteWorkspaces Permission = "tenancy:workspaces:write"
	// ReadSessions: see the members' sessions in this organization.
	ReadSessions Permission = "tenancy:sessions:read"
	// WriteSessions: end them.
	WriteSessions Permission = "tenancy:sessions:write"
	// ReadEvents: read the organization's events and denials.
	ReadEvents Permission = "tenancy:events:read"
)

// Management returns all management permissions of this version, in the order of the documentation.
func Management() []Permission {
	return []Permission{
		ReadOrganization, UpdateOrganization, DeleteOrganization, TransferOwnership,
		ReadMembers, WriteMembers, ReadInvitations, WriteInvitations,
		ReadRoles, WriteRoles, ReadDomains, WriteDomains,
		ReadConnections, WriteConnections, ReadPolicies, WritePolicies,
		ReadDirectories, WriteDirectories, ReadWorkspaces, WriteWorkspaces,
		ReadSessions, WriteSessions, ReadEvents,
	}
}
