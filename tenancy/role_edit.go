package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// NewRole is the input of [Roles.Create]. A Slug or a Name is required; the other fields may be empty.
type NewRole struct {
	// Slug begins with "org-" and has 1 to 64 of a-z, 0-9, _ and -. It is unique in the organization and never
	// changes (rule R2). "" = Create makes it from the Name: "org-" and the Name's letters and digits without
	// accents, followed by a number if the organization has that slug already.
	Slug        string
	Name        string       // 1 to 200 characters; "" = the slug
	Description string       // at most 1000 characters
	Extends     string       // its one parent
	Grants      []rbac.Grant // at most 500
	Priority    int          // the lowest is first; at least 1000, after the built-in roles; 0 = after all other roles
}

// RoleUpdate is a change to a role. A nil field stays as it is. A pointer to the empty string clears the field.
type RoleUpdate struct {
	Version     int64         // the Version that the change is based on; 0 = any (rule G11)
	Name        *string       // 1 to 200 characters; cannot be cleared
	Description *string       // for people
	Extends     *string       // the slug of the parent; "" = no parent
	Grants      *[]rbac.Grant // replaces the current grants
	Add, Remove []rbac.Grant  // grants to add to, and to remove from, the current ones or Grants
	Priority    *int          // at least 1000
}

// declaredPriority is the first priority of declared roles that have none of their own, after the built-in
// roles.
const declaredPriority = 500

// ownPriority is the lowest priority of organizations' own roles, after the built-in roles.
const ownPriority = 1000

// maxPriority leaves room behind it.
const maxPriority = 1 << 30

func bySlug(a, b Role) int { return cmp.Compare(a.Slug, b.Slug) }

func compareText[S ~string](a, b S) int { return cmp.Compare(a, b) }

// List returns the roles that hold in an organization, its own and the application's, by priority (rule R4).
//
// Errors: [ErrNotFound] for the organization.
func (g Roles) List(ctx context.Context, organization OrganizationID) ([]Role, error) {
	return read(ctx, g.s, rolesList, organization.String(), func(ctx context.Context, c *call) ([]Role, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return nil, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return nil, err
		}
		return c.roles().roleList(ctx, organization)
	})
}

func (rr roleRules) roleList(ctx context.Context, id OrganizationID) ([]Role, error) {
	decls, err := rr.declarations(ctx)
	if err != nil {
		return nil, err
	}
	all, err := rr.ownRoles(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, r := range rbac.Builtin() {
		if r, there := decls.role(r.Slug); there {
			all = append(all, r)
		}
	}
	for slug := range decls.rows {
		if !isBuiltin(slug) {
			r, _ := decls.role(slug)
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b Role) int { return cmp.Or(cmp.Compare(a.Priority, b.Priority), bySlug(a, b)) })
	return all, nil
}

// fromBuiltin makes a Role of a built-in role that has no row.
func fromBuiltin(r rbac.Role) Role {
	return Role{Slug: r.Slug, Name: r.Name, Description: r.Description, Extends: r.Extends, Grants: r.Grants, Priority: r.Priority}
}

// Get returns one role that holds in an organization.
//
// Errors: [ErrNotFound] for the organization; [ErrUnknownRole].
func (g Roles) Get(ctx context.Context, organization OrganizationID, slug string) (Role, error) {
	return read(ctx, g.s, rolesGet, slug, func(ctx context.Context, c *call) (Role, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Role{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return Role{}, err
		}
		return c.roles().role(ctx, organization, slug)
	})
}

// role returns one role that holds in an organization.
func (rr roleRules) role(ctx context.Context, id OrganizationID, slug string) (Role, error) {
	if rbac.IsOrganizationSlug(slug) {
		own, err := rr.storedRoles(ctx, []OrganizationID{id}, []string{slug})
		if err != nil {
			return Role{}, err
		}
		if r, there := own.of(id, slug); there {
			return r, nil
		}
		return Role{}, unknownRole("slug", slug)
	}
	decls, err := rr.declarations(ctx)
	if err != nil {
		return Role{}, err
	}
	if r, there := decls.role(slug); there {
		return r, nil
	}
	return Role{}, unknownRole("slug", slug)
}

// Create makes an organization's own role (rule R2). An actor can give it only permissions that they hold (rule
// R6).
//
// Errors: [ErrInvalid] with the field, also for a cycle, more than 8 parents, more than Limits.Roles roles, and
// more than Limits.RoleText bytes in all of them; [ErrNotFound]; [ErrAlreadyExists] with the field "slug";
// [ErrUnknownPermission]; [ErrUnknownRole] for the parent; [ErrForbidden].
func (g Roles) Create(ctx context.Context, organization OrganizationID, in NewRole) (Role, error) {
	return g.edit(ctx, rolesCreate, organization, in.Slug, func(ctx context.Context, c *call, own []Role) (Role, error) {
		if in.Slug == "" && in.Name != "" {
			in.Slug = slugFor(own, in.Name)
		}
		if !rbac.IsOrganizationSlug(in.Slug) {
			return Role{}, invalid("slug", "does not begin with org-")
		}
		if len(own) >= c.instance.config.Limits.Roles {
			return Role{}, invalid("roles", fmt.Sprintf("are %d already", len(own)))
		}
		role := Role{
			ID: c.instance.config.NewID(), OrganizationID: organization, Slug: in.Slug, Name: cmp.Or(in.Name, in.Slug),
			Description: in.Description, Extends: in.Extends, Grants: slices.Clone(in.Grants), Priority: in.Priority,
			CreatedAt: c.now,
		}
		if role.Priority == 0 {
			role.Priority = ownPriority
			for _, r := range own {
				role.Priority = max(role.Priority, r.Priority+1)
			}
		}
		if err := c.roles().putRole(ctx, own, Role{}, &role); err != nil {
			return Role{}, err
		}
		return role, nil
	})
}

// Update changes an organization's own role. An actor must hold all permissions that the role gave before, and
// all that it gives afterwards (rule R6). A change that alters nothing writes nothing (rule G8).
//
// Errors: as for Create; [ErrUnknownRole]; [ErrConflict]; [ErrInvalid] with the field "slug" for an application
// role, which is declared, and with "grants" where the role is a default and would manage the organization
// (rule R3).
func (g Roles) Update(ctx context.Context, organization OrganizationID, slug string, in RoleUpdate) (Role, error) {
	return g.edit(ctx, rolesUpdate, organization, slug, func(ctx context.Context, c *call, own []Role) (Role, error) {
		before, err := findOwn(own, slug)
		if err != nil {
			return Role{}, err
		}
		if in.Version != 0 && in.Version != before.Version {
			return Role{}, stale(before.ID)
		}
		role := before
		role.Name, role.Description = deref(in.Name, role.Name), deref(in.Description, role.Description)
		role.Extends, role.Priority = deref(in.Extends, role.Extends), deref(in.Priority, role.Priority)
		role.Grants = slices.Clone(deref(in.Grants, role.Grants))
		role.Grants = slices.DeleteFunc(role.Grants, func(grant rbac.Grant) bool { return slices.Contains(in.Remove, grant) })
		role.Grants = append(role.Grants, in.Add...)
		if err := c.access().mayGive(ctx, organization, slug); err != nil {
			return Role{}, err
		}
		if err := c.roles().putRole(ctx, own, before, &role); err != nil {
			return Role{}, err
		}
		return role, nil
	})
}

func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// edit runs a change of an organization's own roles under its lock. It also locks the declared roles, since an
// own role may extend one of them.
func (g Roles) edit(ctx context.Context, method *Method, organization OrganizationID, key string,
	fn func(ctx context.Context, c *call, own []Role) (Role, error),
) (Role, error) {
	return write(ctx, g.s, method, key, func(ctx context.Context, c *call) (Role, error) {
		if err := c.access().mayLock(ctx, scope{organization: organization}); err != nil {
			return Role{}, err
		}
		if err := c.lock(ctx, lockRoles(), lockOrganization(organization)); err != nil {
			return Role{}, err
		}
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Role{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return Role{}, err
		}
		own, err := c.roles().ownRoles(ctx, organization)
		if err != nil {
			return Role{}, err
		}
		return fn(ctx, c, own)
	})
}

func findOwn(own []Role, slug string) (Role, error) {
	if slug != "" && !rbac.IsOrganizationSlug(slug) {
		return Role{}, invalid("slug", "is not a role of the organization's own")
	}
	i := slices.IndexFunc(own, func(r Role) bool { return r.Slug == slug })
	if i < 0 {
		return Role{}, unknownRole("slug", slug)
	}
	return own[i], nil
}

// putRole checks a role against the other roles of its organization and against the actor's own, and saves it.
func (rr roleRules) putRole(ctx context.Context, own []Role, before Role, role *Role) error {
	declared, err := rr.declarations(ctx)
	if err != nil {
		return err
	}
	if err := rr.checkRole(declared, role); err != nil {
		return err
	}
	// A member's first role is their primary one, so it must not come before built-in roles.
	if role.Priority < ownPriority {
		return invalid("priority", fmt.Sprintf("is below %d", ownPriority))
	}
	if role.Extends != before.Extends && declared.leavesOut(role.Extends) {
		return unknownRole("extends", role.Extends)
	}
	values := []rbac.Role{role.value()}
	for _, r := range own {
		if r.Slug != role.Slug {
			values = append(values, r.value())
		} else if before.ID.IsZero() {
			return &Error{Code: ErrAlreadyExists, Kind: "role", Key: role.Slug, Field: "slug"}
		}
	}
	if err := rr.checkText(own, before, *role); err != nil {
		return err
	}
	after, err := declared.roles.With(values...)
	if err != nil {
		return rbacError("extends", err)
	}
	grants, err := after.Grants(role.Slug)
	if err != nil {
		return rbacError("extends", err)
	}
	if err := rr.c.access().mayGrant(ctx, role.OrganizationID, grants); err != nil {
		return err
	}
	org, err := rr.c.tx.Organizations().Get(ctx, role.OrganizationID)
	if err != nil {
		return err
	}
	if err := rr.staysAutomatic(ctx, org, after, descendants(own, role.Slug)...); err != nil {
		return err
	}
	rr.c.held = nil
	return rr.saveRole(ctx, before, role)
}

// checkText refuses a role that makes an organization's own roles exceed the limit on their text (rule G9).
func (rr roleRules) checkText(own []Role, before, role Role) error {
	grows := role.size() - before.size()
	total := grows
	for _, r := range own {
		total += r.size()
	}
	if most := rr.c.instance.config.Limits.RoleText; grows > 0 && total > most {
		return invalid("grants", fmt.Sprintf("and texts of all roles would have %d bytes, at most %d", total, most))
	}
	return nil
}

// reorderStep is how many roles Reorder changes in one transaction. Others wait meanwhile (rule G9).
const reorderStep = 25

// Reorder sorts an organization's own roles in the given order; the first is the highest (rule R4). The list
// must name each of them once.
//
// Reorder changes 25 roles in a transaction, so that others do not wait for long. If it fails after the first
// of several transactions, a part of the roles has changed: call it again. Inside [Service.Transact] it changes
// all or nothing.
//
// Errors: [ErrInvalid] with the field "roles"; [ErrNotFound]; [ErrForbidden].
func (g Roles) Reorder(ctx context.Context, organization OrganizationID, slugs ...string) error {
	for first := 0; first == 0 || first < len(slugs); first += reorderStep {
		err := exec(ctx, g.s, rolesReorder, organization.String(), func(ctx context.Context, c *call) error {
			return c.roles().reorder(ctx, organization, slugs, first)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// reorder does one step of Reorder, beginning with the role at first. The first step looks at all roles. It
// does not lock the declared roles, because it gives and extends nothing.
func (rr roleRules) reorder(ctx context.Context, organization OrganizationID, slugs []string, first int) error {
	if err := rr.c.access().mayLock(ctx, scope{organization: organization}); err != nil {
		return err
	}
	if err := rr.c.lock(ctx, lockOrganization(organization)); err != nil {
		return err
	}
	if err := rr.c.access().authorize(ctx, scope{organization: organization}); err != nil {
		return err
	}
	if _, err := rr.c.tx.Organizations().Get(ctx, organization); err != nil {
		return err
	}
	step := slugs[first:min(first+reorderStep, len(slugs))]
	filter, named := roleFilter{Scope: typed.Of(organization.String())}, slugs
	if first > 0 {
		filter.Slug, named = typed.Of(step...), step
	}
	own, err := collect(ctx, rr.c.tx.Roles(), filter)
	if err != nil {
		return err
	}
	slices.SortFunc(own, bySlug)
	if !slices.EqualFunc(own, slices.Sorted(slices.Values(named)), func(r Role, slug string) bool { return r.Slug == slug }) {
		return invalid("roles", "are not all roles of the organization's own, each once")
	}
	if err := rr.c.access().mayGive(ctx, organization, named...); err != nil {
		return err
	}
	for _, before := range own {
		at := slices.Index(step, before.Slug)
		if at < 0 {
			continue
		}
		role := before
		role.Priority = ownPriority + first + at
		if err := rr.saveRole(ctx, before, &role); err != nil {
			return err
		}
	}
	return nil
}
