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

// Invitations is [Run] for one person whom an organization invites,
// again and again (I1, I4, I5, M6).
func Invitations(t *testing.T, open servicetest.Opener, n, ops int) {
	t.Helper()
	start := time.Now()
	illegal := IllegalInvitations(t, open, n, ops)
	t.Logf("figures: histories: %d of %d operations on one invited person: %d illegal, %v", n, ops, illegal, time.Since(start).Round(time.Millisecond))
	require.Zero(t, illegal)
}

// IllegalInvitations counts those that no order of the operations explains.
func IllegalInvitations(t *testing.T, open servicetest.Opener, n, ops int) (illegal int) {
	t.Helper()
	config := tenancy.Config{Store: open(t)}
	servicetest.MailsFreely(&config)
	svc, err := tenancy.New(config)
	require.NoError(t, err)
	for i := range n {
		h := &invitationHistory{Assertions: require.New(t), ctx: t.Context(), svc: svc}
		h.settle(i)
		verdict := porcupine.CheckOperationsTimeout(invitationModel(), h.record(i, ops), time.Minute)
		h.NotEqual(porcupine.Unknown, verdict, "no verdict within a minute")
		if verdict != porcupine.Ok {
			illegal++
		}
	}
	return illegal
}

// invitationHistory is one person, one organization, and what was sent so far.
type invitationHistory struct {
	*require.Assertions
	ctx  context.Context
	svc  *tenancy.Service
	org  tenancy.OrganizationID
	user tenancy.User

	mu   sync.Mutex
	sent []tenancy.SentInvitation
}

func (h *invitationHistory) settle(seed int) {
	owner, err := h.svc.Users.Create(h.ctx, tenancy.NewUser{Email: fmt.Sprintf("owner%d@history.example", seed)})
	h.NoError(err)
	h.user, err = h.svc.Users.Create(h.ctx, tenancy.NewUser{Email: fmt.Sprintf("invited%d@history.example", seed), EmailVerified: true})
	h.NoError(err)
	org, err := h.svc.Organizations.Create(h.ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: owner.ID})
	h.NoError(err)
	h.org = org.ID
	h.perform(invitationStep{op: stepSend})
}

type invitationOp uint8

const (
	stepSend invitationOp = iota
	stepAccept
	stepRevoke
	stepRemove
	stepLook
	invitationOps
)

// invitationStep is an operation, on the invitation of an id where it is on one.
type invitationStep struct {
	op invitationOp
	id tenancy.InvitationID
}

// invitationAnswer is what it was told: a code, an invitation that was sent, or a status.
type invitationAnswer struct {
	code   tenancy.Code
	id     tenancy.InvitationID
	status tenancy.MembershipStatus
}

func (h *invitationHistory) record(seed, ops int) []porcupine.Operation {
	var clock atomic.Int64
	var clients sync.WaitGroup
	parts := make([][]porcupine.Operation, historyClients)
	for client := range parts {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(seed), uint64(client)))
			for range ops / historyClients {
				in := invitationStep{op: invitationOp(random.IntN(int(invitationOps)))}
				in.id = h.recent(random).ID
				call := clock.Add(1)
				out := h.perform(in)
				parts[client] = append(parts[client], porcupine.Operation{
					ClientId: client, Input: in, Call: call, Output: out, Return: clock.Add(1),
				})
			}
		})
	}
	clients.Wait()
	all := []porcupine.Operation{{ // the one that settle sent
		Input: invitationStep{op: stepSend}, Output: invitationAnswer{id: h.sent[0].ID}, Call: -2, Return: -1,
	}}
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// recent is one of the last invitations.
func (h *invitationHistory) recent(random *rand.Rand) tenancy.SentInvitation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent[max(0, len(h.sent)-1-random.IntN(2))]
}

func (h *invitationHistory) token(id tenancy.InvitationID) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sent {
		if s.ID == id {
			return s.Token.Reveal()
		}
	}
	return ""
}

func (h *invitationHistory) perform(in invitationStep) invitationAnswer {
	var err error
	switch in.op {
	case stepSend:
		var sent tenancy.SentInvitation
		sent, err = h.svc.Invitations.Send(h.ctx, tenancy.NewInvitation{OrganizationID: h.org, Email: h.user.Email})
		if err == nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.sent = append(h.sent, sent)
			return invitationAnswer{id: sent.ID}
		}
	case stepAccept:
		_, err = h.svc.Invitations.Accept(h.ctx, h.token(in.id), h.user.ID)
	case stepRevoke:
		_, err = h.svc.Invitations.Revoke(h.ctx, in.id)
	case stepRemove:
		err = h.svc.Memberships.Remove(h.ctx, h.org, h.user.ID)
	case stepLook:
		var m tenancy.Member
		if m, err = h.svc.Memberships.Get(h.ctx, h.org, h.user.ID); err == nil {
			return invitationAnswer{status: m.Status}
		}
	}
	return invitationAnswer{code: tenancy.CodeOf(err)}
}

// invitationFacts are what all of it comes to: the invitation that stands, zero for
// none, those that were accepted, and whether the person is in. All others were revoked.
type invitationFacts struct {
	stands   tenancy.InvitationID
	accepted string // their ids
	member   bool
	went     bool // was a member, which is remembered (M6)
}

// invitationModel is the rules on one invited person, as one thing after the other.
func invitationModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return invitationFacts{} },
		Step: func(state, input, output any) (bool, any) {
			return state.(invitationFacts).step(input.(invitationStep), output.(invitationAnswer))
		},
	}
}

// over is the code of an invitation that stands no more.
func (f invitationFacts) over(id tenancy.InvitationID) tenancy.Code {
	for i := 0; i+len(id) <= len(f.accepted); i += len(id) {
		if f.accepted[i:i+len(id)] == string(id[:]) {
			return tenancy.ErrInvitationAccepted
		}
	}
	return tenancy.ErrInvitationRevoked
}

func (f invitationFacts) step(in invitationStep, out invitationAnswer) (bool, any) {
	pending := !f.stands.IsZero()
	switch in.op {
	case stepSend:
		switch {
		case f.member:
			return out.code == tenancy.ErrAlreadyMember, f
		case pending:
			return out.code == tenancy.ErrAlreadyInvited, f
		}
		f.stands = out.id
		return out.code == "", f
	case stepAccept, stepRevoke:
		if f.stands != in.id {
			return out.code == f.over(in.id), f
		}
		f.stands = tenancy.InvitationID{}
		if in.op == stepAccept {
			f.member, f.went, f.accepted = true, false, f.accepted+string(in.id[:])
		}
		return out.code == "", f
	case stepRemove:
		if !pending && !f.member {
			return f.went && out.code == "" || !f.went && out.code == tenancy.ErrNotFound, f
		}
		f.stands, f.member, f.went = tenancy.InvitationID{}, false, f.member || f.went
		return out.code == "", f
	}
	want := invitationAnswer{code: tenancy.ErrNotFound}
	switch {
	case f.member:
		want = invitationAnswer{status: tenancy.MembershipActive}
	case pending:
		want = invitationAnswer{status: tenancy.MembershipPending}
	}
	return out == want, f
}
