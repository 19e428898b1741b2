package rules

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func ceilingRules() []rule {
	return []rule{
		{"R6 the ceiling: actor, target now, target then, operation", on(ceiling)},
		{"R6 the ceiling over random roles", on(lattice)},
		{"R6 nobody raises themselves", on(raiseOneself)},
		{"R6 M10 a role that another source gives too", on(ceilingOfSources)},
	}
}

// tower is an organization with a member of each of its roles, and what each role
// gives, reckoned by package rbac alone.
type tower struct {
	*world
	acme   tenancy.Organization
	slugs  []string
	people map[string]tenancy.UserID // by role
	target tenancy.User
	roles  *rbac.Roles
}

const (
	shadow  = "org-shadow"  // grants what an owner has
	manager = "org-manager" // manages members and roles, reads documents
	plain   = "org-plain"   // extends whatever the case says
)

func newTower(w *world) *tower {
	w.T.Helper()
	w.Declare()
	tw := &tower{world: w, people: map[string]tenancy.UserID{}, target: w.User("target")}
	first := w.User("first")
	tw.acme = w.Owned("Acme", first)
	own := []rbac.Role{
		{Slug: shadow, Grants: []rbac.Grant{"*", "tenancy:*"}},
		{Slug: manager, Grants: []rbac.Grant{"tenancy:members:write", "tenancy:roles:write", "tenancy:organization:update", "documents:read"}},
		{Slug: servicetest.Helper, Grants: []rbac.Grant{"documents:read"}},
	}
	tw.slugs = []string{rbac.Owner, rbac.Admin, rbac.Member, rbac.Guest}
	for _, r := range own {
		w.Role(tw.acme.ID, r.Slug, r.Extends, r.Grants...)
		tw.slugs = append(tw.slugs, r.Slug)
	}
	var err error
	tw.roles, err = rbac.NewRoles(rbac.MaxDepth, append(rbac.Builtin(), own...)...)
	w.NoError(err)
	for i, slug := range tw.slugs {
		user := w.User("holder" + string(rune('a'+i)))
		w.Add(tw.acme, user, slug)
		tw.people[slug] = user.ID
	}
	w.Add(tw.acme, tw.target, rbac.Guest)
	return tw
}

// has reports whether the holder of a role has a permission.
func (tw *tower) has(actor string, p rbac.Permission) bool {
	return slices.ContainsFunc(tw.grants(actor).All(), func(g rbac.Grant) bool { return g.Covers(p) })
}

func (tw *tower) grants(slugs ...string) rbac.Grants {
	g, err := tw.roles.Grants(slugs...)
	tw.NoError(err)
	return g
}

// covers is the ceiling for roles that are given, taken or held: only owners touch
// owners.
func (tw *tower) covers(actor string, slugs ...string) bool {
	return tw.grants(actor).Covers(tw.grants(slugs...)) && (actor == rbac.Owner || !slices.Contains(slugs, rbac.Owner))
}

// gives is the ceiling for what a role grants.
func (tw *tower) gives(actor string, slugs ...string) bool {
	return tw.grants(actor).Covers(tw.grants(slugs...))
}

// ceilingCase is an operation that the ceiling is about: from now to then.
type ceilingCase struct {
	name  string
	once  bool // then is of no matter
	setup func(ctx context.Context, host *tenancy.Service, now string) error
	call  func(ctx context.Context, s *tenancy.Service, actor, now, then string) error
	may   func(actor, now, then string) bool
}

func ceiling(w *world) {
	tw := newTower(w)
	before := w.Dump()
	for _, op := range append(tw.memberOperations(), tw.roleOperations()...) {
		w.each(op.name, func(w *world) {
			for _, actor := range tw.slugs {
				for _, now := range tw.slugs {
					for _, then := range tw.slugs {
						if (!op.once || then == now) && !w.leaves(8, op.name, actor, now, then) {
							tw.under(w).try(op, actor, now, then)
						}
					}
				}
			}
			w.Equal(before, w.Dump())
		})
	}
}

func (tw *tower) under(w *world) *tower {
	sub := *tw
	sub.world = w
	return &sub
}

func (tw *tower) try(op ceilingCase, actor, now, then string) {
	tw.T.Helper()
	err := tw.Svc.Transact(tw.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
		tw.NoError(op.setup(ctx, tx, now))
		err := op.call(ctx, tx.As(tenancy.UserPrincipal(tw.people[actor])), actor, now, then)
		if op.may(actor, now, then) {
			tw.NoError(err, "%s by %s: %s to %s", op.name, actor, now, then)
		} else {
			tw.Equal(tenancy.ErrForbidden, tenancy.CodeOf(err), "%s by %s: %s to %s: %v", op.name, actor, now, then, err)
		}
		return servicetest.ErrStop
	})
	tw.Equal(servicetest.ErrStop, err)
}

func (tw *tower) memberOperations() []ceilingCase {
	org, target := tw.acme.ID, tw.target.ID
	holding := func(ctx context.Context, host *tenancy.Service, now string) error {
		_, err := host.Memberships.SetRoles(ctx, org, target, now)
		return err
	}
	resting := func(ctx context.Context, host *tenancy.Service, now string) error {
		if err := holding(ctx, host, now); err != nil {
			return err
		}
		_, err := host.Memberships.Deactivate(ctx, org, target)
		return err
	}
	touch := func(actor, now, _ string) bool { return tw.has(actor, rbac.WriteMembers) && tw.covers(actor, now) }
	on := func(name string, setup func(context.Context, *tenancy.Service, string) error, call func(ctx context.Context, s *tenancy.Service) error) ceilingCase {
		return ceilingCase{name: name, once: true, setup: setup, may: touch, call: func(ctx context.Context, s *tenancy.Service, _, _, _ string) error {
			return call(ctx, s)
		}}
	}
	return []ceilingCase{
		{
			name: "SetRoles", setup: holding,
			call: func(ctx context.Context, s *tenancy.Service, _, _, then string) error {
				_, err := s.Memberships.SetRoles(ctx, org, target, then)
				return err
			},
			may: func(actor, now, then string) bool { return touch(actor, now, then) && tw.covers(actor, then) },
		},
		{
			name: "AddRole", setup: holding,
			call: func(ctx context.Context, s *tenancy.Service, _, _, then string) error {
				_, err := s.Memberships.AddRole(ctx, org, target, then)
				return err
			},
			may: func(actor, now, then string) bool { return touch(actor, now, then) && tw.covers(actor, then) },
		},
		{
			name: "RemoveRole", once: true, may: touch,
			setup: func(ctx context.Context, host *tenancy.Service, now string) error {
				if err := holding(ctx, host, now); err != nil {
					return err
				}
				_, err := host.Memberships.AddRole(ctx, org, target, harmlessBeside(now))
				return err
			},
			call: func(ctx context.Context, s *tenancy.Service, _, now, _ string) error {
				_, err := s.Memberships.RemoveRole(ctx, org, target, now)
				return err
			},
		},
		on("Deactivate", holding, func(ctx context.Context, s *tenancy.Service) error {
			_, err := s.Memberships.Deactivate(ctx, org, target)
			return err
		}),
		on("Reactivate", resting, func(ctx context.Context, s *tenancy.Service) error {
			_, err := s.Memberships.Reactivate(ctx, org, target)
			return err
		}),
		on("Remove", holding, func(ctx context.Context, s *tenancy.Service) error { return s.Memberships.Remove(ctx, org, target) }),
		on("Update", holding, func(ctx context.Context, s *tenancy.Service) error {
			_, err := s.Memberships.Update(ctx, org, target, tenancy.MembershipUpdate{DisplayName: servicetest.Ptr("Renamed")})
			return err
		}),
		{
			name: "TransferOwnership", setup: holding,
			call: func(ctx context.Context, s *tenancy.Service, actor, _, then string) error {
				if then == rbac.Owner {
					then = ""
				}
				err := s.Memberships.TransferOwnership(ctx, org, tw.people[actor], target, then)
				if tenancy.CodeOf(err) == tenancy.ErrInvalid { // the shadow of an owner is none (M8)
					return tenancy.ErrForbidden
				}
				return err
			},
			may: func(actor, _, _ string) bool { return actor == rbac.Owner },
		},
	}
}

// harmlessBeside is a role that gives nothing, and another than the one named.
func harmlessBeside(slug string) string {
	if slug == rbac.Guest {
		return rbac.Member
	}
	return rbac.Guest
}

func (tw *tower) roleOperations() []ceilingCase {
	org := tw.acme.ID
	extending := func(ctx context.Context, host *tenancy.Service, now string) error {
		_, err := host.Roles.Create(ctx, org, tenancy.NewRole{Slug: plain, Extends: now})
		if err == nil {
			_, err = host.Memberships.SetRoles(ctx, org, tw.target.ID, plain)
		}
		return err
	}
	nothing := func(context.Context, *tenancy.Service, string) error { return nil }
	harmless := func(slugs ...string) bool { return tw.grants(slugs...).CheckAutomatic() == nil }
	return []ceilingCase{
		{
			name: "Roles.Create", once: true, setup: nothing,
			call: func(ctx context.Context, s *tenancy.Service, _, now, _ string) error {
				_, err := s.Roles.Create(ctx, org, tenancy.NewRole{Slug: plain, Extends: now})
				return err
			},
			may: func(actor, now, _ string) bool { return tw.has(actor, rbac.WriteRoles) && tw.gives(actor, now) },
		},
		{
			name: "Roles.Update", setup: extending,
			call: func(ctx context.Context, s *tenancy.Service, _, _, then string) error {
				_, err := s.Roles.Update(ctx, org, plain, tenancy.RoleUpdate{Extends: &then, Description: servicetest.Ptr("changed")})
				return err
			},
			may: func(actor, now, then string) bool {
				return tw.has(actor, rbac.WriteRoles) && tw.gives(actor, now, then)
			},
		},
		{
			name: "Roles.Delete", setup: extending,
			call: func(ctx context.Context, s *tenancy.Service, _, _, then string) error {
				return s.Roles.Delete(ctx, org, plain, then)
			},
			may: func(actor, now, then string) bool {
				return tw.has(actor, rbac.WriteRoles) && tw.gives(actor, now) && tw.covers(actor, then)
			},
		},
		{
			name: "default role",
			setup: func(ctx context.Context, host *tenancy.Service, now string) error {
				if !harmless(now) {
					return nil
				}
				_, err := host.Organizations.Update(ctx, org, tenancy.OrganizationUpdate{DefaultRole: &now})
				return err
			},
			call: func(ctx context.Context, s *tenancy.Service, _, _, then string) error {
				_, err := s.Organizations.Update(ctx, org, tenancy.OrganizationUpdate{DefaultRole: &then})
				if tenancy.CodeOf(err) == tenancy.ErrInvalid && !harmless(then) { // R3, whoever asks
					return tenancy.ErrForbidden
				}
				return err
			},
			may: func(actor, now, then string) bool {
				set := harmless(now) && now != then
				return tw.has(actor, rbac.UpdateOrganization) && harmless(then) && tw.covers(actor, then) && (!set || tw.covers(actor, now))
			},
		},
		{
			name: "creator role",
			setup: func(ctx context.Context, host *tenancy.Service, now string) error {
				_, err := host.Organizations.Update(ctx, org, tenancy.OrganizationUpdate{CreatorRole: &now})
				return err
			},
			call: func(ctx context.Context, s *tenancy.Service, _, _, then string) error {
				_, err := s.Organizations.Update(ctx, org, tenancy.OrganizationUpdate{CreatorRole: &then})
				return err
			},
			may: func(actor, now, then string) bool {
				return tw.has(actor, rbac.UpdateOrganization) && (now == then || tw.covers(actor, now, then))
			},
		},
	}
}

func raiseOneself(w *world) {
	tw := newTower(w)
	for _, actor := range tw.slugs {
		s, id := w.Svc.As(tenancy.UserPrincipal(tw.people[actor])), tw.people[actor]
		for _, then := range tw.slugs {
			if tw.covers(actor, then) {
				continue
			}
			w.unchanged(func() {
				_, err := s.Memberships.SetRoles(w.Ctx, tw.acme.ID, id, actor, then)
				w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(err), "%s to %s", actor, then)
				_, err = s.Memberships.AddRole(w.Ctx, tw.acme.ID, id, then)
				w.Equal(tenancy.ErrForbidden, tenancy.CodeOf(err), "%s adds %s", actor, then)
			})
		}
	}
	// By way of a role that one holds.
	s := w.Svc.As(tenancy.UserPrincipal(tw.people[manager]))
	for _, grant := range []rbac.Grant{"*", "documents:*", "documents:write", "tenancy:members:*", "tenancy:events:read"} {
		w.refuses(tenancy.ErrForbidden, "roles", func() error {
			_, err := s.Roles.Update(w.Ctx, tw.acme.ID, manager, tenancy.RoleUpdate{Add: []rbac.Grant{grant}})
			return err
		})
	}
	w.refuses(tenancy.ErrForbidden, "roles", func() error { return s.Roles.Reorder(w.Ctx, tw.acme.ID, shadow, servicetest.Helper, manager) })
	w.NoError(s.Memberships.Leave(w.Ctx, tw.acme.ID, tw.people[manager]))
}

// ceilingOfSources: whoever acts on a member covers what the member has from anywhere.
func ceilingOfSources(w *world) {
	tw := newTower(w)
	m := w.Member(tw.acme, tw.target)
	w.Assign(m, rbac.Owner, tenancy.RoleDirectory, "group")
	admin := w.Svc.As(tenancy.UserPrincipal(tw.people[rbac.Admin]))
	for name, call := range map[string]func() error{
		"SetRoles": func() error {
			_, err := admin.Memberships.SetRoles(w.Ctx, tw.acme.ID, tw.target.ID, rbac.Member)
			return err
		},
		"RemoveRole": func() error {
			_, err := admin.Memberships.RemoveRole(w.Ctx, tw.acme.ID, tw.target.ID, rbac.Member)
			return err
		},
		"Deactivate": func() error { _, err := admin.Memberships.Deactivate(w.Ctx, tw.acme.ID, tw.target.ID); return err },
		"Remove":     func() error { return admin.Memberships.Remove(w.Ctx, tw.acme.ID, tw.target.ID) },
	} {
		w.each(name, func(w *world) { w.refuses(tenancy.ErrForbidden, "roles", call) })
	}
}
