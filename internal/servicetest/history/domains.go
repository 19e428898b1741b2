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

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// Domains is [Run] for organizations that want the same domain (D3, O2).
func Domains(t *testing.T, open servicetest.Opener, n, ops int) {
	t.Helper()
	start := time.Now()
	illegal := IllegalDomains(t, open, n, ops)
	t.Logf("figures: histories: %d of %d operations on one domain: %d illegal, %v", n, ops, illegal, time.Since(start).Round(time.Millisecond))
	require.Zero(t, illegal)
}

// IllegalDomains counts those that no order of the operations explains.
func IllegalDomains(t *testing.T, open servicetest.Opener, n, ops int) (illegal int) {
	t.Helper()
	config := tenancy.Config{Store: open(t), Prover: servicetest.NewProver()}
	servicetest.ProvesFreely(&config)
	svc, err := tenancy.New(config)
	require.NoError(t, err)
	h := &domainHistories{Assertions: require.New(t), ctx: t.Context(), svc: svc}
	for i := range n {
		verdict := porcupine.CheckOperationsTimeout(domainModel(), h.record(i, ops), time.Minute)
		h.NotEqual(porcupine.Unknown, verdict, "no verdict within a minute")
		if verdict != porcupine.Ok {
			illegal++
		}
	}
	return illegal
}

// domainHistories makes histories over one store.
type domainHistories struct {
	*require.Assertions
	ctx context.Context
	svc *tenancy.Service
}

// domainStep is an operation of one of the organizations on its claim.
type domainStep struct {
	op  domainOp
	org int
}

type domainOp uint8

const (
	stepVerify domainOp = iota
	stepMark
	stepArchive
	stepRestore
	stepOwner
	stepOps
)

// domainAnswer is what an operation was told: a code, or which organization is the
// owner, 0 for none.
type domainAnswer struct {
	code  tenancy.Code
	owner int
}

// domainFacts are what all of it comes to: how each claim stands, and who is archived.
type domainFacts struct {
	state    [historyOrgs + 1]tenancy.DomainState
	archived [historyOrgs + 1]bool
}

// record lets the clients loose on a fresh domain.
func (h *domainHistories) record(seed, ops int) []porcupine.Operation {
	name := fmt.Sprintf("history%d.example", seed)
	claims := (&servicetest.Race{Assertions: h.Assertions, Ctx: h.ctx, Svc: h.svc}).Claims(historyOrgs+1, name)
	var clock atomic.Int64
	var clients sync.WaitGroup
	parts := make([][]porcupine.Operation, historyClients)
	for client := range parts {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(seed), uint64(client)))
			for range ops / historyClients {
				in := domainStep{domainOp(random.IntN(int(stepOps))), random.IntN(len(claims))}
				call := clock.Add(1)
				out := h.perform(claims, name, in)
				parts[client] = append(parts[client], porcupine.Operation{
					ClientId: client, Input: in, Call: call, Output: out, Return: clock.Add(1),
				})
			}
		})
	}
	clients.Wait()
	var all []porcupine.Operation
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

func (h *domainHistories) perform(claims []tenancy.Domain, name string, in domainStep) domainAnswer {
	d := claims[in.org]
	var err error
	switch in.op {
	case stepVerify:
		_, err = h.svc.Domains.Verify(h.ctx, d.OrganizationID, d.ID, domains.MethodDNS)
	case stepMark:
		_, err = h.svc.Domains.MarkVerified(h.ctx, d.OrganizationID, d.ID)
	case stepArchive:
		_, err = h.svc.Organizations.Archive(h.ctx, d.OrganizationID)
	case stepRestore:
		_, err = h.svc.Organizations.Restore(h.ctx, d.OrganizationID)
	case stepOwner:
		var held tenancy.Domain
		if held, err = h.svc.Domains.Owner(h.ctx, "somebody@"+name); err == nil {
			for i, claim := range claims {
				if claim.ID == held.ID {
					return domainAnswer{owner: i + 1}
				}
			}
		}
	}
	return domainAnswer{code: tenancy.CodeOf(err)}
}

// domainModel is the rules on one domain (D3, O2), as one thing after the other.
func domainModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any {
			var f domainFacts
			for i := range f.state {
				f.state[i] = tenancy.DomainPending
			}
			return f
		},
		Step: func(state, input, output any) (bool, any) {
			return state.(domainFacts).step(input.(domainStep), output.(domainAnswer))
		},
	}
}

// holder is who holds the domain, 0 for nobody.
func (f domainFacts) holder() int {
	for i, state := range f.state {
		if state == tenancy.DomainVerified {
			return i + 1
		}
	}
	return 0
}

func (f domainFacts) step(in domainStep, out domainAnswer) (bool, any) {
	held, me := f.holder(), in.org+1
	switch in.op {
	case stepOwner:
		want := domainAnswer{owner: held}
		if held == 0 {
			want.code = tenancy.ErrNotFound
		}
		return out == want, f
	case stepArchive:
		f.archived[in.org] = true
		if held == me {
			f.state[in.org] = tenancy.DomainDormant
		}
		return out.code == "", f
	case stepRestore:
		if f.state[in.org] == tenancy.DomainDormant {
			f.state[in.org] = tenancy.DomainVerified
			if held != 0 {
				f.state[in.org] = tenancy.DomainPending
			}
		}
		f.archived[in.org] = false
		return out.code == "", f
	}
	if in.op == stepVerify && out.code == tenancy.ErrConflict {
		return true, f // somebody was at the claim while the Prover looked
	}
	switch {
	case f.archived[in.org]:
		return out.code == tenancy.ErrOrganizationClosed, f
	case held != 0 && held != me:
		return out.code == tenancy.ErrDomainTaken, f
	}
	f.state[in.org] = tenancy.DomainVerified
	return out.code == "", f
}
