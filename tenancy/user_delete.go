package tenancy

import "context"

// Delete deletes a user with their memberships, roles, identities, sessions and pending email changes, in one
// transaction (rule U7). It writes an event for each membership and one for the user. The address and the
// external id become free. If more than 200 memberships wait for invitations, which strangers may have sent, or
// more than 200 sessions have ended, Delete removes these first, 200 in a transaction (rule G18). In a
// transaction of the caller's, waiting memberships count for Config.DeleteLimit.
//
// Errors: [ErrNotFound], [ErrMerged]; [ErrLastOwner] with the organizations in IDs where nobody else is an
// owner; [ErrTooLarge] over Config.DeleteLimit memberships; [ErrReferenced] where a row of the host refers to
// the user.
func (g Users) Delete(ctx context.Context, id UserID) error {
	if _, err := g.shed(ctx, usersDelete, id, false); err != nil {
		return err
	}
	return exec(ctx, g.s, usersDelete, id.String(), func(ctx context.Context, c *call) error {
		if err := c.lock(ctx, lockUser(id)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		return c.users().deleteUser(ctx, id)
	})
}

// deleteUser deletes a user whose lock the caller holds. The rows of users who were merged into this one stay,
// so that Erase still finds what was theirs.
func (us userRules) deleteUser(ctx context.Context, id UserID) error {
	user, err := us.get(ctx, id)
	if err != nil {
		return err
	}
	members, err := us.c.members().lockMemberships(ctx, id)
	if err != nil {
		return err
	}
	if err := us.c.organizations().notTooMany("memberships", len(members)); err != nil {
		return err
	}
	held, err := us.mayGo(ctx, members)
	if err != nil {
		return err
	}
	counts := removed{Memberships: len(members)}
	for _, m := range members {
		counts.RoleAssignments += len(held[m.ID])
		if err := us.c.policies().dropExemptions(ctx, m.OrganizationID, id); err != nil {
			return err
		}
		if err := us.dropMember(ctx, m, held[m.ID]); err != nil {
			return err
		}
	}
	if err := us.c.removals().dropAddresses(ctx, id, members); err != nil {
		return err
	}
	if err := endDependants(ctx, us.c, userRows.Table, &counts, id); err != nil {
		return err
	}
	if err := us.c.tx.Users().Delete(ctx, id); err != nil {
		return err
	}
	return us.c.record(ctx, newEvent{kind: EventUserDeleted, user: id, subject: id.String(), person: user.person(), data: struct {
		User
		Removed removed `json:"removed"`
	}{user, counts}})
}

// mayGo reads the roles of memberships, and refuses if an organization would lose its last owner without them
// (rule M7). The error names all such organizations.
func (us userRules) mayGo(ctx context.Context, members []Membership) (map[MembershipID][]RoleAssignment, error) {
	if len(members) == 0 {
		return nil, nil
	}
	ids := make([]MembershipID, len(members))
	for i, m := range members {
		ids[i] = m.ID
	}
	held, err := us.c.roles().assignments(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var orphans []OrganizationID
	for _, m := range members {
		switch err := us.c.owners().keepsOwner(ctx, m, held[m.ID]); CodeOf(err) {
		case "":
		case ErrLastOwner:
			orphans = append(orphans, m.OrganizationID)
		default:
			return nil, err
		}
	}
	if len(orphans) > 0 {
		return nil, lastOwner(orphans...)
	}
	return held, nil
}

func (us userRules) dropMember(ctx context.Context, m Membership, held []RoleAssignment) error {
	if err := us.c.members().drop(ctx, m); err != nil {
		return err
	}
	return us.c.members().recordMembership(ctx, m.removalEvent(), m, held, nil)
}
