package tenancy

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
)

// Accept accepts an invitation by its token, in one transaction (rule I4). Afterwards the user is an active
// member with the invitation's roles and metadata. An inactive member becomes active again, on the same
// row. For an invitation into the application, the result is the zero Member, or the user's membership as
// the owner of the organization that the invitation let them found (rule I13). If several calls bring one
// token, one of them succeeds.
//
// The user's address must be the invited one, and be verified. With Settings.AcceptOnDomains, another
// verified address is enough, if it is on a domain that the organization has verified.
//
// A token that Config.Mailer sent, or that was made under Config.MailOnly, proves the mailbox. If the user
// had not proved the address, it becomes verified, and every way to sign in from before is deleted (rule
// U4), because somebody else may have made that account. The session of a bound Service stays.
//
// An inactive member can come back only by an invitation to their own address that was sent after they
// became inactive (rule M5). An active member may still have a pending invitation to their own address,
// because their way in was not enough to accept it (rule M2). When they accept it, they get its roles in
// addition to their own.
//
// Errors: [ErrInvalidToken], [ErrTokenUsed] for a token that Resend replaced; [ErrInvitationAccepted],
// [ErrInvitationRevoked], [ErrInvitationExpired]; [ErrNotFound], [ErrMerged] for the user;
// [ErrInvitationForOtherEmail]; [ErrEmailNotVerified]; [ErrInvitationVoid] if the inviter could not send it
// now, or if the organization to found cannot be made any more; [ErrOrganizationClosed];
// [ErrEmailDomainNotAllowed]; [ErrAlreadyMember]; [ErrMembershipInactive]; [ErrUserSuspended];
// [ErrUnknownRole]; [ErrInvalid] if a member would have more than Limits.MemberRoles; [ErrSeatLimit];
// [ErrAlreadyMemberElsewhere]; [ErrJoinRefused].
func (g Invitations) Accept(ctx context.Context, token string, user UserID) (Member, error) {
	return write(ctx, g.s, invitationsAccept, user.String(), func(ctx context.Context, c *call) (Member, error) {
		found, err := c.invitations().presented(ctx, token)
		if err != nil {
			return Member{}, err
		}
		if err := c.access().mayLock(ctx, scope{user: user}); err != nil {
			return Member{}, err
		}
		if err := c.invitations().lockAccepting(ctx, found.Invitation, user); err != nil {
			return Member{}, err
		}
		if found, err = c.invitations().presented(ctx, token); err != nil {
			return Member{}, err
		}
		if err := c.access().authorize(ctx, scope{user: user}); err != nil {
			return Member{}, err
		}
		person, err := c.users().get(ctx, user)
		if err != nil {
			return Member{}, err
		}
		return c.invitations().acceptInvitation(ctx, found.Invitation, person, acceptance{mailed: found.mailed})
	})
}

// presented is an invitation for which somebody has brought the token.
type presented struct {
	Invitation
	mailed bool // only the mailbox has seen the token, so the token proves the mailbox
}

// presented finds the invitation of a token, if it is pending. For an unknown token it returns
// [ErrInvalidToken]; for a known one the error is the code of the invitation's state.
func (iv invitationRules) presented(ctx context.Context, token string) (presented, error) {
	inv, secret, err := iv.tokenOf(ctx, token)
	return iv.stillPending(inv, secret, err)
}

// presentedBefore is presented for a token of an earlier attempt, by the id of its secret.
func (iv invitationRules) presentedBefore(ctx context.Context, id storedSecretID) (presented, error) {
	secret, err := iv.c.genuineAt(ctx, secretInvitation, id, "")
	if err != nil {
		return presented{}, err
	}
	inv, err := iv.ofSecret(ctx, secret)
	return iv.stillPending(inv, secret, err)
}

func (iv invitationRules) stillPending(inv Invitation, secret storedSecret, err error) (presented, error) {
	if err == nil {
		err = inv.checkPending(iv.c.now)
	}
	if err != nil {
		return presented{Invitation: inv}, err // as far as it is known, for callers that need its state
	}
	return presented{inv, secret.Address != "" && secret.Address == inv.EmailKey}, nil
}

// tokenOf finds the invitation of a token, in any state.
func (iv invitationRules) tokenOf(ctx context.Context, token string) (Invitation, storedSecret, error) {
	secret, err := iv.c.genuine(ctx, secretInvitation, token)
	if err != nil {
		return Invitation{}, storedSecret{}, err
	}
	inv, err := iv.ofSecret(ctx, secret)
	return inv, secret, err
}

// ofSecret finds the invitation of a token's secret, in any state.
func (iv invitationRules) ofSecret(ctx context.Context, secret storedSecret) (Invitation, error) {
	id, err := ParseID[Invitation](secret.Subject)
	if err != nil {
		return Invitation{}, err
	}
	inv, err := iv.c.tx.Invitations().Get(ctx, id)
	gone := CodeOf(err) == ErrNotFound                        // the organization was deleted, and all invitations with it
	declined := err == nil && inv.State == InvitationDeclined // its tokens went with it, but a store may show this first
	if gone || declined {
		err = &Error{Code: ErrInvalidToken, Field: "token"}
	}
	return inv, err
}

// lockAccepting takes the locks under which a user accepts an invitation. The caller must read again what
// it read before.
func (iv invitationRules) lockAccepting(ctx context.Context, inv Invitation, user UserID) error {
	if err := iv.c.roles().lockDeclared(ctx, append(inv.foundingRoles(&iv.c.instance.config), inv.Roles...)...); err != nil {
		return err
	}
	locks := []store.LockKey{lockEmail(inv.EmailKey), lockUser(user)}
	if !inv.OrganizationID.IsZero() {
		locks = append(locks, lockOrganization(inv.OrganizationID))
	}
	return iv.c.lock(ctx, locks...)
}

// acceptance is the way in which somebody accepts an invitation.
type acceptance struct {
	mailed  bool // they bring a token that proves the mailbox
	created bool // this call has created the user
}

// acceptInvitation is [Invitations.Accept] under the locks of lockAccepting.
func (iv invitationRules) acceptInvitation(ctx context.Context, inv Invitation, user User, by acceptance) (Member, error) {
	inv, err := iv.c.tx.Invitations().Get(ctx, inv.ID)
	if err != nil {
		return Member{}, err
	}
	if err := inv.checkPending(iv.c.now); err != nil {
		return Member{}, err
	}
	if err := iv.isInvited(ctx, inv, &user, by.mailed); err != nil {
		return Member{}, err
	}
	before := inv
	var member Member
	if !inv.OrganizationID.IsZero() {
		m, err := iv.mayReturn(ctx, inv, user)
		if err != nil {
			return Member{}, err
		}
		if member, err = iv.enterInvited(ctx, inv, user, m, by.created); err != nil {
			return Member{}, err
		}
	}
	if inv.Found != nil {
		if member, err = iv.foundInvited(ctx, inv, user); err != nil {
			return Member{}, err
		}
		inv.FoundedID = member.OrganizationID
	}
	return member, iv.accepted(ctx, before, inv, user.ID)
}

// accepted stores that a user has accepted an invitation. before is the invitation until now.
func (iv invitationRules) accepted(ctx context.Context, before, inv Invitation, user UserID) error {
	inv.State, inv.UserID, inv.DecidedAt, inv.MailDueAt = InvitationAccepted, user, iv.c.now, time.Time{}
	return save(ctx, iv.c, iv.c.tx.Invitations().Update, before, &inv, EventInvitationAccepted)
}

// acceptNamed makes a user a member because the host says so, and accepts for them the invitation that the
// host names (rule M2).
func (iv invitationRules) acceptNamed(ctx context.Context, id InvitationID, j entrant) (Member, error) {
	user, err := iv.c.users().get(ctx, j.userID)
	if err != nil {
		return Member{}, err
	}
	inv, err := iv.c.tx.Invitations().Get(ctx, id)
	switch {
	case err == nil && inv.OrganizationID != j.organization.ID:
		return Member{}, notFound(id)
	case err != nil:
		return Member{}, err
	case !user.hasEmail(inv.EmailKey):
		return Member{}, &Error{Code: ErrInvitationForOtherEmail}
	}
	if err := inv.checkPending(iv.c.now); err != nil {
		return Member{}, err
	}
	if err := iv.c.roles().lockDeclared(ctx, inv.Roles...); err != nil {
		return Member{}, err
	}
	own := j
	j.roles, j.source, j.sourceID, j.invitation, j.inviter = inv.Roles, RoleInvitation, inv.ID.String(), &inv, inv.InviterID
	if len(j.metadata) == 0 {
		j.metadata = inv.Metadata
	}
	member, err := iv.c.joining().join(ctx, j)
	if err == nil && len(own.roles) > 0 {
		member, err = iv.c.joining().addWay(ctx, own, member)
	}
	if err != nil {
		return Member{}, err
	}
	return member, iv.accepted(ctx, inv, inv, user.ID)
}

// mayReturn returns the membership that the user has in the inviting organization, if any. It refuses an
// inactive member if the invitation is for another address (rule M5). An invitation to their own address
// was sent after they became inactive: older ones were revoked then, or when the address became theirs.
func (iv invitationRules) mayReturn(ctx context.Context, inv Invitation, user User) (Membership, error) {
	m, err := iv.c.members().get(ctx, inv.OrganizationID, user.ID)
	switch {
	case CodeOf(err) == ErrNotFound:
		return Membership{}, nil
	case err == nil && m.Status == MembershipInactive && !user.hasEmail(inv.EmailKey):
		err = &Error{Code: ErrMembershipInactive}
	}
	return m, err
}

// isInvited refuses everybody except the invited person. If the token proves the mailbox, it verifies the
// address of a user who had not proved it.
func (iv invitationRules) isInvited(ctx context.Context, inv Invitation, user *User, mailed bool) error {
	if !user.hasEmail(inv.EmailKey) {
		return iv.mayStandIn(ctx, inv, *user)
	}
	switch {
	case !user.EmailVerifiedAt.IsZero():
		return nil
	case !mailed:
		return &Error{Code: ErrEmailNotVerified}
	}
	by, err := iv.c.users().presenter(ctx, user.ID, "")
	if err != nil {
		return err
	}
	return iv.c.users().takeOver(ctx, user, by.proof())
}

// mayStandIn admits a user with a verified address on one of the organization's verified domains, if the
// organization's settings allow that. It refuses everybody else.
func (iv invitationRules) mayStandIn(ctx context.Context, inv Invitation, user User) error {
	other := &Error{Code: ErrInvitationForOtherEmail}
	if inv.OrganizationID.IsZero() || user.EmailVerifiedAt.IsZero() {
		return other
	}
	org, err := iv.c.tx.Organizations().Get(ctx, inv.OrganizationID)
	if err != nil {
		return err
	}
	if !org.Settings.AcceptOnDomains {
		return other
	}
	_, ok, err := iv.c.domains().verifiedFor(ctx, org.ID, user.EmailKey)
	if err == nil && !ok {
		err = other
	}
	return err
}

// enterInvited makes the user a member by their invitation. m is their membership there; zero: none.
// created says that this call has created the user.
func (iv invitationRules) enterInvited(ctx context.Context, inv Invitation, user User, m Membership, created bool) (Member, error) {
	org, err := iv.c.tx.Organizations().Get(ctx, inv.OrganizationID)
	if err != nil {
		return Member{}, err
	}
	if err := isShut(org); err != nil {
		return Member{}, err
	}
	// A role may have been replaced by one that has a lock; as in lockSent.
	if err := iv.c.roles().lockDeclared(ctx, inv.Roles...); err != nil {
		return Member{}, err
	}
	if err := iv.stillGiven(ctx, inv, m); err != nil {
		return Member{}, err
	}
	j := entrant{
		organization: org, userID: user.ID, via: JoinedInvitation, roles: inv.Roles, metadata: inv.Metadata,
		source: RoleInvitation, sourceID: inv.ID.String(), invitation: &inv, inviter: inv.InviterID,
		created: created,
	}
	if m.Status == MembershipActive && user.hasEmail(inv.EmailKey) {
		return iv.c.joining().addInvited(ctx, j, user, m)
	}
	member, err := iv.c.joining().join(ctx, j)
	// join has dropped the user's own pending membership.
	if err != nil || user.hasEmail(inv.EmailKey) && iv.c.instance.config.OnJoin == nil {
		return member, err
	}
	return member, iv.dropPending(ctx, inv.ID) // of the invited person, if somebody else accepted for them
}

// stillGiven refuses an invitation that the inviter could not send now (rule I4). The inviter must be an
// active member, may invite, and must have all roles that the invitation gives, and those that an inactive
// member gets back.
func (iv invitationRules) stillGiven(ctx context.Context, inv Invitation, m Membership) error {
	if inv.InviterID.IsZero() {
		return nil
	}
	roles := slices.Clone(inv.Roles)
	if m.Status == MembershipInactive {
		held, err := iv.c.roles().assignments(ctx, m.ID)
		if err != nil {
			return err
		}
		for _, a := range held[m.ID] {
			roles = append(roles, a.Role)
		}
	}
	ok, err := iv.couldInvite(ctx, inv.InviterID, inv.OrganizationID, roles...)
	if err == nil && !ok {
		err = &Error{Code: ErrInvitationVoid, Reason: "who sent it may not give these roles"}
	}
	return err
}

// couldInvite reports whether a person may invite into an organization with these roles (rule R6).
func (iv invitationRules) couldInvite(ctx context.Context, user UserID, id OrganizationID, slugs ...string) (bool, error) {
	facts, err := iv.c.access().facts(ctx, id, user)
	if err != nil {
		return false, err
	}
	return iv.couldGive(ctx, facts, id, slugs...)
}

// couldGive is couldInvite for a person whose access is known.
func (iv invitationRules) couldGive(ctx context.Context, facts accessFacts, id OrganizationID, slugs ...string) (bool, error) {
	if facts.reason() != ReasonGranted {
		return false, nil
	}
	roles, err := iv.c.roles().rolesNamed(ctx, id, slices.Concat(facts.Roles, slugs)...)
	if err != nil {
		return false, err
	}
	own, err := powersOf(roles, facts.Roles)
	if err != nil {
		return false, err
	}
	return own.canInvite(roles, slugs)
}

// canInvite reports whether powers are enough to invite with roles (rule R6).
func (p powers) canInvite(roles *rbac.Roles, slugs []string) (bool, error) {
	given, err := roles.Grants(slugs...)
	if err != nil {
		return false, rbacError("roles", err)
	}
	return permits(p.Grants, rbac.WriteInvitations) && p.suffice(given, slugs...), nil
}
