package roster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// office is a Service with one organization, whose owner is Ada.
type office struct {
	*require.Assertions
	t    *testing.T
	svc  *tenancy.Service
	now  time.Time
	acme tenancy.Organization
	ada  tenancy.User
}

func newOffice(t *testing.T, configure ...func(*tenancy.Config)) *office {
	t.Helper()
	o := &office{Assertions: require.New(t), t: t, now: time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)}
	config := tenancy.Config{Store: memory.New(), Now: func() time.Time { return o.now }}
	for _, c := range configure {
		c(&config)
	}
	var err error
	o.svc, err = tenancy.New(config)
	o.NoError(err)
	o.ada, err = o.svc.Users.Create(t.Context(), tenancy.NewUser{Email: "ada@acme.example", DisplayName: "Ada", EmailVerified: true})
	o.NoError(err)
	o.acme, err = o.svc.Organizations.Create(t.Context(), tenancy.NewOrganization{DisplayName: "Acme", ExternalID: "crm-1", Owner: o.ada.ID})
	o.NoError(err)
	return o
}

func (o *office) options() Options {
	return Options{Organization: o.acme.ID, Now: func() time.Time { return o.now }}
}

func (o *office) plan(sheet *Sheet, options Options) *Plan {
	o.t.Helper()
	before, err := o.svc.Events.Last(o.t.Context())
	o.NoError(err)
	plan, err := NewPlan(o.t.Context(), o.svc, sheet, options)
	o.NoError(err)
	after, err := o.svc.Events.Last(o.t.Context())
	o.NoError(err)
	o.Equal(before, after, "a plan changes nothing")
	return plan
}

// run plans and applies, and sees that what was planned came about.
func (o *office) run(f Format, text string, options Options) Applied {
	o.t.Helper()
	plan := o.plan(read(o.t, f, text), options)
	applied, err := plan.Apply(o.t.Context())
	o.NoError(err)
	o.Equal(plan.String(), applied.String())
	return applied
}

func (o *office) user(email string) tenancy.User {
	o.t.Helper()
	u, err := o.svc.Users.GetByEmail(o.t.Context(), email)
	o.NoError(err)
	return u
}

func (o *office) member(email string) tenancy.Member {
	o.t.Helper()
	m, err := o.svc.Memberships.Get(o.t.Context(), o.acme.ID, o.user(email).ID)
	o.NoError(err)
	return m
}

func reasons(r Report) []string {
	var lines []string
	for _, refused := range r.Refused {
		lines = append(lines, refused.Problem.Error())
	}
	return lines
}

func changes(entries []Entry) []string {
	var lines []string
	for _, e := range entries {
		for _, c := range e.Changes {
			lines = append(lines, fmt.Sprintf("%d: %v", e.Row.Line, c))
		}
	}
	return lines
}

const atlassian = `User id,User name,email,User status,Added to org,Org role,Last seen in Jira - acme
b,Bob Noyce,bob@acme.example,Active,3 Jan 2024,User,5 Feb 2025
c,Cleo,cleo@acme.example,Suspended,4 Jan 2024,Organization admin,Never accessed
`

// Dates, status and the last sign-in come along, and a second run finds all there.
func TestHistoryIsKept(t *testing.T) {
	o := newOffice(t)
	o.Equal("2 created, 0 changed, 0 unchanged, 0 refused", o.run(Atlassian(), atlassian, o.options()).String())
	bob, cleo := o.member("bob@acme.example"), o.member("cleo@acme.example")
	o.Equal([]time.Time{day(2024, 1, 3), day(2025, 2, 5)}, []time.Time{bob.JoinedAt, bob.LastSignInAt})
	o.Equal(day(2025, 2, 5), o.user("bob@acme.example").LastSignInAt)
	o.Equal(out, cleo.Status)
	o.Equal([]time.Time{day(2024, 1, 4), o.now}, []time.Time{cleo.JoinedAt, cleo.DeactivatedAt})
	o.Equal([]string{"admin"}, cleo.Roles)
	o.True(o.run(Atlassian(), atlassian, o.options()).NothingChanged())

	// A second run with changes brings these alone, and the third nothing.
	second := `User id,User name,email,User status,Added to org,Org role,Last seen in Jira - acme
b,Robert Noyce,BOB@acme.example,Suspended,3 Jan 2024,Organization admin,6 Feb 2026
c,Cleo,cleo@acme.example,Active,4 Jan 2024,,
`
	o.now = o.now.Add(time.Hour)
	back := o.options()
	back.Reactivate = true
	applied := o.run(Atlassian(), second, back)
	o.Equal("0 created, 2 changed, 0 unchanged, 0 refused", applied.String())
	o.Equal([]string{
		`2: display_name "Bob Noyce" -> "Robert Noyce"`, `2: last_sign_in_at "2025-02-05T00:00:00Z" -> "2026-02-06T00:00:00Z"`,
		`2: status "active" -> "inactive"`, `2: roles "member" -> "admin"`, `3: status "inactive" -> "active"`,
	}, changes(applied.Changed))
	bob = o.member("bob@acme.example")
	o.Equal(out, bob.Status)
	o.Equal([]string{"admin"}, bob.Roles)
	o.Equal([]time.Time{day(2026, 2, 6), o.now}, []time.Time{bob.LastSignInAt, bob.DeactivatedAt})
	o.Equal("Robert Noyce", bob.Name)
	o.Equal(in, o.member("cleo@acme.example").Status)
	o.True(o.run(Atlassian(), second, o.options()).NothingChanged())
}

func TestFutureIsRefused(t *testing.T) {
	o := newOffice(t)
	text := strings.Replace(atlassian, "3 Jan 2024", "3 Jan 2027", 1)
	applied := o.run(Atlassian(), text, o.options())
	o.Equal([]string{`line 2, column "Added to org": ` + `add member "` + o.acme.ID.String() + `/` + "X" + `": invalid: joined_at: is in the future`}, withoutIDs(reasons(applied.Report)))
	o.Len(applied.Created, 1)
	o.False(o.run(Atlassian(), text, o.options()).NothingChanged())
}

// withoutIDs puts X for the id of a user who never was.
func withoutIDs(lines []string) []string {
	for i, line := range lines {
		if at := strings.Index(line, "usr_"); at >= 0 {
			lines[i] = line[:at] + "X" + line[at+len("usr_")+26:]
		}
	}
	return lines
}

func TestSlackInAnOrganization(t *testing.T) {
	o := newOffice(t)
	text := `username,email,status,userid,fullname,expiration-timestamp
ada,ada@acme.example,Primary Owner,U1,Ada,
vera,vera@studio.example,Multi-Channel Guest,U2,Vera,1924991999
old,old@studio.example,Single-Channel Guest,U3,Old,1704240000
slackbot,,Bot,U4,Slackbot,
`
	applied := o.run(Slack(), text, o.options())
	o.Equal("2 created, 0 changed, 1 unchanged, 0 refused, 1 skipped", applied.String())
	vera, old := o.member("vera@studio.example"), o.member("old@studio.example")
	o.Equal([]any{in, "2030-12-31"}, []any{vera.Status, vera.Metadata["until"]})
	o.Equal([]any{out, day(2024, 1, 3)}, []any{old.Status, old.DeactivatedAt})
	o.Empty(o.user("vera@studio.example").ExternalID)
	o.True(o.run(Slack(), text, o.options()).NothingChanged())
	o.now = time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	o.Equal([]string{`3: status "active" -> "inactive"`}, changes(o.run(Slack(), text, o.options()).Changed))
}

// An account that was there before and is unproved is nobody's yet; one that was removed stays so.
func TestAccountsThatWereThere(t *testing.T) {
	o := newOffice(t)
	bob, err := o.svc.Users.Create(t.Context(), tenancy.NewUser{Email: "bob@acme.example"})
	o.NoError(err)
	cleo, err := o.svc.Users.Create(t.Context(), tenancy.NewUser{Email: "cleo+x@acme.example", EmailVerified: true})
	o.NoError(err)
	_, err = o.svc.Memberships.Add(t.Context(), tenancy.NewMembership{OrganizationID: o.acme.ID, UserID: cleo.ID})
	o.NoError(err)
	o.NoError(o.svc.Memberships.Remove(t.Context(), o.acme.ID, cleo.ID))
	text := "email,name\nbob@acme.example,Bob\ncleo+x@acme.example,Cleo\ncleo@acme.example,Cleo\n"
	applied := o.run(People(), text, o.options())
	o.Equal([]string{
		"line 2: has an account already whose address is not verified, so anybody may have made it: see Options.Unproved",
		"line 3: was removed or left on 2026-12-01: see Options.Readmit",
		"line 4: was removed or left on 2026-12-01: see Options.Readmit",
	}, reasons(applied.Report))
	o.Equal(tenancy.ErrMembershipRemoved, tenancy.CodeOf(applied.Refused[1].Problem))
	options := o.options()
	options.Unproved, options.Readmit = true, true
	applied = o.run(People(), text, options)
	o.Len(applied.Created, 3)
	o.Equal(bob.ID, applied.Created[0].UserID)
	o.False(applied.Created[0].NewUser)
	o.True(o.user("bob@acme.example").EmailVerifiedAt.IsZero(), "a file proves no address of an account that was there")
	o.True(o.run(People(), text, options).NothingChanged())
}

// What a customer's file calls somebody who is elsewhere, too, is their name here.
func TestNamesElsewhere(t *testing.T) {
	o := newOffice(t)
	other, err := o.svc.Organizations.Create(t.Context(), tenancy.NewOrganization{DisplayName: "Other", Owner: o.ada.ID})
	o.NoError(err)
	text := strings.Replace(atlassian, "b,Bob Noyce,bob", "a,Countess,ada", 1)
	text = strings.Replace(text, "Active,3 Jan 2024,User", "Active,3 Jan 2024,", 1)
	applied := o.run(Atlassian(), text, o.options())
	o.Equal([]string{`2: name_here "Ada" -> "Countess"`, `2: last_sign_in_at "" -> "2025-02-05T00:00:00Z"`}, changes(applied.Changed))
	ada := o.user("ada@acme.example")
	o.Equal("Ada", ada.Name())
	o.Zero(ada.LastSignInAt)
	o.Equal("Countess", o.member("ada@acme.example").Name)
	o.True(o.run(Atlassian(), text, o.options()).NothingChanged())

	options := o.options()
	options.Organization = other.ID
	o.Equal([]string{`2: name_here "Ada" -> "Countess"`, `2: last_sign_in_at "" -> "2025-02-05T00:00:00Z"`}, changes(o.run(Atlassian(), text, options).Changed))
}

// A person is in several organizations, which the file names, and makes.
func TestSeveralOrganizations(t *testing.T) {
	o := newOffice(t)
	text := `email,name,external_id,org_external_id,org_name,role,email_verified
bob@acme.example,Bob,u1,crm-1,Acme,admin,true
bob@acme.example,Bobby,u1,crm-2,Globex,owner,true
cleo@acme.example,Cleo,u2,crm-2,,,
dan@acme.example,Dan,u3,,,,
`
	nowhere := o.run(People(), text, Options{})
	o.Equal([]string{
		`line 3, column "org_external_id": names the organization "crm-2", which is not there: see Options.NewOrganization`,
		`line 4, column "org_external_id": names the organization "crm-2", which is not there: see Options.NewOrganization`,
	}, reasons(nowhere.Report))
	o.Len(nowhere.Created, 2)
	applied := o.run(People(), text, Options{NewOrganization: NewOrganization, Batch: 1})
	o.Equal("2 created, 0 changed, 2 unchanged, 0 refused", applied.String())
	globex, err := o.svc.Organizations.GetByExternalID(t.Context(), "crm-2")
	o.NoError(err)
	o.Equal("Globex", globex.DisplayName)
	o.Equal([]bool{true, false}, []bool{applied.Created[0].NewOrganization, applied.Created[1].NewOrganization})
	bob := o.user("bob@acme.example")
	o.Equal("u1", bob.ExternalID)
	o.False(bob.EmailVerifiedAt.IsZero())
	m, err := o.svc.Memberships.Get(t.Context(), globex.ID, bob.ID)
	o.NoError(err)
	o.Equal("Bobby", m.Name)
	o.True(o.run(People(), text, Options{NewOrganization: NewOrganization}).NothingChanged())

	// All at once, in a fresh store; and the organization that all rows go to is not beside theirs.
	fresh := newOffice(t)
	o.Equal("4 created, 0 changed, 0 unchanged, 0 refused", fresh.run(People(), text, Options{NewOrganization: NewOrganization}).String())
	o.Len(fresh.run(People(), text, fresh.options()).Refused, 4) // Dan, too: his account is there and unproved
}

// People without an organization are users; an inactive one is suspended.
func TestUsersAlone(t *testing.T) {
	o := newOffice(t)
	text := "id,email,status,deactivated_at,created_at,metadata\nu1,bob@acme.example,inactive,2024-01-03,2023-01-03,\"{\"\"plan\"\":\"\"pro\"\"}\"\nu2,cleo@acme.example,inactive,,,\nu3,dan@acme.example,,,,\n"
	o.Len(o.run(People(), text, Options{}).Created, 3)
	bob := o.user("bob@acme.example")
	o.Equal([]time.Time{day(2024, 1, 3), day(2023, 1, 3)}, []time.Time{bob.SuspendedAt, bob.CreatedAt})
	o.Equal(o.now, o.user("cleo@acme.example").SuspendedAt)
	o.True(o.run(People(), text, Options{}).NothingChanged())
	text = strings.ReplaceAll(strings.ReplaceAll(text, "inactive", "active"), "pro", "team")
	text = strings.Replace(text, "u3,dan@acme.example,,", "u3,dan@acme.example,inactive,", 1)
	kept := o.run(People(), text, Options{})
	o.Equal([]string{`4: status "active" -> "inactive"`}, changes(kept.Changed))
	o.Equal([]string{
		`line 2, column "status": would make active again a user who was suspended: see Options.Reactivate`,
		`line 3, column "status": would make active again a user who was suspended: see Options.Reactivate`,
	}, reasons(kept.Report))
	o.Equal(tenancy.ErrUserSuspended, kept.Refused[0].Problem.Code)
	o.False(o.user("bob@acme.example").SuspendedAt.IsZero())
	o.Equal([]string{
		`2: metadata "plan=pro" -> "plan=team"`, `2: status "inactive" -> "active"`, `3: status "inactive" -> "active"`,
	}, changes(o.run(People(), text, Options{Reactivate: true}).Changed))
	o.True(o.run(People(), text, Options{}).NothingChanged())

	// Found by their id; an address moves by its proof alone.
	moved := "id,email,name\nu1,bob@home.example,Bob\nu9,cleo@acme.example,Cleo\nu4,ada@acme.example,Ada\n"
	applied := o.run(People(), moved, Options{})
	o.Equal([]tenancy.Code{tenancy.ErrConflict, tenancy.ErrAlreadyExists}, []tenancy.Code{applied.Refused[0].Problem.Code, applied.Refused[1].Problem.Code})
	o.Equal([]string{`4: id "" -> "u4"`}, changes(applied.Changed))
}

// A row of the program's own is kept with ours, or neither is.
func TestWith(t *testing.T) {
	o := newOffice(t)
	text := "id,primary_email_address,verified_email_addresses,password_digest\nu1,bob@acme.example,bob@acme.example,hash1\nu2,cleo@acme.example,,hash2\n"
	kept := map[string]string{} // not in the transaction, so what was undone stays
	options := Options{With: func(_ context.Context, tx *tenancy.Service, e Entry) error {
		if _, err := tx.Rows(); err != nil {
			return err
		}
		if e.Row.ID == "u2" {
			return errors.New("no room for it")
		}
		kept[e.Row.Email] = e.Row.PasswordDigest.Reveal()
		return nil
	}}
	plan := o.plan(read(t, Clerk(), text), options)
	o.Empty(kept)
	o.Equal("2 created, 0 changed, 0 unchanged, 0 refused", plan.String())
	applied, err := plan.Apply(t.Context())
	o.NoError(err)
	o.Equal([]string{"line 3: no room for it"}, reasons(applied.Report))
	o.Equal(map[string]string{"bob@acme.example": "hash1"}, kept)
	o.Equal(o.user("bob@acme.example").ID, applied.Created[0].UserID)
	_, err = o.svc.Users.GetByEmail(t.Context(), "cleo@acme.example")
	o.ErrorIs(err, tenancy.ErrNotFound)

	// Nobody sets the password of an account that is there, by a file that names its address.
	text = "id,primary_email_address,verified_email_addresses,first_name,password_digest\nu1,bob@acme.example,bob@acme.example,Robert,hash9\n"
	options.With = func(_ context.Context, _ *tenancy.Service, e Entry) error {
		kept[e.Row.Email] = e.Row.PasswordDigest.Reveal()
		return nil
	}
	changed, err := o.plan(read(t, Clerk(), text), options).Apply(t.Context())
	o.NoError(err)
	o.Len(changed.Changed, 1)
	o.Equal(map[string]string{"bob@acme.example": ""}, kept)

	again, err := plan.Apply(t.Context()) // does what is left
	o.NoError(err)
	o.Equal("0 created, 0 changed, 1 unchanged, 1 refused", again.String())
}

// What has changed since the plan is not overwritten.
func TestStalePlan(t *testing.T) {
	o := newOffice(t)
	o.run(Atlassian(), atlassian, o.options())
	second := strings.Replace(strings.Replace(atlassian, "Bob Noyce", "Robert", 1), "Suspended", "Active", 1)
	back := o.options()
	back.Reactivate = true
	plan := o.plan(read(t, Atlassian(), second+"d,Dan,dan@acme.example,Active,3 Jan 2024,User,\n"), back)
	o.Equal("1 created, 2 changed, 0 unchanged, 0 refused", plan.String())
	name := "Bobby"
	_, err := o.svc.Users.Update(t.Context(), o.user("bob@acme.example").ID, tenancy.UserUpdate{DisplayName: &name})
	o.NoError(err)
	_, err = o.svc.Memberships.Reactivate(t.Context(), o.acme.ID, o.user("cleo@acme.example").ID)
	o.NoError(err)
	_, err = o.svc.Users.Create(t.Context(), tenancy.NewUser{Email: "dan@acme.example"})
	o.NoError(err)
	applied, err := plan.Apply(t.Context())
	o.NoError(err)
	o.Equal("0 created, 0 changed, 1 unchanged, 2 refused", applied.String())
	o.Equal("line 2: has changed in the store since it was planned: plan again", reasons(applied.Report)[0])
	o.Equal("Bobby", o.user("bob@acme.example").Name())
}

// What depends on all rows together is seen when they are applied.
func TestSeatsAndLastOwner(t *testing.T) {
	o := newOffice(t)
	seats := 2
	_, err := o.svc.Organizations.Update(t.Context(), o.acme.ID, tenancy.OrganizationUpdate{SeatLimit: &seats})
	o.NoError(err)
	text := "email,role\nada@acme.example,member\nbob@acme.example,member\ncleo@acme.example,member\n"
	options := o.options()
	options.Batch = 1
	plan := o.plan(read(t, People(), text), options)
	o.Equal("2 created, 0 changed, 0 unchanged, 1 refused", plan.String())
	o.Equal(tenancy.ErrLastOwner, plan.Refused[0].Problem.Code)
	applied, err := plan.Apply(t.Context())
	o.NoError(err)
	o.Equal("1 created, 0 changed, 0 unchanged, 2 refused", applied.String())
	o.Equal(tenancy.ErrSeatLimit, applied.Refused[1].Problem.Code)
	o.Equal([]string{rbac.Owner}, o.member("ada@acme.example").Roles)
}

// broken is a store whose transactions fail from one on.
type broken struct {
	store.Store
	left int
}

func (b *broken) Update(ctx context.Context, fn func(store.Rows) error) error {
	if b.left--; b.left < 0 {
		return &store.Error{Code: store.ErrStorageFull}
	}
	return b.Store.Update(ctx, fn)
}

func (b *broken) Unwrap() store.Store { return b.Store }

// A run that breaks off keeps what it did and says what is open; another run finishes it.
func TestInterruptedRun(t *testing.T) {
	b := &broken{Store: memory.New(), left: 100}
	o := newOffice(t, func(c *tenancy.Config) { c.Store = b })
	text := "email,name\n"
	for i := range 10 {
		text += fmt.Sprintf("p%d@acme.example,P%d\n", i, i)
	}
	options := o.options()
	options.Batch = 3
	plan := o.plan(read(t, People(), text), options)
	b.left = 2
	applied, err := plan.Apply(t.Context())
	o.ErrorIs(err, tenancy.ErrStorageFull)
	o.Equal("6 created, 0 changed, 0 unchanged, 0 refused, 4 open", applied.String())
	o.False(applied.NothingChanged())
	_, err = NewPlan(t.Context(), o.svc, read(t, People(), text), options)
	o.ErrorIs(err, tenancy.ErrStorageFull)
	b.left = 100
	o.Equal("4 created, 0 changed, 6 unchanged, 0 refused", o.run(People(), text, options).String())
	o.True(o.run(People(), text, options).NothingChanged())

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = NewPlan(canceled, o.svc, read(t, People(), text), options)
	o.ErrorIs(err, tenancy.ErrCanceled)
}

func TestOptions(t *testing.T) {
	o := newOffice(t)
	sheet := read(t, People(), good)
	for _, batch := range []int{-1, 1001} {
		_, err := NewPlan(t.Context(), o.svc, sheet, Options{Batch: batch})
		o.ErrorIs(err, tenancy.ErrInvalid)
	}
	_, err := NewPlan(t.Context(), o.svc, sheet, Options{Organization: tenancy.OrganizationID(o.ada.ID)})
	o.ErrorIs(err, tenancy.ErrNotFound)
	_, err = NewPlan(t.Context(), o.svc.As(tenancy.UserPrincipal(o.ada.ID)), sheet, o.options())
	o.ErrorIs(err, tenancy.ErrForbidden)

	// In a transaction of the program's own all goes with it.
	options := o.options()
	options.EmailsVerified = true
	stop := errors.New("stop")
	o.Equal(stop, o.svc.Transact(t.Context(), func(ctx context.Context, tx *tenancy.Service) error {
		plan, err := NewPlan(ctx, tx, sheet, options)
		o.NoError(err)
		applied, err := plan.Apply(ctx)
		o.NoError(err)
		o.Equal("2 created, 0 changed, 0 unchanged, 0 refused", strings.Replace(applied.String(), "1 created, 1 changed", "2 created, 0 changed", 1))
		return stop
	}))
	_, err = o.svc.Users.GetByEmail(t.Context(), "zoe@acme.example")
	o.ErrorIs(err, tenancy.ErrNotFound)
	o.run(People(), good, options)
	o.False(o.user("zoe@acme.example").EmailVerifiedAt.IsZero())
}
