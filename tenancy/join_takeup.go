package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// joinOrTakeUp makes a user a member by the way that is open to them. If an invitation to their address is
// pending there, it accepts the invitation, too, provided that enough returns true for it (rule M2). Otherwise
// the user would lose the roles of the invitation by coming in another way.
func (jn joinRules) joinOrTakeUp(ctx context.Context, j entrant, user User, enough func(Invitation) (bool, error)) (Member, error) {
	if member, ok, err := jn.takeUp(ctx, &j, user, enough); err != nil || ok {
		return member, err
	}
	return jn.join(ctx, j)
}

// takeUp accepts the pending invitation to a user, and adds what their own way in gives. It spares an
// invitation for which enough returns false: the user can accept it with stronger evidence. It skips an
// invitation that cannot be accepted; joining then revokes that one.
func (jn joinRules) takeUp(ctx context.Context, j *entrant, user User, enough func(Invitation) (bool, error)) (Member, bool, error) {
	mine := jn.c.invitations().pendingFilter(j.organization.ID)
	mine.EmailKey = typed.Of(user.EmailKey)
	found, err := jn.c.tx.Invitations().List(ctx, mine, listSpan{Limit: 1})
	if err != nil || len(found) == 0 {
		j.uninvited = err == nil
		return Member{}, false, err
	}
	inv := found[0]
	switch m, err := jn.c.members().get(ctx, j.organization.ID, user.ID); {
	case err == nil && m.Status == MembershipActive: // the user is a member already
		return Member{}, false, nil
	case err != nil && CodeOf(err) != ErrNotFound:
		return Member{}, false, err
	}
	if ok, err := enough(inv); err != nil || !ok {
		if err == nil {
			j.spared, err = jn.spares(ctx, inv)
		}
		return Member{}, false, err
	}
	var member Member
	err = jn.c.savepoint(ctx, func(part *call) (err error) {
		if member, err = part.invitations().acceptInvitation(ctx, inv, user, acceptance{created: j.created}); err != nil {
			return err
		}
		member, err = part.joining().addWay(ctx, *j, member)
		return err
	})
	if passedOver(err) {
		return Member{}, false, nil
	}
	return member, err == nil, err
}

// spares returns the invitation that stays pending although the user joins by another way; zero for a void one,
// which takes no seat.
func (jn joinRules) spares(ctx context.Context, inv Invitation) (InvitationID, error) {
	void, err := jn.c.invitations().voids().is(ctx, inv)
	if err != nil || void {
		return InvitationID{}, err
	}
	return inv.ID, nil
}

// passedOver reports whether an error says that an invitation cannot be accepted. Other errors are failures of
// the call.
func passedOver(err error) bool {
	if _, refused := refusalCode(err); refused {
		return true
	}
	switch CodeOf(err) {
	case ErrInvalid, ErrUnknownRole, ErrUserSuspended, ErrWouldLockOut: // the roles cannot be given any more
		return true
	}
	return false
}

// ownWord reports whether a user may accept an invitation to their proved address by themselves. If only a
// connection has proved the address, or the user came by one, the roles may not manage anything or have all
// permissions (rules R3, R6). The reason: the people who may make connections control what a connection asserts.
func (jn joinRules) ownWord(ctx context.Context, inv Invitation, user User) (bool, error) {
	if user.EmailVerifiedAt.IsZero() {
		return false, nil
	}
	p := jn.c.service.principal
	came := p != nil && p.user == user.ID && p.session != nil && !p.session.ConnectionID.IsZero()
	if !came && !looksLikeConnection(user.EmailProvedBy) {
		return true, nil
	}
	return jn.c.invitations().managesNothing(ctx, inv)
}

// managesNothing reports whether people may get all roles of an invitation without anybody's choice (rule R3).
func (iv invitationRules) managesNothing(ctx context.Context, inv Invitation) (bool, error) {
	for _, slug := range inv.Roles {
		err := iv.c.roles().automatic(ctx, inv.OrganizationID, "roles", slug)
		switch CodeOf(err) {
		case "":
		case ErrInvalid, ErrUnknownRole:
			return false, nil
		default:
			return false, err
		}
	}
	return true, nil
}

// addInvited gives a member the roles of an invitation to their address. They joined earlier in a way that did
// not allow them to accept it. They get its metadata only if the membership has none.
func (jn joinRules) addInvited(ctx context.Context, j entrant, user User, m Membership) (Member, error) {
	if err := jn.isOpen(j, user); err != nil {
		return Member{}, err
	}
	if len(m.Metadata) == 0 && len(j.metadata) > 0 {
		before := m
		m.Metadata = j.metadata
		if err := save(ctx, jn.c, jn.c.tx.Memberships().Update, before, &m, EventMembershipUpdated); err != nil {
			return Member{}, err
		}
	}
	member, err := jn.c.members().view(ctx, m)
	if err != nil {
		return Member{}, err
	}
	return jn.addWay(ctx, j, member)
}

// addWay gives a member the roles of a way that is open to them, from its own source (rule M10). It adds a role
// also where another source gives it already; otherwise the role would end with that source.
func (jn joinRules) addWay(ctx context.Context, j entrant, member Member) (Member, error) {
	roles, err := jn.c.roles().check(ctx, j.organization.ID, "roles", j.roles, jn.c.roles().fallbackRole(j.organization))
	if err != nil {
		return Member{}, err
	}
	all, err := jn.c.roles().assignments(ctx, member.ID)
	if err != nil {
		return Member{}, err
	}
	held := all[member.ID]
	before, err := jn.c.roles().sortRoles(ctx, held)
	if err != nil {
		return Member{}, err
	}
	source := cmp.Or(j.source, RoleManual)
	own, _ := sourced(held, source, j.sourceID)
	given := len(held)
	for _, slug := range roles {
		if slices.ContainsFunc(own, func(a RoleAssignment) bool { return a.Role == slug }) {
			continue
		}
		a, err := jn.c.roles().assignFrom(ctx, member.Membership, slug, source, j.sourceID)
		if err != nil {
			return Member{}, err
		}
		held = append(held, a)
	}
	if len(held) == given {
		return member, nil
	}
	if n, most := len(rolesIn(held)), jn.c.instance.config.Limits.MemberRoles; n > len(before) && n > most {
		return Member{}, invalid("roles", fmt.Sprintf("would be %d, at most %d", n, most))
	}
	m := member.Membership
	if err := jn.c.members().rolesChanged(ctx, &m, held, before); err != nil {
		return Member{}, err
	}
	return jn.c.members().view(ctx, m)
}
