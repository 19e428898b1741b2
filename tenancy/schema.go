package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// Schema has all permissions and roles that a program declares at its start, with [Service.Declare].
type Schema struct {
	// Permissions are those that the program checks and grants (rule R1).
	Permissions []PermissionSpec
	// Roles are the application's roles (rule R2). Their order is their priority, after the built-in roles. The
	// built-in roles member and guest keep their places, and get the grants that are given here.
	Roles []RoleSpec
	// BuiltIns are the built-in roles that the application has, out of [rbac.Owner], [rbac.Admin],
	// [rbac.Member] and [rbac.Guest]. The application always has Owner, named or not. nil: all of them.
	//
	// A built-in role that is not named here is in no list, and nobody can get it: it is [ErrUnknownRole].
	// Another process may still give it until that process reads the declarations again, which it does with its
	// next check of a permission that its cache does not answer. The role comes back with a Schema that names
	// it. To leave a role out while a member, an invitation, a join code, a domain, a group of a connection, a
	// default or another role uses it is [ErrRoleInUse].
	BuiltIns []string
}

// PermissionSpec is a permission as the program declares it.
type PermissionSpec struct {
	Slug        rbac.Permission // 1 to 64 of A-Z, a-z, 0-9, _ - : and . (rule R1); must not begin with tenancy:
	Description string          // at most 1000 characters
}

// RoleSpec is a role of the application as the program declares it.
type RoleSpec struct {
	Slug        string       // 1 to 64 of a-z, 0-9, _ and -; must not begin with org-
	Name        string       // 1 to 200 characters; "" = the slug, or the built-in role's name
	Description string       // at most 1000 characters
	Extends     string       // the slug of its one parent; "" = none
	Grants      []rbac.Grant // at most Limits.RoleGrants
}

// Declare makes the application's permissions and roles known. Call it at every start of the program. It adds
// and changes, and deletes nothing: permissions and roles that the Schema does not name stay as they were
// declared before. It writes only what differs, so the same call again writes nothing.
//
// A revision that is lower than that of the last Declare changes nothing. So an old program that starts beside
// a new one undoes nothing. Raise the revision with each change of the Schema.
//
// Declare is one transaction.
//
// Errors: [ErrInvalid] with the field: "revision" below zero; "permission" for one that is reserved (tenancy:)
// or named twice; "slug" for owner, admin, a slug that begins with org-, and a built-in role that BuiltIns
// leaves out; "built_ins" for a slug that is not a built-in role; "roles" for a role named twice, a cycle, more
// than 8 parents, and more than Limits.Roles roles; "grants" also for a role that people get without anybody's
// choice and that would manage the organization (rule R3). [ErrUnknownPermission] for a grant; [ErrUnknownRole]
// for a parent; [ErrRoleInUse] with Counts for a built-in role that is left out while it is in use.
func (s *Service) Declare(ctx context.Context, revision int64, schema Schema) error {
	return exec(ctx, s, serviceDeclare, "", func(ctx context.Context, c *call) error {
		if err := c.lock(ctx, lockRoles()); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		if revision < 0 {
			return invalid("revision", "is negative")
		}
		before, err := c.roles().declarations(ctx)
		if err != nil || revision < before.revision {
			return err
		}
		return c.roles().declare(ctx, before, revision, schema)
	})
}

func (rr roleRules) declare(ctx context.Context, before *declarations, revision int64, schema Schema) error {
	leftOut, err := schema.leftOut()
	if err != nil {
		return err
	}
	if err := rr.declarePermissions(ctx, before, revision, schema.Permissions); err != nil {
		return err
	}
	if err := rr.declareRoles(ctx, revision, schema.Roles, leftOut); err != nil {
		return err
	}
	for _, slug := range leftOut {
		if err := rr.mayLeaveOut(ctx, slug, before.leavesOut(slug)); err != nil {
			return err
		}
	}
	if revision != before.revision || !slices.Equal(leftOut, before.leftOut) {
		rr.c.declared.changed, rr.c.declarations = true, nil
		rr.c.declared.last = &lastDeclaration{revision, leftOut}
		rr.c.instance.leftOut.Store(nil)
	}
	return nil
}

// leftOut returns the slugs of the built-in roles that the application does not have.
func (s Schema) leftOut() ([]string, error) {
	if s.BuiltIns == nil {
		return nil, nil
	}
	for _, slug := range s.BuiltIns {
		if !isBuiltin(slug) {
			return nil, &Error{Code: ErrInvalid, Field: "built_ins", Key: slug, Reason: "is no built-in role"}
		}
	}
	var left []string
	for _, role := range rbac.Builtin() {
		if role.Slug != rbac.Owner && !slices.Contains(s.BuiltIns, role.Slug) {
			left = append(left, role.Slug)
		}
	}
	slices.Sort(left)
	return left, nil
}

func (rr roleRules) declarePermissions(ctx context.Context, decls *declarations, revision int64, specs []PermissionSpec) error {
	there := maps.Clone(decls.granted)
	named := map[rbac.Permission]bool{}
	for _, spec := range specs {
		if named[spec.Slug] {
			return invalid("permission", "is declared twice")
		}
		named[spec.Slug] = true
		if err := rr.declarePermission(ctx, decls.registry, there, revision, spec); err != nil {
			return err
		}
	}
	return nil
}

func (rr roleRules) declarePermission(ctx context.Context, registry *rbac.Registry, declared map[rbac.Permission]Permission, revision int64, spec PermissionSpec) error {
	if _, err := registry.With(spec.Slug); err != nil {
		return rbacError("permission", err)
	}
	text, err := description("description", spec.Description)
	if err != nil {
		return err
	}
	row, there := declared[spec.Slug]
	if !there {
		row = Permission{
			ID: rr.c.instance.config.NewID(), Version: 1, Slug: spec.Slug, Description: text, Revision: revision, CreatedAt: rr.c.now, UpdatedAt: rr.c.now,
		}
		declared[spec.Slug] = row
		if err := rr.c.tx.Permissions().Insert(ctx, row); err != nil {
			return err
		}
		return rr.c.record(ctx, row.event(EventPermissionCreated))
	}
	before := row
	row.Description, row.Revision = text, revision
	return save(ctx, rr.c, rr.c.tx.Permissions().Update, before, &row, EventPermissionUpdated)
}

// declareRoles declares the roles of a Schema. It comes after the permissions of the same call, which the roles
// may grant.
func (rr roleRules) declareRoles(ctx context.Context, revision int64, specs []RoleSpec, leftOut []string) error {
	decls, err := rr.declarations(ctx)
	if err != nil {
		return err
	}
	rows := make([]Role, len(specs))
	values := make([]rbac.Role, len(specs))
	for i, spec := range specs {
		if slices.Contains(leftOut, spec.Slug) {
			return invalid("slug", "is a built-in role that BuiltIns leaves out")
		}
		if slices.Contains(leftOut, spec.Extends) {
			return unknownRole("roles", spec.Extends)
		}
		if rows[i], err = rr.specified(decls, revision, spec, min(declaredPriority+i, ownPriority-1)); err != nil {
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
		if err := rr.saveRole(ctx, before, &row); err != nil {
			return err
		}
	}
	if n > rr.c.instance.config.Limits.Roles {
		return invalid("roles", fmt.Sprintf("would be %d, at most %d", n, rr.c.instance.config.Limits.Roles))
	}
	rr.c.declarations = nil
	if err := rr.stillSound(ctx, after, moved...); err != nil {
		return err
	}
	return rr.stillAutomatic(ctx, decls.roles, after)
}

// specified checks one role of a Schema and returns its row.
func (rr roleRules) specified(declared *declarations, revision int64, spec RoleSpec, priority int) (Role, error) {
	if rbac.IsOrganizationSlug(spec.Slug) {
		return Role{}, invalid("slug", "begins with org-, as an organization's own roles do")
	}
	if spec.Slug == rbac.Owner || spec.Slug == rbac.Admin {
		return Role{}, invalid("slug", "is a role that cannot be declared")
	}
	row, there := declared.rows[spec.Slug]
	if !there {
		row = Role{ID: rr.c.instance.config.NewID(), CreatedAt: rr.c.now}
	}
	name := spec.Name
	if known, ok := builtin.Get(spec.Slug); ok {
		priority, name = known.Priority, cmp.Or(name, known.Name)
	}
	row.Slug, row.Extends, row.Grants, row.Priority, row.Revision = spec.Slug, spec.Extends, slices.Clone(spec.Grants), priority, revision
	row.Name, row.Description = cmp.Or(name, spec.Slug), spec.Description
	if err := rr.checkRole(declared, &row); err != nil {
		return Role{}, err
	}
	return row, nil
}

// mayLeaveOut refuses to leave out a built-in role that is in use. Calls that give a built-in role take no lock
// of the declared roles; otherwise all joining users would wait for one another. So on a store with several
// writers, a transaction that runs beside this one may still give the role. It then means what it meant before,
// and nobody gets it later.
func (rr roleRules) mayLeaveOut(ctx context.Context, slug string, already bool) error {
	if slug == rr.c.instance.config.DefaultRole || slug == rr.c.instance.config.CreatorRole {
		return &Error{Code: ErrRoleInUse, Kind: "role", Key: slug, Reason: "is the application's default", Counts: map[string]int{"defaults": 1}}
	}
	if already {
		return nil
	}
	counts, used, tx := map[string]int{}, 0, &rr.c.tx
	for _, use := range []struct {
		what  string
		count func(context.Context) (int, error)
	}{
		{"members", func(ctx context.Context) (int, error) {
			return tx.RoleAssignments().Count(ctx, roleAssignmentFilter{Role: typed.Of(slug)})
		}},
		{"roles", func(ctx context.Context) (int, error) {
			return tx.Roles().Count(ctx, roleFilter{Extends: typed.Of(slug)})
		}},
		{"defaults", func(ctx context.Context) (int, error) {
			return tx.Organizations().Count(ctx, organizationFilter{DefaultRole: typed.Of(slug)})
		}},
		{"defaults", func(ctx context.Context) (int, error) {
			return tx.Organizations().Count(ctx, organizationFilter{CreatorRole: typed.Of(slug)})
		}},
		{"domains", func(ctx context.Context) (int, error) {
			return tx.Domains().Count(ctx, domainFilter{Role: typed.Of(slug)})
		}},
		{"join_codes", func(ctx context.Context) (int, error) {
			return tx.JoinCodes().Count(ctx, joinCodeFilter{Role: typed.Of(slug), Revoked: typed.Of(false)})
		}},
		{"group_mappings", func(ctx context.Context) (int, error) {
			mapping, err := rr.c.connections().connectionsOf(ctx, OrganizationID{}, slug)
			return len(mapping), err
		}},
		{"invitations", func(ctx context.Context) (n int, err error) {
			return n, walk(ctx, tx.Invitations(), invitationFilter{State: typed.Of(InvitationPending)}, func(inv Invitation) error {
				if slices.Contains(inv.Roles, slug) {
					n++
				}
				return nil
			})
		}},
	} {
		n, err := use.count(ctx)
		if err != nil {
			return err
		}
		counts[use.what] += n
		used += n
	}
	if used > 0 {
		return &Error{Code: ErrRoleInUse, Kind: "role", Key: slug, Counts: counts}
	}
	return nil
}
