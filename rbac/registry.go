package rbac

import (
	"maps"
	"slices"
)

// Registry is the permissions that have been declared, each with a small number
// of its own: what can be granted and checked (rule R1). The zero value holds
// none, nor does nil.
type Registry struct {
	index map[Permission]int
	names []Permission // by index
}

// NewRegistry returns a registry of the management permissions and these of the
// host's. Declaring one twice is fine. The errors are [ErrInvalidPermission] and
// [ErrReservedPermission].
func NewRegistry(host ...Permission) (*Registry, error) {
	management := &Registry{make(map[Permission]int), Management()}
	for i, p := range management.names {
		management.index[p] = i
	}
	return management.With(host...)
}

// With returns a registry that has these of the host's as well, or r itself if
// it has them all. Indexes stay as they are, so what was compiled before keeps
// its meaning; it does not hear of the new ones (see [Set]). Errors as in
// [NewRegistry].
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

// Permissions returns what is declared, by index, as a slice of the caller's own.
func (r *Registry) Permissions() []Permission {
	if r == nil {
		return nil
	}
	return slices.Clone(r.names)
}

// Index returns p's number, from 0 up and dense, and whether p is declared. With
// it a check that is made often is [Set.Has] alone. It does not allocate.
func (r *Registry) Index(p Permission) (int, bool) {
	if r == nil {
		return 0, false
	}
	i, ok := r.index[p]
	return i, ok
}

// Check returns nil if p is declared, [ErrInvalidPermission] if it is no
// permission at all, a wildcard for instance, and else [ErrUnknownPermission].
func (r *Registry) Check(p Permission) error {
	if _, ok := r.Index(p); ok {
		return nil
	}
	if _, err := ParsePermission(string(p)); err != nil {
		return err
	}
	return &Error{ErrUnknownPermission, string(p)}
}

// CheckGrant says whether a role may be given g: nil for a wildcard, which may
// cover nothing yet, and for a permission that is declared; else
// [ErrInvalidGrant] or [ErrUnknownPermission].
func (r *Registry) CheckGrant(g Grant) error {
	if _, err := ParseGrant(string(g)); err != nil {
		return err
	}
	if g.IsWildcard() {
		return nil
	}
	return r.Check(g)
}
