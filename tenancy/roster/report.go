package roster

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// Entry is one row, with what happens to it.
type Entry struct {
	Row Row // as Read returned it
	// The ids of what the row is about. In a plan, the ids of what it would create are zero; Apply sets them.
	// Without an organization, MembershipID and OrganizationID are zero.
	UserID         tenancy.UserID
	OrganizationID tenancy.OrganizationID // where the person is a member
	MembershipID   tenancy.MembershipID   // the membership there
	// What the row creates.
	NewUser         bool
	NewMembership   bool // a membership
	NewOrganization bool // an organization
	// Changes are the changes of what already exists.
	Changes []Change

	owns     bool   // the row may change the person's profile
	nameHere string // the organization's own name for the person; "" = the same as everywhere
}

// Change is one field that a row changes, as texts before and after. Lists are joined by ", ", and times are in
// RFC 3339.
type Change struct {
	Field    Field  // the field
	From, To string // "" = no value
}

// String returns `given_name "Bob" -> "Robert"`.
func (c Change) String() string { return fmt.Sprintf("%s %q -> %q", c.Field, c.From, c.To) }

// creates reports whether the row creates a user or a membership.
func (e Entry) creates() bool { return e.NewUser || e.NewMembership }

// Refusal is a row that is not imported, and the reason.
type Refusal struct {
	Row     Row      // as Read returned it
	Problem *Problem // why it is refused
}

// Skipped is a row that is not a person, such as a bot, and the reason.
type Skipped struct {
	Row    Row    // as Read returned it
	Reason string // why it is skipped: its Skip
}

// Report says what happens to each row of a sheet. Each row is in exactly one list, in the order of the file.
type Report struct {
	Created   []Entry   // a user or a membership is new
	Changed   []Entry   // the row changes what exists
	Unchanged []Entry   // everything is already as the file says
	Refused   []Refusal // the row is not imported
	Skipped   []Skipped // the row is not a person
	// Open are the rows that [Plan.Apply] did not reach, because it was interrupted; in a plan it is empty.
	Open []Row
}

// NothingChanged reports whether everything was already as the file says. It is false if a row was refused or
// is Open.
func (r Report) NothingChanged() bool {
	return len(r.Created)+len(r.Changed)+len(r.Refused)+len(r.Open) == 0
}

// String returns one line: "3 created, 1 changed, 40 unchanged, 2 refused".
func (r Report) String() string {
	text := fmt.Sprintf("%d created, %d changed, %d unchanged, %d refused", len(r.Created), len(r.Changed), len(r.Unchanged), len(r.Refused))
	if len(r.Skipped) > 0 {
		text += fmt.Sprintf(", %d skipped", len(r.Skipped))
	}
	if len(r.Open) > 0 {
		text += fmt.Sprintf(", %d open", len(r.Open))
	}
	return text
}

func (r *Report) put(e Entry) {
	switch {
	case e.creates():
		r.Created = append(r.Created, e)
	case len(e.Changes) > 0 || e.NewOrganization:
		r.Changed = append(r.Changed, e)
	default:
		r.Unchanged = append(r.Unchanged, e)
	}
}

func (r *Report) refuse(row Row, p *Problem) {
	r.Refused = append(r.Refused, Refusal{row, p})
}

// sort sorts each list into the order of the file. Rows of a second file come last.
func (r *Report) sort() {
	for _, entries := range [][]Entry{r.Created, r.Changed, r.Unchanged} {
		slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Row.Line, b.Row.Line) })
	}
	slices.SortStableFunc(r.Refused, func(a, b Refusal) int { return cmp.Compare(a.Row.Line, b.Row.Line) })
}

// refusal returns the problem of a row that the Service refuses, with the refused cell if there is one.
func refusal(row Row, err error) *Problem {
	p := &Problem{Code: tenancy.CodeOf(err), Line: row.Line, Reason: err.Error(), Err: err}
	field := refusedField(err)
	if field == "external_id" {
		field = string(FieldID)
	}
	p.Column = row.columnOf(Field(field))
	return p
}

// organizationRefusal returns the problem of a row whose organization the Service refuses. named is the row
// that gave the organization its name.
func organizationRefusal(row, named Row, err error) error {
	if fatal(err) {
		return err
	}
	p := &Problem{Code: tenancy.CodeOf(err), Line: row.Line, Reason: err.Error(), Err: err}
	switch refusedField(err) {
	case "external_id":
		p.Column = row.columnOf(FieldOrganizationID)
	case "display_name":
		if named.Line != row.Line {
			p.Reason = fmt.Sprintf("names the same organization as line %d: %s", named.Line, p.Reason)
		} else {
			p.Column = row.columnFor(FieldOrganizationName)
		}
	}
	return p
}

// refusedField returns the field that the Service refuses; "" = the error is not about a field.
func refusedField(err error) string {
	var e *tenancy.Error
	if !errors.As(err, &e) {
		return ""
	}
	field, _, _ := strings.Cut(e.Field, ".") // metadata.key is a key in metadata
	return field
}

// joined returns a list in the form that a Change shows.
func joined(list []string) string { return strings.Join(list, ", ") }
