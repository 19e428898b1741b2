package tenancy

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shareOf is the share of an organization, for the host.
func shareOf(n byte) proofShares { return sharesOf(OrganizationID{n}, Actor{Kind: ActorHost}) }

// D3: whoever gives up waiting takes no room along, also at the moment at which it comes.
func TestProofGateGivenUp(t *testing.T) {
	var g proofGate
	var all, most atomic.Int64
	var of [8]atomic.Int64
	var asking sync.WaitGroup
	for i := range 400 {
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), rand.N(3*time.Millisecond))
			defer cancel()
			n := i % len(of)
			organization := shareOf(byte(n + 1))
			if g.enter(ctx, organization) != nil {
				return
			}
			for now := all.Add(1); ; {
				seen := most.Load()
				if now <= seen || most.CompareAndSwap(seen, now) {
					break
				}
			}
			if of[n].Add(1) > proofsOfOne {
				t.Error("too many of one organization")
			}
			time.Sleep(rand.N(200 * time.Microsecond))
			of[n].Add(-1)
			all.Add(-1)
			g.leave(organization)
		})
	}
	asking.Wait()
	require.LessOrEqual(t, most.Load(), int64(proofsAtOnce))
	require.Zero(t, g.inside)
	require.Empty(t, g.of)
	require.Empty(t, g.waiting)
	for range proofsAtOnce / proofsOfOne { // there is room for as many as ever
		organization := shareOf(byte(g.inside + 1))
		for range proofsOfOne {
			require.NoError(t, g.enter(t.Context(), organization))
		}
	}
	full, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, g.enter(full, shareOf(0xff)), context.Canceled)
	require.Equal(t, proofsAtOnce, g.inside)
}

// D3: the turn is that of the organization with the fewest inside.
func TestProofGateTurns(t *testing.T) {
	var g proofGate
	many, few := shareOf(1), shareOf(2)
	for range proofsOfOne {
		require.NoError(t, g.enter(t.Context(), many))
	}
	for n := byte(3); g.inside < proofsAtOnce; n++ {
		for range proofsOfOne {
			require.NoError(t, g.enter(t.Context(), shareOf(n)))
		}
	}
	entered := make(chan proofShares)
	var asking sync.WaitGroup
	wait := func(organization proofShares, waiting int) {
		asking.Go(func() {
			if g.enter(t.Context(), organization) == nil {
				entered <- organization
			}
		})
		require.Eventually(t, func() bool {
			g.mu.Lock()
			defer g.mu.Unlock()
			return len(g.waiting) == waiting
		}, time.Minute, time.Millisecond)
	}
	wait(many, 1)
	wait(few, 2)
	g.leave(many)
	require.Equal(t, few, <-entered)
	g.leave(shareOf(3))
	require.Equal(t, many, <-entered)
	asking.Wait()
}

// D3: one person has no more room by having more organizations.
func TestProofGateOfOnePerson(t *testing.T) {
	var g proofGate
	var inside atomic.Int64
	person := Actor{Kind: ActorUser, ID: "user_1"}
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for n := range byte(20) {
		asking.Go(func() {
			if g.enter(ctx, sharesOf(OrganizationID{n + 1}, person)) == nil {
				inside.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.waiting) == 20-proofsOfOne
	}, time.Minute, time.Millisecond)
	require.NoError(t, g.enter(t.Context(), sharesOf(OrganizationID{99}, Actor{Kind: ActorUser, ID: "user_2"})))
	cancel()
	asking.Wait()
	require.Equal(t, int64(proofsOfOne), inside.Load())
}
