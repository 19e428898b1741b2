package roster

import "github.com/freehold-dev/freehold/tenancy"

var (
	active   = Meaning{Status: tenancy.MembershipActive}
	inactive = Meaning{Status: tenancy.MembershipInactive}
)

// as returns the meaning: an active member with a role.
func as(role string) Meaning { return Meaning{Status: tenancy.MembershipActive, Role: role} }

// People is the format of a table of your own: the email and other fields, by the names of the fields. Its
// status is active or inactive, or a word that other systems use for these.
func People() Format {
	return Format{
		Name:   "people",
		OwnIDs: true,
		Columns: []Column{
			{Field: FieldEmail, Names: []string{"email", "email address", "mail", "e-mail"}, Required: true},
			{Field: FieldID, Names: []string{"external_id", "id", "user_id"}},
			{Field: FieldEmailVerified, Names: []string{"email_verified"}},
			{Field: FieldUsername, Names: []string{"username"}},
			{Field: FieldGivenName, Names: []string{"given_name", "first_name", "firstname"}},
			{Field: FieldFamilyName, Names: []string{"family_name", "last_name", "lastname", "surname"}},
			{Field: FieldDisplayName, Names: []string{"display_name", "name", "full_name"}},
			{Field: FieldPhone, Names: []string{"phone", "phone_number"}},
			{Field: FieldPicture, Names: []string{"picture"}},
			{Field: FieldLocale, Names: []string{"locale", "language"}},
			{Field: FieldRoles, Names: []string{"roles", "role"}},
			{Field: FieldStatus, Names: []string{"status"}, Values: map[string]Meaning{
				"active": active, "enabled": active, "inactive": inactive, "deactivated": inactive, "disabled": inactive, "suspended": inactive,
			}},
			{Field: FieldOrganizationID, Names: []string{"organization_external_id", "organization_id", "org_external_id", "org_id"}},
			{Field: FieldOrganizationName, Names: []string{"organization_name", "organization", "org_name", "company"}},
			{Field: FieldUnit, Names: []string{"unit", "department"}},
			{Field: FieldCreatedAt, Names: []string{"created_at", "created"}},
			{Field: FieldJoinedAt, Names: []string{"joined_at", "joined"}},
			{Field: FieldLastSignInAt, Names: []string{"last_sign_in_at", "last_sign_in", "last_login"}},
			{Field: FieldDeactivatedAt, Names: []string{"deactivated_at"}},
			{Field: FieldExpiresAt, Names: []string{"expires_at", "until"}},
			{Field: FieldPasswordDigest, Names: []string{"password_digest", "password_hash"}},
			{Field: FieldPasswordHasher, Names: []string{"password_hasher"}},
			{Field: FieldMetadata, Names: []string{"metadata"}},
		},
		Never: []string{"never"},
	}
}

// Slack is the member list of a Slack workspace. One column has both the role and the state. Bots are skipped,
// and guests have a last day.
func Slack() Format {
	return Format{
		Name: "Slack members",
		Columns: []Column{
			{Field: FieldEmail, Names: []string{"email"}, Required: true},
			{Field: FieldStatus, Names: []string{"status"}, Required: true, Values: map[string]Meaning{
				"primary owner": as("owner"), "workspace primary owner": as("owner"), "owner": as("owner"), "workspace owner": as("owner"),
				"admin": as("admin"), "workspace admin": as("admin"), "member": as("member"),
				"multi-channel guest": as("guest"), "single-channel guest": as("guest"), "guest": as("guest"),
				"deactivated": inactive, "bot": {Skip: "is a bot"},
				"invited member": {Skip: "is invited, and no member yet"}, "invited guest": {Skip: "is invited, and no member yet"},
			}},
			{Field: FieldID, Names: []string{"userid"}},
			{Field: FieldUsername, Names: []string{"username"}},
			{Field: FieldDisplayName, Names: []string{"fullname", "displayname"}},
			{Field: FieldExpiresAt, Names: []string{"expiration-timestamp"}},
		},
		Layouts: []string{Unix},
	}
}

// GoogleWorkspace is the user download of the admin console.
func GoogleWorkspace() Format {
	return Format{
		Name: "Google Workspace users",
		Columns: []Column{
			{Field: FieldEmail, Names: []string{"Email Address [Required]", "Email Address"}, Required: true},
			{Field: FieldGivenName, Names: []string{"First Name [Required]", "First Name"}, Required: true},
			{Field: FieldFamilyName, Names: []string{"Last Name [Required]", "Last Name"}, Required: true},
			{Field: FieldStatus, Names: []string{"Status [READ ONLY]", "Status"}, Values: map[string]Meaning{
				"active": active, "suspended": inactive, "archived": inactive, "deleted": inactive,
			}},
			{Field: FieldLastSignInAt, Names: []string{"Last Sign In [READ ONLY]", "Last Sign In"}},
			{Field: FieldUnit, Names: []string{"Org Unit Path [Required]", "Org Unit Path"}},
			{Field: FieldPhone, Names: []string{"Work Phone", "Mobile Phone"}},
			{Field: FieldID, Names: []string{"Employee ID"}},
		},
		Layouts: []string{"2006/01/02 15:04:05", "2006/01/02", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02"},
		Never:   []string{"Never logged in"},
	}
}

// Clerk is Clerk's user export. An address is verified if it is in the list of verified addresses. The program
// gets the digests of passwords.
func Clerk() Format {
	return Format{
		Name:   "Clerk users",
		OwnIDs: true,
		Columns: []Column{
			{Field: FieldID, Names: []string{"id"}, Required: true},
			{Field: FieldEmail, Names: []string{"primary_email_address"}, Required: true},
			{Field: FieldVerifiedEmails, Names: []string{"verified_email_addresses"}, Required: true},
			{Field: FieldGivenName, Names: []string{"first_name"}},
			{Field: FieldFamilyName, Names: []string{"last_name"}},
			{Field: FieldUsername, Names: []string{"username"}},
			{Field: FieldPhone, Names: []string{"primary_phone_number"}},
			{Field: FieldPasswordDigest, Names: []string{"password_digest"}},
			{Field: FieldPasswordHasher, Names: []string{"password_hasher"}},
			{Field: FieldCreatedAt, Names: []string{"created_at"}},
		},
	}
}

// Entra is the bulk download of users of Microsoft Entra ID. If mail is blank, the user principal name is the
// address, except for a guest, whose principal name is not an address.
func Entra() Format {
	return Format{
		Name: "Entra users",
		Columns: []Column{
			{Field: FieldEmail, Names: []string{"mail", "userPrincipalName"}, Required: true, Except: "#EXT#"},
			{Field: FieldUsername, Names: []string{"userPrincipalName"}, Required: true},
			{Field: FieldDisplayName, Names: []string{"displayName"}},
			{Field: FieldGivenName, Names: []string{"givenName"}},
			{Field: FieldFamilyName, Names: []string{"surname"}},
			{Field: FieldID, Names: []string{"objectId", "id"}},
			{Field: FieldRoles, Names: []string{"userType"}, Values: map[string]Meaning{"member": {}, "guest": {Role: "guest"}}},
			{Field: FieldStatus, Names: []string{"accountEnabled"}, Values: map[string]Meaning{"true": active, "false": inactive}},
			{Field: FieldUnit, Names: []string{"department"}},
			{Field: FieldPhone, Names: []string{"telephoneNumber", "mobilePhone", "mobile"}},
			{Field: FieldCreatedAt, Names: []string{"createdDateTime"}},
		},
	}
}

// WorkOS is the user file of a migration to WorkOS. A person has a row for each organization. Roles are in a
// second file: see [WorkOSRoles] and [Sheet.AddRoles].
func WorkOS() Format {
	return Format{
		Name:   "WorkOS users",
		OwnIDs: true,
		Columns: []Column{
			{Field: FieldEmail, Names: []string{"email"}, Required: true},
			{Field: FieldID, Names: []string{"external_id", "user_id"}},
			{Field: FieldGivenName, Names: []string{"first_name"}},
			{Field: FieldFamilyName, Names: []string{"last_name"}},
			{Field: FieldEmailVerified, Names: []string{"email_verified"}},
			{Field: FieldPasswordDigest, Names: []string{"password_hash"}},
			{Field: FieldPasswordHasher, Names: []string{"password_hash_type"}},
			{Field: FieldMetadata, Names: []string{"metadata"}},
			{Field: FieldOrganizationID, Names: []string{"org_external_id", "org_id"}},
			{Field: FieldOrganizationName, Names: []string{"org_name"}},
		},
	}
}

// WorkOSRoles is the roles file that comes with [WorkOS], with a row for each role of a person. Give it to
// [Sheet.AddRoles].
func WorkOSRoles() Format {
	return Format{
		Name:   "WorkOS roles",
		OwnIDs: true,
		Columns: []Column{
			{Field: FieldID, Names: []string{"external_id", "user_id"}, Required: true},
			{Field: FieldRoles, Names: []string{"role_slug"}, Required: true},
			{Field: FieldOrganizationID, Names: []string{"org_external_id", "org_id"}},
		},
	}
}

// Atlassian is the user export of an Atlassian organization. Several columns say when the person was last seen
// in each product; the latest counts.
func Atlassian() Format {
	return Format{
		Name: "Atlassian users",
		Columns: []Column{
			{Field: FieldEmail, Names: []string{"email"}, Required: true},
			{Field: FieldID, Names: []string{"User id"}, Required: true},
			{Field: FieldDisplayName, Names: []string{"User name"}},
			{Field: FieldStatus, Names: []string{"User status"}, Values: map[string]Meaning{
				"active": active, "suspended": inactive, "deactivated": inactive, "inactive": inactive,
			}},
			{Field: FieldJoinedAt, Names: []string{"Added to org"}},
			{Field: FieldRoles, Names: []string{"Org role"}, Values: map[string]Meaning{
				"user": {Role: "member"}, "none": {}, "organization admin": {Role: "admin"}, "org admin": {Role: "admin"},
				"site admin": {}, "user access admin": {}, "guest": {Role: "guest"},
			}},
			{Field: FieldLastSignInAt, Names: []string{"Last seen in "}, Begins: true},
		},
		Layouts: []string{"2 Jan 2006", "2 January 2006", "2006-01-02"},
		Never:   []string{"Never accessed", "Never", "N/A", "-"},
	}
}
