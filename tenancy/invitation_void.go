package tenancy

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
)

// voids decides which invitations and join codes are void, because their author could not send or make them
// now (rules I3, I7). It asks once for each author and set of roles.
type voids struct {
	iv    invitationRules
	known map[string]bool
}

func (iv invitationRules) voids() *voids { return &voids{iv, map[string]bool{}} }

// is reports whether a pending invitation is void.
func (v *voids) is(ctx context.Context, inv Invitation) (bool, error) {
	if inv.OrganizationID.IsZero() || inv.at(v.iv.c.now).State != InvitationPending {
		return false, nil
	}
	return v.of(ctx, inv.OrganizationID, inv.InviterID, inv.Roles...)
}

// isCode reports whether a usable join code is void, because its author could not make it now (rule I7).
func (v *voids) isCode(ctx context.Context, code JoinCode, org Organization) (bool, error) {
	if code.checkUsable(v.iv.c.now) != nil {
		return false, nil
	}
	return v.of(ctx, org.ID, code.CreatorID, cmp.Or(code.Role, v.iv.c.roles().fallbackRole(org)))
}

// of reports whether a person could not let anybody in with these roles now; the zero user is the host. In
// a suspended or archived organization it reports false: what prevents it there has nothing to do with the
// person's rights.
func (v *voids) of(ctx context.Context, id OrganizationID, by UserID, roles ...string) (bool, error) {
	if by.IsZero() {
		return false, nil
	}
	key := strings.Join(append([]string{id.String(), by.String()}, roles...), " ")
	if void, asked := v.known[key]; asked {
		return void, nil
	}
	facts, err := v.iv.c.access().facts(ctx, id, by)
	if err != nil {
		return false, err
	}
	good := facts.OrganizationSuspended || facts.OrganizationArchived
	if !good {
		if good, err = v.iv.couldGive(ctx, facts, id, roles...); err != nil {
			return false, err
		}
	}
	v.known[key] = !good
	return !good, nil
}

// read returns an invitation as it reads now.
func (v *voids) read(ctx context.Context, inv Invitation) (Invitation, error) {
	void, err := v.is(ctx, inv)
	inv = inv.at(v.iv.c.now)
	if void {
		inv.State = InvitationVoid
	}
	return inv, err
}

// promise is an author's offer to let others in with some roles: an invitation, or a join code. The zero
// user is the host.
type promise struct {
	by    UserID
	roles []string
}

func (i Invitation) promise() promise { return promise{i.InviterID, i.Roles} }

// mostPromising is the number of authors whose rights areVoid checks.
const mostPromising = 100

// areVoid reports which of an organization's promises are void. It runs when the limit on pending ones is
// reached, in the call of a person who wants in. So it checks only the 100 authors who made most of them;
// the promises of others count as valid.
func (iv invitationRules) areVoid(ctx context.Context, id OrganizationID, all []promise) ([]bool, error) {
	void, made := make([]bool, len(all)), map[UserID][]int{}
	for i, p := range all {
		if !p.by.IsZero() {
			made[p.by] = append(made[p.by], i)
		}
	}
	people := slices.SortedFunc(maps.Keys(made), func(a, b UserID) int {
		return cmp.Or(cmp.Compare(len(made[b]), len(made[a])), a.Compare(b))
	})
	able, slugs := map[UserID]accessFacts{}, []string(nil)
	for _, by := range people[:min(len(people), mostPromising)] {
		facts, err := iv.c.access().facts(ctx, id, by)
		if err != nil {
			return nil, err
		}
		if facts.OrganizationSuspended || facts.OrganizationArchived {
			return void, nil
		}
		gone := facts.reason() != ReasonGranted
		for _, i := range made[by] {
			void[i] = gone
			slugs = append(slugs, all[i].roles...)
		}
		if !gone {
			able[by], slugs = facts, append(slugs, facts.Roles...)
		}
	}
	roles, err := iv.c.roles().rolesNamed(ctx, id, slugs...)
	if err != nil {
		return nil, err
	}
	for by, facts := range able {
		own, err := powersOf(roles, facts.Roles)
		if err != nil {
			return nil, err
		}
		for _, i := range made[by] {
			may, err := own.canInvite(roles, all[i].roles)
			if err != nil {
				return nil, err
			}
			void[i] = !may
		}
	}
	return void, nil
}

// countVoid counts the pending invitations of an organization that are void.
func (iv invitationRules) countVoid(ctx context.Context, id OrganizationID) (int, error) {
	return countVoids(ctx, iv, id, iv.c.tx.Invitations(), iv.pendingFilter(id), Invitation.promise)
}

// countVoidCodes is countVoid for join codes.
func (iv invitationRules) countVoidCodes(ctx context.Context, org Organization) (int, error) {
	return countVoids(ctx, iv, org.ID, iv.c.tx.JoinCodes(), iv.c.joining().openCodes(org.ID), func(code JoinCode) promise {
		return promise{code.CreatorID, []string{cmp.Or(code.Role, iv.c.roles().fallbackRole(org))}}
	})
}

func countVoids[V Entity, F any](ctx context.Context, iv invitationRules, id OrganizationID, t table[V, F], filter F, of func(V) promise) (n int, err error) {
	var all []promise
	err = walk(ctx, t, filter, func(row V) error {
		all = append(all, of(row))
		return nil
	})
	if err != nil {
		return 0, err
	}
	void, err := iv.areVoid(ctx, id, all)
	for _, is := range void {
		if is {
			n++
		}
	}
	return n, err
}
