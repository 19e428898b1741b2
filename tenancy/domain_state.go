package tenancy

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store/typed"
)

// resolveState computes the state that readers see. A claim that waits too long for its proof, or whose
// name another organization holds, has failed (rule D3). It fills in the reason, and for a pending claim
// why the last look found nothing.
func (dm domainRules) resolveState(ctx context.Context, claims ...*Domain) error {
	var waiting []*Domain
	var names []string
	var ids []domainLookID
	for _, d := range claims {
		if d.State == DomainFailed || d.overdue(dm.c.now) {
			d.State, d.FailedReason = DomainFailed, DomainFailedExpired // the only reason that is stored
		}
		if d.State == DomainPending {
			waiting, names, ids = append(waiting, d), append(names, d.Name), append(ids, domainLookID(d.ID))
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	holders, err := dm.holders(ctx, names...)
	if err != nil {
		return err
	}
	looks, err := dm.c.tx.DomainLooks().List(ctx, domainLookFilter{ID: typed.Of(ids...)}, listSpan{Limit: len(ids)})
	if err != nil {
		return err
	}
	found := make(map[DomainID]string, len(looks))
	for _, look := range looks {
		found[look.domain()] = look.Reason
	}
	for _, d := range waiting {
		d.FailedReason = found[d.ID]
		if _, held := holders[d.Name]; held {
			d.State, d.FailedReason = DomainFailed, DomainFailedTaken
		}
	}
	return nil
}

// overdue reports whether the time for the first proof is over.
func (d Domain) overdue(now time.Time) bool {
	return d.State == DomainPending && !now.Before(d.DueAt)
}

// holders returns the verified domain of each name that has one, in one query.
func (dm domainRules) holders(ctx context.Context, names ...string) (map[string]Domain, error) {
	found, err := dm.c.tx.Domains().List(ctx, domainFilter{Name: typed.Of(names...), State: typed.Of(DomainVerified)}, listSpan{Limit: len(names)})
	held := make(map[string]Domain, len(found))
	for _, d := range found {
		held[d.Name] = d
	}
	return held, err
}

// free refuses a name that another organization holds. The error does not say which organization (rule D3).
func (dm domainRules) free(ctx context.Context, d Domain) error {
	holders, err := dm.holders(ctx, d.Name)
	if err != nil {
		return err
	}
	if held, ok := holders[d.Name]; ok && held.OrganizationID != d.OrganizationID {
		return &Error{Code: ErrDomainTaken, Kind: "domain", Key: d.Name}
	}
	return nil
}

// lockFree is [domainRules.free] after it has locked the name, for a claim that is about to take it.
func (dm domainRules) lockFree(ctx context.Context, d Domain) error {
	if err := dm.c.lock(ctx, lockDomain(d.Name)); err != nil {
		return err
	}
	return dm.free(ctx, d)
}

// proved makes a claim verified: by a method, or, with no method, because the host says so.
func (d *Domain) proved(now time.Time, by domains.Method) {
	if d.State != DomainVerified {
		d.State, d.VerifiedAt = DomainVerified, now
		d.dropSubdomains()
	}
	d.Method, d.ProvedAt, d.MissingSince = string(by), now, time.Time{}
	d.schedule(now)
}

// restart makes a claim start over, with a new token, the full time for a proof, and all its looks. by
// becomes the claimant; a zero by keeps the old one.
func (dm domainRules) restart(ctx context.Context, d *Domain, by Actor) error {
	challenge, err := newChallenge(dm.c.instance.config.Rand)
	if err != nil {
		return err
	}
	d.State, d.Challenge, d.DueAt = DomainPending, challenge, dm.c.now.Add(domainProofFor)
	d.Method, d.VerifiedAt, d.ProvedAt, d.MissingSince = "", time.Time{}, time.Time{}, time.Time{}
	d.dropSubdomains()
	return dm.startLooks(ctx, *d, by)
}

func (d *Domain) dropSubdomains() {
	d.Subdomains, d.SubdomainsProvedAt, d.SubdomainsMissingSince = false, time.Time{}, time.Time{}
}

// reproves reports whether any part of a verified domain was proved, so that the proof can be checked
// again. A domain that the host marked as verified has no proof to check.
func (d Domain) reproves() bool { return d.Method != "" || d.reprovesSubdomains() }

func (d Domain) reprovesSubdomains() bool { return d.Subdomains && !d.SubdomainsProvedAt.IsZero() }

// schedule sets when a verified domain is checked again, early enough that the last proof is normally less
// than 30 days old (rules D5, O2).
func (d *Domain) schedule(now time.Time) { d.due(now, domainProofFor) }

func (d *Domain) due(now time.Time, in time.Duration) {
	d.DueAt = time.Time{}
	if d.reproves() {
		d.DueAt = now.Add(in - d.jitter(now, in/10))
	}
}

// jitter returns a time below most that differs between domains and from time to time, so that domains that
// were verified at once are not all due at once.
func (d Domain) jitter(now time.Time, most time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint64(d.ID[:], uint64(now.UnixMicro())))
	return time.Duration(h.Sum64() % uint64(most)).Truncate(time.Microsecond)
}

// sleepDomains makes the verified domains of an archived organization dormant, so that others can take the
// names (rule O2). It takes the lock of each name it lets go. Without the lock, wakeDomains for
// another organization could find the name taken, and make its claim start over although the name is free.
func (dm domainRules) sleepDomains(ctx context.Context, org OrganizationID) error {
	return dm.eachDomain(ctx, org, DomainVerified, func(d Domain) error {
		if err := dm.c.lock(ctx, lockDomain(d.Name)); err != nil {
			return err
		}
		before := d
		d.State, d.DueAt = DomainDormant, time.Time{}
		return save(ctx, dm.c, dm.c.tx.Domains().Update, before, &d, EventDomainDormant)
	})
}

// wakeDomains is the reverse of sleepDomains, for an organization that is restored. A dormant domain is
// verified again if its proof is fresh enough and nobody has taken the name; otherwise the claim starts
// over. It returns the names that others took.
func (dm domainRules) wakeDomains(ctx context.Context, org OrganizationID) (taken []string, err error) {
	err = dm.eachDomain(ctx, org, DomainDormant, func(d Domain) error {
		before, kind := d, EventDomainUpdated
		err := dm.lockFree(ctx, d)
		switch {
		case CodeOf(err) == ErrDomainTaken:
			taken = append(taken, d.Name)
			err = dm.restart(ctx, &d, Actor{})
		case err == nil && dm.c.now.Sub(d.ProvedAt) < domainProofFor:
			kind = EventDomainVerified
			d.wake(dm.c.now)
		case err == nil:
			err = dm.restart(ctx, &d, Actor{})
		}
		if err != nil {
			return err
		}
		return save(ctx, dm.c, dm.c.tx.Domains().Update, before, &d, kind)
	})
	return taken, err
}

// wake makes a dormant domain verified. Its next check is due as soon as possible, because there was none
// meanwhile.
func (d *Domain) wake(now time.Time) {
	d.State = DomainVerified
	if d.reprovesSubdomains() && now.Sub(d.SubdomainsProvedAt) >= domainProofFor {
		d.dropSubdomains()
	}
	if d.reproves() {
		d.DueAt = now
	}
}

// eachDomain calls fn for an organization's domains of one state, by name, which is the order in which
// names are locked.
func (dm domainRules) eachDomain(ctx context.Context, org OrganizationID, state DomainState, fn func(Domain) error) error {
	all, err := collect(ctx, dm.c.tx.Domains(), domainFilter{OrganizationID: typed.Of(org), State: typed.Of(state)})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b Domain) int { return strings.Compare(a.Name, b.Name) })
	for _, d := range all {
		if err := fn(d); err != nil {
			return err
		}
	}
	return nil
}
