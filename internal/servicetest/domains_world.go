package servicetest

import (
	"context"
	"sync"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
)

// prover is a Prover that finds what it is told to, of all domains or of one. Told
// nothing, it finds everything proved.
type prover struct {
	mu       sync.Mutex
	finding  domains.Finding
	at       map[string]domains.Finding // by the name of the TXT record
	err      error
	asked    []look
	meddling func() // runs while it looks
}

// look is one question to a prover.
type look struct {
	domains.Challenge
	by domains.Method
}

func newProver() *prover {
	p := &prover{}
	p.prove()
	return p
}

func (p *prover) Prove(ctx context.Context, c domains.Challenge, by domains.Method) (domains.Finding, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, look{c, by})
	if p.meddling != nil {
		p.meddling()
	}
	if p.err != nil {
		return domains.Finding{}, p.err
	}
	if f, ok := p.at[c.TXTName()]; ok {
		return f, ctx.Err()
	}
	return p.finding, ctx.Err()
}

var (
	proved  = domains.Finding{Outcome: domains.Proved, Reason: domains.ReasonFound}
	refuted = domains.Finding{Outcome: domains.Refuted, Reason: domains.ReasonNoRecord}
	unknown = domains.Finding{Outcome: domains.Unknown, Reason: domains.ReasonTimeout}
)

func (p *prover) says(f domains.Finding) { p.finding, p.at, p.err = f, nil, nil }
func (p *prover) prove()                 { p.says(proved) }
func (p *prover) refute()                { p.says(refuted) }

// of says something of one record alone.
func (p *prover) of(record string, f domains.Finding) {
	if p.at == nil {
		p.at = map[string]domains.Finding{}
	}
	p.at[record] = f
}

// looks gives what it was asked since the last time.
func (p *prover) looks() []look {
	asked := p.asked
	p.asked = nil
	return asked
}

// claim makes a claim, which is pending.
func (w *world) claim(org tenancy.OrganizationID, name string) tenancy.Domain {
	w.t.Helper()
	d, err := w.svc.Domains.Claim(w.ctx, tenancy.NewDomain{OrganizationID: org, Name: name})
	w.NoError(err)
	return d
}

// verify proves a claim by DNS, or does not.
func (w *world) verify(d tenancy.Domain) (tenancy.Domain, error) {
	return w.svc.Domains.Verify(w.ctx, d.OrganizationID, d.ID, domains.MethodDNS)
}

// holds makes a claim and proves it, whatever the prover says otherwise.
func (w *world) holds(org tenancy.OrganizationID, name string) tenancy.Domain {
	w.t.Helper()
	claim := w.claim(org, name)
	says := w.prover.finding
	w.prover.finding = proved
	d, err := w.verify(claim)
	w.prover.finding = says
	w.NoError(err)
	return d
}

// vouched makes a domain verified by the host's word.
func (w *world) vouched(org tenancy.OrganizationID, name string) tenancy.Domain {
	w.t.Helper()
	d, err := w.svc.Domains.Claim(w.ctx, tenancy.NewDomain{OrganizationID: org, Name: name, Verified: true})
	w.NoError(err)
	return d
}

// domain reads a claim back.
func (w *world) domain(d tenancy.Domain) tenancy.Domain {
	w.t.Helper()
	d, err := w.svc.Domains.Get(w.ctx, d.OrganizationID, d.ID)
	w.NoError(err)
	return d
}

// owner says which organization an address belongs to; zero: none.
func (w *world) owner(address string) tenancy.OrganizationID {
	w.t.Helper()
	d, err := w.svc.Domains.Owner(w.ctx, address)
	if tenancy.CodeOf(err) == tenancy.ErrNotFound {
		return tenancy.OrganizationID{}
	}
	w.NoError(err)
	return d.OrganizationID
}

func (w *world) restore(org tenancy.Organization) tenancy.Restored {
	w.t.Helper()
	done, err := w.svc.Organizations.Restore(w.ctx, org.ID)
	w.NoError(err)
	return done
}

// recheck does all that is due.
func (w *world) recheck() int {
	w.t.Helper()
	for all := 0; ; {
		n, err := w.svc.Domains.Recheck(w.ctx)
		w.NoError(err)
		if n == 0 {
			return all
		}
		all += n
	}
}
