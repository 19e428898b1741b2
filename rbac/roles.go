package rbac

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// MaxDepth is how many parents may stand above a role where no other limit is
// set (rule G9).
const MaxDepth = 8

// Roles is a set of roles in which every parent is there, nothing extends itself
// and no chain of parents is too long (rule R2). The zero value holds none.
type Roles struct {
	bySlug   map[string]Role
	maxDepth int // as given: 0 stands for MaxDepth
}

// NewRoles checks these roles together. maxDepth limits the parents above a
// role: 0 stands for [MaxDepth], below that none are allowed. The errors are
// [ErrInvalidSlug], [ErrInvalidGrant], [ErrDuplicateRole], [ErrUnknownRole] for a
// parent that is missing, [ErrForeignParent], [ErrCycle] and [ErrTooDeep]. It does
// not look whether the grants are declared; [Compile] does.
func NewRoles(maxDepth int, roles ...Role) (*Roles, error) {
	none := &Roles{maxDepth: maxDepth}
	return none.With(roles...)
}

// With returns roles in which these stand too, each in place of one that had its
// slug: the way to add an organization's roles to the application's, and to look
// at a change before it is made. Errors as in [NewRoles].
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

// checkParents walks up from each role, in order of slugs so that of several
// errors the same one is always told.
func (r *Roles) checkParents() error {
	for _, slug := range slices.Sorted(maps.Keys(r.bySlug)) {
		if err := r.climb(slug, cmp.Or(r.maxDepth, MaxDepth)); err != nil {
			return err
		}
	}
	return nil
}

// climb walks to the top of the chain and counts. A walk of as many steps as
// there are roles has passed one of them twice.
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

// chain gives the role, its parent, and so on to the top.
func (r *Roles) chain(role Role) iter.Seq[Role] {
	return func(yield func(Role) bool) {
		for yield(role) && role.Extends != "" {
			role = r.bySlug[role.Extends]
		}
	}
}

// Get returns a role as it was given, and whether it is there.
func (r *Roles) Get(slug string) (Role, bool) {
	role, ok := r.bySlug[slug]
	return role.clone(), ok
}

// Grants returns what these roles give together: the union of their own grants
// and of those of all their parents (rules R2 and R4). No slugs give nothing; one
// that is not there is [ErrUnknownRole].
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

// Sort returns the slugs in order of priority: the first is the primary role
// (rule R4). Slugs that are not there come last.
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
