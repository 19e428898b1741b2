package rbac

import (
	"slices"
	"strings"
)

// The slugs of the built-in roles (rule R3).
const (
	// Owner holds everything. An organization that has one keeps one (rule M7).
	Owner = "owner"
	// Admin holds everything of the host's and runs the organization, but can
	// neither delete it nor hand on its ownership.
	Admin = "admin"
	// Member is the default role; it holds what the host grants it.
	Member = "member"
	// Guest is for people from outside; it holds what the host grants it.
	Guest = "guest"
)

// organizationPrefix sets organization roles apart (rule R2).
const organizationPrefix = "org-"

// Role carries grants, by itself and through its parent (rule R2). It is a plain
// value; [NewRoles] checks it.
type Role struct {
	// Slug is the role's immutable key; see [CheckSlug].
	Slug string
	// Name and Description are for people; the package does not look at them.
	Name, Description string
	// Extends is the slug of the one role whose grants this one has as well, or "".
	Extends string
	// Grants are the role's own, as they were written.
	Grants []Grant
	// Priority orders roles, lowest first; equal ones go by slug (rule R4).
	Priority int
}

// CheckSlug returns [ErrInvalidSlug] for what is not 1 to 64 of a-z, 0-9, _
// and - (rule R2).
func CheckSlug(slug string) error {
	if slug == "" || len(slug) > maxLen || strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return &Error{ErrInvalidSlug, slug}
	}
	return nil
}

// IsOrganizationSlug reports whether slug belongs to an organization's own role,
// which starts with org-; application roles never do (rule R2).
func IsOrganizationSlug(slug string) bool { return strings.HasPrefix(slug, organizationPrefix) }

// check looks at what can be said of one role alone.
func (r Role) check() error {
	if err := CheckSlug(r.Slug); err != nil {
		return err
	}
	if r.Extends != "" && IsOrganizationSlug(r.Extends) && !IsOrganizationSlug(r.Slug) {
		return &Error{ErrForeignParent, r.Slug}
	}
	for _, g := range r.Grants {
		if _, err := ParseGrant(string(g)); err != nil {
			return err
		}
	}
	return nil
}

// clone keeps the caller's later writes to its slice out.
func (r Role) clone() Role {
	r.Grants = slices.Clone(r.Grants)
	return r
}

// Builtin returns the roles that are there before a host declares any (rule R3):
// owner, admin, member and guest, in that order of priority, a hundred apart.
// The slice and the grants in it are the caller's to change.
func Builtin() []Role {
	return []Role{
		{Slug: Owner, Name: "Owner", Priority: 100, Grants: []Grant{everything, reserved + "*"}},
		{Slug: Admin, Name: "Admin", Priority: 200, Grants: adminGrants()},
		{Slug: Member, Name: "Member", Priority: 300},
		{Slug: Guest, Name: "Guest", Priority: 400},
	}
}

// adminGrants names each management permission instead of the wildcard: so an
// admin's grants do not cover an owner's.
func adminGrants() []Grant {
	grants := []Grant{everything}
	for _, p := range Management() {
		if !slices.Contains([]Permission{DeleteOrganization, TransferOwnership}, p) {
			grants = append(grants, p)
		}
	}
	return grants
}
