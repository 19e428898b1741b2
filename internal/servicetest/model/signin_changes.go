package model

import (
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func (m *signInMachine) createUser() {
	address := m.address()
	in := tenancy.NewUser{Email: address, EmailVerified: rapid.Bool().Draw(m.rt, "verified")}
	_, taken := m.s.userAt(address)
	var why reasons
	why.when(taken, tenancy.ErrAlreadyExists)
	got, err := m.svc.Users.Create(m.ctx, in)
	if !m.fails(err, why...) {
		m.s.users[got.ID] = accountOf(got)
	}
}

func (m *signInMachine) suspend() {
	user := m.drawUser()
	_, there := m.s.users[user.ID]
	var why reasons
	why.when(!there, tenancy.ErrNotFound)
	if _, err := m.svc.Users.Suspend(m.ctx, user.ID); m.fails(err, why...) {
		return
	}
	if user.SuspendedAt.IsZero() {
		user.SuspendedAt = m.s.now
		m.s.users[user.ID] = user
	}
	m.s.end(tenancy.EndedUser, func(s tenancy.Session) bool { return s.UserID == user.ID })
	m.s.voidPendings(user.ID)
}

// unsuspend takes back the first suspension that there is.
func (m *signInMachine) unsuspend() {
	list := sorted(m.s.users, userID, func(u tenancy.User) bool { return !u.SuspendedAt.IsZero() })
	if len(list) == 0 {
		return
	}
	user := list[0]
	got, err := m.svc.Users.Unsuspend(m.ctx, user.ID)
	m.fails(err)
	user.SuspendedAt = got.SuspendedAt
	require.Zero(m.rt, got.SuspendedAt)
	m.s.users[user.ID] = user
}

// drawMember draws a membership that is there, or sometimes any pair. Members who are
// exempt from the policy come first, and so more often.
func (m *signInMachine) drawMember() (modelPair, modelEntry) {
	pair := modelPair{m.drawOrg(), m.drawUser().ID}
	if !m.rarely("any pair", 6) {
		var exempt, others []modelPair
		for _, door := range m.s.orgs {
			for _, user := range sorted(m.s.users, userID, all) {
				pair := modelPair{door.id, user.ID}
				switch _, member := m.s.members[pair]; {
				case member && slices.Contains(m.s.policies[door.id].Exempt, user.ID):
					exempt = append(exempt, pair)
				case member:
					others = append(others, pair)
				}
			}
		}
		pair = pick(m, "member", append(exempt, others...)...)
	}
	return pair, m.s.members[pair]
}

func (m *signInMachine) owns(pair modelPair) bool {
	door := m.s.door(pair.org)
	return door != nil && door.owner == pair.user
}

func (m *signInMachine) add() {
	pair := modelPair{m.drawOrg(), m.drawUser().ID}
	_, there := m.s.users[pair.user]
	var why reasons
	why.when(!there || m.s.door(pair.org) == nil, tenancy.ErrNotFound)
	why.when(m.s.isActive(pair.org, pair.user), tenancy.ErrAlreadyMember)
	got, err := m.svc.Memberships.Add(m.ctx, tenancy.NewMembership{OrganizationID: pair.org, UserID: pair.user})
	if !m.fails(err, why...) {
		if m.s.status(pair.org, pair.user) == "" {
			m.s.readmit(pair.org, m.s.users[pair.user])
		}
		m.s.members[pair] = modelEntry{got.ID, got.Status}
	}
}

func (m *signInMachine) deactivate() {
	pair, entry := m.drawMember()
	var why reasons
	why.when(entry.status == "", tenancy.ErrNotFound)
	why.when(m.owns(pair), tenancy.ErrLastOwner)
	if _, err := m.svc.Memberships.Deactivate(m.ctx, pair.org, pair.user); m.fails(err, why...) {
		return
	}
	if entry.status == tenancy.MembershipActive {
		m.s.members[pair] = modelEntry{entry.id, tenancy.MembershipInactive}
		m.s.keepCurrent(pair)
		m.s.leaves(pair, entry, tenancy.EndedDeactivated)
	}
}

// leaves: with a membership go its sessions and its exemption (S2, M16).
func (s *signInState) leaves(pair modelPair, entry modelEntry, why tenancy.EndReason) {
	s.end(why, func(session tenancy.Session) bool { return session.MembershipID == entry.id })
	p := s.policies[pair.org]
	if p.Exempt = slices.DeleteFunc(slices.Clone(p.Exempt), func(id tenancy.UserID) bool { return id == pair.user }); len(p.Exempt) == 0 {
		p.Exempt = nil
	}
	s.policies[pair.org] = p
}

func (m *signInMachine) reactivate() {
	pair, entry := m.drawMember()
	var why reasons
	why.when(entry.status == "", tenancy.ErrNotFound)
	if _, err := m.svc.Memberships.Reactivate(m.ctx, pair.org, pair.user); !m.fails(err, why...) {
		m.s.members[pair] = modelEntry{entry.id, tenancy.MembershipActive}
	}
}

func (m *signInMachine) remove() {
	pair, entry := m.drawMember()
	var why reasons
	why.when(entry.status == "" && !m.s.removals[pair], tenancy.ErrNotFound)
	why.when(m.owns(pair), tenancy.ErrLastOwner)
	if !m.fails(m.svc.Memberships.Remove(m.ctx, pair.org, pair.user), why...) && entry.status != "" {
		delete(m.s.members, pair)
		m.s.removals[pair] = true
		m.s.keepCurrent(pair)
		m.s.leaves(pair, entry, tenancy.EndedRemoved)
	}
}

// settings says anew whom an organization lets in by itself (D7, P6).
func (m *signInMachine) settings() {
	i := rapid.IntRange(0, len(m.s.orgs)-1).Draw(m.rt, "organization")
	door := &m.s.orgs[i]
	door.admits, door.joining = rapid.Bool().Draw(m.rt, "single sign-on lets in"), m.drawJoining()
	_, err := m.svc.Organizations.Update(m.ctx, door.id, tenancy.OrganizationUpdate{SingleSignOnJoins: &door.admits})
	m.fails(err)
	for d, err := range m.svc.Domains.All(m.ctx, door.id, tenancy.DomainQuery{}) {
		m.fails(err)
		_, err := m.svc.Domains.Update(m.ctx, door.id, d.ID, tenancy.DomainUpdate{Joining: &door.joining})
		m.fails(err)
	}
}

func (m *signInMachine) connect() {
	org := m.drawOrg()
	if len(m.s.connectionsOf(org)) == 2 {
		return
	}
	in := tenancy.NewConnection{
		OrganizationID: org, Protocol: tenancy.ProtocolOIDC, Name: "Okta", Issuer: m.issuer(), UpdatesEmail: rapid.Bool().Draw(m.rt, "updates email"),
		State: one(m, "state", tenancy.ConnectionActive, tenancy.ConnectionActive, tenancy.ConnectionInactive),
	}
	var why reasons
	why.when(m.s.door(org) == nil, tenancy.ErrNotFound)
	got, err := m.svc.Connections.Create(m.ctx, in)
	if m.fails(err, why...) {
		return
	}
	want := tenancy.Connection{
		ID: got.ID, OrganizationID: org, Issuer: in.Issuer, State: in.State, UpdatesEmail: in.UpdatesEmail, Epoch: 1, SessionsEpoch: 1,
	}
	require.Equal(m.rt, want, trustOf(got))
	m.s.connections[got.ID] = want
}

func (m *signInMachine) issuer() string {
	return fmt.Sprintf("https://idp%d.example", rapid.IntRange(1, 3).Draw(m.rt, "issuer"))
}

// trustOf is what the model follows of a connection.
func trustOf(c tenancy.Connection) tenancy.Connection {
	return tenancy.Connection{
		ID: c.ID, OrganizationID: c.OrganizationID, Issuer: c.Issuer, Provider: c.Provider, State: c.State, UpdatesEmail: c.UpdatesEmail,
		Epoch: c.Epoch, SessionsEpoch: c.SessionsEpoch,
	}
}

// connectionUpdate is P9: another issuer or provider raises both epochs, switching off
// that of sessions.
func (m *signInMachine) connectionUpdate() {
	c := m.drawConnection()
	before := c
	var in tenancy.ConnectionUpdate
	switch one(m, "what", "state", "state", "issuer", "provider", "updates email", "name") {
	case "state":
		c.State = one(m, "state", tenancy.ConnectionActive, tenancy.ConnectionActive, tenancy.ConnectionActive, tenancy.ConnectionInactive)
		in.State = &c.State
	case "issuer":
		c.Issuer = m.issuer()
		in.Issuer = &c.Issuer
	case "provider":
		c.Provider = one(m, "provider", "okta", "entra")
		in.Provider = &c.Provider
	case "updates email":
		c.UpdatesEmail = !c.UpdatesEmail
		in.UpdatesEmail = &c.UpdatesEmail
	default:
		in.Name = servicetest.Ptr(fmt.Sprintf("Okta %d", m.done))
	}
	off := before.State == tenancy.ConnectionActive && c.State != tenancy.ConnectionActive
	elsewhere := c.Issuer != before.Issuer || c.Provider != before.Provider
	if elsewhere {
		c.Epoch++
	}
	if elsewhere || off {
		c.SessionsEpoch++
	}
	var why reasons
	_, there := m.s.connections[c.ID]
	why.when(!there, tenancy.ErrNotFound)
	why.when(off && m.s.needed(before), tenancy.ErrConnectionInUse)
	got, err := m.svc.Connections.Update(m.ctx, c.OrganizationID, c.ID, in)
	if !m.fails(err, why...) {
		require.Equal(m.rt, c, trustOf(got))
		m.s.connections[c.ID] = c
	}
}

// needed reports whether a policy demands a connection: by its id, or as the last one
// where any will do (P3).
func (s *signInState) needed(c tenancy.Connection) bool {
	p := s.policies[c.OrganizationID]
	anyOne := p.Organization.SingleSignOn || slices.Equal(p.Domain.Methods, []tenancy.SignInMethod{tenancy.MethodSingleSignOn})
	return p.Domain.ConnectionID == c.ID || p.Organization.ConnectionID == c.ID ||
		anyOne && slices.Equal(s.activeConnections(c.OrganizationID), []tenancy.ConnectionID{c.ID})
}

// connectionDelete takes the identities along; its sessions end with it (P9).
func (m *signInMachine) connectionDelete() {
	c := m.drawConnection()
	var why reasons
	_, there := m.s.connections[c.ID]
	why.when(!there, tenancy.ErrNotFound)
	why.when(there && m.s.needed(c), tenancy.ErrConnectionInUse)
	if m.fails(m.svc.Connections.Delete(m.ctx, c.OrganizationID, c.ID), why...) {
		return
	}
	delete(m.s.connections, c.ID)
	for id, i := range m.s.identities {
		if i.Provider == c.ID.String() {
			delete(m.s.identities, id)
		}
	}
}
