package tenancy

import (
	"context"
	"time"
)

// mailsEvery is how often Run looks for waiting mails.
const mailsEvery = time.Minute

// mailAgain is how long a mail waits if something other than the limits prevents it.
const mailAgain = 24 * time.Hour

// sendWaiting sends the mails of invitations that waited for room at their address, those first that have
// waited longest (rule I12). It returns how many it looked at. Each has a transaction of its own.
func (g Invitations) sendWaiting(ctx context.Context) (int, error) {
	due, err := read(ctx, g.s, invitationsSweep, "", func(ctx context.Context, c *call) ([]Invitation, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil || g.s.txn != nil && g.s.txn.changes.host != nil {
			return nil, err // a mail may go out only after the commit
		}
		before := invitationFilter{MailBefore: c.now.Add(time.Microsecond)}
		return c.tx.Invitations().List(ctx, before, listSpan{Limit: sweepLimit, Order: ByTime})
	})
	for i, inv := range due {
		err := exec(ctx, g.s, invitationsSweep, inv.ID.String(), func(ctx context.Context, c *call) error {
			return c.invitations().sendLate(ctx, inv.ID)
		})
		if err != nil {
			return i, err
		}
	}
	return len(due), err
}

// sendLate sends the waiting mail of an invitation, if there is room now and if the invitation could be
// sent now.
func (iv invitationRules) sendLate(ctx context.Context, id InvitationID) error {
	inv, user, err := iv.lockSent(ctx, id)
	switch {
	case CodeOf(err) == ErrNotFound:
		return nil
	case err != nil || inv.MailDueAt.IsZero() || iv.c.now.Before(inv.MailDueAt):
		return err
	}
	before := inv
	inv.MailDueAt = time.Time{}
	if inv.checkPending(iv.c.now) != nil {
		return iv.saveWaiting(ctx, before, &inv)
	}
	org, err := iv.admitLate(ctx, &inv)
	switch {
	case err != nil:
		return err
	case !inv.MailDueAt.IsZero():
		return iv.saveWaiting(ctx, before, &inv)
	}
	inv.ExpiresAt = iv.c.now.Add(inv.ExpiresAt.Sub(inv.SentAt))
	if err := iv.saveWaiting(ctx, before, &inv); err != nil {
		return err
	}
	if _, err := iv.dispatch(ctx, inv, org, user); err != nil {
		return err
	}
	iv.c.mail[len(iv.c.mail)-1].aside = true // no caller waits for the result
	return nil
}

// saveWaiting stores an invitation whose mail waited, with an event: lists show MailDueAt, so readers of
// events have to see it change (rule G8).
func (iv invitationRules) saveWaiting(ctx context.Context, before Invitation, inv *Invitation) error {
	return save(ctx, iv.c, iv.c.tx.Invitations().Update, before, inv, EventInvitationUpdated)
}

// admitLate is admitMail for a waiting mail. If the mail is refused, it waits longer.
func (iv invitationRules) admitLate(ctx context.Context, inv *Invitation) (Organization, error) {
	org, may, err := iv.mayMailLate(ctx, *inv)
	if err == nil && may {
		if err = iv.c.mails().waited(ctx, inv.mailScope(), inv.EmailKey); err == nil {
			err = iv.admitMail(ctx, inv, org)
		}
	}
	if CodeOf(err) == ErrRateLimited || err == nil && !may {
		inv.MailDueAt, err = iv.c.now.Add(mailAgain), nil
		if may {
			err = iv.c.mails().wait(ctx, inv.mailScope(), inv.EmailKey)
		}
	}
	return org, err
}

// mayMailLate reports whether an invitation with a waiting mail could be sent now: its organization is
// open, and the inviter may still give what it gives.
func (iv invitationRules) mayMailLate(ctx context.Context, inv Invitation) (Organization, bool, error) {
	if inv.OrganizationID.IsZero() {
		return Organization{}, true, nil
	}
	org, err := iv.c.tx.Organizations().Get(ctx, inv.OrganizationID)
	if err != nil || isShut(org) != nil || inv.InviterID.IsZero() {
		return org, isShut(org) == nil, err
	}
	may, err := iv.couldInvite(ctx, inv.InviterID, org.ID, inv.Roles...)
	return org, may, err
}
