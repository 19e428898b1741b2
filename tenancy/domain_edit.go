package tenancy

import (
	"cmp"
	"context"
	"iter"
	"time"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// Get gives a claim, or [ErrNotFound].
func (g Domains) Get(ctx context.Context, organization OrganizationID, id DomainID) (Domain, error) {
	return read(ctx, g.s, domainsGet, id.String(), func(ctx context.Context, c *call) (Domain, error) {
		d, err := c.domains().get(ctx, organization, id)
		if err != nil {
			return Domain{}, err
		}
		if err := c.domains().resolveState(ctx, &d); err != nil {
			return Domain{}, err
		}
		return d, nil
	})
}

// get authorizes the call and reads the claim that it is about; another
// organization's is not there.
func (dm domainRules) get(ctx context.Context, organization OrganizationID, id DomainID) (Domain, error) {
	if err := dm.c.access().authorize(ctx, scope{organization: organization}); err != nil {
		return Domain{}, err
	}
	found, err := dm.c.tx.Domains().List(ctx, domainFilter{ID: typed.Of(id), OrganizationID: typed.Of(organization)}, listSpan{Limit: 1})
	return exactlyOne(found, err, notFound(id))
}

// lockedDomain is [domainRules.get] under the organization's lock.
func (dm domainRules) lockedDomain(ctx context.Context, organization OrganizationID, id DomainID) (Domain, error) {
	if err := dm.c.access().mayLock(ctx, scope{organization: organization}); err != nil {
		return Domain{}, err
	}
	if err := dm.c.lock(ctx, lockOrganization(organization)); err != nil {
		return Domain{}, err
	}
	return dm.get(ctx, organization, id)
}

// List gives a page of an organization's claims, by id (rule G6).
//
// Errors: [ErrNotFound] for the organization, [ErrInvalid], [ErrInvalidCursor].
func (g Domains) List(ctx context.Context, organization OrganizationID, q DomainQuery) (Page[Domain], error) {
	return read(ctx, g.s, domainsList, organization.String(), func(ctx context.Context, c *call) (Page[Domain], error) {
		if err := c.access().authorize(ctx, scope{organization: organization}); err != nil {
			return Page[Domain]{}, err
		}
		if _, err := c.tx.Organizations().Get(ctx, organization); err != nil {
			return Page[Domain]{}, err
		}
		page, err := listPage(ctx, c.tx.Domains(), domainFilter{OrganizationID: typed.Of(organization)}, paging{ByID, q.Descending, q.Limit, q.Cursor},
			keyByID, "domains", organization)
		if err != nil {
			return Page[Domain]{}, err
		}
		claims := make([]*Domain, len(page.Items))
		for i := range page.Items {
			claims[i] = &page.Items[i]
		}
		if err := c.domains().resolveState(ctx, claims...); err != nil {
			return Page[Domain]{}, err
		}
		return page, nil
	})
}

// All walks the claims that List would give, page by page.
func (g Domains) All(ctx context.Context, organization OrganizationID, q DomainQuery) iter.Seq2[Domain, error] {
	return pages(func(cursor string) (Page[Domain], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}

// Update changes what a claim does once it is verified (rule D7). An actor covers the
// role that was and the one that will be (rule R6). What changes nothing writes
// nothing (rule G8).
//
// Errors: [ErrInvalid] with the field "joining", or "role" for one that manages the
// organization (rule R3); [ErrUnknownRole]; [ErrNotFound]; [ErrConflict]; [ErrForbidden];
// [ErrDomainNotVerified] for Subdomains of a domain that is not verified.
func (g Domains) Update(ctx context.Context, organization OrganizationID, id DomainID, in DomainUpdate) (Domain, error) {
	return g.one(ctx, domainsUpdate, id.String(), func(ctx context.Context, c *call) (Domain, error) {
		if err := c.access().mayLock(ctx, scope{organization: organization}); err != nil {
			return Domain{}, err
		}
		if err := c.roles().lockDeclared(ctx, deref(in.Role, "")); err != nil {
			return Domain{}, err
		}
		d, err := c.domains().lockedDomain(ctx, organization, id)
		if err != nil {
			return Domain{}, err
		}
		if in.Version != 0 && in.Version != d.Version {
			return Domain{}, stale(id)
		}
		if err := c.access().hostOnly(input{"subdomains", deref(in.Subdomains, false)}); err != nil {
			return Domain{}, err
		}
		before := d
		if err := c.domains().setJoining(ctx, &d, in.Joining, in.Role); err != nil {
			return Domain{}, err
		}
		if before.Subdomains && !deref(in.Subdomains, true) {
			if err := c.domains().mayNarrow(ctx, before); err != nil {
				return Domain{}, err
			}
		}
		if err := d.setSubdomains(in.Subdomains); err != nil {
			return Domain{}, err
		}
		org, err := c.tx.Organizations().Get(ctx, organization)
		if err != nil {
			return Domain{}, err
		}
		if err := c.domains().mayJoin(ctx, org, before, d); err != nil {
			return Domain{}, err
		}
		if err := save(ctx, c, c.tx.Domains().Update, before, &d, EventDomainUpdated); err != nil {
			return Domain{}, err
		}
		return d, nil
	})
}

// mayJoin refuses an actor a way of joining, or another role for who joins, above what
// they have themselves (rule R6).
func (dm domainRules) mayJoin(ctx context.Context, org Organization, before, after Domain) error {
	if before.Joining == after.Joining && before.Role == after.Role {
		return nil
	}
	roles := []string{cmp.Or(after.Role, dm.c.roles().fallbackRole(org))}
	if before.Role != after.Role {
		roles = append(roles, cmp.Or(before.Role, dm.c.roles().fallbackRole(org)))
	}
	return dm.c.access().mayGive(ctx, org.ID, roles...)
}

// setSubdomains takes or gives up the names below by somebody's word.
func (d *Domain) setSubdomains(on *bool) error {
	if on == nil || *on == d.Subdomains {
		return nil
	}
	if *on && d.State != DomainVerified {
		return &Error{Code: ErrDomainNotVerified, Field: "subdomains"}
	}
	d.Subdomains = *on
	d.SubdomainsProvedAt, d.SubdomainsMissingSince = time.Time{}, time.Time{}
	return nil
}

// Release gives a claim up, in whatever state: the name is free for others at once. The
// roles that the domain gave go along (rule M10); its members stay (rule D5), and who
// is left without a role has the organization's default. An actor must cover the roles
// that go (rule R6), and where a sign-in policy or active connections depend on the domain
// they need the permissions for those, too (rule D8).
//
// It is one transaction. Where the domain gave over 40 roles, its Joining is switched off, and they
// go before the claim does, up to 40 in a transaction, so that nobody waits for long (rule G18): if the
// call fails after that, call it again. In a transaction of the caller's all is one.
//
// Errors: [ErrNotFound]; [ErrForbidden], with what depends on the domain in Reason and
// Counts; [ErrTooLarge] with Counts over
// Config.DeleteLimit roles: switch its Joining off instead.
func (g Domains) Release(ctx context.Context, organization OrganizationID, id DomainID) error {
	for {
		large, err := write(ctx, g.s, domainsRelease, id.String(), func(ctx context.Context, c *call) (bool, error) {
			return c.domains().release(ctx, organization, id, g.s.txn == nil)
		})
		if err != nil || !large {
			return err
		}
		gave := givenBy(organization, RoleDomain, id.String())
		ids, err := g.s.gave(ctx, domainsRelease, id.String(), organization, gave)
		if err != nil {
			return err
		}
		step := func(do func(ctx context.Context, c *call, d Domain) error) error {
			return exec(ctx, g.s, domainsRelease, id.String(), func(ctx context.Context, c *call) error {
				d, err := c.domains().lockedDomain(ctx, organization, id)
				if err == nil {
					err = c.domains().mayNarrow(ctx, d)
				}
				if err != nil {
					return err
				}
				return do(ctx, c, d)
			})
		}
		err = step(func(ctx context.Context, c *call, d Domain) error { return c.domains().closeJoining(ctx, d) })
		if err != nil {
			return err
		}
		err = inSteps(ids, func(some []RoleAssignmentID) error {
			return step(func(ctx context.Context, c *call, _ Domain) error {
				return c.connections().takeSome(ctx, organization, gave, some)
			})
		})
		if err != nil {
			return err
		}
	}
}

// release is Release in one transaction, and reports whether that is too much for one: then it
// has only asked whether it may.
func (dm domainRules) release(ctx context.Context, organization OrganizationID, id DomainID, inSteps bool) (large bool, err error) {
	d, err := dm.lockedDomain(ctx, organization, id)
	if err != nil {
		return false, err
	}
	if err := dm.c.lock(ctx, lockDomain(d.Name)); err != nil {
		return false, err
	}
	if err := dm.mayNarrow(ctx, d); err != nil {
		return false, err
	}
	if large, err := dm.takeBack(ctx, d, inSteps); err != nil || large {
		return large, err
	}
	if err := dm.c.tx.Domains().Delete(ctx, id); err != nil {
		return false, err
	}
	look, err := dm.lookAt(ctx, d)
	if err != nil {
		return false, err
	}
	if err := dm.dropLooks(ctx, look); err != nil {
		return false, err
	}
	return false, dm.c.record(ctx, d.event(EventDomainReleased))
}

// mayNarrow refuses an actor to give up a verified domain, or the names below it, without
// the permissions for what depends on it (rule D8): the policy that binds the people on
// it, and the connections that speak for them. Else who is bound could free themselves.
func (dm domainRules) mayNarrow(ctx context.Context, d Domain) error {
	if dm.c.service.principal == nil || d.State != DomainVerified {
		return nil
	}
	own, err := dm.c.access().grantsOf(ctx, d.OrganizationID)
	if err != nil {
		return err
	}
	p, err := dm.c.policies().policyOf(ctx, d.OrganizationID)
	if err != nil {
		return err
	}
	speaking, err := dm.c.connections().activeConnections(ctx, d.OrganizationID)
	if err != nil {
		return err
	}
	stops := map[string]int{}
	if p.Domain.binds() && !permits(own.Grants, rbac.WritePolicies) {
		stops["policies"] = 1
	}
	if len(speaking) > 0 && !permits(own.Grants, rbac.WriteConnections) {
		stops["connections"] = len(speaking)
	}
	if len(stops) > 0 {
		return dm.c.access().deny(scope{organization: d.OrganizationID}, &Error{
			Code: ErrForbidden, Field: "domain", Counts: stops,
			Reason: "the sign-in policy or connections of its people depend on it: that takes the permission to change those",
		})
	}
	return dm.c.owners().ownersOnly(ctx, d.OrganizationID, func(p Policy) bool { return p.Domain.binds() })
}

// takeBack takes the roles that a domain gave, or reports that they are too many for one
// transaction.
func (dm domainRules) takeBack(ctx context.Context, d Domain, inSteps bool) (large bool, err error) {
	gave := givenBy(d.OrganizationID, RoleDomain, d.ID.String())
	n, err := dm.c.tx.RoleAssignments().Count(ctx, gave)
	if err != nil || n == 0 {
		return false, err
	}
	if n > dm.c.instance.config.DeleteLimit {
		return false, &Error{Code: ErrTooLarge, Counts: map[string]int{"role_assignments": n}}
	}
	if inSteps && n > changeStep {
		return true, nil
	}
	org, err := dm.c.tx.Organizations().Get(ctx, d.OrganizationID)
	if err != nil {
		return false, err
	}
	held, err := collect(ctx, dm.c.tx.RoleAssignments(), gave)
	if err != nil {
		return false, err
	}
	if err := dm.c.access().mayGive(ctx, org.ID, rolesIn(held)...); err != nil {
		return false, err
	}
	return false, dm.c.connections().stripAll(ctx, org, held)
}

// closeJoining lets nobody in by a domain any more: else who joins meanwhile could keep what takes
// its roles back going without end.
func (dm domainRules) closeJoining(ctx context.Context, before Domain) error {
	d := before
	d.Joining = JoiningOff
	return save(ctx, dm.c, dm.c.tx.Domains().Update, before, &d, EventDomainUpdated)
}

// Challenge gives what to publish to prove a claim (rule D4): its methods spell out the
// record, the tag and the file. With its Subdomains set it is what VerifySubdomains
// wants. A claim that failed has a new one after the next Verify.
//
// Errors: [ErrNotFound].
func (g Domains) Challenge(ctx context.Context, organization OrganizationID, id DomainID) (domains.Challenge, error) {
	return read(ctx, g.s, domainsChallenge, id.String(), func(ctx context.Context, c *call) (domains.Challenge, error) {
		d, err := c.domains().get(ctx, organization, id)
		if err != nil {
			return domains.Challenge{}, err
		}
		return c.instance.challenge(d), nil
	})
}

func (f *instance) challenge(d Domain) domains.Challenge {
	return domains.Challenge{App: f.config.App, Domain: d.Name, Token: d.Challenge, RootFile: f.config.RootFileProof}
}
