package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store/typed"
)

// bindLeft does [Memberships.Remove] for a user who is not a member. missing is the error where no record about
// them exists.
func (rm removalRules) bindLeft(ctx context.Context, id OrganizationID, user UserID, missing error) error {
	n, err := rm.c.tx.Removals().Count(ctx, removalFilter{OrganizationID: typed.Of(id), UserID: typed.Of(user)})
	if err == nil && n == 0 { // take no lock, so that nobody makes the organization's writers wait
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
	if err != nil || !bound { // they were removed already: nothing changes
		return err
	}
	person, err := rm.c.tx.Users().Get(ctx, user)
	if CodeOf(err) == ErrNotFound { // the user was deleted since
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
		if err := rm.c.access().mayGive(ctx, id, inv.Roles...); err != nil { // as for revoking it
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

// bind turns the record of a user who left into one of a removal. It reports whether a record exists, and
// whether it was one of leaving.
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
