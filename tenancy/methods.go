package tenancy

import (
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/rbac"
)

// Method says what an actor needs to call one method of a bound Service (rule A1): at least one of Permission,
// Oneself and Anyone. A trusted Service may call all methods.
type Method struct {
	// Name is the method with its group, such as "Memberships.Add".
	Name string
	// Permission allows the call to an actor who has it in the named organization; "" = no permission allows
	// it.
	Permission rbac.Permission
	// Oneself allows the call to the user whom it names.
	Oneself bool
	// Anyone allows the call to every actor; the method reveals nothing.
	Anyone bool

	op    string // what the method does, for error messages
	lists bool   // its result is a list: see [Guarded]
}

// HostOnly reports whether only a trusted Service may call the method (rule A4).
func (m Method) HostOnly() bool { return m.Permission == "" && !m.Oneself && !m.Anyone }

// This is the table of what each method needs (rule A1). Every method has a variable, so that a misspelt name
// does not compile, and staticcheck finds a method that nothing uses. As has no variable: it cannot fail, so
// nothing needs its name.
var (
	serviceTransact    = declare("Transact", "transact", anyone)
	serviceImport      = declare("Import", "import", hostOnly)
	serviceDeclare     = declare("Declare", "declare", hostOnly)
	serviceCan         = declare("Can", "check", needsOrOneself(rbac.ReadMembers))
	serviceCheck       = declare("Check", "check", needsOrOneself(rbac.ReadMembers))
	serviceExplain     = declare("Explain", "explain", needsOrOneself(rbac.ReadMembers))
	serviceMembersWith = declare("MembersWith", "list members with permission", needs(rbac.ReadMembers))
	serviceRun         = declare("Run", "run", hostOnly)
	_                  = declare("As", "act", hostOnly)
	serviceJoin        = declare("Join", "join transaction", hostOnly)
	serviceRows        = declare("Rows", "get rows", hostOnly)

	organizationsCreate          = declare("Organizations.Create", "create organization", oneself)
	organizationsGet             = declare("Organizations.Get", "get organization", needs(rbac.ReadOrganization))
	organizationsGetBySlug       = declare("Organizations.GetBySlug", "get organization", needs(rbac.ReadOrganization))
	organizationsGetByFormerSlug = declare("Organizations.GetByFormerSlug", "get organization", needs(rbac.ReadOrganization))
	organizationsGetByExternalID = declare("Organizations.GetByExternalID", "get organization", needs(rbac.ReadOrganization))
	organizationsReleaseSlug     = declare("Organizations.ReleaseSlug", "release slug", hostOnly)
	organizationsUpdate          = declare("Organizations.Update", "update organization", needs(rbac.UpdateOrganization))
	organizationsList            = declare("Organizations.List", "list organizations", hostOnly)
	organizationsSeats           = declare("Organizations.Seats", "count seats", needs(rbac.ReadMembers))
	organizationsSuspend         = declare("Organizations.Suspend", "suspend organization", hostOnly)
	organizationsResume          = declare("Organizations.Resume", "resume organization", hostOnly)
	organizationsArchive         = declare("Organizations.Archive", "archive organization", needs(rbac.DeleteOrganization))
	organizationsRestore         = declare("Organizations.Restore", "restore organization", hostOnly)
	organizationsDelete          = declare("Organizations.Delete", "delete organization", needs(rbac.DeleteOrganization))
	organizationsPurge           = declare("Organizations.Purge", "purge organization", hostOnly)

	usersCreate            = declare("Users.Create", "create user", hostOnly)
	usersGet               = declare("Users.Get", "get user", oneself)
	usersGetByEmail        = declare("Users.GetByEmail", "get user", hostOnly)
	usersGetByExternalID   = declare("Users.GetByExternalID", "get user", hostOnly)
	usersUpdate            = declare("Users.Update", "update user", oneself)
	usersList              = declare("Users.List", "list users", hostOnly)
	usersSuspend           = declare("Users.Suspend", "suspend user", hostOnly)
	usersUnsuspend         = declare("Users.Unsuspend", "unsuspend user", hostOnly)
	usersChangeEmail       = declare("Users.ChangeEmail", "change email", oneself)
	usersConfirmEmail      = declare("Users.ConfirmEmail", "confirm email", oneself)
	usersSendVerification  = declare("Users.SendVerification", "send verification", oneself)
	usersCancelEmailChange = declare("Users.CancelEmailChange", "cancel email change", oneself)
	usersMerge             = declare("Users.Merge", "merge users", hostOnly)
	usersDelete            = declare("Users.Delete", "delete user", hostOnly)
	usersErase             = declare("Users.Erase", "erase user", hostOnly)
	usersRecordSignIn      = declare("Users.RecordSignIn", "record sign-in", hostOnly)

	identitiesLink    = declare("Identities.Link", "link identity", hostOnly)
	identitiesUnlink  = declare("Identities.Unlink", "unlink identity", oneself)
	identitiesList    = declare("Identities.List", "list identities", oneself)
	identitiesResolve = declare("Identities.Resolve", "resolve identity", hostOnly)

	membershipsAdd               = declare("Memberships.Add", "add member", hostOnly)
	membershipsGet               = declare("Memberships.Get", "get member", needsOrOneself(rbac.ReadMembers))
	membershipsUpdate            = declare("Memberships.Update", "update member", needs(rbac.WriteMembers))
	membershipsSetRoles          = declare("Memberships.SetRoles", "set roles", needs(rbac.WriteMembers))
	membershipsAddRole           = declare("Memberships.AddRole", "add role", needs(rbac.WriteMembers))
	membershipsRemoveRole        = declare("Memberships.RemoveRole", "remove role", needs(rbac.WriteMembers))
	membershipsDeactivate        = declare("Memberships.Deactivate", "deactivate member", needs(rbac.WriteMembers))
	membershipsReactivate        = declare("Memberships.Reactivate", "reactivate member", needs(rbac.WriteMembers))
	membershipsRemove            = declare("Memberships.Remove", "remove member", needs(rbac.WriteMembers))
	membershipsRemoved           = declare("Memberships.Removed", "list removed members", needs(rbac.WriteMembers))
	membershipsReadmit           = declare("Memberships.Readmit", "readmit member", needs(rbac.WriteMembers))
	membershipsLeave             = declare("Memberships.Leave", "leave organization", oneself)
	membershipsTransferOwnership = declare("Memberships.TransferOwnership", "transfer ownership", needs(rbac.TransferOwnership))
	membershipsList              = declare("Memberships.List", "list members", needs(rbac.ReadMembers))
	membershipsCount             = declare("Memberships.Count", "count members", needs(rbac.ReadMembers))
	membershipsListByUser        = declare("Memberships.ListByUser", "list organizations of user", oneself)

	invitationsSend       = declare("Invitations.Send", "send invitation", needs(rbac.WriteInvitations))
	invitationsResend     = declare("Invitations.Resend", "resend invitation", needs(rbac.WriteInvitations))
	invitationsSendMany   = declare("Invitations.SendMany", "send invitations", needs(rbac.WriteInvitations))
	invitationsUpdate     = declare("Invitations.Update", "update invitation", needs(rbac.WriteInvitations))
	invitationsRevoke     = declare("Invitations.Revoke", "revoke invitation", needs(rbac.WriteInvitations))
	invitationsGet        = declare("Invitations.Get", "get invitation", needs(rbac.ReadInvitations))
	invitationsList       = declare("Invitations.List", "list invitations", needs(rbac.ReadInvitations))
	invitationsListByUser = declare("Invitations.ListByUser", "list invitations of user", oneself)
	invitationsPreview    = declare("Invitations.Preview", "preview invitation", anyone)
	invitationsDecline    = declare("Invitations.Decline", "decline invitation", anyone)
	invitationsAccept     = declare("Invitations.Accept", "accept invitation", oneself)
	invitationsSweep      = declare("Invitations.Sweep", "sweep invitations", hostOnly)

	joinCodesCreate = declare("JoinCodes.Create", "create join code", needs(rbac.WriteInvitations))
	joinCodesGet    = declare("JoinCodes.Get", "get join code", needs(rbac.ReadInvitations))
	joinCodesList   = declare("JoinCodes.List", "list join codes", needs(rbac.ReadInvitations))
	joinCodesRevoke = declare("JoinCodes.Revoke", "revoke join code", needs(rbac.WriteInvitations))
	joinCodesUse    = declare("JoinCodes.Use", "use join code", oneself)

	joinRequestsCreate  = declare("JoinRequests.Create", "create join request", oneself)
	joinRequestsGet     = declare("JoinRequests.Get", "get join request", needsOrOneself(rbac.ReadInvitations))
	joinRequestsList    = declare("JoinRequests.List", "list join requests", needs(rbac.ReadInvitations))
	joinRequestsApprove = declare("JoinRequests.Approve", "approve join request", needs(rbac.WriteInvitations))
	joinRequestsDecline = declare("JoinRequests.Decline", "decline join request", needs(rbac.WriteInvitations))
	joinRequestsCancel  = declare("JoinRequests.Cancel", "cancel join request", oneself)

	rolesGet       = declare("Roles.Get", "get role", needs(rbac.ReadRoles))
	rolesList      = declare("Roles.List", "list roles", needs(rbac.ReadRoles))
	rolesEffective = declare("Roles.Effective", "get effective role", needs(rbac.ReadRoles))
	rolesHolders   = declare("Roles.Holders", "list holders of role", needs(rbac.ReadRoles))
	rolesCreate    = declare("Roles.Create", "create role", needs(rbac.WriteRoles))
	rolesUpdate    = declare("Roles.Update", "update role", needs(rbac.WriteRoles))
	rolesReorder   = declare("Roles.Reorder", "reorder roles", needs(rbac.WriteRoles))
	rolesDelete    = declare("Roles.Delete", "delete role", needs(rbac.WriteRoles))

	permissionsDelete = declare("Permissions.Delete", "delete permission", hostOnly)
	permissionsList   = declare("Permissions.List", "list permissions", anyone)
	permissionsOf     = declare("Permissions.Of", "list permissions of member", needsOrOneself(rbac.ReadMembers))

	sessionsStart                = declare("Sessions.Start", "start session", hostOnly)
	sessionsAuthenticate         = declare("Sessions.Authenticate", "authenticate", oneself)
	sessionsEnter                = declare("Sessions.Enter", "enter organization", oneself)
	sessionsSwitch               = declare("Sessions.Switch", "switch organization", oneself)
	sessionsClaims               = declare("Sessions.Claims", "make claims", oneself)
	sessionsGet                  = declare("Sessions.Get", "get session", needsOrOneself(rbac.ReadSessions))
	sessionsList                 = declare("Sessions.List", "list sessions", needs(rbac.ReadSessions))
	sessionsListByUser           = declare("Sessions.ListByUser", "list sessions of user", oneself)
	sessionsRevoke               = declare("Sessions.Revoke", "revoke session", needsOrOneself(rbac.WriteSessions))
	sessionsRevokeAll            = declare("Sessions.RevokeAll", "revoke sessions of user", oneself)
	sessionsRevokeByOrganization = declare("Sessions.RevokeByOrganization", "revoke sessions", needs(rbac.WriteSessions))
	sessionsSignOut              = declare("Sessions.SignOut", "sign out", oneself)
	sessionsSweep                = declare("Sessions.Sweep", "sweep sessions", hostOnly)

	proofsStart   = declare("Proofs.Start", "start proof", hostOnly)
	proofsPreview = declare("Proofs.Preview", "preview proof", hostOnly)
	proofsFinish  = declare("Proofs.Finish", "finish proof", hostOnly)
	proofsOpen    = declare("Proofs.Open", "open proof", hostOnly)
	proofsSweep   = declare("Proofs.Sweep", "sweep proofs", hostOnly)

	serviceSignIn = declare("SignIn", "sign in", hostOnly)
	serviceRoute  = declare("Route", "route sign-in", hostOnly)

	connectionsCreate  = declare("Connections.Create", "create connection", needs(rbac.WriteConnections))
	connectionsGet     = declare("Connections.Get", "get connection", needs(rbac.ReadConnections))
	connectionsGetByID = declare("Connections.GetByID", "get connection", hostOnly)
	connectionsList    = declare("Connections.List", "list connections", needs(rbac.ReadConnections))
	connectionsUpdate  = declare("Connections.Update", "update connection", needs(rbac.WriteConnections))
	connectionsDelete  = declare("Connections.Delete", "delete connection", needs(rbac.WriteConnections))

	policiesGet = declare("Policies.Get", "get policy", needs(rbac.ReadPolicies))
	policiesSet = declare("Policies.Set", "set policy", needs(rbac.WritePolicies))

	domainsClaim            = declare("Domains.Claim", "claim domain", needs(rbac.WriteDomains))
	domainsGet              = declare("Domains.Get", "get domain", needs(rbac.ReadDomains))
	domainsList             = declare("Domains.List", "list domains", needs(rbac.ReadDomains))
	domainsChallenge        = declare("Domains.Challenge", "get challenge", needs(rbac.ReadDomains))
	domainsUpdate           = declare("Domains.Update", "update domain", needs(rbac.WriteDomains))
	domainsVerify           = declare("Domains.Verify", "verify domain", needs(rbac.WriteDomains))
	domainsVerifySubdomains = declare("Domains.VerifySubdomains", "verify subdomains", needs(rbac.WriteDomains))
	domainsMarkVerified     = declare("Domains.MarkVerified", "mark domain verified", hostOnly)
	domainsRelease          = declare("Domains.Release", "release domain", needs(rbac.WriteDomains))
	domainsOwner            = declare("Domains.Owner", "find owner of email", hostOnly)
	domainsRecheck          = declare("Domains.Recheck", "recheck domains", hostOnly)

	eventsList    = declare("Events.List", "list events", needs(rbac.ReadEvents))
	eventsLast    = declare("Events.Last", "read last event", hostOnly)
	eventsPrune   = declare("Events.Prune", "prune events", hostOnly)
	eventsDenials = declare("Events.Denials", "list denials", needs(rbac.ReadEvents))
)

// What an actor needs, as used in the table above.
var (
	hostOnly = Method{}
	oneself  = Method{Oneself: true}
	anyone   = Method{Anyone: true}
)

func needs(p rbac.Permission) Method { return Method{Permission: p} }

func needsOrOneself(p rbac.Permission) Method { return Method{Permission: p, Oneself: true} }

// methodTable has the methods in the order of their declaration. Only declare appends to it, before main
// starts.
var methodTable []*Method

// otherLists are methods whose results or scans are long although their names do not say so.
var otherLists = []string{
	"MembersWith", "Events.Denials", "Memberships.Count", "Memberships.Removed", "Organizations.Seats", "Roles.Holders",
}

// declare adds a method to the table. op says what the method does, for error messages.
func declare(name, op string, m Method) *Method {
	m.Name, m.op = name, op
	m.lists = !m.Anyone && strings.Contains(name, ".List") || slices.Contains(otherLists, name)
	methodTable = append(methodTable, &m)
	return &m
}

// Methods returns what each method of a bound Service needs, by name (rule A1). A method All needs what List
// needs. If an actor lacks what a method needs in the named organization, the call answers [ErrForbidden] to
// active members and [ErrNotFound] to everybody else.
func Methods() []Method {
	list := make([]Method, 0, len(methodTable))
	for _, m := range methodTable {
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b Method) int { return strings.Compare(a.Name, b.Name) })
	return list
}
