package tenancy

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store/typed"
)

const (
	recheckBatch = 100 // most domains of one Recheck
	recheckEvery = time.Minute
	recheckAgain = 24 * time.Hour     // after a look that found no proof
	missingFor   = 7 * 24 * time.Hour // from the first negative answer to the one that makes the domain lapse (rule D5)
)

// Recheck checks the proofs that are due, the longest due first, and then looks for the proofs of pending
// claims. It does at most 100 in all and returns how many it did: call it until that is 0, or let Run call
// it.
//
// A verified domain is due 27 to 30 days after its last check, and one day after a check that found no
// proof. Each attempt moves the due time, so that a slow domain does not delay the others. A domain lapses
// after authoritative negative answers over at least 7 days; timeouts never count. Subdomains that were
// proved are given up in the same way (rule D5).
//
// A pending claim is checked 1, 5 and 30 minutes, 2 and 6 hours after it was made, and then each day until
// it fails (rule D3). Recheck looks in the DNS, and on the page or in the file if the last call of Verify
// was for that. The organizations take turns, and so do the people who claim, so that nobody with many
// claims delays others. A proof makes the claim verified as if the claimant had called Verify, with the
// permissions that they have now; if something forbids it, FailedReason says what. A claim whose time for
// the first proof is over is stored as failed.
//
// At most 16 proofs are looked for at a time, 12 of them by Recheck and the rest by Verify. Each domain has
// transactions of its own, and no lock is held while the Prover looks. Several processes may run Recheck at
// once.
//
// Errors: [ErrForbidden]; [ErrInTransaction] inside Transact and on a Service from Join. What was done
// before an error stays done.
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

// due returns the domains whose proof Recheck has to check.
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

// recheck begins one check.
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

// begin moves the due time before the check. So the attempt counts even if it fails, and other processes
// leave the domain alone meanwhile. It returns no domain if there is nothing to check.
func (g Domains) begin(ctx context.Context, due Domain) (Domain, error) {
	var d Domain
	err := g.again(ctx, due, func(ctx context.Context, c *call, now Domain) error {
		d = Domain{}
		switch before := now; {
		case now.State != due.State || now.DueAt.IsZero() || c.now.Before(now.DueAt):
			return nil // another Recheck was first, or somebody changed the claim
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

// again opens a transaction on a domain, if the domain still exists.
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

// askProver asks the Prover. whose is the person to whose share the look counts, or zero. If the Prover
// fails, the finding counts neither way, and the Logger gets the error.
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

// sameProofs reports whether what a look at one version of a domain found holds for the other version.
// Changes that do not concern the proof must not make it void: otherwise somebody could make one at each
// check, and their domain would never lapse.
func (d Domain) sameProofs(was Domain) bool {
	return d.State == was.State && d.Challenge == was.Challenge && d.Method == was.Method && d.VerifiedAt.Equal(was.VerifiedAt) && d.ProvedAt.Equal(was.ProvedAt) &&
		d.Subdomains == was.Subdomains && d.SubdomainsProvedAt.Equal(was.SubdomainsProvedAt)
}

// conclude stores what a check found.
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

// weigh enters a finding into the times of a proof, and reports whether the proof has been missing for long
// enough.
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

// isProved reports whether a proof was found, or none was asked for.
func isProved(f domains.Finding) bool { return f.Outcome == domains.Proved || f.Outcome == "" }

// lapse takes away a domain's effect; MissingSince keeps its value.
func (d *Domain) lapse() {
	d.State, d.DueAt = DomainLapsed, time.Time{}
	d.dropSubdomains()
}
