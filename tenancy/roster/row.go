package roster

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// Sheet is a file that was read.
type Sheet struct {
	Format  string   // its name
	Header  []string // the names of the columns, as the file has them
	Ignored []string // those that the format does not read; [Row.Cell] does
	Rows    []Row    // in the order of the file, without the blank ones

	ownIDs bool
}

// Row is one row of a file: one person, in one organization or in none. A field of which the file says
// nothing is zero, and changes nothing.
type Row struct {
	Line             int                      // of the file, from 1: of its first line where cells have line breaks
	ID               string                   // the person's, in the system that the file is from
	Email            string                   // as given
	EmailVerified    bool                     // the file says that the mailbox is proved
	Username         string                   // for the program alone
	GivenName        string                   // as in [tenancy.NewUser]
	FamilyName       string                   // likewise
	DisplayName      string                   // likewise
	Phone            string                   // likewise
	Picture          string                   // an https URL
	Locale           string                   // a BCP 47 tag
	Status           tenancy.MembershipStatus // active or inactive; "" = not said
	Roles            []string                 // in the words of the file, in lower case, or those of [Column].Values
	OrganizationID   string                   // the organization's external id
	OrganizationName string                   // for [Options].NewOrganization
	Unit             string                   // such as an organizational unit; for the program alone
	CreatedAt        time.Time                // times are in UTC; zero: not said
	JoinedAt         time.Time                // when they became a member
	LastSignInAt     time.Time                // when they last signed in there
	DeactivatedAt    time.Time                // since when an inactive one is inactive
	ExpiresAt        time.Time                // until when a guest stays
	PasswordDigest   Secret                   // for the program to keep: Freehold keeps no passwords
	PasswordHasher   string                   // such as bcrypt; for the program alone
	Metadata         map[string]string        // a JSON object of texts
	Skip             string                   // why it is no person; "" = it is one
	Problems         []*Problem               // what is wrong with it: such a row is refused

	cell   func(name string) string             // a function, so that fmt does not print what is secret in the cells
	column func(field Field, blank bool) string // the name of the column that filled a field, or with blank could have; "" = none
}

// columnOf is the name of the column that filled a field, as the header has it; "" = none.
func (r Row) columnOf(field Field) string {
	if r.column == nil {
		return ""
	}
	return r.column(field, false)
}

// columnFor is columnOf, and where the cell is blank the name of its column.
func (r Row) columnFor(field Field) string {
	if r.column == nil {
		return ""
	}
	return r.column(field, true)
}

// Cell is the text of a column by its name, as [Column].Names compares them; "" where there is none.
// It may be secret.
func (r Row) Cell(name string) string {
	if r.cell == nil {
		return ""
	}
	return r.cell(name)
}

// Name is what to call the person: the display name, else given and family name.
func (r Row) Name() string {
	return tenancy.User{DisplayName: r.DisplayName, GivenName: r.GivenName, FamilyName: r.FamilyName}.Name()
}

func (r *Row) problem(p *Problem) { r.Problems = append(r.Problems, p) }

// Secret is a text that shows itself to nobody except through Reveal: fmt, slog and encoding/json print a
// placeholder.
type Secret struct{ text *string }

const redacted = "[redacted]"

// Reveal is the text itself, "" for none.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is none.
func (s Secret) IsZero() bool { return s.text == nil }

// String is a placeholder.
func (Secret) String() string { return redacted }

// Format writes a placeholder, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue is a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// AddRoles gives the people of the sheet the roles of another file, which names them by their ids as
// [WorkOSRoles] does: in every organization, or, where its row names one, in that alone. A row of that file
// that is wrong, or names somebody who is not in the sheet, comes into the sheet as a row that is refused;
// its line is of that file, and its problems say so.
func (s *Sheet) AddRoles(roles *Sheet) {
	people := map[string][]int{}
	for i, row := range s.Rows {
		if row.ID != "" {
			people[row.ID] = append(people[row.ID], i)
		}
	}
	for _, given := range roles.Rows {
		found := false
		for _, i := range people[given.ID] {
			row := &s.Rows[i]
			if given.OrganizationID != "" && given.OrganizationID != row.OrganizationID {
				continue
			}
			found = true
			for _, role := range given.Roles {
				if !slices.Contains(row.Roles, role) {
					row.Roles = append(row.Roles, role)
				}
			}
		}
		if len(given.Problems) == 0 && !found {
			given.problem(invalid(given.Line, "", "names somebody who is not among the people"))
		}
		for _, p := range given.Problems {
			p.Reason = "of the file " + fmt.Sprintf("%q", roles.Format) + ": " + p.Reason
		}
		if len(given.Problems) > 0 {
			s.Rows = append(s.Rows, given)
		}
	}
}
