package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store/typed"
)

// bindLeft is [Memberships.Remove] of somebody who is no member. missing is what to answer where
// nothing is remembered of them.
func (rm removalRules) bindLeft(ctx context.Context, id OrganizationID, user UserID, missing error) error {
	n, err := rm.c.tx.Removals().Count(ctx, removalFilter{OrganizationID: typed.Of(id), UserID: typed.Of(user)})
	if err == nil && n == 0 { // whose writers nobody makes wait
		err = missing
	}
	if err != nil {
		return err
	}
	if err := rm.c.lock(ctx, lockUser(user), lockOrganization(id)); err != nil {
		return err
	}
	if err := rm.c.access().authorize(ctx, scope{organization: id, user: user}); err != nil {
		return err
	}
	known, bound, err := rm.bind(ctx, id, user)
	if err == nil && !known {
		err = missing
	}
	if err != nil || !bound { // they were removed, and nothing changes
		return err
	}
	person, err := rm.c.tx.Users().Get(ctx, user)
	if CodeOf(err) == ErrNotFound { // deleted since
		return nil
	}
	if err != nil {
		return err
	}
	mine := rm.c.invitations().pendingFilter(id)
	mine.EmailKey = typed.Of(person.EmailKey)
	found, err := rm.c.tx.Invitations().List(ctx, mine, listSpan{Limit: 1})
	if err != nil {
		return err
	}
	for _, inv := range found {
		if err := rm.c.access().mayGive(ctx, id, inv.Roles...); err != nil { // as who revokes it
			return err
		}
		if err := rm.c.invitations().revoke(ctx, &inv); err != nil {
			return err
		}
		if err := rm.c.invitations().dropPending(ctx, inv.ID); err != nil {
			return err
		}
	}
	return rm.c.joining().settleRequests(ctx, user, JoinRequestCanceled, id)
}

// bind makes of what is remembered of somebody who left that they were removed. It reports whether
// anything is remembered, and whether that was of one who left.
func (rm removalRules) bind(ctx context.Context, id OrganizationID, user UserID) (known, bound bool, err error) {
	own := removalFilter{OrganizationID: typed.Of(id), UserID: typed.Of(user)}
	found, err := rm.c.tx.Removals().List(ctx, own, listSpan{Limit: 1})
	if err != nil || len(found) == 0 || !found[0].Left {
		return len(found) > 0, false, err
	}
	r := found[0]
	r.Left, r.RemoverID, r.RemovedAt = false, rm.c.invitations().inviter(), rm.c.now
	if err := put(ctx, rm.c, rm.c.tx.Removals().Update, &r); err != nil {
		return true, false, err
	}
	return true, true, rm.c.record(ctx, newEvent{
		kind: EventMembershipBarred, organization: id, user: user, subject: r.ID.String(), data: r,
	})
}
