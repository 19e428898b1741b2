package roster

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/tenancy"
)

// Entry is one row with what becomes of it.
type Entry struct {
	Row Row // as it was read
	// The ids of what it is about. Of what a plan would create they are zero; of what was created they
	// are set. Without an organization MembershipID and OrganizationID are zero.
	UserID         tenancy.UserID
	OrganizationID tenancy.OrganizationID // where the person is a member
	MembershipID   tenancy.MembershipID   // the membership there
	// What the row creates.
	NewUser         bool
	NewMembership   bool // a membership
	NewOrganization bool // an organization
	// Changes are what it changes of what is there.
	Changes []Change

	owns     bool   // it may change what is known of the person everywhere
	nameHere string // what the organization calls the person, otherwise than everywhere; "" = nothing else
}

// Change is one field that a row changes, from one text to another. Lists are joined by ", ", and times are in
// RFC 3339.
type Change struct {
	Field    Field  // the field
	From, To string // "" = nothing there
}

// String is `given_name "Bob" -> "Robert"`.
func (c Change) String() string { return fmt.Sprintf("%s %q -> %q", c.Field, c.From, c.To) }

// creates reports whether the row makes somebody new, or lets them in.
func (e Entry) creates() bool { return e.NewUser || e.NewMembership }

// Refusal is a row that does not go in, and why.
type Refusal struct {
	Row     Row      // as it was read
	Problem *Problem // why it is refused
}

// Skipped is a row that is no person, as a bot, and why.
type Skipped struct {
	Row    Row    // as it was read
	Reason string // why it is skipped: its Skip
}

// Report says what becomes of each row of a sheet: each is in exactly one list, in the order of the file.
type Report struct {
	Created   []Entry   // a user or a membership is new
	Changed   []Entry   // what is there becomes another
	Unchanged []Entry   // all is there as the file says
	Refused   []Refusal // does not go in
	Skipped   []Skipped // is no person
	// Open are rows that [Plan.Apply] did not come to, since it was interrupted; of a plan it is empty.
	Open []Row
}

// NothingChanged reports whether everything was there as the file says. It is false where a row is
// refused, or was not come to.
func (r Report) NothingChanged() bool {
	return len(r.Created)+len(r.Changed)+len(r.Refused)+len(r.Open) == 0
}

// String is one line: "3 created, 1 changed, 40 unchanged, 2 refused".
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

// sort puts each list into the order of the file. Rows of a second file come behind.
func (r *Report) sort() {
	for _, entries := range [][]Entry{r.Created, r.Changed, r.Unchanged} {
		slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Row.Line, b.Row.Line) })
	}
	slices.SortStableFunc(r.Refused, func(a, b Refusal) int { return cmp.Compare(a.Row.Line, b.Row.Line) })
}

// refusal is the problem of a row that the Service refuses, and of the cell that it refuses, if it is
// one.
func refusal(row Row, err error) *Problem {
	p := &Problem{Code: tenancy.CodeOf(err), Line: row.Line, Reason: err.Error(), Err: err}
	field := refusedField(err)
	if field == "external_id" {
		field = string(FieldID)
	}
	p.Column = row.columnOf(Field(field))
	return p
}

// organizationRefusal is the problem of a row whose organization the Service refuses. named is the row
// that the organization has its name from.
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

// refusedField is the field that the Service refuses; "" = another error.
func refusedField(err error) string {
	var e *tenancy.Error
	if !errors.As(err, &e) {
		return ""
	}
	field, _, _ := strings.Cut(e.Field, ".") // of metadata.key
	return field
}

// joined is a list as a Change shows it.
func joined(list []string) string { return strings.Join(list, ", ") }
