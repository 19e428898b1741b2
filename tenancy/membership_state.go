package tenancy

import (
	"cmp"
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// Deactivate takes away a member's access and keeps the roles (rules M4, M16). It ends the member's sessions in
// the organization, revokes a pending invitation to their address, and removes their exemption from the policy.
// Until the member is active again, no other account gets in with an address that this member had proved,
// unless somebody in the organization lets it in (rule M5). On an inactive member it changes nothing and writes
// no event.
//
// Errors: [ErrNotFound], [ErrPendingMembership], [ErrLastOwner].
func (g Memberships) Deactivate(ctx context.Context, organization OrganizationID, user UserID) (Member, error) {
	return write(ctx, g.s, membershipsDeactivate, pairKey(organization, user), func(ctx context.Context, c *call) (Member, error) {
		m, err := c.members().lockMembership(ctx, organization, user)
		if err != nil {
			return Member{}, err
		}
		if err := c.members().mayTouch(ctx, m); err != nil {
			return Member{}, err
		}
		switch m.Status {
		case MembershipPending:
			return Member{}, &Error{Code: ErrPendingMembership}
		case MembershipActive:
			held, err := c.roles().assignments(ctx, m.ID)
			if err != nil {
				return Member{}, err
			}
			if err := c.owners().keepsActor(ctx, m, held[m.ID]); err != nil {
				return Member{}, err
			}
			if m, err = c.members().deactivate(ctx, m, held[m.ID]); err != nil {
				return Member{}, err
			}
		}
		return c.members().view(ctx, m)
	})
}

// Reactivate gives an inactive member the access and the roles back (rule M5). On an active member it changes
// nothing and writes no event.
//
// Errors: [ErrNotFound], [ErrMerged], [ErrPendingMembership], [ErrSeatLimit], [ErrAlreadyMemberElsewhere],
// [ErrJoinRefused].
func (g Memberships) Reactivate(ctx context.Context, organization OrganizationID, user UserID) (Member, error) {
	return write(ctx, g.s, membershipsReactivate, pairKey(organization, user), func(ctx context.Context, c *call) (Member, error) {
		m, err := c.members().lockMembership(ctx, organization, user)
		if err != nil {
			return Member{}, err
		}
		if err := c.members().mayTouch(ctx, m); err != nil {
			return Member{}, err
		}
		switch m.Status {
		case MembershipActive:
			return c.members().view(ctx, m)
		case MembershipPending:
			return Member{}, &Error{Code: ErrPendingMembership} // also where the invitation has expired
		}
		org, err := c.tx.Organizations().Get(ctx, organization)
		if err != nil {
			return Member{}, err
		}
		return c.joining().join(ctx, entrant{host: true, organization: org, userID: user, via: m.JoinedVia})
	})
}

// Remove deletes a membership in any status, with its roles and its exemption from the policy. It ends the
// user's sessions, invitation and join request there (rules M6, M16, S2). The event contains the membership as
// it was. For an active or inactive member Remove also keeps a record of the removal: see [Removal].
//
// Remove also works on a user who had left and is not a member. It turns the record of leaving into one of a
// removal, so that a join code or a join request does not let the user in again either. It ends their
// invitation and join request, and writes an event. On a user who is already recorded as removed, it changes
// nothing and writes no event.
//
// Errors: [ErrNotFound], [ErrLastOwner]; [ErrReferenced] where a row of the host refers to the membership.
func (g Memberships) Remove(ctx context.Context, organization OrganizationID, user UserID) error {
	return g.remove(ctx, membershipsRemove, organization, user, false)
}

// Leave removes a member at their own wish, and its event says so (rule M6). Their domain and single sign-on do
// not bring them back; a join code or an approved join request lets them in again. On a bound Service an
// inactive member cannot leave: they could otherwise rejoin by a way that does not reactivate inactive members
// (rule M5).
//
// Errors: as for Remove; [ErrMembershipInactive] on a bound Service.
func (g Memberships) Leave(ctx context.Context, organization OrganizationID, user UserID) error {
	return g.remove(ctx, membershipsLeave, organization, user, true)
}

func (g Memberships) remove(ctx context.Context, method *Method, organization OrganizationID, user UserID, left bool) error {
	return exec(ctx, g.s, method, pairKey(organization, user), func(ctx context.Context, c *call) error {
		m, err := c.members().lockMembership(ctx, organization, user)
		if isNoMember(err) && !left {
			return c.removals().bindLeft(ctx, organization, user, err)
		}
		if err != nil {
			return err
		}
		if err := c.members().mayTouch(ctx, m); err != nil {
			return err
		}
		if left && c.service.principal != nil && m.Status == MembershipInactive {
			return &Error{Code: ErrMembershipInactive}
		}
		held, err := c.roles().assignments(ctx, m.ID)
		if err != nil {
			return err
		}
		roles, err := c.roles().sortRoles(ctx, held[m.ID])
		if err != nil {
			return err
		}
		if err := c.owners().keepsActor(ctx, m, held[m.ID]); err != nil {
			return err
		}
		if err := c.sessions().endSessions(ctx, sessionFilter{MembershipID: typed.Of(m.ID)}, EndedRemoved); err != nil {
			return err
		}
		if err := c.policies().dropExemptions(ctx, organization, user); err != nil {
			return err
		}
		if err := c.members().drop(ctx, m); err != nil {
			return err
		}
		if err := c.invitations().revokePendingWith(ctx, m); err != nil {
			return err
		}
		if err := c.joining().settleRequests(ctx, user, JoinRequestCanceled, organization); err != nil {
			return err
		}
		var removal *Removal
		switch {
		case m.Status != MembershipPending:
			removal, err = c.removals().remember(ctx, m, left)
		case !left: // a user who had left and was invited again
			_, _, err = c.removals().bind(ctx, organization, user)
		}
		if err != nil {
			return err
		}
		n := m.event(m.removalEvent())
		n.data = snapshot{Membership: m, Roles: roles, Left: left, Removal: removal}
		return c.record(ctx, n)
	})
}

// drop deletes a membership and everything that belongs to it.
func (ms memberRules) drop(ctx context.Context, m Membership) error {
	if err := endDependants(ctx, ms.c, membershipRows.Table, &removed{}, m.ID); err != nil {
		return err
	}
	if err := ms.c.tx.Memberships().Delete(ctx, m.ID); err != nil {
		return err
	}
	return ms.c.seats().moved(ctx, m.OrganizationID, -m.seats())
}

// deactivate makes an active membership inactive. It ends its sessions (rule S2), and the invitation that could
// bring the member back at once (rule M5).
func (ms memberRules) deactivate(ctx context.Context, m Membership, held []RoleAssignment) (Membership, error) {
	before := m
	m.Status, m.DeactivatedAt = MembershipInactive, ms.c.now
	was, err := previous(before, m)
	if err != nil {
		return Membership{}, err
	}
	if err := ms.saveMembership(ctx, &m); err != nil {
		return Membership{}, err
	}
	if err := ms.c.seats().moved(ctx, m.OrganizationID, -1); err != nil {
		return Membership{}, err
	}
	if err := ms.c.invitations().revokePendingOf(ctx, m); err != nil {
		return Membership{}, err
	}
	if err := ms.c.removals().keepAddressOf(ctx, m); err != nil {
		return Membership{}, err
	}
	if err := ms.c.joining().settleRequests(ctx, m.UserID, JoinRequestCanceled, m.OrganizationID); err != nil {
		return Membership{}, err
	}
	if err := ms.c.policies().dropExemptions(ctx, m.OrganizationID, m.UserID); err != nil {
		return Membership{}, err
	}
	if err := ms.c.roles().mirror(ctx, m, held); err != nil {
		return Membership{}, err
	}
	if err := ms.recordMembership(ctx, EventMembershipDeactivated, m, held, was); err != nil {
		return Membership{}, err
	}
	return m, ms.c.sessions().endSessions(ctx, sessionFilter{MembershipID: typed.Of(m.ID)}, EndedDeactivated)
}

// TransferOwnership moves ownership from one member to another in one transaction (rule M8). It gives the owner
// role to the member to, and takes it from the member from, whatever source gave it. If from has no role left,
// it gets keep, or the organization's default role where keep is "".
//
// Errors: [ErrInvalid] with the field "from" where from is not an owner, and with "to" where to is the same
// user or a suspended one; [ErrNotFound]; [ErrMembershipInactive] and [ErrPendingMembership] for to;
// [ErrUnknownRole]; [ErrWouldLockOut] where the policy binds owners and to has not signed in as it
// demands.
func (g Memberships) TransferOwnership(ctx context.Context, organization OrganizationID, from, to UserID, keep string) error {
	return exec(ctx, g.s, membershipsTransferOwnership, organization.String(), func(ctx context.Context, c *call) error {
		if from == to {
			return invalid("to", "is the owner already")
		}
		if !c.instance.singleWriter && c.service.principal != nil { // as mayLock
			if err := c.owners().mayTransfer(ctx, organization, from); err != nil {
				return err
			}
			if _, err := c.owners().newOwner(ctx, organization, to); err != nil {
				return err
			}
			c.forget()
		}
		if err := c.roles().lockDeclared(ctx, keep); err != nil {
			return err
		}
		if err := c.lock(ctx, lockUser(from), lockUser(to), lockOrganization(organization)); err != nil {
			return err
		}
		if err := c.owners().mayTransfer(ctx, organization, from); err != nil {
			return err
		}
		org, err := c.tx.Organizations().Get(ctx, organization)
		if err != nil {
			return err
		}
		newOwner, err := c.owners().newOwner(ctx, organization, to)
		if err != nil {
			return err
		}
		owner, err := c.members().get(ctx, organization, from)
		if err != nil {
			return err
		}
		if keep != "" {
			if err := c.roles().known(ctx, organization, "keep", keep); err != nil {
				return err
			}
		}
		if err := c.owners().revokeOwner(ctx, owner, cmp.Or(keep, c.roles().fallbackRole(org))); err != nil {
			return err
		}
		if err := c.owners().grantOwner(ctx, newOwner); err != nil {
			return err
		}
		if err := c.owners().keepsWayIn(ctx, organization); err != nil {
			return err
		}
		return c.record(ctx, newEvent{
			kind: EventOwnershipTransferred, organization: organization, user: to, subject: organization.String(),
			data: struct {
				From UserID `json:"from"`
				To   UserID `json:"to"`
			}{from, to},
		})
	})
}

// mayTransfer refuses an actor who is not the owner that gives ownership away (rule M8).
func (o ownerRules) mayTransfer(ctx context.Context, organization OrganizationID, from UserID) error {
	if err := o.c.access().authorize(ctx, scope{organization: organization, user: from}); err != nil {
		return err
	}
	p := o.c.service.principal
	if p == nil {
		return nil
	}
	own, err := o.c.access().grantsOf(ctx, organization)
	if err == nil && (p.user != from || !own.owner) {
		err = o.c.access().deny(scope{organization: organization}, forbidden("from"))
	}
	return err
}

// newOwner returns the active member who is to become an owner.
func (o ownerRules) newOwner(ctx context.Context, organization OrganizationID, to UserID) (Membership, error) {
	m, err := o.c.members().visible(ctx, organization, to)
	if err != nil {
		return Membership{}, err
	}
	switch m.Status {
	case MembershipPending:
		return Membership{}, &Error{Code: ErrPendingMembership}
	case MembershipInactive:
		return Membership{}, &Error{Code: ErrMembershipInactive}
	}
	user, err := o.c.users().get(ctx, to)
	if err == nil && !user.SuspendedAt.IsZero() {
		err = invalid("to", "is a suspended user")
	}
	return m, err
}

// revokeOwner removes all owner assignments of an owner, and makes sure that a role is left.
func (o ownerRules) revokeOwner(ctx context.Context, m Membership, keep string) error {
	all, err := o.c.roles().assignments(ctx, m.ID)
	if err != nil {
		return err
	}
	before, err := o.c.roles().sortRoles(ctx, all[m.ID])
	if err != nil {
		return err
	}
	if m.Status != MembershipActive || !hasRole(all[m.ID], rbac.Owner) {
		return invalid("from", "is no owner")
	}
	var left []RoleAssignment
	for _, a := range all[m.ID] {
		if a.Role != rbac.Owner {
			left = append(left, a)
			continue
		}
		if err := o.c.tx.RoleAssignments().Delete(ctx, a.ID); err != nil {
			return err
		}
	}
	if len(left) == 0 {
		if keep == rbac.Owner {
			return invalid("keep", "is the role given away")
		}
		a, err := o.c.roles().assign(ctx, m, keep)
		if err != nil {
			return err
		}
		left = append(left, a)
	}
	return o.c.members().rolesChanged(ctx, &m, left, before)
}

// grantOwner assigns the owner role by hand, also where another source gives it already.
func (o ownerRules) grantOwner(ctx context.Context, m Membership) error {
	all, err := o.c.roles().assignments(ctx, m.ID)
	if err != nil {
		return err
	}
	held := all[m.ID]
	if slices.ContainsFunc(held, func(a RoleAssignment) bool { return a.Role == rbac.Owner && a.Source == RoleManual }) {
		return nil
	}
	before, err := o.c.roles().sortRoles(ctx, held)
	if err != nil {
		return err
	}
	a, err := o.c.roles().assign(ctx, m, rbac.Owner)
	if err != nil {
		return err
	}
	return o.c.members().rolesChanged(ctx, &m, append(held, a), before)
}

// rolesChanged saves a membership whose assignments have changed, and writes the event.
func (ms memberRules) rolesChanged(ctx context.Context, m *Membership, held []RoleAssignment, before []string) error {
	if err := ms.saveMembership(ctx, m); err != nil {
		return err
	}
	return ms.recordMembership(ctx, EventMembershipRolesChanged, *m, held, struct {
		Roles []string `json:"roles"`
	}{listed(before)})
}

// difference returns the roles that are in exactly one of two lists.
func difference(a, b []string) []string {
	var only []string
	for _, pair := range [][2][]string{{a, b}, {b, a}} {
		for _, slug := range pair[0] {
			if !slices.Contains(pair[1], slug) {
				only = append(only, slug)
			}
		}
	}
	return only
}
