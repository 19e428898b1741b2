package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
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
	w.Declare()
	n := 0
	for _, org := range []string{"active", "suspended", "archived"} {
		for _, user := range []string{"active", "suspended"} {
			for _, status := range []tenancy.MembershipStatus{"", tenancy.MembershipActive, tenancy.MembershipInactive, tenancy.MembershipPending} {
				n++
				w.each(org+" "+user+" "+string(status), func(w *world) {
					acme, ada := w.Org("Acme"), w.User("ada"+string(rune('a'+n)))
					w.standing(acme, ada, status)
					if user == "suspended" {
						_, err := w.Svc.Users.Suspend(w.Ctx, ada.ID)
						w.NoError(err)
					}
					if org != "active" {
						shut := w.Svc.Organizations.Suspend
						if org == "archived" {
							shut = w.Svc.Organizations.Archive
						}
						_, err := shut(w.Ctx, acme.ID)
						w.NoError(err)
					}
					w.checks(acme.ID, ada.ID, reasonOf(org, user, status))
				})
			}
		}
	}
	acme, ada, into := w.Owned("Acme", w.User("owner")), w.User("merged"), w.User("into")
	_, err := w.merge(ada, into)
	w.NoError(err)
	w.checks(acme.ID, ada.ID, tenancy.ReasonNoUser)
	w.checks(acme.ID, servicetest.Nobody, tenancy.ReasonNoUser)
	w.checks(acme.ID, tenancy.UserID{}, tenancy.ReasonNoUser)
	w.checks(servicetest.Nowhere, into.ID, tenancy.ReasonNoOrganization)
	w.checks(tenancy.OrganizationID{}, into.ID, tenancy.ReasonNoOrganization)
}

// standing gives a user a membership of a status, or none.
func (w *world) standing(org tenancy.Organization, user tenancy.User, status tenancy.MembershipStatus) {
	w.T.Helper()
	switch status {
	case tenancy.MembershipPending:
		w.pend(org, user)
	case tenancy.MembershipActive, tenancy.MembershipInactive:
		w.Add(org, user, servicetest.Auditor)
		if status == tenancy.MembershipInactive {
			w.Deactivate(org, user)
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
	w.T.Helper()
	granted := reason == tenancy.ReasonGranted
	code := map[tenancy.Reason]tenancy.Code{
		tenancy.ReasonGranted: "", tenancy.ReasonOrganizationSuspended: tenancy.ErrForbidden, tenancy.ReasonUserSuspended: tenancy.ErrForbidden,
	}
	want, ok := code[reason]
	if !ok {
		want = tenancy.ErrNotFound
	}
	plain := w.Another(func(c *tenancy.Config) { c.Store = tablesOnly{w.Store} })
	for range 2 {
		can, err := w.Svc.Can(w.Ctx, user, org, servicetest.ReadDocs)
		w.NoError(err)
		w.Equal(granted, can)
		other, err := w.Svc.Can(w.Ctx, user, org, servicetest.WriteDocs)
		w.NoError(err)
		w.False(other)
		err = w.Svc.Check(w.Ctx, user, org, servicetest.ReadDocs)
		w.Equal(want, tenancy.CodeOf(err), "%v", err)
		if want == tenancy.ErrForbidden {
			w.Equal(string(reason), w.Failed(err, want, "").Reason)
		}
		why := w.bothWays(w.Ctx, w.Svc, plain, org, user)
		w.Equal(granted, why.Allowed)
		w.Equal(reason, why.Reason)
		list, err := w.Svc.Permissions.Of(w.Ctx, user, org)
		w.NoError(err)
		if granted {
			w.Equal([]rbac.Permission{servicetest.ReadDocs}, list)
		} else {
			w.Empty(list)
			w.Empty(why.Roles)
		}
	}
}

func explains(w *world) {
	w.Declare()
	org, ada := w.Org("Acme"), w.User("ada")
	w.OwnRoles(org.ID)
	w.Add(org, ada, servicetest.Editor, rbac.Guest)
	explain := func(p rbac.Permission) tenancy.Explanation {
		why, err := w.Svc.Explain(w.Ctx, ada.ID, org.ID, p)
		w.NoError(err)
		return why
	}
	roles := []string{rbac.Guest, servicetest.Editor}
	w.Equal(tenancy.Explanation{Allowed: true, Reason: tenancy.ReasonGranted, Roles: roles, Role: servicetest.Editor, Grant: "documents:write"}, explain(servicetest.WriteDocs))
	w.Equal(tenancy.Explanation{
		Allowed: true, Reason: tenancy.ReasonGranted, Roles: roles, Role: servicetest.Editor, Parents: []string{servicetest.Auditor}, Grant: "documents:read",
	}, explain(servicetest.ReadDocs))
	why := explain(servicetest.Billing)
	w.Equal(tenancy.Explanation{Reason: tenancy.ReasonNotGranted, Roles: roles}, why)
	w.Equal("denied: not_granted", why.String())
	w.Equal(string(tenancy.ReasonNotGranted), w.Failed(w.Svc.Check(w.Ctx, ada.ID, org.ID, servicetest.Billing), tenancy.ErrForbidden, "").Reason)
	w.silent(func() error { explain(servicetest.ReadDocs); return nil })
}

func unions(w *world) {
	w.Declare()
	org, ada := w.Owned("Acme", w.User("owner")), w.User("ada")
	w.Role(org.ID, "org-bills", "", "billing.*")
	m := w.Add(org, ada, servicetest.Auditor, "org-bills")
	of := func(want ...rbac.Permission) {
		w.T.Helper()
		got, err := w.Svc.Permissions.Of(w.Ctx, ada.ID, org.ID)
		w.NoError(err)
		w.ElementsMatch(want, got)
	}
	of(servicetest.ReadDocs, servicetest.Billing)
	w.Assign(m, servicetest.Clerk, tenancy.RoleDirectory, "g-1") // past the Service: seen once something of the member's changes
	_, err := w.Svc.Memberships.SetRoles(w.Ctx, org.ID, ada.ID, servicetest.Auditor)
	w.NoError(err)
	of(servicetest.ReadDocs, servicetest.WriteDocs)
	_, err = w.Svc.Memberships.SetRoles(w.Ctx, org.ID, ada.ID, rbac.Owner)
	w.NoError(err)
	of(append(rbac.Management(), servicetest.ReadDocs, servicetest.WriteDocs, servicetest.Billing)...)
	_, err = w.Svc.Memberships.SetRoles(w.Ctx, org.ID, ada.ID, rbac.Admin)
	w.NoError(err)
	ok, err := w.Svc.Can(w.Ctx, ada.ID, org.ID, rbac.DeleteOrganization)
	w.NoError(err)
	w.False(ok)
}

// with lists who has a permission, in pages of one.
func (w *world) with(org tenancy.OrganizationID, p rbac.Permission, desc bool) []tenancy.UserID {
	w.T.Helper()
	var users []tenancy.UserID
	q := tenancy.MemberQuery{Limit: 1, Descending: desc}
	for {
		page, err := w.Svc.MembersWith(w.Ctx, org, p, q)
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
	w.Declare()
	owner, ada, bob, eve := w.User("owner"), w.User("ada"), w.User("bob"), w.User("eve")
	org := w.Owned("Acme", owner)
	w.OwnRoles(org.ID)
	m := w.Add(org, ada, servicetest.Editor, servicetest.Helper, servicetest.Auditor) // three times over, and once in the list
	w.Assign(m, servicetest.Helper, tenancy.RoleDirectory, "g-1")
	w.Add(org, bob, rbac.Guest)
	w.Add(org, eve, servicetest.Editor)
	w.Add(w.Org("Other"), bob, servicetest.Auditor)
	w.Equal([]tenancy.UserID{owner.ID, ada.ID, eve.ID}, w.with(org.ID, servicetest.ReadDocs, false))
	w.ElementsMatch([]tenancy.UserID{owner.ID, ada.ID, eve.ID}, w.with(org.ID, servicetest.ReadDocs, true))
	w.Equal([]tenancy.UserID{owner.ID}, w.with(org.ID, rbac.DeleteOrganization, false))
	w.Deactivate(org, eve)
	w.Equal([]tenancy.UserID{owner.ID, ada.ID}, w.with(org.ID, servicetest.WriteDocs, false))
	_, err := w.Svc.MembersWith(w.Ctx, servicetest.Nowhere, servicetest.ReadDocs, tenancy.MemberQuery{})
	w.Failed(err, tenancy.ErrNotFound, "")
	_, err = w.Svc.MembersWith(w.Ctx, org.ID, servicetest.ReadDocs, tenancy.MemberQuery{Statuses: allStatuses()})
	w.Failed(err, tenancy.ErrInvalid, "query")
}

func scoped(w *world) {
	w.Declare()
	org, ada := w.Org("Acme"), w.User("ada")
	m := w.Add(org, ada, rbac.Guest)
	a := tenancy.RoleAssignment{
		ID: w.Config.NewID(), Version: 1, OrganizationID: org.ID, MembershipID: m.ID, UserID: ada.ID, Role: servicetest.Auditor,
		Source: tenancy.RoleManual, Scope: "workspace", Active: true, CreatedAt: w.Clock.At,
	}
	w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error { return servicetest.InsertRow(w.Ctx, rows, a) }))
	ok, err := w.Svc.Can(w.Ctx, ada.ID, org.ID, servicetest.ReadDocs)
	w.NoError(err)
	w.False(ok)
	w.Empty(w.with(org.ID, servicetest.ReadDocs, false))
}
