package rules

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func membershipRules() []rule {
	return []rule{
		{"M1 add", on(addMember)},
		{"M2-M8 states and operations", on(membershipStates)},
		{"M3 add over inactive reactivates the same row", on(addAgain)},
		{"M4 M5 deactivate and reactivate keep the roles", on(deactivateMember)},
		{"M6 remove and leave carry a snapshot", on(removeMember)},
		{"M10 a source takes only its own along", on(roleSources)},
		{"G8 M1 a member's profile here", on(updateMember)},
		{"R4 set roles", on(setRoles)},
	}
}

func addMember(w *world) {
	ada := w.User("ada")
	acme := w.NewOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme"})
	in := servicetest.Adding(acme, ada, rbac.Guest, rbac.Admin)
	in.DisplayName, in.Attributes, in.Metadata = " The A ", map[string]string{"desk": "4"}, map[string]string{"k": "v"}
	in.JoinedVia = tenancy.JoinedDirectory
	var m tenancy.Member
	got := w.emits(func() (err error) { m, err = w.Svc.Memberships.Add(w.Ctx, in); return err }, some(tenancy.EventMembershipCreated))
	w.tells(got[0], about(tenancy.EventMembershipCreated, m))
	w.Equal(m, w.Member(acme, ada))
	w.Equal(tenancy.MembershipActive, m.Status)
	w.Equal(tenancy.JoinedDirectory, m.JoinedVia)
	w.Equal(w.Clock.At, m.JoinedAt)
	w.Equal([]string{rbac.Admin, rbac.Guest}, m.Roles)
	w.Equal("The A", m.Name)
	w.Equal("ada@acme.example", m.Email)
	w.Equal("Acme", m.OrganizationName)
	w.Equal("acme", m.OrganizationSlug)
	w.Equal(in.Attributes, m.Attributes)
	for _, a := range m.Assignments {
		w.Equal(tenancy.RoleManual, a.Source)
		w.True(a.Active)
	}
	w.Equal([]string{rbac.Member}, w.Add(acme, w.User("bob")).Roles) // M1: the default
	w.Equal(tenancy.JoinedAdded, w.Member(acme, w.mustFind("bob@acme.example")).JoinedVia)
	w.consistent()
}

func (w *world) mustFind(email string) tenancy.User {
	w.T.Helper()
	user, err := w.Svc.Users.GetByEmail(w.Ctx, email)
	w.NoError(err)
	return user
}

// outcome is what an operation does to a membership in one state.
type outcome struct {
	code  tenancy.Code             // the refusal, or
	after tenancy.MembershipStatus // what the membership is then, "" = gone
	kind  tenancy.EventType        // the event, "" = none
}

func no(code tenancy.Code) outcome { return outcome{code: code} }

// membershipOp is an operation and what it does to a membership that is absent,
// pending, active or inactive.
type membershipOp struct {
	name                              string
	do                                func(w *world, org tenancy.OrganizationID, user tenancy.UserID) error
	absent, pending, active, inactive outcome
}

func membershipOps() []membershipOp {
	const active, inactive = tenancy.MembershipActive, tenancy.MembershipInactive
	add := func(roles ...string) func(*world, tenancy.OrganizationID, tenancy.UserID) error {
		return func(w *world, org tenancy.OrganizationID, user tenancy.UserID) error {
			_, err := w.Svc.Memberships.Add(w.Ctx, tenancy.NewMembership{OrganizationID: org, UserID: user, Roles: roles})
			return err
		}
	}
	absent, pending := no(tenancy.ErrNotFound), no(tenancy.ErrPendingMembership)
	created, again := outcome{after: active, kind: tenancy.EventMembershipCreated}, outcome{after: active, kind: tenancy.EventMembershipReactivated}
	removed := outcome{kind: tenancy.EventMembershipRemoved}
	is := func(status tenancy.MembershipStatus, kind tenancy.EventType) outcome {
		return outcome{after: status, kind: kind}
	}
	one := func(call func(tenancy.Memberships, *world, tenancy.OrganizationID, tenancy.UserID) error) func(*world, tenancy.OrganizationID, tenancy.UserID) error {
		return func(w *world, org tenancy.OrganizationID, user tenancy.UserID) error {
			return call(w.Svc.Memberships, w, org, user)
		}
	}
	return []membershipOp{
		{"Add", add(), created, created, no(tenancy.ErrAlreadyMember), again},                      // M3
		{"Add with roles", add(rbac.Admin), created, created, no(tenancy.ErrAlreadyMember), again}, // M3
		{"Deactivate", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M4
			_, err := g.Deactivate(w.Ctx, o, u)
			return err
		}), absent, pending, is(inactive, tenancy.EventMembershipDeactivated), is(inactive, "")},
		{"Reactivate", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M5
			_, err := g.Reactivate(w.Ctx, o, u)
			return err
		}), absent, pending, is(active, ""), again},
		{"Remove", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M6
			return g.Remove(w.Ctx, o, u)
		}), absent, removed, removed, removed},
		{"Leave", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M6
			return g.Leave(w.Ctx, o, u)
		}), absent, removed, removed, removed},
		{"SetRoles", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M2
			_, err := g.SetRoles(w.Ctx, o, u, rbac.Guest)
			return err
		}), absent, pending, is(active, tenancy.EventMembershipRolesChanged), is(inactive, tenancy.EventMembershipRolesChanged)},
		{"SetRoles to what they are", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // G8
			_, err := g.SetRoles(w.Ctx, o, u, rbac.Member)
			return err
		}), absent, pending, is(active, ""), is(inactive, "")},
		{"AddRole", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M10
			_, err := g.AddRole(w.Ctx, o, u, rbac.Guest)
			return err
		}), absent, pending, is(active, tenancy.EventMembershipRolesChanged), is(inactive, tenancy.EventMembershipRolesChanged)},
		{"RemoveRole that they have not", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M10
			_, err := g.RemoveRole(w.Ctx, o, u, rbac.Guest)
			return err
		}), absent, pending, is(active, ""), is(inactive, "")},
		{"Update", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error {
			_, err := g.Update(w.Ctx, o, u, tenancy.MembershipUpdate{DisplayName: servicetest.Ptr("Boss")})
			return err
		}), absent, is(tenancy.MembershipPending, tenancy.EventMembershipUpdated), is(active, tenancy.EventMembershipUpdated), is(inactive, tenancy.EventMembershipUpdated)},
		{"TransferOwnership to", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M8
			return g.TransferOwnership(w.Ctx, o, w.ownerOf(o), u, "")
		}), absent, pending, is(active, tenancy.EventOwnershipTransferred), no(tenancy.ErrMembershipInactive)},
		{"TransferOwnership from no owner", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M8
			return g.TransferOwnership(w.Ctx, o, u, w.ownerOf(o), "")
		}), absent, no(tenancy.ErrInvalid), no(tenancy.ErrInvalid), no(tenancy.ErrInvalid)},
	}
}

func (w *world) ownerOf(id tenancy.OrganizationID) tenancy.UserID {
	w.T.Helper()
	return w.owners(tenancy.Organization{ID: id})[0]
}

func membershipStates(w *world) {
	owner := w.User("owner")
	for _, op := range membershipOps() {
		for status, want := range map[tenancy.MembershipStatus]outcome{
			"": op.absent, tenancy.MembershipPending: op.pending, tenancy.MembershipActive: op.active, tenancy.MembershipInactive: op.inactive,
		} {
			w.each(op.name+"/"+string(status), func(w *world) {
				acme, ada := w.Owned("Acme", owner), w.User("ada")
				w.become(acme, ada, status)
				w.Clock.Advance(time.Second)
				w.follows(want, acme, ada, func() error { return op.do(w, acme.ID, ada.ID) })
				w.consistent()
				w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
				w.NoError(w.Svc.Users.Delete(w.Ctx, ada.ID))
			})
		}
	}
}

// follows checks that do has the outcome.
func (w *world) follows(want outcome, org tenancy.Organization, user tenancy.User, do func() error) {
	w.T.Helper()
	switch {
	case want.code == tenancy.ErrInvalid:
		w.refuses(want.code, "from", do)
	case want.code != "":
		w.refuses(want.code, "", do)
	case want.kind == "":
		w.silent(do)
		w.status(org, user, want.after)
	case want.kind == tenancy.EventOwnershipTransferred:
		w.emits(do, some(tenancy.EventMembershipRolesChanged), some(tenancy.EventMembershipRolesChanged), some(want.kind))
	default:
		got := w.emits(do, some(want.kind))[0]
		w.Equal(user.ID, got.UserID)
		w.Equal(org.ID, got.OrganizationID)
		w.status(org, user, want.after)
		if want.after != "" {
			w.Equal(w.Clock.At, w.Member(org, user).UpdatedAt)
		}
	}
}

func addAgain(w *world) {
	ada, acme := w.User("ada"), w.Org("Acme")
	in := servicetest.Adding(acme, ada, rbac.Admin, rbac.Guest)
	in.DisplayName, in.Metadata = "The A", map[string]string{"k": "v"}
	first, err := w.Svc.Memberships.Add(w.Ctx, in)
	w.NoError(err)
	w.Clock.Advance(time.Hour)
	w.Deactivate(acme, ada)
	w.Clock.Advance(time.Hour)
	again := w.Add(acme, ada) // the roles they had
	w.Equal(first.ID, again.ID)
	w.Equal(first.JoinedAt, again.JoinedAt)
	w.Equal(first.CreatedAt, again.CreatedAt)
	w.Equal(w.Clock.At, again.UpdatedAt)
	w.Equal([]string{rbac.Admin, rbac.Guest}, again.Roles)
	w.Equal("The A", again.Name)
	w.Equal(first.Metadata, again.Metadata)
	w.Equal(int64(3), again.Version)
	w.Equal(again, w.Member(acme, ada))

	was := w.Deactivate(acme, ada)
	var m tenancy.Member
	in = servicetest.Adding(acme, ada, rbac.Owner) // the roles given
	in.DisplayName, in.JoinedVia = "Boss", tenancy.JoinedDirectory
	got := w.emits(func() (err error) { m, err = w.Svc.Memberships.Add(w.Ctx, in); return err }, some(tenancy.EventMembershipReactivated))
	w.Equal([]string{rbac.Owner}, m.Roles)
	w.Equal("Boss", m.Name)
	w.Equal(m, w.Member(acme, ada))
	w.tells(got[0], about(tenancy.EventMembershipReactivated, m).was(anything))
	w.JSONEq(fmt.Sprintf(`{"status":"inactive","deactivated_at":%s,"roles":["admin","guest"],"display_name":"The A"}`, w.json(was.DeactivatedAt)), string(got[0].Previous)) // E1: what changed
	w.consistent()
}

func deactivateMember(w *world) {
	ada, acme := w.User("ada"), w.Org("Acme")
	before := w.Add(acme, ada, rbac.Admin, rbac.Guest)
	w.Clock.Advance(time.Hour)
	var m tenancy.Member
	got := w.emits(func() (err error) { m, err = w.Svc.Memberships.Deactivate(w.Ctx, acme.ID, ada.ID); return err }, some(tenancy.EventMembershipDeactivated))
	w.tells(got[0], about(tenancy.EventMembershipDeactivated, m).was(`{"status":"active","deactivated_at":null}`))
	w.Equal(before.Roles, m.Roles)
	w.Equal(before.Version+1, m.Version)
	w.Equal(m, w.Member(acme, ada))
	w.Equal(w.Clock.At, m.DeactivatedAt)
	w.consistent()
	was := fmt.Sprintf(`{"status":"inactive","deactivated_at":%s}`, w.json(m.DeactivatedAt))
	w.Clock.Advance(time.Hour)
	got = w.emits(func() (err error) { m, err = w.Svc.Memberships.Reactivate(w.Ctx, acme.ID, ada.ID); return err }, some(tenancy.EventMembershipReactivated))
	w.tells(got[0], about(tenancy.EventMembershipReactivated, m).was(was))
	w.Equal(before.Roles, m.Roles)
	w.Equal(before.JoinedVia, m.JoinedVia)
	w.Equal(m, w.Member(acme, ada))
	w.consistent()
}

func removeMember(w *world) {
	acme := w.Org("Acme")
	for _, left := range []bool{false, true} {
		ada := w.User("ada")
		m := w.Add(acme, ada, rbac.Admin, rbac.Guest)
		remove := w.Svc.Memberships.Remove
		if left {
			remove = w.Svc.Memberships.Leave
		}
		want := about(tenancy.EventMembershipRemoved, m)
		want.data = nil // with what is remembered, below
		told := w.emits(func() error { return remove(w.Ctx, acme.ID, ada.ID) }, want)
		page, err := w.Svc.Memberships.Removed(w.Ctx, acme.ID, tenancy.RemovalQuery{})
		w.NoError(err)
		w.JSONEq(w.json(struct {
			portrait
			Removal tenancy.Removal `json:"removal"`
		}{portrait{m.Membership, m.Roles, left}, page.Items[0]}), string(told[0].Data))
		w.Empty(w.Dump().RoleAssignments)
		w.Empty(w.Dump().Memberships)
		w.Equal(ada, w.getUser(ada.ID)) // U3
		again := w.Add(acme, ada)       // a new row
		w.NotEqual(m.ID, again.ID)
		w.NoError(w.Svc.Users.Delete(w.Ctx, ada.ID))
	}
}

func roleSources(w *world) {
	ada, acme := w.User("ada"), w.Org("Acme")
	m := w.Add(acme, ada, rbac.Member, rbac.Admin)
	w.Assign(m, rbac.Admin, "directory", "group-1")
	w.Assign(m, rbac.Guest, "directory", "group-1")
	set := func(roles ...string) tenancy.Member {
		w.T.Helper()
		m, err := w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, ada.ID, roles...)
		w.NoError(err)
		w.Equal(m, w.Member(acme, ada))
		return m
	}
	w.Equal([]string{rbac.Admin, rbac.Member, rbac.Guest}, set(rbac.Member).Roles) // the directory's stay
	w.Len(set(rbac.Guest).Assignments, 3)                                          // Guest by hand as well
	w.Len(set().Assignments, 2)                                                    // none by hand: others give some
	w.Deactivate(acme, ada)
	w.consistent()
	w.Equal([]string{rbac.Owner}, w.Add(acme, ada, rbac.Owner).Roles[:1])
	w.Len(w.Member(acme, ada).Assignments, 3)
	w.consistent()
}

func updateMember(w *world) {
	ada, acme := w.User("ada"), w.Org("Acme")
	m := w.Add(acme, ada)
	w.Clock.Advance(time.Hour)
	for _, same := range []tenancy.MembershipUpdate{{}, {DisplayName: servicetest.Ptr("")}, {Metadata: tenancy.Patch{"x": nil}, Version: 1}} {
		w.silent(func() error {
			got, err := w.Svc.Memberships.Update(w.Ctx, acme.ID, ada.ID, same)
			w.Equal(m, got)
			return err
		})
	}
	got := w.emits(func() (err error) {
		m, err = w.Svc.Memberships.Update(w.Ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{
			DisplayName: servicetest.Ptr(" Boss "), Metadata: tenancy.Patch{"k": servicetest.Ptr("v")}, Attributes: tenancy.Patch{"desk": servicetest.Ptr("4")},
		})
		return err
	}, some(tenancy.EventMembershipUpdated))
	w.Equal("Boss", m.Name)
	w.Equal(m, w.Member(acme, ada))
	w.Equal(w.Clock.At, m.UpdatedAt)
	w.Equal("Ada", w.getUser(ada.ID).DisplayName) // the name elsewhere stays
	w.tells(got[0], event{
		kind: tenancy.EventMembershipUpdated, org: acme.ID, user: ada.ID, subject: m.ID.String(), data: m.Membership,
		previous: `{"display_name":null,"attributes":null,"metadata":null}`,
	})
	m, err := w.Svc.Memberships.Update(w.Ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{DisplayName: servicetest.Ptr("")})
	w.NoError(err)
	w.Equal("Ada", m.Name)
}

func setRoles(w *world) {
	ada, acme := w.User("ada"), w.Org("Acme")
	before := w.Add(acme, ada)
	var m tenancy.Member
	set := func(roles ...string) func() error {
		return func() (err error) { m, err = w.Svc.Memberships.SetRoles(w.Ctx, acme.ID, ada.ID, roles...); return err }
	}
	w.Clock.Advance(time.Hour)
	got := w.emits(set(rbac.Guest, rbac.Admin, rbac.Guest), some(tenancy.EventMembershipRolesChanged))
	w.tells(got[0], about(tenancy.EventMembershipRolesChanged, m).was(`{"roles":["member"]}`))
	w.Equal([]string{rbac.Admin, rbac.Guest}, m.Roles)
	w.Equal(before.Version+1, m.Version)
	w.Equal(w.Clock.At, m.UpdatedAt)
	w.silent(set(rbac.Admin, rbac.Guest))
	w.silent(set(rbac.Guest, rbac.Admin))
	w.refuses(tenancy.ErrInvalid, "roles", set())
	w.refuses(tenancy.ErrUnknownRole, "roles", set("king"))
	w.emits(set(rbac.Admin, rbac.Guest, rbac.Owner), some(tenancy.EventMembershipRolesChanged))
	w.Equal([]tenancy.UserID{ada.ID}, w.owners(acme))
	w.consistent()
}
