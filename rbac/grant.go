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
//
// Grant is another name for [Permission], so that a program's own constants and wildcards
// stand in one list without a conversion:
//
//	const ReadDocuments rbac.Permission = "documents:read"
//
//	Grants: []rbac.Grant{ReadDocuments, "pages:*"}
//
// Where a permission is checked, a wildcard is [ErrInvalidPermission].
type Grant = Permission

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

// Covers reports whether g gives all that other gives. A permission is compared by its name, and a wildcard
// as it is written, whatever is declared (rule R6): only a wildcard covers a wildcard. Covers is a partial
// order: what covers a grant covers each permission that the grant covers.
//
// The star of other is read as one more letter: no permission equals such a text, and
// only a stem that is other's own or ends before it is the beginning of one.
func (g Grant) Covers(other Grant) bool {
	if g == everything {
		return !other.IsManagement()
	}
	if stem, wildcard := strings.CutSuffix(string(g), "*"); wildcard {
		return strings.HasPrefix(string(other), stem)
	}
	return g == other
}

func separates(c byte) bool { return c == ':' || c == '.' }
