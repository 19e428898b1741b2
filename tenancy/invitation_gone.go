package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// dropTokens deletes the tokens of the invitations and join codes of an organization that is being deleted.
func (iv invitationRules) dropTokens(ctx context.Context, id OrganizationID) error {
	if err := deleteSecrets(ctx, iv.c, iv.c.tx.Invitations(), invitationFilter{OrganizationID: typed.Of(id)}, secretInvitation); err != nil {
		return err
	}
	return deleteSecrets(ctx, iv.c, iv.c.tx.JoinCodes(), joinCodeFilter{OrganizationID: typed.Of(id)}, secretJoinCode)
}

// purgeInvitations deletes up to n of an organization's invitations, join codes and join requests, with
// their secrets.
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

// firstOf returns the ids of at most n rows of a table that pass a filter.
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

// dropOpeners deletes the secrets that open some things.
func dropOpeners[V Entity](ctx context.Context, c *call, kind secretKind, things []ID[V]) error {
	subjects := make([]string, len(things))
	for i, id := range things {
		subjects[i] = id.String()
	}
	_, err := c.tx.Secrets().DeleteAll(ctx, secretFilter{Kind: typed.Of(kind), Subject: typed.Of(subjects...)})
	return err
}

// deleteSecrets deletes the secrets that open the rows of a table that pass a filter, some hundred rows at
// a time.
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

// revokePendingWith ends the invitation of a membership that is being removed (rule M6): the one for which
// it is pending, or the one by which a member could come back.
func (iv invitationRules) revokePendingWith(ctx context.Context, m Membership) error {
	if m.Status == MembershipPending {
		return iv.revokePending(ctx, m.InvitationID)
	}
	return iv.revokePendingOf(ctx, m)
}

// revokePendingOf ends the pending invitation to a member's address.
func (iv invitationRules) revokePendingOf(ctx context.Context, m Membership) error {
	user, err := iv.c.tx.Users().Get(ctx, m.UserID)
	if err != nil {
		return err
	}
	return iv.revokePendingOther(ctx, m.OrganizationID, user, InvitationID{})
}

// invitationsOf returns invitations, read under the locks under which their states change. It may take
// those locks out of order; the store detects a deadlock that comes of it, and the transaction runs again.
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

// forget removes erased people from the invitations to their addresses, and from those that they accepted
// (rule U7). Invitations that are still pending are revoked.
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
	for _, inv := range others { // to the address of another person, who is not erased
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

// redactInvitation removes the address from an invitation and from its secrets. It also removes the user
// who accepted, if it is one of these people. An invitation without an address cannot be sent again, so it
// is revoked.
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

// keepForgotten stores an invitation without a person's data, and without an event.
func (iv invitationRules) keepForgotten(ctx context.Context, inv Invitation) error {
	return put(ctx, iv.c, iv.c.tx.Invitations().Update, &inv)
}

// moveInvitations moves what a user has sent and accepted to the user into whom they are merged:
// invitations, join codes and join requests (rule U6). The event is user.merged.
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
