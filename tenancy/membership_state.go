package tenancy

import (
	"cmp"
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
)

// Deactivate takes a member's access away, ends their sessions here, revokes an
// invitation that stands to their address, takes back their exemption from the policy, and
// keeps their roles (rules M4, M16). One who is inactive stays so, without an event.
//
// Errors: [ErrNotFound], [ErrPendingMembership], [ErrLastOwner].
func (g Memberships) Deactivate(ctx context.Context, organization OrganizationID, user UserID) (Member, error) {
	return write(ctx, g.s, membershipsDeactivate, pair(organization, user), func(ctx context.Context, w *work) (Member, error) {
		m, err := w.lockMembership(ctx, organization, user)
		if err != nil {
			return Member{}, err
		}
		if err := w.mayTouch(ctx, m); err != nil {
			return Member{}, err
		}
		switch m.Status {
		case MembershipPending:
			return Member{}, &Error{Code: ErrPendingMembership}
		case MembershipActive:
			held, err := w.assignments(ctx, m.ID)
			if err != nil {
				return Member{}, err
			}
			if err := w.keepsOwner(ctx, m, held[m.ID]); err != nil {
				return Member{}, err
			}
			if m, err = w.deactivate(ctx, m, held[m.ID]); err != nil {
				return Member{}, err
			}
		}
		return w.member(ctx, m)
	})
}

// Reactivate gives a member back the access and the roles they had (rule M5). One who
// is active stays so, without an event.
//
// Errors: [ErrNotFound], [ErrMerged], [ErrPendingMembership], [ErrSeatLimit],
// [ErrAlreadyMemberElsewhere], [ErrJoinRefused].
func (g Memberships) Reactivate(ctx context.Context, organization OrganizationID, user UserID) (Member, error) {
	return write(ctx, g.s, membershipsReactivate, pair(organization, user), func(ctx context.Context, w *work) (Member, error) {
		m, err := w.lockMembership(ctx, organization, user)
		if err != nil {
			return Member{}, err
		}
		if err := w.mayTouch(ctx, m); err != nil {
			return Member{}, err
		}
		switch m.Status {
		case MembershipActive:
			return w.member(ctx, m)
		case MembershipPending:
			return Member{}, &Error{Code: ErrPendingMembership} // expired or not
		}
		org, err := w.Organizations().Get(ctx, organization)
		if err != nil {
			return Member{}, err
		}
		return w.join(ctx, joining{host: true, organization: org, userID: user, via: m.JoinedVia})
	})
}

// Remove deletes a membership in whatever status, with its roles and its exemption from the
// policy, and ends its sessions and invitation (rules M6, M16, S2). The event carries it as it was.
//
// Errors: [ErrNotFound], [ErrLastOwner]; [ErrReferenced] where a row of the host's
// refers to it.
func (g Memberships) Remove(ctx context.Context, organization OrganizationID, user UserID) error {
	return g.remove(ctx, membershipsRemove, organization, user, false)
}

// Leave is Remove by the member's own wish, and its event says so (rule M6). A member
// who was made inactive cannot leave by themselves: they could come back in by a way
// that reactivates nobody (rule M5).
//
// Errors: as for Remove; [ErrMembershipInactive] on a bound Service.
func (g Memberships) Leave(ctx context.Context, organization OrganizationID, user UserID) error {
	return g.remove(ctx, membershipsLeave, organization, user, true)
}

func (g Memberships) remove(ctx context.Context, method *Method, organization OrganizationID, user UserID, left bool) error {
	return exec(ctx, g.s, method, pair(organization, user), func(ctx context.Context, w *work) error {
		m, err := w.lockMembership(ctx, organization, user)
		if err != nil {
			return err
		}
		if err := w.mayTouch(ctx, m); err != nil {
			return err
		}
		if left && w.service.principal != nil && m.Status == MembershipInactive {
			return &Error{Code: ErrMembershipInactive}
		}
		held, err := w.assignments(ctx, m.ID)
		if err != nil {
			return err
		}
		roles, err := w.slugs(ctx, held[m.ID])
		if err != nil {
			return err
		}
		if err := w.keepsOwner(ctx, m, held[m.ID]); err != nil {
			return err
		}
		if err := w.endSessions(ctx, SessionFilter{MembershipID: Of(m.ID)}, EndedRemoved); err != nil {
			return err
		}
		if err := w.dropExemptions(ctx, organization, user); err != nil {
			return err
		}
		if err := w.drop(ctx, m); err != nil {
			return err
		}
		if err := w.retireWith(ctx, m); err != nil {
			return err
		}
		n := m.event(m.gone())
		n.data = snapshot{Membership: m, Roles: roles, Left: left}
		return w.record(ctx, n)
	})
}

// drop deletes a membership and its role assignments.
func (w *work) drop(ctx context.Context, m Membership) error {
	if _, err := w.RoleAssignments().DeleteAll(ctx, RoleAssignmentFilter{MembershipID: Of(m.ID)}); err != nil {
		return err
	}
	return w.Memberships().Delete(ctx, m.ID)
}

// deactivate takes an active membership's access away, and ends its sessions (rule S2)
// and the invitation by which they could be back at once (rule M5).
func (w *work) deactivate(ctx context.Context, m Membership, held []RoleAssignment) (Membership, error) {
	before := m
	m.Status, m.DeactivatedAt = MembershipInactive, w.now
	was, err := previous(before, m)
	if err != nil {
		return Membership{}, err
	}
	if err := w.saveMembership(ctx, &m); err != nil {
		return Membership{}, err
	}
	if err := w.retireOf(ctx, m); err != nil {
		return Membership{}, err
	}
	if err := w.dropExemptions(ctx, m.OrganizationID, m.UserID); err != nil {
		return Membership{}, err
	}
	if err := w.mirror(ctx, m, held); err != nil {
		return Membership{}, err
	}
	if err := w.recordMembership(ctx, EventMembershipDeactivated, m, held, was); err != nil {
		return Membership{}, err
	}
	return m, w.endSessions(ctx, SessionFilter{MembershipID: Of(m.ID)}, EndedDeactivated)
}

// setRoles is [Memberships.SetRoles] under the lock.
func (w *work) setRoles(ctx context.Context, m Membership, want []string) (Member, error) {
	all, err := w.assignments(ctx, m.ID)
	if err != nil {
		return Member{}, err
	}
	held := all[m.ID]
	before, err := w.slugs(ctx, held)
	if err != nil {
		return Member{}, err
	}
	if err := w.mayGive(ctx, m.OrganizationID, difference(before, want)...); err != nil {
		return Member{}, err
	}
	after, changed, err := w.setManual(ctx, m, slices.Clone(held), want)
	switch {
	case err != nil:
		return Member{}, err
	case len(after) == 0:
		return Member{}, invalid("roles", "would leave the member without a role")
	case !changed:
		return w.member(ctx, m)
	}
	if m.Status == MembershipActive && hasRole(held, rbac.Owner) && !hasRole(after, rbac.Owner) {
		n, err := w.owners(ctx, m.OrganizationID)
		if err != nil {
			return Member{}, err
		}
		if n == 0 {
			return Member{}, lastOwner(m.OrganizationID)
		}
		if err := w.keepsWayIn(ctx, m.OrganizationID); err != nil {
			return Member{}, err
		}
	}
	err = w.rolesChanged(ctx, &m, after, before)
	return w.memberOr(ctx, m, err)
}

// TransferOwnership moves ownership from one member to another in one transaction
// (rule M8). from loses the owner role, whatever gave it; with no role left they
// get keep, or the organization's default where keep is "". to gets it.
//
// Errors: [ErrInvalid] with the field "from" where from is no owner, "to" where to
// is from or a suspended user; [ErrNotFound]; [ErrMembershipInactive] and
// [ErrPendingMembership] for to; [ErrUnknownRole]; [ErrWouldLockOut] where the policy binds
// owners and to has not signed in as it wants.
func (g Memberships) TransferOwnership(ctx context.Context, organization OrganizationID, from, to UserID, keep string) error {
	return exec(ctx, g.s, membershipsTransferOwnership, organization.String(), func(ctx context.Context, w *work) error {
		if from == to {
			return invalid("to", "is the owner already")
		}
		if err := w.lockDeclared(ctx, keep); err != nil {
			return err
		}
		if err := w.Lock(ctx, lockUser(from), lockUser(to), lockOrganization(organization)); err != nil {
			return err
		}
		if err := w.mayAbdicate(ctx, organization, from); err != nil {
			return err
		}
		org, err := w.Organizations().Get(ctx, organization)
		if err != nil {
			return err
		}
		heir, err := w.heir(ctx, organization, to)
		if err != nil {
			return err
		}
		owner, err := w.membership(ctx, organization, from)
		if err != nil {
			return err
		}
		if keep != "" {
			if err := w.known(ctx, organization, "keep", keep); err != nil {
				return err
			}
		}
		if err := w.abdicate(ctx, owner, cmp.Or(keep, w.fallbackRole(org))); err != nil {
			return err
		}
		if err := w.crown(ctx, heir); err != nil {
			return err
		}
		if err := w.keepsWayIn(ctx, organization); err != nil {
			return err
		}
		return w.record(ctx, note{
			kind: EventOwnershipTransferred, organization: organization, user: to, subject: organization.String(),
			data: struct {
				From UserID `json:"from"`
				To   UserID `json:"to"`
			}{from, to},
		})
	})
}

// mayAbdicate lets an actor hand on only what is their own (rule M8).
func (w *work) mayAbdicate(ctx context.Context, organization OrganizationID, from UserID) error {
	if err := w.authorize(ctx, scope{organization: organization, user: from}); err != nil {
		return err
	}
	p := w.service.principal
	if p == nil {
		return nil
	}
	own, err := w.grantsOf(ctx, organization)
	if err == nil && (p.user != from || !own.owner) {
		err = w.deny(scope{organization: organization}, forbidden("from"))
	}
	return err
}

// heir is the active member whom ownership may go to.
func (w *work) heir(ctx context.Context, organization OrganizationID, to UserID) (Membership, error) {
	m, err := w.visible(ctx, organization, to)
	if err != nil {
		return Membership{}, err
	}
	switch m.Status {
	case MembershipPending:
		return Membership{}, &Error{Code: ErrPendingMembership}
	case MembershipInactive:
		return Membership{}, &Error{Code: ErrMembershipInactive}
	}
	user, err := w.user(ctx, to)
	if err == nil && !user.SuspendedAt.IsZero() {
		err = invalid("to", "is a suspended user")
	}
	return m, err
}

// abdicate takes every owner assignment of an owner, and leaves them a role.
func (w *work) abdicate(ctx context.Context, m Membership, keep string) error {
	all, err := w.assignments(ctx, m.ID)
	if err != nil {
		return err
	}
	before, err := w.slugs(ctx, all[m.ID])
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
		if err := w.RoleAssignments().Delete(ctx, a.ID); err != nil {
			return err
		}
	}
	if len(left) == 0 {
		if keep == rbac.Owner {
			return invalid("keep", "is the role given away")
		}
		a, err := w.assign(ctx, m, keep)
		if err != nil {
			return err
		}
		left = append(left, a)
	}
	return w.rolesChanged(ctx, &m, left, before)
}

// crown gives a member the owner role by hand, whether or not another source gives
// it too.
func (w *work) crown(ctx context.Context, m Membership) error {
	all, err := w.assignments(ctx, m.ID)
	if err != nil {
		return err
	}
	held := all[m.ID]
	if slices.ContainsFunc(held, func(a RoleAssignment) bool { return a.Role == rbac.Owner && a.Source == RoleManual }) {
		return nil
	}
	before, err := w.slugs(ctx, held)
	if err != nil {
		return err
	}
	a, err := w.assign(ctx, m, rbac.Owner)
	if err != nil {
		return err
	}
	return w.rolesChanged(ctx, &m, append(held, a), before)
}

// rolesChanged keeps a membership whose assignments have changed, with the event.
func (w *work) rolesChanged(ctx context.Context, m *Membership, held []RoleAssignment, before []string) error {
	if err := w.saveMembership(ctx, m); err != nil {
		return err
	}
	return w.recordMembership(ctx, EventMembershipRolesChanged, *m, held, struct {
		Roles []string `json:"roles"`
	}{before})
}

// difference are the roles that are in one of two lists and not in the other.
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
