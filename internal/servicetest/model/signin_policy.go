package model

import (
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// policy is Policies.Set (P2, P3, M16): a part of it, by the program.
func (m *signInMachine) policy() {
	org := m.drawOrg()
	p, found := m.s.policies[org]
	var in tenancy.PolicyUpdate
	var why reasons
	why.when(!found, tenancy.ErrNotFound)
	switch one(m, "part", "domain", "organization", "exempt", "exempt", "binds owners", "lift") {
	case "domain":
		p.Domain = m.drawDomainPolicy(org, &why)
		in.Domain = &p.Domain
	case "organization":
		p.Organization = m.drawOrganizationPolicy(org, &why)
		in.Organization = &p.Organization
	case "exempt":
		p.Exempt = m.drawExempt(org, &why)
		in.Exempt = servicetest.Ptr(slices.Clone(p.Exempt))
	case "binds owners":
		p.BindsOwners = !p.BindsOwners
		in.BindsOwners = servicetest.Ptr(p.BindsOwners)
	default:
		p.Domain, p.Organization = tenancy.DomainPolicy{}, tenancy.OrganizationPolicy{}
		in.Domain, in.Organization = &p.Domain, &p.Organization
	}
	got, err := m.svc.Policies.Set(m.ctx, org, in)
	if m.fails(err, why...) {
		return
	}
	p.Exempt = sortedIDs(slices.Clone(p.Exempt))
	if p.Exempt = slices.Compact(p.Exempt); len(p.Exempt) == 0 {
		p.Exempt = nil
	}
	slices.Sort(p.Domain.Methods)
	require.Equal(m.rt, p, demandOf(got))
	m.s.policies[org] = p
}

// demandOf is what the model follows of a policy.
func demandOf(p tenancy.Policy) tenancy.Policy {
	return tenancy.Policy{
		OrganizationID: p.OrganizationID, Domain: p.Domain, Organization: p.Organization, Exempt: p.Exempt, BindsOwners: p.BindsOwners,
	}
}

// drawOwn draws a connection that a policy demands: most often an active one of the
// organization's. The reasons are those to refuse it.
func (m *signInMachine) drawOwn(org tenancy.OrganizationID, why *reasons) tenancy.ConnectionID {
	if own := m.s.activeConnections(org); len(own) > 0 && !m.rarely("any connection", 4) {
		return pick(m, "own connection", own...)
	}
	c := m.drawConnection()
	why.when(c.OrganizationID != org || c.ID == unconnected, tenancy.ErrNotFound)
	why.when(c.State != tenancy.ConnectionActive, tenancy.ErrInvalid)
	return c.ID
}

func (m *signInMachine) drawDomainPolicy(org tenancy.OrganizationID, why *reasons) (p tenancy.DomainPolicy) {
	p.SecondFactor = m.rarely("second factor", 4)
	switch one(m, "rule", "methods", "only single sign-on", "connection", "none") {
	case "methods":
		all := []tenancy.SignInMethod{servicetest.Google, tenancy.MethodMagicLink, tenancy.MethodPassword, tenancy.MethodSingleSignOn}
		for _, method := range all {
			if rapid.Bool().Draw(m.rt, string(method)) {
				p.Methods = append(p.Methods, method)
			}
		}
	case "only single sign-on":
		p.Methods = []tenancy.SignInMethod{tenancy.MethodSingleSignOn}
	case "connection":
		p.ConnectionID = m.drawOwn(org, why)
	}
	only := slices.Equal(p.Methods, []tenancy.SignInMethod{tenancy.MethodSingleSignOn})
	why.when(only && len(m.s.activeConnections(org)) == 0, tenancy.ErrInvalid)
	return p
}

func (m *signInMachine) drawOrganizationPolicy(org tenancy.OrganizationID, why *reasons) (p tenancy.OrganizationPolicy) {
	p.SecondFactor = m.rarely("second factor", 3)
	p.SingleSignOn = rapid.Bool().Draw(m.rt, "single sign-on")
	switch {
	case m.rarely("one connection", 3):
		p.ConnectionID = m.drawOwn(org, why)
		why.when(!p.SingleSignOn, tenancy.ErrInvalid)
	case p.SingleSignOn:
		why.when(len(m.s.activeConnections(org)) == 0, tenancy.ErrInvalid)
	}
	return p
}

// drawExempt draws up to two people, most often active members.
func (m *signInMachine) drawExempt(org tenancy.OrganizationID, why *reasons) (exempt []tenancy.UserID) {
	for range rapid.IntRange(0, 2).Draw(m.rt, "exempt") {
		user := m.drawUser().ID
		members := sorted(m.s.users, userID, func(u tenancy.User) bool { return m.s.isActive(org, u.ID) })
		if len(members) > 0 && !m.rarely("anybody", 4) {
			user = pick(m, "member", members...).ID
		}
		why.when(m.s.status(org, user) == "", tenancy.ErrNotFound)
		why.when(m.s.status(org, user) == tenancy.MembershipInactive, tenancy.ErrInvalid)
		exempt = append(exempt, user)
	}
	return exempt
}

// linkByHost is Identities.Link: the host's word, at its own providers and at connections
// (U4).
func (m *signInMachine) linkByHost() {
	user := m.drawUser()
	in := tenancy.NewIdentity{Provider: one(m, "provider", "password", "password", "google"), Subject: one(m, "subject", "1", "2", "c1", "c2", "c3")}
	epoch := int64(0)
	var why reasons
	if m.rarely("at a connection", 3) {
		c := m.drawConnection()
		in.Provider, epoch = c.ID.String(), c.Epoch
		why.when(c.ID == unconnected, tenancy.ErrInvalid)
	}
	if m.rarely("tells an address", 3) {
		in.Email, in.EmailVerified = m.address(), rapid.Bool().Draw(m.rt, "verified")
	}
	was, known := m.s.identity(in.Provider, in.Subject)
	stale := known && was.Epoch != epoch
	_, there := m.s.users[user.ID]
	why.when(!there, tenancy.ErrNotFound)
	why.when(known && !stale && was.UserID != user.ID, tenancy.ErrAlreadyExists)
	got, err := m.svc.Identities.Link(m.ctx, user.ID, in)
	if m.fails(err, why...) {
		return
	}
	if stale {
		m.s.unlinkIdentity(was)
	}
	want := tenancy.Identity{
		ID: got.ID, UserID: user.ID, Provider: in.Provider, Subject: in.Subject, Email: in.Email, EmailVerified: in.EmailVerified, Epoch: epoch,
	}
	if known && !stale {
		require.Equal(m.rt, was.ID, got.ID)
	}
	require.Equal(m.rt, want, linkOf(got))
	m.s.identities[got.ID] = want
}

// linkOf is what the model follows of an identity.
func linkOf(i tenancy.Identity) tenancy.Identity {
	return tenancy.Identity{
		ID: i.ID, UserID: i.UserID, Provider: i.Provider, Subject: i.Subject, Email: i.Email, EmailVerified: i.EmailVerified, Epoch: i.Epoch,
	}
}

func (m *signInMachine) unlink() {
	user, identity := m.drawUser().ID, servicetest.Nothing
	if list := sorted(m.s.identities, identityID, all); len(list) > 0 {
		drawn := pick(m, "identity", list...)
		if identity = drawn.ID; !m.rarely("somebody else's", 6) {
			user = drawn.UserID
		}
	}
	was, known := m.s.identities[identity]
	var why reasons
	why.when(!known || was.UserID != user, tenancy.ErrNotFound)
	if !m.fails(m.svc.Identities.Unlink(m.ctx, user, identity), why...) {
		m.s.unlinkIdentity(was)
	}
}
