package tenancy

import (
	"cmp"
	"context"
	"time"
)

// enterNew makes a membership where there was none (rule M1).
func (jn joinRules) enterNew(ctx context.Context, j entrant, user User) (Member, error) {
	roles, err := jn.c.roles().check(ctx, j.organization.ID, "roles", j.roles, jn.c.roles().fallbackRole(j.organization))
	if err != nil {
		return Member{}, err
	}
	m := Membership{
		ID: newID(jn.c, j.id), Version: 1, OrganizationID: j.organization.ID, UserID: j.userID, Status: j.status(),
		JoinedVia: j.via, JoinedAt: cmp.Or(j.history.JoinedAt, jn.c.now), InviterID: j.inviter, CreatedAt: jn.c.now, UpdatedAt: jn.c.now,
		LastSignInAt: j.history.LastSignInAt, DeactivatedAt: j.history.DeactivatedAt,
	}
	if err := jn.reprofile(&m, j, user); err != nil {
		return Member{}, err
	}
	// One that stands to their address would undo a removal later, and keeps a seat. There is one at
	// most.
	if !j.uninvited && (j.invitation == nil || !user.hasEmail(j.invitation.EmailKey)) {
		if err := jn.c.invitations().revokePendingOther(ctx, j.organization.ID, user, j.leaves()); err != nil {
			return Member{}, err
		}
	}
	if user, err = jn.admitNew(ctx, j, user, roles); err != nil {
		return Member{}, err
	}
	m.keys(user)
	if err := jn.c.tx.Memberships().Insert(ctx, m); err != nil {
		return Member{}, err
	}
	if err := jn.counted(ctx, j, user); err != nil {
		return Member{}, err
	}
	return jn.entered(ctx, j, user, m, roles, nil)
}

// enterPending turns a membership that waits for its invitation active, on the same
// row, by whichever way came first (rule M2). An invitation that is neither the one
// accepted nor left for later is revoked by it.
func (jn joinRules) enterPending(ctx context.Context, j entrant, user User, m Membership) (Member, error) {
	roles, err := jn.c.roles().check(ctx, j.organization.ID, "roles", j.roles, jn.c.roles().fallbackRole(j.organization))
	if err != nil {
		return Member{}, err
	}
	if j.leaves() != m.InvitationID {
		if err := jn.c.invitations().revokePending(ctx, m.InvitationID); err != nil {
			return Member{}, err
		}
	}
	if user, err = jn.admitNew(ctx, j, user, roles); err != nil {
		return Member{}, err
	}
	before := m
	if j.accepts() != m.InvitationID {
		m.Metadata = nil // what the invitation brought, which goes with it
	}
	m.Status, m.JoinedVia, m.JoinedAt, m.InviterID = j.status(), j.via, cmp.Or(j.history.JoinedAt, jn.c.now), j.inviter
	m.DeactivatedAt = j.history.DeactivatedAt
	m.InvitationID, m.ExpiresAt = InvitationID{}, time.Time{}
	if err := jn.reprofile(&m, j, user); err != nil {
		return Member{}, err
	}
	old, err := previous(before, m)
	if err != nil {
		return Member{}, err
	}
	if err := jn.c.members().saveMembership(ctx, &m); err != nil {
		return Member{}, err
	}
	if err := jn.c.members().signedInElsewhere(ctx, &m, j.history.LastSignInAt); err != nil {
		return Member{}, err
	}
	if err := jn.counted(ctx, j, user); err != nil {
		return Member{}, err
	}
	return jn.entered(ctx, j, user, m, roles, old)
}

// admitNew asks all that an active member has to pass, and gives the user as they are then.
// Somebody who comes in inactive, by an import, is asked when they become active.
func (jn joinRules) admitNew(ctx context.Context, j entrant, user User, roles []string) (User, error) {
	if j.status() == MembershipInactive {
		return user, nil
	}
	join := Join{Organization: j.organization, User: user, Via: j.via, Roles: roles}
	if err := jn.admit(ctx, join, j.vacates()); err != nil {
		return User{}, err
	}
	return jn.afterOnJoin(ctx, user)
}

// counted counts a new member among the seats. Of one who comes in inactive the address is
// remembered instead, as when somebody becomes so (rule M5).
func (jn joinRules) counted(ctx context.Context, j entrant, user User) error {
	if j.status() == MembershipInactive {
		return jn.c.removals().keepAddress(ctx, j.organization.ID, user)
	}
	return jn.seated(ctx, j.organization)
}

// status is what somebody comes in as.
func (j entrant) status() MembershipStatus { return cmp.Or(j.history.Status, MembershipActive) }

// afterOnJoin is a user as they are now: the host's hook may have changed them.
func (jn joinRules) afterOnJoin(ctx context.Context, user User) (User, error) {
	if jn.c.instance.config.OnJoin == nil {
		return user, nil
	}
	return jn.c.users().get(ctx, user.ID)
}

// entered gives a new member their roles, and says that they are one.
func (jn joinRules) entered(ctx context.Context, j entrant, user User, m Membership, roles []string, old any) (Member, error) {
	held, _, err := jn.c.roles().setChosen(ctx, m, nil, roles, cmp.Or(j.source, RoleManual), j.sourceID)
	if err != nil {
		return Member{}, err
	}
	if err := jn.c.members().recordMembership(ctx, EventMembershipCreated, m, held, old); err != nil {
		return Member{}, err
	}
	r, err := jn.c.roles().ranks(ctx, held...)
	return newMember(m, held, r, &j.organization, &user), err
}

// accepts is the invitation that somebody comes by; zero: none.
func (j entrant) accepts() InvitationID {
	if j.invitation == nil {
		return InvitationID{}
	}
	return j.invitation.ID
}

// leaves is the invitation to the newcomer that their entry does not revoke; zero: none.
func (j entrant) leaves() InvitationID { return cmp.Or(j.accepts(), j.spared) }

// vacates is how many of the seats taken are the newcomer's own: an invitation keeps
// one until it is accepted (rule M9).
func (j entrant) vacates() int {
	if !j.leaves().IsZero() {
		return 1
	}
	return 0
}

// enterAgain reactivates an inactive membership on the same row (rules M3, M5).
func (jn joinRules) enterAgain(ctx context.Context, j entrant, user User, m Membership) (Member, error) {
	held, err := jn.c.roles().assignments(ctx, m.ID)
	if err != nil {
		return Member{}, err
	}
	mine := held[m.ID]
	had, err := jn.c.roles().sortRoles(ctx, mine)
	if err != nil {
		return Member{}, err
	}
	roles := had
	if len(j.roles) > 0 {
		if roles, err = jn.c.roles().check(ctx, j.organization.ID, "roles", j.roles, ""); err != nil {
			return Member{}, err
		}
	}
	if err := jn.c.invitations().revokePendingOther(ctx, j.organization.ID, user, j.accepts()); err != nil {
		return Member{}, err
	}
	join := Join{Organization: j.organization, User: user, Via: j.via, Roles: roles, Reactivated: true}
	if err := jn.admit(ctx, join, j.vacates()); err != nil {
		return Member{}, err
	}
	before := snapshot{Membership: m, Roles: had}
	if len(j.roles) > 0 {
		if mine, _, err = jn.c.roles().setChosen(ctx, m, mine, roles, cmp.Or(j.source, RoleManual), j.sourceID); err != nil {
			return Member{}, err
		}
	}
	if err := jn.reprofile(&m, j, user); err != nil {
		return Member{}, err
	}
	m.Status, m.DeactivatedAt, m.InviterID = MembershipActive, time.Time{}, cmp.Or(j.inviter, m.InviterID)
	r, err := jn.c.roles().ranks(ctx, mine...)
	if err != nil {
		return Member{}, err
	}
	old, err := previous(before, snapshot{Membership: m, Roles: r.sort(mine)})
	if err != nil {
		return Member{}, err
	}
	if err := jn.c.members().saveMembership(ctx, &m); err != nil {
		return Member{}, err
	}
	if err := jn.seated(ctx, j.organization); err != nil {
		return Member{}, err
	}
	if err := jn.c.roles().mirror(ctx, m, mine); err != nil {
		return Member{}, err
	}
	err = jn.c.members().recordMembership(ctx, EventMembershipReactivated, m, mine, old)
	return newMember(m, mine, r, &j.organization, &user), err
}

// reprofile takes over what a return brings along: nothing named leaves what was.
func (jn joinRules) reprofile(m *Membership, j entrant, user User) error {
	name, err := optionalName("display_name", j.displayName)
	if err != nil {
		return err
	}
	m.DisplayName = cmp.Or(name, m.DisplayName)
	for _, part := range []struct {
		field string
		in    map[string]string
		at    *map[string]string
	}{{"attributes", j.attributes, &m.Attributes}, {"metadata", j.metadata, &m.Metadata}} {
		if len(part.in) == 0 {
			continue
		}
		if *part.at, err = jn.c.instance.config.Limits.metadata(part.field, part.in); err != nil {
			return err
		}
	}
	m.keys(user)
	return nil
}
