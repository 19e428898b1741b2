package servicetest

import (
	"context"
	"sync"

	"github.com/freehold-dev/freehold/domains"
)

// Prover is a [tenancy.Prover] that finds what it is told to, of all domains or of one. Told
// nothing, it finds everything proved.
type Prover struct {
	mu       sync.Mutex
	Finding  domains.Finding
	at       map[string]domains.Finding // by the name of the TXT record
	by       domains.Method             // by which alone it finds something; "" = by all
	Err      error
	asked    []Look
	Meddling func() // runs while it looks
}

// Look is one question to a prover.
type Look struct {
	domains.Challenge
	By domains.Method
}

// NewProver finds everything proved.
func NewProver() *Prover {
	p := &Prover{}
	p.ProveAll()
	return p
}

// Prove answers as it was told to, and remembers the question.
func (p *Prover) Prove(ctx context.Context, c domains.Challenge, by domains.Method) (domains.Finding, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, Look{c, by})
	if p.Meddling != nil {
		p.Meddling()
	}
	if p.Err != nil {
		return domains.Finding{}, p.Err
	}
	if p.by != "" && p.by != by {
		return Refuted, ctx.Err()
	}
	if f, ok := p.at[c.TXTName()]; ok {
		return f, ctx.Err()
	}
	return p.Finding, ctx.Err()
}

// What a look finds, or does not.
var (
	Proved  = domains.Finding{Outcome: domains.Proved, Reason: domains.ReasonFound}
	Refuted = domains.Finding{Outcome: domains.Refuted, Reason: domains.ReasonNoRecord}
)

// Says makes f the answer to everything.
func (p *Prover) Says(f domains.Finding) { p.Finding, p.at, p.by, p.Err = f, nil, "", nil }

// ProveAll finds everything proved.
func (p *Prover) ProveAll() { p.Says(Proved) }

// OnlyBy finds everything proved by one method, and a proof nowhere by the others.
func (p *Prover) OnlyBy(by domains.Method) {
	p.ProveAll()
	p.by = by
}

// RefuteAll finds a proof nowhere.
func (p *Prover) RefuteAll() { p.Says(Refuted) }

// SaysOf says something of one record alone.
func (p *Prover) SaysOf(record string, f domains.Finding) {
	if p.at == nil {
		p.at = map[string]domains.Finding{}
	}
	p.at[record] = f
}

// Looks gives what it was asked since the last time.
func (p *Prover) Looks() []Look {
	asked := p.asked
	p.asked = nil
	return asked
}
