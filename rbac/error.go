package rbac

import "strconv"

// Reason says what is wrong. Compare with errors.Is(err, rbac.ErrUnknownPermission). The list is complete and
// the texts are stable.
type Reason string

const (
	// ErrInvalidPermission: the text is not 1 to 64 letters, digits and _ - : . (rule R1); a wildcard is no
	// permission.
	ErrInvalidPermission Reason = "invalid_permission"
	// ErrInvalidGrant: the text is neither a permission nor *, nor a wildcard that ends in * after : or . (rule
	// R1).
	ErrInvalidGrant Reason = "invalid_grant"
	// ErrInvalidSlug: the text is not 1 to 64 of a-z, 0-9, _ and - (rule R2).
	ErrInvalidSlug Reason = "invalid_slug"
	// ErrReservedPermission: the host declared a permission under tenancy:, which is reserved for Freehold.
	ErrReservedPermission Reason = "reserved_permission"
	// ErrUnknownPermission: a permission is granted or checked, but was never declared.
	ErrUnknownPermission Reason = "unknown_permission"
	// ErrUnknownRole: a role is named or extended, but does not exist.
	ErrUnknownRole Reason = "unknown_role"
	// ErrDuplicateRole: two roles have the same slug.
	ErrDuplicateRole Reason = "duplicate_role"
	// ErrForeignParent: an application role extends an organization's role.
	ErrForeignParent Reason = "foreign_parent"
	// ErrCycle: a role extends itself, directly or through its parents.
	ErrCycle Reason = "role_cycle"
	// ErrTooDeep: a role has more parents above it than allowed.
	ErrTooDeep Reason = "role_too_deep"
	// ErrNotAutomatic: the role has a grant that only a person may give (rule R3).
	ErrNotAutomatic Reason = "not_automatic"
)

// Error makes a Reason a sentinel error.
func (r Reason) Error() string { return string(r) }

// Error is the type of all errors of this package.
type Error struct {
	// Reason is always set.
	Reason Reason
	// Subject is the wrong permission, grant or role, as the caller gave it.
	Subject string
}

// Error returns one line: `unknown_permission "documents:write"`.
func (e *Error) Error() string { return string(e.Reason) + " " + strconv.Quote(e.Subject) }

// Is makes errors.Is(err, reason) work.
func (e *Error) Is(target error) bool {
	reason, ok := target.(Reason)
	return ok && reason == e.Reason
}
