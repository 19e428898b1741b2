package tenancy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Roles is the group of methods on roles.
type Roles struct{ s *Service }

// Permissions is the group of methods on declared permissions.
type Permissions struct{ s *Service }

const maxDescription = 1000

func description(field, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return cleanLabel(field, s, maxDescription)
}

// List returns the permissions that exist, the declared ones and those of the management, by slug.
func (g Permissions) List(ctx context.Context) ([]Permission, error) {
	return read(ctx, g.s, permissionsList, "", func(ctx context.Context, c *call) ([]Permission, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return nil, err
		}
		declared, err := c.roles().declarations(ctx)
		if err != nil {
			return nil, err
		}
		var all []Permission
		for _, p := range declared.registry.Permissions() {
			row := declared.granted[p]
			row.Slug = p
			all = append(all, row)
		}
		slices.SortFunc(all, func(a, b Permission) int { return compareText(a.Slug, b.Slug) })
		return all, nil
	})
}

// Delete removes a declared permission in one transaction (rule R5). It also removes the permission from every
// role that grants it by name.
//
// Errors: [ErrUnknownPermission]; [ErrInvalid] for a management permission.
func (g Permissions) Delete(ctx context.Context, slug rbac.Permission) error {
	return exec(ctx, g.s, permissionsDelete, string(slug), func(ctx context.Context, c *call) error {
		if err := c.lock(ctx, lockRoles()); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		if slug.IsManagement() {
			return invalid("permission", "is a management permission")
		}
		found, err := c.tx.Permissions().List(ctx, permissionFilter{Slug: typed.Of(slug)}, listSpan{Limit: 1})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return &Error{Code: ErrUnknownPermission, Kind: "permission", Key: string(slug)}
		}
		if err := c.roles().ungrant(ctx, slug); err != nil {
			return err
		}
		if err := c.tx.Permissions().Delete(ctx, found[0].ID); err != nil {
			return err
		}
		return c.record(ctx, found[0].event(EventPermissionDeleted))
	})
}

// ungrant removes a permission from every role that grants it by name.
func (rr roleRules) ungrant(ctx context.Context, slug rbac.Permission) error {
	granting := func(r Role) bool { return slices.Contains(r.Grants, slug) }
	var ids []RoleID
	var locks []store.LockKey
	err := walk(ctx, rr.c.tx.Roles(), roleFilter{}, func(r Role) error {
		if granting(r) {
			ids = append(ids, r.ID)
			if !r.OrganizationID.IsZero() {
				locks = append(locks, lockOrganization(r.OrganizationID))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := rr.c.lock(ctx, locks...); err != nil {
		return err
	}
	return walk(ctx, rr.c.tx.Roles(), roleFilter{ID: typed.Of(ids...)}, func(r Role) error {
		before := r
		r.Grants = slices.DeleteFunc(slices.Clone(r.Grants), func(g rbac.Grant) bool { return g == slug })
		return rr.saveRole(ctx, before, &r)
	})
}

// checkRole puts a role's texts into their stored form and checks its grants. The checks of the whole set of
// roles check its relation to other roles.
func (rr roleRules) checkRole(declared *declarations, r *Role) (err error) {
	if err := rbac.CheckSlug(r.Slug); err != nil {
		return rbacError("slug", err)
	}
	if r.Name, err = cleanName("name", r.Name); err != nil {
		return err
	}
	if r.Description, err = description("description", r.Description); err != nil {
		return err
	}
	if r.Priority > maxPriority {
		return invalid("priority", fmt.Sprintf("is over %d", maxPriority))
	}
	slices.Sort(r.Grants)
	r.Grants = slices.Compact(r.Grants)
	if most := rr.c.instance.config.Limits.RoleGrants; len(r.Grants) > most {
		return invalid("grants", fmt.Sprintf("are %d, at most %d", len(r.Grants), most))
	}
	for _, grant := range r.Grants {
		if err := declared.registry.CheckGrant(grant); err != nil {
			return rbacError("grants", err)
		}
	}
	return nil
}

// saveRole saves a role that is new, or that differs from before.
func (rr roleRules) saveRole(ctx context.Context, before Role, r *Role) error {
	if !before.ID.IsZero() {
		return save(ctx, rr.c, rr.c.tx.Roles().Update, before, r, EventRoleUpdated)
	}
	if err := put(ctx, rr.c, rr.c.tx.Roles().Insert, r); err != nil {
		return err
	}
	return rr.c.record(ctx, r.event(EventRoleCreated))
}

// stillSound refuses a change of application roles that would break some organization's own roles: too many
// parents above them, or a cycle. moved are the roles whose parent changes. It looks only at organizations
// whose roles extend one of them, directly or through another declared role.
func (rr roleRules) stillSound(ctx context.Context, after *rbac.Roles, moved ...string) error {
	if len(moved) == 0 {
		return nil
	}
	declared, err := rr.declarations(ctx)
	if err != nil {
		return err
	}
	affected := moved
	for i := 0; i < len(affected); i++ {
		for slug, r := range declared.rows {
			if r.Extends == affected[i] && !slices.Contains(affected, slug) {
				affected = append(affected, slug)
			}
		}
	}
	scopes := map[string]bool{}
	err = walk(ctx, rr.c.tx.Roles(), roleFilter{Extends: typed.Of(affected...)}, func(r Role) error {
		if !r.OrganizationID.IsZero() {
			scopes[r.OrganizationID.String()] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(scopes)), changeStep) {
		own := map[OrganizationID][]rbac.Role{}
		err := walk(ctx, rr.c.tx.Roles(), roleFilter{Scope: typed.Of(some...)}, func(r Role) error {
			own[r.OrganizationID] = append(own[r.OrganizationID], r.value())
			return nil
		})
		if err != nil {
			return err
		}
		for _, roles := range own {
			if _, err := after.With(roles...); err != nil {
				return rbacError("roles", err)
			}
		}
	}
	return nil
}

// stillAutomatic refuses a change of application roles after which an automatic role could manage the
// organization (rule R3). It checks only the roles that could not before: the others are nobody's default.
func (rr roleRules) stillAutomatic(ctx context.Context, before, after *rbac.Roles) error {
	refuse := func(slug string) error {
		return invalid("grants", "role "+slug+" is a default, and may not manage the organization")
	}
	harmful, err := rr.harmful(ctx, after)
	if err != nil {
		return err
	}
	for _, slug := range harmful {
		if slug == rr.c.instance.config.DefaultRole {
			return refuse(slug)
		}
		if grants, err := before.Grants(slug); err == nil && grants.CheckAutomatic() != nil {
			continue
		}
		used, err := rr.isAutomatic(ctx, slug)
		if err != nil {
			return err
		}
		if used {
			return refuse(slug)
		}
		if err := rr.childrenAutomatic(ctx, slug, refuse); err != nil {
			return err
		}
	}
	return nil
}

// harmful returns the declared roles that nobody may get by default.
func (rr roleRules) harmful(ctx context.Context, roles *rbac.Roles) ([]string, error) {
	declared, err := rr.declarations(ctx)
	if err != nil {
		return nil, err
	}
	var slugs []string
	for slug := range declared.rows {
		grants, err := roles.Grants(slug)
		if err != nil {
			return nil, rbacError("roles", err)
		}
		if grants.CheckAutomatic() != nil {
			slugs = append(slugs, slug)
		}
	}
	slices.Sort(slugs)
	return slugs, nil
}

// childrenAutomatic looks for organizations' own roles that extend a role, directly or through others, and are
// automatic there.
func (rr roleRules) childrenAutomatic(ctx context.Context, parent string, refuse func(string) error) error {
	return walk(ctx, rr.c.tx.Roles(), roleFilter{Extends: typed.Of(parent)}, func(r Role) error {
		if r.OrganizationID.IsZero() {
			return nil
		}
		org, err := rr.c.tx.Organizations().Get(ctx, r.OrganizationID)
		if err != nil {
			return err
		}
		automatic, err := rr.automaticRoles(ctx, org)
		if err != nil {
			return err
		}
		for _, slug := range automatic {
			if !rbac.IsOrganizationSlug(slug) {
				continue
			}
			if err := rr.automatic(ctx, org.ID, "grants", slug); err != nil {
				if CodeOf(err) != ErrInvalid {
					return err
				}
				return refuse(slug)
			}
		}
		return nil
	})
}
