package rbac

import "strings"

// maxLen bounds permissions, grants and slugs, in bytes (rules R1 and R2).
const maxLen = 64

// reserved is the prefix of the management permissions (rule R1).
const reserved = "tenancy:"

// Permission is what a program checks: 1 to 64 ASCII letters, digits and _ - : . (rule R1). It is exact and
// case-sensitive. Both orders work (documents:read, read:documents): its parts only matter for where a wildcard
// ends.
type Permission string

// ParsePermission returns s as a Permission, or [ErrInvalidPermission]. It does not check whether the
// permission is declared; a [Registry] does.
func ParsePermission(s string) (Permission, error) {
	if !spelled(s) {
		return "", &Error{ErrInvalidPermission, s}
	}
	return Permission(s), nil
}

// IsManagement reports whether p is one of Freehold's own permissions, under tenancy: (rule R1). Hosts cannot
// declare such a name.
func (p Permission) IsManagement() bool { return strings.HasPrefix(string(p), reserved) }

// Writes reports whether p is a management permission that changes something. All except those that end in
// :read do. So a permission that this version does not know counts as one that writes.
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
