package tenancy

import (
	"cmp"
	"context"
)

// Use lets a user in by a join code (rule I7). Whoever has the token may use it, once
// for themselves; it never brings back a member who was made inactive (rule M5).
//
// Errors: [ErrInvalidToken]; [ErrJoinCodeRevoked], [ErrJoinCodeExpired],
// [ErrJoinCodeSpent]; [ErrNotFound], [ErrMerged] for the user; [ErrAlreadyMember],
// [ErrMembershipInactive]; [ErrOrganizationClosed]; [ErrEmailDomainNotAllowed], and
// [ErrEmailNotVerified] where domains are asked for; [ErrSeatLimit];
// [ErrAlreadyMemberElsewhere]; [ErrJoinRefused].
func (g JoinCodes) Use(ctx context.Context, token string, user UserID) (Member, error) {
	return write(ctx, g.s, joinCodesUse, user.String(), func(ctx context.Context, w *work) (Member, error) {
		code, err := w.codeOf(ctx, token)
		if err != nil {
			return Member{}, err
		}
		if err := w.lockDeclared(ctx, code.Role); err != nil {
			return Member{}, err
		}
		if err := w.Lock(ctx, lockUser(user), lockOrganization(code.OrganizationID)); err != nil {
			return Member{}, err
		}
		if code, err = w.codeOf(ctx, token); err != nil {
			return Member{}, err
		}
		if err := w.authorize(ctx, scope{user: user}); err != nil {
			return Member{}, err
		}
		return w.useCode(ctx, code, user)
	})
}

// codeOf finds the join code of a token.
func (w *work) codeOf(ctx context.Context, token string) (JoinCode, error) {
	secret, err := w.genuine(ctx, SecretJoinCode, token)
	if err != nil {
		return JoinCode{}, err
	}
	id, err := ParseID[JoinCode](secret.Subject)
	if err != nil {
		return JoinCode{}, err
	}
	code, err := w.JoinCodes().Get(ctx, id)
	if CodeOf(err) == ErrNotFound { // the organization is gone, and all that was in it
		err = &Error{Code: ErrInvalidToken, Field: "token"}
	}
	return code, err
}

func (w *work) useCode(ctx context.Context, code JoinCode, id UserID) (Member, error) {
	if err := code.stands(w.now); err != nil {
		return Member{}, err
	}
	user, err := w.user(ctx, id)
	if err != nil {
		return Member{}, err
	}
	if len(code.AllowedDomains) > 0 {
		if user.EmailVerifiedAt.IsZero() {
			return Member{}, &Error{Code: ErrEmailNotVerified}
		}
		if !onDomains(user.EmailKey, code.AllowedDomains) {
			return Member{}, &Error{Code: ErrEmailDomainNotAllowed, Field: "email"}
		}
	}
	org, err := w.Organizations().Get(ctx, code.OrganizationID)
	if err != nil {
		return Member{}, err
	}
	// The role may have been replaced by one that has a lock; as in lockSent.
	if err := w.lockDeclared(ctx, code.Role); err != nil {
		return Member{}, err
	}
	roles := []string{cmp.Or(code.Role, w.fallbackRole(org))}
	member, err := w.join(ctx, joining{organization: org, userID: id, via: JoinedCode, roles: roles, inviter: code.CreatorID})
	if err != nil {
		return Member{}, err
	}
	before := code
	code.Uses++
	return member, saveAs(ctx, w, w.JoinCodes().Update, before, &code, func() note {
		n := code.event(EventJoinCodeUsed)
		n.user = id
		return n
	})
}
