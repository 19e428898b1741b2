package rbac

import (
	"slices"
	"strings"
)

// Grants is a set of grants in canonical form: sorted, without duplicates, and without grants that another one
// covers. So two Grants that cover each other are equal. The zero value is empty. Grants are immutable.
type Grants struct {
	list []Grant
}

// NewGrants returns the canonical form of these grants, or [ErrInvalidGrant] for the first invalid grant (rule
// R1).
func NewGrants(grants ...Grant) (Grants, error) {
	for _, g := range grants {
		if _, err := ParseGrant(string(g)); err != nil {
			return Grants{}, err
		}
	}
	return canonical(slices.Clone(grants)), nil
}

// canonical sorts and shortens the list in place.
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

// All returns a copy of the grants, sorted by bytes.
func (g Grants) All() []Grant { return slices.Clone(g.list) }

// Equal reports whether g and h have the same grants, as written.
func (g Grants) Equal(h Grants) bool { return slices.Equal(g.list, h.list) }

// Union returns what g and h give together: the smallest Grants that cover both.
func (g Grants) Union(h Grants) Grants {
	return canonical(slices.Concat(g.list, h.list))
}

// Covers is the ceiling (rule R6). It reports whether a person who holds g may give, take or edit what is in h.
// Each grant of h must be covered by one grant of g, as it is written. To hold every permission that a wildcard
// gives today is not enough to cover the wildcard. Covers is a partial order.
func (g Grants) Covers(h Grants) bool {
	for _, grant := range h.list {
		if !g.has(grant) && !g.hasAbove(grant) {
			return false
		}
	}
	return true
}

// CheckAutomatic checks a role that people get without a decision by another person: the default role, the role
// of a verified domain, the role of a join code (rule R3). It returns [ErrNotAutomatic] for *, for every
// management permission that writes, and for every wildcard under tenancy:, which might later cover one. Call
// it with the role's grants including its parents' ([Roles.Grants]).
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

// hasAbove reports whether g has a wildcard, other than grant itself, that covers grant. It looks up each stem
// that such a wildcard could have, and does not compare with every grant: each change of a role compares sets.
func (g Grants) hasAbove(grant Grant) bool {
	text := string(grant)
	if grant != everything && everything.Covers(grant) && g.has(everything) {
		return true
	}
	stem := strings.TrimSuffix(text, "*")
	end := len(stem)
	if grant.IsWildcard() {
		end-- // grant's own stem does not count
	}
	for i := range end {
		if separates(text[i]) && g.hasWildcard(text[:i+1]) {
			return true
		}
	}
	return false
}

// hasWildcard looks for stem followed by a star, without building that text.
func (g Grants) hasWildcard(stem string) bool {
	_, found := slices.BinarySearchFunc(g.list, stem, func(grant Grant, stem string) int {
		if rest, ok := strings.CutPrefix(string(grant), stem); ok {
			return strings.Compare(rest, "*")
		}
		return strings.Compare(string(grant), stem)
	})
	return found
}
