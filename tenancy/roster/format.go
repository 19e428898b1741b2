package roster

import (
	"cmp"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// Format says how the columns of a file become rows. It is data: [Slack] and its like give one to use or to alter.
type Format struct {
	Name    string   // what errors call it
	Columns []Column // several may fill one field
	// Layouts are the forms of its times, as in package time, tried in order, and [Unix]. Times without
	// a zone are in UTC. nil = RFC 3339, and 2006-01-02 with or without a time of day.
	Layouts []string
	// Never are cells that mean no time, in any case: "Never logged in". A blank cell always does.
	Never []string
	// OwnIDs says that the ids are your own: they are kept as User.ExternalID, and people are found
	// by them before their address.
	OwnIDs bool
	// Encoding of the file; "" = UTF-8 or UTF-16, told apart by the bytes.
	Encoding Encoding
	// Comma separates cells; 0 = comma, semicolon or tab, whichever fits the header.
	Comma rune
	// Limits bound the file.
	Limits Limits
}

// Unix is the layout of a time in seconds since 1970, or milliseconds; 0 means no time.
const Unix = "unix"

// Encoding is the encoding of a file.
type Encoding string

// The encodings. UTF-16 has no line here: it is told apart by its bytes, with a byte order mark or without.
const (
	UTF8        Encoding = "utf-8"        // with or without a byte order mark
	Windows1252 Encoding = "windows-1252" // what Excel calls CSV in Western Europe and America
)

// Limits bound a file; a zero field has the default that its line names. What is over one is
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

// Column says what one column of a file, or one of several that may be there, means.
type Column struct {
	// Field is what it fills.
	Field Field
	// Names are what the header may call it, in any case; a space, "_" and "-" are the same. Where a file
	// has several of them, the first that is not blank in a row counts.
	Names []string
	// Begins says that each of Names is only the beginning, as in "Last seen in Jira - acme". Every
	// column that begins so counts; of times the latest.
	Begins bool
	// Required says that a file without it is not of this format.
	Required bool
	// Values say what a cell means, by its text in lower case; any other text is a problem of the
	// row. nil: the text itself. It is for [FieldStatus] and [FieldRoles].
	Values map[string]Meaning
	// Except passes over cells that contain this text: "#EXT#" of Entra's guests, which is in no address.
	Except string
}

// Field is what a column fills.
type Field string

// The fields. A list in a cell is separated by comma, semicolon, "|" or a line break.
const (
	FieldID               Field = "id"                // the person's, in the system that the file is from
	FieldEmail            Field = "email"             // what people are found by
	FieldEmailVerified    Field = "email_verified"    // true, false, yes, no, 1 or 0
	FieldVerifiedEmails   Field = "verified_emails"   // a list: the address is verified if it is in it
	FieldUsername         Field = "username"          // for the program alone
	FieldGivenName        Field = "given_name"        // as in [tenancy.NewUser]
	FieldFamilyName       Field = "family_name"       // likewise
	FieldDisplayName      Field = "display_name"      // likewise
	FieldPhone            Field = "phone"             // likewise
	FieldPicture          Field = "picture"           // an https URL
	FieldLocale           Field = "locale"            // a BCP 47 tag
	FieldStatus           Field = "status"            // by Values
	FieldRoles            Field = "roles"             // a list
	FieldOrganizationID   Field = "organization_id"   // the external id of the organization
	FieldOrganizationName Field = "organization_name" // for [Options].NewOrganization
	FieldUnit             Field = "unit"              // such as the path of an organizational unit; for the program alone
	FieldCreatedAt        Field = "created_at"        // when the account was made
	FieldJoinedAt         Field = "joined_at"         // when they became a member
	FieldLastSignInAt     Field = "last_sign_in_at"   // when the person last signed in there
	FieldDeactivatedAt    Field = "deactivated_at"    // since when an inactive one is inactive
	FieldExpiresAt        Field = "expires_at"        // until when a guest stays
	FieldPasswordDigest   Field = "password_digest"   // for the program alone, and of a new user alone
	FieldPasswordHasher   Field = "password_hasher"   // such as bcrypt; for the program alone
	FieldMetadata         Field = "metadata"          // a JSON object
)

// Meaning is what the text of a cell means.
type Meaning struct {
	Status tenancy.MembershipStatus // [tenancy.MembershipActive] or [tenancy.MembershipInactive]; "" = not said
	Role   string                   // "" = not said
	Skip   string                   // why such a row is no person, as "is a bot"; "" = it is one
}

// normal is the form in which names of columns are compared.
func normal(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '_' || r == '-' || r == '\u00a0' }), " ")
}
