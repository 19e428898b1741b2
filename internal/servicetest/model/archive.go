package model

import (
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// archivedOrg takes an organization, one that is archived if there is one.
func (m *machine) archivedOrg() tenancy.OrganizationID {
	ids := []tenancy.OrganizationID{servicetest.Nowhere}
	for _, org := range sorted(m.s.orgs, orgID,
		func(o tenancy.Organization) bool { return !o.ArchivedAt.IsZero() }) {
		ids = append(ids, org.ID)
	}
	if len(ids) == 1 || m.rarely("any", 8) {
		return m.anyOrg()
	}
	return m.pickOrg(ids)
}

// restoreOrg is O2: members who are active elsewhere by now come back inactive where
// one organization is all that anyone may have.
func (m *machine) restoreOrg() {
	id := m.archivedOrg()
	org, found := m.s.orgs[id]
	var why reasons
	why.when(!found, tenancy.ErrNotFound)
	got, err := m.svc.Organizations.Restore(m.ctx, id)
	if m.refused(err, why...) {
		return
	}
	want := tenancy.Restored{Organization: org}
	if !org.ArchivedAt.IsZero() {
		back := m.s.secondMembers(org)
		org.ArchivedAt = time.Time{}
		want.Organization = m.s.saveOrg(org, tenancy.EventOrganizationRestored)
		before := m.s.owners(id)
		for _, member := range back {
			want.Deactivated = append(want.Deactivated, member.UserID)
			member.Status, member.DeactivatedAt = tenancy.MembershipInactive, m.s.now
			m.s.saveMember(member, tenancy.EventMembershipDeactivated)
		}
		if before > 0 && m.s.owners(id) == 0 {
			m.s.emit(tenancy.EventOrganizationOwnerLost, id, tenancy.UserID{}, id, want.Organization)
		}
	}
	require.Equal(m.rt, want, got)
}

// secondMembers are the active members of an archived organization who are active in
// one that is not archived.
func (s *modelState) secondMembers(org tenancy.Organization) []modelMember {
	if !s.single {
		return nil
	}
	return s.membersWhere(func(m modelMember) bool {
		if m.OrganizationID != org.ID || !m.active() {
			return false
		}
		for _, other := range s.members {
			if other.UserID == m.UserID && other.OrganizationID != org.ID && other.active() &&
				s.orgs[other.OrganizationID].ArchivedAt.IsZero() {
				return true
			}
		}
		return false
	})
}

// purgeOrg is O2: the lowest ids go first, owners among them.
func (m *machine) purgeOrg() {
	id := m.archivedOrg()
	n := rapid.IntRange(0, modelDeleteLimit+1).Draw(m.rt, "n")
	org, found := m.s.orgs[id]
	var why reasons
	why.when(!found, tenancy.ErrNotFound)
	why.when(n < 1 || n > modelDeleteLimit || found && org.ArchivedAt.IsZero(), tenancy.ErrInvalid)
	got, err := m.svc.Organizations.Purge(m.ctx, id, n)
	if m.refused(err, why...) {
		return
	}
	members := m.s.membersIn(id)
	members = members[:min(n, len(members))]
	require.Equal(m.rt, len(members), got)
	if len(members) == 0 {
		return
	}
	m.s.emit(tenancy.EventOrganizationPurged, id, tenancy.UserID{}, id, m.s.dropAll(members))
}

// modelRemoved counts what went.
type modelRemoved struct {
	Memberships     int `json:"memberships"`
	RoleAssignments int `json:"role_assignments"`
	Identities      int `json:"identities,omitempty"`
}

func (s *modelState) dropAll(members []modelMember) modelRemoved {
	gone := modelRemoved{Memberships: len(members)}
	for _, member := range members {
		gone.RoleAssignments += len(member.Roles)
		delete(s.members, modelPair{member.OrganizationID, member.UserID})
	}
	return gone
}

// remembered is how many rows of one kind an organization keeps of who was there, which the model
// does not know by itself.
func (m *machine) remembered(id tenancy.OrganizationID) (most int) {
	count := func(rows store.Rows) error {
		removals, err := servicetest.AllRows[tenancy.Removal](m.ctx, rows)
		require.NoError(m.rt, err)
		addresses, err := servicetest.AllMemberAddresses(m.ctx, rows)
		require.NoError(m.rt, err)
		removed, addressed := 0, 0
		for _, r := range removals {
			if r.OrganizationID == id {
				removed++
			}
		}
		for _, a := range addresses {
			if a.OrganizationID == id {
				addressed++
			}
		}
		most = max(removed, addressed)
		return nil
	}
	if m.depth == 0 {
		require.NoError(m.rt, m.store.View(m.ctx, count))
		return most
	}
	rows, err := m.svc.Rows()
	require.NoError(m.rt, err)
	require.NoError(m.rt, count(rows))
	return most
}

// deleteOrg is O2: everything in it goes, with one event that counts it.
func (m *machine) deleteOrg() {
	id := m.archivedOrg()
	org, found := m.s.orgs[id]
	members := m.s.membersIn(id)
	most := max(len(members), m.remembered(id))
	if most > modelDeleteLimit && m.depth == 0 {
		return // that goes in steps (G18), with rules of their own
	}
	var why reasons
	why.when(!found, tenancy.ErrNotFound)
	why.when(most > modelDeleteLimit, tenancy.ErrTooLarge)
	if m.refused(m.svc.Organizations.Delete(m.ctx, id), why...) {
		return
	}
	delete(m.s.orgs, id)
	m.s.moveSlug(id, org.Slug, "")
	m.s.emit(tenancy.EventOrganizationDeleted, id, tenancy.UserID{}, id, struct {
		tenancy.Organization
		Removed modelRemoved `json:"removed"`
	}{org, m.s.dropAll(members)})
}
