package tenancy

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/rbac"
)

// profile is what some roles give together. It is immutable, and members whose roles have the same grants
// share it.
type profile struct {
	registry *rbac.Registry
	first    uint64 // the first 64 permissions of the registry, a bit for each
	set      *rbac.Set
	roles    []string // by priority
}

// can is [rbac.Set.Can] that reads less memory: the checks of many different people mostly wait for memory.
func (p *profile) can(permission rbac.Permission) (bool, error) {
	i, ok := p.registry.Index(permission)
	if !ok || i >= 64 {
		return p.set.Can(permission)
	}
	return p.first>>i&1 != 0, nil
}

func newProfile(declared *declarations, roles *rbac.Roles, slugs []string) (*profile, error) {
	sorted := slices.Compact(roles.Sort(slugs...))
	grants, err := roles.Grants(sorted...)
	if err != nil {
		return nil, rbacError("roles", err)
	}
	set, err := rbac.Compile(declared.registry, grants)
	if err != nil {
		return nil, rbacError("grants", err)
	}
	p := &profile{registry: declared.registry, set: set, roles: sorted}
	for i := range 64 {
		if set.Has(i) {
			p.first |= 1 << i
		}
	}
	return p, nil
}

// compile returns the profile of some roles. Profiles of application roles alone are kept with the
// declarations, and shared.
func (ar accessRules) compile(ctx context.Context, id OrganizationID, slugs []string) (*profile, error) {
	declared, err := ar.c.roles().declarations(ctx)
	if err != nil {
		return nil, err
	}
	if name, ok := setOf(slugs); ok {
		return kept(declared, declared.compiled.profiles, name, func() (*profile, error) { return newProfile(declared, declared.roles, slugs) })
	}
	roles, err := ar.c.roles().rolesNamed(ctx, id, slugs...)
	if err != nil {
		return nil, err
	}
	return newProfile(declared, roles, slugs)
}

// shared is compile that uses what other loads have compiled: the declarations, and profiles of the same
// roles. The cache drops all of that at the latest when it drops the load.
func (ar accessRules) shared(ctx context.Context, l load, slugs []string) (*profile, error) {
	if l.MayShare() {
		p, err := ar.borrow(ctx, l, slugs)
		if err == nil {
			return p, nil
		}
		// Another process may have made roles, and given them, after the shared declarations were read.
		// Only this snapshot has both.
		ar.c.declarations = nil
	}
	return ar.compile(ctx, OrganizationID(l.Key().Scope), slugs)
}

// borrow returns a shared profile. Application roles give the same in every organization. A profile with an
// organization's own roles is shared only inside that organization.
func (ar accessRules) borrow(ctx context.Context, l load, slugs []string) (*profile, error) {
	if ar.c.declarations = l.Base(); ar.c.declarations == nil {
		declared, err := ar.c.roles().declarations(ctx)
		if err != nil {
			return nil, err
		}
		ar.c.declarations = l.SetBase(declared)
	}
	name := strings.Join(slices.Compact(slices.Sorted(slices.Values(slugs))), " ")
	ownRoles := slices.ContainsFunc(slugs, rbac.IsOrganizationSlug)
	if p := l.Shared(name, ownRoles); p != nil {
		return p, nil
	}
	roles := ar.c.declarations.roles
	if ownRoles {
		var err error
		if roles, err = ar.c.roles().rolesNamed(ctx, OrganizationID(l.Key().Scope), slugs...); err != nil {
			return nil, err
		}
	}
	p, err := newProfile(ar.c.declarations, roles, slugs)
	if err != nil {
		return nil, err
	}
	return l.Share(name, ownRoles, p.content(), p), nil
}

// content is a text that is equal for profiles that give the same. Organizations tend to make the same
// roles, which then share one profile.
func (p *profile) content() string {
	var text strings.Builder
	for _, role := range p.roles {
		text.WriteString(role + " ")
	}
	for _, grant := range p.set.Grants().All() {
		text.WriteString("\n" + string(grant))
	}
	return text.String()
}
