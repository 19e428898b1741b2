package roster

import (
	"cmp"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// Format says how the columns of a file become rows. It is data: use or change what [Slack] and similar
// functions return.
type Format struct {
	Name    string   // the name in errors
	Columns []Column // several columns may fill one field
	// Layouts are the forms of the file's times, as in package time or [Unix], tried in order. Times without a
	// zone are in UTC. nil = RFC 3339, and 2006-01-02 with or without a time of day.
	Layouts []string
	// Never lists the cells that mean no time, in any case: "Never logged in". A blank cell always means no
	// time.
	Never []string
	// OwnIDs says that the ids are the program's own. The import keeps them as User.ExternalID, and finds
	// people by id first, and then by address.
	OwnIDs bool
	// Encoding of the file; "" = UTF-8 or UTF-16, recognized by the bytes.
	Encoding Encoding
	// Comma separates cells; 0 = comma, semicolon or tab, whichever separates the header.
	Comma rune
	// Limits limit the file.
	Limits Limits
}

// Unix is the layout of a time in seconds since 1970, or milliseconds; 0 means no time.
const Unix = "unix"

// Encoding is the encoding of a file.
type Encoding string

// The encodings. UTF-16 is not listed: Read recognizes it by its bytes, with or without a byte order mark.
const (
	UTF8        Encoding = "utf-8"        // with or without a byte order mark
	Windows1252 Encoding = "windows-1252" // what Excel writes as CSV in Western Europe and America
)

// Limits limit a file. A zero field has the default in its comment. A file over a limit is
// [tenancy.ErrTooLarge].
type Limits struct {
	Bytes   int // most bytes of the file; default 64 MiB
	Rows    int // most rows; default 200,000
	Columns int // most columns; default 500
	Cell    int // most bytes of a cell; default 64 KiB
}

func (l Limits) withDefaults() Limits {
	l.Bytes = cmp.Or(l.Bytes, 64<<20)
	l.Rows = cmp.Or(l.Rows, 200_000)
	l.Columns = cmp.Or(l.Columns, 500)
	l.Cell = cmp.Or(l.Cell, 64<<10)
	return l
}

// Column says what a column of a file means. Several columns of a file may match it.
type Column struct {
	// Field is the field that the column fills.
	Field Field
	// Names are the names that the column may have in the header, in any case; a space, "_" and "-" are the
	// same. If a file has several of these columns, each row uses the first one that is not blank.
	Names []string
	// Begins says that Names are only beginnings, as in "Last seen in Jira - acme". All columns with such a
	// beginning count; of times, the latest counts.
	Begins bool
	// Required says that a file without this column does not have this format.
	Required bool
	// Values say what a cell means, by its text in lower case. Any other text is a problem of the row. nil: the
	// text has its own meaning. Values are for [FieldStatus] and [FieldRoles].
	Values map[string]Meaning
	// Except skips cells that contain this text, such as the "#EXT#" of Entra's guests, which no address
	// contains.
	Except string
}

// Field is a field that a column fills.
type Field string

// The fields. A list in a cell is separated by comma, semicolon, "|" or line breaks.
const (
	FieldID               Field = "id"                // the person's id in the system that wrote the file
	FieldEmail            Field = "email"             // the address by which people are found
	FieldEmailVerified    Field = "email_verified"    // true, false, yes, no, 1 or 0
	FieldVerifiedEmails   Field = "verified_emails"   // a list; if it contains the address, the address is verified
	FieldUsername         Field = "username"          // only for the program
	FieldGivenName        Field = "given_name"        // as in [tenancy.NewUser]
	FieldFamilyName       Field = "family_name"       // as in [tenancy.NewUser]
	FieldDisplayName      Field = "display_name"      // as in [tenancy.NewUser]
	FieldPhone            Field = "phone"             // as in [tenancy.NewUser]
	FieldPicture          Field = "picture"           // an https URL
	FieldLocale           Field = "locale"            // a BCP 47 tag
	FieldStatus           Field = "status"            // by Values
	FieldRoles            Field = "roles"             // a list
	FieldOrganizationID   Field = "organization_id"   // the external id of the organization
	FieldOrganizationName Field = "organization_name" // for [Options].NewOrganization
	FieldUnit             Field = "unit"              // such as the path of an organizational unit; only for the program
	FieldCreatedAt        Field = "created_at"        // when the account was made
	FieldJoinedAt         Field = "joined_at"         // when the person became a member
	FieldLastSignInAt     Field = "last_sign_in_at"   // when the person last signed in to that system
	FieldDeactivatedAt    Field = "deactivated_at"    // since when an inactive person is inactive
	FieldExpiresAt        Field = "expires_at"        // the last day of a guest
	FieldPasswordDigest   Field = "password_digest"   // only for the program, and only for a new user
	FieldPasswordHasher   Field = "password_hasher"   // such as bcrypt; only for the program
	FieldMetadata         Field = "metadata"          // a JSON object
)

// Meaning is what the text of a cell means.
type Meaning struct {
	Status tenancy.MembershipStatus // [tenancy.MembershipActive] or [tenancy.MembershipInactive]; "" = the cell does not say
	Role   string                   // "" = the cell does not say
	Skip   string                   // why such a row is not a person, such as "is a bot"; "" = it is a person
}

// normal returns the form in which column names are compared.
func normal(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '_' || r == '-' || r == '\u00a0' }), " ")
}
