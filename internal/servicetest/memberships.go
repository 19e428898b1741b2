package servicetest

import (
	"fmt"
	"time"

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
	ada := w.user("ada")
	acme := w.newOrg(tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme"})
	in := adding(acme, ada, rbac.Guest, rbac.Admin)
	in.DisplayName, in.Attributes, in.Metadata = " The A ", map[string]string{"desk": "4"}, map[string]string{"k": "v"}
	in.JoinedVia = tenancy.JoinedDirectory
	var m tenancy.Member
	got := w.emits(func() (err error) { m, err = w.svc.Memberships.Add(w.ctx, in); return err }, some(tenancy.EventMembershipCreated))
	w.tells(got[0], about(tenancy.EventMembershipCreated, m))
	w.Equal(m, w.member(acme, ada))
	w.Equal(tenancy.MembershipActive, m.Status)
	w.Equal(tenancy.JoinedDirectory, m.JoinedVia)
	w.Equal(w.clock.at, m.JoinedAt)
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
	w.Equal([]string{rbac.Member}, w.add(acme, w.user("bob")).Roles) // M1: the default
	w.Equal(tenancy.JoinedAdded, w.member(acme, w.mustFind("bob@acme.example")).JoinedVia)
	w.consistent()
}

func (w *world) mustFind(email string) tenancy.User {
	w.t.Helper()
	user, err := w.svc.Users.GetByEmail(w.ctx, email)
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
			_, err := w.svc.Memberships.Add(w.ctx, tenancy.NewMembership{OrganizationID: org, UserID: user, Roles: roles})
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
			return call(w.svc.Memberships, w, org, user)
		}
	}
	return []membershipOp{
		{"Add", add(), created, pending, no(tenancy.ErrAlreadyMember), again},                      // M3
		{"Add with roles", add(rbac.Admin), created, pending, no(tenancy.ErrAlreadyMember), again}, // M3
		{"Deactivate", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M4
			_, err := g.Deactivate(w.ctx, o, u)
			return err
		}), absent, pending, is(inactive, tenancy.EventMembershipDeactivated), is(inactive, "")},
		{"Reactivate", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M5
			_, err := g.Reactivate(w.ctx, o, u)
			return err
		}), absent, pending, is(active, ""), again},
		{"Remove", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M6
			return g.Remove(w.ctx, o, u)
		}), absent, removed, removed, removed},
		{"Leave", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M6
			return g.Leave(w.ctx, o, u)
		}), absent, removed, removed, removed},
		{"SetRoles", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M2
			_, err := g.SetRoles(w.ctx, o, u, rbac.Guest)
			return err
		}), absent, pending, is(active, tenancy.EventMembershipRolesChanged), is(inactive, tenancy.EventMembershipRolesChanged)},
		{"SetRoles to what they are", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // G8
			_, err := g.SetRoles(w.ctx, o, u, rbac.Member)
			return err
		}), absent, pending, is(active, ""), is(inactive, "")},
		{"Update", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error {
			_, err := g.Update(w.ctx, o, u, tenancy.MembershipUpdate{DisplayName: ptr("Boss")})
			return err
		}), absent, is(tenancy.MembershipPending, tenancy.EventMembershipUpdated), is(active, tenancy.EventMembershipUpdated), is(inactive, tenancy.EventMembershipUpdated)},
		{"TransferOwnership to", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M8
			return g.TransferOwnership(w.ctx, o, w.ownerOf(o), u, "")
		}), absent, pending, is(active, tenancy.EventOwnershipTransferred), no(tenancy.ErrMembershipInactive)},
		{"TransferOwnership from no owner", one(func(g tenancy.Memberships, w *world, o tenancy.OrganizationID, u tenancy.UserID) error { // M8
			return g.TransferOwnership(w.ctx, o, u, w.ownerOf(o), "")
		}), absent, no(tenancy.ErrInvalid), no(tenancy.ErrInvalid), no(tenancy.ErrInvalid)},
	}
}

func (w *world) ownerOf(id tenancy.OrganizationID) tenancy.UserID {
	w.t.Helper()
	return w.owners(tenancy.Organization{ID: id})[0]
}

func membershipStates(w *world) {
	owner := w.user("owner")
	for _, op := range membershipOps() {
		for status, want := range map[tenancy.MembershipStatus]outcome{
			"": op.absent, tenancy.MembershipPending: op.pending, tenancy.MembershipActive: op.active, tenancy.MembershipInactive: op.inactive,
		} {
			w.each(op.name+"/"+string(status), func(w *world) {
				acme, ada := w.owned("Acme", owner), w.user("ada")
				w.become(acme, ada, status)
				w.clock.advance(time.Second)
				w.follows(want, acme, ada, func() error { return op.do(w, acme.ID, ada.ID) })
				w.consistent()
				w.NoError(w.svc.Organizations.Delete(w.ctx, acme.ID))
				w.NoError(w.svc.Users.Delete(w.ctx, ada.ID))
			})
		}
	}
}

// follows checks that do has the outcome.
func (w *world) follows(want outcome, org tenancy.Organization, user tenancy.User, do func() error) {
	w.t.Helper()
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
			w.Equal(w.clock.at, w.member(org, user).UpdatedAt)
		}
	}
}

func addAgain(w *world) {
	ada, acme := w.user("ada"), w.org("Acme")
	in := adding(acme, ada, rbac.Admin, rbac.Guest)
	in.DisplayName, in.Metadata = "The A", map[string]string{"k": "v"}
	first, err := w.svc.Memberships.Add(w.ctx, in)
	w.NoError(err)
	w.clock.advance(time.Hour)
	w.deactivate(acme, ada)
	w.clock.advance(time.Hour)
	again := w.add(acme, ada) // the roles they had
	w.Equal(first.ID, again.ID)
	w.Equal(first.JoinedAt, again.JoinedAt)
	w.Equal(first.CreatedAt, again.CreatedAt)
	w.Equal(w.clock.at, again.UpdatedAt)
	w.Equal([]string{rbac.Admin, rbac.Guest}, again.Roles)
	w.Equal("The A", again.Name)
	w.Equal(first.Metadata, again.Metadata)
	w.Equal(int64(3), again.Version)
	w.Equal(again, w.member(acme, ada))

	was := w.deactivate(acme, ada)
	var m tenancy.Member
	in = adding(acme, ada, rbac.Owner) // the roles given
	in.DisplayName, in.JoinedVia = "Boss", tenancy.JoinedDirectory
	got := w.emits(func() (err error) { m, err = w.svc.Memberships.Add(w.ctx, in); return err }, some(tenancy.EventMembershipReactivated))
	w.Equal([]string{rbac.Owner}, m.Roles)
	w.Equal("Boss", m.Name)
	w.Equal(m, w.member(acme, ada))
	w.tells(got[0], about(tenancy.EventMembershipReactivated, m).was(anything))
	w.JSONEq(fmt.Sprintf(`{"status":"inactive","deactivated_at":%s,"roles":["admin","guest"],"display_name":"The A"}`, w.json(was.DeactivatedAt)), string(got[0].Previous)) // E1: what changed
	w.consistent()
}

func deactivateMember(w *world) {
	ada, acme := w.user("ada"), w.org("Acme")
	before := w.add(acme, ada, rbac.Admin, rbac.Guest)
	w.clock.advance(time.Hour)
	var m tenancy.Member
	got := w.emits(func() (err error) { m, err = w.svc.Memberships.Deactivate(w.ctx, acme.ID, ada.ID); return err }, some(tenancy.EventMembershipDeactivated))
	w.tells(got[0], about(tenancy.EventMembershipDeactivated, m).was(`{"status":"active","deactivated_at":null}`))
	w.Equal(before.Roles, m.Roles)
	w.Equal(before.Version+1, m.Version)
	w.Equal(m, w.member(acme, ada))
	w.Equal(w.clock.at, m.DeactivatedAt)
	w.consistent()
	was := fmt.Sprintf(`{"status":"inactive","deactivated_at":%s}`, w.json(m.DeactivatedAt))
	w.clock.advance(time.Hour)
	got = w.emits(func() (err error) { m, err = w.svc.Memberships.Reactivate(w.ctx, acme.ID, ada.ID); return err }, some(tenancy.EventMembershipReactivated))
	w.tells(got[0], about(tenancy.EventMembershipReactivated, m).was(was))
	w.Equal(before.Roles, m.Roles)
	w.Equal(before.JoinedVia, m.JoinedVia)
	w.Equal(m, w.member(acme, ada))
	w.consistent()
}

func removeMember(w *world) {
	acme := w.org("Acme")
	for _, left := range []bool{false, true} {
		ada := w.user("ada")
		m := w.add(acme, ada, rbac.Admin, rbac.Guest)
		remove := w.svc.Memberships.Remove
		if left {
			remove = w.svc.Memberships.Leave
		}
		want := about(tenancy.EventMembershipRemoved, m)
		want.data = portrait{m.Membership, m.Roles, left}
		w.emits(func() error { return remove(w.ctx, acme.ID, ada.ID) }, want)
		w.Empty(w.dump().RoleAssignments)
		w.Empty(w.dump().Memberships)
		w.Equal(ada, w.getUser(ada.ID)) // U3
		again := w.add(acme, ada)       // a new row
		w.NotEqual(m.ID, again.ID)
		w.NoError(w.svc.Users.Delete(w.ctx, ada.ID))
	}
}

func roleSources(w *world) {
	ada, acme := w.user("ada"), w.org("Acme")
	m := w.add(acme, ada, rbac.Member, rbac.Admin)
	w.assign(m, rbac.Admin, "directory", "group-1")
	w.assign(m, rbac.Guest, "directory", "group-1")
	set := func(roles ...string) tenancy.Member {
		w.t.Helper()
		m, err := w.svc.Memberships.SetRoles(w.ctx, acme.ID, ada.ID, roles...)
		w.NoError(err)
		w.Equal(m, w.member(acme, ada))
		return m
	}
	w.Equal([]string{rbac.Admin, rbac.Member, rbac.Guest}, set(rbac.Member).Roles) // the directory's stay
	w.Len(set(rbac.Guest).Assignments, 3)                                          // Guest by hand as well
	w.Len(set().Assignments, 2)                                                    // none by hand: others give some
	w.deactivate(acme, ada)
	w.consistent()
	w.Equal([]string{rbac.Owner}, w.add(acme, ada, rbac.Owner).Roles[:1])
	w.Len(w.member(acme, ada).Assignments, 3)
	w.consistent()
}

func updateMember(w *world) {
	ada, acme := w.user("ada"), w.org("Acme")
	m := w.add(acme, ada)
	w.clock.advance(time.Hour)
	for _, same := range []tenancy.MembershipUpdate{{}, {DisplayName: ptr("")}, {Metadata: tenancy.Patch{"x": nil}, Version: 1}} {
		w.silent(func() error {
			got, err := w.svc.Memberships.Update(w.ctx, acme.ID, ada.ID, same)
			w.Equal(m, got)
			return err
		})
	}
	got := w.emits(func() (err error) {
		m, err = w.svc.Memberships.Update(w.ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{
			DisplayName: ptr(" Boss "), Metadata: tenancy.Patch{"k": ptr("v")}, Attributes: tenancy.Patch{"desk": ptr("4")},
		})
		return err
	}, some(tenancy.EventMembershipUpdated))
	w.Equal("Boss", m.Name)
	w.Equal(m, w.member(acme, ada))
	w.Equal(w.clock.at, m.UpdatedAt)
	w.Equal("Ada", w.getUser(ada.ID).DisplayName) // the name elsewhere stays
	w.tells(got[0], event{
		kind: tenancy.EventMembershipUpdated, org: acme.ID, user: ada.ID, subject: m.ID.String(), data: m.Membership,
		previous: `{"display_name":null,"attributes":null,"metadata":null}`,
	})
	m, err := w.svc.Memberships.Update(w.ctx, acme.ID, ada.ID, tenancy.MembershipUpdate{DisplayName: ptr("")})
	w.NoError(err)
	w.Equal("Ada", m.Name)
}

func setRoles(w *world) {
	ada, acme := w.user("ada"), w.org("Acme")
	before := w.add(acme, ada)
	var m tenancy.Member
	set := func(roles ...string) func() error {
		return func() (err error) { m, err = w.svc.Memberships.SetRoles(w.ctx, acme.ID, ada.ID, roles...); return err }
	}
	w.clock.advance(time.Hour)
	got := w.emits(set(rbac.Guest, rbac.Admin, rbac.Guest), some(tenancy.EventMembershipRolesChanged))
	w.tells(got[0], about(tenancy.EventMembershipRolesChanged, m).was(`{"roles":["member"]}`))
	w.Equal([]string{rbac.Admin, rbac.Guest}, m.Roles)
	w.Equal(before.Version+1, m.Version)
	w.Equal(w.clock.at, m.UpdatedAt)
	w.silent(set(rbac.Admin, rbac.Guest))
	w.silent(set(rbac.Guest, rbac.Admin))
	w.refuses(tenancy.ErrInvalid, "roles", set())
	w.refuses(tenancy.ErrUnknownRole, "roles", set("king"))
	w.emits(set(rbac.Admin, rbac.Guest, rbac.Owner), some(tenancy.EventMembershipRolesChanged))
	w.Equal([]tenancy.UserID{ada.ID}, w.owners(acme))
	w.consistent()
}
