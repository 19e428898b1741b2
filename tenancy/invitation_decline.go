package tenancy

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// mailDeclined is kept among the mails: an address declined an invitation of the scope. Nothing was sent, and
// no limit counts it. For as long as mails count, the scope does not invite the address (rule I9).
const mailDeclined MessageKind = "declined"

// Decline ends a pending invitation by its token (rule I9). It needs no account and no actor: the token is
// enough. The invitation reads as [InvitationDeclined] and holds no seat, the membership that was pending for
// it is deleted, and all its tokens answer [ErrInvalidToken] from then on, as unknown ones do. So a second
// call answers that, too. The result is what [Invitations.Preview] shows.
//
// For 30 days the organization cannot invite the address again: Send, SendMany and Resend answer
// [ErrInvitationDeclined], with RetryAfter where it is about the address. This ends early when the person
// asks to join or uses a join code, with [NewInvitation].Asked, and with [Users.Erase]. Other organizations do
// not learn of it. An invitation into the application is declined in the same way, towards the application.
// Nobody asks to join that: there the 30 days end early when the user of the address, who has proved it, starts a
// session that is not confined. The event names nobody as its actor ([ActorHost]).
//
// On a page, let only a POST decline: mail programs open the links of a mail by themselves.
//
// Of any number of calls to Accept and Decline with one token, one succeeds. All of it is one transaction.
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

// decline ends an invitation that is pending, by the word of its address. The caller has the locks of
// the address and of the organization.
func (iv invitationRules) decline(ctx context.Context, inv Invitation) (InvitationPreview, error) {
	var name string
	if !inv.OrganizationID.IsZero() {
		org, err := iv.c.tx.Organizations().Get(ctx, inv.OrganizationID)
		if err != nil {
			return InvitationPreview{}, err
		}
		name = org.DisplayName
	}
	iv.c.actor, iv.c.through = Actor{Kind: ActorHost}, "" // whose address it is stays unknown (rule M2)
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

// declined refuses to invite an address that declined an invitation of the scope at an instant.
func (ml mailRules) declined(at time.Time) error {
	wait := at.Add(mailsFor).Sub(ml.c.now)
	return &Error{
		Code: ErrInvitationDeclined, Field: "email", RetryAfter: wait,
		Reason: "the address declined: invite it again in " + wait.Round(time.Second).String() + ", or once it asks",
	}
}

// declinesOf selects what is kept of an address that declined.
func declinesOf(scope, emailKey string) sentMailFilter {
	return sentMailFilter{Scope: typed.Of(scope), Address: typed.Of(addressee(emailKey).String()), Kind: typed.Of(mailDeclined)}
}

// noteDecline keeps that an address declined. The sweep of mails drops it in the end.
func (ml mailRules) noteDecline(ctx context.Context, scope, emailKey string) error {
	return ml.count(ctx, sentMail{Scope: scope, Address: addressee(emailKey).String(), Kind: mailDeclined})
}

// asks forgets that somebody's address declined: they ask an organization themselves, with that address
// proved, or the host says that they asked. The caller has the lock of the address, or of the user and of the organization.
func (ml mailRules) asks(ctx context.Context, scope, emailKey string) error {
	_, err := ml.c.tx.SentMails().DeleteAll(ctx, declinesOf(scope, emailKey))
	return err
}

// cameBack reports whether the person of an address that declined to come into the application has come to it
// since: the user who proved the address began a session. A confined one does not count: it is by the word of an
// organization's provider, and so perhaps of who wants to invite them. Nobody else can begin another one.
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
