package tenancytest

import (
	"context"
	"maps"
	"sync"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
)

// Prover is a [tenancy.Prover] that looks at nothing but what the test has published. It stands for the
// DNS and the websites of customers. It is safe for concurrent use.
type Prover struct {
	mu        sync.Mutex
	published map[domains.Challenge]bool
	err       error
}

var _ tenancy.Prover = (*Prover)(nil)

// NewProver makes a Prover for which nothing is published.
func NewProver() *Prover { return &Prover{published: map[domains.Challenge]bool{}} }

// Publish makes the proof of a challenge be found from now on, by every method. Domains.Challenge gives the
// challenge of a claim.
func (p *Prover) Publish(c domains.Challenge) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.published[c] = true
}

// Remove takes away what Publish published.
func (p *Prover) Remove(c domains.Challenge) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.published, c)
}

// Fail makes each look from now on answer err, as where the network is down; nil ends that.
func (p *Prover) Fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// Prove finds a challenge proved where it is published, and refuted where not.
func (p *Prover) Prove(ctx context.Context, c domains.Challenge, _ domains.Method) (domains.Finding, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return domains.Finding{}, p.err
	case p.published[c]:
		return domains.Finding{Outcome: domains.Proved, Reason: domains.ReasonFound}, ctx.Err()
	}
	return domains.Finding{Outcome: domains.Refuted, Reason: domains.ReasonNoRecord}, ctx.Err()
}

func (p *Prover) clone() *Prover {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &Prover{published: maps.Clone(p.published), err: p.err}
}
