package roster

import (
	"strings"
	"testing"

	"github.com/freehold-dev/freehold/tenancy"
)

// A member who was deactivated stays so, whatever the file says, until the program lets it.
func TestReactivate(t *testing.T) {
	o := newOffice(t)
	text := "email,name,status\nbob@acme.example,Bob,Active\ncleo@acme.example,Cleo,\n"
	o.Len(o.run(People(), text, o.options()).Created, 2)
	for _, email := range []string{"bob@acme.example", "cleo@acme.example"} {
		_, err := o.svc.Memberships.Deactivate(t.Context(), o.acme.ID, o.user(email).ID)
		o.NoError(err)
	}
	applied := o.run(People(), text, o.options())
	o.Equal("0 created, 0 changed, 1 unchanged, 1 refused", applied.String())
	o.Equal([]string{`line 2, column "status": would make active again somebody who was deactivated: see Options.Reactivate`}, reasons(applied.Report))
	o.Equal(tenancy.ErrMembershipInactive, applied.Refused[0].Problem.Code)
	o.Equal(out, o.member("bob@acme.example").Status)

	back := o.options()
	back.Reactivate = true
	plan := o.plan(read(t, People(), text), back)
	o.Equal([]string{`2: status "inactive" -> "active"`}, changes(plan.Changed))
	o.Equal(out, o.member("bob@acme.example").Status)
	o.Equal([]string{`2: status "inactive" -> "active"`}, changes(o.run(People(), text, back).Changed))
	o.Equal(in, o.member("bob@acme.example").Status)
	o.Equal(out, o.member("cleo@acme.example").Status) // of whom the file says nothing
	o.True(o.run(People(), text, back).NothingChanged())

	o.run(People(), "email,name,role\ncleo@acme.example,Cleopatra,admin\n", back) // nor with something else
	o.Equal([]any{"Cleopatra", []string{"admin"}, out}, []any{o.member("cleo@acme.example").Name, o.member("cleo@acme.example").Roles, o.member("cleo@acme.example").Status})

	// Somebody deactivated between the plan and its run stays so.
	stale := o.plan(read(t, People(), strings.Replace(text, "Bob", "Robert", 1)), o.options())
	_, err := o.svc.Memberships.Deactivate(t.Context(), o.acme.ID, o.user("bob@acme.example").ID)
	o.NoError(err)
	applied, err = stale.Apply(t.Context())
	o.NoError(err)
	o.Len(applied.Refused, 1)
	o.Equal(out, o.member("bob@acme.example").Status)
}

// An account that was there comes in as the file says, and a guest whose last day moves stays longer.
func TestGuests(t *testing.T) {
	o := newOffice(t)
	_, err := o.svc.Users.Create(t.Context(), tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true})
	o.NoError(err)
	applied := o.run(People(), "email,status,until\nbob@acme.example,inactive,\nvera@acme.example,,2026-12-31\n", o.options())
	o.Len(applied.Created, 2)
	o.Empty(changes(applied.Created))
	o.Equal(out, o.member("bob@acme.example").Status)
	o.Equal([]string{`2: expires_at "2026-12-31" -> "2027-06-30"`}, changes(o.run(People(), "email,until\nvera@acme.example,2027-06-30\n", o.options()).Changed))
	o.Equal("2027-06-30", o.member("vera@acme.example").Metadata["until"])
	// By the clock of the machine, where the program gives none.
	long := o.run(People(), "email,until\nwill@acme.example,2001-01-01\n", Options{Organization: o.acme.ID})
	o.Len(long.Created, 1)
	o.Equal(out, o.member("will@acme.example").Status)
}
