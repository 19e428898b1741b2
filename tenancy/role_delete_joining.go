package tenancy

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// joiningOf reads the pending invitations, and the join codes that are not revoked, which give a role: those of
// an organization, or, for a declared role, those of all.
func (d *roleDeletion) joiningOf(ctx context.Context) (err error) {
	waiting := invitationFilter{State: typed.Of(InvitationPending)}
	codes := joinCodeFilter{Role: typed.Of(d.slug), Revoked: typed.Of(false)}
	if !d.organization.IsZero() {
		waiting.OrganizationID, codes.OrganizationID = typed.Of(d.organization), typed.Of(d.organization)
	}
	d.invitations = nil
	err = walk(ctx, d.c.tx.Invitations(), waiting, func(inv Invitation) error {
		if !slices.Contains(inv.Roles, d.slug) {
			return nil
		}
		d.invitations = append(d.invitations, inv)
		return d.c.organizations().notTooMany("invitations", len(d.invitations))
	})
	if err != nil {
		return err
	}
	if err := checkLimit(ctx, d.c, "join_codes", d.c.tx.JoinCodes(), codes); err != nil {
		return err
	}
	d.large = d.large || d.inSteps && len(d.invitations) > changeStep
	d.codes, err = collect(ctx, d.c.tx.JoinCodes(), codes)
	return err
}

func (d *roleDeletion) joiningLocks() []store.LockKey {
	locks := make([]store.LockKey, 0, len(d.invitations)+len(d.codes))
	for _, inv := range d.invitations {
		locks = append(locks, lockOrganization(inv.OrganizationID))
	}
	for _, code := range d.codes {
		locks = append(locks, lockOrganization(code.OrganizationID))
	}
	return locks
}

// resolveJoining notes which invitations are void before anything moves, because a new role must not make a
// void invitation valid. It checks each combination of inviter and roles once.
func (d *roleDeletion) resolveJoining(ctx context.Context) error {
	void, asked := map[InvitationID]bool{}, map[string]bool{}
	for _, inv := range d.invitations {
		if inv.InviterID.IsZero() {
			continue
		}
		if known, is := d.void[inv.ID]; is { // as it was before the first step
			void[inv.ID] = known
			continue
		}
		key := inv.InviterID.String() + " " + inv.OrganizationID.String() + " " + strings.Join(inv.Roles, " ")
		if _, is := asked[key]; !is {
			good, err := d.c.invitations().couldInvite(ctx, inv.InviterID, inv.OrganizationID, inv.Roles...)
			if err != nil {
				return err
			}
			asked[key] = !good
		}
		void[inv.ID] = asked[key]
	}
	d.void = void
	return nil
}

// successor returns the user whose grants back an invitation with its new roles: its inviter, or, if the
// inviter's grants do not suffice any more, the actor, if the actor may give all of them. Otherwise the
// invitation becomes void (rules R5, R6).
func (d *roleDeletion) successor(ctx context.Context, inv Invitation) (UserID, error) {
	if inv.InviterID.IsZero() || d.void[inv.ID] {
		return inv.InviterID, nil
	}
	may, err := d.c.invitations().couldInvite(ctx, inv.InviterID, inv.OrganizationID, inv.Roles...)
	if err != nil || may {
		return inv.InviterID, err
	}
	facts, err := d.c.access().facts(ctx, inv.OrganizationID, inv.InviterID)
	if err != nil || facts.reason() != ReasonGranted { // the actor does not stand in for an inviter who has lost access
		return inv.InviterID, err
	}
	if may, err = d.c.roles().actorCouldInvite(ctx, inv.OrganizationID, inv.Roles...); err != nil || !may {
		return inv.InviterID, err
	}
	return d.c.invitations().inviter(), nil
}

// actorCouldInvite reports whether the actor may invite with these roles. It records no denial.
func (rr roleRules) actorCouldInvite(ctx context.Context, id OrganizationID, slugs ...string) (bool, error) {
	if rr.c.service.principal == nil {
		return true, nil
	}
	own, err := rr.c.access().grantsOf(ctx, id)
	if err != nil {
		return false, err
	}
	roles, err := rr.rolesNamed(ctx, id, slugs...)
	if err != nil {
		return false, err
	}
	return own.canInvite(roles, slugs)
}

// moveInvitations writes the replacement into the invitations that give the role.
func (d *roleDeletion) moveInvitations(ctx context.Context) error {
	for _, before := range d.invitations {
		inv := before
		roles := slices.DeleteFunc(slices.Clone(inv.Roles), func(slug string) bool { return slug == d.slug || slug == d.replacement })
		var err error
		if inv.Roles, err = d.c.roles().check(ctx, inv.OrganizationID, "replacement", append(roles, d.replacement), ""); err != nil {
			return err
		}
		if inv.InviterID, err = d.successor(ctx, inv); err != nil {
			return err
		}
		if err := save(ctx, d.c, d.c.tx.Invitations().Update, before, &inv, EventInvitationUpdated); err != nil {
			return err
		}
	}
	return nil
}

// moveCodes writes the replacement into the join codes that give the role.
func (d *roleDeletion) moveCodes(ctx context.Context) error {
	for _, before := range d.codes {
		if err := d.c.roles().automatic(ctx, before.OrganizationID, "replacement", d.replacement); err != nil {
			return err
		}
		code := before
		code.Role = d.replacement
		if err := save(ctx, d.c, d.c.tx.JoinCodes().Update, before, &code, EventJoinCodeUpdated); err != nil {
			return err
		}
	}
	return nil
}
