package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store/typed"
)

const (
	recheckBatch = 100 // most domains a Recheck
	recheckEvery = time.Minute
	recheckAgain = 24 * time.Hour     // after a look that showed no proof
	missingFor   = 7 * 24 * time.Hour // from the first negative to the one that counts (rule D5)
)

// Recheck looks again at the proofs that are due, the longest due first, and then for
// those of pending claims, at most 100 in all: it says how many, so call it until that is 0,
// or have Run do so. A proof is looked at each 30 days less up to 3, and a day later where it
// was not found; each attempt moves the time, so that none holds up the others.
//
// A pending claim is looked at 1, 5 and 30 minutes, 2 and 6 hours after it was made, and
// then each day until it fails (rule D3): by DNS, and by the page or the file where Verify
// was last called for that. The organizations take turns, and so do the people who claim, so
// that none with many claims holds up another's. A proof makes the claim verified as Verify
// would for whoever claimed it, if they could still claim it, with what they may do now; what
// speaks against it is in FailedReason. 16 proofs are
// looked for at a time, 12 of them here and the rest by Verify.
//
// Only an authoritative negative counts, never a timeout: negatives over at least 7 days
// make a verified domain lapse, and subdomains that were proved are given up likewise
// (rule D5). A claim whose time for its first proof is over is stored as failed.
//
// Each domain has transactions of its own, and nothing is locked while the Prover looks.
// Recheck may run in several processes at once.
//
// Errors: [ErrForbidden]; [ErrInTransaction] inside Transact and on a Service from
// Join. What was done before an error stays.
func (g Domains) Recheck(ctx context.Context) (int, error) {
	if g.s.txn != nil {
		return 0, explain(&Error{Code: ErrInTransaction}, domainsRecheck.op, "")
	}
	if err := g.s.tripwire(ctx, domainsRecheck, true); err != nil {
		return 0, explain(err, domainsRecheck.op, "")
	}
	due, err := g.due(ctx)
	if err != nil {
		return 0, err
	}
	begins := make([]beginning, len(due))
	for i, d := range due {
		begins[i] = func(ctx context.Context) (*looking, error) { return g.recheck(ctx, d) }
	}
	done, err := lookAll(ctx, begins)
	if err != nil {
		return done, explain(err, domainsRecheck.op, "")
	}
	claims, err := g.seekAll(ctx, recheckBatch-done)
	return done + claims, explain(err, domainsRecheck.op, "")
}

// due lists what Recheck has to look at.
func (g Domains) due(ctx context.Context) ([]Domain, error) {
	return read(ctx, g.s, domainsRecheck, "", func(ctx context.Context, c *call) ([]Domain, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return nil, err
		}
		states := []DomainState{DomainPending}
		if c.instance.config.Prover != nil {
			states = append(states, DomainVerified)
		}
		return c.tx.Domains().List(ctx, domainFilter{State: typed.Of(states...), DueBefore: c.now.Add(time.Microsecond)},
			listSpan{Limit: recheckBatch, Order: ByDue})
	})
}

// recheck begins one attempt.
func (g Domains) recheck(ctx context.Context, due Domain) (*looking, error) {
	d, err := g.begin(ctx, due)
	if err != nil || d.State != DomainVerified {
		return nil, err
	}
	var own, below domains.Finding
	return &looking{
		ask: func(ctx context.Context) {
			if d.Method != "" {
				own = g.askProver(ctx, d, Actor{}, domains.Method(d.Method), false)
			}
			if d.reprovesSubdomains() {
				below = g.askProver(ctx, d, Actor{}, domains.MethodDNS, true)
			}
		},
		conclude: func(ctx context.Context) error { return g.conclude(ctx, d, own, below) },
	}, nil
}

// begin moves the due time before the look, so that whatever becomes of that, the
// attempt was one, and others leave the domain alone meanwhile. It gives no domain if
// there is nothing to look for.
func (g Domains) begin(ctx context.Context, due Domain) (Domain, error) {
	var d Domain
	err := g.again(ctx, due, func(ctx context.Context, c *call, now Domain) error {
		d = Domain{}
		switch before := now; {
		case now.State != due.State || now.DueAt.IsZero() || c.now.Before(now.DueAt):
			return nil // another Recheck was first, or somebody decided
		case now.overdue(c.now):
			now.State, now.DueAt, now.FailedReason = DomainFailed, time.Time{}, DomainFailedExpired
			if err := c.domains().stopLooks(ctx, now); err != nil {
				return err
			}
			return save(ctx, c, c.tx.Domains().Update, before, &now, EventDomainFailed)
		case now.State == DomainVerified:
			now.due(c.now, recheckAgain)
			d = now
			return save(ctx, c, c.tx.Domains().Update, before, &d, EventDomainUpdated)
		}
		return nil
	})
	return d, err
}

// again opens a transaction on a domain, if it is still there.
func (g Domains) again(ctx context.Context, was Domain, fn func(ctx context.Context, c *call, now Domain) error) error {
	return exec(ctx, g.s, domainsRecheck, was.ID.String(), func(ctx context.Context, c *call) error {
		if err := c.lock(ctx, lockOrganization(was.OrganizationID), lockDomain(was.Name)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		now, err := c.tx.Domains().Get(ctx, was.ID)
		if CodeOf(err) == ErrNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return fn(ctx, c, now)
	})
}

// askProver asks the Prover; whose is the person whose share of the looks it takes, or zero.
// What it cannot say counts for nothing, and the Logger hears.
func (g Domains) askProver(ctx context.Context, d Domain, whose Actor, by domains.Method, subdomains bool) domains.Finding {
	c := g.s.instance.challenge(d)
	c.Subdomains = subdomains
	finding, err := g.s.instance.ask(ctx, sharesOf(d.OrganizationID, whose), c, by)
	if err != nil {
		g.s.instance.config.Logger.WarnContext(ctx, "freehold: a proof could not be looked for", "domain", d.ID.String(), "error", err)
		return domains.Finding{Outcome: domains.Unknown}
	}
	return finding
}

// sameProofs reports whether what was found by looking at one domain holds for the
// other: a change to what a look does not depend on must not make it void, or whoever
// makes one at each look is never found out.
func (d Domain) sameProofs(was Domain) bool {
	return d.State == was.State && d.Challenge == was.Challenge && d.Method == was.Method && d.VerifiedAt.Equal(was.VerifiedAt) && d.ProvedAt.Equal(was.ProvedAt) &&
		d.Subdomains == was.Subdomains && d.SubdomainsProvedAt.Equal(was.SubdomainsProvedAt)
}

// conclude keeps what was found.
func (g Domains) conclude(ctx context.Context, was Domain, own, below domains.Finding) error {
	return g.again(ctx, was, func(ctx context.Context, c *call, d Domain) error {
		if !d.sameProofs(was) {
			return nil
		}
		before := d
		if weigh(own, c.now, &d.ProvedAt, &d.MissingSince) {
			d.lapse()
			return save(ctx, c, c.tx.Domains().Update, before, &d, EventDomainLapsed)
		}
		if weigh(below, c.now, &d.SubdomainsProvedAt, &d.SubdomainsMissingSince) {
			d.dropSubdomains()
		}
		if isProved(own) && isProved(below) {
			d.schedule(c.now)
		}
		return save(ctx, c, c.tx.Domains().Update, before, &d, EventDomainUpdated)
	})
}

// weigh enters a finding into the times of a proof, and reports whether it has been
// missing for long enough.
func weigh(f domains.Finding, now time.Time, provedAt, missingSince *time.Time) bool {
	switch f.Outcome {
	case domains.Proved:
		*provedAt, *missingSince = now, time.Time{}
	case domains.Refuted:
		if missingSince.IsZero() {
			*missingSince = now
		}
		return now.Sub(*missingSince) >= missingFor
	}
	return false
}

// isProved reports whether a proof was seen, or not asked for.
func isProved(f domains.Finding) bool { return f.Outcome == domains.Proved || f.Outcome == "" }

// lapse takes a domain's effect away; that it is missing stays to be seen.
func (d *Domain) lapse() {
	d.State, d.DueAt = DomainLapsed, time.Time{}
	d.dropSubdomains()
}
