package tenancy

import (
	"context"
	"time"
)

// EmailProof is what ChangeEmail gives the host to mail: whoever brings the token
// back has read the mailbox. Mail it to Email and show it to nobody. With Config.Mailer
// it has gone there already, and Token is zero.
type EmailProof struct {
	Email     string    `json:"email"`
	Token     Token     `json:"-"`
	ExpiresAt time.Time `json:"expires_at"`
}

// ChangeEmail asks a user to prove an address (rule U5): it is stored as pending,
// and the email moves only when ConfirmEmail is given the token. With the address
// that the user has already, the proof verifies it. A second ChangeEmail replaces
// the first, whose token is dead.
//
// An address that is managed stays where it is: a person cannot move theirs off the
// verified domains of an organization whose policy binds it (rule U9). The host can.
//
// Whether another user has the address is not told here, where anyone could ask,
// but to ConfirmEmail, which only the mailbox's owner gets to.
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrMerged]; for an actor [ErrEmailManaged]; with
// Config.Mailer [ErrInTransaction] in a transaction of the host's, and [ErrMailFailed]
// beside the proof, which holds.
func (g Users) ChangeEmail(ctx context.Context, id UserID, address string) (EmailProof, error) {
	return write(ctx, g.s, usersChangeEmail, id.String(), func(ctx context.Context, w *work) (EmailProof, error) {
		if err := w.mayMail(); err != nil {
			return EmailProof{}, err
		}
		return w.changeEmail(ctx, id, address)
	})
}

func (w *work) changeEmail(ctx context.Context, id UserID, address string) (EmailProof, error) {
	canonical, err := CanonicalEmail(address)
	if err != nil {
		return EmailProof{}, err
	}
	if err := w.Lock(ctx, lockUser(id)); err != nil {
		return EmailProof{}, err
	}
	if err := w.authorize(ctx, scope{user: id}); err != nil {
		return EmailProof{}, err
	}
	user, err := w.user(ctx, id)
	if err != nil {
		return EmailProof{}, err
	}
	asks := ""
	if w.service.principal != nil {
		asks = id.String()
		if err := w.unmanaged(ctx, user, canonical); err != nil {
			return EmailProof{}, err
		}
	}
	if err := w.spendProofs(ctx, id); err != nil {
		return EmailProof{}, err
	}
	expires := w.now.Add(w.config.EmailProofFor)
	token, err := w.issue(ctx, Secret{Kind: SecretEmailProof, UserID: id, Subject: asks, Address: canonical, ExpiresAt: expires})
	if err != nil {
		return EmailProof{}, err
	}
	proof := EmailProof{address, w.hand(Message{
		Kind: MessageEmailProof, To: address, Token: token, ExpiresAt: expires, Subject: id.String(),
	}), expires}
	if user.PendingEmail == address { // the row stays as it is, and yet there is a new proof
		return proof, w.record(ctx, user.event(EventUserEmailChangeRequested))
	}
	before := user
	user.PendingEmail = address
	return proof, w.saveUser(ctx, before, &user, EventUserEmailChangeRequested)
}

// unmanaged refuses to move an address off the verified domains of an organization whose
// policy binds the people on them (rule U9).
func (w *work) unmanaged(ctx context.Context, user User, to string) error {
	from, ok, err := w.verifiedDomain(ctx, user.EmailKey)
	if err != nil || !ok {
		return err
	}
	if _, stays, err := w.verifiedFor(ctx, from.OrganizationID, to); err != nil || stays {
		return err
	}
	rules, err := w.policies(ctx, from.OrganizationID)
	if err != nil {
		return err
	}
	p, err := w.resting(ctx, rules[from.OrganizationID])
	if err == nil && p.Domain.binds() {
		err = &Error{Code: ErrEmailManaged, Field: "email", Reason: "an organization manages the addresses on " + from.Name}
	}
	return err
}

// CancelEmailChange drops a pending address and its token. Without one it changes
// nothing.
//
// Errors: [ErrNotFound], [ErrMerged].
func (g Users) CancelEmailChange(ctx context.Context, id UserID) (User, error) {
	return g.change(ctx, usersCancelEmailChange, id, func(ctx context.Context, w *work, user *User) (EventType, error) {
		user.PendingEmail = ""
		return EventUserEmailChangeCanceled, w.spendProofs(ctx, user.ID)
	})
}

// EmailConfirmation is what ConfirmEmail needs: the Token, and the Session where the
// address is to move.
type EmailConfirmation struct {
	// Token is that of the link that was mailed.
	Token string
	// Session is the token of the session in which the link was opened; "" = the person is
	// signed in nowhere. A Service bound to the person needs none: it is theirs.
	Session string
}

// ConfirmEmail takes the token of a ChangeEmail: the pending address becomes the
// user's email, and is verified. The person who opens the link gets the account, not the
// person who asked for it (rule U5):
//
// Where the address moves, the link must be opened in a live, unconfined session of the
// same user, which goes on; their other sessions end. Otherwise anybody could have a
// mail sent to a stranger and make their own account the stranger's.
//
// Where the address stays and nobody had proved it before, whoever set the account up may
// have been somebody else. If the link was opened in a session of the user's, that stays,
// with the identity it came by, and all else from before goes. If not, everything goes, as
// in Identities.Resolve, and an organization that the account had made for itself alone is
// archived; the person has a new way to sign in to make.
//
// A stranger can sign a browser in to an account of theirs, and then send its owner a
// link. So the page that the link leads to must change nothing by itself: it names the
// account that is signed in and the address, and confirms with a POST.
//
// The old address is told, by Config.Mailer, that the email has changed.
//
// Errors: [ErrInvalidToken], [ErrTokenExpired], [ErrTokenUsed]; [ErrSignInRequired] where
// the address would move and there is no such session, which spends nothing;
// [ErrForbidden] for a suspended user; [ErrEmailManaged] where the person had asked for it and the address is managed by now;
// [ErrAlreadyExists] with the field "email" where another user has the address by now,
// which leaves everything as it was.
func (g Users) ConfirmEmail(ctx context.Context, in EmailConfirmation) (User, error) {
	user, err := write(ctx, g.s, usersConfirmEmail, "", func(ctx context.Context, w *work) (User, error) {
		return w.confirmEmail(ctx, in)
	})
	if err != nil {
		return User{}, err
	}
	return g.s.shown(user), nil
}

func (w *work) confirmEmail(ctx context.Context, in EmailConfirmation) (User, error) {
	secret, err := w.secret(ctx, SecretEmailProof, in.Token)
	if err != nil {
		return User{}, err
	}
	if err := w.Lock(ctx, lockEmail(secret.Address), lockUser(secret.UserID)); err != nil {
		return User{}, err
	}
	if secret, err = w.secret(ctx, SecretEmailProof, in.Token); err != nil {
		return User{}, err
	}
	if err := w.authorize(ctx, scope{user: secret.UserID}); err != nil {
		return User{}, err
	}
	user, err := w.user(ctx, secret.UserID)
	if err != nil {
		return User{}, err
	}
	if !user.SuspendedAt.IsZero() {
		return User{}, &Error{Code: ErrForbidden, Reason: string(ReasonUserSuspended)}
	}
	by, err := w.presenter(ctx, user.ID, in.Session)
	if err != nil {
		return User{}, err
	}
	w.actor = Actor{Kind: ActorUser, ID: user.ID.String()}
	if user.EmailKey == secret.Address {
		return w.confirmStored(ctx, secret, user, by)
	}
	if !by.signedIn {
		return User{}, &Error{Code: ErrSignInRequired, Field: "session", Reason: "sign in to the account whose address should move, and open the link again"}
	}
	if secret.Subject != "" {
		if err := w.unmanaged(ctx, user, secret.Address); err != nil {
			return User{}, err
		}
	}
	if err := w.spend(ctx, secret); err != nil {
		return User{}, err
	}
	if err := w.endSessions(ctx, SessionFilter{UserID: Of(user.ID)}, EndedEmailChanged, by.session); err != nil {
		return User{}, err
	}
	if user.EmailVerifiedAt.IsZero() {
		if err := w.expel(ctx, user.ID, by.proof()); err != nil {
			return User{}, err
		}
	}
	if err := w.moveEmail(ctx, &user, user.PendingEmail, secret.Address, EmailProvedByMail); err != nil {
		return User{}, err
	}
	return user, nil
}

// confirmStored verifies the address that a user has already.
func (w *work) confirmStored(ctx context.Context, secret Secret, user User, by presenter) (User, error) {
	if err := w.spend(ctx, secret); err != nil {
		return User{}, err
	}
	if user.EmailVerifiedAt.IsZero() {
		p := by.proof()
		p.email = user.PendingEmail
		if err := w.takeOver(ctx, &user, p); err != nil {
			return User{}, err
		}
		return user, nil
	}
	before := user
	user.Email, user.PendingEmail, user.EmailProvedBy = user.PendingEmail, "", EmailProvedByMail
	if err := w.saveUser(ctx, before, &user, EventUserEmailVerified); err != nil {
		return User{}, err
	}
	return user, nil
}

// presenter is who opened a link.
type presenter struct {
	signedIn bool       // as the user whom the link is for
	session  SessionID  // in which session; zero: the host keeps their sessions
	identity IdentityID // that the session came by; zero: none
}

// proof is what the presenter has shown by opening the link.
func (p presenter) proof() proof {
	return proof{by: EmailProvedByMail, own: p.signedIn, identity: p.identity, session: p.session}
}

// presenter tells whether a link for a user was opened by them, signed in as they should
// be: in a live session that is not confined, or on a Service bound to them.
func (w *work) presenter(ctx context.Context, user UserID, token string) (presenter, error) {
	if p := w.service.principal; p != nil {
		if p.session == nil {
			return presenter{signedIn: p.user == user}, nil
		}
		return presenter{!p.session.Confined, p.session.ID, p.session.IdentityID}, nil
	}
	if token == "" {
		return presenter{}, nil
	}
	s, err := w.liveSession(ctx, token)
	switch {
	case CodeOf(err) == ErrSignInRequired, err == nil && s.UserID != user:
		return presenter{}, nil
	case err != nil:
		return presenter{}, err
	}
	w.through = s.ID.String()
	return presenter{true, s.ID, s.IdentityID}, nil
}

// liveSession finds the session of a token, if it holds and is not confined.
//
// Errors: [ErrSignInRequired] otherwise.
func (w *work) liveSession(ctx context.Context, token string) (Session, error) {
	_, s, err := w.bearer(ctx, token)
	speaks := false
	if err == nil {
		var held holding
		if held, err = w.upheld(ctx, s); err == nil {
			speaks, err = w.speaksFor(ctx, held)
		}
	}
	switch CodeOf(err) {
	case "":
		if !s.Confined && speaks {
			return s, nil
		}
	case ErrInvalidToken, ErrSessionEnded, ErrSessionExpired:
	default:
		return Session{}, err
	}
	return Session{}, &Error{Code: ErrSignInRequired, Field: "session", Reason: "wants a live session that is not confined to one organization", Err: err}
}

// moveEmail gives a user another address, which is proved. The organizations that they
// are in have an event of it (rule U9), and the old mailbox a notice (rule U11).
func (w *work) moveEmail(ctx context.Context, user *User, address, canonical, by string) error {
	before := *user
	user.Email, user.EmailKey, user.PendingEmail = address, canonical, ""
	user.EmailVerifiedAt, user.EmailProvedBy = w.now, by
	if err := w.saveUser(ctx, before, user, EventUserEmailChanged); err != nil {
		return err
	}
	if !before.EmailVerifiedAt.IsZero() {
		w.notify(before, MessageEmailChanged)
	}
	old, err := marshal(emailOf{Email: before.Email})
	if err != nil {
		return err
	}
	members, err := w.membershipsOf(ctx, user.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Status == MembershipPending {
			continue
		}
		err := w.record(ctx, note{
			kind: EventMembershipEmailChanged, organization: m.OrganizationID, user: user.ID, subject: m.ID.String(),
			data: emailOf{m.ID, user.Email}, previous: old,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// emailOf is what an organization hears of a member's address.
type emailOf struct {
	ID    MembershipID `json:"id,omitzero"`
	Email string       `json:"email"`
}
