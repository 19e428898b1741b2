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
	return write(ctx, g.s, joinCodesUse, user.String(), func(ctx context.Context, c *call) (Member, error) {
		code, err := c.joining().codeOf(ctx, token)
		if err != nil {
			return Member{}, err
		}
		if err := c.roles().lockDeclared(ctx, code.Role); err != nil {
			return Member{}, err
		}
		if err := c.lock(ctx, lockUser(user), lockOrganization(code.OrganizationID)); err != nil {
			return Member{}, err
		}
		if code, err = c.joining().codeOf(ctx, token); err != nil {
			return Member{}, err
		}
		if err := c.access().authorize(ctx, scope{user: user}); err != nil {
			return Member{}, err
		}
		return c.joining().useCode(ctx, code, user)
	})
}

// codeOf finds the join code of a token.
func (jn joinRules) codeOf(ctx context.Context, token string) (JoinCode, error) {
	secret, err := jn.c.genuine(ctx, SecretJoinCode, token)
	if err != nil {
		return JoinCode{}, err
	}
	id, err := ParseID[JoinCode](secret.Subject)
	if err != nil {
		return JoinCode{}, err
	}
	code, err := jn.c.tx.JoinCodes().Get(ctx, id)
	if CodeOf(err) == ErrNotFound { // the organization is gone, and all that was in it
		err = &Error{Code: ErrInvalidToken, Field: "token"}
	}
	return code, err
}

func (jn joinRules) useCode(ctx context.Context, code JoinCode, id UserID) (Member, error) {
	if err := code.checkUsable(jn.c.now); err != nil {
		return Member{}, err
	}
	user, err := jn.c.users().get(ctx, id)
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
	org, err := jn.c.tx.Organizations().Get(ctx, code.OrganizationID)
	if err != nil {
		return Member{}, err
	}
	// The role may have been replaced by one that has a lock; as in lockSent.
	if err := jn.c.roles().lockDeclared(ctx, code.Role); err != nil {
		return Member{}, err
	}
	roles := []string{cmp.Or(code.Role, jn.c.roles().fallbackRole(org))}
	member, err := jn.join(ctx, entrant{organization: org, userID: id, via: JoinedCode, roles: roles, inviter: code.CreatorID})
	if err != nil {
		return Member{}, err
	}
	before := code
	code.Uses++
	return member, saveAs(ctx, jn.c, jn.c.tx.JoinCodes().Update, before, &code, func() newEvent {
		n := code.event(EventJoinCodeUsed)
		n.user = id
		return n
	})
}
