package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store/typed"
)

// EmailProof is a token that ChangeEmail makes for the host to mail: a person who brings the token has read
// the mailbox. Mail it to Email and show it to nobody else. With Config.Mailer it was mailed already, and
// Token is zero.
type EmailProof struct {
	Email     string    `json:"email"`               // the address to which to mail it
	Token     Token     `json:"-"`                   // the token for ConfirmEmail
	ExpiresAt time.Time `json:"expires_at,omitzero"` // when the token expires
}

// ChangeEmail starts a change of a user's address (rule U5). The new address is pending, and becomes the
// user's when ConfirmEmail gets the token. If the user has the address already, the proof verifies it. A
// second ChangeEmail replaces the first, whose token then stops working. A user without an address gets
// their first one in the same way (rule U13).
//
// A person cannot change a managed address, which is one on a verified domain of an organization whose
// policy binds the people on it (rule U9). The host can.
//
// ChangeEmail does not say whether another user has the address, because anybody could ask. ConfirmEmail
// says it, which only the owner of the mailbox can call.
//
// One user can ask for a proof of one address once a minute and 10 times in 30 days. An address gets at
// most 20 of them a day, from all users; half of those are reserved for users who have asked fewer than
// three times that day (rule I12).
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrMerged]; [ErrRateLimited]; for an actor [ErrEmailManaged]; with
// Config.Mailer [ErrInTransaction] on a Service from [Service.Join] (in [Service.Transact] the mail goes out
// after the commit), and [ErrMailFailed] together with the
// proof, which is stored.
func (g Users) ChangeEmail(ctx context.Context, id UserID, address string) (EmailProof, error) {
	return write(ctx, g.s, usersChangeEmail, id.String(), func(ctx context.Context, c *call) (EmailProof, error) {
		if err := c.mayMail(); err != nil {
			return EmailProof{}, err
		}
		return c.users().changeEmail(ctx, id, address, false)
	})
}

// changeEmail mails the proof of an address. With present, it accepts only the user's unproved address.
func (us userRules) changeEmail(ctx context.Context, id UserID, address string, present bool) (EmailProof, error) {
	address, canonical, err := readEmail(address)
	if err != nil {
		return EmailProof{}, err
	}
	if err := us.c.access().mayLock(ctx, scope{user: id}); err != nil {
		return EmailProof{}, err
	}
	if err := us.c.lock(ctx, lockEmail(canonical), lockUser(id)); err != nil {
		return EmailProof{}, err
	}
	if err := us.c.access().authorize(ctx, scope{user: id}); err != nil {
		return EmailProof{}, err
	}
	user, err := us.get(ctx, id)
	switch {
	case err != nil:
		return EmailProof{}, err
	case present && !user.EmailVerifiedAt.IsZero():
		return EmailProof{}, invalid("email", "is proved already")
	case present && user.EmailKey != canonical:
		return EmailProof{}, &Error{Code: ErrConflict, Field: "email", Reason: "has moved meanwhile"}
	}
	asks := ""
	if us.c.service.principal != nil {
		asks = id.String()
		if err := us.unmanaged(ctx, user, canonical); err != nil {
			return EmailProof{}, err
		}
	}
	expires := us.c.now.Add(us.c.instance.config.EmailProofFor)
	message := Message{Kind: MessageEmailProof, To: address, ExpiresAt: expires, Subject: id.String(), Label: us.c.instance.config.Label}
	if err := us.c.mails().admitNow(ctx, id.String(), canonical, message); err != nil {
		return EmailProof{}, err
	}
	if err := us.c.spendProofs(ctx, id); err != nil {
		return EmailProof{}, err
	}
	token, err := us.c.issue(ctx, storedSecret{Kind: secretEmailProof, UserID: id, Subject: asks, Address: canonical, ExpiresAt: expires})
	if err != nil {
		return EmailProof{}, err
	}
	message.Token = token
	proof := EmailProof{address, us.c.queueMail(message), expires}
	if user.PendingEmail == address { // the row stays the same, but there is a new proof
		return proof, us.c.record(ctx, user.event(EventUserEmailChangeRequested))
	}
	before := user
	user.PendingEmail = address
	return proof, us.saveUser(ctx, before, &user, EventUserEmailChangeRequested)
}

// SendVerification asks a user to prove the address that they have and that is not proved yet (rule U12).
// It mails a link, whose token is for ConfirmEmail. It is ChangeEmail to the present address, has the same
// limits, and replaces a pending change.
//
// Errors: [ErrNotFound], [ErrMerged]; [ErrInvalid] with the field "email" if the address is proved already;
// [ErrConflict] if the address changes meanwhile; [ErrRateLimited]; with Config.Mailer [ErrInTransaction]
// in a transaction of the host's, and [ErrMailFailed] together with the proof, which is stored.
func (g Users) SendVerification(ctx context.Context, id UserID) (EmailProof, error) {
	return write(ctx, g.s, usersSendVerification, id.String(), func(ctx context.Context, c *call) (EmailProof, error) {
		if err := c.mayMail(); err != nil {
			return EmailProof{}, err
		}
		return c.users().sendVerification(ctx, id)
	})
}

func (us userRules) sendVerification(ctx context.Context, id UserID) (EmailProof, error) {
	if err := us.c.access().authorizeEarly(ctx, scope{user: id}); err != nil {
		return EmailProof{}, err
	}
	user, err := us.get(ctx, id)
	if err != nil {
		return EmailProof{}, err
	}
	return us.changeEmail(ctx, id, user.Email, true)
}

// unmanaged refuses to change an address on a verified domain of an organization whose policy binds the
// people on it (rule U9).
func (us userRules) unmanaged(ctx context.Context, user User, to string) error {
	from, ok, err := us.c.domains().verifiedDomain(ctx, user.EmailKey)
	if err != nil || !ok {
		return err
	}
	if _, stays, err := us.c.domains().verifiedFor(ctx, from.OrganizationID, to); err != nil || stays {
		return err
	}
	rules, err := us.c.policies().read(ctx, from.OrganizationID)
	if err != nil {
		return err
	}
	p, err := us.c.policies().resting(ctx, rules[from.OrganizationID])
	if err == nil && p.Domain.binds() {
		err = &Error{Code: ErrEmailManaged, Field: "email", Reason: "an organization manages the addresses on " + from.Name}
	}
	return err
}

// CancelEmailChange drops a pending address and its token. If there is none, it changes nothing.
//
// Errors: [ErrNotFound], [ErrMerged].
func (g Users) CancelEmailChange(ctx context.Context, id UserID) (User, error) {
	return g.change(ctx, usersCancelEmailChange, id, func(ctx context.Context, c *call, user *User) (EventType, error) {
		user.PendingEmail = ""
		return EventUserEmailChangeCanceled, c.spendProofs(ctx, user.ID)
	})
}

// EmailConfirmation is the input of ConfirmEmail: the Token, and the Session if the address changes.
type EmailConfirmation struct {
	// Token is the token in the link that was mailed.
	Token string
	// Session is the token of the session in which the link was opened; "" = the person is not signed in.
	// On a Service that is bound to the person, leave it empty.
	Session string
}

// ConfirmEmail ends a ChangeEmail by its token: the pending address becomes the user's email, and is
// verified. The person who opens the link gets the account, and not the person who asked for it (rule U5).
//
// If the address changes, the link must be opened in a live, unconfined session of the same user. That
// session continues; their other sessions end. Without this condition, an attacker could have a mail sent
// to a stranger, and the stranger's click would put the stranger's address on the attacker's account. The
// first address of a user (rule U13) has the same condition; the identities of such a user stay.
//
// If the address stays and was not proved before, somebody else may have made the account. If the link was
// opened in a session of the user's, that session and its identity stay, and all other sessions, identities
// and pending changes from before are deleted. Otherwise all of them are deleted, as in Identities.Resolve,
// and an organization that the account had made for itself alone is archived; the person then has to set up
// a new way to sign in.
//
// An attacker can sign a stranger's browser in to the attacker's account, and then send the stranger a
// link. So the page of the link must change nothing by itself: it shows the account that is signed in and
// the address, and confirms with a POST.
//
// The old address gets a notice that the email has changed, by Config.Mailer.
//
// Errors: [ErrInvalidToken], [ErrTokenExpired], [ErrTokenUsed]; [ErrSignInRequired] if the address would
// change and there is no such session, which does not use up the token; [ErrForbidden] for a suspended
// user; [ErrEmailManaged] if the person had asked for the change and the address is managed by now;
// [ErrAlreadyExists] with the field "email" if another user has the address by now, which changes nothing.
func (g Users) ConfirmEmail(ctx context.Context, in EmailConfirmation) (User, error) {
	user, err := write(ctx, g.s, usersConfirmEmail, "", func(ctx context.Context, c *call) (User, error) {
		return c.users().confirmEmail(ctx, in)
	})
	if err != nil {
		return User{}, err
	}
	return g.s.redact(user), nil
}

func (us userRules) confirmEmail(ctx context.Context, in EmailConfirmation) (User, error) {
	secret, err := us.c.secret(ctx, secretEmailProof, in.Token)
	if err != nil {
		return User{}, err
	}
	if err := us.c.lock(ctx, lockEmail(secret.Address), lockUser(secret.UserID)); err != nil {
		return User{}, err
	}
	if secret, err = us.c.secret(ctx, secretEmailProof, in.Token); err != nil {
		return User{}, err
	}
	if err := us.c.access().authorize(ctx, scope{user: secret.UserID}); err != nil {
		return User{}, err
	}
	user, err := us.get(ctx, secret.UserID)
	if err != nil {
		return User{}, err
	}
	if !user.SuspendedAt.IsZero() {
		return User{}, &Error{Code: ErrForbidden, Reason: string(ReasonUserSuspended)}
	}
	by, err := us.presenter(ctx, user.ID, in.Session)
	if err != nil {
		return User{}, err
	}
	us.c.actor = Actor{Kind: ActorUser, ID: user.ID.String()}
	if user.EmailKey == secret.Address {
		return us.confirmStored(ctx, secret, user, by)
	}
	if !by.signedIn {
		return User{}, &Error{Code: ErrSignInRequired, Field: "session", Reason: "sign in to the account whose address should move, and open the link again"}
	}
	if secret.Subject != "" {
		if err := us.unmanaged(ctx, user, secret.Address); err != nil {
			return User{}, err
		}
	}
	if err := us.c.spend(ctx, secret); err != nil {
		return User{}, err
	}
	if err := us.c.sessions().endSessions(ctx, sessionFilter{UserID: typed.Of(user.ID)}, EndedEmailChanged, by.session); err != nil {
		return User{}, err
	}
	if user.EmailKey != "" && user.EmailVerifiedAt.IsZero() { // without an address there was no address of somebody else's
		if err := us.revokeAccess(ctx, user.ID, by.proof()); err != nil {
			return User{}, err
		}
	}
	if err := us.moveEmail(ctx, &user, user.PendingEmail, secret.Address, EmailProvedByMail); err != nil {
		return User{}, err
	}
	return user, nil
}

// confirmStored verifies the address that a user has already.
func (us userRules) confirmStored(ctx context.Context, secret storedSecret, user User, by presenter) (User, error) {
	if err := us.c.spend(ctx, secret); err != nil {
		return User{}, err
	}
	if user.EmailVerifiedAt.IsZero() {
		p := by.proof()
		p.email = user.PendingEmail
		if err := us.takeOver(ctx, &user, p); err != nil {
			return User{}, err
		}
		return user, nil
	}
	before := user
	user.Email, user.PendingEmail, user.EmailProvedBy = user.PendingEmail, "", EmailProvedByMail
	if err := us.saveUser(ctx, before, &user, EventUserEmailVerified); err != nil {
		return User{}, err
	}
	return user, nil
}

// presenter is the person who opened a link.
type presenter struct {
	signedIn bool       // signed in as the user for whom the link is
	session  SessionID  // their session; zero: the host keeps its own sessions
	identity IdentityID // the identity of that session; zero: none
}

// proof returns what the presenter has proved by opening the link.
func (p presenter) proof() emailProof {
	return emailProof{by: EmailProvedByMail, own: p.signedIn, identity: p.identity, session: p.session}
}

// presenter finds out whether the user opened a link for them while they were properly signed in: in a live
// session that is not confined, or on a Service bound to them.
func (us userRules) presenter(ctx context.Context, user UserID, token string) (presenter, error) {
	if p := us.c.service.principal; p != nil {
		if p.session == nil {
			return presenter{signedIn: p.user == user}, nil
		}
		return presenter{!p.session.Confined, p.session.ID, p.session.IdentityID}, nil
	}
	if token == "" {
		return presenter{}, nil
	}
	s, err := us.liveSession(ctx, token)
	switch {
	case CodeOf(err) == ErrSignInRequired, err == nil && s.UserID != user:
		return presenter{}, nil
	case err != nil:
		return presenter{}, err
	}
	us.c.through, us.c.throughAt = s.ID.String(), s.OrganizationID
	return presenter{true, s.ID, s.IdentityID}, nil
}

// liveSession returns the session of a token, if it is live and not confined.
//
// Errors: [ErrSignInRequired] otherwise.
func (us userRules) liveSession(ctx context.Context, token string) (Session, error) {
	s, ok, err := us.c.sessions().unconfined(ctx, token)
	switch CodeOf(err) {
	case "":
		if ok {
			return s, nil
		}
	case ErrInvalidToken, ErrSessionEnded, ErrSessionExpired:
	default:
		return Session{}, err
	}
	return Session{}, &Error{Code: ErrSignInRequired, Field: "session", Reason: "wants a live session that is not confined to one organization", Err: err}
}

// moveEmail gives a user another address, which is proved. The user's organizations get an event (rule U9),
// and the old mailbox gets a notice (rule U11).
func (us userRules) moveEmail(ctx context.Context, user *User, address, canonical, by string) error {
	before := *user
	user.Email, user.EmailKey, user.PendingEmail = address, canonical, ""
	user.EmailVerifiedAt, user.EmailProvedBy = us.c.now, by
	if err := us.saveUser(ctx, before, user, EventUserEmailChanged); err != nil {
		return err
	}
	if err := us.c.pendings().void(ctx, user.ID); err != nil {
		return err
	}
	if !before.EmailVerifiedAt.IsZero() {
		if err := us.c.notify(ctx, before, MessageEmailChanged); err != nil {
			return err
		}
	}
	old, err := marshal(emailOf{Email: before.Email})
	if err != nil {
		return err
	}
	members, err := us.c.members().membershipsOf(ctx, user.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Status == MembershipPending {
			continue
		}
		err := us.c.record(ctx, newEvent{
			kind: EventMembershipEmailChanged, organization: m.OrganizationID, user: user.ID, subject: m.ID.String(),
			data: emailOf{m.ID, user.Email}, previous: old,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// emailOf is what an organization learns of a member's address.
type emailOf struct {
	ID    MembershipID `json:"id,omitzero"`
	Email string       `json:"email"`
}
