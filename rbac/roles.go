package rbac

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// MaxDepth is how many parents a role may have above it, if no other limit is set (rule G9).
const MaxDepth = 8

// Roles is a checked set of roles: every parent exists, no role extends itself, and no chain of parents is too
// long (rule R2). The zero value is empty.
type Roles struct {
	bySlug   map[string]Role
	maxDepth int // as the caller gave it: 0 means MaxDepth
}

// NewRoles checks these roles together. maxDepth limits the number of parents above a role: 0 means [MaxDepth],
// and a negative number allows none. It does not check whether the grants are declared; [Compile] does.
//
// Errors: [ErrInvalidSlug], [ErrInvalidGrant], [ErrDuplicateRole], [ErrUnknownRole] for a parent that does not
// exist, [ErrForeignParent], [ErrCycle], [ErrTooDeep].
func NewRoles(maxDepth int, roles ...Role) (*Roles, error) {
	none := &Roles{maxDepth: maxDepth}
	return none.With(roles...)
}

// With returns a copy of r to which these roles are added; a role with the slug of an existing one replaces it.
// Use it to add an organization's roles to the application's, and to check a change before you make it. Errors:
// as for [NewRoles].
func (r *Roles) With(roles ...Role) (*Roles, error) {
	all := &Roles{make(map[string]Role, len(r.bySlug)+len(roles)), r.maxDepth}
	for _, role := range roles {
		if err := role.check(); err != nil {
			return nil, err
		}
		if _, twice := all.bySlug[role.Slug]; twice {
			return nil, &Error{ErrDuplicateRole, role.Slug}
		}
		all.bySlug[role.Slug] = role.clone()
	}
	for slug, role := range r.bySlug {
		if _, replaced := all.bySlug[slug]; !replaced {
			all.bySlug[slug] = role
		}
	}
	if err := all.checkParents(); err != nil {
		return nil, err
	}
	return all, nil
}

// checkParents walks up from each role. It goes in order of slugs, so that it always reports the same one of
// several errors.
func (r *Roles) checkParents() error {
	for _, slug := range slices.Sorted(maps.Keys(r.bySlug)) {
		if err := r.climb(slug, cmp.Or(r.maxDepth, MaxDepth)); err != nil {
			return err
		}
	}
	return nil
}

// climb walks to the top of the chain and counts the steps. If it takes as many steps as there are roles, it
// has passed one role twice.
func (r *Roles) climb(slug string, maxDepth int) error {
	depth := 0
	for role := r.bySlug[slug]; role.Extends != ""; depth++ {
		if depth == len(r.bySlug) {
			return &Error{ErrCycle, slug}
		}
		parent, ok := r.bySlug[role.Extends]
		if !ok {
			return &Error{ErrUnknownRole, role.Extends}
		}
		role = parent
	}
	if depth > 0 && depth > maxDepth {
		return &Error{ErrTooDeep, slug}
	}
	return nil
}

// chain returns the role, its parent, and so on to the top.
func (r *Roles) chain(role Role) iter.Seq[Role] {
	return func(yield func(Role) bool) {
		for yield(role) && role.Extends != "" {
			role = r.bySlug[role.Extends]
		}
	}
}

// Get returns a role as it was given, and whether it exists.
func (r *Roles) Get(slug string) (Role, bool) {
	role, ok := r.bySlug[slug]
	return role.clone(), ok
}

// Grants returns what these roles give together: the union of their own grants and all their parents' (rules R2
// and R4). No slugs give empty Grants. For an unknown slug it returns [ErrUnknownRole].
func (r *Roles) Grants(slugs ...string) (Grants, error) {
	var list []Grant
	for _, slug := range slugs {
		role, ok := r.bySlug[slug]
		if !ok {
			return Grants{}, &Error{ErrUnknownRole, slug}
		}
		for each := range r.chain(role) {
			list = append(list, each.Grants...)
		}
	}
	return canonical(list), nil
}

// Sort returns the slugs in order of priority. The first one is the primary role (rule R4). Unknown slugs come
// last.
func (r *Roles) Sort(slugs ...string) []string {
	sorted := slices.Clone(slugs)
	slices.SortFunc(sorted, func(a, b string) int {
		roleA, okA := r.bySlug[a]
		roleB, okB := r.bySlug[b]
		if okA != okB {
			if okA {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(roleA.Priority, roleB.Priority), cmp.Compare(a, b))
	})
	return sorted
}
