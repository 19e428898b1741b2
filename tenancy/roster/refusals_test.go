package roster

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/freehold-dev/freehold/tenancy"
)

// What a file says of people is refused with line and reason, and the others go in.
func TestRefusals(t *testing.T) {
	o := newOffice(t)
	options := o.options()
	options.Batch = 3
	text := `email,name,role,id,status
bob@acme.example,Bob,member,1,
BOB@ACME.example,Bob again,member,1,
,Nobody,member,2,
nobody,No Address,member,3,
cleo@acme.example,Cleo,king,4,
dan@acme.example,Dan,guest;member,1,
bob@acme.example,Bob,member,9,
` + "eve@acme.example,\u202eEve,member,5,\n" + `
fay@acme.example,Fay,member,6,asleep
gus@acme.example,Gus,Boss,7,
`
	options.Roles = map[string]string{"boss": "admin"}
	applied := o.run(People(), text, options)
	o.Equal("2 created, 0 changed, 0 unchanged, 8 refused", applied.String())
	o.Equal([]string{"admin"}, o.member("gus@acme.example").Roles)
	o.Equal([]string{
		"line 3: is the same person as line 2",
		"line 4: has no email address",
		`line 5, column "email": is no address: it must have exactly one at-sign`,
		`line 6, column "role": add member "king": unknown_role: roles`,
		"line 7: has the id of line 2, and another address",
		"line 8: is the same person as line 2",
		`line 9, column "name": create user: invalid: display_name: contains U+202E`,
		`line 11, column "status": is "asleep", which is no status of the format "people"`,
	}, reasons(applied.Report))
	again := o.run(People(), text, options)
	o.Equal("0 created, 0 changed, 2 unchanged, 8 refused", again.String())
	o.False(again.NothingChanged())
}

// A page shows what is wrong beside the cell, whether the file or the Service says so.
func TestProblemsNameTheCell(t *testing.T) {
	o := newOffice(t)
	f := People()
	f.OwnIDs = true
	text := `ID,E-Mail,Display Name,Role,Metadata,Locale,Joined At
1,bob@@acme.example,Bob,member,,,
2,cleo@acme.example,Cleo,king,,,
3,dan@acme.example,Dan,member,"{""` + strings.Repeat("k", 300) + `"":""x""}",,
"4
",eve@acme.example,Eve,member,,not a tag,
5,fay@acme.example,Fay,member,,,2099-01-01
` + strings.Repeat("6", 300) + `,gus@acme.example,Gus,member,,,
`
	applied := o.run(f, text, o.options())
	type at struct {
		code   tenancy.Code
		line   int
		column string
	}
	var got []at
	for _, r := range applied.Refused {
		got = append(got, at{r.Problem.Code, r.Problem.Line, r.Problem.Column})
		o.Equal(r.Row.Line, r.Problem.Line)
		o.NotEmpty(r.Problem.Reason)
	}
	o.Equal([]at{
		{tenancy.ErrInvalid, 2, "E-Mail"},
		{tenancy.ErrUnknownRole, 3, "Role"},
		{tenancy.ErrInvalid, 4, "Metadata"},
		{tenancy.ErrInvalid, 5, "Locale"},
		{tenancy.ErrInvalid, 7, "Joined At"},
		{tenancy.ErrInvalid, 8, "ID"},
	}, got)
	shown, err := json.Marshal(applied.Refused[1].Problem)
	o.NoError(err)
	o.JSONEq(`{"code":"unknown_role","line":3,"column":"Role","reason":"add member \"king\": unknown_role: roles"}`, string(shown))

	// What the hook of the program refuses is about the row as a whole.
	options := o.options()
	options.With = func(context.Context, *tenancy.Service, Entry) error {
		return &tenancy.Error{Code: tenancy.ErrInvalid, Field: "email"}
	}
	applied, err = o.plan(read(t, f, "ID,E-Mail\n9,hal@acme.example\n"), options).Apply(t.Context())
	o.NoError(err)
	o.Equal(2, applied.Refused[0].Problem.Line)
	o.Empty(applied.Refused[0].Problem.Column)
}

// What is wrong with the organization that a row names is beside the cell that names it, and not the person.
func TestProblemsOfOrganizations(t *testing.T) {
	o := newOffice(t)
	at := func(header, rows string, options Options) (columns []string) {
		for _, r := range o.run(People(), header+"\n"+rows, options).Refused {
			columns = append(columns, fmt.Sprintf("%d %s %s", r.Problem.Line, r.Problem.Column, r.Problem.Code))
		}
		return columns
	}
	const header = "E-Mail,Name,Id,Org-Id,Company"
	makes := Options{NewOrganization: NewOrganization}
	long := strings.Repeat("x", 300)
	o.Equal([]string{"2 Org-Id not_found"}, at(header, "bob@acme.example,Bob,1,crm-9,Globex\n", Options{}))
	o.Equal([]string{"2 Org-Id invalid", "3 Company invalid", "4 Company invalid", "5 Company invalid"}, at(header,
		"bob@acme.example,Bob,1,"+long+",Globex\nbob@acme.example,Bob,1,crm-2,"+long+"\nbob@acme.example,Bob,1,crm-3,\nbob@acme.example,Bob,1,,Globex\n", makes))
	o.Equal([]string{"2 Org-Id invalid"}, at(header, "bob@acme.example,Bob,1,crm-2,Globex\n", o.options()))
	o.Equal([]string{"2  invalid"}, at("E-Mail,Name,Id,Org-Id", "bob@acme.example,Bob,1,crm-2\n", makes)) // no cell has a name

	// The name comes from the first row that names the organization.
	applied := o.run(People(), header+"\nbob@acme.example,Bob,1,crm-2,"+long+"\ncleo@acme.example,Cleo,2,crm-2,Globex\n", makes)
	o.Len(applied.Refused, 2)
	later := applied.Refused[1].Problem
	o.Empty(later.Column)
	o.Contains(later.Reason, "names the same organization as line 2: create organization")

	// What the program says of a new organization is in no cell; nor is what the program cannot do.
	own := Options{NewOrganization: func(r Row) tenancy.NewOrganization { return tenancy.NewOrganization{DisplayName: "Globex", Slug: "-"} }}
	o.Equal([]string{"2  invalid"}, at(header, "bob@acme.example,Bob,1,crm-2,Globex\n", own))

	// One person has one id.
	applied = o.run(People(), header+"\ndan@acme.example,Dan,7,crm-1,\ndan@acme.example,Dan,8,crm-2,Globex\n", makes)
	o.Equal([]string{"line 3: has the address of line 2, and another id"}, reasons(applied.Report))

	// An address that is another person's, by the name of its column.
	o.Len(o.run(People(), header+"\nbob@acme.example,Bob,1,crm-1,\ncleo@acme.example,Cleo,2,crm-1,\n", makes).Created, 2)
	o.Equal([]string{"2 E-Mail conflict", "3 E-Mail already_exists"}, at(header, "other@acme.example,Bob,1,crm-1,\ncleo@acme.example,Cleo,3,crm-1,\n", makes))
}

// What concerns no single row ends the plan, also while an organization is made.
func TestFaultInAnOrganization(t *testing.T) {
	o := newOffice(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := NewPlan(ctx, o.svc, read(t, People(), "email,org_id,org_name\nbob@acme.example,crm-2,Globex\n"), Options{
		NewOrganization: func(r Row) tenancy.NewOrganization { cancel(); return NewOrganization(r) },
	})
	o.ErrorIs(err, tenancy.ErrCanceled)
}
