package tenancy

import (
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/rbac"
)

// Method says what an actor needs to call one method of a bound Service (rule A1).
// At least one of the three must be met. The host itself may call everything.
type Method struct {
	// Name is the group and the method: "Memberships.Add".
	Name string
	// Permission is needed in the organization named; "" = none is enough.
	Permission rbac.Permission
	// Oneself: the user named may call it for themselves.
	Oneself bool
	// Anyone: any actor may call it; it gives nothing away.
	Anyone bool

	op    string
	lists bool // it gives many things: see [Guarded]
}

// HostOnly reports whether no actor may call the method (rule A4).
func (m Method) HostOnly() bool { return m.Permission == "" && !m.Oneself && !m.Anyone }

// method is the name of a method in the table.
type method string

// methods is the one table of rule A1. A call that is not in it ends in an error.
var methods = func() map[method]Method {
	table := make(map[method]Method)
	add := func(name method, op string, m Method) {
		m.Name, m.op = string(name), op
		m.lists = !m.Anyone && strings.Contains(m.Name, ".List") || name == "MembersWith" || name == "Events.Denials"
		table[name] = m
	}
	host := Method{}
	oneself := Method{Oneself: true}
	with := func(p rbac.Permission) Method { return Method{Permission: p} }
	orOneself := func(p rbac.Permission) Method { return Method{Permission: p, Oneself: true} }

	add("Transact", "transact", Method{Anyone: true})
	add("Import", "import", host)
	add("Can", "check", orOneself(rbac.ReadMembers))
	add("Check", "check", orOneself(rbac.ReadMembers))
	add("Explain", "explain", orOneself(rbac.ReadMembers))
	add("MembersWith", "list members with permission", with(rbac.ReadMembers))
	add("Run", "run", host)
	add("As", "act", host)
	add("Join", "join transaction", host)
	add("Rows", "get rows", host)

	add("Organizations.Create", "create organization", oneself)
	add("Organizations.Get", "get organization", with(rbac.ReadOrganization))
	add("Organizations.GetBySlug", "get organization", with(rbac.ReadOrganization))
	add("Organizations.GetByExternalID", "get organization", with(rbac.ReadOrganization))
	add("Organizations.Update", "update organization", with(rbac.UpdateOrganization))
	add("Organizations.List", "list organizations", host)
	add("Organizations.Suspend", "suspend organization", host)
	add("Organizations.Resume", "resume organization", host)
	add("Organizations.Archive", "archive organization", with(rbac.DeleteOrganization))
	add("Organizations.Restore", "restore organization", host)
	add("Organizations.Delete", "delete organization", with(rbac.DeleteOrganization))
	add("Organizations.Purge", "purge organization", host)

	add("Users.Create", "create user", host)
	add("Users.Get", "get user", oneself)
	add("Users.GetByEmail", "get user", host)
	add("Users.GetByExternalID", "get user", host)
	add("Users.Update", "update user", oneself)
	add("Users.List", "list users", host)
	add("Users.Suspend", "suspend user", host)
	add("Users.Unsuspend", "unsuspend user", host)
	add("Users.ChangeEmail", "change email", oneself)
	add("Users.ConfirmEmail", "confirm email", oneself)
	add("Users.CancelEmailChange", "cancel email change", oneself)
	add("Users.Merge", "merge users", host)
	add("Users.Delete", "delete user", host)
	add("Users.Erase", "erase user", host)
	add("Users.RecordSignIn", "record sign-in", host)

	add("Identities.Link", "link identity", host)
	add("Identities.Unlink", "unlink identity", oneself)
	add("Identities.List", "list identities", oneself)
	add("Identities.Resolve", "resolve identity", host)

	add("Memberships.Add", "add member", host)
	add("Memberships.Get", "get member", orOneself(rbac.ReadMembers))
	add("Memberships.Update", "update member", with(rbac.WriteMembers))
	add("Memberships.SetRoles", "set roles", with(rbac.WriteMembers))
	add("Memberships.Deactivate", "deactivate member", with(rbac.WriteMembers))
	add("Memberships.Reactivate", "reactivate member", with(rbac.WriteMembers))
	add("Memberships.Remove", "remove member", with(rbac.WriteMembers))
	add("Memberships.Leave", "leave organization", oneself)
	add("Memberships.TransferOwnership", "transfer ownership", with(rbac.TransferOwnership))
	add("Memberships.List", "list members", with(rbac.ReadMembers))
	add("Memberships.ListByUser", "list organizations of user", oneself)

	add("Invitations.Send", "send invitation", with(rbac.WriteInvitations))
	add("Invitations.Resend", "resend invitation", with(rbac.WriteInvitations))
	add("Invitations.Revoke", "revoke invitation", with(rbac.WriteInvitations))
	add("Invitations.Get", "get invitation", with(rbac.ReadInvitations))
	add("Invitations.List", "list invitations", with(rbac.ReadInvitations))
	add("Invitations.ListByUser", "list invitations of user", oneself)
	add("Invitations.Preview", "preview invitation", Method{Anyone: true})
	add("Invitations.Accept", "accept invitation", oneself)
	add("Invitations.Sweep", "sweep invitations", host)

	add("JoinCodes.Create", "create join code", with(rbac.WriteInvitations))
	add("JoinCodes.Get", "get join code", with(rbac.ReadInvitations))
	add("JoinCodes.List", "list join codes", with(rbac.ReadInvitations))
	add("JoinCodes.Revoke", "revoke join code", with(rbac.WriteInvitations))
	add("JoinCodes.Use", "use join code", oneself)

	add("JoinRequests.Create", "create join request", oneself)
	add("JoinRequests.Get", "get join request", orOneself(rbac.ReadInvitations))
	add("JoinRequests.List", "list join requests", with(rbac.ReadInvitations))
	add("JoinRequests.Approve", "approve join request", with(rbac.WriteInvitations))
	add("JoinRequests.Decline", "decline join request", with(rbac.WriteInvitations))
	add("JoinRequests.Cancel", "cancel join request", oneself)

	add("Roles.Declare", "declare roles", host)
	add("Roles.Get", "get role", with(rbac.ReadRoles))
	add("Roles.List", "list roles", with(rbac.ReadRoles))
	add("Roles.Create", "create role", with(rbac.WriteRoles))
	add("Roles.Update", "update role", with(rbac.WriteRoles))
	add("Roles.Reorder", "reorder roles", with(rbac.WriteRoles))
	add("Roles.Delete", "delete role", with(rbac.WriteRoles))

	add("Permissions.Declare", "declare permissions", host)
	add("Permissions.Delete", "delete permission", host)
	add("Permissions.List", "list permissions", Method{Anyone: true})
	add("Permissions.Of", "list permissions of member", orOneself(rbac.ReadMembers))

	add("Sessions.Start", "start session", host)
	add("Sessions.Authenticate", "authenticate", oneself)
	add("Sessions.Switch", "switch organization", oneself)
	add("Sessions.Claims", "make claims", oneself)
	add("Sessions.Get", "get session", orOneself(rbac.ReadSessions))
	add("Sessions.List", "list sessions", with(rbac.ReadSessions))
	add("Sessions.ListByUser", "list sessions of user", oneself)
	add("Sessions.Revoke", "revoke session", orOneself(rbac.WriteSessions))
	add("Sessions.RevokeAll", "revoke sessions of user", oneself)
	add("Sessions.RevokeByOrganization", "revoke sessions", with(rbac.WriteSessions))
	add("Sessions.SignOut", "sign out", oneself)
	add("Sessions.Sweep", "sweep sessions", host)

	add("SignIn", "sign in", host)
	add("Route", "route sign-in", host)

	add("Connections.Create", "create connection", with(rbac.WriteConnections))
	add("Connections.Get", "get connection", with(rbac.ReadConnections))
	add("Connections.GetByID", "get connection", host)
	add("Connections.List", "list connections", with(rbac.ReadConnections))
	add("Connections.Update", "update connection", with(rbac.WriteConnections))
	add("Connections.Delete", "delete connection", with(rbac.WriteConnections))
	add("Policies.Get", "get policy", with(rbac.ReadPolicies))
	add("Policies.Set", "set policy", with(rbac.WritePolicies))

	add("Domains.Claim", "claim domain", with(rbac.WriteDomains))
	add("Domains.Get", "get domain", with(rbac.ReadDomains))
	add("Domains.List", "list domains", with(rbac.ReadDomains))
	add("Domains.Challenge", "get challenge", with(rbac.ReadDomains))
	add("Domains.Update", "update domain", with(rbac.WriteDomains))
	add("Domains.Verify", "verify domain", with(rbac.WriteDomains))
	add("Domains.VerifySubdomains", "verify subdomains", with(rbac.WriteDomains))
	add("Domains.MarkVerified", "mark domain verified", host)
	add("Domains.Release", "release domain", with(rbac.WriteDomains))
	add("Domains.Owner", "find owner of email", host)
	add("Domains.Recheck", "recheck domains", host)

	add("Events.List", "list events", with(rbac.ReadEvents))
	add("Events.Last", "read last event", host)
	add("Events.Prune", "prune events", host)
	add("Events.Denials", "list denials", with(rbac.ReadEvents))
	return table
}()

// Methods is what each method of a bound Service needs (rule A1), by name. An All
// method needs what its List does. A method that names an organization and is not
// met there answers [ErrForbidden] to its active members and [ErrNotFound] to
// everybody else.
func Methods() []Method {
	list := make([]Method, 0, len(methods))
	for _, m := range methods {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Method) int { return strings.Compare(a.Name, b.Name) })
	return list
}
