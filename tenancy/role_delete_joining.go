package tenancy

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// joiningOf reads the invitations that wait and the join codes that are not revoked
// which give a role: an organization's, or, for a declared role, everybody's.
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

// resolveJoining notes which invitations are void before anything moves: replacing a role
// of theirs makes none of them good again. It asks once about each inviter and set of roles.
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

// successor is whose grants an invitation stands on with its new roles: its inviter's,
// or, where those do not do any more, the actor's, if they may give all of them. It is
// void otherwise (rules R5, R6).
func (d *roleDeletion) successor(ctx context.Context, inv Invitation) (UserID, error) {
	if inv.InviterID.IsZero() || d.void[inv.ID] {
		return inv.InviterID, nil
	}
	may, err := d.c.invitations().couldInvite(ctx, inv.InviterID, inv.OrganizationID, inv.Roles...)
	if err != nil || may {
		return inv.InviterID, err
	}
	facts, err := d.c.access().facts(ctx, inv.OrganizationID, inv.InviterID)
	if err != nil || facts.reason() != ReasonGranted { // who is gone since is nobody to stand in for
		return inv.InviterID, err
	}
	if may, err = d.c.roles().actorCouldInvite(ctx, inv.OrganizationID, inv.Roles...); err != nil || !may {
		return inv.InviterID, err
	}
	return d.c.invitations().inviter(), nil
}

// actorCouldInvite reports whether the actor may invite with these roles, and refuses
// nothing.
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

// moveInvitations puts the replacement where invitations gave the role.
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

// moveCodes puts the replacement where join codes gave the role.
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
