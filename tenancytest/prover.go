package tenancytest

import (
	"context"
	"maps"
	"sync"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
)

// Prover is a [tenancy.Prover] that finds only what the test has published. It replaces the DNS and the
// websites of customers. It is safe for concurrent use.
type Prover struct {
	mu        sync.Mutex
	published map[domains.Challenge]bool
	err       error
}

var _ tenancy.Prover = (*Prover)(nil)

// NewProver makes a Prover without published proofs.
func NewProver() *Prover { return &Prover{published: map[domains.Challenge]bool{}} }

// Publish makes every method find the proof of a challenge from now on. Domains.Challenge returns the challenge
// of a claim.
func (p *Prover) Publish(c domains.Challenge) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.published[c] = true
}

// Remove removes what Publish published.
func (p *Prover) Remove(c domains.Challenge) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.published, c)
}

// Fail makes each later call of Prove return err, as if the network were down. Fail(nil) ends that.
func (p *Prover) Fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// Prove returns Proved for a challenge that is published, and Refuted for another one.
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
