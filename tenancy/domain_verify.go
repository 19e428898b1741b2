package tenancy

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/domains"
)

// Prover checks whether a domain's challenge is published. Package domains/prove has one that asks the DNS
// and the web. A Prover must be safe for concurrent use. Freehold calls it outside any transaction.
type Prover interface {
	// Prove looks once. The Finding says what it found, and also that it could not find out; that is not an
	// error.
	Prove(ctx context.Context, c domains.Challenge, by domains.Method) (domains.Finding, error)
}

// proveFor limits the time of one Prove, in addition to the Prover's own limits.
const proveFor = 30 * time.Second

// Verify looks for a claim's proof. If it is published, the organization holds the domain from then on
// (rules D3, D4). Verify on a verified domain looks for the proof again, and later checks use this method.
// If it does not find the proof, the domain stays verified, because only Recheck counts missing proofs.
//
// A claim that failed because it had no proof in 30 days starts over: it is pending again, with a new token
// to publish. Verify returns it together with an [ErrDomainNotVerified].
//
// No lock is held while the Prover looks. If the claim changes meanwhile, that change stays. If several
// organizations prove one name at once, exactly one gets it. At most 16 proofs are looked for at a time,
// and 4 for one organization or one person; a call waits for its turn for at most 30 seconds.
//
// Errors: [ErrDomainNotVerified] with the finding in Reason; [ErrDomainTaken]; [ErrRateLimited] with
// RetryAfter if the previous call was less than Config.VerifyEvery ago, or if no turn came; [ErrNotFound];
// [ErrConflict]; [ErrInvalid] with the field "method", and with "name" for a special-use name (rule D4);
// [ErrOrganizationClosed] if the organization is archived; [ErrForbidden]; [ErrWouldLockOut];
// [ErrInTransaction] inside Transact and on a Service from Join.
//
// [ErrForbidden] is also the error if an active connection could then sign in members above the actor (rule
// R6). It has the field "domain" and Counts if the domain is verified, the method is another one, and the
// actor lacks the permissions for what depends on the domain (rule D8).
func (g Domains) Verify(ctx context.Context, organization OrganizationID, id DomainID, by domains.Method) (Domain, error) {
	p := proving{Domains: g, method: domainsVerify, organization: organization, id: id, by: by}
	return p.run(ctx)
}

// VerifySubdomains looks for the proof that the names below a verified domain belong to the organization,
// too (rule D6). The proof is a DNS record under a label of its own; a [domains.Challenge] with Subdomains
// set spells it out.
//
// Errors: as for Verify, but the two count their calls apart; [ErrDomainNotVerified] if the domain itself
// is not verified.
func (g Domains) VerifySubdomains(ctx context.Context, organization OrganizationID, id DomainID) (Domain, error) {
	p := proving{
		Domains: g, method: domainsVerifySubdomains, organization: organization, id: id,
		by: domains.MethodDNS, subdomains: true,
	}
	return p.run(ctx)
}

// proving is one Verify in progress: begin, look, and read again.
type proving struct {
	Domains
	method       *Method
	organization OrganizationID
	id           DomainID
	by           domains.Method
	subdomains   bool
}

func (p proving) run(ctx context.Context) (Domain, error) {
	d, err := p.prove(ctx)
	if err != nil {
		return d, explain(err, p.method.op, p.id.String())
	}
	return d, nil
}

func (p proving) prove(ctx context.Context) (Domain, error) {
	if p.s.txn != nil {
		return Domain{}, &Error{Code: ErrInTransaction}
	}
	asked, err := p.begin(ctx)
	if err != nil {
		return Domain{}, err
	}
	if asked.claim.State == DomainFailed {
		return p.startOver(ctx, asked.claim)
	}
	finding, err := p.s.instance.ask(ctx, sharesOf(p.organization, asked.actor), asked.challenge, p.by)
	if err != nil {
		return Domain{}, err
	}
	if finding.Outcome != domains.Proved {
		if err := p.note(ctx, asked.claim, finding.Reason); err != nil {
			return Domain{}, err
		}
		return Domain{}, &Error{Code: ErrDomainNotVerified, Kind: "domain", Reason: finding.Reason}
	}
	return p.keep(ctx, asked.claim)
}

// provable is a claim, and the challenge that would prove it.
type provable struct {
	claim     Domain
	challenge domains.Challenge
	actor     Actor // who calls
}

// begin finds the claim and refuses what needs no look. It records the attempt before the look, so that the
// next one must wait even if this one fails (rule D3).
func (p proving) begin(ctx context.Context) (provable, error) {
	return write(ctx, p.s, p.method, p.id.String(), func(ctx context.Context, c *call) (provable, error) {
		if err := c.access().mayLock(ctx, scope{organization: p.organization}); err != nil {
			return provable{}, err
		}
		if err := c.lock(ctx, lockOrganization(p.organization)); err != nil {
			return provable{}, err
		}
		d, err := c.domains().get(ctx, p.organization, p.id)
		if err != nil {
			return provable{}, err
		}
		if err := p.mayProve(ctx, c, d); err != nil {
			return provable{}, err
		}
		if d.overdue(c.now) {
			d.State = DomainFailed
		}
		challenge := c.instance.challenge(d)
		challenge.Subdomains = p.subdomains
		if err := challenge.Check(p.by); err != nil {
			return provable{}, &Error{Code: ErrInvalid, Field: "method", Reason: "cannot prove this domain", Err: err}
		}
		if p.s.instance.config.Prover == nil {
			return provable{}, &Error{Code: ErrDomainNotVerified, Reason: "nothing is proved here"}
		}
		if d.State == DomainFailed { // it starts over, without a look
			return provable{d, challenge, c.actor}, nil
		}
		return provable{d, challenge, c.actor}, c.domains().admitLook(ctx, d, p.by, p.subdomains)
	})
}

// note stores why a look found nothing, if the claim is still pending.
func (p proving) note(ctx context.Context, claim Domain, reason string) error {
	if claim.State != DomainPending {
		return nil
	}
	err := exec(ctx, p.s, p.method, p.id.String(), func(ctx context.Context, c *call) error {
		if err := c.lock(ctx, lockOrganization(p.organization)); err != nil {
			return err
		}
		d, err := c.domains().get(ctx, p.organization, p.id)
		if err != nil || d.State != DomainPending || d.Challenge != claim.Challenge {
			return err
		}
		return c.domains().noteReason(ctx, d, reason)
	})
	if CodeOf(err) == ErrNotFound {
		return nil
	}
	return err
}

// mayProve refuses a look that could change nothing. It is called before the look and again after it.
func (p proving) mayProve(ctx context.Context, c *call, d Domain) error {
	org, err := c.tx.Organizations().Get(ctx, p.organization)
	switch {
	case err != nil:
		return err
	case !org.ArchivedAt.IsZero():
		return &Error{Code: ErrOrganizationClosed}
	case p.subdomains && d.State != DomainVerified:
		return &Error{Code: ErrDomainNotVerified, Field: "subdomains", Reason: "the domain itself is not verified"}
	case d.State == DomainVerified && (d.Subdomains || !p.subdomains):
		return p.mayReprove(ctx, c, d)
	}
	if err := c.instance.config.ownable("name", d.Name); err != nil {
		return err
	}
	if err := c.connections().mayExtend(ctx, d, p.subdomains); err != nil || p.subdomains {
		return err
	}
	return c.domains().free(ctx, d)
}

// mayReprove refuses an actor who would replace the proof of a verified domain without the permissions for
// what depends on it (rule D8). Later checks look for the new proof: the actor could take it away, and the
// domain would lapse.
func (p proving) mayReprove(ctx context.Context, c *call, d Domain) error {
	same := p.subdomains && d.reprovesSubdomains() || !p.subdomains && (p.by == "" || string(p.by) == d.Method)
	if same {
		return nil
	}
	return c.domains().mayNarrow(ctx, d)
}

// ask calls the Prover once, when there is room, with a time limit. If the Prover could not look, that is a
// Finding; it is an error only if the caller's context ended.
func (f *instance) ask(ctx context.Context, whose proofShares, c domains.Challenge, by domains.Method) (domains.Finding, error) {
	if err := f.takeTurn(ctx, whose); err != nil {
		return domains.Finding{}, err
	}
	defer f.proofs.leave(whose)
	limited, cancel := context.WithTimeout(ctx, proveFor)
	defer cancel()
	finding, err := f.config.Prover.Prove(Trusted(limited), c, by)
	switch {
	case err == nil:
		if finding.Outcome != domains.Proved && finding.Outcome != domains.Refuted {
			finding.Outcome = domains.Unknown
		}
		return finding, nil
	case ctx.Err() != nil:
		return domains.Finding{}, &Error{Code: ErrCanceled, Err: ctx.Err()}
	case errors.Is(err, context.DeadlineExceeded):
		return domains.Finding{Outcome: domains.Unknown, Reason: domains.ReasonTimeout}, nil
	}
	return domains.Finding{}, &Error{Code: ErrDomainNotVerified, Reason: "the prover failed", Err: err}
}

// takeTurn waits for a place to look for a proof, and takes it.
func (f *instance) takeTurn(ctx context.Context, whose proofShares) error {
	waiting, cancel := context.WithTimeout(ctx, proveFor)
	defer cancel()
	switch err := f.proofs.enter(waiting, whose); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &Error{Code: ErrCanceled, Err: ctx.Err()}
	}
	return rateLimited("", proveFor)
}

// reopen reads the claim again under the locks of its organization and its name, and refuses a claim that
// has changed since it was read.
func (p proving) reopen(ctx context.Context, c *call, claim Domain) (Domain, error) {
	if err := c.lock(ctx, lockOrganization(p.organization), lockDomain(claim.Name)); err != nil {
		return Domain{}, err
	}
	d, err := c.domains().get(ctx, p.organization, p.id)
	if err == nil && d.Version != claim.Version {
		err = stale(p.id)
	}
	if err != nil {
		return Domain{}, err
	}
	return d, p.mayProve(ctx, c, d)
}

// keep makes the claim verified.
func (p proving) keep(ctx context.Context, claim Domain) (Domain, error) {
	return p.one(ctx, p.method, p.id.String(), func(ctx context.Context, c *call) (Domain, error) {
		d, err := p.reopen(ctx, c, claim)
		if err != nil {
			return Domain{}, err
		}
		before, kind := d, EventDomainUpdated
		switch {
		case p.subdomains:
			d.Subdomains, d.SubdomainsProvedAt, d.SubdomainsMissingSince = true, c.now, time.Time{}
			if d.DueAt.IsZero() {
				d.schedule(c.now)
			}
		case d.State != DomainVerified:
			kind = EventDomainVerified
			fallthrough
		default:
			d.proved(c.now, p.by)
		}
		if err := c.domains().hold(ctx, before, &d, kind); err != nil {
			return Domain{}, err
		}
		if err := c.domains().stopLooks(ctx, d); err != nil {
			return Domain{}, err
		}
		return d, c.owners().keepsWayIn(ctx, p.organization)
	})
}

// hold is saveDomain for a claim that may take its name. If the unique key is not free after all, another
// organization has the name.
func (dm domainRules) hold(ctx context.Context, before Domain, d *Domain, kind EventType) error {
	err := save(ctx, dm.c, dm.c.tx.Domains().Update, before, d, kind)
	if CodeOf(err) == ErrAlreadyExists {
		return &Error{Code: ErrDomainTaken, Kind: "domain", Key: d.Name}
	}
	return err
}

// startOver gives a failed claim a new token (rule D3). What is published for the old token proves nothing
// any more, so there is nothing to look for yet.
func (p proving) startOver(ctx context.Context, claim Domain) (Domain, error) {
	d, err := p.one(ctx, p.method, p.id.String(), func(ctx context.Context, c *call) (Domain, error) {
		d, err := p.reopen(ctx, c, claim)
		if err != nil {
			return Domain{}, err
		}
		before := d
		if err := c.domains().restart(ctx, &d, c.actor); err != nil {
			return Domain{}, err
		}
		if err := save(ctx, c, c.tx.Domains().Update, before, &d, EventDomainUpdated); err != nil {
			return Domain{}, err
		}
		return d, nil
	})
	if err != nil {
		return Domain{}, err
	}
	return d, &Error{Code: ErrDomainNotVerified, Kind: "domain", Reason: "the time for its proof was over: it starts over with a new token"}
}

// MarkVerified lets the host declare that a claimed domain belongs to the organization, in any state of the
// claim. The domain needs no proof then or later, unless somebody calls Verify. A long archive ends this:
// if an organization is restored 30 days or more after MarkVerified, its claim is pending, and has to be
// proved or marked again (rule O2).
//
// Errors: [ErrDomainTaken]; [ErrNotFound]; [ErrOrganizationClosed] where the
// organization is archived; [ErrInvalid] with the field "name" for a special-use name (rule
// D4); [ErrForbidden].
func (g Domains) MarkVerified(ctx context.Context, organization OrganizationID, id DomainID) (Domain, error) {
	return g.one(ctx, domainsMarkVerified, id.String(), func(ctx context.Context, c *call) (Domain, error) {
		d, err := c.domains().lockedDomain(ctx, organization, id)
		if err != nil {
			return Domain{}, err
		}
		if err := c.lock(ctx, lockDomain(d.Name)); err != nil {
			return Domain{}, err
		}
		p := proving{organization: organization}
		if err := p.mayProve(ctx, c, d); err != nil {
			return Domain{}, err
		}
		before, kind := d, EventDomainUpdated
		if d.State != DomainVerified {
			kind = EventDomainVerified
		}
		d.proved(c.now, "")
		if err := c.domains().hold(ctx, before, &d, kind); err != nil {
			return Domain{}, err
		}
		return d, c.domains().stopLooks(ctx, d)
	})
}
