package rules

import (
	"sync"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// oneRole: what a domain gives stays the domain's, however roles are added and taken.
func oneRole(w *world) {
	w.Declare()
	org, ada := w.Org("Acme"), w.User("ada")
	w.OwnRoles(org.ID)
	m := w.Add(org, ada, rbac.Guest)
	w.Assign(m, servicetest.Auditor, tenancy.RoleDomain, "d-1")
	add := func(slug string) (tenancy.Member, error) {
		return w.Svc.Memberships.AddRole(w.Ctx, org.ID, ada.ID, slug)
	}
	remove := func(slug string) (tenancy.Member, error) {
		return w.Svc.Memberships.RemoveRole(w.Ctx, org.ID, ada.ID, slug)
	}
	sources := func() map[string][]tenancy.RoleSource {
		found := map[string][]tenancy.RoleSource{}
		for _, a := range w.Member(org, ada).Assignments {
			found[a.Role] = append(found[a.Role], a.Source)
		}
		return found
	}
	w.emits(func() error { _, err := add(servicetest.Editor); return err }, some(tenancy.EventMembershipRolesChanged))
	w.Equal(map[string][]tenancy.RoleSource{
		rbac.Guest: {tenancy.RoleManual}, servicetest.Auditor: {tenancy.RoleDomain}, servicetest.Editor: {tenancy.RoleManual},
	}, sources())
	w.silent(func() error { _, err := add(servicetest.Editor); return err })
	w.silent(func() error { _, err := remove(servicetest.Auditor); return err }) // nobody chose it
	got, err := remove(rbac.Guest)
	w.NoError(err)
	w.Equal([]string{servicetest.Auditor, servicetest.Editor}, got.Roles)
	w.Len(got.Kept(), 1)
	w.Equal(servicetest.Auditor, got.Kept()[0].Role)
	_, err = remove(servicetest.Editor)
	w.NoError(err)
	w.Equal(map[string][]tenancy.RoleSource{servicetest.Auditor: {tenancy.RoleDomain}}, sources())
	_, err = add(servicetest.Auditor) // from both, then from the domain again
	w.NoError(err)
	w.Len(sources()[servicetest.Auditor], 2)
	_, err = remove(servicetest.Auditor)
	w.NoError(err)
	w.Equal(map[string][]tenancy.RoleSource{servicetest.Auditor: {tenancy.RoleDomain}}, sources())
	w.refuses(tenancy.ErrUnknownRole, "roles", func() error { _, err := add("king"); return err })

	bob := w.User("bob")
	w.Add(org, bob, rbac.Owner, rbac.Guest)
	w.refuses(tenancy.ErrLastOwner, "", func() error {
		_, err := w.Svc.Memberships.RemoveRole(w.Ctx, org.ID, bob.ID, rbac.Owner)
		return err
	})
	w.NoError(w.Svc.Memberships.Remove(w.Ctx, org.ID, ada.ID))
	w.Add(org, ada, rbac.Owner)
	_, err = w.Svc.Memberships.RemoveRole(w.Ctx, org.ID, bob.ID, rbac.Owner)
	w.NoError(err)
	w.refuses(tenancy.ErrInvalid, "roles", func() error {
		_, err := w.Svc.Memberships.RemoveRole(w.Ctx, org.ID, bob.ID, rbac.Guest)
		return err
	})
}

// rolesAtOnce: who adds a role does not undo what another adds meanwhile.
func rolesAtOnce(w *world) {
	w.Declare()
	org, ada := w.Org("Acme"), w.User("ada")
	w.OwnRoles(org.ID)
	w.Add(org, ada, rbac.Guest)
	roles := []string{rbac.Member, rbac.Admin, servicetest.Editor, servicetest.Helper, servicetest.Auditor, servicetest.Clerk}
	failed := make([]error, len(roles))
	var all sync.WaitGroup
	for i, slug := range roles {
		all.Go(func() { _, failed[i] = w.Svc.Memberships.AddRole(w.Ctx, org.ID, ada.ID, slug) })
	}
	all.Wait()
	for _, err := range failed {
		w.NoError(err)
	}
	w.ElementsMatch(append(roles, rbac.Guest), w.Member(org, ada).Roles)
	for i, slug := range roles {
		all.Go(func() { _, failed[i] = w.Svc.Memberships.RemoveRole(w.Ctx, org.ID, ada.ID, slug) })
	}
	all.Wait()
	w.Equal([]string{rbac.Guest}, w.Member(org, ada).Roles)
}

func declaredBehind(w *world) {
	w.NoError(w.Svc.Declare(w.Ctx, 1, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "zoo"}, {Slug: "ant"}, {Slug: "first"}}}))
	org, ada := w.Org("Acme"), w.User("ada")
	w.Role(org.ID, "org-own", "")
	m := w.Add(org, ada, "org-own", "ant", "zoo", rbac.Guest, rbac.Owner, "first")
	w.Equal([]string{rbac.Owner, rbac.Guest, "zoo", "ant", "first", "org-own"}, m.Roles)
}
