package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
)

// Merged is the result of Merge.
type Merged struct {
	User        User `json:"user"`        // the user into, as it is now
	Memberships int  `json:"memberships"` // how many memberships were moved or united
	Identities  int  `json:"identities"`  // how many identities were moved
}

// Merge merges the user from into the user into, in one transaction (rule U6). It moves from's identities and
// memberships. If both users are members of an organization, the two memberships become one membership of into:
// it has the roles of both, is inactive if either was, and has the earlier JoinedAt. The united membership and
// user may exceed Limits.MemberRoles and Limits.UserIdentities.
//
// Merge drops from's pending memberships, the ones beyond 200 in earlier transactions, as in Delete. It also
// drops from's decided join requests. from's address and external id become free, and [Users.Get] of from says
// which user it was merged into.
//
// Errors: [ErrInvalid] for a user with itself; [ErrNotFound], [ErrMerged]; [ErrLastOwner] with the
// organizations in IDs; for a membership that moves [ErrSeatLimit], [ErrAlreadyMemberElsewhere],
// [ErrJoinRefused] (rule M14); [ErrTooLarge] over Config.DeleteLimit memberships, invitations sent or accepted,
// join codes, or join requests of from; [ErrReferenced] where a row of the host refers to a membership that is
// united with another.
func (g Users) Merge(ctx context.Context, from, into UserID) (Merged, error) {
	if from != into {
		if _, err := g.shed(ctx, usersMerge, from, false); err != nil {
			return Merged{}, err
		}
	}
	return write(ctx, g.s, usersMerge, pairOfUsers(from, into), func(ctx context.Context, c *call) (Merged, error) {
		if from == into {
			return Merged{}, invalid("into", "is the same user")
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return Merged{}, err
		}
		return c.users().merge(ctx, from, into)
	})
}

func pairOfUsers(from, into UserID) string { return from.String() + "/" + into.String() }

func (us userRules) merge(ctx context.Context, from, into UserID) (Merged, error) {
	if err := us.c.lock(ctx, lockUser(from), lockUser(into)); err != nil {
		return Merged{}, err
	}
	source, err := us.get(ctx, from)
	if err != nil {
		return Merged{}, err
	}
	target, err := us.get(ctx, into)
	if err != nil {
		return Merged{}, err
	}
	theirs, mine, err := us.lockBoth(ctx, from, into)
	if err != nil {
		return Merged{}, err
	}
	done := Merged{User: target}
	if err := us.c.organizations().notTooMany("memberships", len(theirs)); err != nil {
		return Merged{}, err
	}
	// Unite memberships first, so that the ones that move afterwards meet into as it will be.
	apart := func(m Membership) bool { return mine[m.OrganizationID].ID.IsZero() }
	united := slices.DeleteFunc(slices.Clone(theirs), apart)
	theirs = append(united, slices.DeleteFunc(theirs, func(m Membership) bool { return !apart(m) })...)
	var orphans []OrganizationID
	for _, m := range theirs {
		orphaned, err := us.mergeMembership(ctx, m, mine[m.OrganizationID], target)
		if err != nil {
			return Merged{}, err
		}
		if orphaned {
			orphans = append(orphans, m.OrganizationID)
		}
		if m.Status != MembershipPending {
			done.Memberships++
		}
	}
	if len(orphans) > 0 {
		return Merged{}, lastOwner(orphans...)
	}
	if err := us.c.policies().moveExemptions(ctx, from, into, organizationsOf(theirs)...); err != nil {
		return Merged{}, err
	}
	if done.Identities, err = us.moveIdentities(ctx, from, into); err != nil {
		return Merged{}, err
	}
	if err := us.c.sessions().endSessions(ctx, sessionFilter{UserID: typed.Of(from)}, EndedMerged); err != nil {
		return Merged{}, err
	}
	if err := us.c.pendings().void(ctx, from); err != nil {
		return Merged{}, err
	}
	if err := us.c.invitations().moveInvitations(ctx, from, into); err != nil {
		return Merged{}, err
	}
	if err := us.c.removals().move(ctx, source, target); err != nil {
		return Merged{}, err
	}
	if err := us.c.organizations().moveFoundings(ctx, from, into); err != nil {
		return Merged{}, err
	}
	if err := us.tombstone(ctx, source, into); err != nil {
		return Merged{}, err
	}
	if source.LastSignInAt.After(target.LastSignInAt) {
		done.User.LastSignInAt = source.LastSignInAt
		if err := us.c.tx.Users().Touch(ctx, into, source.LastSignInAt); err != nil {
			return Merged{}, err
		}
	}
	return done, us.c.record(ctx, newEvent{
		kind: EventUserMerged, user: into, subject: into.String(), people: []UserID{from},
		data: struct {
			From UserID `json:"from"`
			Into UserID `json:"into"`
		}{from, into},
	})
}

func organizationsOf(members []Membership) []OrganizationID {
	ids := make([]OrganizationID, len(members))
	for i, m := range members {
		ids[i] = m.OrganizationID
	}
	return ids
}

// lockBoth takes the locks of all organizations that either user is in, and then reads the memberships under
// these locks.
func (us userRules) lockBoth(ctx context.Context, from, into UserID) (theirs []Membership, mine map[OrganizationID]Membership, err error) {
	both := membershipFilter{UserID: typed.Of(from, into)}
	members, err := collect(ctx, us.c.tx.Memberships(), both)
	if err != nil {
		return nil, nil, err
	}
	var locks []store.LockKey
	for _, m := range members {
		locks = append(locks, lockOrganization(m.OrganizationID))
	}
	if err := us.c.lock(ctx, locks...); err != nil {
		return nil, nil, err
	}
	if members, err = collect(ctx, us.c.tx.Memberships(), both); err != nil {
		return nil, nil, err
	}
	mine = make(map[OrganizationID]Membership)
	for _, m := range members {
		if m.UserID == into {
			mine[m.OrganizationID] = m
		} else {
			theirs = append(theirs, m)
		}
	}
	return theirs, mine, nil
}

// mergeMembership moves or unites one membership, and reports whether its organization lost its last owner by
// that.
func (us userRules) mergeMembership(ctx context.Context, m, other Membership, target User) (orphaned bool, err error) {
	if m.Status == MembershipPending {
		return false, us.dropMember(ctx, m, nil)
	}
	held, err := us.c.roles().assignments(ctx, m.ID)
	if err != nil {
		return false, err
	}
	before, err := us.c.owners().count(ctx, m.OrganizationID)
	if err != nil {
		return false, err
	}
	switch {
	case other.ID.IsZero():
		// A pending invitation to into's address is now one to a member (rule M9).
		if err = us.c.invitations().revokePendingOther(ctx, m.OrganizationID, target, InvitationID{}); err == nil {
			err = us.moveMembership(ctx, m, held[m.ID], target)
		}
	case other.Status == MembershipPending:
		if err = us.dropMember(ctx, other, nil); err == nil {
			err = us.c.invitations().revokePending(ctx, other.InvitationID)
		}
		if err == nil {
			err = us.moveMembership(ctx, m, held[m.ID], target)
		}
	default:
		err = us.unite(ctx, m, other, held[m.ID])
	}
	if err != nil || before == 0 {
		return false, err
	}
	after, err := us.c.owners().count(ctx, m.OrganizationID)
	return after == 0, err
}

// moveMembership moves a membership to another user, with the checks of any other way in.
func (us userRules) moveMembership(ctx context.Context, m Membership, held []RoleAssignment, target User) error {
	if m.Status == MembershipActive {
		org, err := us.c.tx.Organizations().Get(ctx, m.OrganizationID)
		if err != nil {
			return err
		}
		roles, err := us.c.roles().sortRoles(ctx, held)
		if err != nil {
			return err
		}
		join := Join{Organization: org, User: target, Via: JoinedMerged, Roles: roles}
		vacated := 1
		if m.UserSuspended {
			vacated = 0
		}
		if err := us.c.joining().admit(ctx, join, vacated); err != nil {
			return err
		}
	}
	if err := us.c.members().recordMembership(ctx, EventMembershipRemoved, m, held, nil); err != nil {
		return err
	}
	m.UserID, m.JoinedVia = target.ID, JoinedMerged
	m.keys(target)
	if err := us.c.members().saveMembership(ctx, &m); err != nil {
		return err
	}
	for i := range held {
		held[i].UserID = target.ID
		if err := put(ctx, us.c, us.c.tx.RoleAssignments().Update, &held[i]); err != nil {
			return err
		}
	}
	return us.c.members().recordMembership(ctx, EventMembershipCreated, m, held, nil)
}

// unite unites two memberships in the same organization: m goes into other.
func (us userRules) unite(ctx context.Context, m, other Membership, held []RoleAssignment) error {
	if err := us.c.members().recordMembership(ctx, EventMembershipRemoved, m, held, nil); err != nil {
		return err
	}
	all, err := us.c.roles().assignments(ctx, other.ID)
	if err != nil {
		return err
	}
	own := all[other.ID]
	before, err := us.c.roles().sortRoles(ctx, own)
	if err != nil {
		return err
	}
	was := other
	if m.JoinedAt.Before(other.JoinedAt) {
		other.JoinedAt, other.JoinedVia = m.JoinedAt, m.JoinedVia
	}
	if m.Status == MembershipInactive {
		other.Status = MembershipInactive
		if m.DeactivatedAt.After(other.DeactivatedAt) {
			other.DeactivatedAt = m.DeactivatedAt
		}
	}
	for _, a := range held {
		same := func(b RoleAssignment) bool {
			return a.Role == b.Role && a.Source == b.Source && a.SourceID == b.SourceID && a.Scope == b.Scope
		}
		if slices.ContainsFunc(own, same) {
			err = us.c.tx.RoleAssignments().Delete(ctx, a.ID)
		} else {
			a.MembershipID, a.UserID = other.ID, other.UserID
			err = put(ctx, us.c, us.c.tx.RoleAssignments().Update, &a)
			own = append(own, a)
		}
		if err != nil {
			return err
		}
	}
	if err := us.c.roles().mirror(ctx, other, own); err != nil {
		return err
	}
	if err := us.c.tx.Memberships().Delete(ctx, m.ID); err != nil {
		return err
	}
	if err := us.c.seats().moved(ctx, m.OrganizationID, other.seats()-was.seats()-m.seats()); err != nil {
		return err
	}
	return us.saveUnited(ctx, was, other, own, before)
}

// saveUnited saves the united membership if it differs from before, with the event that says most.
func (us userRules) saveUnited(ctx context.Context, was, m Membership, held []RoleAssignment, before []string) error {
	after, err := us.c.roles().sortRoles(ctx, held)
	if err != nil {
		return err
	}
	kind := EventMembershipUpdated
	switch {
	case was.Status != m.Status:
		kind = EventMembershipDeactivated
	case !slices.Equal(before, after):
		kind = EventMembershipRolesChanged
	}
	then, now := snapshot{Membership: was, Roles: before}, snapshot{Membership: m, Roles: after}
	if unchanged(then, now) {
		return nil
	}
	old, err := previous(then, now)
	if err != nil {
		return err
	}
	if err := us.c.members().saveMembership(ctx, &m); err != nil {
		return err
	}
	if err := us.c.members().recordMembership(ctx, kind, m, held, old); err != nil || kind != EventMembershipDeactivated {
		return err
	}
	if err := us.c.invitations().revokePendingOf(ctx, m); err != nil {
		return err
	}
	if err := us.c.policies().dropExemptions(ctx, m.OrganizationID, m.UserID); err != nil {
		return err
	}
	return us.c.sessions().endSessions(ctx, sessionFilter{MembershipID: typed.Of(m.ID)}, EndedDeactivated)
}

func (us userRules) moveIdentities(ctx context.Context, from, into UserID) (int, error) {
	identities, err := collect(ctx, us.c.tx.Identities(), identityFilter{UserID: typed.Of(from)})
	if err != nil {
		return 0, err
	}
	for _, i := range identities {
		i.UserID = into
		if err := put(ctx, us.c, us.c.tx.Identities().Update, &i); err != nil {
			return 0, err
		}
		n := i.event(EventIdentityLinked)
		n.people = []UserID{from}
		if err := us.c.record(ctx, n); err != nil {
			return 0, err
		}
	}
	return len(identities), nil
}

// tombstone empties a merged user and points it to into. It also points users who were merged into it there.
func (us userRules) tombstone(ctx context.Context, user User, into UserID) error {
	// Sessions that ended keep their tokens.
	proofs := secretFilter{Kind: typed.Of(secretEmailProof), UserID: typed.Of(user.ID)}
	if _, err := us.c.tx.Secrets().DeleteAll(ctx, proofs); err != nil {
		return err
	}
	tombstones, err := collect(ctx, us.c.tx.Users(), userFilter{MergedInto: typed.Of(user.ID)})
	if err != nil {
		return err
	}
	tombstones = append(tombstones, User{ID: user.ID, Version: user.Version, CreatedAt: user.CreatedAt})
	for _, u := range tombstones {
		u.MergedInto = into
		if err := put(ctx, us.c, us.c.tx.Users().Update, &u); err != nil {
			return err
		}
	}
	return nil
}
