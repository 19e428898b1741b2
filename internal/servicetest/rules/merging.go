package rules

import (
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func mergeRules() []rule {
	return []rule{
		{"U6 two memberships become one: status by status", on(mergeMatrix)},
		{"U6 roles united, earliest join, sources kept", on(mergeRoles)},
		{"U6 identities and sign-in move, keys are free", on(mergeUsers)},
		{"U6 a merged user says into whom, also through a chain", on(tombstones)},
		{"U6 M7 a merge takes no last owner", on(mergeOwners)},
		{"U6 M9 a merge never counts one seat twice", on(mergeSeats)},
		{"U6 refused whole", with(func(c *tenancy.Config) { c.DeleteLimit = 2 }, mergeRefused)},
	}
}

func (w *world) merge(from, into tenancy.User) (tenancy.Merged, error) {
	return w.Svc.Users.Merge(w.Ctx, from.ID, into.ID)
}

// mergeMatrix: what one organization holds of two people, before and after.
func mergeMatrix(w *world) {
	const absent, pending, active, inactive = "", tenancy.MembershipPending, tenancy.MembershipActive, tenancy.MembershipInactive
	removed, created := tenancy.EventMembershipRemoved, tenancy.EventMembershipCreated
	for _, c := range []struct {
		from, into, after tenancy.MembershipStatus
		events            []tenancy.EventType
	}{
		{absent, absent, absent, nil},
		{absent, pending, pending, nil},
		{absent, active, active, nil},
		{absent, inactive, inactive, nil},
		{pending, absent, absent, []tenancy.EventType{removed}}, // its invitation stays
		{pending, pending, pending, []tenancy.EventType{removed}},
		{pending, active, active, []tenancy.EventType{removed}},
		{pending, inactive, inactive, []tenancy.EventType{removed}},
		{active, absent, active, []tenancy.EventType{removed, created}},
		{active, pending, active, []tenancy.EventType{removed, removed, created}},
		{active, active, active, []tenancy.EventType{removed}},
		{active, inactive, inactive, []tenancy.EventType{removed}},
		{inactive, absent, inactive, []tenancy.EventType{removed, created}},
		{inactive, pending, inactive, []tenancy.EventType{removed, removed, created}},
		{inactive, active, inactive, []tenancy.EventType{removed, tenancy.EventMembershipDeactivated}},
		{inactive, inactive, inactive, []tenancy.EventType{removed}},
	} {
		w.each(string(c.from)+" into "+string(c.into), func(w *world) {
			from, into := w.User("from"), w.User("into")
			acme := w.Org("Acme")
			w.become(acme, from, c.from)
			w.become(acme, into, c.into)
			var want []event
			for _, kind := range c.events {
				want = append(want, some(kind))
			}
			want = append(want, event{
				kind: tenancy.EventUserMerged, user: into.ID, subject: into.ID.String(),
				data: map[string]string{"from": from.ID.String(), "into": into.ID.String()},
			})
			var done tenancy.Merged
			w.emits(func() (err error) { done, err = w.merge(from, into); return err }, want...)
			moved := 0
			if c.from == active || c.from == inactive {
				moved = 1
			}
			w.Equal(into, done.User)
			w.status(acme, into, c.after)
			w.status(acme, from, absent)
			w.consistent()
			w.NoError(w.Svc.Organizations.Delete(w.Ctx, acme.ID))
			w.NoError(w.Svc.Users.Delete(w.Ctx, into.ID))
			w.Equal(moved, done.Memberships, "moved or united")
		})
	}
}

// become gives a user a membership of a status, "" for none.
func (w *world) become(org tenancy.Organization, user tenancy.User, status tenancy.MembershipStatus) {
	w.T.Helper()
	switch status {
	case tenancy.MembershipPending:
		w.pend(org, user)
	case tenancy.MembershipActive:
		w.Add(org, user)
	case tenancy.MembershipInactive:
		w.Add(org, user)
		w.Deactivate(org, user)
	}
}

// status checks which status a membership has, "" for none.
func (w *world) status(org tenancy.Organization, user tenancy.User, want tenancy.MembershipStatus) {
	w.T.Helper()
	m, err := w.Svc.Memberships.Get(w.Ctx, org.ID, user.ID)
	if want == "" {
		w.Failed(err, tenancy.ErrNotFound, "")
		return
	}
	w.NoError(err)
	w.Equal(want, m.Status)
}

// consistent checks what holds of the rows of every store at any time: M1, M2, and
// that assignments mirror their membership.
func (w *world) consistent() {
	w.T.Helper()
	d := w.Dump()
	users, orgs := map[tenancy.UserID]tenancy.User{}, map[tenancy.OrganizationID]bool{}
	for _, u := range d.Users {
		users[u.ID] = u
	}
	for _, o := range d.Organizations {
		orgs[o.ID] = true
	}
	roles, members := map[tenancy.MembershipID]int{}, map[tenancy.MembershipID]tenancy.Membership{}
	for _, m := range d.Memberships {
		members[m.ID] = m
		w.True(orgs[m.OrganizationID])
		w.Contains(users, m.UserID)
		w.True(users[m.UserID].MergedInto.IsZero(), "a membership of a merged user")
		w.Equal(users[m.UserID].EmailKey, m.EmailKey)
	}
	for _, a := range d.RoleAssignments {
		m := members[a.MembershipID]
		roles[m.ID]++
		w.Equal(m.UserID, a.UserID)
		w.Equal(m.OrganizationID, a.OrganizationID)
		w.Equal(m.Status == tenancy.MembershipActive, a.Active)
	}
	for _, m := range d.Memberships {
		w.Equal(m.Status == tenancy.MembershipPending, roles[m.ID] == 0, "roles of a %s membership: %d", m.Status, roles[m.ID])
	}
}

func mergeRoles(w *world) {
	from, into := w.User("from"), w.User("into")
	acme := w.Org("Acme")
	early := w.Add(acme, from, rbac.Admin, rbac.Member)
	w.Clock.Advance(time.Hour)
	late := w.Add(acme, into, rbac.Member, rbac.Guest)
	w.Assign(early, rbac.Guest, "directory", "group-1")
	w.Clock.Advance(time.Hour)
	got := w.emits(func() error { _, err := w.merge(from, into); return err },
		some(tenancy.EventMembershipRemoved), some(tenancy.EventMembershipRolesChanged), some(tenancy.EventUserMerged))
	after := w.Member(acme, into)
	w.Equal(late.ID, after.ID)
	w.Equal([]string{rbac.Admin, rbac.Member, rbac.Guest}, after.Roles)
	w.Len(after.Assignments, 4) // M10: Guest by hand and by the directory
	w.Equal(early.JoinedAt, after.JoinedAt)
	w.tells(got[0], event{
		kind: tenancy.EventMembershipRemoved, org: acme.ID, user: from.ID, subject: early.ID.String(),
		data: portrait{early.Membership, []string{rbac.Admin, rbac.Member, rbac.Guest}, false},
	})
	w.tells(got[1], about(tenancy.EventMembershipRolesChanged, after).
		was(`{"joined_at":"2030-01-02T04:04:05.678901Z","roles":["member","guest"]}`))
	w.consistent()

	// One that moves keeps its row and its roles, and says by which way it came.
	other := w.Org("Other")
	third := w.User("third")
	moving := w.Add(other, third, rbac.Admin)
	got = w.emits(func() error { _, err := w.merge(third, into); return err },
		some(tenancy.EventMembershipRemoved), some(tenancy.EventMembershipCreated), some(tenancy.EventUserMerged))
	moved := w.Member(other, into)
	w.Equal(moving.ID, moved.ID)
	w.Equal(tenancy.JoinedMerged, moved.JoinedVia)
	w.Equal(moving.JoinedAt, moved.JoinedAt)
	w.Equal([]string{rbac.Admin}, moved.Roles)
	w.tells(got[0], about(tenancy.EventMembershipRemoved, moving))
	w.tells(got[1], about(tenancy.EventMembershipCreated, moved))
}

func mergeUsers(w *world) {
	from := w.NewUser(tenancy.NewUser{Email: "from@acme.example", ExternalID: "hr-1", DisplayName: "From"})
	into := w.User("into")
	i := w.Link(from, google("g-1", "from@acme.example", true))
	w.Link(into, google("g-2", "", false))
	w.Clock.Advance(time.Hour)
	w.NoError(w.Svc.Users.RecordSignIn(w.Ctx, from.ID, tenancy.OrganizationID{}))
	signedIn := w.Clock.At
	w.Clock.Advance(time.Hour)
	var done tenancy.Merged
	got := w.emits(func() (err error) { done, err = w.merge(from, into); return err }, some(tenancy.EventIdentityLinked), some(tenancy.EventUserMerged))
	w.Equal(1, done.Identities)
	moved := w.identities(into)[0]
	w.Equal(i.ID, moved.ID)
	w.tells(got[0], ofIdentity(tenancy.EventIdentityLinked, moved, anything))
	w.Equal(signedIn, w.getUser(into.ID).LastSignInAt)
	w.Equal(done.User, w.getUser(into.ID))
	w.Equal("into@acme.example", done.User.Email) // the profile is into's own
	w.NewUser(tenancy.NewUser{Email: "from@acme.example", ExternalID: "hr-1"})
	var names []string
	for u, err := range w.Svc.Users.All(w.Ctx, tenancy.UserQuery{}) {
		w.NoError(err)
		names = append(names, u.Email)
	}
	w.Equal([]string{"into@acme.example", "from@acme.example"}, names)
}

func tombstones(w *world) {
	a, b, c := w.User("a"), w.User("b"), w.User("c")
	for _, step := range [][2]tenancy.User{{a, b}, {b, c}} {
		_, err := w.merge(step[0], step[1])
		w.NoError(err)
	}
	for _, gone := range []tenancy.User{a, b} {
		_, err := w.Svc.Users.Get(w.Ctx, gone.ID)
		w.Equal([]string{c.ID.String()}, w.Failed(err, tenancy.ErrMerged, "").IDs)
	}
	for _, user := range w.Dump().Users { // of the merged only ids are left
		if !user.MergedInto.IsZero() {
			w.Empty(user.Email + user.EmailKey + user.DisplayName + user.NameKey + user.ExternalID)
		}
	}
	for _, pair := range [][2]tenancy.User{{a, c}, {c, a}} {
		w.refuses(tenancy.ErrMerged, "", func() error { _, err := w.merge(pair[0], pair[1]); return err })
	}
	w.NoError(w.Svc.Users.Delete(w.Ctx, c.ID))
	for _, gone := range []tenancy.User{a, b} { // it still says into whom; Erase needs to know
		_, err := w.Svc.Users.Get(w.Ctx, gone.ID)
		w.Failed(err, tenancy.ErrMerged, "")
	}
	w.NoError(w.Svc.Users.Erase(w.Ctx, c.ID))
	for _, gone := range []tenancy.User{a, b, c} {
		_, err := w.Svc.Users.Get(w.Ctx, gone.ID)
		w.Failed(err, tenancy.ErrNotFound, "")
	}
	w.Empty(w.Dump().Users)
}

func mergeOwners(w *world) {
	from, into := w.User("from"), w.User("into")
	first, second, third, fourth := w.Owned("First", from), w.Owned("Second", from), w.Owned("Third", into), w.Owned("Fourth", from)
	w.Add(first, into)
	w.Deactivate(first, into) // from's ownership would end inactive
	w.Add(third, from)
	w.Deactivate(third, from) // and so would into's
	w.Add(second, into)       // active: into owns it then
	w.pend(fourth, into)      // replaced
	e := w.refuses(tenancy.ErrLastOwner, "", func() error { _, err := w.merge(from, into); return err })
	w.ElementsMatch([]string{first.ID.String(), third.ID.String()}, e.IDs)

	eve := w.User("eve")
	w.Add(first, eve, rbac.Owner)
	w.Add(third, eve, rbac.Owner)
	_, err := w.merge(from, into)
	w.NoError(err)
	for _, org := range []tenancy.Organization{first, third} {
		w.Equal([]tenancy.UserID{eve.ID}, w.owners(org))
	}
	for _, org := range []tenancy.Organization{second, fourth} {
		w.Equal([]tenancy.UserID{into.ID}, w.owners(org))
	}
	w.consistent()
}

func mergeSeats(w *world) {
	from, into := w.User("from"), w.User("into")
	full := w.NewOrg(tenancy.NewOrganization{DisplayName: "Full", Settings: tenancy.Settings{SeatLimit: 1}})
	w.Add(full, from)
	over := w.NewOrg(tenancy.NewOrganization{DisplayName: "Over"})
	w.Add(over, from)
	w.Add(over, into)
	_, err := w.Svc.Organizations.Update(w.Ctx, over.ID, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(1)})
	w.NoError(err)
	_, err = w.merge(from, into) // one goes, one comes; and two become one
	w.NoError(err)
	w.status(full, into, tenancy.MembershipActive)
	w.status(over, into, tenancy.MembershipActive)

	// One who is inactive makes the other so, whose seat is free.
	idle, busy := w.User("idle"), w.User("busy")
	both := w.NewOrg(tenancy.NewOrganization{DisplayName: "Both", Settings: tenancy.Settings{SeatLimit: 2}})
	w.Add(both, idle)
	w.Add(both, busy)
	w.Deactivate(both, idle)
	_, err = w.merge(idle, busy)
	w.NoError(err)
	w.status(both, busy, tenancy.MembershipInactive)
	w.Dump() // which counts the seats

	// Over its limit an organization admits nobody, not in exchange either (M9).
	third, fourth := w.User("third"), w.User("fourth")
	crowded := w.Org("Crowded")
	w.Add(crowded, third)
	w.Add(crowded, into)
	_, err = w.Svc.Organizations.Update(w.Ctx, crowded.ID, tenancy.OrganizationUpdate{SeatLimit: servicetest.Ptr(1)})
	w.NoError(err)
	w.refuses(tenancy.ErrSeatLimit, "", func() error { _, err := w.merge(third, fourth); return err })
}

func mergeRefused(w *world) {
	from, into := w.User("from"), w.User("into")
	for _, name := range []string{"One", "Two", "Three"} {
		w.Add(w.Org(name), from)
	}
	w.refuses(tenancy.ErrTooLarge, "", func() error { _, err := w.merge(from, into); return err })
	w.refuses(tenancy.ErrTooLarge, "", func() error { return w.Svc.Users.Delete(w.Ctx, from.ID) })
	w.refuses(tenancy.ErrInvalid, "into", func() error { _, err := w.merge(from, from); return err })
	_, err := w.merge(into, from)
	w.NoError(err)
}
