package tenancy

import (
	"context"
	"slices"
	"sync"
)

// How many proofs one Service made by New looks for at a time (rule D3).
const (
	proofsAtOnce = 16
	proofsOfRun  = 12 // of these by Run, so that a person who calls Verify finds room
	proofsOfOne  = 4  // of these for one organization, and for one person in all their organizations
)

// proofShares says to whose shares a look counts: the organization's, and that of the person who wants it
// (zero for the host and its service accounts).
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

// proofGate limits how many proofs are looked for at a time. A person who claims a domain also decides how
// slowly it answers. So the gate admits those first whose organization and person have the fewest looks
// under way, and one organization or person can never take all places.
type proofGate struct {
	mu      sync.Mutex
	inside  int
	of      map[string]int // how many looks an organization or a person has under way; no entry = none
	waiting []*proofTurn   // in the order of arrival
}

// proofTurn is one waiting look; closing ready admits it.
type proofTurn struct {
	whose proofShares
	ready chan struct{}
}

// enter waits for a place and takes it. It returns an error only if ctx ends.
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
	if i < 0 { // it was admitted at the same moment
		g.leave(whose)
	}
	return ctx.Err()
}

// leave frees the place.
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

// admit admits waiting looks while there is room, each time one whose organization and person have the
// fewest under way.
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
