package tenancy

import (
	"context"
	"errors"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
)

// rulebook is what the application has declared: its permissions and its roles. It
// never changes once made.
type rulebook struct {
	registry *rbac.Registry
	roles    *rbac.Roles
	rows     map[string]Role // the application roles that were declared, by slug
	granted  map[rbac.Permission]Permission
	revision struct{ roles, permissions int64 }
}

// rulebook reads the declarations, once a call.
func (w *work) rulebook(ctx context.Context) (*rulebook, error) {
	if w.book != nil {
		return w.book, nil
	}
	book := &rulebook{rows: map[string]Role{}, granted: map[rbac.Permission]Permission{}}
	var names []rbac.Permission
	err := walk(ctx, w.Permissions(), PermissionFilter{}, func(p Permission) error {
		names = append(names, p.Slug)
		book.granted[p.Slug] = p
		book.revision.permissions = max(book.revision.permissions, p.Revision)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	roles := rbac.Builtin()
	err = walk(ctx, w.Roles(), RoleFilter{Scope: Of("")}, func(r Role) error {
		book.rows[r.Slug] = r
		book.revision.roles = max(book.revision.roles, r.Revision)
		roles = slices.DeleteFunc(roles, func(b rbac.Role) bool { return b.Slug == r.Slug })
		roles = append(roles, r.value())
		return nil
	})
	if err != nil {
		return nil, err
	}
	if book.registry, err = rbac.NewRegistry(names...); err != nil {
		return nil, err
	}
	if book.roles, err = rbac.NewRoles(rbac.MaxDepth, roles...); err != nil {
		return nil, err
	}
	w.book = book
	return book, nil
}

// rolesOf gives the roles that hold in an organization: the application's and its
// own.
func (w *work) rolesOf(ctx context.Context, id OrganizationID) (*rbac.Roles, error) {
	book, err := w.rulebook(ctx)
	if err != nil {
		return nil, err
	}
	own, err := w.ownRoles(ctx, id)
	if err != nil || len(own) == 0 {
		return book.roles, err
	}
	values := make([]rbac.Role, len(own))
	for i, r := range own {
		values[i] = r.value()
	}
	roles, err := book.roles.With(values...)
	return roles, bad("role", err)
}

// ownRoles gives the roles that an organization made itself, by slug.
func (w *work) ownRoles(ctx context.Context, id OrganizationID) ([]Role, error) {
	own, err := collect(ctx, w.Roles(), RoleFilter{Scope: Of(id.String())})
	slices.SortFunc(own, bySlug)
	return own, err
}

// known checks that slugs name roles that hold in an organization. Only where one is
// not built in does the store need asking.
func (w *work) known(ctx context.Context, id OrganizationID, field string, slugs ...string) error {
	var ask []string
	for _, slug := range slugs {
		if !isBuiltin(slug) {
			ask = append(ask, slug)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	rows, err := w.roleRows(ctx, []OrganizationID{id}, ask)
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

// roleRows are stored roles by organization and slug; application roles have no
// organization.
type roleRows map[roleKey]Role

type roleKey struct {
	organization OrganizationID
	slug         string
}

func (rows roleRows) of(id OrganizationID, slug string) (Role, bool) {
	if !rbac.IsOrganizationSlug(slug) {
		id = OrganizationID{}
	}
	r, ok := rows[roleKey{id, slug}]
	return r, ok
}

// roleRows reads the named roles of organizations in one query.
func (w *work) roleRows(ctx context.Context, ids []OrganizationID, slugs []string) (roleRows, error) {
	rows := roleRows{}
	scopes := make([]string, 0, len(ids)+1)
	for _, id := range ids {
		scopes = append(scopes, id.String())
	}
	filter := RoleFilter{Slug: Of(slugs...), Scope: Of(append(scopes, "")...)}
	err := walk(ctx, w.Roles(), filter, func(r Role) error {
		rows[roleKey{r.OrganizationID, r.Slug}] = r
		return nil
	})
	return rows, err
}

// bad gives an error of package rbac its code and field here.
func bad(field string, err error) error {
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
