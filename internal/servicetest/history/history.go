// Package history asks whether what clients of [tenancy.Service] were told at the same time
// could have been told to them one after the other.
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

// Run lets goroutines loose on organizations and asks, of n histories of each
// kind with ops operations each, whether what they were told could have been told to
// them one after the other, by the rules on owners (M7, M8) and on seats (M9).
func Run(t *testing.T, open servicetest.Opener, n, ops int) {
	t.Helper()
	start := time.Now()
	illegal := Illegal(t, open, n, ops)
	t.Logf("figures: histories: %d of %d operations, owners and seats each: %d illegal, %v",
		n, ops, illegal, time.Since(start).Round(time.Millisecond))
	require.Zero(t, illegal)
}

// Illegal counts those that no order of the operations explains.
func Illegal(t *testing.T, open servicetest.Opener, n, ops int) (illegal int) {
	t.Helper()
	for _, kind := range []historyKind{ownerHistory, seatHistory} {
		h := newHistories(t, open, kind)
		for i := range n {
			if !h.linearizable(h.record(i, ops)) {
				illegal++
			}
		}
	}
	return illegal
}

// A history has few people and many operations, so that they get into each other's
// way.
const (
	historyClients = 4
	historyPeople  = 4
	historyOrgs    = 2
	historySeats   = 2
)

// histories makes histories of one kind over one store.
type histories struct {
	*require.Assertions
	ctx    context.Context
	svc    *tenancy.Service
	kind   historyKind
	people [historyPeople]tenancy.User
}

func newHistories(t *testing.T, open servicetest.Opener, kind historyKind) *histories {
	t.Helper()
	svc, err := tenancy.New(tenancy.Config{Store: open(t)})
	h := &histories{Assertions: require.New(t), ctx: t.Context(), svc: svc, kind: kind}
	h.NoError(err)
	for i := range h.people {
		h.people[i], err = svc.Users.Create(h.ctx, tenancy.NewUser{Email: fmt.Sprintf("person%d@history.example", i)})
		h.NoError(err)
	}
	return h
}

// record lets the clients loose on fresh organizations.
func (h *histories) record(seed, ops int) []porcupine.Operation {
	var orgs [historyOrgs]tenancy.OrganizationID
	for i := range orgs {
		orgs[i] = h.org()
	}
	var clock atomic.Int64
	var clients sync.WaitGroup
	parts := make([][]porcupine.Operation, historyClients)
	for client := range parts {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(seed), uint64(client)))
			for range ops / historyClients {
				in := h.kind.draw(random)
				in.org = random.IntN(historyOrgs)
				call := clock.Add(1)
				out := h.perform(orgs[in.org], in)
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

func (h *histories) org() tenancy.OrganizationID {
	org, err := h.svc.Organizations.Create(h.ctx, tenancy.NewOrganization{
		DisplayName: "History", Owner: h.people[0].ID, Settings: tenancy.Settings{SeatLimit: h.kind.seats},
	})
	h.NoError(err)
	return org.ID
}

// linearizable asks for an order of the operations that explains every answer.
func (h *histories) linearizable(history []porcupine.Operation) bool {
	verdict := porcupine.CheckOperationsTimeout(h.kind.model(), history, time.Minute)
	h.NotEqual(porcupine.Unknown, verdict, "no verdict within a minute")
	return verdict == porcupine.Ok
}

// perform makes one operation and gives what it was told.
func (h *histories) perform(org tenancy.OrganizationID, in historyInput) historyOutput {
	if in.op == historyRead {
		return h.read(org)
	}
	err := h.change(org, in)
	return historyOutput{code: tenancy.CodeOf(err)}
}

func (h *histories) read(org tenancy.OrganizationID) historyOutput {
	var out historyOutput
	page, err := h.svc.Memberships.List(h.ctx, org, tenancy.MemberQuery{
		Statuses: []tenancy.MembershipStatus{tenancy.MembershipActive, tenancy.MembershipInactive},
	})
	out.code = tenancy.CodeOf(err)
	for _, m := range page.Items {
		for i, person := range h.people {
			if person.ID == m.UserID {
				out.people[i] = standingOf(m)
			}
		}
	}
	return out
}
