package rbac

import (
	"maps"
	"slices"
)

// Registry is the set of declared permissions, each with a small index. A permission must be declared before it
// can be granted or checked (rule R1). The zero value and nil are empty.
type Registry struct {
	index map[Permission]int
	names []Permission // by index
}

// NewRegistry returns a registry of the management permissions and the host's permissions. To declare a
// permission twice is allowed. Errors: [ErrInvalidPermission], [ErrReservedPermission].
func NewRegistry(host ...Permission) (*Registry, error) {
	management := &Registry{make(map[Permission]int), Management()}
	for i, p := range management.names {
		management.index[p] = i
	}
	return management.With(host...)
}

// With returns a registry that also has these permissions of the host, or r itself if it has them all. Indexes
// do not change, so a set that was compiled before keeps its meaning. Such a set does not know the new
// permissions (see [Set]). Errors: as for [NewRegistry].
func (r *Registry) With(host ...Permission) (*Registry, error) {
	more := &Registry{make(map[Permission]int, r.Len()+len(host)), r.Permissions()}
	if r != nil {
		maps.Copy(more.index, r.index)
	}
	for _, p := range host {
		if _, err := ParsePermission(string(p)); err != nil {
			return nil, err
		}
		if p.IsManagement() {
			return nil, &Error{ErrReservedPermission, string(p)}
		}
		if _, declared := more.index[p]; !declared {
			more.index[p] = len(more.names)
			more.names = append(more.names, p)
		}
	}
	if more.Len() == r.Len() {
		return r, nil
	}
	return more, nil
}

// Len returns how many permissions are declared.
func (r *Registry) Len() int {
	if r == nil {
		return 0
	}
	return len(r.names)
}

// Permissions returns a copy of the declared permissions, by index.
func (r *Registry) Permissions() []Permission {
	if r == nil {
		return nil
	}
	return slices.Clone(r.names)
}

// Index returns p's number, and whether p is declared. Numbers start at 0 and have no gaps. Code that checks p
// often can keep the number and call [Set.Has]. Index does not allocate.
func (r *Registry) Index(p Permission) (int, bool) {
	if r == nil {
		return 0, false
	}
	i, ok := r.index[p]
	return i, ok
}

// Check returns nil if p is declared. Otherwise it returns [ErrInvalidPermission] if p is not a permission, for
// instance a wildcard, and [ErrUnknownPermission] if it is one.
func (r *Registry) Check(p Permission) error {
	if _, ok := r.Index(p); ok {
		return nil
	}
	if _, err := ParsePermission(string(p)); err != nil {
		return err
	}
	return &Error{ErrUnknownPermission, string(p)}
}

// CheckGrant reports whether a role may have g. It returns nil for a declared permission, and for a wildcard,
// even if the wildcard covers nothing yet. Otherwise it returns [ErrInvalidGrant] or [ErrUnknownPermission].
func (r *Registry) CheckGrant(g Grant) error {
	if _, err := ParseGrant(string(g)); err != nil {
		return err
	}
	if g.IsWildcard() {
		return nil
	}
	return r.Check(g)
}
