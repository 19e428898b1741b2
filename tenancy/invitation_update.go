package tenancy

import (
	"context"
	"slices"
)

// InvitationUpdate is a change to an invitation that is pending. A nil field stays as it is.
type InvitationUpdate struct {
	Version  int64     // the Version that this change is based on; 0 = any (rule G11)
	Roles    *[]string // replaces all roles; a pointer to an empty list = the organization's default role
	Metadata Patch     // only the host may set it (rule O1)
}

// Update changes the roles and the metadata of a pending invitation (rule I10). Its link and its expiry
// stay, and nothing is mailed. A pending membership for it changes in the same transaction. An update that
// changes nothing writes nothing (rule G8).
//
// To change the roles, a bound actor must be able to give both the old roles and the new ones (rule R6).
// The actor becomes the inviter, as with Resend, and the invitation depends on their rights from then on.
// So an actor who sets the roles of a void invitation, the same ones or others, makes it pending again, if
// there is a seat for it. Metadata alone leaves it void. Use Resend for an expired invitation.
//
// On a bound Service Metadata is [ErrForbidden]: only the host may set it (rule O1). An invitation into the
// application has neither roles nor metadata.
//
// Errors: [ErrInvalid], also for more than Limits.Invitations if it was void; [ErrNotFound]; [ErrConflict];
// [ErrForbidden] for roles above the actor's; [ErrInvitationAccepted], [ErrInvitationRevoked],
// [ErrInvitationDeclined], [ErrInvitationExpired]; for roles [ErrUnknownRole], [ErrOrganizationClosed], and
// [ErrSeatLimit] if it was void.
func (g Invitations) Update(ctx context.Context, id InvitationID, in InvitationUpdate) (Invitation, error) {
	return write(ctx, g.s, invitationsUpdate, id.String(), func(ctx context.Context, c *call) (Invitation, error) {
		return c.invitations().update(ctx, id, in)
	})
}

func (iv invitationRules) update(ctx context.Context, id InvitationID, in InvitationUpdate) (Invitation, error) {
	var roles []string
	if in.Roles != nil {
		roles = *in.Roles
	}
	inv, user, err := iv.lockSent(ctx, id, roles...)
	if err != nil {
		return Invitation{}, err
	}
	if err := iv.c.access().hostOnly(input{"metadata", len(in.Metadata) > 0}); err != nil {
		return Invitation{}, err
	}
	if in.Version != 0 && in.Version != inv.Version {
		return Invitation{}, stale(inv.ID)
	}
	if err := inv.checkPending(iv.c.now); err != nil {
		return Invitation{}, err
	}
	before := inv
	if inv.Metadata, err = iv.c.instance.config.Limits.patch("metadata", inv.Metadata, in.Metadata); err != nil {
		return Invitation{}, err
	}
	switch {
	case inv.OrganizationID.IsZero():
		err = brings(roles, inv.Metadata)
	case in.Roles != nil:
		err = iv.setRoles(ctx, &inv, user, roles)
	}
	if err != nil {
		return Invitation{}, err
	}
	if !unchanged(before, inv) {
		if err := save(ctx, iv.c, iv.c.tx.Invitations().Update, before, &inv, EventInvitationUpdated); err != nil {
			return Invitation{}, err
		}
		if !user.EmailVerifiedAt.IsZero() {
			if err := iv.addPending(ctx, inv, user); err != nil {
				return Invitation{}, err
			}
		}
	}
	return iv.voids().read(ctx, inv)
}

// setRoles changes the roles of an invitation, and makes it depend on the actor's rights.
func (iv invitationRules) setRoles(ctx context.Context, inv *Invitation, user User, roles []string) error {
	org, err := iv.c.tx.Organizations().Get(ctx, inv.OrganizationID)
	if err != nil {
		return err
	}
	if err := isShut(org); err != nil {
		return err
	}
	void, err := iv.voids().is(ctx, *inv)
	if err != nil {
		return err
	}
	given, err := iv.c.roles().check(ctx, org.ID, "roles", roles, iv.c.roles().fallbackRole(org))
	if err != nil {
		return err
	}
	if err := iv.c.access().mayGive(ctx, org.ID, slices.Concat(inv.Roles, given)...); err != nil {
		return err
	}
	if slices.Equal(inv.Roles, given) && !void {
		return nil
	}
	// An active member gets the roles in addition; only an inactive one would get back what they had.
	if err := iv.mayReceive(ctx, org, user); err != nil && CodeOf(err) != ErrAlreadyMember {
		return err
	}
	inv.Roles, inv.InviterID = given, iv.inviter()
	if void { // it held no seat
		return iv.seatFor(ctx, org)
	}
	return nil
}

// brings refuses roles and metadata of an invitation into the application.
func brings(roles []string, metadata map[string]string) error {
	switch {
	case len(roles) > 0:
		return invalid("roles", "are for an organization")
	case len(metadata) > 0:
		return invalid("metadata", "is for a membership")
	}
	return nil
}
