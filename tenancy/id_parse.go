package tenancy

// ParseOrganizationID parses the id of an organization; its text begins with org_. See [ParseID].
func ParseOrganizationID(s string) (OrganizationID, error) { return ParseID[Organization](s) }

// ParseUserID parses the id of a user; its text begins with usr_. See [ParseID].
func ParseUserID(s string) (UserID, error) { return ParseID[User](s) }

// ParseMembershipID parses the id of a membership; its text begins with mem_. See [ParseID].
func ParseMembershipID(s string) (MembershipID, error) { return ParseID[Membership](s) }

// ParseIdentityID parses the id of an identity; its text begins with idn_. See [ParseID].
func ParseIdentityID(s string) (IdentityID, error) { return ParseID[Identity](s) }

// ParseInvitationID parses the id of an invitation; its text begins with inv_. See [ParseID].
func ParseInvitationID(s string) (InvitationID, error) { return ParseID[Invitation](s) }

// ParseJoinCodeID parses the id of a join code; its text begins with jcd_. See [ParseID].
func ParseJoinCodeID(s string) (JoinCodeID, error) { return ParseID[JoinCode](s) }

// ParseJoinRequestID parses the id of a join request; its text begins with jrq_. See [ParseID].
func ParseJoinRequestID(s string) (JoinRequestID, error) { return ParseID[JoinRequest](s) }

// ParseDomainID parses the id of a domain claim; its text begins with dom_. See [ParseID].
func ParseDomainID(s string) (DomainID, error) { return ParseID[Domain](s) }

// ParseConnectionID parses the id of a connection; its text begins with con_. See [ParseID].
func ParseConnectionID(s string) (ConnectionID, error) { return ParseID[Connection](s) }

// ParsePolicyID parses the id of a policy; its text begins with pol_. See [ParseID].
func ParsePolicyID(s string) (PolicyID, error) { return ParseID[Policy](s) }

// ParseSessionID parses the id of a session; its text begins with ses_. See [ParseID].
func ParseSessionID(s string) (SessionID, error) { return ParseID[Session](s) }

// ParseRoleID parses the id of a role; its text begins with role_. See [ParseID].
func ParseRoleID(s string) (RoleID, error) { return ParseID[Role](s) }

// ParseRoleAssignmentID parses the id of a role assignment; its text begins with ras_. See [ParseID].
func ParseRoleAssignmentID(s string) (RoleAssignmentID, error) { return ParseID[RoleAssignment](s) }

// ParsePermissionID parses the id of a permission; its text begins with prm_. See [ParseID].
func ParsePermissionID(s string) (PermissionID, error) { return ParseID[Permission](s) }

// ParseRemovalID parses the id of a removal; its text begins with rmv_. See [ParseID].
func ParseRemovalID(s string) (RemovalID, error) { return ParseID[Removal](s) }

// ParseEventID parses the id of an event; its text begins with evt_. See [ParseID].
func ParseEventID(s string) (EventID, error) { return ParseID[Event](s) }

// ParseDenialID parses the id of a denial; its text begins with den_. See [ParseID].
func ParseDenialID(s string) (DenialID, error) { return ParseID[Denial](s) }
