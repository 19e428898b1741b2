package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func dependantRules() []rule {
	return []rule{
		{"M6 O2 U6 U7 nothing outlives what it names", over(nothingOutlives)},
	}
}

// tellers are the fields that may name what is gone: they tell of what was.
var tellers = []string{
	"Events.Actor.ID", "Events.OrganizationID", "Events.UserID", "Events.Subject", "Events.Data", "Events.Previous", "Events.People", "Events.Through",
	"Memberships.InviterID", "Invitations.InviterID", "Invitations.UserID", "JoinCodes.CreatorID", "JoinRequests.DeciderID", "Users.MergedInto",
	"Removals.UserID", "Removals.RemoverID", "RoleAssignments.SourceID",
	"Sessions.ConnectionID", // without its connection a session has ended
}

// full is an organization with one of everything that names it, a member, a role of its own
// and a connection.
type full struct {
	*world
	org        tenancy.Organization
	owner      tenancy.User
	victim     tenancy.User // of whom there is one of everything
	member     tenancy.MembershipID
	connection tenancy.Connection
	other      tenancy.User // to be merged with
	session    tenancy.Decision
}

func newFull(w *world) *full {
	w.T.Helper()
	f := &full{world: w, owner: w.User("owner"), victim: w.User("victim"), other: w.User("other")}
	w.Declare()
	f.org = w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Owner: f.owner.ID, Settings: tenancy.Settings{JoinRequests: true}})
	w.Role(f.org.ID, "org-role", "")
	w.Role(f.org.ID, "org-child", "org-role")
	f.member = w.Add(f.org, f.victim, "org-role").ID
	w.Holds(f.org.ID, "acme.example")
	f.connection = w.Connect(f.org, "Okta")
	w.Maps(f.connection, map[string]string{"staff": "org-role"})
	f.session = w.enters(servicetest.To(f.org, servicetest.Through(f.connection, "s-1", f.victim.Email)))
	w.Equal(f.victim.ID, f.session.User.ID)
	_, err := w.Svc.Policies.Set(w.Ctx, f.org.ID, tenancy.PolicyUpdate{
		Exempt: &[]tenancy.UserID{f.victim.ID}, Organization: &tenancy.OrganizationPolicy{SecondFactor: true},
	})
	w.NoError(err)
	w.Link(f.victim, tenancy.NewIdentity{Provider: "google", Subject: "g-1"})
	by := w.Svc.As(tenancy.UserPrincipal(f.owner.ID))
	w.InviteBy(by, f.org, "guest@mail.example", "org-role")
	w.accept(w.Invite(f.org, "other2@acme.example"), w.User("other2"))
	w.Code(f.org)
	asker := w.User("asker")
	_, err = w.Svc.JoinRequests.Create(w.Ctx, f.org.ID, asker.ID, "")
	w.NoError(err)
	elsewhere := w.Org("Elsewhere")
	_, err = w.Svc.JoinRequests.Create(w.Ctx, elsewhere.ID, f.victim.ID, "")
	w.NoError(err)
	gone := w.User("gone")
	w.Add(f.org, gone)
	w.remove(f.org, gone)
	_, err = w.Svc.Users.ChangeEmail(w.Ctx, f.victim.ID, "moved@acme.example")
	w.NoError(err)
	_, err = w.asUser(f.victim).Organizations.Archive(w.Ctx, f.org.ID) // a denial
	w.Error(err)
	return f
}

// nothingOutlives makes one row of each kind, ends what they name in every way, and checks that no
// row still names it. Fields that tell of the past are in the list tellers.
func nothingOutlives(t *testing.T, open servicetest.Opener) {
	type way struct {
		name string
		id   func(f *full) string
		end  func(f *full) error
	}
	member := func(f *full) string { return f.member.String() }
	user := func(f *full) string { return f.victim.ID.String() }
	org := func(f *full) string { return f.org.ID.String() }
	roleSlug := func(*full) string { return "org-role" }
	connection := func(f *full) string { return f.connection.ID.String() }
	ways := []way{
		{"membership removed", member, func(f *full) error { return f.Svc.Memberships.Remove(f.Ctx, f.org.ID, f.victim.ID) }},
		{"membership left", member, func(f *full) error { return f.asUser(f.victim).Memberships.Leave(f.Ctx, f.org.ID, f.victim.ID) }},
		{"member's user deleted", member, func(f *full) error { return f.Svc.Users.Delete(f.Ctx, f.victim.ID) }},
		{"member's user merged, united", member, func(f *full) error {
			f.Add(f.org, f.other)
			_, err := f.Svc.Users.Merge(f.Ctx, f.victim.ID, f.other.ID)
			return err
		}},
		{"member purged", member, func(f *full) error {
			f.Archive(f.org)
			_, err := f.Svc.Organizations.Purge(f.Ctx, f.org.ID, 100)
			return err
		}},
		{"user deleted", user, func(f *full) error { return f.Svc.Users.Delete(f.Ctx, f.victim.ID) }},
		{"user erased", user, func(f *full) error { return f.Svc.Users.Erase(f.Ctx, f.victim.ID) }},
		{"user merged", user, func(f *full) error {
			_, err := f.Svc.Users.Merge(f.Ctx, f.victim.ID, f.other.ID)
			return err
		}},
		{"organization deleted", org, func(f *full) error { return f.Svc.Organizations.Delete(f.Ctx, f.org.ID) }},
		{"role replaced", roleSlug, func(f *full) error {
			return f.Svc.Roles.Delete(f.Ctx, f.org.ID, "org-role", rbac.Member)
		}},
		{"connection deleted", connection, func(f *full) error { return f.Svc.Connections.Delete(f.Ctx, f.org.ID, f.connection.ID) }},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			w := newWorld(t, open, func(c *tenancy.Config) { c.SignInMethods = append(c.SignInMethods, tenancy.MethodPassword) })
			f := newFull(w)
			id := way.id(f)
			w.NotEmpty(naming(w.Dump(), id), "something names it before")
			w.NoError(way.end(f))
			w.Empty(naming(w.Dump(), id), "these name what is gone")
			w.Equal(way.name == "role replaced", w.stands(f.session))
		})
	}
}

// naming lists the fields that name an id. It leaves out tellers, and the row of a merged user,
// which says where the user went.
func naming(dump servicetest.Dump, id string) []string {
	var found []string
	all := reflect.ValueOf(dump)
	for i := range all.NumField() {
		table := all.Type().Field(i).Name
		rows := all.Field(i)
		if rows.Kind() != reflect.Slice {
			continue
		}
		for j := range rows.Len() {
			named(rows.Index(j), table, id, &found)
		}
	}
	slices.Sort(found)
	return slices.DeleteFunc(slices.Compact(found), func(field string) bool {
		ended := table(field) == "Sessions" && sessionsEnded(dump, id)
		// The secrets of sessions that ended stay, to say so.
		merged := (field == "Users.ID" || field == "Secrets.UserID") && isTombstone(dump, id)
		return slices.Contains(tellers, field) || ended || merged
	})
}

func table(field string) string { name, _, _ := strings.Cut(field, "."); return name }

// sessionsEnded reports whether every session that names an id has ended.
func sessionsEnded(dump servicetest.Dump, id string) bool {
	for _, s := range dump.Sessions {
		var found []string
		named(reflect.ValueOf(s), "Sessions", id, &found)
		if len(found) > 0 && s.EndedAt.IsZero() {
			return false
		}
	}
	return true
}

func isTombstone(dump servicetest.Dump, id string) bool {
	return slices.ContainsFunc(dump.Users, func(u tenancy.User) bool { return u.ID.String() == id && !u.MergedInto.IsZero() })
}

// named walks a value, and notes the paths of the fields whose text has an id.
func named(v reflect.Value, path, id string, found *[]string) {
	if s, ok := v.Interface().(fmt.Stringer); ok && v.Kind() == reflect.Array {
		if s.String() == id {
			*found = append(*found, path)
		}
		return
	}
	if _, clock := v.Interface().(time.Time); clock {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				named(v.Field(i), path+"."+v.Type().Field(i).Name, id, found)
			}
		}
	case reflect.Slice, reflect.Map, reflect.String:
		text := fmt.Sprint(v.Interface())
		if raw, ok := v.Interface().(interface{ MarshalJSON() ([]byte, error) }); ok {
			b, _ := raw.MarshalJSON()
			text = string(b)
		}
		if strings.Contains(text, id) {
			*found = append(*found, path)
		}
	}
}
