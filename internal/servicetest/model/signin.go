package model

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// SignIn is [Run] for sign-ins, and for all that a session rests on: connections
// with their epochs, identities, policies with their exemptions, memberships, and proofs
// of addresses. The model is maps and the rules U4, U5, U9, U10, D7, M16, P2 to P9, S1 and
// S2, with pending sign-ins. It makes about steps operations, and compares every decision; from time to time it
// compares all rows, and presents every token that there ever was.
func SignIn(t *testing.T, open servicetest.Opener, steps int) {
	t.Helper()
	SignInObserved(t, open, steps, nil)
}

// SignInObserved is [SignIn] before the eyes of an observer, as [RunObserved] is of [Run].
func SignInObserved(t *testing.T, open servicetest.Opener, steps int, observe servicetest.Observe) {
	t.Helper()
	begins()
	done, cases, start := 0, 0, time.Now()
	rapid.Check(t, func(rt *rapid.T) {
		if observe != nil && done >= steps {
			return
		}
		m := newSignInMachine(t, rt, open, observe)
		cases++
		for range repeats(steps, observe) {
			rt.Repeat(m.actions())
		}
		m.check(len(m.s.tokens))
		if m.observer != nil {
			m.observer.End(rt)
		}
		done += m.done
	})
	t.Logf("figures: model of sign-ins: %d operations in %d cases, no difference, %v", done, cases, time.Since(start).Round(time.Millisecond))
}

// signInMachine plays operations on the Service and on the model.
type signInMachine struct {
	rt    *rapid.T
	ctx   context.Context
	clock *servicetest.Clock
	svc   *tenancy.Service
	s     *signInState
	done  int // operations made
	slow  unnoted

	observer servicetest.Observer // nil: none
}

// Limits that are low enough to be met, and how often all is compared.
const (
	modelChecked        = 20
	modelSessions       = 3
	modelSessionIdle    = 2 * time.Hour
	modelSessionFor     = 6 * time.Hour
	modelMailFor        = 12 * time.Hour
	modelMailsToAddress = 5
	modelSeen           = time.Minute // how exactly the last use of a session is known
)

func newSignInMachine(t *testing.T, rt *rapid.T, open servicetest.Opener, observe servicetest.Observe) *signInMachine {
	m := &signInMachine{rt: rt, ctx: t.Context(), clock: &servicetest.Clock{At: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}}
	m.s = newSignInState(m.clock.At)
	config := tenancy.Config{
		Store: open(t), Now: m.clock.Now, NewID: servicetest.Counter(), Rand: rand.NewChaCha8([32]byte{1}),
		SignInMethods: []tenancy.SignInMethod{tenancy.MethodPassword, tenancy.MethodMagicLink, servicetest.Google},
		Limits:        tenancy.Limits{UserSessions: modelSessions, Mails: modelMails, AddressMails: modelMailsToAddress}, EmailProofFor: modelMailFor,
		SessionIdle: modelSessionIdle, SessionFor: modelSessionFor, AllowTestDomains: true,
		Logger: slog.New(&m.slow),
	}
	if m.s.closed = rapid.Bool().Draw(rt, "registration is closed"); m.s.closed {
		config.Registration = tenancy.RegistrationClosed
	}
	svc, err := tenancy.New(config)
	require.NoError(rt, err)
	if observe != nil {
		m.observer = observe(servicetest.Observed{Ctx: m.ctx, Svc: svc, Store: config.Store, Now: m.clock.Now})
	}
	require.NoError(rt, svc.Transact(m.ctx, func(_ context.Context, tx *tenancy.Service) error { // one commit is faster
		m.svc = tx
		m.begin()
		return nil
	}))
	m.svc = svc
	return m
}

// begin makes three organizations and four people.
func (m *signInMachine) begin() {
	for _, name := range []string{"acme", "beta", "gamma"} {
		m.found(name)
	}
	for i, address := range []string{"ann@acme.example", "cyd@beta.example", "bob@acme.example", "eve@mail.example"} {
		m.settle(address, i < 2, fmt.Sprintf("c%d", i+1))
	}
	if rapid.Bool().Draw(m.rt, "bob came through the connection") { // which so proves his address
		c := m.s.connectionsOf(m.s.orgs[0].id)[0]
		m.attempt(servicetest.Through(c, "1", "bob@acme.example"), modelAttempt{
			method: tenancy.MethodSingleSignOn, connection: c.ID, epoch: c.Epoch, subject: "1", email: "bob@acme.example", vouched: true,
		})
	}
}

// settle makes a user with a password, who is a member of some organizations. One who has
// not proved the address can lose the account to somebody who does.
func (m *signInMachine) settle(address string, verified bool, credential string) {
	user, err := m.svc.Users.Create(m.ctx, tenancy.NewUser{Email: address, EmailVerified: verified})
	require.NoError(m.rt, err)
	m.s.users[user.ID] = accountOf(user)
	identity, err := m.svc.Identities.Link(m.ctx, user.ID, tenancy.NewIdentity{Provider: "password", Subject: credential})
	require.NoError(m.rt, err)
	m.s.identities[identity.ID] = linkOf(identity)
	for _, door := range m.s.orgs {
		if domain := servicetest.DomainOf(address); slices.Contains(door.domains, domain) || rapid.Bool().Draw(m.rt, "member") {
			member, err := m.svc.Memberships.Add(m.ctx, tenancy.NewMembership{OrganizationID: door.id, UserID: user.ID})
			require.NoError(m.rt, err)
			m.s.members[modelPair{door.id, user.ID}] = modelEntry{member.ID, member.Status}
		}
	}
}

// modelDomains are the verified domains, by organization. Acme has two.
var modelDomains = map[string][]string{"acme": {"acme.example", "acme-corp.example"}, "beta": {"beta.example"}}

// found makes an organization with an owner and, if it has a domain, a connection.
func (m *signInMachine) found(name string) {
	owner, err := m.svc.Users.Create(m.ctx, tenancy.NewUser{Email: "owner@" + name + ".example", EmailVerified: true})
	require.NoError(m.rt, err)
	m.s.users[owner.ID] = accountOf(owner)
	in := tenancy.NewOrganization{DisplayName: name, Owner: owner.ID}
	in.Settings.SingleSignOnJoins = rapid.Bool().Draw(m.rt, "single sign-on lets in")
	joining := m.drawJoining()
	for _, domain := range modelDomains[name] {
		in.Domains = append(in.Domains, tenancy.NewDomain{Name: domain, Verified: true, Joining: joining})
	}
	org, err := m.svc.Organizations.Create(m.ctx, in)
	require.NoError(m.rt, err)
	m.s.orgs = append(m.s.orgs, modelDoor{
		id: org.ID, owner: owner.ID, domains: modelDomains[name], joining: joining, admits: in.Settings.SingleSignOnJoins,
	})
	member, err := m.svc.Memberships.Get(m.ctx, org.ID, owner.ID)
	require.NoError(m.rt, err)
	m.s.members[modelPair{org.ID, owner.ID}] = modelEntry{member.ID, tenancy.MembershipActive}
	m.s.policies[org.ID] = tenancy.Policy{OrganizationID: org.ID}
	if len(in.Domains) == 0 {
		return
	}
	c, err := m.svc.Connections.Create(m.ctx, tenancy.NewConnection{
		OrganizationID: org.ID, Protocol: tenancy.ProtocolOIDC, Name: name, State: tenancy.ConnectionActive,
		UpdatesEmail: rapid.Bool().Draw(m.rt, "updates email"),
	})
	require.NoError(m.rt, err)
	m.s.connections[c.ID] = trustOf(c)
}

func (m *signInMachine) drawJoining() tenancy.DomainJoining {
	return one(m, "joining by domain", tenancy.JoiningOff, tenancy.JoiningSuggest, tenancy.JoiningAuto)
}

// actions are the operations by name, each as often as its weight says. Rapid favors names
// that come first in order, so the copies of each are spread over it.
func (m *signInMachine) actions() map[string]func(*rapid.T) {
	all := map[string]func(*rapid.T){"": func(rt *rapid.T) {
		if m.rt = rt; m.done%modelChecked == 0 {
			m.check(16)
		}
	}}
	for name, op := range m.operations() {
		for i := range op.weight {
			all[fmt.Sprintf("%03d %s", (2*i+1)*500/op.weight, name)] = func(rt *rapid.T) { m.play(rt, op.do) }
		}
	}
	return all
}

func (m *signInMachine) operations() map[string]operation {
	return map[string]operation{
		"signIn":           {weight: 16, do: m.signIn},
		"link":             {weight: 5, do: m.link},
		"goOn":             {weight: 10, do: m.goOn},
		"start":            {weight: 2, do: m.start},
		"switch":           {weight: 6, do: m.switchTo},
		"enter":            {weight: 6, do: m.enter},
		"authenticate":     {weight: 4, do: m.authenticate},
		"signOut":          {weight: 1, do: m.signOut},
		"revokeAll":        {weight: 1, do: m.revokeAll},
		"revokeThere":      {weight: 1, do: m.revokeThere},
		"createUser":       {weight: 2, do: m.createUser},
		"suspend":          {weight: 1, do: m.suspend},
		"unsuspend":        {weight: 2, do: m.unsuspend},
		"add":              {weight: 4, do: m.add},
		"deactivate":       {weight: 2, do: m.deactivate},
		"reactivate":       {weight: 2, do: m.reactivate},
		"remove":           {weight: 1, do: m.remove},
		"settings":         {weight: 1, do: m.settings},
		"connect":          {weight: 3, do: m.connect},
		"connectionUpdate": {weight: 5, do: m.connectionUpdate},
		"connectionDelete": {weight: 1, do: m.connectionDelete},
		"policy":           {weight: 4, do: m.policy},
		"linkByHost":       {weight: 3, do: m.linkByHost},
		"unlink":           {weight: 2, do: m.unlink},
		"changeEmail":      {weight: 4, do: m.changeEmail},
		"confirm":          {weight: 5, do: m.confirm},
	}
}

func (m *signInMachine) play(rt *rapid.T, do func()) {
	m.rt = rt
	m.done++
	m.clock.Advance(one(m, "later", time.Millisecond, time.Second, 2*time.Minute, 10*time.Minute))
	m.s.now = m.clock.At
	do()
	if m.observer != nil {
		m.observer.After(rt)
	}
}

// one takes one of some values.
func one[T any](m *signInMachine, what string, from ...T) T {
	return rapid.SampledFrom(from).Draw(m.rt, what)
}

// pick is one for what is long to print: it draws the index.
func pick[T any](m *signInMachine, what string, from ...T) T {
	return from[rapid.IntRange(0, len(from)-1).Draw(m.rt, what)]
}

// rarely is true once in n times.
func (m *signInMachine) rarely(what string, n int) bool {
	return rapid.IntRange(1, n).Draw(m.rt, what) == n
}

// fails compares an error with the reasons to refuse that the model has: without one, the
// call must succeed.
func (m *signInMachine) fails(err error, reasons ...tenancy.Code) bool {
	m.rt.Helper()
	if len(reasons) == 0 {
		require.NoError(m.rt, err)
		return false
	}
	require.Contains(m.rt, reasons, tenancy.CodeOf(err), "%v", err)
	return true
}
