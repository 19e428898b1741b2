package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// NewInvitation is what Send needs: an Email, and for one into an organization the
// OrganizationID; the rest may be empty.
type NewInvitation struct {
	ID             InvitationID      // for imports; zero = a new one
	OrganizationID OrganizationID    // zero: into the application, for the host alone
	Email          string            // rule U1
	Roles          []string          // none = the organization's default role
	Metadata       map[string]string // for the membership (rule G3)
	For            time.Duration     // how long it stands: 1 to 30 days; 0 = Config.InvitationFor
}

// SentInvitation is an invitation with its token, which is returned this once: to be
// mailed to the address and shown to nobody. With Config.Mailer it has gone there
// already, and Token is zero (rule I2).
type SentInvitation struct {
	Invitation
	Token Token `json:"-"`
}

// Send invites an address (rule I1). Where a user has proved it, their membership is
// pending from then on (rule I2). An invitation has a seat while it stands (rule M9).
// Bound to a person, it stands on what that person may give, now and when it is
// accepted (rules R6, I4).
//
// Errors: [ErrInvalid], also for more than Limits.Invitations that stand; [ErrNotFound]
// for the organization; [ErrOrganizationClosed]; [ErrUnknownRole]; [ErrForbidden] for
// roles above the actor's; [ErrAlreadyMember], for the application too; [ErrAlreadyInvited] with the
// other one in IDs; [ErrSeatLimit]; [ErrEmailDomainNotAllowed]; [ErrAlreadyExists] with
// the field "id"; with Config.Mailer [ErrInTransaction] in a transaction of the host's,
// and [ErrMailFailed] beside the invitation, which is kept.
func (g Invitations) Send(ctx context.Context, in NewInvitation) (SentInvitation, error) {
	return g.sent(ctx, invitationsSend, in.OrganizationID.String(), func(ctx context.Context, w *work) (SentInvitation, error) {
		return w.send(ctx, in)
	})
}

// Resend sends an invitation that is pending or has run out once more (rule I5): with
// a new token, the old one being dead, and a new Config.InvitationFor to run. Who
// resends it becomes its inviter.
//
// Errors: as for Send, and [ErrInvitationAccepted], [ErrInvitationRevoked];
// [ErrNotFound] for the invitation; [ErrSeatLimit] and [ErrAlreadyInvited] for one that
// had run out.
func (g Invitations) Resend(ctx context.Context, id InvitationID) (SentInvitation, error) {
	return g.sent(ctx, invitationsResend, id.String(), func(ctx context.Context, w *work) (SentInvitation, error) {
		return w.resend(ctx, id)
	})
}

// sent runs a method that sends an invitation, and gives it also where only the mail
// failed.
func (g Invitations) sent(ctx context.Context, method *Method, key string,
	fn func(ctx context.Context, w *work) (SentInvitation, error),
) (SentInvitation, error) {
	return write(ctx, g.s, method, key, func(ctx context.Context, w *work) (SentInvitation, error) {
		if err := w.mayMail(); err != nil {
			return SentInvitation{}, err
		}
		return fn(ctx, w)
	})
}

func (w *work) send(ctx context.Context, in NewInvitation) (SentInvitation, error) {
	inv, err := w.draft(in)
	if err != nil {
		return SentInvitation{}, err
	}
	if err := w.authorizeEarly(ctx, scope{organization: inv.OrganizationID}); err != nil {
		return SentInvitation{}, err
	}
	user, err := w.lockInvited(ctx, inv)
	if err != nil {
		return SentInvitation{}, err
	}
	if err := w.authorize(ctx, scope{organization: inv.OrganizationID}); err != nil {
		return SentInvitation{}, err
	}
	if err := w.hostOnly(input{"id", !in.ID.IsZero()}); err != nil {
		return SentInvitation{}, err
	}
	org, err := w.mayInvite(ctx, &inv, user)
	if err != nil {
		return SentInvitation{}, err
	}
	if err := w.supersede(ctx, inv); err != nil {
		return SentInvitation{}, err
	}
	if err := w.seatFor(ctx, org); err != nil {
		return SentInvitation{}, err
	}
	if err := w.Invitations().Insert(ctx, inv); err != nil {
		return SentInvitation{}, err
	}
	if err := w.record(ctx, inv.event(EventInvitationSent)); err != nil {
		return SentInvitation{}, err
	}
	return w.dispatch(ctx, inv, org, user)
}

// draft is the invitation that a NewInvitation describes.
func (w *work) draft(in NewInvitation) (Invitation, error) {
	lasts := cmp.Or(in.For, w.config.InvitationFor)
	if err := invitationLasts("for", lasts); err != nil {
		return Invitation{}, err
	}
	inv := Invitation{
		ID: newID(w, in.ID), Version: 1, OrganizationID: in.OrganizationID, Email: in.Email, Roles: in.Roles,
		State: InvitationPending, Sends: 1, SentAt: w.now, InviterID: w.inviter(), ExpiresAt: w.now.Add(lasts), CreatedAt: w.now, UpdatedAt: w.now,
	}
	var err error
	if inv.EmailKey, err = CanonicalEmail(in.Email); err != nil {
		return Invitation{}, err
	}
	if inv.Metadata, err = w.config.Limits.metadata("metadata", in.Metadata); err != nil {
		return Invitation{}, err
	}
	if in.OrganizationID.IsZero() {
		switch {
		case len(in.Roles) > 0:
			return Invitation{}, invalid("roles", "are for an organization")
		case len(in.Metadata) > 0:
			return Invitation{}, invalid("metadata", "is for a membership")
		}
	}
	return inv, nil
}

// inviter is the person whose grants an invitation stands on: the actor, or none for
// the host and its service accounts.
func (w *work) inviter() UserID {
	if p := w.service.principal; p != nil {
		return p.user
	}
	return UserID{}
}

// lockInvited takes the locks of an invitation's roles, address and organization, and
// of the user who has the address, whom it gives: zero for nobody. Nobody can come to
// have it meanwhile, for that takes the address's lock.
func (w *work) lockInvited(ctx context.Context, inv Invitation) (User, error) {
	if err := w.lockDeclared(ctx, inv.Roles...); err != nil {
		return User{}, err
	}
	if err := w.Lock(ctx, lockEmail(inv.EmailKey)); err != nil {
		return User{}, err
	}
	user, err := w.userAt(ctx, inv.EmailKey)
	if err != nil {
		return User{}, err
	}
	var locks []store.LockKey
	if !user.ID.IsZero() {
		locks = append(locks, lockUser(user.ID))
	}
	if !inv.OrganizationID.IsZero() {
		locks = append(locks, lockOrganization(inv.OrganizationID))
	}
	if err := w.Lock(ctx, locks...); err != nil || user.ID.IsZero() {
		return User{}, err
	}
	return w.userAt(ctx, inv.EmailKey)
}

// userAt finds the user who has a canonical address, verified or not; zero for nobody.
func (w *work) userAt(ctx context.Context, emailKey string) (User, error) {
	found, err := w.Users().List(ctx, UserFilter{EmailKey: Of(emailKey)}, Span{Limit: 1})
	if err != nil || len(found) == 0 {
		return User{}, err
	}
	return found[0], nil
}

// mayInvite checks what must hold whenever an invitation is sent, and gives the
// organization. user is who has the address.
func (w *work) mayInvite(ctx context.Context, inv *Invitation, user User) (Organization, error) {
	if inv.OrganizationID.IsZero() {
		if !user.EmailVerifiedAt.IsZero() {
			return Organization{}, &Error{Code: ErrAlreadyMember}
		}
		return Organization{}, nil
	}
	org, err := w.Organizations().Get(ctx, inv.OrganizationID)
	if err != nil {
		return Organization{}, err
	}
	if err := isShut(org); err != nil {
		return Organization{}, err
	}
	if err := w.emailAllowed(org, inv.EmailKey); err != nil {
		return Organization{}, err
	}
	if inv.Roles, err = w.roles(ctx, org.ID, "roles", inv.Roles, w.fallbackRole(org)); err != nil {
		return Organization{}, err
	}
	if err := w.mayGive(ctx, org.ID, inv.Roles...); err != nil {
		return Organization{}, err
	}
	return org, w.mayReceive(ctx, org, user)
}

// mayReceive refuses to invite an active member, and an inactive one who had more than
// the actor has: accepting takes what they had (rule R6).
func (w *work) mayReceive(ctx context.Context, org Organization, user User) error {
	if user.ID.IsZero() {
		return nil
	}
	m, err := w.membership(ctx, org.ID, user.ID)
	switch {
	case CodeOf(err) == ErrNotFound:
		return nil
	case err != nil:
		return err
	case m.Status == MembershipActive:
		return &Error{Code: ErrAlreadyMember}
	}
	return w.mayTouch(ctx, m)
}

// supersede makes way for an invitation: another one to the same place that has run out
// is marked, and one that stands is refused (rule I5).
func (w *work) supersede(ctx context.Context, inv Invitation) error {
	filter := InvitationFilter{OrganizationID: Of(inv.OrganizationID), EmailKey: Of(inv.EmailKey), State: Of(InvitationPending)}
	found, err := w.Invitations().List(ctx, filter, Span{Limit: 1})
	switch {
	case err != nil:
		return err
	case len(found) == 0 || found[0].ID == inv.ID:
		return nil
	case found[0].stands(w.now) == nil:
		return &Error{Code: ErrAlreadyInvited, IDs: []string{found[0].ID.String()}}
	}
	return w.expire(ctx, found[0])
}

// seatFor refuses one more invitation where the organization has no seat for it, or has
// as many as may stand at once.
func (w *work) seatFor(ctx context.Context, org Organization) error {
	if org.ID.IsZero() {
		return nil
	}
	n, err := w.Invitations().Count(ctx, w.standing(org.ID))
	if err != nil {
		return err
	}
	if most := w.config.Limits.Invitations; n >= most {
		return invalid("organization", fmt.Sprintf("has %d invitations, at most %d", n, most))
	}
	return w.seats(ctx, org, 0)
}

func (w *work) resend(ctx context.Context, id InvitationID) (SentInvitation, error) {
	inv, user, err := w.lockSent(ctx, id)
	if err != nil {
		return SentInvitation{}, err
	}
	before, ran := inv, inv.at(w.now).State == InvitationExpired
	if err := inv.stands(w.now); err != nil && !ran {
		return SentInvitation{}, err
	}
	org, err := w.mayInvite(ctx, &inv, user)
	if err != nil {
		return SentInvitation{}, err
	}
	if ran {
		if err := w.supersede(ctx, inv); err != nil {
			return SentInvitation{}, err
		}
		if err := w.seatFor(ctx, org); err != nil {
			return SentInvitation{}, err
		}
	}
	if err := w.spendOf(ctx, SecretInvitation, inv.ID.String()); err != nil {
		return SentInvitation{}, err
	}
	inv.State, inv.DecidedAt, inv.InviterID = InvitationPending, time.Time{}, w.inviter()
	inv.Sends++
	inv.SentAt = w.now
	inv.ExpiresAt = w.now.Add(w.config.InvitationFor)
	if err := save(ctx, w, w.Invitations().Update, before, &inv, EventInvitationResent); err != nil {
		return SentInvitation{}, err
	}
	return w.dispatch(ctx, inv, org, user)
}

// lockSent finds an invitation for who may write it, under the locks of lockInvited.
func (w *work) lockSent(ctx context.Context, id InvitationID) (Invitation, User, error) {
	var user User
	inv, err := underLock(ctx, w, func() (Invitation, error) { return w.reach(ctx, id) }, func(inv Invitation) (err error) {
		user, err = w.lockInvited(ctx, inv)
		return err
	})
	if err != nil {
		return Invitation{}, User{}, err
	}
	// A role may have been replaced by one that has a lock. That is out of order; a
	// deadlock by it is found, and the transaction runs again.
	return inv, user, w.lockDeclared(ctx, inv.Roles...)
}

// dispatch makes the token of an invitation that was just sent, lets the membership of
// who has the address appear, and hands the token over.
func (w *work) dispatch(ctx context.Context, inv Invitation, org Organization, user User) (SentInvitation, error) {
	secret := Secret{Kind: SecretInvitation, Subject: inv.ID.String(), ExpiresAt: inv.ExpiresAt}
	if w.config.mailed() {
		secret.Address = inv.EmailKey // which the token proves then (rule I4)
	}
	token, err := w.issue(ctx, secret)
	if err != nil {
		return SentInvitation{}, err
	}
	if !user.EmailVerifiedAt.IsZero() {
		if err := w.offer(ctx, inv, user); err != nil {
			return SentInvitation{}, err
		}
	}
	message := Message{
		Kind: MessageInvitation, To: inv.Email, Token: token, ExpiresAt: inv.ExpiresAt, Subject: inv.ID.String(),
		OrganizationID: org.ID, Organization: org.DisplayName, Again: inv.Sends > 1,
	}
	if !inv.InviterID.IsZero() && w.config.Mailer != nil {
		inviter, err := w.Users().Get(ctx, inv.InviterID)
		if err != nil {
			return SentInvitation{}, err
		}
		message.Inviter = inviter.Name()
	}
	return SentInvitation{inv, w.hand(message)}, nil
}
