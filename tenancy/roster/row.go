package roster

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// Sheet is a file that [Read] has read.
type Sheet struct {
	Format  string   // the format's name
	Header  []string // the names of the columns, in the spelling of the file
	Ignored []string // columns that the format does not read; [Row.Cell] reads them
	Rows    []Row    // in the order of the file, without the blank ones

	ownIDs bool
}

// Row is one row of a file: one person, in one organization or in none. If the file does not give a field, the
// field is zero and changes nothing.
type Row struct {
	Line             int                      // line of the file, from 1; the first one if cells have line breaks
	ID               string                   // the person's id in the system that wrote the file
	Email            string                   // as given
	EmailVerified    bool                     // the file says that the mailbox is proved
	Username         string                   // only for the program
	GivenName        string                   // as in [tenancy.NewUser]
	FamilyName       string                   // as in [tenancy.NewUser]
	DisplayName      string                   // as in [tenancy.NewUser]
	Phone            string                   // as in [tenancy.NewUser]
	Picture          string                   // an https URL
	Locale           string                   // a BCP 47 tag
	Status           tenancy.MembershipStatus // active or inactive; "" = the file does not say
	Roles            []string                 // the words of the file, in lower case, or those of [Column].Values
	OrganizationID   string                   // the organization's external id
	OrganizationName string                   // for [Options].NewOrganization
	Unit             string                   // such as an organizational unit; only for the program
	CreatedAt        time.Time                // times are in UTC; zero: the file does not say
	JoinedAt         time.Time                // when the person became a member
	LastSignInAt     time.Time                // when the person last signed in to that system
	DeactivatedAt    time.Time                // since when an inactive person is inactive
	ExpiresAt        time.Time                // the last day of a guest
	PasswordDigest   Secret                   // for the program to keep: Freehold keeps no passwords
	PasswordHasher   string                   // such as bcrypt; only for the program
	Metadata         map[string]string        // a JSON object of texts
	Skip             string                   // why the row is not a person; "" = it is a person
	Problems         []*Problem               // what is wrong with the row; a row with Problems is refused

	cell   func(name string) string             // a function, so that fmt does not print what is secret in the cells
	column func(field Field, blank bool) string // name of the column that filled a field, or with blank could have; "" = none
}

// columnOf returns the name of the column that filled a field, in the spelling of the header; "" = none.
func (r Row) columnOf(field Field) string {
	if r.column == nil {
		return ""
	}
	return r.column(field, false)
}

// columnFor is columnOf; for a blank cell it returns the name of the cell's column.
func (r Row) columnFor(field Field) string {
	if r.column == nil {
		return ""
	}
	return r.column(field, true)
}

// Cell returns the text of a column by its name, compared as [Column].Names are; "" if there is no such column.
// The text may be secret.
func (r Row) Cell(name string) string {
	if r.cell == nil {
		return ""
	}
	return r.cell(name)
}

// Name returns the person's name: the display name, else given and family name.
func (r Row) Name() string {
	return tenancy.User{DisplayName: r.DisplayName, GivenName: r.GivenName, FamilyName: r.FamilyName}.Name()
}

func (r *Row) problem(p *Problem) { r.Problems = append(r.Problems, p) }

// Secret is a text that only Reveal shows: fmt, slog and encoding/json print a placeholder.
type Secret struct{ text *string }

const redacted = "[redacted]"

// Reveal returns the text, or "" if there is none.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns a placeholder.
func (Secret) String() string { return redacted }

// Format writes a placeholder for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// AddRoles gives the people of the sheet the roles from another file, which names people by id as [WorkOSRoles]
// does. A role counts in every organization of the person, or only in the one that its row names. If a row of
// that file is wrong, or names a person who is not in the sheet, the sheet gets it as a row that will be
// refused. That row's line is a line of the other file, and its problems say so.
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
