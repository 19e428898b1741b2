package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// shed deletes, before a user is deleted, the rows that strangers may have made in thousands: pending
// memberships, ended and expired sessions, and for Erase the invitations to the user's addresses, earlier ones
// too. It works in transactions of bounded size (rule G18). What is left of each fits into the transaction that
// follows. It returns what was there at the end. In a transaction of the caller's it does nothing.
func (g Users) shed(ctx context.Context, method *Method, id UserID, erase bool) (siege, error) {
	if g.s.txn != nil {
		return siege{}, nil
	}
	for {
		much, err := read(ctx, g.s, method, id.String(), func(ctx context.Context, c *call) (siege, error) {
			if err := c.access().authorize(ctx, scope{}); err != nil {
				return siege{}, err
			}
			return c.users().besieged(ctx, id, erase)
		})
		if err != nil || !much.is {
			return much, err
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
				switch {
				case much.sessions:
					return c.users().shedSessions(ctx, id)
				case much.mails:
					return c.users().shedMails(ctx, id, much.addresses)
				case some == nil:
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
			return much, err
		}
	}
}

// siege is the result of looking for large numbers of rows about a user.
type siege struct {
	is          bool           // there is more than one transaction should delete
	sessions    bool           // what there is much of is ended or expired sessions
	mails       bool           // what there is much of is records of mails to the addresses
	people      []UserID       // the users who were merged into the user, and the user
	addresses   []string       // their addresses
	at          Position       // events after this position may show more addresses
	invitations []InvitationID // invitations to them; empty: there are many pending memberships
}

// besieged looks in a snapshot for large numbers of rows about a user. The addresses are those that
// [erasure.whole] finds, also for a user who was deleted before.
func (us userRules) besieged(ctx context.Context, id UserID, erase bool) (siege, error) {
	user, err := us.c.tx.Users().Get(ctx, id)
	if err != nil && CodeOf(err) != ErrNotFound || !user.MergedInto.IsZero() {
		return siege{}, err // the transaction that follows returns that error
	}
	waiting, err := us.c.tx.Memberships().List(ctx, waitingOf(id), listSpan{Limit: sweepLimit + 1})
	if err != nil || len(waiting) > sweepLimit {
		return siege{is: true}, err
	}
	if us.c.method != usersMerge {
		over, err := us.c.tx.Sessions().List(ctx, us.overOf(id), listSpan{Limit: sweepLimit + 1})
		if err != nil || len(over) > sweepLimit {
			return siege{is: true, sessions: true}, err
		}
	}
	if !erase {
		return siege{}, nil
	}
	much := siege{}
	if much.at, err = us.c.tx.Events().Last(ctx); err != nil {
		return siege{}, err
	}
	if much.people, err = us.wereMerged(ctx, id); err != nil {
		return siege{}, err
	}
	much.people = append(much.people, id)
	if much.addresses, err = us.addressesOf(ctx, siege{}, user.EmailKey, much.people...); err != nil || len(much.addresses) == 0 {
		return much, err
	}
	mails, err := us.c.tx.SentMails().List(ctx, mailsTo(much.addresses), listSpan{Limit: sweepLimit + 1})
	if err != nil || len(mails) > sweepLimit {
		much.is, much.mails = true, true
		return much, err
	}
	theirs := invitationFilter{EmailKey: typed.Of(much.addresses...)}
	if n, err := us.c.tx.Invitations().Count(ctx, theirs); err != nil || n <= changeStep {
		return much, err
	}
	much.is = true
	err = walk(ctx, us.c.tx.Invitations(), theirs, func(inv Invitation) error {
		much.invitations = append(much.invitations, inv.ID)
		return nil
	})
	return much, err
}

// overOf selects the sessions of a user that have ended or expired.
func (us userRules) overOf(id UserID) sessionFilter {
	return sessionFilter{UserID: typed.Of(id), DueBefore: us.c.now}
}

// shedSessions deletes sessions that have ended or expired.
func (us userRules) shedSessions(ctx context.Context, id UserID) (int, error) {
	if err := us.mayShed(ctx, id); err != nil {
		return 0, err
	}
	over, err := firstOf(ctx, us.c.tx.Sessions(), us.overOf(id), sweepLimit)
	if err != nil || len(over) == 0 {
		return 0, err
	}
	return us.c.tx.Sessions().DeleteAll(ctx, sessionFilter{ID: typed.Of(over...)})
}

func waitingOf(id UserID) membershipFilter {
	return membershipFilter{UserID: typed.Of(id), Status: typed.Of(MembershipPending)}
}

// mayShed refuses to delete rows of a user whom a rule keeps from being deleted.
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

// shedOffers deletes pending memberships, if there are more than one transaction should delete.
func (us userRules) shedOffers(ctx context.Context, id UserID) (int, error) {
	user, err := us.c.tx.Users().Get(ctx, id)
	switch {
	case CodeOf(err) == ErrNotFound:
		return 0, nil // the transaction that follows returns that error
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
	// Read again under the locks.
	if found, err = us.c.tx.Memberships().List(ctx, waiting, listSpan{Limit: sweepLimit}); err != nil {
		return 0, err
	}
	for _, m := range found {
		if err := us.dropMember(ctx, m, nil); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// shedMails deletes the records of mails to a user's addresses.
func (us userRules) shedMails(ctx context.Context, id UserID, addresses []string) (int, error) {
	if err := us.mayShed(ctx, id); err != nil {
		return 0, err
	}
	mine, err := us.ofTheseMine(ctx, id, addresses)
	if err != nil || len(mine) == 0 {
		return 0, err
	}
	some, err := firstOf(ctx, us.c.tx.SentMails(), mailsTo(mine), sweepLimit)
	if err != nil || len(some) == 0 {
		return 0, err
	}
	return us.c.tx.SentMails().DeleteAll(ctx, sentMailFilter{ID: typed.Of(some...)})
}

// ofTheseMine returns the addresses that no other user has.
func (us userRules) ofTheseMine(ctx context.Context, id UserID, addresses []string) (mine []string, err error) {
	for _, key := range addresses {
		is, err := us.mine(ctx, key, id)
		if err != nil {
			return nil, err
		}
		if is {
			mine = append(mine, key)
		}
	}
	return mine, nil
}

// shedInvitations removes a user's addresses from some invitations. It skips an address that another user has
// by now.
func (us userRules) shedInvitations(ctx context.Context, id UserID, addresses []string, some []InvitationID) (int, error) {
	user, err := us.c.tx.Users().Get(ctx, id)
	if err != nil && CodeOf(err) != ErrNotFound || !user.MergedInto.IsZero() {
		return 0, err // the transaction that follows returns that error
	}
	if err := us.mayShed(ctx, id); err != nil {
		return 0, err
	}
	mine, err := us.ofTheseMine(ctx, id, addresses)
	if err != nil {
		return 0, err
	}
	theirs, err := us.c.invitations().invitationsOf(ctx, invitationFilter{ID: typed.Of(some...), EmailKey: typed.Of(mine...)})
	if err != nil {
		return 0, err
	}
	for _, inv := range theirs {
		if err := us.c.invitations().dropPending(ctx, inv.ID); err != nil {
			return 0, err
		}
		if err := us.c.invitations().redactInvitation(ctx, inv, id); err != nil {
			return 0, err
		}
	}
	return len(theirs), nil
}
