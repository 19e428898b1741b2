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
// Whether another user has the address is not told here, where anyone could ask,
// but to ConfirmEmail, which only the mailbox's owner gets to.
//
// Errors: [ErrInvalid], [ErrNotFound], [ErrMerged]; with Config.Mailer [ErrInTransaction]
// in a transaction of the host's, and [ErrMailFailed] beside the proof, which holds.
func (g Users) ChangeEmail(ctx context.Context, id UserID, address string) (EmailProof, error) {
	var proof EmailProof
	err := g.s.update(ctx, "Users.ChangeEmail", id.String(), func(ctx context.Context, w *work) (err error) {
		if err := w.mayMail(); err != nil {
			return err
		}
		proof, err = w.changeEmail(ctx, id, address)
		return err
	})
	if !done(err) {
		return EmailProof{}, err
	}
	return proof, err
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
	if err := w.spendAll(ctx, SecretEmailProof, id); err != nil {
		return EmailProof{}, err
	}
	expires := w.now.Add(w.config.EmailProofFor)
	token, err := w.issue(ctx, Secret{Kind: SecretEmailProof, UserID: id, Address: canonical, ExpiresAt: expires})
	if err != nil {
		return EmailProof{}, err
	}
	proof := EmailProof{address, w.hand(Message{
		Kind: MessageEmailProof, To: address, Token: token, ExpiresAt: expires, Subject: id.String(),
	}), expires}
	if user.PendingEmail == address { // the row stays as it is, and yet there is a new proof
		return proof, w.record(ctx, note{kind: EventUserEmailChangeRequested, user: id, subject: id.String(), data: user})
	}
	before := user
	user.PendingEmail = address
	return proof, w.saveUser(ctx, before, &user, EventUserEmailChangeRequested)
}

// CancelEmailChange drops a pending address and its token. Without one it changes
// nothing.
//
// Errors: [ErrNotFound], [ErrMerged].
func (g Users) CancelEmailChange(ctx context.Context, id UserID) (User, error) {
	return g.change(ctx, "Users.CancelEmailChange", id, func(ctx context.Context, w *work, user *User) (EventType, error) {
		user.PendingEmail = ""
		return EventUserEmailChangeCanceled, w.spendAll(ctx, SecretEmailProof, user.ID)
	})
}

// ConfirmEmail takes the token of a ChangeEmail: the pending address becomes the
// user's email, and is verified (rules U4, U5).
//
// Where the user had proved no address before, whoever set the account up may have been
// somebody else, who had the mail sent to its true owner: then the identities and
// sessions from before go, as in Identities.Resolve. by is the session in which the link
// was opened, if there is one: where it is the user's own, it stays, with the identity
// that it came by. Whoever opens the link elsewhere has a new way to sign in to make.
//
// Errors: [ErrInvalidToken], [ErrTokenExpired], [ErrTokenUsed]; [ErrAlreadyExists]
// with the field "email" where another user has the address by now, which leaves
// everything as it was.
func (g Users) ConfirmEmail(ctx context.Context, token string, by ...SessionID) (User, error) {
	var user User
	err := g.s.update(ctx, "Users.ConfirmEmail", "", func(ctx context.Context, w *work) (err error) {
		user, err = w.confirmEmail(ctx, token, by)
		return err
	})
	if err != nil {
		return User{}, err
	}
	return g.s.shown(user), nil
}

func (w *work) confirmEmail(ctx context.Context, token string, by []SessionID) (User, error) {
	secret, err := w.secret(ctx, SecretEmailProof, token)
	if err != nil {
		return User{}, err
	}
	if err := w.Lock(ctx, lockEmail(secret.Address), lockUser(secret.UserID)); err != nil {
		return User{}, err
	}
	if secret, err = w.secret(ctx, SecretEmailProof, token); err != nil {
		return User{}, err
	}
	if err := w.authorize(ctx, scope{user: secret.UserID}); err != nil {
		return User{}, err
	}
	user, err := w.user(ctx, secret.UserID)
	if err != nil {
		return User{}, err
	}
	if err := w.spend(ctx, secret); err != nil {
		return User{}, err
	}
	if user.EmailVerifiedAt.IsZero() {
		if err := w.expelAllBut(ctx, user.ID, by); err != nil {
			return User{}, err
		}
	}
	before, kind := user, EventUserEmailChanged
	if user.EmailKey == secret.Address {
		kind = EventUserEmailVerified
		user.EmailVerifiedAt = or(user.EmailVerifiedAt, w.now)
	} else {
		user.EmailVerifiedAt = w.now
	}
	user.Email, user.EmailKey, user.PendingEmail = user.PendingEmail, secret.Address, ""
	return user, w.saveUser(ctx, before, &user, kind)
}

// expelAllBut is expel, sparing a session in which the person has just proved an
// address, if it is theirs, and what they came by into it.
func (w *work) expelAllBut(ctx context.Context, user UserID, by []SessionID) error {
	for _, id := range by {
		s, err := w.Sessions().Get(ctx, id)
		if err != nil && CodeOf(err) != ErrNotFound {
			return err
		}
		if err == nil && s.UserID == user && s.EndedAt.IsZero() && w.now.Before(s.ExpiresAt) {
			return w.expel(ctx, user, s.IdentityID, s.ID)
		}
	}
	return w.expel(ctx, user, IdentityID{})
}
