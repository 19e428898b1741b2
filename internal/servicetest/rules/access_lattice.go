package rules

import (
	"fmt"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// latticeGrants are what random roles are made of.
var latticeGrants = []rbac.Grant{
	"*", "documents:*", "documents:read", "documents:write", "billing.see", "tenancy:*", "tenancy:members:*", "tenancy:members:write",
	"tenancy:roles:write", "tenancy:roles:write", "tenancy:members:write", "tenancy:organization:update",
}

// random is an organization with random roles of its own, whose members do random
// things to each other.
type random struct {
	*world
	draw    *rapid.T
	org     tenancy.OrganizationID
	users   []tenancy.UserID
	slugs   []string
	initial map[tenancy.UserID]rbac.Grants
	owners  map[tenancy.UserID]bool
	acted   rbac.Grants // the union of those who acted, as they began
	crowned bool        // an owner acted
}

// lattice: no sequence of allowed calls raises anyone's set above the union of those
// who acted, and without an owner nobody becomes one or ceases to be.
func lattice(w *world) {
	w.Declare()
	runs := 0
	rapid.Check(w.T, func(t *rapid.T) {
		if runs++; w.leaves(8, fmt.Sprint(runs)) {
			return
		}
		sub := *w.World
		sub.Assertions = require.New(t)
		r := newRandom(&world{&sub}, t, runs)
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			r.step()
			r.holds()
		}
	})
}

func newRandom(w *world, t *rapid.T, run int) *random {
	r := &random{world: w, draw: t, slugs: []string{rbac.Owner, rbac.Admin, rbac.Member}}
	acme := w.Owned("Acme", w.User(fmt.Sprintf("first%d", run)))
	r.org = acme.ID
	for i := range 3 {
		slug := fmt.Sprintf("org-%d", i)
		_, err := w.Svc.Roles.Create(w.Ctx, r.org, tenancy.NewRole{
			Slug: slug, Grants: r.grants("grants"), Extends: rapid.SampledFrom(append([]string{"", ""}, r.slugs...)).Draw(t, "parent"),
		})
		w.NoError(err)
		r.slugs = append(r.slugs, slug)
	}
	for i := range 4 {
		user := w.User(fmt.Sprintf("user%d-%d", run, i))
		w.Add(acme, user, r.roles(1, "roles")...)
		r.users = append(r.users, user.ID)
	}
	r.initial, r.owners = r.sets()
	return r
}

func (r *random) grants(label string) []rbac.Grant {
	return rapid.SliceOfN(rapid.SampledFrom(latticeGrants), 0, 3).Draw(r.draw, label)
}

func (r *random) roles(least int, label string) []string {
	return rapid.SliceOfN(rapid.SampledFrom(r.slugs), least, 2).Draw(r.draw, label)
}

// sets gives what each member has, also those who are inactive, and who owns.
func (r *random) sets() (map[tenancy.UserID]rbac.Grants, map[tenancy.UserID]bool) {
	list, err := r.Svc.Roles.List(r.Ctx, r.org)
	r.NoError(err)
	var values []rbac.Role
	for _, role := range list {
		values = append(values, rbac.Role{Slug: role.Slug, Extends: role.Extends, Grants: role.Grants})
	}
	roles, err := rbac.NewRoles(rbac.MaxDepth, values...)
	r.NoError(err)
	sets, owners := map[tenancy.UserID]rbac.Grants{}, map[tenancy.UserID]bool{}
	for m, err := range r.Svc.Memberships.All(r.Ctx, r.org, tenancy.MemberQuery{Statuses: allStatuses()}) {
		r.NoError(err)
		sets[m.UserID], err = roles.Grants(m.Roles...)
		r.NoError(err)
		for _, slug := range m.Roles {
			owners[m.UserID] = owners[m.UserID] || slug == rbac.Owner
		}
	}
	return sets, owners
}

// step has somebody do something; what is refused changes nothing.
func (r *random) step() {
	actor := rapid.SampledFrom(r.users).Draw(r.draw, "actor")
	target := rapid.SampledFrom(r.users).Draw(r.draw, "target")
	slug := rapid.SampledFrom(r.slugs).Draw(r.draw, "slug")
	other := rapid.SampledFrom(append([]string{""}, r.slugs...)).Draw(r.draw, "other")
	s := r.Svc.As(tenancy.UserPrincipal(actor))
	var err error
	switch rapid.IntRange(0, 11).Draw(r.draw, "operation") {
	case 0, 1, 2:
		_, err = s.Memberships.SetRoles(r.Ctx, r.org, target, r.roles(1, "roles")...)
	case 3, 4:
		_, err = s.Roles.Update(r.Ctx, r.org, slug, tenancy.RoleUpdate{Add: r.grants("add"), Remove: r.grants("remove"), Extends: &other})
	case 5:
		_, err = s.Roles.Create(r.Ctx, r.org, tenancy.NewRole{Slug: "org-new", Extends: other, Grants: r.grants("grants")})
	case 6:
		err = s.Roles.Delete(r.Ctx, r.org, slug, other)
	case 7:
		_, err = s.Memberships.Deactivate(r.Ctx, r.org, target)
	case 8:
		_, err = s.Memberships.Reactivate(r.Ctx, r.org, target)
	case 9:
		err = s.Memberships.TransferOwnership(r.Ctx, r.org, actor, target, other)
	case 10:
		_, err = s.Memberships.AddRole(r.Ctx, r.org, target, slug)
	case 11:
		_, err = s.Memberships.RemoveRole(r.Ctx, r.org, target, slug)
	}
	r.NotEqual(tenancy.ErrInternal, tenancy.CodeOf(err))
	if err == nil {
		r.acted = r.acted.Union(r.initial[actor])
		r.crowned = r.crowned || r.owners[actor]
	}
}

func (r *random) holds() {
	sets, owners := r.sets()
	for user, now := range sets {
		top := r.initial[user].Union(r.acted)
		r.True(top.Covers(now), "%s has %v, above %v", user, now.All(), top.All())
	}
	if !r.crowned {
		r.Equal(r.owners, owners)
	}
}
