package tenancy

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// mailDeclined marks a row among the sent mails that says: this address declined an invitation of the
// scope. It is not a mail, and does not count for a limit. While the row exists, the scope cannot invite
// the address (rule I9).
const mailDeclined MessageKind = "declined"

// Decline ends a pending invitation by its token (rule I9). It needs no account and no actor: the token is
// enough. The invitation becomes [InvitationDeclined] and holds no seat, and the membership that was
// pending for it is deleted. All its tokens become unknown, so a second call returns [ErrInvalidToken]. The
// result is what [Invitations.Preview] returns.
//
// For 30 days the organization cannot invite the address again: Send, SendMany and Resend return
// [ErrInvitationDeclined], with RetryAfter if the reason is the address. This ends early when the person
// asks to join or uses a join code, with [NewInvitation].Asked, and with [Users.Erase]. Other organizations
// do not learn of it.
//
// An invitation into the application can be declined in the same way; then the host cannot invite the
// address. Because nobody asks to join the application, those 30 days end early when the user who has
// proved the address starts a session that is not confined. The event has the actor [ActorHost], and names
// nobody.
//
// On a web page, let only a POST decline: mail programs open the links in a mail by themselves.
//
// If several calls to Accept and Decline bring one token, one of them succeeds. Decline is one transaction.
//
// Errors: [ErrInvalidToken]; [ErrTokenUsed] for a token that Resend replaced;
// [ErrInvitationAccepted], [ErrInvitationRevoked], [ErrInvitationExpired].
func (g Invitations) Decline(ctx context.Context, token string) (InvitationPreview, error) {
	return write(ctx, g.s, invitationsDecline, "", func(ctx context.Context, c *call) (InvitationPreview, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return InvitationPreview{}, err
		}
		found, err := c.invitations().presented(ctx, token)
		if err != nil {
			return InvitationPreview{}, err
		}
		if err := c.lock(ctx, lockEmail(found.EmailKey), found.lock()); err != nil {
			return InvitationPreview{}, err
		}
		if found, err = c.invitations().presented(ctx, token); err != nil {
			return InvitationPreview{}, err
		}
		return c.invitations().decline(ctx, found.Invitation)
	})
}

// decline ends a pending invitation on behalf of its address. The caller holds the locks of the address and
// of the organization.
func (iv invitationRules) decline(ctx context.Context, inv Invitation) (InvitationPreview, error) {
	var name string
	if !inv.OrganizationID.IsZero() {
		org, err := iv.c.tx.Organizations().Get(ctx, inv.OrganizationID)
		if err != nil {
			return InvitationPreview{}, err
		}
		name = org.DisplayName
	}
	iv.c.actor, iv.c.through = Actor{Kind: ActorHost}, "" // nobody may learn whose address it is (rule M2)
	before := inv
	inv.State, inv.DecidedAt, inv.MailDueAt = InvitationDeclined, iv.c.now, time.Time{}
	if err := save(ctx, iv.c, iv.c.tx.Invitations().Update, before, &inv, EventInvitationDeclined); err != nil {
		return InvitationPreview{}, err
	}
	if err := iv.dropPending(ctx, inv.ID); err != nil {
		return InvitationPreview{}, err
	}
	if err := dropOpeners(ctx, iv.c, secretInvitation, []InvitationID{inv.ID}); err != nil {
		return InvitationPreview{}, err
	}
	return inv.preview(name), iv.c.mails().noteDecline(ctx, inv.mailScope(), inv.EmailKey)
}

// declined is the refusal to invite an address that declined an invitation of the scope at a time.
func (ml mailRules) declined(at time.Time) error {
	wait := at.Add(mailsFor).Sub(ml.c.now)
	return &Error{
		Code: ErrInvitationDeclined, Field: "email", RetryAfter: wait,
		Reason: "the address declined: invite it again in " + wait.Round(time.Second).String() + ", or once it asks",
	}
}

// declinesOf selects the rows that say that an address declined.
func declinesOf(scope, emailKey string) sentMailFilter {
	return sentMailFilter{Scope: typed.Of(scope), Address: typed.Of(addressee(emailKey).String()), Kind: typed.Of(mailDeclined)}
}

// noteDecline stores that an address declined. The sweep of mails deletes the row later.
func (ml mailRules) noteDecline(ctx context.Context, scope, emailKey string) error {
	return ml.count(ctx, sentMail{Scope: scope, Address: addressee(emailKey).String(), Kind: mailDeclined})
}

// asks forgets that an address declined, because its person asks for an invitation: they ask the
// organization with that address proved, or the host says that they asked. The caller holds the lock of the
// address, or of the user and of the organization.
func (ml mailRules) asks(ctx context.Context, scope, emailKey string) error {
	_, err := ml.c.tx.SentMails().DeleteAll(ctx, declinesOf(scope, emailKey))
	return err
}

// cameBack reports whether a person who declined to come into the application has come since: the user who
// proved the address began a session. A confined session does not count, because an organization's provider
// asserted it, and that organization may be the one that invites. Only the person can begin another
// session.
func (ml mailRules) cameBack(ctx context.Context, scope, emailKey string, declined time.Time) (bool, error) {
	if scope != "" {
		return false, nil
	}
	user, err := ml.c.invitations().userAt(ctx, emailKey)
	if err != nil || user.EmailVerifiedAt.IsZero() {
		return false, err
	}
	last, err := ml.c.tx.Sessions().List(ctx, sessionFilter{UserID: typed.Of(user.ID)}, listSpan{Limit: MaxLimit, Desc: true})
	return slices.ContainsFunc(last, func(s Session) bool { return !s.Confined && s.ProvedAt.After(declined) }), err
}
