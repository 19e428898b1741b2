package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// dropTokens deletes what opens the invitations and join codes of an organization that
// goes.
func (iv invitationRules) dropTokens(ctx context.Context, id OrganizationID) error {
	if err := deleteSecrets(ctx, iv.c, iv.c.tx.Invitations(), invitationFilter{OrganizationID: typed.Of(id)}, secretInvitation); err != nil {
		return err
	}
	return deleteSecrets(ctx, iv.c, iv.c.tx.JoinCodes(), joinCodeFilter{OrganizationID: typed.Of(id)}, secretJoinCode)
}

// purgeInvitations deletes up to n of an organization's invitations, join codes and join
// requests, with their secrets.
func (iv invitationRules) purgeInvitations(ctx context.Context, id OrganizationID, n int, counts *removed) error {
	invitations, err := firstOf(ctx, iv.c.tx.Invitations(), invitationFilter{OrganizationID: typed.Of(id)}, n)
	if err != nil {
		return err
	}
	if counts.Invitations, err = iv.c.tx.Invitations().DeleteAll(ctx, invitationFilter{ID: typed.Of(invitations...)}); err != nil {
		return err
	}
	if err := dropOpeners(ctx, iv.c, secretInvitation, invitations); err != nil {
		return err
	}
	n -= counts.Invitations
	codes, err := firstOf(ctx, iv.c.tx.JoinCodes(), joinCodeFilter{OrganizationID: typed.Of(id)}, n)
	if err != nil {
		return err
	}
	if counts.JoinCodes, err = iv.c.tx.JoinCodes().DeleteAll(ctx, joinCodeFilter{ID: typed.Of(codes...)}); err != nil {
		return err
	}
	if err := dropOpeners(ctx, iv.c, secretJoinCode, codes); err != nil {
		return err
	}
	n -= counts.JoinCodes
	requests, err := firstOf(ctx, iv.c.tx.JoinRequests(), joinRequestFilter{OrganizationID: typed.Of(id)}, n)
	if err != nil {
		return err
	}
	counts.JoinRequests, err = iv.c.tx.JoinRequests().DeleteAll(ctx, joinRequestFilter{ID: typed.Of(requests...)})
	return err
}

// firstOf names at most n rows of a table that pass a filter.
func firstOf[V Entity, F any](ctx context.Context, t table[V, F], filter F, n int) ([]ID[V], error) {
	if n < 1 {
		return nil, nil
	}
	rows, err := t.List(ctx, filter, listSpan{Limit: n})
	ids := make([]ID[V], len(rows))
	for i := range rows {
		ids[i] = rows[i].rowID()
	}
	return ids, err
}

// dropOpeners deletes what opens some things.
func dropOpeners[V Entity](ctx context.Context, c *call, kind secretKind, things []ID[V]) error {
	subjects := make([]string, len(things))
	for i, id := range things {
		subjects[i] = id.String()
	}
	_, err := c.tx.Secrets().DeleteAll(ctx, secretFilter{Kind: typed.Of(kind), Subject: typed.Of(subjects...)})
	return err
}

// deleteSecrets deletes what opens the rows of a table that pass a filter, some hundred
// rows at a time.
func deleteSecrets[V Entity, F any](ctx context.Context, c *call, t table[V, F], filter F, kind secretKind) error {
	span := listSpan{Limit: sweepLimit}
	for {
		rows, err := t.List(ctx, filter, span)
		if err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]ID[V], len(rows))
		for i := range rows {
			ids[i] = rows[i].rowID()
		}
		if err := dropOpeners(ctx, c, kind, ids); err != nil {
			return err
		}
		if len(rows) < sweepLimit {
			return nil
		}
		span.After = &typed.Place{ID: rows[len(rows)-1].rowID()}
	}
}

// revokePendingWith ends the invitation that goes with a membership that is removed (rule M6):
// the one that it waits for, or one by which a member could come back.
func (iv invitationRules) revokePendingWith(ctx context.Context, m Membership) error {
	if m.Status == MembershipPending {
		return iv.revokePending(ctx, m.InvitationID)
	}
	return iv.revokePendingOf(ctx, m)
}

// revokePendingOf ends the invitation that stands to a member's address.
func (iv invitationRules) revokePendingOf(ctx context.Context, m Membership) error {
	user, err := iv.c.tx.Users().Get(ctx, m.UserID)
	if err != nil {
		return err
	}
	return iv.revokePendingOther(ctx, m.OrganizationID, user, InvitationID{})
}

// invitationsOf gives invitations as they are under the locks that their states change
// under. Those locks may come out of order; a deadlock by that is found, and the
// transaction runs again.
func (iv invitationRules) invitationsOf(ctx context.Context, filter invitationFilter) ([]Invitation, error) {
	found, err := collect(ctx, iv.c.tx.Invitations(), filter)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	locks := make([]store.LockKey, len(found))
	for i, inv := range found {
		locks[i] = inv.lock()
	}
	if err := iv.c.lock(ctx, locks...); err != nil {
		return nil, err
	}
	return collect(ctx, iv.c.tx.Invitations(), filter)
}

// forget takes people who are erased out of the invitations to their addresses, and out
// of those that they accepted (rule U7). What still stands is revoked.
func (iv invitationRules) forget(ctx context.Context, addresses []string, people ...UserID) error {
	if len(addresses) > 0 {
		theirs, err := iv.invitationsOf(ctx, invitationFilter{EmailKey: typed.Of(addresses...)})
		if err != nil {
			return err
		}
		for _, inv := range theirs {
			if err := iv.redactInvitation(ctx, inv, people...); err != nil {
				return err
			}
		}
	}
	others, err := iv.invitationsOf(ctx, invitationFilter{UserID: typed.Of(people...)})
	if err != nil {
		return err
	}
	for _, inv := range others { // to somebody else's address, who is not erased
		inv.UserID, inv.Metadata = UserID{}, nil
		if err := iv.keepForgotten(ctx, inv); err != nil {
			return err
		}
	}
	if err := iv.c.mails().erase(ctx, addresses, people...); err != nil {
		return err
	}
	if err := iv.c.proofs().erase(ctx, addresses); err != nil {
		return err
	}
	if err := iv.c.pendings().erase(ctx, addresses); err != nil {
		return err
	}
	return iv.c.removals().erase(ctx, addresses, people...)
}

// redactInvitation takes the address out of an invitation, and out of what opened it, and who
// accepted it if that is one of these people. What has no address left to go to cannot be sent
// again: it is revoked.
func (iv invitationRules) redactInvitation(ctx context.Context, inv Invitation, people ...UserID) error {
	if inv.State == InvitationPending {
		if err := iv.revokePending(ctx, inv.ID); err != nil {
			return err
		}
		var err error
		if inv, err = iv.c.tx.Invitations().Get(ctx, inv.ID); err != nil {
			return err
		}
	}
	if inv.State == InvitationExpired {
		inv.State = InvitationRevoked
	}
	opened := secretFilter{Kind: typed.Of(secretInvitation), Subject: typed.Of(inv.ID.String())}
	if _, err := iv.c.tx.Secrets().DeleteAll(ctx, opened); err != nil {
		return err
	}
	inv.Email, inv.EmailKey, inv.Metadata, inv.Found = "", "", nil, nil
	if slices.Contains(people, inv.UserID) {
		inv.UserID = UserID{}
	}
	return iv.keepForgotten(ctx, inv)
}

// keepForgotten keeps an invitation without what was somebody's, and without an event.
func (iv invitationRules) keepForgotten(ctx context.Context, inv Invitation) error {
	return put(ctx, iv.c, iv.c.tx.Invitations().Update, &inv)
}

// moveInvitations makes what a user sent and accepted be another's, into whom they are
// merged, and their join codes and requests (rule U6). user.merged tells of it.
func (iv invitationRules) moveInvitations(ctx context.Context, from, into UserID) error {
	waiting := joinRequestFilter{UserID: typed.Of(from), State: typed.Of(JoinRequestPending)}
	if err := checkLimit(ctx, iv.c, "join_requests", iv.c.tx.JoinRequests(), waiting); err != nil {
		return err
	}
	for _, filter := range []invitationFilter{{InviterID: typed.Of(from)}, {UserID: typed.Of(from)}} {
		if err := checkLimit(ctx, iv.c, "invitations", iv.c.tx.Invitations(), filter); err != nil {
			return err
		}
		found, err := iv.invitationsOf(ctx, filter)
		if err != nil {
			return err
		}
		for _, inv := range found {
			if inv.InviterID == from {
				inv.InviterID = into
			}
			if inv.UserID == from {
				inv.UserID = into
			}
			if err := put(ctx, iv.c, iv.c.tx.Invitations().Update, &inv); err != nil {
				return err
			}
		}
	}
	if err := iv.c.joining().moveCodes(ctx, from, into); err != nil {
		return err
	}
	return iv.c.joining().moveRequests(ctx, from, into)
}
