package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
)

// SetRoles replaces the roles that were chosen for a member by the given ones. Roles from other sources stay;
// [Member.Kept] of the result lists them (rule M10). A membership has at least one role: an empty list is
// [ErrInvalid] where no other source gives one. SetRoles overwrites what somebody else changes at the same
// time. To add or remove a single role, use [Memberships.AddRole] or [Memberships.RemoveRole].
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrUnknownRole], [ErrPendingMembership], [ErrLastOwner],
// [ErrWouldLockOut].
func (g Memberships) SetRoles(ctx context.Context, organization OrganizationID, user UserID, roles ...string) (Member, error) {
	return g.chooseRoles(ctx, membershipsSetRoles, organization, user, roles, func([]string) []string { return roles })
}

// AddRole adds one role to the roles that were chosen for a member (rule M10). It reads the member's roles
// under the lock, so two calls at the same time both take effect. If the member has the role from another
// source only, they then have it from both. If the role was already chosen, AddRole changes nothing.
//
// Errors: [ErrInvalid] with the field "roles" where the member would have too many; [ErrNotFound],
// [ErrUnknownRole], [ErrPendingMembership].
func (g Memberships) AddRole(ctx context.Context, organization OrganizationID, user UserID, role string) (Member, error) {
	return g.chooseRoles(ctx, membershipsAddRole, organization, user, []string{role}, func(chosen []string) []string {
		return append(chosen, role)
	})
}

// RemoveRole removes one role from the roles that were chosen for a member (rule M10). A role from another
// source stays; [Member.Kept] of the result lists it. If nobody chose the role, RemoveRole changes nothing. A
// membership has at least one role: to remove the last one is [ErrInvalid] with the field "roles".
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrPendingMembership], [ErrLastOwner], [ErrWouldLockOut].
func (g Memberships) RemoveRole(ctx context.Context, organization OrganizationID, user UserID, role string) (Member, error) {
	return g.chooseRoles(ctx, membershipsRemoveRole, organization, user, nil, func(chosen []string) []string {
		return slices.DeleteFunc(chosen, func(slug string) bool { return slug == role })
	})
}

// chooseRoles changes the roles that were chosen for a member. given are the roles that the change may add;
// their declarations must not change meanwhile.
func (g Memberships) chooseRoles(ctx context.Context, method *Method, organization OrganizationID, user UserID, given []string,
	choose func(chosen []string) []string,
) (Member, error) {
	return write(ctx, g.s, method, pairKey(organization, user), func(ctx context.Context, c *call) (Member, error) {
		if err := c.access().mayLock(ctx, scope{organization: organization, user: user}); err != nil {
			return Member{}, err
		}
		if err := c.roles().lockDeclared(ctx, given...); err != nil {
			return Member{}, err
		}
		m, err := c.members().lockMembership(ctx, organization, user)
		if err != nil {
			return Member{}, err
		}
		if err := c.members().mayTouch(ctx, m); err != nil {
			return Member{}, err
		}
		if m.Status == MembershipPending {
			return Member{}, &Error{Code: ErrPendingMembership}
		}
		all, err := c.roles().assignments(ctx, m.ID)
		if err != nil {
			return Member{}, err
		}
		want := choose(chosenRoles(all[m.ID]))
		if len(given) > 0 {
			if want, err = c.roles().check(ctx, organization, "roles", want, ""); err != nil {
				return Member{}, err
			}
		}
		return c.members().setRoles(ctx, m, all[m.ID], want)
	})
}

// chosenRoles returns the roles that were chosen by hand.
func chosenRoles(held []RoleAssignment) []string {
	var chosen []string
	for _, a := range held {
		if a.Source.chosen() {
			chosen = append(chosen, a.Role)
		}
	}
	return chosen
}

// setRoles replaces the chosen roles among those held by the wanted ones.
func (ms memberRules) setRoles(ctx context.Context, m Membership, held []RoleAssignment, want []string) (Member, error) {
	before, err := ms.c.roles().sortRoles(ctx, held)
	if err != nil {
		return Member{}, err
	}
	if err := ms.c.access().mayGive(ctx, m.OrganizationID, difference(before, want)...); err != nil {
		return Member{}, err
	}
	after, changed, err := ms.c.roles().setManual(ctx, m, slices.Clone(held), want)
	switch {
	case err != nil:
		return Member{}, err
	case len(after) == 0:
		return Member{}, invalid("roles", "would leave the member without a role")
	case !changed:
		return ms.view(ctx, m)
	}
	if !hasRole(after, rbac.Owner) {
		if err := ms.c.owners().keepsActor(ctx, m, held); err != nil {
			return Member{}, err
		}
	}
	err = ms.rolesChanged(ctx, &m, after, before)
	return ms.viewOr(ctx, m, err)
}
