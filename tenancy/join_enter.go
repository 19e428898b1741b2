package tenancy

import (
	"cmp"
	"context"
	"time"
)

// enterNew makes a new membership (rule M1).
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
	// A pending invitation to their address would undo a later removal, and takes a seat. There is at most one.
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

// enterPending makes a pending membership active, on the same row, whichever way the user came in (rule M2). It
// revokes the membership's invitation, unless that is accepted or spared.
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
		m.Metadata = nil // it came with the invitation, and goes with it
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

// admitNew makes the checks for an active member, and returns the user as they are afterwards. A user who is
// imported as inactive is checked when they become active.
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

// counted counts a new member among the seats. For a user who joins as inactive it records their address
// instead, as for a member who becomes inactive (rule M5).
func (jn joinRules) counted(ctx context.Context, j entrant, user User) error {
	if j.status() == MembershipInactive {
		return jn.c.removals().keepAddress(ctx, j.organization.ID, user)
	}
	return jn.seated(ctx, j.organization)
}

// status returns the status that the new membership gets.
func (j entrant) status() MembershipStatus { return cmp.Or(j.history.Status, MembershipActive) }

// afterOnJoin reads the user again, because Config.OnJoin may have changed them.
func (jn joinRules) afterOnJoin(ctx context.Context, user User) (User, error) {
	if jn.c.instance.config.OnJoin == nil {
		return user, nil
	}
	return jn.c.users().get(ctx, user.ID)
}

// entered gives a new member their roles, and writes the event.
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

// accepts returns the invitation that the user accepts; zero: none.
func (j entrant) accepts() InvitationID {
	if j.invitation == nil {
		return InvitationID{}
	}
	return j.invitation.ID
}

// leaves returns the invitation to the user that joining does not revoke; zero: none.
func (j entrant) leaves() InvitationID { return cmp.Or(j.accepts(), j.spared) }

// vacates returns how many of the taken seats are the user's own: an invitation takes one until it is accepted
// (rule M9).
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

// reprofile writes the profile that the user brings into the membership. Empty fields leave what was there.
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
