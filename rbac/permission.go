package rbac

import "strings"

// maxLen bounds permissions, grants and slugs, in bytes (rules R1 and R2).
const maxLen = 64

// reserved is where the management permissions live (rule R1).
const reserved = "tenancy:"

// Permission is what a program checks: 1 to 64 letters, digits and _ - : . in
// ASCII, exact and case-sensitive (rule R1). Both orders are fine
// (documents:read, read:documents); the package gives its parts no meaning but
// where a wildcard ends.
type Permission string

// ParsePermission returns s as a Permission, or [ErrInvalidPermission]. It does
// not say whether the permission is declared; a [Registry] does.
func ParsePermission(s string) (Permission, error) {
	if !spelled(s) {
		return "", &Error{ErrInvalidPermission, s}
	}
	return Permission(s), nil
}

// IsManagement reports whether p is one of Freehold's own, under tenancy: (rule
// R1). Hosts cannot declare such a name.
func (p Permission) IsManagement() bool { return strings.HasPrefix(string(p), reserved) }

// Writes reports whether p is a management permission that changes something.
// All do but those that end in :read, so that one this version does not know
// counts as writing.
func (p Permission) Writes() bool {
	return p.IsManagement() && !strings.HasSuffix(string(p), ":read")
}

func spelled(s string) bool {
	if s == "" || len(s) > maxLen {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '_' && c != '-' && c != ':' && c != '.' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
