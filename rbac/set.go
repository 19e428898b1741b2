package rbac

// Set is grants compiled against a [Registry]: a bit for each permission. It
// answers for the registry it was compiled with; a permission that is declared
// later is unknown to it, also where a wildcard covers it, until the grants are
// compiled again. nil holds nothing and knows no permission.
type Set struct {
	registry *Registry
	bits     []uint64
	grants   Grants
}

// Compile returns the set of what the grants give. A permission granted by name
// that is not declared is [ErrUnknownPermission] (rule R1). As Grants leave out
// what a wildcard of theirs covers, only [Registry.CheckGrant] on what was written
// finds all of those.
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

// Can reports whether the set holds p: one look-up by name and one bit, no
// allocation. A permission that its registry does not have is an error, never
// false: [ErrUnknownPermission], or [ErrInvalidPermission] for a wildcard and other
// text that is no permission (rule R1).
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

// Has reports whether the set holds the permission of this number, which
// [Registry.Index] of the set's own registry gave. It is false for a number out of
// range.
func (s *Set) Has(i int) bool {
	if s == nil || i < 0 || i/64 >= len(s.bits) {
		return false
	}
	return s.bits[i/64]&(1<<(i%64)) != 0
}

// Grants returns what the set was compiled from, to compare and to unite.
func (s *Set) Grants() Grants {
	if s == nil {
		return Grants{}
	}
	return s.grants
}

// Permissions returns what the set holds (rule R7), in the registry's order, as a
// slice of the caller's own.
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
