package servicetest

import (
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func checkRules() []rule {
	return []rule{
		{"R7 Can, Check, Explain and Permissions for every status", on(everyStatus)},
		{"R7 Explain names the role, its parents and the grant", on(explains)},
		{"R4 permissions are the union of the roles", on(unions)},
		{"R7 MembersWith is who can", on(membersWith)},
		{"R7 an assignment with a scope gives nothing beyond it", on(scoped)},
	}
}

// everyStatus: R7 is true only for user active, organization active, membership
// active; what stands in the way is told in the order of who may know what.
func everyStatus(w *world) {
	w.declare()
	n := 0
	for _, org := range []string{"active", "suspended", "archived"} {
		for _, user := range []string{"active", "suspended"} {
			for _, status := range []tenancy.MembershipStatus{"", tenancy.MembershipActive, tenancy.MembershipInactive, tenancy.MembershipPending} {
				n++
				w.each(org+" "+user+" "+string(status), func(w *world) {
					acme, ada := w.org("Acme"), w.user("ada"+string(rune('a'+n)))
					w.standing(acme, ada, status)
					if user == "suspended" {
						_, err := w.svc.Users.Suspend(w.ctx, ada.ID)
						w.NoError(err)
					}
					if org != "active" {
						shut := w.svc.Organizations.Suspend
						if org == "archived" {
							shut = w.svc.Organizations.Archive
						}
						_, err := shut(w.ctx, acme.ID)
						w.NoError(err)
					}
					w.checks(acme.ID, ada.ID, reasonOf(org, user, status))
				})
			}
		}
	}
	acme, ada, into := w.owned("Acme", w.user("owner")), w.user("merged"), w.user("into")
	_, err := w.merge(ada, into)
	w.NoError(err)
	w.checks(acme.ID, ada.ID, tenancy.ReasonNoUser)
	w.checks(acme.ID, nobody, tenancy.ReasonNoUser)
	w.checks(acme.ID, tenancy.UserID{}, tenancy.ReasonNoUser)
	w.checks(nowhere, into.ID, tenancy.ReasonNoOrganization)
	w.checks(tenancy.OrganizationID{}, into.ID, tenancy.ReasonNoOrganization)
}

// standing gives a user a membership of a status, or none.
func (w *world) standing(org tenancy.Organization, user tenancy.User, status tenancy.MembershipStatus) {
	w.t.Helper()
	switch status {
	case tenancy.MembershipPending:
		w.pend(org, user)
	case tenancy.MembershipActive, tenancy.MembershipInactive:
		w.add(org, user, auditor)
		if status == tenancy.MembershipInactive {
			w.deactivate(org, user)
		}
	}
}

func reasonOf(org, user string, status tenancy.MembershipStatus) tenancy.Reason {
	switch {
	case org == "archived":
		return tenancy.ReasonOrganizationArchived
	case status == "":
		return tenancy.ReasonNotAMember
	case status == tenancy.MembershipPending:
		return tenancy.ReasonMembershipPending
	case status == tenancy.MembershipInactive:
		return tenancy.ReasonMembershipInactive
	case org == "suspended":
		return tenancy.ReasonOrganizationSuspended
	case user == "suspended":
		return tenancy.ReasonUserSuspended
	}
	return tenancy.ReasonGranted
}

// checks asks everything that can be asked about an auditor, twice: the second answer
// may come from what is kept.
func (w *world) checks(org tenancy.OrganizationID, user tenancy.UserID, reason tenancy.Reason) {
	w.t.Helper()
	granted := reason == tenancy.ReasonGranted
	code := map[tenancy.Reason]tenancy.Code{
		tenancy.ReasonGranted: "", tenancy.ReasonOrganizationSuspended: tenancy.ErrForbidden, tenancy.ReasonUserSuspended: tenancy.ErrForbidden,
	}
	want, ok := code[reason]
	if !ok {
		want = tenancy.ErrNotFound
	}
	plain := w.another(func(c *tenancy.Config) { c.Store = tablesOnly{w.store} })
	for range 2 {
		can, err := w.svc.Can(w.ctx, user, org, readDocs)
		w.NoError(err)
		w.Equal(granted, can)
		other, err := w.svc.Can(w.ctx, user, org, writeDocs)
		w.NoError(err)
		w.False(other)
		err = w.svc.Check(w.ctx, user, org, readDocs)
		w.Equal(want, tenancy.CodeOf(err), "%v", err)
		if want == tenancy.ErrForbidden {
			w.Equal(string(reason), w.failed(err, want, "").Reason)
		}
		why := w.bothWays(w.ctx, w.svc, plain, org, user)
		w.Equal(granted, why.Allowed)
		w.Equal(reason, why.Reason)
		list, err := w.svc.Permissions.Of(w.ctx, user, org)
		w.NoError(err)
		if granted {
			w.Equal([]rbac.Permission{readDocs}, list)
		} else {
			w.Empty(list)
			w.Empty(why.Roles)
		}
	}
}

func explains(w *world) {
	w.declare()
	org, ada := w.org("Acme"), w.user("ada")
	w.ownRoles(org.ID)
	w.add(org, ada, editor, rbac.Guest)
	explain := func(p rbac.Permission) tenancy.Explanation {
		why, err := w.svc.Explain(w.ctx, ada.ID, org.ID, p)
		w.NoError(err)
		return why
	}
	roles := []string{rbac.Guest, editor}
	w.Equal(tenancy.Explanation{Allowed: true, Reason: tenancy.ReasonGranted, Roles: roles, Role: editor, Grant: "documents:write"}, explain(writeDocs))
	w.Equal(tenancy.Explanation{
		Allowed: true, Reason: tenancy.ReasonGranted, Roles: roles, Role: editor, Parents: []string{auditor}, Grant: "documents:read",
	}, explain(readDocs))
	why := explain(billing)
	w.Equal(tenancy.Explanation{Reason: tenancy.ReasonNotGranted, Roles: roles}, why)
	w.Equal("denied: not_granted", why.String())
	w.Equal(string(tenancy.ReasonNotGranted), w.failed(w.svc.Check(w.ctx, ada.ID, org.ID, billing), tenancy.ErrForbidden, "").Reason)
	w.silent(func() error { explain(readDocs); return nil })
}

func unions(w *world) {
	w.declare()
	org, ada := w.owned("Acme", w.user("owner")), w.user("ada")
	w.role(org.ID, "org-bills", "", "billing.*")
	m := w.add(org, ada, auditor, "org-bills")
	of := func(want ...rbac.Permission) {
		w.t.Helper()
		got, err := w.svc.Permissions.Of(w.ctx, ada.ID, org.ID)
		w.NoError(err)
		w.ElementsMatch(want, got)
	}
	of(readDocs, billing)
	w.assign(m, clerk, tenancy.RoleDirectory, "g-1") // past the Service: seen once something of the member's changes
	_, err := w.svc.Memberships.SetRoles(w.ctx, org.ID, ada.ID, auditor)
	w.NoError(err)
	of(readDocs, writeDocs)
	_, err = w.svc.Memberships.SetRoles(w.ctx, org.ID, ada.ID, rbac.Owner)
	w.NoError(err)
	of(append(rbac.Management(), readDocs, writeDocs, billing)...)
	_, err = w.svc.Memberships.SetRoles(w.ctx, org.ID, ada.ID, rbac.Admin)
	w.NoError(err)
	ok, err := w.svc.Can(w.ctx, ada.ID, org.ID, rbac.DeleteOrganization)
	w.NoError(err)
	w.False(ok)
}

// with lists who has a permission, in pages of one.
func (w *world) with(org tenancy.OrganizationID, p rbac.Permission, desc bool) []tenancy.UserID {
	w.t.Helper()
	var users []tenancy.UserID
	q := tenancy.MemberQuery{Limit: 1, Descending: desc}
	for {
		page, err := w.svc.MembersWith(w.ctx, org, p, q)
		w.NoError(err)
		for _, m := range page.Items {
			users = append(users, m.UserID)
		}
		if page.Next == "" {
			return users
		}
		q.Cursor = page.Next
	}
}

func membersWith(w *world) {
	w.declare()
	owner, ada, bob, eve := w.user("owner"), w.user("ada"), w.user("bob"), w.user("eve")
	org := w.owned("Acme", owner)
	w.ownRoles(org.ID)
	m := w.add(org, ada, editor, helper, auditor) // three times over, and once in the list
	w.assign(m, helper, tenancy.RoleDirectory, "g-1")
	w.add(org, bob, rbac.Guest)
	w.add(org, eve, editor)
	w.add(w.org("Other"), bob, auditor)
	w.Equal([]tenancy.UserID{owner.ID, ada.ID, eve.ID}, w.with(org.ID, readDocs, false))
	w.ElementsMatch([]tenancy.UserID{owner.ID, ada.ID, eve.ID}, w.with(org.ID, readDocs, true))
	w.Equal([]tenancy.UserID{owner.ID}, w.with(org.ID, rbac.DeleteOrganization, false))
	w.deactivate(org, eve)
	w.Equal([]tenancy.UserID{owner.ID, ada.ID}, w.with(org.ID, writeDocs, false))
	_, err := w.svc.MembersWith(w.ctx, nowhere, readDocs, tenancy.MemberQuery{})
	w.failed(err, tenancy.ErrNotFound, "")
	_, err = w.svc.MembersWith(w.ctx, org.ID, readDocs, tenancy.MemberQuery{Statuses: allStatuses()})
	w.failed(err, tenancy.ErrInvalid, "query")
}

func scoped(w *world) {
	w.declare()
	org, ada := w.org("Acme"), w.user("ada")
	m := w.add(org, ada, rbac.Guest)
	a := tenancy.RoleAssignment{
		ID: w.config.NewID(), Version: 1, OrganizationID: org.ID, MembershipID: m.ID, UserID: ada.ID, Role: auditor,
		Source: tenancy.RoleManual, Scope: "workspace", Active: true, CreatedAt: w.clock.at,
	}
	w.NoError(w.store.Update(w.ctx, func(rows store.Rows) error { return insertRow(w.ctx, rows, a) }))
	ok, err := w.svc.Can(w.ctx, ada.ID, org.ID, readDocs)
	w.NoError(err)
	w.False(ok)
	w.Empty(w.with(org.ID, readDocs, false))
}
