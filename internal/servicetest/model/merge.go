package model

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// merge is U6.
func (m *machine) merge() {
	from, into := m.anyUser(), m.anyUser()
	if shared := m.s.membersIn(m.anyOrg()); len(shared) > 1 && draw(m, "colleagues", true, true, false) {
		from, into = draw(m, "from", shared...).UserID, draw(m, "into", shared...).UserID
	}
	why := append(m.s.person(from), m.s.person(into)...)
	why.when(from == into, tenancy.ErrInvalid)
	theirs := m.s.membersOf(from)
	why.when(len(theirs) > modelDeleteLimit, tenancy.ErrTooLarge)
	next := m.s.clone()
	next.joins = nil
	if len(why) == 0 {
		why = next.merge(from, into)
	}
	m.s.joins = next.joins
	got, err := m.svc.Users.Merge(m.ctx, from, into)
	if m.refused(err, why...) {
		return
	}
	want := tenancy.Merged{User: next.users[into], Identities: len(m.s.identitiesOf(from))}
	for _, member := range theirs {
		if member.Status != tenancy.MembershipPending {
			want.Memberships++
		}
	}
	m.s = next
	require.Equal(m.rt, want, got)
}

// merge makes two users one and gives the reasons, if any, why it may not be: then s
// is of no use.
func (s *modelState) merge(from, into tenancy.UserID) (why reasons) {
	source, target := s.users[from], s.users[into]
	// Those that meet one of into's come first, so that what moves meets the outcome.
	var meeting, moving []modelMember
	for _, m := range s.membersOf(from) {
		if _, there := s.members[modelPair{m.OrganizationID, into}]; there {
			meeting = append(meeting, m)
		} else {
			moving = append(moving, m)
		}
	}
	for _, m := range append(meeting, moving...) {
		owned := s.owners(m.OrganizationID) > 0
		why = append(why, s.mergeMember(m, target)...)
		why.when(owned && s.owners(m.OrganizationID) == 0, tenancy.ErrLastOwner) // M7
	}
	for _, identity := range s.identitiesOf(from) {
		identity.UserID = into
		identity.Version++
		identity.UpdatedAt = s.now
		s.identities[identity.ID] = identity
		s.emit(tenancy.EventIdentityLinked, tenancy.OrganizationID{}, into, identity.ID, identity).people = []tenancy.UserID{from}
	}
	for i, proof := range s.proofs {
		s.proofs[i].gone = proof.gone || proof.user == from
	}
	for id, user := range s.users {
		if id == from || user.MergedInto == from {
			s.users[id] = tenancy.User{ID: id, MergedInto: into}
		}
	}
	if source.LastSignInAt.After(target.LastSignInAt) {
		target.LastSignInAt = source.LastSignInAt
		s.users[into] = target
	}
	s.former[into] = slices.Concat(s.former[into], s.former[from], []tenancy.UserID{from})
	s.emit(tenancy.EventUserMerged, tenancy.OrganizationID{}, into, into,
		map[string]any{"from": from, "into": into}).people = []tenancy.UserID{from}
	return why
}

// mergeMember brings a membership to another user, who may have one there already.
func (s *modelState) mergeMember(m modelMember, target tenancy.User) (why reasons) {
	there := modelPair{m.OrganizationID, target.ID}
	other, united := s.members[there]
	s.emitMember(tenancy.EventMembershipRemoved, m)
	delete(s.members, modelPair{m.OrganizationID, m.UserID})
	switch {
	case m.Status == tenancy.MembershipPending:
		return nil
	case united && other.Status != tenancy.MembershipPending:
		s.unite(m, other)
		return nil
	case united:
		s.emitMember(tenancy.EventMembershipRemoved, other)
	}
	m.UserID, m.JoinedVia = target.ID, tenancy.JoinedMerged
	if m.active() {
		why = s.admit(s.orgs[m.OrganizationID], target, 0) // M14
		s.joined(m, false)
	}
	m = s.keys(m)
	m.Version++
	m.UpdatedAt = s.now
	s.members[there] = m
	s.emitMember(tenancy.EventMembershipCreated, m)
	return why
}

// unite makes one of two memberships: roles united, the more restrictive status, the
// earlier join.
func (s *modelState) unite(m, other modelMember) {
	kind := tenancy.EventMembershipUpdated
	next := other
	next.Roles = byPriority(slices.Concat(m.Roles, other.Roles)...)
	if m.JoinedAt.Before(other.JoinedAt) {
		next.JoinedAt, next.JoinedVia = m.JoinedAt, m.JoinedVia
	}
	if len(next.Roles) != len(other.Roles) {
		kind = tenancy.EventMembershipRolesChanged
	}
	if other.active() && !m.active() {
		next.Status, kind = tenancy.MembershipInactive, tenancy.EventMembershipDeactivated
	}
	if m.DeactivatedAt.After(next.DeactivatedAt) {
		next.DeactivatedAt = m.DeactivatedAt
	}
	s.saveMember(next, kind)
}
