package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/rbac"
)

// EffectiveRole is a role with everything that it gives, including the grants of its parents (rule R7).
type EffectiveRole struct {
	Role Role `json:"role"` // the role itself
	// Parents are the slugs of the role's parent, of that one's parent, and so on; empty if it extends no role.
	Parents []string `json:"parents"`
	// Grants are the role's own grants, then those of each parent, as they were written. A grant that a nearer
	// role has already is left out.
	Grants []EffectiveGrant `json:"grants"`
	// Permissions are the declared permissions that the grants give at present.
	Permissions []rbac.Permission `json:"permissions"`
}

// EffectiveGrant is a grant, and the role that has it.
type EffectiveGrant struct {
	Grant rbac.Grant `json:"grant"` // the grant as it was written
	Role  string     `json:"role"`  // the slug of the role itself, or of one of its parents
}

// HolderPage is a page of the members who hold a role.
type HolderPage struct {
	Items []Member `json:"items"`          // members who hold it
	Next  string   `json:"next,omitempty"` // Cursor of the next page; "" = there is none
	// Holders is how many active members hold the role, on all pages together. It is exact up to 1,000; beyond
	// that it is 1,000 and More is true.
	Holders int  `json:"holders"`
	More    bool `json:"more"` // more members than Holders hold it
}

// maxHolders is how far the members who hold a role are counted.
const maxHolders = 1000

// Effective returns a role that holds in an organization, with its inherited grants and the permissions that
// result (rule R7).
//
// Errors: [ErrNotFound] for the organization; [ErrUnknownRole].
func (g Roles) Effective(ctx context.Context, organization OrganizationID, slug string) (EffectiveRole, error) {
	return read(ctx, g.s, rolesEffective, slug, func(ctx context.Context, c *call) (EffectiveRole, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return EffectiveRole{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return EffectiveRole{}, err
		}
		return c.roles().effective(ctx, organization, slug)
	})
}

func (rr roleRules) effective(ctx context.Context, id OrganizationID, slug string) (EffectiveRole, error) {
	role, err := rr.role(ctx, id, slug)
	if err != nil {
		return EffectiveRole{}, err
	}
	declared, err := rr.declarations(ctx)
	if err != nil {
		return EffectiveRole{}, err
	}
	roles, err := rr.rolesNamed(ctx, id, slug)
	if err != nil {
		return EffectiveRole{}, err
	}
	p, err := newProfile(declared, roles, []string{slug})
	if err != nil {
		return EffectiveRole{}, err
	}
	result := EffectiveRole{Role: role, Permissions: p.set.Permissions()}
	has := map[rbac.Grant]bool{}
	for at, there := roles.Get(slug); there; at, there = roles.Get(at.Extends) {
		if at.Slug != slug {
			result.Parents = append(result.Parents, at.Slug)
		}
		for _, grant := range at.Grants {
			if !has[grant] {
				has[grant] = true
				result.Grants = append(result.Grants, EffectiveGrant{grant, at.Slug})
			}
		}
	}
	return result, nil
}

// Holders returns a page of the active members who hold a role directly, from any source, in the order in which
// they got it, and counts them (rule R7). It leaves out members who hold only a role that extends it; for all
// members with a permission see [Service.MembersWith]. Of q, only Descending, Limit and Cursor may be set.
//
// Errors: [ErrNotFound] for the organization; [ErrUnknownRole]; [ErrInvalid], [ErrInvalidCursor].
func (g Roles) Holders(ctx context.Context, organization OrganizationID, slug string, q MemberQuery) (HolderPage, error) {
	return read(ctx, g.s, rolesHolders, slug, func(ctx context.Context, c *call) (HolderPage, error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return HolderPage{}, err
		}
		if !q.isPage() {
			return HolderPage{}, invalid("query", "has more than a page")
		}
		org, err := c.tx.Organizations().Get(ctx, organization)
		if err != nil {
			return HolderPage{}, err
		}
		if _, err := c.roles().role(ctx, organization, slug); err != nil {
			return HolderPage{}, err
		}
		members, err := c.access().membersHolding(ctx, org, []string{slug}, q, "holders", organization, slug)
		if err != nil {
			return HolderPage{}, err
		}
		page := HolderPage{Items: members.Items, Next: members.Next}
		page.Holders, page.More, err = c.roles().countHolders(ctx, organization, slug)
		return page, err
	})
}

// countHolders counts the active members who hold a role, up to maxHolders. A member may have the role from
// several sources, so it reads their assignments and counts each member once.
func (rr roleRules) countHolders(ctx context.Context, id OrganizationID, slug string) (n int, more bool, err error) {
	active := MemberQuery{Roles: []string{slug}, Statuses: []MembershipStatus{MembershipActive}}
	ids, more, err := rr.c.members().holders(ctx, id, active, maxHolders)
	return len(ids), more, err
}

// isPage reports whether a query sets only its page.
func (q MemberQuery) isPage() bool {
	return q.Statuses == nil && q.Roles == nil && q.Search == "" && q.NamePrefix == "" && q.EmailPrefix == "" && q.Order == ByID
}
