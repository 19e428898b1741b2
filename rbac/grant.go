package rbac

import "strings"

// everything is the grant of all that is the host's.
const everything Grant = "*"

// Grant is what a role holds (rule R1): a permission; a wildcard, which is the
// beginning of permissions up to a : or . with a * in place of the rest; or *
// alone. At most 64 bytes.
//
// A wildcard covers what is declared later, too. * covers whatever is the
// host's and nothing under tenancy:, for which the wildcard is tenancy:*.
type Grant string

// ParseGrant returns s as a Grant, or [ErrInvalidGrant]. Whether the permission
// in it is declared is told by [Compile].
func ParseGrant(s string) (Grant, error) {
	stem, wildcard := strings.CutSuffix(s, "*")
	if wildcard && stem == "" {
		return everything, nil
	}
	if len(s) > maxLen || !spelled(stem) || wildcard && !separates(stem[len(stem)-1]) {
		return "", &Error{ErrInvalidGrant, s}
	}
	return Grant(s), nil
}

// IsWildcard reports whether g ends in *.
func (g Grant) IsWildcard() bool { return strings.HasSuffix(string(g), "*") }

// Covers reports whether g gives p.
func (g Grant) Covers(p Permission) bool {
	if g == everything {
		return !p.IsManagement()
	}
	if stem, wildcard := strings.CutSuffix(string(g), "*"); wildcard {
		return strings.HasPrefix(string(p), stem)
	}
	return string(g) == string(p)
}

// CoversGrant reports whether g gives all that h gives, compared as written
// (rule R6): only a wildcard covers a wildcard, whatever is declared. It is a
// partial order, and implies that g gives every permission that h gives.
//
// It reads h's star as one more letter: no permission equals such a text, and
// only a stem that is h's own or ends before it is the beginning of one.
func (g Grant) CoversGrant(h Grant) bool { return g.Covers(Permission(h)) }

func separates(c byte) bool { return c == ':' || c == '.' }
