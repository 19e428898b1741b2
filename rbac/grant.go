package rbac

import "strings"

// everything is the grant of all permissions of the host.
const everything Grant = "*"

// Grant is what a role holds (rule R1): a permission, a wildcard, or * alone. A wildcard is the beginning of
// permissions up to a : or . with a * in place of the rest. A grant has at most 64 bytes.
//
// A wildcard also covers permissions that are declared later. * covers all permissions of the host, and none
// under tenancy:, which has the wildcard tenancy:*.
//
// Grant is another name for [Permission], so one list can contain constants of the program and wildcards
// without a conversion:
//
//	const ReadDocuments rbac.Permission = "documents:read"
//
//	Grants: []rbac.Grant{ReadDocuments, "pages:*"}
//
// A check of a wildcard returns [ErrInvalidPermission].
type Grant = Permission

// ParseGrant returns s as a Grant, or [ErrInvalidGrant]. It does not check whether the permission is declared;
// [Compile] does.
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

// Covers reports whether g gives everything that other gives. It compares a permission by name, and a wildcard
// as it is written, whatever is declared (rule R6): only a wildcard covers a wildcard. Covers is a partial
// order: if g covers other and other covers a permission, then g covers that permission.
//
// The code reads the star in other as one more letter. No permission equals such a text. Only a stem that
// equals other's stem, or is the beginning of it, is a prefix of that text.
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
