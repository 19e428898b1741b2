package model

import (
	"cmp"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func (m *machine) memberOperations() map[string]operation {
	return map[string]operation{
		"add":        {weight: 10, do: m.add},
		"updateMem":  {weight: 3, do: m.updateMember},
		"setRoles":   {weight: 4, do: m.setRoles},
		"addRole":    {weight: 2, do: m.addRole},
		"removeRole": {weight: 2, do: m.removeRole},
		"deactivate": {weight: 3, do: m.deactivate},
		"reactivate": {weight: 3, do: m.reactivate},
		"remove":     {weight: 2, do: m.remove},
		"transfer":   {weight: 4, do: m.transfer},
	}
}

// saveMember keeps a changed membership, with its event.
func (s *modelState) saveMember(m modelMember, kind tenancy.EventType) modelMember {
	pair := modelPair{m.OrganizationID, m.UserID}
	m = s.keys(m)
	old := changed(s.members[pair], m)
	if old == nil {
		return s.members[pair]
	}
	m.Version++
	m.UpdatedAt = s.now
	s.members[pair] = m
	event := s.emitMember(kind, m)
	event.previous = old
	if kind == tenancy.EventMembershipUpdated {
		delete(event.data, "roles")
	}
	return m
}

// enter makes a membership where there was none (M1).
func (s *modelState) enter(in tenancy.NewMembership, roles []string) modelMember {
	m := s.keys(modelMember{tenancy.Membership{
		ID: in.ID, Version: 1, OrganizationID: in.OrganizationID, UserID: in.UserID, Status: tenancy.MembershipActive,
		DisplayName: in.DisplayName, Attributes: in.Attributes, Metadata: in.Metadata,
		JoinedVia: in.JoinedVia, JoinedAt: s.now, CreatedAt: s.now, UpdatedAt: s.now,
	}, roles})
	s.members[modelPair{m.OrganizationID, m.UserID}] = m
	s.emitMember(tenancy.EventMembershipCreated, m)
	return m
}

// shown is a membership as the Service gives it.
func (s *modelState) shown(m modelMember) tenancy.Member {
	org, user := s.orgs[m.OrganizationID], s.users[m.UserID]
	return tenancy.Member{
		Membership: m.Membership, Name: cmp.Or(m.DisplayName, user.Name()), Email: user.Email,
		OrganizationName: org.DisplayName, OrganizationSlug: org.Slug, Roles: m.Roles,
	}
}

// sameMember compares a membership with the model's; where roles come from is looked
// at by number and kind.
func (m *machine) sameMember(want modelMember, got tenancy.Member) {
	m.rt.Helper()
	held := []string{}
	for _, a := range got.Assignments {
		require.Equal(m.rt, tenancy.RoleAssignment{
			ID: a.ID, Version: a.Version, CreatedAt: a.CreatedAt, OrganizationID: want.OrganizationID, MembershipID: want.ID,
			UserID: want.UserID, Role: a.Role, Source: tenancy.RoleManual, Active: want.active(),
		}, a)
		held = append(held, a.Role)
	}
	require.Equal(m.rt, want.Roles, byPriority(held...))
	require.Len(m.rt, held, len(want.Roles))
	require.Len(m.rt, got.RoleNames, len(got.Roles))
	got.Assignments, got.RoleNames = nil, nil
	require.Equal(m.rt, m.s.shown(want), got)
}

func (m *machine) add() {
	pair := modelPair{m.anyOrg(), m.anyUser()}
	if m.rarely("known pair", 3) {
		pair = m.anyPair()
	}
	in := tenancy.NewMembership{OrganizationID: pair.org, UserID: pair.user}
	var why reasons
	org, found := m.s.orgs[pair.org]
	why.when(!found, tenancy.ErrNotFound)
	why = append(why, m.s.person(pair.user)...)
	var isRoles, isName bool
	in.Roles, isRoles = m.roles()
	why.when(!isRoles, tenancy.ErrUnknownRole)
	if rapid.Bool().Draw(m.rt, "named") {
		in.DisplayName, isName = m.name("name here")
		why.when(!isName, tenancy.ErrInvalid)
	}
	patch, isPatch := m.patch("attributes")
	in.Attributes, in.Metadata = whole(patch), whole(patch)
	why.when(!isPatch, tenancy.ErrInvalid)
	in.JoinedVia = draw(m, "via", "", "", "", tenancy.JoinedDirectory, "window")
	why.when(in.JoinedVia == "window", tenancy.ErrInvalid)
	was, member := m.s.members[pair]
	why.when(member && was.active(), tenancy.ErrAlreadyMember)
	why = append(why, m.s.admit(org, m.s.users[pair.user], 0)...)
	next := modelMember{tenancy.Membership{OrganizationID: pair.org, UserID: pair.user}, byPriority(in.Roles...)}
	if len(in.Roles) == 0 {
		next.Roles = []string{cmp.Or(org.Settings.DefaultRole, rbac.Member)}
	}
	waited := was.Status == tenancy.MembershipPending
	if member {
		roles := next.Roles
		if next = returning(was, in); waited { // M3
			next.JoinedVia, next.JoinedAt, next.InviterID, next.Roles = cmp.Or(in.JoinedVia, tenancy.JoinedAdded), m.s.now, tenancy.UserID{}, roles
		}
	}
	m.s.joined(next, member && !waited)
	got, err := m.svc.Memberships.Add(m.ctx, in)
	if m.refused(err, why...) {
		return
	}
	switch {
	case waited:
		was.Roles = next.Roles // of which the event tells nothing that was
		m.s.members[pair] = was
		next = m.s.saveMember(next, tenancy.EventMembershipCreated)
	case member:
		next = m.s.saveMember(next, tenancy.EventMembershipReactivated)
	default:
		in.ID, in.JoinedVia = got.ID, cmp.Or(in.JoinedVia, tenancy.JoinedAdded)
		next = m.s.enter(in, next.Roles)
	}
	m.sameMember(next, got)
}

// returning is M3: the same row, with what was given or else what it had.
func returning(was modelMember, in tenancy.NewMembership) modelMember {
	was.Status, was.DeactivatedAt = tenancy.MembershipActive, time.Time{}
	was.DisplayName = cmp.Or(in.DisplayName, was.DisplayName)
	if len(in.Roles) > 0 {
		was.Roles = byPriority(in.Roles...)
	}
	if in.Attributes != nil {
		was.Attributes = in.Attributes
	}
	if in.Metadata != nil {
		was.Metadata = in.Metadata
	}
	return was
}

// inOrg are the reasons why a membership cannot be worked with.
func (s *modelState) inOrg(pair modelPair) (m modelMember, why reasons) {
	m, found := s.members[pair]
	why.when(!found, tenancy.ErrNotFound)
	return m, why
}

// lastOwner is M7 for a membership that would become next, or go.
func (s *modelState) lastOwner(m modelMember, next *modelMember) bool {
	return m.owns() && (next == nil || !next.owns()) && s.owners(m.OrganizationID) == 1
}

// lastActor is M7 for what is done inside the organization: owners whom the host suspended do
// not count, unless one of them is who goes.
func (s *modelState) lastActor(m modelMember, next *modelMember) bool {
	if !m.owns() || next != nil && next.owns() || !s.users[m.UserID].SuspendedAt.IsZero() {
		return s.lastOwner(m, next)
	}
	for _, other := range s.members {
		if other.OrganizationID == m.OrganizationID && other.UserID != m.UserID && other.owns() && s.users[other.UserID].SuspendedAt.IsZero() {
			return false
		}
	}
	return true
}

func (m *machine) updateMember() {
	pair := m.anyPair()
	member, why := m.s.inOrg(pair)
	var in tenancy.MembershipUpdate
	var stale bool
	in.Version, stale = m.version(member.Version)
	why.when(stale, tenancy.ErrConflict)
	name, isName := draw(m, "clear name", "", "x"), true
	if name != "" {
		name, isName = m.name("name here")
	}
	in.DisplayName = optional(m, "name", name)
	why.when(in.DisplayName != nil && !isName, tenancy.ErrInvalid)
	attributes, isAttributes := m.patch("attributes")
	metadata, isMetadata := m.patch("metadata")
	in.Attributes, in.Metadata = attributes, metadata
	why.when(!isAttributes || !isMetadata, tenancy.ErrInvalid)
	got, err := m.svc.Memberships.Update(m.ctx, pair.org, pair.user, in)
	if m.refused(err, why...) {
		return
	}
	set(&member.DisplayName, in.DisplayName)
	member.Attributes, member.Metadata = patched(member.Attributes, attributes), patched(member.Metadata, metadata)
	m.sameMember(m.s.saveMember(member, tenancy.EventMembershipUpdated), got)
}

func (m *machine) setRoles() {
	pair := m.anyPair()
	member, why := m.s.inOrg(pair)
	roles, known := m.roles()
	why.when(!known, tenancy.ErrUnknownRole)
	why.when(member.Status == tenancy.MembershipPending, tenancy.ErrPendingMembership)
	why.when(len(roles) == 0, tenancy.ErrInvalid)
	next := member
	next.Roles = byPriority(roles...)
	why.when(m.s.lastActor(member, &next), tenancy.ErrLastOwner)
	got, err := m.svc.Memberships.SetRoles(m.ctx, pair.org, pair.user, roles...)
	if !m.refused(err, why...) {
		m.sameMember(m.s.saveMember(next, tenancy.EventMembershipRolesChanged), got)
	}
}

func (m *machine) addRole() {
	pair := m.anyPair()
	member, why := m.s.inOrg(pair)
	role := draw(m, "role", rbac.Owner, rbac.Admin, rbac.Member, rbac.Guest, "king")
	why.when(role == "king", tenancy.ErrUnknownRole)
	why.when(member.Status == tenancy.MembershipPending, tenancy.ErrPendingMembership)
	next := member
	next.Roles = byPriority(append(slices.Clone(member.Roles), role)...)
	got, err := m.svc.Memberships.AddRole(m.ctx, pair.org, pair.user, role)
	if !m.refused(err, why...) {
		m.sameMember(m.s.saveMember(next, tenancy.EventMembershipRolesChanged), got)
	}
}

func (m *machine) removeRole() {
	pair := m.anyPair()
	member, why := m.s.inOrg(pair)
	role := draw(m, "role", rbac.Owner, rbac.Admin, rbac.Member, rbac.Guest, "king")
	why.when(member.Status == tenancy.MembershipPending, tenancy.ErrPendingMembership)
	next := member
	next.Roles = slices.DeleteFunc(slices.Clone(member.Roles), func(slug string) bool { return slug == role })
	why.when(len(next.Roles) == 0, tenancy.ErrInvalid)
	why.when(m.s.lastActor(member, &next), tenancy.ErrLastOwner)
	got, err := m.svc.Memberships.RemoveRole(m.ctx, pair.org, pair.user, role)
	if !m.refused(err, why...) {
		m.sameMember(m.s.saveMember(next, tenancy.EventMembershipRolesChanged), got)
	}
}

func (m *machine) deactivate() {
	pair := m.anyPair()
	member, why := m.s.inOrg(pair)
	why.when(member.Status == tenancy.MembershipPending, tenancy.ErrPendingMembership)
	next := member
	if member.active() {
		next.Status, next.DeactivatedAt = tenancy.MembershipInactive, m.s.now
	}
	why.when(m.s.lastActor(member, &next), tenancy.ErrLastOwner)
	got, err := m.svc.Memberships.Deactivate(m.ctx, pair.org, pair.user)
	if !m.refused(err, why...) {
		m.sameMember(m.s.saveMember(next, tenancy.EventMembershipDeactivated), got)
	}
}

func (m *machine) reactivate() {
	pair := m.anyPair()
	member, why := m.s.inOrg(pair)
	why.when(member.Status == tenancy.MembershipPending, tenancy.ErrPendingMembership)
	next := member
	next.Status, next.DeactivatedAt = tenancy.MembershipActive, time.Time{}
	if member.Status == tenancy.MembershipInactive {
		why = append(why, m.s.admit(m.s.orgs[pair.org], m.s.users[pair.user], 0)...)
		m.s.joined(next, true)
	}
	got, err := m.svc.Memberships.Reactivate(m.ctx, pair.org, pair.user)
	if !m.refused(err, why...) {
		m.sameMember(m.s.saveMember(next, tenancy.EventMembershipReactivated), got)
	}
}

func (m *machine) remove() {
	pair := m.anyPair()
	member, why := m.s.inOrg(pair)
	why.when(m.s.lastActor(member, nil), tenancy.ErrLastOwner)
	do := m.svc.Memberships.Remove
	left := rapid.Bool().Draw(m.rt, "leave")
	if left {
		do = m.svc.Memberships.Leave
	}
	removed := slices.DeleteFunc(m.removalsOf(pair.user), func(r tenancy.Removal) bool { return r.OrganizationID != pair.org })
	binds := func() { // M6: who had left counts as removed from now on
		if !left && len(removed) > 0 && removed[0].Left {
			m.s.emit(tenancy.EventMembershipBarred, pair.org, pair.user, removed[0].ID, map[string]any{"user_id": pair.user})
		}
	}
	if _, there := m.s.members[pair]; !there && !left && len(removed) > 0 {
		m.refused(do(m.ctx, pair.org, pair.user))
		binds()
		return
	}
	if m.refused(do(m.ctx, pair.org, pair.user), why...) {
		return
	}
	delete(m.s.members, pair)
	binds() // where another invitation waited
	event := m.s.emitMember(tenancy.EventMembershipRemoved, member)
	if left {
		event.data["left"] = []byte("true")
	}
}

// transfer is M8.
func (m *machine) transfer() {
	pair := m.anyPair()
	for _, owner := range m.s.membersWhere(modelMember.owns) {
		if owner.OrganizationID == pair.org && m.rarely("an owner", 2) {
			pair.user = owner.UserID
		}
	}
	to := modelPair{pair.org, m.anyUser()}
	if others := m.s.membersIn(pair.org); len(others) > 0 && draw(m, "to a member", true, true, false) {
		to.user = draw(m, "heir", others...).UserID
	}
	keep := draw(m, "keep", "", "", rbac.Admin, rbac.Owner, "king")
	from, why := m.s.inOrg(pair)
	heir, whyHeir := m.s.inOrg(to)
	why = append(why, whyHeir...)
	why.when(pair == to || !from.owns() || !m.s.users[to.user].SuspendedAt.IsZero(), tenancy.ErrInvalid)
	why.when(heir.Status == tenancy.MembershipPending, tenancy.ErrPendingMembership)
	why.when(heir.Status == tenancy.MembershipInactive, tenancy.ErrMembershipInactive)
	why.when(keep == "king", tenancy.ErrUnknownRole)
	from.Roles = without(from.Roles, rbac.Owner)
	why.when(len(from.Roles) == 0 && keep == rbac.Owner, tenancy.ErrInvalid)
	if m.refused(m.svc.Memberships.TransferOwnership(m.ctx, pair.org, pair.user, to.user, keep), why...) {
		return
	}
	if len(from.Roles) == 0 {
		from.Roles = []string{cmp.Or(keep, m.s.orgs[pair.org].Settings.DefaultRole, rbac.Member)}
	}
	m.s.saveMember(from, tenancy.EventMembershipRolesChanged)
	heir.Roles = byPriority(append(slices.Clone(heir.Roles), rbac.Owner)...)
	m.s.saveMember(heir, tenancy.EventMembershipRolesChanged)
	m.s.emit(tenancy.EventOwnershipTransferred, pair.org, to.user, pair.org, map[string]any{"from": pair.user, "to": to.user})
}

// pend lays a pending membership straight into the store, without roles and without an
// event: invitations are not part of this Service yet.
func (m *machine) pend() {
	org, user := m.anyOrg(), m.anyUser()
	_, there := m.s.members[modelPair{org, user}]
	if _, found := m.s.orgs[org]; !found || there || len(m.s.person(user)) > 0 {
		return
	}
	member := m.s.keys(modelMember{Roles: []string{}, Membership: tenancy.Membership{
		ID: tenancy.MembershipID(org), Version: 1, OrganizationID: org, UserID: user, Status: tenancy.MembershipPending,
		JoinedVia: tenancy.JoinedInvitation, JoinedAt: m.s.now, CreatedAt: m.s.now, UpdatedAt: m.s.now,
	}})
	if len(m.s.membersWhere(func(other modelMember) bool { return other.ID == member.ID })) > 0 {
		return
	}
	require.NoError(m.rt, m.store.Update(m.ctx, func(rows store.Rows) error { return servicetest.InsertRow(m.ctx, rows, member.Membership) }))
	m.s.members[modelPair{org, user}] = member
}
