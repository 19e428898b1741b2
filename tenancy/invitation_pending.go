package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// maxOffers is how many pending memberships a proof of an address adds at most (rule I2).
const maxOffers = 20

// emailProved must be called when a user gets a verified address. It adds pending memberships for the
// invitations to the address, except for but. The caller holds the user's lock.
func (iv invitationRules) emailProved(ctx context.Context, user User, but InvitationID) error {
	filter := invitationFilter{EmailKey: typed.Of(user.EmailKey), State: typed.Of(InvitationPending), DueAfter: iv.c.now}
	// Two more, because one may be into the application, and one may be but.
	found, err := iv.c.tx.Invitations().List(ctx, filter, listSpan{Limit: maxOffers + 2})
	if err != nil {
		return err
	}
	var into []Invitation
	var locks []store.LockKey
	for _, inv := range found {
		if !inv.OrganizationID.IsZero() && inv.ID != but && len(into) < maxOffers {
			into = append(into, inv)
			locks = append(locks, lockOrganization(inv.OrganizationID))
		}
	}
	if len(into) == 0 {
		return nil
	}
	if err := iv.c.lock(ctx, locks...); err != nil {
		return err
	}
	for _, inv := range into {
		inv, err := iv.c.tx.Invitations().Get(ctx, inv.ID)
		if err != nil && CodeOf(err) != ErrNotFound {
			return err
		}
		if err != nil || inv.checkPending(iv.c.now) != nil { // deleted with its organization, or not pending any more
			continue
		}
		if err := iv.addPending(ctx, inv, user); err != nil {
			return err
		}
	}
	return nil
}

// emailLeft must be called when a user loses their verified address. It drops the memberships that are
// pending for invitations to it; the invitations stay. The caller holds the user's lock.
func (iv invitationRules) emailLeft(ctx context.Context, user User) error {
	pending := membershipFilter{UserID: typed.Of(user.ID), Status: typed.Of(MembershipPending)}
	n, err := iv.c.tx.Memberships().Count(ctx, pending)
	if err != nil || n == 0 {
		return err
	}
	members, err := iv.c.members().lockMemberships(ctx, user.ID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Status == MembershipPending && !m.InvitationID.IsZero() {
			if err := iv.c.users().dropMember(ctx, m, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// emailMoved must be called when a user's address, or its proof, may have changed.
func (iv invitationRules) emailMoved(ctx context.Context, before, after User) error {
	was, is := !before.EmailVerifiedAt.IsZero(), !after.EmailVerifiedAt.IsZero()
	if was == is && (!is || before.EmailKey == after.EmailKey) {
		return nil
	}
	if was {
		if err := iv.emailLeft(ctx, before); err != nil {
			return err
		}
	}
	if is {
		return iv.emailProved(ctx, after, InvitationID{})
	}
	return nil
}

// becameOwn must be called when a user may have got another address. It revokes invitations to that address
// into organizations where the user is already an active or inactive member (rules M5, M9). The caller
// holds the locks of these.
func (iv invitationRules) becameOwn(ctx context.Context, before, after User) error {
	if before.EmailKey == after.EmailKey {
		return nil
	}
	members, err := collect(ctx, iv.c.tx.Memberships(), membershipFilter{
		UserID: typed.Of(after.ID), Status: typed.Of(MembershipActive, MembershipInactive),
	})
	if err != nil || len(members) == 0 {
		return err
	}
	found, err := collect(ctx, iv.c.tx.Invitations(), invitationFilter{
		OrganizationID: typed.Of(organizationsOf(members)...), EmailKey: typed.Of(after.EmailKey), State: typed.Of(InvitationPending),
	})
	if err != nil {
		return err
	}
	for _, inv := range found {
		if err := iv.revokePending(ctx, inv.ID); err != nil {
			return err
		}
	}
	return nil
}

// addPending adds a pending membership for an invitation to the user who has proved its address (rule M2).
// A user who is or was a member keeps the membership as it is. The caller holds the locks of both, and of
// the organization.
func (iv invitationRules) addPending(ctx context.Context, inv Invitation, user User) error {
	if inv.OrganizationID.IsZero() {
		return nil
	}
	m, err := iv.c.members().get(ctx, inv.OrganizationID, user.ID)
	switch {
	case CodeOf(err) == ErrNotFound:
		m = Membership{
			ID: iv.c.instance.config.NewID(), Version: 1, OrganizationID: inv.OrganizationID, UserID: user.ID, Status: MembershipPending,
			JoinedVia: JoinedInvitation, JoinedAt: iv.c.now, CreatedAt: iv.c.now, UpdatedAt: iv.c.now,
		}
		m.waitFor(inv)
		m.keys(user)
		if err := iv.c.tx.Memberships().Insert(ctx, m); err != nil {
			return err
		}
		return iv.c.members().recordMembership(ctx, EventMembershipOffered, m, nil, nil)
	case err != nil || m.Status != MembershipPending:
		return err
	}
	before := m
	m.waitFor(inv)
	if unchanged(before, m) {
		return nil
	}
	old, err := previous(before, m)
	if err != nil {
		return err
	}
	if err := iv.c.members().saveMembership(ctx, &m); err != nil {
		return err
	}
	return iv.c.members().recordMembership(ctx, EventMembershipOffered, m, nil, old)
}

// waitFor makes a membership pending for an invitation.
func (m *Membership) waitFor(inv Invitation) {
	m.InvitationID, m.InviterID, m.ExpiresAt, m.Metadata = inv.ID, inv.InviterID, inv.ExpiresAt, inv.Metadata
}

// eventOrganization returns the organization that events on a membership name. A pending membership names
// none, because the organization's readers must not learn who is registered (rule M2).
func (m Membership) eventOrganization() OrganizationID {
	if m.Status == MembershipPending && !m.InvitationID.IsZero() {
		return OrganizationID{}
	}
	return m.OrganizationID
}

// removalEvent returns the type of the event for a membership that is deleted.
func (m Membership) removalEvent() EventType {
	if m.eventOrganization().IsZero() {
		return EventMembershipWithdrawn
	}
	return EventMembershipRemoved
}

// at returns a membership as it reads at a time (rule M2).
func (m Membership) at(instant time.Time) Membership {
	if m.Status == MembershipPending && !m.ExpiresAt.IsZero() && !instant.Before(m.ExpiresAt) {
		m.Status = MembershipInvitationExpired
	}
	return m
}

// dropPending deletes the memberships that are pending for an invitation.
func (iv invitationRules) dropPending(ctx context.Context, id InvitationID) error {
	waiting := membershipFilter{InvitationID: typed.Of(id), Status: typed.Of(MembershipPending)}
	return walk(ctx, iv.c.tx.Memberships(), waiting, func(m Membership) error { return iv.c.users().dropMember(ctx, m, nil) })
}

// revokePending ends an invitation that is not needed any more. It becomes revoked, or expired if its time
// is over. The caller holds the organization's lock. The zero id stands for no invitation.
func (iv invitationRules) revokePending(ctx context.Context, id InvitationID) error {
	if id.IsZero() {
		return nil
	}
	inv, err := iv.c.tx.Invitations().Get(ctx, id)
	switch {
	case CodeOf(err) == ErrNotFound:
		return nil
	case err != nil || inv.State != InvitationPending:
		return err
	case inv.checkPending(iv.c.now) != nil:
		return iv.expire(ctx, inv)
	}
	return iv.revoke(ctx, &inv)
}

// revoke makes a pending invitation revoked.
func (iv invitationRules) revoke(ctx context.Context, inv *Invitation) error {
	before := *inv
	inv.State, inv.DecidedAt, inv.MailDueAt = InvitationRevoked, iv.c.now, time.Time{}
	return save(ctx, iv.c, iv.c.tx.Invitations().Update, before, inv, EventInvitationRevoked)
}

// revokePendingOther ends the pending invitation to a user's address, proved or not, unless it is but.
func (iv invitationRules) revokePendingOther(ctx context.Context, organization OrganizationID, user User, but InvitationID) error {
	mine := iv.pendingFilter(organization)
	mine.EmailKey = typed.Of(user.EmailKey)
	found, err := iv.c.tx.Invitations().List(ctx, mine, listSpan{Limit: 1})
	if err != nil || len(found) == 0 || found[0].ID == but {
		return err
	}
	return iv.revoke(ctx, &found[0])
}
