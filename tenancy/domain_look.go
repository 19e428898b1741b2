package tenancy

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store/typed"
)

// claimsFor is the time over which Limits.NewClaims counts (rule D3).
const claimsFor = time.Hour

// looksAfter are the times after a claim at which Run looks for its proof. After the last one it looks each
// day (rule D3).
var looksAfter = [...]time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}

// domainLook is the state of the search for the proof of one claim (rule D3). It has a row of its own
// because a look is not a change of the claim: it has no event, and cannot conflict with somebody's update.
// If a claim is released within an hour, the row stays until the hour is over; otherwise a release would
// make room for new claims.
type domainLook struct {
	ID                domainLookID // the same as the claim's
	Version           int64        // 0: it is not stored yet
	OrganizationID    OrganizationID
	Actor             Actor     // who made the claim or restarted it; Run verifies it on their behalf (rule R6)
	Method            string    // the method of the last Verify; "" = there was none
	Reason            string    // why the last look found nothing; "" = there was no look
	ClaimedAt         time.Time // zero: the host marked it as verified, which is not counted
	AskedAt           time.Time // when Verify was called last
	SubdomainsAskedAt time.Time // when VerifySubdomains was called last
	DueAt             time.Time // when Run looks next; zero: never
}

// domainLookID is the id of a claim, as the id of its domainLook; its text begins with dlk_.
type domainLookID = ID[domainLook]

func (domainLook) idPrefix() string { return "dlk" }

func (l domainLook) rowID() [16]byte { return l.ID }

func (l domainLook) domain() DomainID { return DomainID(l.ID) }

// nextLook returns when Run next looks for the proof of a pending claim. It is zero if the claim fails
// before that.
func (d Domain) nextLook(now time.Time) time.Time {
	const day = 24 * time.Hour
	began := d.DueAt.Add(-domainProofFor)
	for _, after := range looksAfter {
		if at := began.Add(after); at.After(now) {
			return at
		}
	}
	at := began.Add(now.Sub(began).Truncate(day) + day)
	if !at.Before(d.DueAt) {
		return time.Time{}
	}
	return at
}

// admitClaim refuses a new claim if the organization, or the person who claims, has made as many in an hour
// as they may. The caller holds the locks of both.
//
// Errors: [ErrRateLimited].
func (dm domainRules) admitClaim(ctx context.Context, org OrganizationID) error {
	counted := []domainLookFilter{{OrganizationID: typed.Of(org)}}
	if dm.c.actor.Kind == ActorUser {
		counted = append(counted, domainLookFilter{Actor: typed.Of(dm.c.actor)})
	}
	for _, f := range counted {
		f.ClaimedAfter = dm.c.now.Add(-claimsFor)
		var made []time.Time
		err := walk(ctx, dm.c.tx.DomainLooks(), f, func(l domainLook) error {
			made = append(made, l.ClaimedAt)
			return nil
		})
		if err != nil {
			return err
		}
		slices.SortFunc(made, time.Time.Compare)
		if until := roomAt(made, dm.c.instance.config.Limits.NewClaims, claimsFor); dm.c.now.Before(until) {
			return rateLimited("domains", until.Sub(dm.c.now))
		}
	}
	return nil
}

// countClaim counts a new claim, and schedules the first look for its proof.
func (dm domainRules) countClaim(ctx context.Context, d Domain) error {
	look, err := dm.lookAt(ctx, d) // the host may have chosen the id of a claim that was released
	if err != nil {
		return err
	}
	return dm.keepLook(ctx, domainLook{
		ID: look.ID, Version: look.Version, OrganizationID: d.OrganizationID, Actor: dm.c.actor,
		ClaimedAt: dm.c.now, DueAt: d.nextLook(dm.c.now),
	})
}

// admitLook records that an actor calls Verify, and refuses if the call before was too recent. The caller
// holds the lock of the organization.
//
// Errors: [ErrRateLimited].
func (dm domainRules) admitLook(ctx context.Context, d Domain, by domains.Method, subdomains bool) error {
	look, err := dm.lookAt(ctx, d)
	if err != nil {
		return err
	}
	asked := &look.AskedAt
	if subdomains {
		asked = &look.SubdomainsAskedAt
	} else {
		look.Method = string(by)
	}
	every := dm.c.instance.config.VerifyEvery
	if again := asked.Add(every); every > 0 && !asked.IsZero() && dm.c.now.Before(again) {
		return rateLimited("", again.Sub(dm.c.now))
	}
	*asked = dm.c.now
	return dm.keepLook(ctx, look)
}

// lookAt reads the domainLook of a claim. It is the zero value for a claim that was never pending.
func (dm domainRules) lookAt(ctx context.Context, d Domain) (domainLook, error) {
	look, err := dm.c.tx.DomainLooks().Get(ctx, domainLookID(d.ID))
	if CodeOf(err) == ErrNotFound {
		return domainLook{ID: domainLookID(d.ID), OrganizationID: d.OrganizationID, Actor: dm.c.actor}, nil
	}
	return look, err
}

func (dm domainRules) keepLook(ctx context.Context, look domainLook) error {
	look.Version++
	if look.Version == 1 {
		return dm.c.tx.DomainLooks().Insert(ctx, look)
	}
	return dm.c.tx.DomainLooks().Update(ctx, look)
}

// startLooks schedules looks for the proof of a claim that starts, or starts over. by becomes the claimant;
// a zero by keeps the old one.
func (dm domainRules) startLooks(ctx context.Context, d Domain, by Actor) error {
	look, err := dm.lookAt(ctx, d)
	if err != nil {
		return err
	}
	if by != (Actor{}) {
		look.Actor = by
	}
	look.Reason, look.DueAt = "", d.nextLook(dm.c.now)
	return dm.keepLook(ctx, look)
}

// stopLooks stops the looks for a claim that is not pending any more.
func (dm domainRules) stopLooks(ctx context.Context, d Domain) error {
	look, err := dm.lookAt(ctx, d)
	if err != nil || look.DueAt.IsZero() {
		return err
	}
	look.Reason, look.DueAt = "", time.Time{}
	return dm.keepLook(ctx, look)
}

// noteReason stores why a look for the proof of a pending claim found nothing.
func (dm domainRules) noteReason(ctx context.Context, d Domain, reason string) error {
	look, err := dm.lookAt(ctx, d)
	if err != nil || look.Reason == reason {
		return err
	}
	look.Reason = reason
	return dm.keepLook(ctx, look)
}

// dropLooks deletes the domainLook of a deleted claim, at once or when it no longer counts for the limit.
func (dm domainRules) dropLooks(ctx context.Context, look domainLook) error {
	if look.Version == 0 {
		return nil
	}
	if until := look.ClaimedAt.Add(claimsFor); !look.ClaimedAt.IsZero() && dm.c.now.Before(until) {
		look.DueAt = until
		return dm.keepLook(ctx, look)
	}
	return dm.c.tx.DomainLooks().Delete(ctx, look.ID)
}

// dropAllLooks does the same for an organization that is deleted. What one person claimed in it counts for
// that person until the hour is over.
func (dm domainRules) dropAllLooks(ctx context.Context, org OrganizationID) error {
	all := domainLookFilter{OrganizationID: typed.Of(org)}
	counted := all
	counted.ClaimedAfter = dm.c.now.Add(-claimsFor)
	kept, err := collect(ctx, dm.c.tx.DomainLooks(), counted)
	if err != nil {
		return err
	}
	if _, err := dm.c.tx.DomainLooks().DeleteAll(ctx, all); err != nil {
		return err
	}
	for _, look := range kept {
		look.Version, look.DueAt = 0, look.ClaimedAt.Add(claimsFor)
		if err := dm.keepLook(ctx, look); err != nil {
			return err
		}
	}
	return nil
}

// dueLooks returns the looks that Run makes next, in the order of their time. Each organization and each
// person has at most proofsOfOne in the list, and their first ones come before anybody's second. So an
// organization or a person with many claims does not delay the claims of others (rule D3).
func (dm domainRules) dueLooks(ctx context.Context, most int) ([]domainLook, error) {
	var turns [proofsOfOne][]domainLook
	had := map[string]int{}
	due, span := domainLookFilter{DueBefore: dm.c.now.Add(time.Microsecond)}, listSpan{Limit: walkLimit, Order: ByDue}
	for len(turns[0]) < most {
		rows, err := dm.c.tx.DomainLooks().List(ctx, due, span)
		if err != nil {
			return nil, err
		}
		for _, look := range rows {
			whose := sharesOf(look.OrganizationID, look.Actor)
			if n := whose.most(had); n < len(turns) {
				turns[n] = append(turns[n], look)
				had[whose[0]]++
				had[whose[1]]++
			}
		}
		if len(rows) < walkLimit {
			break
		}
		last := rows[len(rows)-1]
		span.After = &typed.Place{Int: last.DueAt.UnixMicro(), ID: last.ID}
	}
	all := slices.Concat(turns[:]...)
	return all[:min(most, len(all))], nil
}
