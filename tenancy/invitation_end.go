package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Revoke takes an invitation back (rule I5), and deletes the membership that is pending for it.
//
// Errors: [ErrNotFound]; [ErrForbidden] for roles above the actor's;
// [ErrInvitationAccepted], [ErrInvitationRevoked], [ErrInvitationDeclined], [ErrInvitationExpired].
func (g Invitations) Revoke(ctx context.Context, id InvitationID) (Invitation, error) {
	return write(ctx, g.s, invitationsRevoke, id.String(), func(ctx context.Context, c *call) (Invitation, error) {
		inv, err := c.invitations().lockInvitation(ctx, id)
		if err != nil {
			return Invitation{}, err
		}
		if err := inv.checkPending(c.now); err != nil {
			return Invitation{}, err
		}
		if !inv.OrganizationID.IsZero() {
			if err := c.access().mayGive(ctx, inv.OrganizationID, inv.Roles...); err != nil {
				return Invitation{}, err
			}
		}
		if err := c.invitations().revoke(ctx, &inv); err != nil {
			return Invitation{}, err
		}
		if err := c.invitations().dropPending(ctx, id); err != nil {
			return Invitation{}, err
		}
		return inv, nil
	})
}

// lockInvitation finds an invitation for an actor who may write it, and takes the lock under which its
// state changes: the organization's, or the address's for an invitation into the application.
func (iv invitationRules) lockInvitation(ctx context.Context, id InvitationID) (Invitation, error) {
	return underLock(ctx, iv.c, func() (Invitation, error) { return iv.authorizedInvitation(ctx, id) }, func(inv Invitation) error {
		return iv.c.lock(ctx, inv.lock())
	})
}

func (i Invitation) lock() store.LockKey {
	if i.OrganizationID.IsZero() {
		return lockEmail(i.EmailKey)
	}
	return lockOrganization(i.OrganizationID)
}

// sweepLimit is how many invitations one transaction of Sweep marks.
const sweepLimit = 200

// Sweep marks invitations as expired after their time, with an event for each (rule I3). It also sends
// waiting mails of invitations for which there is room now (rule I12), at most 200 in a call. It works in
// transactions of bounded size, and returns how many invitations it looked at. Run calls it, too. Without
// it, invitations still read as expired after their time and hold no seat, but waiting mails stay unsent.
// The Logger gets the errors of mails.
func (g Invitations) Sweep(ctx context.Context) (int, error) {
	total, err := g.sendWaiting(ctx)
	for err == nil {
		var n int
		n, err = g.sweep(ctx)
		if total += n; n < sweepLimit {
			break
		}
	}
	return total, err
}

// sweep is one transaction of Sweep.
func (g Invitations) sweep(ctx context.Context) (int, error) {
	return write(ctx, g.s, invitationsSweep, "", func(ctx context.Context, c *call) (int, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		n, err := c.invitations().sweepInvitations(ctx)
		if err != nil {
			return 0, err
		}
		if err := c.invitations().dropSecrets(ctx); err != nil {
			return 0, err
		}
		if err := c.mails().forget(ctx); err != nil {
			return 0, err
		}
		return n, nil
	})
}

func (iv invitationRules) sweepInvitations(ctx context.Context) (int, error) {
	due := invitationFilter{State: typed.Of(InvitationPending), DueBefore: iv.c.now.Add(time.Microsecond)} // or now
	found, err := iv.c.tx.Invitations().List(ctx, due, listSpan{Limit: sweepLimit, Order: ByDue})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	locks := make([]store.LockKey, len(found))
	for i, inv := range found {
		locks[i] = inv.lock()
	}
	if err := iv.c.lock(ctx, locks...); err != nil {
		return 0, err
	}
	for _, inv := range found {
		inv, err := iv.c.tx.Invitations().Get(ctx, inv.ID)
		if err != nil && CodeOf(err) != ErrNotFound {
			return 0, err
		}
		if err == nil && inv.State == InvitationPending && inv.checkPending(iv.c.now) != nil {
			if err := iv.expire(ctx, inv); err != nil {
				return 0, err
			}
		}
	}
	return len(found), nil
}

// dropSecrets deletes some of the tokens that expired so long ago that the answer "expired" is not needed
// any more.
func (iv invitationRules) dropSecrets(ctx context.Context) error {
	old := secretFilter{Kind: typed.Of(secretInvitation, secretJoinCode), DueBefore: iv.c.now.Add(-secretsRemembered)}
	found, err := iv.c.tx.Secrets().List(ctx, old, listSpan{Limit: sweepLimit, Order: ByDue})
	if err != nil || len(found) == 0 {
		return err
	}
	ids := make([]storedSecretID, len(found))
	for i, s := range found {
		ids[i] = s.ID
	}
	_, err = iv.c.tx.Secrets().DeleteAll(ctx, secretFilter{ID: typed.Of(ids...)})
	return err
}
