package rbac

import (
	"slices"
	"strings"
)

// The slugs of the built-in roles (rule R3).
const (
	// Owner holds all permissions. An organization that has an owner always keeps one (rule M7).
	Owner = "owner"
	// Admin holds all permissions of the host and runs the organization, but can neither delete it nor transfer
	// its ownership.
	Admin = "admin"
	// Member is the default role. It holds what the host grants to it.
	Member = "member"
	// Guest is for people from outside. It holds what the host grants to it.
	Guest = "guest"
)

// organizationPrefix is the beginning of the slugs of organization roles (rule R2).
const organizationPrefix = "org-"

// Role holds its own grants and those of its parent (rule R2). It is a plain value; [NewRoles] checks it.
type Role struct {
	// Slug is the role's immutable key; see [CheckSlug].
	Slug string
	// Name and Description are for people; the package does not read them.
	Name, Description string
	// Extends is the slug of the parent, whose grants this role also has, or "".
	Extends string
	// Grants are the role's own grants, as they were written.
	Grants []Grant
	// Priority orders roles, lowest first; roles of equal priority are ordered by slug (rule R4).
	Priority int
}

// CheckSlug returns [ErrInvalidSlug] if slug is not 1 to 64 of a-z, 0-9, _ and - (rule R2).
func CheckSlug(slug string) error {
	if slug == "" || len(slug) > maxLen || strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return &Error{ErrInvalidSlug, slug}
	}
	return nil
}

// IsOrganizationSlug reports whether slug is of an organization's own role. Such slugs begin with org-; slugs
// of application roles never do (rule R2).
func IsOrganizationSlug(slug string) bool { return strings.HasPrefix(slug, organizationPrefix) }

// check makes the checks that need only this role.
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

// clone copies the grants, so that a later write by the caller does not change the role.
func (r Role) clone() Role {
	r.Grants = slices.Clone(r.Grants)
	return r
}

// Builtin returns the roles that exist before a host declares any (rule R3): owner, admin, member and guest.
// Their priorities rise in that order, by a hundred each. The caller may change the slice and its grants.
func Builtin() []Role {
	return []Role{
		{Slug: Owner, Name: "Owner", Priority: 100, Grants: []Grant{everything, reserved + "*"}},
		{Slug: Admin, Name: "Admin", Priority: 200, Grants: adminGrants()},
		{Slug: Member, Name: "Member", Priority: 300},
		{Slug: Guest, Name: "Guest", Priority: 400},
	}
}

// adminGrants names each management permission and does not use the wildcard, so that an admin's grants do not
// cover an owner's.
func adminGrants() []Grant {
	grants := []Grant{everything}
	for _, p := range Management() {
		if !slices.Contains([]Permission{DeleteOrganization, TransferOwnership}, p) {
			grants = append(grants, p)
		}
	}
	return grants
}
