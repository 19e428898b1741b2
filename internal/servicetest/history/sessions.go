package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// Sessions is [Run] for the sessions of one person, who comes through one
// connection or by mail (U4, P9, S1, S2).
func Sessions(t *testing.T, open servicetest.Opener, n, ops int) {
	t.Helper()
	start := time.Now()
	illegal := IllegalSessions(t, open, n, ops)
	t.Logf("figures: histories: %d of %d operations on one person's sessions: %d illegal, %v", n, ops, illegal, time.Since(start).Round(time.Millisecond))
	require.Zero(t, illegal)
}

// IllegalSessions counts those that no order of the operations explains.
func IllegalSessions(t *testing.T, open servicetest.Opener, n, ops int) (illegal int) {
	t.Helper()
	svc, err := tenancy.New(tenancy.Config{Store: open(t), AllowTestDomains: true})
	require.NoError(t, err)
	for i := range n {
		h := &sessionHistory{Assertions: require.New(t), ctx: t.Context(), svc: svc}
		h.settle(i)
		verdict := porcupine.CheckOperationsTimeout(sessionModel(), h.record(i, ops), time.Minute)
		h.NotEqual(porcupine.Unknown, verdict, "no verdict within a minute")
		if verdict != porcupine.Ok {
			illegal++
		}
	}
	return illegal
}

// sessionHistory is one person, two organizations, a connection of the first, and what was issued so
// far. Tokens and identities have numbers, from 1, in the order in which the program
// heard of them.
type sessionHistory struct {
	*require.Assertions
	ctx  context.Context
	svc  *tenancy.Service
	org  tenancy.OrganizationID
	beta tenancy.OrganizationID
	user tenancy.User
	okta tenancy.ConnectionID

	issuers    atomic.Int64
	mu         sync.Mutex
	tokens     []tenancy.StartedSession
	identities []tenancy.IdentityID
}

func (h *sessionHistory) settle(seed int) {
	domain := fmt.Sprintf("sessions%d.example", seed)
	owner, err := h.svc.Users.Create(h.ctx, tenancy.NewUser{Email: fmt.Sprintf("owner@mail%d.example", seed)})
	h.NoError(err)
	h.user, err = h.svc.Users.Create(h.ctx, tenancy.NewUser{Email: "ann@" + domain, EmailVerified: true})
	h.NoError(err)
	org, err := h.svc.Organizations.Create(h.ctx, tenancy.NewOrganization{
		DisplayName: "Acme", Owner: owner.ID, Domains: []tenancy.NewDomain{{Name: domain, Verified: true}},
	})
	h.NoError(err)
	h.org = org.ID
	beta, err := h.svc.Organizations.Create(h.ctx, tenancy.NewOrganization{DisplayName: "Beta", Owner: owner.ID})
	h.NoError(err)
	h.beta = beta.ID
	for _, id := range []tenancy.OrganizationID{h.org, h.beta} {
		_, err = h.svc.Memberships.Add(h.ctx, tenancy.NewMembership{OrganizationID: id, UserID: h.user.ID})
		h.NoError(err)
	}
	c, err := h.svc.Connections.Create(h.ctx, tenancy.NewConnection{
		OrganizationID: h.org, Protocol: tenancy.ProtocolOIDC, Name: "Okta", State: tenancy.ConnectionActive,
	})
	h.NoError(err)
	h.okta = c.ID
}

type sessionOp uint8

const (
	stepThrough sessionOp = iota // SignIn through the connection
	stepMail                     // SignIn by mail
	stepAdd                      // SignIn by mail, into a session
	stepEnter
	stepSwitch
	stepAuthenticate
	stepBound // a call on a Service that is bound to the session
	stepSignOut
	stepOff
	stepOn
	stepRepoint
	stepUnlink
	stepDeactivate
	stepReactivate
	stepRevokeAll
	sessionOps
)

// sessionWeights is how often each operation is drawn.
var sessionWeights = [sessionOps]int{
	stepThrough: 6, stepMail: 4, stepAdd: 2, stepEnter: 4, stepSwitch: 6, stepAuthenticate: 6, stepBound: 2, stepSignOut: 1, stepOff: 1, stepOn: 2,
	stepRepoint: 1, stepUnlink: 1, stepDeactivate: 1, stepReactivate: 2, stepRevokeAll: 1,
}

// sessionStep is an operation, with the token and the identity that it is on.
type sessionStep struct {
	op       sessionOp
	epoch    int64 // of the connection, as the program read it before a sign-in
	token    int
	identity int
	place    sessionPlace
}

// sessionPlace is an organization, or none.
type sessionPlace uint8

const (
	nowhere sessionPlace = iota
	atOrg
	atBeta
)

// sessionAnswer is what it was told: a code, or what a sign-in decided; and the token,
// the identity and the epoch that it gave.
type sessionAnswer struct {
	code     tenancy.Code
	kind     tenancy.DecisionKind
	token    int
	identity int
	epoch    int64
	place    sessionPlace // of the session
	fresh    bool         // a sign-in into a session made one of its own
}

func (h *sessionHistory) record(seed, ops int) []porcupine.Operation {
	var clock atomic.Int64
	var clients sync.WaitGroup
	parts := make([][]porcupine.Operation, historyClients)
	begin := sessionStep{op: stepThrough, epoch: 1}
	first := porcupine.Operation{Input: begin, Output: h.perform(begin, tenancy.StartedSession{}), Call: -2, Return: -1}
	for client := range parts {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(seed), uint64(client)))
			for range ops / historyClients {
				in, token := h.draw(random)
				call := clock.Add(1)
				out := h.perform(in, token)
				parts[client] = append(parts[client], porcupine.Operation{
					ClientId: client, Input: in, Call: call, Output: out, Return: clock.Add(1),
				})
			}
		})
	}
	clients.Wait()
	all := []porcupine.Operation{first}
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// draw takes an operation, and what it is on: one of the last tokens, and the last
// identity.
func (h *sessionHistory) draw(random *rand.Rand) (in sessionStep, token tenancy.StartedSession) {
	all := 0
	for _, weight := range sessionWeights {
		all += weight
	}
	for at := random.IntN(all); at >= sessionWeights[in.op]; in.op++ {
		at -= sessionWeights[in.op]
	}
	in.place = sessionPlace(random.IntN(3))
	if in.op == stepEnter {
		in.place = atOrg + sessionPlace(random.IntN(2))
	}
	if in.op == stepThrough {
		c, err := h.svc.Connections.GetByID(h.ctx, h.okta)
		h.NoError(err)
		in.epoch = c.Epoch
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	in.identity = len(h.identities)
	in.token = max(1, len(h.tokens)-random.IntN(5))
	return in, h.tokens[in.token-1]
}

// issued gives a session's token and its identity their numbers.
func (h *sessionHistory) issued(s tenancy.StartedSession, out *sessionAnswer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens = append(h.tokens, s)
	out.token, out.place = len(h.tokens), h.place(s.Session.OrganizationID)
	for i, id := range h.identities {
		if id == s.Session.IdentityID {
			out.identity = i + 1
		}
	}
	if out.identity == 0 && !s.Session.IdentityID.IsZero() {
		h.identities = append(h.identities, s.Session.IdentityID)
		out.identity = len(h.identities)
	}
}

func (h *sessionHistory) perform(in sessionStep, token tenancy.StartedSession) (out sessionAnswer) {
	var err error
	switch in.op {
	case stepThrough:
		c := tenancy.Connection{ID: h.okta, Epoch: in.epoch}
		err = h.signsIn(servicetest.Through(c, "ann", h.user.Email), &out)
	case stepMail:
		in := servicetest.ByMail(h.user.Email)
		in.OrganizationID = h.org
		err = h.signsIn(in, &out)
	case stepAdd:
		in := servicetest.Within(token.Token, servicetest.ByMail(h.user.Email))
		in.OrganizationID = h.org
		err = h.signsIn(in, &out)
	case stepEnter, stepSwitch:
		call := h.svc.Sessions.Enter
		if in.op == stepSwitch {
			call = h.svc.Sessions.Switch
		}
		var d tenancy.Decision
		d, err = call(h.ctx, token.Token.Reveal(), [...]tenancy.OrganizationID{{}, h.org, h.beta}[in.place])
		out.kind, out.place = d.Kind, h.place(d.Session.OrganizationID)
	case stepAuthenticate:
		var got tenancy.Authenticated
		got, err = h.svc.Sessions.Authenticate(h.ctx, token.Token.Reveal(), servicetest.NowhereYet)
		out.place = h.place(got.Organization.ID)
	case stepBound:
		_, err = h.svc.As(tenancy.SessionPrincipal(token.Session)).Users.Get(h.ctx, h.user.ID)
	case stepSignOut:
		err = h.svc.Sessions.SignOut(h.ctx, token.Token.Reveal())
	case stepUnlink:
		err = h.svc.Identities.Unlink(h.ctx, h.user.ID, h.identity(in.identity))
	case stepRevokeAll:
		err = h.svc.Sessions.RevokeAll(h.ctx, h.user.ID)
	default:
		err = h.change(in.op, &out)
	}
	out.code = tenancy.CodeOf(err)
	return out
}

func (h *sessionHistory) place(id tenancy.OrganizationID) sessionPlace {
	switch id {
	case h.org:
		return atOrg
	case h.beta:
		return atBeta
	}
	return nowhere
}

func (h *sessionHistory) identity(n int) tenancy.IdentityID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.identities[n-1]
}

func (h *sessionHistory) signsIn(in tenancy.Attempt, out *sessionAnswer) error {
	d, err := h.svc.SignIn(h.ctx, in)
	if out.kind = d.Kind; err == nil && d.Kind == tenancy.DecisionSignedIn {
		out.fresh = d.Session.ClientID == d.Session.ID
		h.issued(d.Started(), out)
	}
	return err
}

// change makes an operation on the connection or on the membership.
func (h *sessionHistory) change(op sessionOp, out *sessionAnswer) (err error) {
	var in tenancy.ConnectionUpdate
	switch op {
	case stepOff:
		in.State = servicetest.Ptr(tenancy.ConnectionInactive)
	case stepOn:
		in.State = servicetest.Ptr(tenancy.ConnectionActive)
	case stepRepoint:
		in.Issuer = servicetest.Ptr(fmt.Sprintf("https://idp%d.example", h.issuers.Add(1)))
	case stepDeactivate:
		_, err = h.svc.Memberships.Deactivate(h.ctx, h.org, h.user.ID)
		return err
	case stepReactivate:
		_, err = h.svc.Memberships.Reactivate(h.ctx, h.org, h.user.ID)
		return err
	}
	c, err := h.svc.Connections.Update(h.ctx, h.org, h.okta, in)
	out.epoch = c.Epoch
	return err
}
