package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
)

// Role is a named set of grants that a membership may hold (rule R2). A role without an organization is an
// application role: the host declares it at start-up, and it holds in every organization. An organization can
// make roles of its own; their slugs begin with "org-".
type Role struct {
	ID             RoleID         `json:"id"`                       // never changes
	Version        int64          `json:"version"`                  // counts changes from 1 (rule G11)
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // zero: an application role
	Slug           string         `json:"slug"`                     // never changes
	Name           string         `json:"name"`                     // the name that people see
	Description    string         `json:"description,omitempty"`    // the description that people see
	Extends        string         `json:"extends,omitempty"`        // the slug of its one parent
	Grants         []rbac.Grant   `json:"grants"`                   // the role's own grants, without those of its parents
	Priority       int            `json:"priority"`                 // the lowest is first (rule R4)
	Revision       int64          `json:"revision,omitempty"`       // the revision of the declaration that it comes from
	CreatedAt      time.Time      `json:"created_at,omitzero"`      // when it was created
	UpdatedAt      time.Time      `json:"updated_at,omitzero"`      // when it last changed, with Version
}

// RoleID is the id of a role, role_...
type RoleID = ID[Role]

func (Role) idPrefix() string { return "role" }

func (r Role) rowID() [16]byte { return r.ID }

func (r *Role) stamps() (*int64, *time.Time) { return &r.Version, &r.UpdatedAt }

func (r *Role) event(kind EventType) newEvent {
	return newEvent{kind: kind, organization: r.OrganizationID, subject: r.ID.String(), data: *r}
}

// value returns the role in the form that package rbac uses.
func (r Role) value() rbac.Role {
	return rbac.Role{
		Slug: r.Slug, Name: r.Name, Description: r.Description, Extends: r.Extends, Grants: r.Grants, Priority: r.Priority,
	}
}

// size returns the bytes of a role's texts and grants.
func (r Role) size() int {
	n := len(r.Slug) + len(r.Name) + len(r.Description) + len(r.Extends)
	for _, grant := range r.Grants {
		n += len(grant)
	}
	return n
}

// isBuiltin reports whether a role exists without a declaration (rule R3).
func isBuiltin(slug string) bool {
	_, ok := builtin.Get(slug)
	return ok
}

// Permission is a text that roles grant and the program checks. The host declares it first (rule R1).
type Permission struct {
	ID          PermissionID    `json:"-"`                     // never changes
	Version     int64           `json:"-"`                     // counts changes from 1 (rule G11)
	Slug        rbac.Permission `json:"slug"`                  // the text that checks use, such as "documents:read"
	Description string          `json:"description,omitempty"` // the description that people see
	Revision    int64           `json:"revision,omitempty"`    // the revision of the declaration that it comes from
	CreatedAt   time.Time       `json:"created_at,omitzero"`   // when it was created
	UpdatedAt   time.Time       `json:"updated_at,omitzero"`   // when it last changed, with Version
}

// PermissionID is the id of a permission, prm_...
type PermissionID = ID[Permission]

func (Permission) idPrefix() string { return "prm" }

func (p Permission) rowID() [16]byte { return p.ID }

func (p *Permission) stamps() (*int64, *time.Time) { return &p.Version, &p.UpdatedAt }

func (p *Permission) event(kind EventType) newEvent {
	return newEvent{kind: kind, subject: p.ID.String(), data: *p}
}

// Denial counts the calls that one actor was refused, by one method in one organization during one minute (rule
// A5). Denials are not events.
type Denial struct {
	ID      DenialID `json:"id"` // never changes
	Version int64    `json:"-"`  // counts changes from 1 (rule G11)
	// Actor is zero for all actors beyond the budget of [Events.Denials] together.
	Actor  Actor  `json:"actor"`
	Method string `json:"method"` // as in [Methods]; "" without an Actor
	// OrganizationID is zero where the calls named none, or one that does not exist.
	OrganizationID OrganizationID `json:"organization_id,omitzero"`
	Minute         time.Time      `json:"minute,omitzero"` // the beginning of the minute
	Count          int            `json:"count"`           // how many calls were refused in that minute
}

// DenialID is the id of a denial, den_...
type DenialID = ID[Denial]

func (Denial) idPrefix() string { return "den" }

func (d Denial) rowID() [16]byte { return d.ID }
