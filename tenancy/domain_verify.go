package tenancy

import (
	"context"
	"errors"
	"time"

	"github.com/freehold-dev/freehold/domains"
)

// Prover looks whether a domain's challenge is published. Package domains/prove has
// one that goes out to the DNS and the web; Freehold calls it outside any transaction.
// It is safe for concurrent use.
type Prover interface {
	// Prove looks once. What it finds out about the domain, also that nothing could be
	// found out, is no error.
	Prove(ctx context.Context, c domains.Challenge, by domains.Method) (domains.Finding, error)
}

// proveFor bounds a Prove, whatever the Prover's own limits are.
const proveFor = 30 * time.Second

// Verify looks for a claim's proof and, where it is published, makes the organization
// the one that holds the domain (rules D3, D4). One that is verified already is looked
// at again, from then on by this method; that the proof is not found harms nothing
// there, for only Recheck counts that.
//
// A claim that failed for want of a proof in 30 days starts over: it is pending again,
// with a new token to publish, and is returned with an [ErrDomainNotVerified].
//
// Nothing is locked while the Prover looks. Whatever happened to the claim meanwhile
// stands, and of many organizations that show a proof at once exactly one gets the name.
// 16 proofs are looked for at a time in all, and 4 for one organization or one person; a call
// waits for its turn for at most 30 seconds.
//
// Errors: [ErrDomainNotVerified] with the finding in Reason; [ErrDomainTaken];
// [ErrRateLimited] with RetryAfter less than Config.VerifyEvery after the call before, or
// where no turn came;
// [ErrNotFound]; [ErrConflict]; [ErrInvalid] with the field "method", and with "name" for a
// special-use name (rule D4); [ErrOrganizationClosed] where
// the organization is archived; [ErrForbidden], also where an active connection would speak
// for members above the actor (rule R6), and, with the field "domain" and Counts, for another proof
// than a verified domain has, without the permissions for what depends on it (rule D8);
// [ErrWouldLockOut]; [ErrInTransaction] inside Transact and on a Service from Join.
func (g Domains) Verify(ctx context.Context, organization OrganizationID, id DomainID, by domains.Method) (Domain, error) {
	p := proving{Domains: g, method: domainsVerify, organization: organization, id: id, by: by}
	return p.run(ctx)
}

// VerifySubdomains looks for the proof that the names below a verified domain are the
// organization's too (rule D6): a DNS record under a label of its own, which
// [domains.Challenge] spells with Subdomains set.
//
// Errors: as for Verify, whose calls are counted apart; [ErrDomainNotVerified] where the domain itself is not.
func (g Domains) VerifySubdomains(ctx context.Context, organization OrganizationID, id DomainID) (Domain, error) {
	p := proving{
		Domains: g, method: domainsVerifySubdomains, organization: organization, id: id,
		by: domains.MethodDNS, subdomains: true,
	}
	return p.run(ctx)
}

// proving is one Verify on its way: begin, look, and read again.
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

// provable is a claim and what would prove it.
type provable struct {
	claim     Domain
	challenge domains.Challenge
	actor     Actor // who asks
}

// begin finds the claim, refuses what needs no look, and notes that there is one: whatever
// becomes of it, the next may come after a while alone (rule D3).
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

// note keeps why a look at a claim found nothing, if the claim still waits.
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

// mayProve refuses where a proof would change nothing: it is asked before the look and
// again after it.
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

// mayReprove refuses an actor another proof of what is verified already, without the
// permissions for what depends on it (rule D8): whoever chooses what is looked for from now on
// may take that away, and has the domain lapse.
func (p proving) mayReprove(ctx context.Context, c *call, d Domain) error {
	same := p.subdomains && d.reprovesSubdomains() || !p.subdomains && (p.by == "" || string(p.by) == d.Method)
	if same {
		return nil
	}
	return c.domains().mayNarrow(ctx, d)
}

// ask has the Prover look for somebody, once and not for ever, when there is room.
// That it could not is a finding of its own, unless it is the caller who gave up.
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

// takeTurn waits for room to look for a proof, and takes it.
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

// reopen reads the claim once more under the locks of its organization and its name, and
// refuses one that has changed since it was read.
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

// keep makes the claim one that is proved.
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

// hold is saveDomain for a claim that may take its name: where the unique key is not
// free after all, another has it.
func (dm domainRules) hold(ctx context.Context, before Domain, d *Domain, kind EventType) error {
	err := save(ctx, dm.c, dm.c.tx.Domains().Update, before, d, kind)
	if CodeOf(err) == ErrAlreadyExists {
		return &Error{Code: ErrDomainTaken, Kind: "domain", Key: d.Name}
	}
	return err
}

// startOver gives a claim that failed a new token (rule D3). What was published for the
// old one proves nothing any more, so there is nothing to look for yet.
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

// MarkVerified is the host's word that a claimed domain is the organization's, whatever
// its state. It is asked for no proof, then or later; a Verify changes that. An archive
// ends it after a while: an organization that is restored 30 days or more after the word
// has a pending claim, to be proved or marked once more (rule O2).
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
