package tenancy

import (
	"cmp"
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

// PermissionDeclaration is a permission as the host declares it.
type PermissionDeclaration struct {
	Slug        rbac.Permission // rule R1
	Description string          // at most 1000 characters
}

const maxDescription = 1000

func description(field, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return cleanLabel(field, s, maxDescription)
}

// Declare makes permissions known, at every start of the program (rules R1, R2). It
// adds and changes, and deletes nothing; what is there already it leaves alone. A
// declaration of a revision lower than the last one's changes nothing, so that an
// old program beside a new one undoes nothing.
//
// Errors: [ErrInvalid], also for the reserved tenancy:.
func (g Permissions) Declare(ctx context.Context, revision int64, declared ...PermissionDeclaration) error {
	return exec(ctx, g.s, permissionsDeclare, "", func(ctx context.Context, c *call) error {
		if err := c.lock(ctx, lockRoles()); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		decls, err := c.roles().declarations(ctx)
		if err != nil || revision < decls.revision.permissions {
			return err
		}
		there := maps.Clone(decls.granted)
		named := map[rbac.Permission]bool{}
		for _, d := range declared {
			if named[d.Slug] {
				return invalid("permission", "is declared twice")
			}
			named[d.Slug] = true
			if err := c.roles().declarePermission(ctx, decls.registry, there, revision, d); err != nil {
				return err
			}
		}
		return nil
	})
}

func (rr roleRules) declarePermission(ctx context.Context, registry *rbac.Registry, declared map[rbac.Permission]Permission, revision int64, d PermissionDeclaration) error {
	if _, err := registry.With(d.Slug); err != nil {
		return rbacError("permission", err)
	}
	text, err := description("description", d.Description)
	if err != nil {
		return err
	}
	row, there := declared[d.Slug]
	if !there {
		row = Permission{
			ID: rr.c.instance.config.NewID(), Version: 1, Slug: d.Slug, Description: text, Revision: revision, CreatedAt: rr.c.now, UpdatedAt: rr.c.now,
		}
		declared[d.Slug] = row
		if err := rr.c.tx.Permissions().Insert(ctx, row); err != nil {
			return err
		}
		return rr.c.record(ctx, row.event(EventPermissionCreated))
	}
	before := row
	row.Description, row.Revision = text, revision
	return save(ctx, rr.c, rr.c.tx.Permissions().Update, before, &row, EventPermissionUpdated)
}

// List gives the permissions that there are, the host's and the management ones, by
// slug.
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

// Delete makes a permission unknown again and takes it, where it was granted by name,
// out of every role (rule R5), in one transaction.
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

// ungrant takes a permission out of every role that grants it by name.
func (rr roleRules) ungrant(ctx context.Context, slug rbac.Permission) error {
	granting := func(r Role) bool { return slices.Contains(r.Grants, rbac.Grant(slug)) }
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
		r.Grants = slices.DeleteFunc(slices.Clone(r.Grants), func(g rbac.Grant) bool { return g == rbac.Grant(slug) })
		return rr.saveRole(ctx, before, &r)
	})
}

// Declare makes application roles known, at every start of the program (rule R2). It
// adds and changes, and deletes nothing; what is there already it leaves alone. A
// declaration of a revision lower than the last one's changes nothing. Of the
// built-in roles, member and guest may be declared to give them grants; owner and
// admin are what they are, and priorities of built-in roles stay. A role without a
// priority stands behind the built-in ones, in the order of the declaration.
//
// Errors: [ErrInvalid] with the field ("slug", "name", "grants", "extends", ...), also
// for a slug that begins with org-, a cycle, and more than 8 parents;
// [ErrUnknownPermission]; [ErrUnknownRole] for a parent. A role that people get
// without anyone choosing it may not manage anything: [ErrInvalid] with "grants"
// (rule R3).
func (g Roles) Declare(ctx context.Context, revision int64, declared ...rbac.Role) error {
	return exec(ctx, g.s, rolesDeclare, "", func(ctx context.Context, c *call) error {
		if err := c.lock(ctx, lockRoles()); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		decls, err := c.roles().declarations(ctx)
		if err != nil || revision < decls.revision.roles {
			return err
		}
		rows := make([]Role, len(declared))
		values := make([]rbac.Role, len(declared))
		for i, d := range declared {
			if d.Priority == 0 {
				d.Priority = min(declaredPriority+i, ownPriority-1)
			}
			if rows[i], err = c.roles().declared(decls, revision, d); err != nil {
				return err
			}
			values[i] = rows[i].value()
		}
		after, err := decls.roles.With(values...)
		if err != nil {
			return rbacError("roles", err)
		}
		n := len(decls.rows)
		var moved []string
		for _, row := range rows {
			before, there := decls.rows[row.Slug]
			if !there {
				n++
			}
			if before.Extends != row.Extends {
				moved = append(moved, row.Slug)
			}
			if err := c.roles().saveRole(ctx, before, &row); err != nil {
				return err
			}
		}
		if n > c.instance.config.Limits.Roles {
			return invalid("roles", fmt.Sprintf("would be %d, at most %d", n, c.instance.config.Limits.Roles))
		}
		c.declarations = nil
		if err := c.roles().stillSound(ctx, after, moved...); err != nil {
			return err
		}
		return c.roles().stillAutomatic(ctx, decls.roles, after)
	})
}

// declared checks one role of a declaration and gives its row.
func (rr roleRules) declared(declared *declarations, revision int64, d rbac.Role) (Role, error) {
	if rbac.IsOrganizationSlug(d.Slug) {
		return Role{}, invalid("slug", "begins with org-, as an organization's own roles do")
	}
	if d.Slug == rbac.Owner || d.Slug == rbac.Admin {
		return Role{}, invalid("slug", "is a role that cannot be declared")
	}
	row, there := declared.rows[d.Slug]
	if !there {
		row = Role{ID: rr.c.instance.config.NewID(), CreatedAt: rr.c.now}
	}
	if known, ok := builtin.Get(d.Slug); ok {
		d.Priority = known.Priority
		d.Name = cmp.Or(d.Name, known.Name)
	}
	row.Slug, row.Extends, row.Grants, row.Priority, row.Revision = d.Slug, d.Extends, slices.Clone(d.Grants), d.Priority, revision
	row.Name, row.Description = cmp.Or(d.Name, d.Slug), d.Description
	if err := rr.checkRole(declared, &row); err != nil {
		return Role{}, err
	}
	return row, nil
}

// checkRole puts a role's texts into their stored form and checks its grants; how it
// stands to other roles is checked with them.
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

// saveRole keeps a role that is new, or differs from before.
func (rr roleRules) saveRole(ctx context.Context, before Role, r *Role) error {
	if !before.ID.IsZero() {
		return save(ctx, rr.c, rr.c.tx.Roles().Update, before, r, EventRoleUpdated)
	}
	if err := put(ctx, rr.c, rr.c.tx.Roles().Insert, r); err != nil {
		return err
	}
	return rr.c.record(ctx, r.event(EventRoleCreated))
}

// stillSound refuses a change of application roles with which some organization's own
// roles cannot stand: too many parents above them, or a cycle. moved are the roles with
// another parent than before. It looks at those organizations alone whose roles extend one of
// them, or a declared role that does.
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

// stillAutomatic refuses a change of application roles by which a role that people
// get without anyone choosing it could manage something (rule R3). Only roles that
// were harmless before are looked at: the others are nobody's default.
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

// harmful are the declared roles that nobody may get by default.
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

// childrenAutomatic looks at the organizations' own roles that extend a role, or extend
// one that does, and are a default there.
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
