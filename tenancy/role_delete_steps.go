package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// holders reads the members who hold the role. If they are too many for one transaction, it counts them.
func (d *roleDeletion) holders(ctx context.Context, holding roleAssignmentFilter) (err error) {
	d.held = nil
	if d.members, err = d.c.tx.RoleAssignments().Count(ctx, holding); err != nil {
		return err
	}
	if err := d.c.organizations().notTooMany("memberships", d.members); err != nil {
		return err
	}
	if d.large = d.inSteps && d.members > changeStep; d.large {
		return nil
	}
	if d.held, err = collect(ctx, d.c.tx.RoleAssignments(), holding); err != nil {
		return err
	}
	members := map[MembershipID]bool{}
	for _, a := range d.held {
		members[a.MembershipID] = true
	}
	d.members = len(members)
	return nil
}

// moveInSteps moves members and then invitations, each step in a transaction of its own.
func (g Roles) moveInSteps(ctx context.Context, d roleDeletion, invitations []Invitation) error {
	holding := roleAssignmentFilter{Role: typed.Of(d.slug)}
	if !d.organization.IsZero() {
		holding.OrganizationID = typed.Of(d.organization)
	}
	step := func(do func(ctx context.Context, part *roleDeletion) error) error {
		return exec(ctx, g.s, rolesDelete, d.slug, func(ctx context.Context, c *call) error {
			part := d
			part.c = c
			return do(ctx, &part)
		})
	}
	held, err := g.s.gave(ctx, rolesDelete, d.slug, d.organization, holding)
	if err != nil {
		return err
	}
	err = inSteps(held, func(some []RoleAssignmentID) error {
		return step(func(ctx context.Context, part *roleDeletion) error { return part.moveSome(ctx, some) })
	})
	if err != nil {
		return err
	}
	return inSteps(invitations, func(some []Invitation) error {
		return step(func(ctx context.Context, part *roleDeletion) error { return part.inviteSome(ctx, some) })
	})
}

// goOn takes the locks of a step, and repeats the checks of the first transaction about the actor and the two
// roles.
func (d *roleDeletion) goOn(ctx context.Context, organizations []OrganizationID) error {
	if err := d.mayLock(ctx); err != nil {
		return err
	}
	locks := []store.LockKey{lockRoles()}
	if !d.organization.IsZero() {
		organizations = []OrganizationID{d.organization}
	}
	for _, id := range organizations {
		locks = append(locks, lockOrganization(id))
	}
	if err := d.c.lock(ctx, locks...); err != nil {
		return err
	}
	if err := d.c.access().authorize(ctx, scope{organization: d.organization}); err != nil {
		return err
	}
	if err := d.findRole(ctx); err != nil {
		return err
	}
	return d.mayReplace(ctx)
}

// moveSome moves some of the members who hold the role.
func (d *roleDeletion) moveSome(ctx context.Context, ids []RoleAssignmentID) (err error) {
	some := roleAssignmentFilter{ID: typed.Of(ids...), Role: typed.Of(d.slug)}
	var organizations []OrganizationID
	if d.organization.IsZero() {
		found, err := collect(ctx, d.c.tx.RoleAssignments(), some)
		if err != nil {
			return err
		}
		for _, a := range found {
			organizations = append(organizations, a.OrganizationID)
		}
	}
	if err := d.goOn(ctx, organizations); err != nil {
		return err
	}
	if d.held, err = collect(ctx, d.c.tx.RoleAssignments(), some); err != nil {
		return err
	}
	return d.moveMembers(ctx)
}

// inviteSome moves some of the invitations that give the role.
func (d *roleDeletion) inviteSome(ctx context.Context, some []Invitation) (err error) {
	ids, organizations := make([]InvitationID, len(some)), make([]OrganizationID, len(some))
	for i, inv := range some {
		ids[i], organizations[i] = inv.ID, inv.OrganizationID
	}
	if err := d.goOn(ctx, organizations); err != nil {
		return err
	}
	found, err := collect(ctx, d.c.tx.Invitations(), invitationFilter{ID: typed.Of(ids...), State: typed.Of(InvitationPending)})
	if err != nil {
		return err
	}
	d.invitations = slices.DeleteFunc(found, func(inv Invitation) bool { return !slices.Contains(inv.Roles, d.slug) })
	return d.moveInvitations(ctx)
}
