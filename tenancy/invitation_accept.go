package tenancy

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
)

// Accept takes an invitation up with its token (rule I4), in one transaction: the user
// is an active member with the invitation's roles and metadata from then on, an
// inactive one again, on the same row. One into the application gives the zero Member, or, where
// it has its person found an organization, their membership there as its owner (rule I13).
//
// The user's address must be the one invited, and be verified; or, where
// Settings.AcceptOnDomains says so, a verified one on a domain that the organization
// has verified. A token that went by Config.Mailer, or under Config.MailOnly, proves the
// mailbox itself: then a user whose address was not proved has it verified, and what
// they could sign in by from before goes (rule U4), for whoever made that account may
// have been somebody else; the session that a bound Service works by stays.
//
// An inactive member comes back only by an invitation of their own that was sent since
// they became so (rule M5): not by standing in, and not by one from before. An active member to
// whose own address one still stands, because they came in by a way that was not enough to take it up
// (rule M2), gets its roles beside those that they have.
//
// Of any number of calls with one token, one succeeds.
//
// Errors: [ErrInvalidToken], [ErrTokenUsed] for a token that Resend replaced;
// [ErrInvitationAccepted], [ErrInvitationRevoked], [ErrInvitationExpired];
// [ErrNotFound], [ErrMerged] for the user; [ErrInvitationForOtherEmail];
// [ErrEmailNotVerified]; [ErrInvitationVoid] where who sent it could not send it now, and where the
// organization to found cannot be made any more;
// [ErrOrganizationClosed]; [ErrEmailDomainNotAllowed]; [ErrAlreadyMember];
// [ErrMembershipInactive]; [ErrUserSuspended]; [ErrUnknownRole]; [ErrInvalid] where a member would have more than Limits.MemberRoles; [ErrSeatLimit]; [ErrAlreadyMemberElsewhere]; [ErrJoinRefused].
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

// presented is an invitation whose token somebody has brought.
type presented struct {
	Invitation
	mailed bool // the token was seen by nobody but the mailbox, and proves it
}

// presented finds the invitation of a token, if it stands. A token that is no
// invitation's is [ErrInvalidToken]; a genuine one tells the invitation's state.
func (iv invitationRules) presented(ctx context.Context, token string) (presented, error) {
	inv, secret, err := iv.tokenOf(ctx, token)
	return iv.stillPending(inv, secret, err)
}

// presentedBefore is presented for a token that somebody brought before, by its secret.
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
		return presented{Invitation: inv}, err // as far as it is known, for who asks what became of it
	}
	return presented{inv, secret.Address != "" && secret.Address == inv.EmailKey}, nil
}

// tokenOf finds the invitation of a token in whatever state.
func (iv invitationRules) tokenOf(ctx context.Context, token string) (Invitation, storedSecret, error) {
	secret, err := iv.c.genuine(ctx, secretInvitation, token)
	if err != nil {
		return Invitation{}, storedSecret{}, err
	}
	inv, err := iv.ofSecret(ctx, secret)
	return inv, secret, err
}

// ofSecret finds the invitation of a token's secret in whatever state.
func (iv invitationRules) ofSecret(ctx context.Context, secret storedSecret) (Invitation, error) {
	id, err := ParseID[Invitation](secret.Subject)
	if err != nil {
		return Invitation{}, err
	}
	inv, err := iv.c.tx.Invitations().Get(ctx, id)
	gone := CodeOf(err) == ErrNotFound                        // the organization is, and all that was in it
	declined := err == nil && inv.State == InvitationDeclined // and its tokens went with it: a store may show the one before the other
	if gone || declined {
		err = &Error{Code: ErrInvalidToken, Field: "token"}
	}
	return inv, err
}

// lockAccepting takes the locks under which a user accepts an invitation. What was read
// before is read again after.
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

// acceptance is how somebody accepts an invitation.
type acceptance struct {
	mailed  bool // they bring a token that proves the mailbox
	created bool // the user came to be in this call
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

// accepted keeps who accepted an invitation that was as before until now.
func (iv invitationRules) accepted(ctx context.Context, before, inv Invitation, user UserID) error {
	inv.State, inv.UserID, inv.DecidedAt, inv.MailDueAt = InvitationAccepted, user, iv.c.now, time.Time{}
	return save(ctx, iv.c, iv.c.tx.Invitations().Update, before, &inv, EventInvitationAccepted)
}

// acceptNamed lets somebody in by the host's word, and takes up for them the invitation that it
// names (rule M2).
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

// mayReturn gives the membership that somebody has where they are invited, if any, and refuses
// an inactive member if the invitation is for another address (rule M5). One for theirs was sent since they became inactive: what stood to it was
// revoked then, or when it became theirs.
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

// isInvited refuses everybody but the person invited. A token that proves the mailbox
// verifies the address of a user who had not proved it.
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

// mayStandIn lets anybody with a verified address on the organization's own verified
// domains accept, where the organization wants that.
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

// enterInvited lets somebody in by their invitation, who has the membership m there or none. created
// says that the user came to be in this call.
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
	if err != nil || user.hasEmail(inv.EmailKey) && iv.c.instance.config.OnJoin == nil { // their own, if there was one
		return member, err
	}
	return member, iv.dropPending(ctx, inv.ID) // that of the one invited, where somebody stood in
}

// stillGiven refuses an invitation that who sent it could not send now (rule I4): they
// are in, may invite, and have all that it gives, and that it takes from one who was
// a member before.
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

// couldInvite reports whether a person may invite into an organization with these
// roles (rule R6).
func (iv invitationRules) couldInvite(ctx context.Context, user UserID, id OrganizationID, slugs ...string) (bool, error) {
	facts, err := iv.c.access().facts(ctx, id, user)
	if err != nil {
		return false, err
	}
	return iv.couldGive(ctx, facts, id, slugs...)
}

// couldGive is couldInvite for somebody whose access is known.
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
