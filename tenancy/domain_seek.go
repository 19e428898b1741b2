package tenancy

import (
	"cmp"
	"context"
	"sync"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/rbac"
)

// looking is one look in progress. ask runs outside any transaction, at the same time as others. conclude
// stores the result in a transaction.
type looking struct {
	ask      func(ctx context.Context)
	conclude func(ctx context.Context) error
	panicked any
}

// beginning makes a look in a transaction. A nil look means that there is nothing to look for.
type beginning func(ctx context.Context) (*looking, error)

// lookAll makes looks and completes them, at most proofsOfRun at a time, and returns how many it completed.
// Their transactions run one after the other on this goroutine; only the waiting for the network runs in
// parallel. An error stops the looks that are under way, without a result. That is safe, because each set
// its next time when it began.
func lookAll(ctx context.Context, begins []beginning) (done int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	asked, under := make(chan *looking, proofsOfRun), 0
	end := func() {
		l := <-asked
		under--
		if l.panicked != nil {
			panic(l.panicked) // in the caller's goroutine, where the caller can recover it
		}
		if err == nil && ctx.Err() != nil {
			err = &Error{Code: ErrCanceled, Err: ctx.Err()}
		}
		if err == nil {
			err = l.conclude(ctx)
		}
		if err == nil {
			done++
		}
	}
	var asking sync.WaitGroup
	defer asking.Wait() // no goroutine outlives the call, even if a Prover panics
	defer cancel()
	for _, begin := range begins {
		if under == proofsOfRun {
			end()
		}
		if err != nil {
			break
		}
		var l *looking
		if l, err = begin(ctx); err != nil {
			break
		}
		if l == nil {
			done++
			continue
		}
		under++
		asking.Go(func() {
			defer func() {
				l.panicked = recover()
				asked <- l
			}()
			l.ask(ctx)
		})
	}
	if err != nil {
		cancel()
	}
	for under > 0 {
		end()
	}
	return done, err
}

// seekAll looks for the proofs of pending claims, at most the given number (rule D3).
func (g Domains) seekAll(ctx context.Context, most int) (int, error) {
	due, err := read(ctx, g.s, domainsRecheck, "", func(ctx context.Context, c *call) ([]domainLook, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return nil, err
		}
		return c.domains().dueLooks(ctx, most)
	})
	if err != nil {
		return 0, err
	}
	begins := make([]beginning, len(due))
	for i, look := range due {
		begins[i] = func(ctx context.Context) (*looking, error) { return g.seek(ctx, look) }
	}
	return lookAll(ctx, begins)
}

// seek begins one look for the proof of a pending claim.
func (g Domains) seek(ctx context.Context, due domainLook) (*looking, error) {
	d, look, err := g.beginSeek(ctx, due)
	if err != nil || d.ID.IsZero() {
		return nil, err
	}
	finding, by := domains.Finding{}, domains.MethodDNS
	return &looking{
		ask: func(ctx context.Context) {
			finding = g.askProver(ctx, d, look.Actor, by, false)
			if other := domains.Method(look.Method); finding.Outcome != domains.Proved && other != "" && other != by {
				by = other
				finding = g.askProver(ctx, d, look.Actor, by, false)
			}
		},
		conclude: func(ctx context.Context) error { return g.concludeSeek(ctx, d, by, finding) },
	}, nil
}

// beginSeek sets the time of the next look before this one. So the attempt counts even if it fails, and
// other processes leave the claim alone meanwhile. It returns no claim if there is nothing to look for.
func (g Domains) beginSeek(ctx context.Context, due domainLook) (claim Domain, look domainLook, err error) {
	err = exec(ctx, g.s, domainsRecheck, due.domain().String(), func(ctx context.Context, c *call) error {
		claim = Domain{}
		if err := c.lock(ctx, lockOrganization(due.OrganizationID)); err != nil {
			return err
		}
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return err
		}
		var err error
		look, err = c.tx.DomainLooks().Get(ctx, due.ID)
		if CodeOf(err) == ErrNotFound || err == nil && (look.DueAt.IsZero() || c.now.Before(look.DueAt)) {
			return nil // another Recheck was first, or somebody changed the claim
		}
		if err != nil {
			return err
		}
		d, err := c.tx.Domains().Get(ctx, due.domain())
		switch {
		case CodeOf(err) == ErrNotFound:
			return c.domains().dropLooks(ctx, look)
		case err != nil:
			return err
		case d.State != DomainPending || d.overdue(c.now):
			return c.domains().stopLooks(ctx, d)
		}
		look.DueAt = d.nextLook(c.now)
		if err := c.domains().keepLook(ctx, look); err != nil {
			return err
		}
		err = proving{organization: d.OrganizationID}.mayProve(ctx, c, d)
		if err == nil && c.instance.config.Prover != nil {
			claim = d
		}
		return passOver(err, ErrOrganizationClosed, ErrDomainTaken, ErrInvalid)
	})
	return claim, look, err
}

// passOver returns err, or nil if err has one of the codes.
func passOver(err error, codes ...Code) error {
	for _, code := range codes {
		if CodeOf(err) == code {
			return nil
		}
	}
	return err
}

// concludeSeek stores what was found, if the claim is still pending.
func (g Domains) concludeSeek(ctx context.Context, was Domain, by domains.Method, finding domains.Finding) error {
	return g.again(ctx, was, func(ctx context.Context, c *call, d Domain) error {
		if d.State != DomainPending || d.overdue(c.now) || d.Challenge != was.Challenge {
			return nil
		}
		reason := finding.Reason
		if finding.Outcome == domains.Proved {
			err := c.savepoint(ctx, func(part *call) error { return part.domains().holdFor(ctx, d, by) })
			if passOver(err, ErrForbidden, ErrWouldLockOut, ErrDomainTaken, ErrOrganizationClosed, ErrInvalid) != nil {
				return err
			}
			if err == nil {
				return nil
			}
			reason = string(CodeOf(err))
		}
		return c.domains().noteReason(ctx, d, reason)
	})
}

// holdFor makes a claim verified on behalf of its claimant. There is no call of theirs, so the result must
// not be more than they could achieve by a call now (rules R6, P3).
func (dm domainRules) holdFor(ctx context.Context, d Domain, by domains.Method) error {
	look, err := dm.lookAt(ctx, d)
	if err != nil {
		return err
	}
	claimant := dm.c.onBehalf(look.Actor)
	if err := dm.mayHoldFor(ctx, claimant, d); err != nil {
		return asForbidden(err)
	}
	before := d
	d.proved(dm.c.now, by)
	if err := dm.hold(ctx, before, &d, EventDomainVerified); err != nil {
		return err
	}
	if err := dm.stopLooks(ctx, d); err != nil {
		return err
	}
	return asForbidden(claimant.owners().keepsWayIn(ctx, d.OrganizationID))
}

// mayHoldFor refuses to verify a claim on behalf of a person who could not make it now: they have lost the
// permission, or have less than the claim gives to people who join by it.
func (dm domainRules) mayHoldFor(ctx context.Context, claimant *call, d Domain) error {
	if p := claimant.service.principal; p != nil && !p.user.IsZero() {
		own, err := claimant.access().grantsOf(ctx, d.OrganizationID)
		if err != nil {
			return err
		}
		if !permits(own.Grants, rbac.WriteDomains) {
			return forbidden("")
		}
		if d.Joining != JoiningOff {
			org, err := dm.c.tx.Organizations().Get(ctx, d.OrganizationID)
			if err != nil {
				return err
			}
			if err := claimant.access().mayGive(ctx, org.ID, cmp.Or(d.Role, dm.c.roles().fallbackRole(org))); err != nil {
				return err
			}
		}
	}
	return proving{organization: d.OrganizationID}.mayProve(ctx, claimant, d)
}

// asForbidden turns the error for a person who is no longer a member into [ErrForbidden].
func asForbidden(err error) error {
	if CodeOf(err) == ErrNotFound {
		return forbidden("")
	}
	return err
}

// onBehalf returns a copy of c that acts for somebody who is not calling, to check a rule against what they
// may do now. It records no denials, because they asked for nothing. A service account may do nothing here:
// only its name is stored, and not its grants.
func (c *call) onBehalf(a Actor) *call {
	part := *c
	part.held, part.denied = nil, nil
	part.service = c.service.derive(func(s *Service) {
		switch user, err := ParseUserID(a.ID); {
		case a.Kind == ActorHost:
			s.principal = nil
		case a.Kind == ActorUser && err == nil:
			p := UserPrincipal(user)
			s.principal = &p
		default:
			s.principal = &Principal{actor: a, nobody: true}
		}
	})
	return &part
}
