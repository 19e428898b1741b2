package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
)

// SetRoles makes the roles that somebody chose for a member be exactly these; those
// from other sources stay, and [Member.Kept] of the result tells them (rule M10). A
// membership has at least one role, so naming none, where no other source gives one, is
// [ErrInvalid]. To add one role or to take one away use [Memberships.AddRole] and
// [Memberships.RemoveRole]: what somebody else changes meanwhile is lost with SetRoles.
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrUnknownRole], [ErrPendingMembership],
// [ErrLastOwner], [ErrWouldLockOut].
func (g Memberships) SetRoles(ctx context.Context, organization OrganizationID, user UserID, roles ...string) (Member, error) {
	return g.chooseRoles(ctx, membershipsSetRoles, organization, user, roles, func([]string) []string { return roles })
}

// AddRole chooses one more role for a member (rule M10). It reads what they have under the
// lock, so two at once both count. A role that they have from another source only they
// then have from both; one that was chosen already changes nothing.
//
// Errors: [ErrInvalid] with the field "roles" where it is one too many; [ErrNotFound],
// [ErrUnknownRole], [ErrPendingMembership].
func (g Memberships) AddRole(ctx context.Context, organization OrganizationID, user UserID, role string) (Member, error) {
	return g.chooseRoles(ctx, membershipsAddRole, organization, user, []string{role}, func(chosen []string) []string {
		return append(chosen, role)
	})
}

// RemoveRole takes one role that somebody chose away from a member (rule M10). What another
// source gives stays, and [Member.Kept] of the result tells it; a role that nobody chose
// changes nothing. A membership has at least one role: taking the last is [ErrInvalid] with
// the field "roles".
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrPendingMembership], [ErrLastOwner],
// [ErrWouldLockOut].
func (g Memberships) RemoveRole(ctx context.Context, organization OrganizationID, user UserID, role string) (Member, error) {
	return g.chooseRoles(ctx, membershipsRemoveRole, organization, user, nil, func(chosen []string) []string {
		return slices.DeleteFunc(chosen, func(slug string) bool { return slug == role })
	})
}

// chooseRoles changes the roles that were chosen for a member. given are those that may
// come to them, whose declarations have to stay.
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

// chosenRoles are the roles that somebody chose.
func chosenRoles(held []RoleAssignment) []string {
	var chosen []string
	for _, a := range held {
		if a.Source.chosen() {
			chosen = append(chosen, a.Role)
		}
	}
	return chosen
}

// setRoles makes the chosen ones of the roles held be those given.
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
