package rbac

import "strconv"

// Reason says what is wrong, as a value to compare with: errors.Is(err,
// rbac.ErrUnknownPermission). The list is closed and the texts are stable.
type Reason string

const (
	// ErrInvalidPermission: not 1 to 64 letters, digits and _ - : . (rule R1); a wildcard is no permission.
	ErrInvalidPermission Reason = "invalid_permission"
	// ErrInvalidGrant: neither a permission nor *, nor one that ends in * after : or . (rule R1).
	ErrInvalidGrant Reason = "invalid_grant"
	// ErrInvalidSlug: not 1 to 64 of a-z, 0-9, _ and - (rule R2).
	ErrInvalidSlug Reason = "invalid_slug"
	// ErrReservedPermission: a declaration under tenancy:, which is not the host's.
	ErrReservedPermission Reason = "reserved_permission"
	// ErrUnknownPermission: granted or checked, but never declared.
	ErrUnknownPermission Reason = "unknown_permission"
	// ErrUnknownRole: named, or extended, but not among the roles.
	ErrUnknownRole Reason = "unknown_role"
	// ErrDuplicateRole: two roles of one slug.
	ErrDuplicateRole Reason = "duplicate_role"
	// ErrForeignParent: an application role that extends an organization's.
	ErrForeignParent Reason = "foreign_parent"
	// ErrCycle: a chain of parents that comes back on itself.
	ErrCycle Reason = "role_cycle"
	// ErrTooDeep: more parents above one another than allowed.
	ErrTooDeep Reason = "role_too_deep"
	// ErrNotAutomatic: a grant that a person has to choose to give (rule R3).
	ErrNotAutomatic Reason = "not_automatic"
)

// Error makes a Reason a sentinel error.
func (r Reason) Error() string { return string(r) }

// Error is the error of everything in this package.
type Error struct {
	// Reason is always set.
	Reason Reason
	// Subject is the permission, grant or role at fault, as it was given.
	Subject string
}

// Error is one line: `unknown_permission "documents:write"`.
func (e *Error) Error() string { return string(e.Reason) + " " + strconv.Quote(e.Subject) }

// Is makes errors.Is(err, reason) work.
func (e *Error) Is(target error) bool {
	reason, ok := target.(Reason)
	return ok && reason == e.Reason
}
