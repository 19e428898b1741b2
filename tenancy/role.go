package tenancy

import (
	"time"

	"github.com/freehold-dev/freehold/rbac"
)

// Role is a named set of grants that a membership may hold (rule R2). One without an
// organization is an application role, which holds in every organization and is
// declared by the host at start-up; an organization's own role has a slug that
// begins with "org-".
type Role struct {
	ID             RoleID         `json:"id"`                       // never changes
	Version        int64          `json:"version"`                  // counts changes from 1 (rule G11)
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // zero: an application role
	Slug           string         `json:"slug"`                     // never changes
	Name           string         `json:"name"`                     // for people
	Description    string         `json:"description,omitempty"`    // for people
	Extends        string         `json:"extends,omitempty"`        // the slug of its one parent
	Grants         []rbac.Grant   `json:"grants"`                   // its own, without its parents'
	Priority       int            `json:"priority"`                 // lowest first (rule R4)
	Revision       int64          `json:"revision,omitempty"`       // of the declaration that it comes from
	CreatedAt      time.Time      `json:"created_at,omitzero"`      // when it was made
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

// value is the role as package rbac knows it.
func (r Role) value() rbac.Role {
	return rbac.Role{
		Slug: r.Slug, Name: r.Name, Description: r.Description, Extends: r.Extends, Grants: r.Grants, Priority: r.Priority,
	}
}

// size is the bytes of a role's texts and grants.
func (r Role) size() int {
	n := len(r.Slug) + len(r.Name) + len(r.Description) + len(r.Extends)
	for _, grant := range r.Grants {
		n += len(grant)
	}
	return n
}

// isBuiltin reports whether a role is there without being declared (rule R3).
func isBuiltin(slug string) bool {
	_, ok := builtin.Get(slug)
	return ok
}

// Permission is something that can be granted and checked, once the host has
// declared it (rule R1).
type Permission struct {
	ID          PermissionID    `json:"-"`                     // never changes
	Version     int64           `json:"-"`                     // counts changes from 1 (rule G11)
	Slug        rbac.Permission `json:"slug"`                  // what checks name, such as "documents:read"
	Description string          `json:"description,omitempty"` // for people
	Revision    int64           `json:"revision,omitempty"`    // of the declaration that it comes from
	CreatedAt   time.Time       `json:"created_at,omitzero"`   // when it was made
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

// Denial counts what one actor was refused by one method in one organization during
// one minute (rule A5). Denials are no events.
type Denial struct {
	ID             DenialID       `json:"id"`                       // never changes
	Version        int64          `json:"-"`                        // counts changes from 1 (rule G11)
	Actor          Actor          `json:"actor"`                    // zero: actors beyond the budget of [Events.Denials]
	Method         string         `json:"method"`                   // as in [Methods]; "" without an Actor
	OrganizationID OrganizationID `json:"organization_id,omitzero"` // zero: none was named, or none that exists
	Minute         time.Time      `json:"minute,omitzero"`          // its beginning
	Count          int            `json:"count"`                    // how many calls were refused in it
}

// DenialID is the id of a denial, den_...
type DenialID = ID[Denial]

func (Denial) idPrefix() string { return "den" }

func (d Denial) rowID() [16]byte { return d.ID }
