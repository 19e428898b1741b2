package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Revoke takes an invitation back (rule I5), and the membership that waits for it.
//
// Errors: [ErrNotFound]; [ErrForbidden] for roles above the actor's;
// [ErrInvitationAccepted], [ErrInvitationRevoked], [ErrInvitationExpired].
func (g Invitations) Revoke(ctx context.Context, id InvitationID) (Invitation, error) {
	return write(ctx, g.s, invitationsRevoke, id.String(), func(ctx context.Context, w *work) (Invitation, error) {
		inv, err := w.lockInvitation(ctx, id)
		if err != nil {
			return Invitation{}, err
		}
		if err := inv.stands(w.now); err != nil {
			return Invitation{}, err
		}
		if !inv.OrganizationID.IsZero() {
			if err := w.mayGive(ctx, inv.OrganizationID, inv.Roles...); err != nil {
				return Invitation{}, err
			}
		}
		if err := w.revoke(ctx, &inv); err != nil {
			return Invitation{}, err
		}
		if err := w.withdraw(ctx, id); err != nil {
			return Invitation{}, err
		}
		return inv, nil
	})
}

// lockInvitation finds an invitation for who may write it, under the lock that its state
// changes under: the organization's, or the address's for one into the application.
func (w *work) lockInvitation(ctx context.Context, id InvitationID) (Invitation, error) {
	return underLock(ctx, w, func() (Invitation, error) { return w.reach(ctx, id) }, func(inv Invitation) error {
		return w.Lock(ctx, inv.lock())
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

// Sweep marks the invitations that have run out, with an event each (rule I3), in
// transactions of bounded size, and says how many. They read as expired without it,
// and hold no seat. Run does it, too.
func (g Invitations) Sweep(ctx context.Context) (int, error) {
	total := 0
	for {
		n, err := g.sweep(ctx)
		total += n
		if err != nil || n < sweepLimit {
			return total, err
		}
	}
}

// sweep is one transaction of Sweep.
func (g Invitations) sweep(ctx context.Context) (int, error) {
	return write(ctx, g.s, invitationsSweep, "", func(ctx context.Context, w *work) (int, error) {
		if err := w.authorize(ctx, scope{}); err != nil {
			return 0, err
		}
		n, err := w.sweepInvitations(ctx)
		if err != nil {
			return 0, err
		}
		if err := w.dropSecrets(ctx); err != nil {
			return 0, err
		}
		return n, nil
	})
}

func (w *work) sweepInvitations(ctx context.Context) (int, error) {
	due := InvitationFilter{State: Of(InvitationPending), DueBefore: w.now.Add(time.Microsecond)} // at this instant, too
	found, err := w.Invitations().List(ctx, due, Span{Limit: sweepLimit, Order: ByDue})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	locks := make([]store.LockKey, len(found))
	for i, inv := range found {
		locks[i] = inv.lock()
	}
	if err := w.Lock(ctx, locks...); err != nil {
		return 0, err
	}
	for _, inv := range found {
		inv, err := w.Invitations().Get(ctx, inv.ID)
		if err != nil && CodeOf(err) != ErrNotFound {
			return 0, err
		}
		if err == nil && inv.State == InvitationPending && inv.stands(w.now) != nil {
			if err := w.expire(ctx, inv); err != nil {
				return 0, err
			}
		}
	}
	return len(found), nil
}

// dropSecrets deletes some of the tokens that ran out so long ago that they need not
// say so any more.
func (w *work) dropSecrets(ctx context.Context) error {
	old := SecretFilter{Kind: Of(SecretInvitation, SecretJoinCode), DueBefore: w.now.Add(-secretsRemembered)}
	found, err := w.Secrets().List(ctx, old, Span{Limit: sweepLimit, Order: ByDue})
	if err != nil || len(found) == 0 {
		return err
	}
	ids := make([]SecretID, len(found))
	for i, s := range found {
		ids[i] = s.ID
	}
	_, err = w.Secrets().DeleteAll(ctx, SecretFilter{ID: Of(ids...)})
	return err
}
