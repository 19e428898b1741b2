package model

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// check compares everything that sign-ins leave. It presents every token that opens
// something, and of the others the last few.
func (m *signInMachine) check(few int) {
	users := map[tenancy.UserID]tenancy.User{}
	identities := map[tenancy.IdentityID]tenancy.Identity{}
	live := map[tenancy.SessionID]bool{}
	for user, err := range m.svc.Users.All(m.ctx, tenancy.UserQuery{}) {
		m.fails(err)
		users[user.ID] = accountOf(user)
		list, err := m.svc.Identities.List(m.ctx, user.ID)
		m.fails(err)
		for _, i := range list {
			identities[i.ID] = linkOf(i)
		}
		for session, err := range m.svc.Sessions.AllByUser(m.ctx, user.ID, tenancy.SessionQuery{}) {
			m.fails(err)
			live[session.ID] = true
		}
	}
	require.Equal(m.rt, m.s.users, users)
	require.Equal(m.rt, m.s.identities, identities)
	m.checkOrgs()
	for i, t := range m.s.tokens {
		code, _ := m.s.opens(t)
		if code == "" {
			for _, session := range m.s.holding(t) {
				require.True(m.rt, live[session.ID], "a token opens %s, which is not listed", session.ID)
				delete(live, session.ID)
			}
		}
		if code == "" || i >= len(m.s.tokens)-few {
			m.present(t)
		}
	}
	require.Empty(m.rt, live, "listed, and no token opens them")
}

// checkOrgs compares memberships, connections with their epochs, and policies with their
// exemptions.
func (m *signInMachine) checkOrgs() {
	members := map[modelPair]modelEntry{}
	connections := map[tenancy.ConnectionID]tenancy.Connection{}
	for _, door := range m.s.orgs {
		q := tenancy.MemberQuery{Statuses: []tenancy.MembershipStatus{tenancy.MembershipActive, tenancy.MembershipInactive, tenancy.MembershipPending}}
		for member, err := range m.svc.Memberships.All(m.ctx, door.id, q) {
			m.fails(err)
			members[modelPair{door.id, member.UserID}] = modelEntry{member.ID, member.Status}
		}
		for c, err := range m.svc.Connections.All(m.ctx, door.id, tenancy.ConnectionQuery{}) {
			m.fails(err)
			connections[c.ID] = trustOf(c)
		}
		p, err := m.svc.Policies.Get(m.ctx, door.id)
		m.fails(err)
		require.Equal(m.rt, m.s.policies[door.id], demandOf(p))
		for _, user := range p.Exempt {
			require.True(m.rt, m.s.isActive(door.id, user), "an exemption of somebody who is no active member") // M16
		}
	}
	require.Equal(m.rt, m.s.members, members)
	require.Equal(m.rt, m.s.connections, connections)
	require.True(m.rt, slices.IsSortedFunc(m.s.orgs, func(a, b modelDoor) int { return a.id.Compare(b.id) }))
}
