package tenancy

import (
	"context"
	"errors"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// declarations is what the application has declared: its permissions and its roles. It
// never changes once made.
type declarations struct {
	registry *rbac.Registry
	roles    *rbac.Roles
	rows     map[string]Role // the application roles that were declared, by slug
	granted  map[rbac.Permission]Permission
	revision int64    // the last one
	leftOut  []string // the built-in roles that the application does not have
	mark     string   // under which they hold: see declarationMark
	compiled compiled
}

// role gives an application role, to be the caller's: the declarations are shared.
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

// leavesOut reports whether a built-in role is one that the application does not have. Its grants stay among
// roles, for what may hold it all the same: see mayLeaveOut.
func (d *declarations) leavesOut(slug string) bool { return slices.Contains(d.leftOut, slug) }

// declarations gives the declarations, once a call: those that the instance keeps, where they
// are of this snapshot, and else it reads them.
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
	if rr.c.service.txn == nil { // what a longer transaction sees may be undone with it
		rr.c.instance.leftOut.Store(&declared.leftOut)
	}
	return declared, nil
}

// leavesOut reports whether a built-in role is one that the application does not have. It asks the store only
// where this call or an earlier one of the instance does not know: most calls that let somebody in read nothing
// else of what is declared. So another process may give the role until it reads the declarations again.
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

// rolesNamed gives the application's roles, and of an organization's own those that are named
// and their parents. It costs a statement for each parent above one another, and none where no
// own role is named, so that a call pays for the roles that it is about and not for all that
// the organization keeps (rule G9).
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

// rolesOf gives all roles that hold in an organization: the application's and its
// own.
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

// ownRoles gives the roles that an organization made itself, by slug.
func (rr roleRules) ownRoles(ctx context.Context, id OrganizationID) ([]Role, error) {
	own, err := collect(ctx, rr.c.tx.Roles(), roleFilter{Scope: typed.Of(id.String())})
	slices.SortFunc(own, bySlug)
	return own, err
}

// known checks that slugs name roles that hold in an organization. Only where one is
// not built in are rows of roles read.
func (rr roleRules) known(ctx context.Context, id OrganizationID, field string, slugs ...string) error {
	var ask []string
	for _, slug := range slugs {
		switch {
		case slug == rbac.Owner: // is always there
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

// storedRoles are stored roles by organization and slug; application roles have no
// organization.
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

// rbacError gives an error of package rbac its code and field here.
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
