package tenancy

import (
	"context"
	"slices"
	"sync"
)

// How many proofs are looked for at a time by one Service made by New (rule D3).
const (
	proofsAtOnce = 16
	proofsOfRun  = 12 // of these by Run, so that a person who asks finds room
	proofsOfOne  = 4  // of these for one organization, and for one person in all of theirs
)

// proofShares are whose proof is looked for: an organization, and the person who wants it, or
// zero for the host and its programs.
type proofShares [2]string

func sharesOf(organization OrganizationID, by Actor) proofShares {
	whose := proofShares{organization.String()}
	if by.Kind == ActorUser {
		whose[1] = by.ID
	}
	return whose
}

// most is the larger of the counts of the organization and of the person.
func (whose proofShares) most(counts map[string]int) int {
	n := counts[whose[0]]
	if whose[1] != "" {
		n = max(n, counts[whose[1]])
	}
	return n
}

// proofGate bounds how many proofs are looked for at a time. Somebody who claims a domain also
// chooses how slowly it answers. So those who wait are let in by how few their organization,
// and the person who wants it, have inside, and neither ever fills it.
type proofGate struct {
	mu      sync.Mutex
	inside  int
	of      map[string]int // how many are inside, of an organization or a person; no entry = none
	waiting []*proofTurn   // in the order in which they came
}

// proofTurn is one who waits; ready is closed to let them in.
type proofTurn struct {
	whose proofShares
	ready chan struct{}
}

// enter waits for room, and takes it. The error is that of ctx.
func (g *proofGate) enter(ctx context.Context, whose proofShares) error {
	turn := &proofTurn{whose, make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, turn)
	g.admit()
	g.mu.Unlock()
	select {
	case <-turn.ready:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	i := slices.Index(g.waiting, turn)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	g.mu.Unlock()
	if i < 0 { // it was let in at the same moment
		g.leave(whose)
	}
	return ctx.Err()
}

// leave gives the room back.
func (g *proofGate) leave(whose proofShares) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	for _, one := range whose {
		if g.of[one]--; g.of[one] == 0 {
			delete(g.of, one)
		}
	}
	g.admit()
}

// admit lets in all for whom there is room, each time one of those who have the fewest inside.
func (g *proofGate) admit() {
	for g.inside < proofsAtOnce {
		next := -1
		for i, turn := range g.waiting {
			if n := turn.whose.most(g.of); n < proofsOfOne && (next < 0 || n < g.waiting[next].whose.most(g.of)) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		turn := g.waiting[next]
		g.waiting = slices.Delete(g.waiting, next, next+1)
		if g.of == nil {
			g.of = map[string]int{}
		}
		g.inside++
		for _, one := range turn.whose {
			g.of[one]++
		}
		close(turn.ready)
	}
}
