package tenancy

import (
	"context"
	"errors"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// declarations has the permissions and roles that the application declared. It is immutable.
type declarations struct {
	registry *rbac.Registry
	roles    *rbac.Roles
	rows     map[string]Role // the declared application roles, by slug
	granted  map[rbac.Permission]Permission
	revision int64    // of the last Declare
	leftOut  []string // the built-in roles that the application left out
	mark     string   // the Mark under which they were read: see declarationMark
	compiled compiled
}

// role returns a copy of an application role, because the declarations are shared.
func (d *declarations) role(slug string) (Role, bool) {
	if d.leavesOut(slug) {
		return Role{}, false
	}
	if r, there := d.rows[slug]; there {
		r.Grants = slices.Clone(r.Grants)
		return r, true
	}
	r, there := builtin.Get(slug)
	return fromBuiltin(r), there
}

// leavesOut reports whether the application left out a built-in role. roles still has its grants, because
// some members may hold it anyway: see mayLeaveOut.
func (d *declarations) leavesOut(slug string) bool { return slices.Contains(d.leftOut, slug) }

// declarations returns the declarations, and looks for them once in a call. It uses those of the instance
// if they match this snapshot, and reads them otherwise.
func (rr roleRules) declarations(ctx context.Context) (*declarations, error) {
	if rr.c.declarations != nil {
		return rr.c.declarations, nil
	}
	if rr.c.declared.changed {
		return rr.readDeclarations(ctx)
	}
	mark, err := rr.declarationMark(ctx)
	if err != nil {
		return nil, err
	}
	declared := rr.c.instance.declarations.Load()
	if declared == nil || declared.mark != mark {
		if declared, err = rr.readDeclarations(ctx); err != nil {
			return nil, err
		}
		declared.mark = mark
		rr.c.instance.declarations.Store(declared)
	}
	rr.c.declarations = declared
	if rr.c.service.txn == nil { // a rollback of a longer transaction would undo what it sees
		rr.c.instance.leftOut.Store(&declared.leftOut)
	}
	return declared, nil
}

// leavesOut reports whether the application left out a built-in role. It reads the store only if neither
// this call nor an earlier one of the instance has read the declarations: most calls that let somebody in
// need nothing else of them. So this process may still give the role until it next reads what another
// process declared.
func (rr roleRules) leavesOut(ctx context.Context, slug string) (bool, error) {
	if rr.c.declarations == nil {
		if out := rr.c.instance.leftOut.Load(); out != nil && !slices.Contains(*out, slug) {
			return false, nil
		}
	}
	declared, err := rr.declarations(ctx)
	return err == nil && declared.leavesOut(slug), err
}

func (rr roleRules) readDeclarations(ctx context.Context) (*declarations, error) {
	declared := &declarations{
		rows: map[string]Role{}, granted: map[rbac.Permission]Permission{},
		compiled: compiled{profiles: map[string]*profile{}, powers: map[string]powers{}},
	}
	last, err := rr.c.tx.DeclarationMarks().Get(ctx, theDeclarationMark)
	if err != nil && CodeOf(err) != ErrNotFound {
		return nil, err
	}
	declared.revision, declared.leftOut = last.Revision, last.LeftOut
	var names []rbac.Permission
	err = walk(ctx, rr.c.tx.Permissions(), permissionFilter{}, func(p Permission) error {
		names = append(names, p.Slug)
		declared.granted[p.Slug] = p
		declared.revision = max(declared.revision, p.Revision)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	roles := rbac.Builtin()
	err = walk(ctx, rr.c.tx.Roles(), roleFilter{Scope: typed.Of("")}, func(r Role) error {
		declared.rows[r.Slug] = r
		declared.revision = max(declared.revision, r.Revision)
		roles = slices.DeleteFunc(roles, func(b rbac.Role) bool { return b.Slug == r.Slug })
		roles = append(roles, r.value())
		return nil
	})
	if err != nil {
		return nil, err
	}
	if declared.registry, err = rbac.NewRegistry(names...); err != nil {
		return nil, err
	}
	if declared.roles, err = rbac.NewRoles(rbac.MaxDepth, roles...); err != nil {
		return nil, err
	}
	rr.c.declarations = declared
	return declared, nil
}

// rolesNamed returns the application's roles, and of an organization's own roles those in slugs and their
// parents. It costs one statement for each level of parents, and none if slugs has no own role. So a call
// pays for the roles that it needs, and not for all that the organization has (rule G9).
func (rr roleRules) rolesNamed(ctx context.Context, id OrganizationID, slugs ...string) (*rbac.Roles, error) {
	declared, err := rr.declarations(ctx)
	if err != nil {
		return nil, err
	}
	var values []rbac.Role
	asked := map[string]bool{}
	for wanted := slugs; ; {
		wanted = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(wanted))), func(slug string) bool {
			return asked[slug] || !rbac.IsOrganizationSlug(slug)
		})
		if len(wanted) == 0 {
			break
		}
		found, err := collect(ctx, rr.c.tx.Roles(), roleFilter{Scope: typed.Of(id.String()), Slug: typed.Of(wanted...)})
		if err != nil {
			return nil, err
		}
		for _, slug := range wanted {
			asked[slug] = true
		}
		wanted = nil
		for _, r := range found {
			values, wanted = append(values, r.value()), append(wanted, r.Extends)
		}
	}
	if len(values) == 0 {
		return declared.roles, nil
	}
	roles, err := declared.roles.With(values...)
	return roles, rbacError("role", err)
}

// rolesOf returns all roles of an organization: the application's and its own.
func (rr roleRules) rolesOf(ctx context.Context, id OrganizationID) (*rbac.Roles, error) {
	declared, err := rr.declarations(ctx)
	if err != nil {
		return nil, err
	}
	own, err := rr.ownRoles(ctx, id)
	if err != nil || len(own) == 0 {
		return declared.roles, err
	}
	values := make([]rbac.Role, len(own))
	for i, r := range own {
		values[i] = r.value()
	}
	roles, err := declared.roles.With(values...)
	return roles, rbacError("role", err)
}

// ownRoles returns the roles that an organization made itself, by slug.
func (rr roleRules) ownRoles(ctx context.Context, id OrganizationID) ([]Role, error) {
	own, err := collect(ctx, rr.c.tx.Roles(), roleFilter{Scope: typed.Of(id.String())})
	slices.SortFunc(own, bySlug)
	return own, err
}

// known checks that slugs name roles of an organization. If all are built in, it reads no rows.
func (rr roleRules) known(ctx context.Context, id OrganizationID, field string, slugs ...string) error {
	var ask []string
	for _, slug := range slugs {
		switch {
		case slug == rbac.Owner: // always exists
		case isBuiltin(slug):
			out, err := rr.leavesOut(ctx, slug)
			if err != nil {
				return err
			}
			if out {
				return unknownRole(field, slug)
			}
		default:
			ask = append(ask, slug)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	rows, err := rr.storedRoles(ctx, []OrganizationID{id}, ask)
	if err != nil {
		return err
	}
	for _, slug := range ask {
		if _, ok := rows.of(id, slug); !ok {
			return unknownRole(field, slug)
		}
	}
	return nil
}

// storedRoles has stored roles by organization and slug; application roles have the zero organization.
type storedRoles map[roleKey]Role

type roleKey struct {
	organization OrganizationID
	slug         string
}

func (rows storedRoles) of(id OrganizationID, slug string) (Role, bool) {
	if !rbac.IsOrganizationSlug(slug) {
		id = OrganizationID{}
	}
	r, ok := rows[roleKey{id, slug}]
	return r, ok
}

// storedRoles reads the named roles of organizations in one query.
func (rr roleRules) storedRoles(ctx context.Context, ids []OrganizationID, slugs []string) (storedRoles, error) {
	rows := storedRoles{}
	scopes := make([]string, 0, len(ids)+1)
	for _, id := range ids {
		scopes = append(scopes, id.String())
	}
	filter := roleFilter{Slug: typed.Of(slugs...), Scope: typed.Of(append(scopes, "")...)}
	err := walk(ctx, rr.c.tx.Roles(), filter, func(r Role) error {
		rows[roleKey{r.OrganizationID, r.Slug}] = r
		return nil
	})
	return rows, err
}

// rbacError returns an error of package rbac as an [*Error] with a code and a field.
func rbacError(field string, err error) error {
	if err == nil {
		return nil
	}
	var e *rbac.Error
	if !errors.As(err, &e) {
		return err
	}
	code := ErrInvalid
	switch e.Reason {
	case rbac.ErrUnknownPermission:
		code = ErrUnknownPermission
	case rbac.ErrUnknownRole:
		code = ErrUnknownRole
	}
	return &Error{Code: code, Field: field, Key: e.Subject, Reason: string(e.Reason), Err: err}
}
