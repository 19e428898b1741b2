package rbac

import (
	"slices"
	"strings"
)

// Grants is a set of grants in canonical form: sorted, each once, none that
// another one covers. So two Grants that cover each other are equal. The zero
// value holds nothing. Grants never change.
type Grants struct {
	list []Grant
}

// NewGrants returns the canonical form of these grants, or [ErrInvalidGrant] for
// the first that is no grant (rule R1).
func NewGrants(grants ...Grant) (Grants, error) {
	for _, g := range grants {
		if _, err := ParseGrant(string(g)); err != nil {
			return Grants{}, err
		}
	}
	return canonical(slices.Clone(grants)), nil
}

// canonical takes over the list.
func canonical(list []Grant) Grants {
	slices.Sort(list)
	all := Grants{slices.Compact(list)}
	kept := make([]Grant, 0, len(all.list))
	for _, g := range all.list {
		if !all.hasAbove(g) {
			kept = append(kept, g)
		}
	}
	return Grants{kept}
}

// All returns the grants, sorted by bytes, as a slice of the caller's own.
func (g Grants) All() []Grant { return slices.Clone(g.list) }

// Equal reports whether both give the same, as written.
func (g Grants) Equal(h Grants) bool { return slices.Equal(g.list, h.list) }

// Union returns what g and h give together, the least that covers both.
func (g Grants) Union(h Grants) Grants {
	return canonical(slices.Concat(g.list, h.list))
}

// Covers is the ceiling (rule R6): whether someone who holds g may give, take or
// edit what is in h. Every grant of h must be covered by one of g as it is
// written; holding every permission that a wildcard gives today does not cover
// the wildcard. Covers is a partial order.
func (g Grants) Covers(h Grants) bool {
	for _, grant := range h.list {
		if !g.has(grant) && !g.hasAbove(grant) {
			return false
		}
	}
	return true
}

// CheckAutomatic checks a role that people get without anybody choosing
// it for them: a default, a verified domain's, a join code's (rule R3). It refuses *, every
// management permission that writes, and every wildcard under tenancy:, which
// could come to cover one, with [ErrNotAutomatic]. Call it with what the role
// gives through its parents ([Roles.Grants]).
func (g Grants) CheckAutomatic() error {
	for _, grant := range g.list {
		if grant == everything || grant.Writes() {
			return &Error{ErrNotAutomatic, string(grant)}
		}
	}
	return nil
}

func (g Grants) has(grant Grant) bool {
	_, found := slices.BinarySearch(g.list, grant)
	return found
}

// hasAbove reports whether g holds a wildcard, other than grant itself, that
// covers it. It looks up each stem that a wildcard above could have instead of
// comparing with every grant: sets are compared on every change of a role.
func (g Grants) hasAbove(grant Grant) bool {
	text := string(grant)
	if grant != everything && everything.Covers(grant) && g.has(everything) {
		return true
	}
	stem := strings.TrimSuffix(text, "*")
	end := len(stem)
	if grant.IsWildcard() {
		end-- // its own stem is not above it
	}
	for i := range end {
		if separates(text[i]) && g.hasWildcard(text[:i+1]) {
			return true
		}
	}
	return false
}

// hasWildcard looks for stem with a star, without putting the two together.
func (g Grants) hasWildcard(stem string) bool {
	_, found := slices.BinarySearchFunc(g.list, stem, func(grant Grant, stem string) int {
		if rest, ok := strings.CutPrefix(string(grant), stem); ok {
			return strings.Compare(rest, "*")
		}
		return strings.Compare(string(grant), stem)
	})
	return found
}
