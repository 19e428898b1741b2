package rbac

// Set is a set of grants that is compiled against a [Registry], with one bit for each permission. It knows only
// the permissions of that registry. A permission that is declared later is unknown to it, even if a wildcard
// covers it, until you compile the grants again. nil holds nothing and knows no permission.
type Set struct {
	registry *Registry
	bits     []uint64
	grants   Grants
}

// Compile returns the set of permissions that the grants give. If a grant names a permission that is not
// declared, it returns [ErrUnknownPermission] (rule R1). Grants leave out what one of their wildcards covers,
// so Compile cannot find all such names: call [Registry.CheckGrant] for each grant as it was written.
func Compile(registry *Registry, grants Grants) (*Set, error) {
	s := &Set{registry, make([]uint64, (registry.Len()+63)/64), grants}
	for _, g := range grants.list {
		if g.IsWildcard() {
			s.addCovered(g)
			continue
		}
		i, ok := registry.Index(g)
		if !ok {
			return nil, registry.Check(g)
		}
		s.add(i)
	}
	return s, nil
}

func (s *Set) addCovered(g Grant) {
	if s.registry == nil {
		return
	}
	for i, p := range s.registry.names {
		if g.Covers(p) {
			s.add(i)
		}
	}
}

func (s *Set) add(i int) { s.bits[i/64] |= 1 << (i % 64) }

// Can reports whether the set holds p, with one lookup by name and one bit, and without an allocation. A
// permission that the registry does not have is an error, never false: [ErrUnknownPermission], or
// [ErrInvalidPermission] for a wildcard and other text that is not a permission (rule R1).
func (s *Set) Can(p Permission) (bool, error) {
	if s == nil {
		return false, (*Registry)(nil).Check(p)
	}
	i, ok := s.registry.Index(p)
	if !ok {
		return false, s.registry.Check(p)
	}
	return s.Has(i), nil
}

// Has reports whether the set holds the permission with this number, from [Registry.Index] of the set's own
// registry. It is false for a number out of range.
func (s *Set) Has(i int) bool {
	if s == nil || i < 0 || i/64 >= len(s.bits) {
		return false
	}
	return s.bits[i/64]&(1<<(i%64)) != 0
}

// Grants returns the grants from which the set was compiled, to compare and to unite them.
func (s *Set) Grants() Grants {
	if s == nil {
		return Grants{}
	}
	return s.grants
}

// Permissions returns a copy of the permissions that the set holds (rule R7), in the registry's order.
func (s *Set) Permissions() []Permission {
	if s == nil || s.registry == nil {
		return nil
	}
	var held []Permission
	for i, p := range s.registry.names {
		if s.Has(i) {
			held = append(held, p)
		}
	}
	return held
}
