package tenancy

import (
	"cmp"
	"context"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Use makes a user a member by a join code (rule I7). A user who has the token and a proved address can use a
// code once. A code does not reactivate an inactive member (rule M5).
//
// On a Service that is bound to the user, Use also accepts a pending invitation to their address; the member
// then gets the roles of both (rule M2). If the user came by single sign-on, it accepts the invitation only if
// its roles manage nothing. An invitation that is not accepted stays for the user to accept.
//
// A code works as long as its creator could create it now. A code of the host's always works. A code whose
// creator could not create it now answers as if it were revoked.
//
// Errors: [ErrInvalidToken]; [ErrJoinCodeRevoked], [ErrJoinCodeExpired], [ErrJoinCodeSpent]; [ErrNotFound],
// [ErrMerged] for the user; [ErrEmailNotVerified]; [ErrAlreadyMember], [ErrMembershipInactive],
// [ErrMembershipRemoved]; [ErrOrganizationClosed]; [ErrEmailDomainNotAllowed]; [ErrSeatLimit];
// [ErrAlreadyMemberElsewhere]; [ErrJoinRefused].
func (g JoinCodes) Use(ctx context.Context, token string, user UserID) (Member, error) {
	return write(ctx, g.s, joinCodesUse, user.String(), func(ctx context.Context, c *call) (Member, error) {
		code, err := c.joining().codeOf(ctx, token)
		if err != nil {
			return Member{}, err
		}
		if err := c.access().mayLock(ctx, scope{user: user}); err != nil {
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
	secret, err := jn.c.genuine(ctx, secretJoinCode, token)
	if err != nil {
		return JoinCode{}, err
	}
	id, err := ParseID[JoinCode](secret.Subject)
	if err != nil {
		return JoinCode{}, err
	}
	code, err := jn.c.tx.JoinCodes().Get(ctx, id)
	if CodeOf(err) == ErrNotFound { // the organization was deleted, with all its codes
		err = &Error{Code: ErrInvalidToken, Field: "token"}
	}
	return code, err
}

func (jn joinRules) useCode(ctx context.Context, code JoinCode, id UserID) (Member, error) {
	user, err := jn.c.users().get(ctx, id)
	if err != nil {
		return Member{}, err
	}
	org, err := jn.c.tx.Organizations().Get(ctx, code.OrganizationID)
	if err != nil {
		return Member{}, err
	}
	switch refusal, err := jn.refuseCode(ctx, code, org, user); {
	case err != nil:
		return Member{}, err
	case refusal != nil:
		if m, e := jn.c.members().get(ctx, org.ID, id); e == nil && m.Status == MembershipActive {
			refusal = &Error{Code: ErrAlreadyMember} // they took the last use, and try again
		}
		return Member{}, refusal
	}
	// The role may have been replaced by one that needs a lock; see lockSent.
	if err := jn.c.roles().lockDeclared(ctx, code.Role); err != nil {
		return Member{}, err
	}
	roles := []string{cmp.Or(code.Role, jn.c.roles().fallbackRole(org))}
	j := entrant{organization: org, userID: id, via: JoinedCode, roles: roles, inviter: code.CreatorID}
	member, err := jn.joinOrTakeUp(ctx, j, user, func(inv Invitation) (bool, error) {
		if jn.c.service.principal == nil { // for the host it is unknown what the user signed in with
			return false, nil
		}
		return jn.ownWord(ctx, inv, user)
	})
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

// refuseCode returns why a join code does not let a user in. This check comes before any about the user in the
// organization. So a person who only gave somebody's address as their own does not learn what the organization
// knows about its owner.
func (jn joinRules) refuseCode(ctx context.Context, code JoinCode, org Organization, user User) (refusal, err error) {
	if refusal := code.checkUsable(jn.c.now); refusal != nil {
		return refusal, nil
	}
	switch void, err := jn.c.invitations().voids().isCode(ctx, code, org); {
	case err != nil:
		return nil, err
	case void:
		return &Error{Code: ErrJoinCodeRevoked, Kind: "join code"}, nil
	case user.EmailVerifiedAt.IsZero():
		return &Error{Code: ErrEmailNotVerified}, nil
	case len(code.AllowedDomains) > 0 && !onDomains(user.EmailKey, code.AllowedDomains):
		return &Error{Code: ErrEmailDomainNotAllowed, Field: "email"}, nil
	}
	return nil, nil
}

// moveCodes moves the join codes of a user to the user that they are merged into.
func (jn joinRules) moveCodes(ctx context.Context, from, into UserID) error {
	theirs := joinCodeFilter{CreatorID: typed.Of(from)}
	if err := checkLimit(ctx, jn.c, "join_codes", jn.c.tx.JoinCodes(), theirs); err != nil {
		return err
	}
	codes, err := collect(ctx, jn.c.tx.JoinCodes(), theirs)
	if err != nil || len(codes) == 0 {
		return err
	}
	locks := make([]store.LockKey, len(codes))
	for i, code := range codes {
		locks[i] = lockOrganization(code.OrganizationID)
	}
	if err := jn.c.lock(ctx, locks...); err != nil {
		return err
	}
	if codes, err = collect(ctx, jn.c.tx.JoinCodes(), theirs); err != nil {
		return err
	}
	for _, code := range codes {
		code.CreatorID = into
		if err := put(ctx, jn.c, jn.c.tx.JoinCodes().Update, &code); err != nil {
			return err
		}
	}
	return nil
}
