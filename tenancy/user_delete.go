package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store/typed"
)

// Delete removes a user for good: memberships, roles, identities, sessions and pending email
// changes go in one transaction, with an event for each membership and one for the
// user (rule U7). The email and the external id are free again. Where more than 200 memberships
// wait for invitations, which strangers sent, these go before, 200 in a transaction (rule
// G18); in a transaction of the caller's they count for Config.DeleteLimit.
//
// Errors: [ErrNotFound], [ErrMerged]; [ErrLastOwner] with the organizations in IDs
// where nobody else is an owner; [ErrTooLarge] over Config.DeleteLimit memberships;
// [ErrReferenced] where a row of the host's refers to the user.
func (g Users) Delete(ctx context.Context, id UserID) error {
	if err := g.shed(ctx, usersDelete, id, false); err != nil {
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

// deleteUser removes a user whose lock is held. Those who were merged into them stay
// buried, so that Erase still finds what was theirs.
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

// mayGo reads the roles of memberships and refuses if, without them, an organization
// would lose its last owner (rule M7). It names every such organization.
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

// Erase is Delete, and also takes what events hold about the person, and about those
// who were merged into them (rule U7): the events stay, with Data, Previous and Person
// emptied, and so do the invitations to their addresses, without those and their
// metadata: what still stands of them is revoked, and so is what ran out, for it cannot
// be sent again. Their addresses are the one they have and those that events show as
// proved by them, but for one that is somebody else's by now. An invitation to somebody
// else that they accepted stays, without them and its metadata. It works on a user
// deleted before, too; where there is nothing left to erase it changes nothing. What strangers
// made of rows about the person goes before, as in Delete: if the call fails after that, call it
// again.
//
// Errors: as for Delete; [ErrNotFound] where there is neither a user nor an event.
func (g Users) Erase(ctx context.Context, id UserID) error {
	if err := g.shed(ctx, usersErase, id, true); err != nil {
		return err
	}
	return exec(ctx, g.s, usersErase, id.String(), func(ctx context.Context, c *call) error {
		if err := c.lock(ctx, lockUser(id)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		user, err := c.tx.Users().Get(ctx, id)
		if err == nil {
			err = c.users().deleteUser(ctx, id)
		}
		if err != nil && CodeOf(err) != ErrNotFound {
			return err
		}
		if err := c.users().knownOnce(ctx, id, err); err != nil {
			return err
		}
		redacted, err := c.users().redact(ctx, user, id)
		if err != nil || redacted == 0 {
			return err
		}
		return c.record(ctx, newEvent{kind: EventUserErased, user: id, subject: id.String(), redacted: true})
	})
}

// knownOnce gives missing back if no event tells of the user either.
func (us userRules) knownOnce(ctx context.Context, id UserID, missing error) error {
	if missing == nil {
		return nil
	}
	span := logSpan{Limit: 1, Desc: true}
	for {
		events, next, done, err := us.c.tx.Events().Read(ctx, eventFilter{UserID: typed.Of(id)}, span)
		switch {
		case err != nil:
			return err
		case len(events) > 0:
			return nil
		case done:
			return missing
		}
		span.After = next
	}
}

// redact empties the events about a user and those merged into them, who are
// forgotten, and about the invitations to them.
func (us userRules) redact(ctx context.Context, user User, id UserID) (int, error) {
	tombstones, err := collect(ctx, us.c.tx.Users(), userFilter{MergedInto: typed.Of(id)})
	if err != nil {
		return 0, err
	}
	people := []UserID{id}
	for _, u := range tombstones {
		people = append(people, u.ID)
		if _, err := us.c.tx.Sessions().DeleteAll(ctx, sessionFilter{UserID: typed.Of(u.ID)}); err != nil {
			return 0, err
		}
		if _, err := us.c.tx.Secrets().DeleteAll(ctx, secretFilter{UserID: typed.Of(u.ID)}); err != nil {
			return 0, err
		}
		if err := us.c.tx.Users().Delete(ctx, u.ID); err != nil {
			return 0, err
		}
	}
	addresses, err := us.addressesOf(ctx, user.EmailKey, people...)
	if err != nil {
		return 0, err
	}
	redacted, err := us.c.invitations().forget(ctx, addresses, people...)
	if err != nil {
		return 0, err
	}
	for _, person := range people {
		n, err := us.c.tx.Events().Redact(ctx, person)
		if err != nil {
			return 0, err
		}
		redacted += n
	}
	return redacted, nil
}
