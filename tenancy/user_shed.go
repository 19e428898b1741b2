package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// shed takes off a user who is about to go what strangers may have made by the thousands, in
// transactions of bounded size (rule G18): the memberships that wait for invitations, and
// for Erase the invitations to their addresses, those of before too. What is left of each fits into the transaction
// that follows. In a transaction of the caller's it does nothing.
func (g Users) shed(ctx context.Context, method *Method, id UserID, erase bool) error {
	if g.s.txn != nil {
		return nil
	}
	for {
		much, err := read(ctx, g.s, method, id.String(), func(ctx context.Context, c *call) (siege, error) {
			if err := c.access().authorize(ctx, scope{}); err != nil {
				return siege{}, err
			}
			return c.users().besieged(ctx, id, erase)
		})
		if err != nil || !much.is {
			return err
		}
		n := 0
		step := func(some []InvitationID) error {
			took, err := write(ctx, g.s, method, id.String(), func(ctx context.Context, c *call) (int, error) {
				if err := c.lock(ctx, lockUser(id)); err != nil {
					return 0, err
				}
				if err := c.access().authorize(ctx, scope{}); err != nil {
					return 0, err
				}
				if some == nil {
					return c.users().shedOffers(ctx, id)
				}
				return c.users().shedInvitations(ctx, id, much.addresses, some)
			})
			n += took
			return err
		}
		if len(much.invitations) > 0 {
			err = inSteps(much.invitations, step)
		} else {
			err = step(nil)
		}
		if err != nil || n == 0 {
			return err
		}
	}
}

// siege is what strangers have made about a user.
type siege struct {
	is          bool           // it is more than one transaction should take off
	addresses   []string       // those of the user
	invitations []InvitationID // to them; empty: it is memberships that wait
}

// besieged looks in a snapshot for what strangers have made about a user. Addresses are those that
// [userRules.redact] finds, also of somebody who was deleted before.
func (us userRules) besieged(ctx context.Context, id UserID, erase bool) (siege, error) {
	waiting, err := us.c.tx.Memberships().List(ctx, waitingOf(id), listSpan{Limit: sweepLimit + 1})
	if err != nil || len(waiting) > sweepLimit || !erase {
		return siege{is: len(waiting) > sweepLimit}, err
	}
	user, err := us.c.tx.Users().Get(ctx, id)
	if err != nil && CodeOf(err) != ErrNotFound {
		return siege{}, err
	}
	people := []UserID{id}
	err = walk(ctx, us.c.tx.Users(), userFilter{MergedInto: typed.Of(id)}, func(u User) error {
		people = append(people, u.ID)
		return nil
	})
	if err != nil {
		return siege{}, err
	}
	addresses, err := us.addressesOf(ctx, user.EmailKey, people...)
	if err != nil {
		return siege{}, err
	}
	if len(addresses) == 0 {
		return siege{}, nil
	}
	theirs := invitationFilter{EmailKey: typed.Of(addresses...)}
	if n, err := us.c.tx.Invitations().Count(ctx, theirs); err != nil || n <= changeStep {
		return siege{}, err
	}
	much := siege{is: true, addresses: addresses}
	err = walk(ctx, us.c.tx.Invitations(), theirs, func(inv Invitation) error {
		much.invitations = append(much.invitations, inv.ID)
		return nil
	})
	return much, err
}

func waitingOf(id UserID) membershipFilter {
	return membershipFilter{UserID: typed.Of(id), Status: typed.Of(MembershipPending)}
}

// mayShed refuses to take anything off a user whom something keeps from going.
func (us userRules) mayShed(ctx context.Context, id UserID) error {
	if us.c.method == usersMerge {
		return nil
	}
	own, err := collect(ctx, us.c.tx.Memberships(), membershipFilter{UserID: typed.Of(id), Status: typed.Of(MembershipActive)})
	if err != nil {
		return err
	}
	_, err = us.mayGo(ctx, own)
	return err
}

// shedOffers drops memberships that wait, where there are more than one transaction should
// drop.
func (us userRules) shedOffers(ctx context.Context, id UserID) (int, error) {
	user, err := us.c.tx.Users().Get(ctx, id)
	switch {
	case CodeOf(err) == ErrNotFound:
		return 0, nil // which is for the transaction that follows to say
	case err != nil || !user.MergedInto.IsZero():
		return 0, err
	}
	waiting := waitingOf(id)
	found, err := us.c.tx.Memberships().List(ctx, waiting, listSpan{Limit: sweepLimit + 1})
	if err != nil || len(found) <= sweepLimit {
		return 0, err
	}
	if err := us.mayShed(ctx, id); err != nil {
		return 0, err
	}
	locks, ids := make([]store.LockKey, sweepLimit), make([]MembershipID, sweepLimit)
	for i, m := range found[:sweepLimit] {
		locks[i], ids[i] = lockOrganization(m.OrganizationID), m.ID
	}
	if err := us.c.lock(ctx, locks...); err != nil {
		return 0, err
	}
	waiting.ID = typed.Of(ids...)
	if found, err = us.c.tx.Memberships().List(ctx, waiting, listSpan{Limit: sweepLimit}); err != nil { // as they are under the locks
		return 0, err
	}
	for _, m := range found {
		if err := us.dropMember(ctx, m, nil); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// shedInvitations takes a user's addresses out of some invitations. An address that somebody else
// has by now is theirs.
func (us userRules) shedInvitations(ctx context.Context, id UserID, addresses []string, some []InvitationID) (int, error) {
	user, err := us.c.tx.Users().Get(ctx, id)
	if err != nil && CodeOf(err) != ErrNotFound || !user.MergedInto.IsZero() {
		return 0, err // which is for the transaction that follows to say
	}
	if err := us.mayShed(ctx, id); err != nil {
		return 0, err
	}
	var mine []string
	for _, address := range addresses {
		holder, err := us.c.invitations().userAt(ctx, address)
		if err != nil {
			return 0, err
		}
		if holder.ID.IsZero() || holder.ID == id {
			mine = append(mine, address)
		}
	}
	theirs, err := us.c.invitations().invitationsOf(ctx, invitationFilter{ID: typed.Of(some...), EmailKey: typed.Of(mine...)})
	if err != nil {
		return 0, err
	}
	for _, inv := range theirs {
		if err := us.c.invitations().dropPending(ctx, inv.ID); err != nil {
			return 0, err
		}
		if err := us.c.invitations().redactInvitation(ctx, inv); err != nil {
			return 0, err
		}
	}
	return len(theirs), nil
}
