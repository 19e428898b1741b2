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

// Get returns a claim, or [ErrNotFound].
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

// get authorizes the call and reads the claim that the call names. A claim of another organization is not
// found.
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

// List returns a page of an organization's claims, by id (rule G6).
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

// All iterates over the claims that List returns, page by page.
func (g Domains) All(ctx context.Context, organization OrganizationID, q DomainQuery) iter.Seq2[Domain, error] {
	return pages(func(cursor string) (Page[Domain], error) {
		q := q
		q.Cursor = cursor
		return g.List(ctx, organization, q)
	}, q.Cursor)
}

// Update changes what a claim does once it is verified (rule D7). An actor must cover the old role and the
// new one (rule R6). An update that changes nothing writes nothing (rule G8).
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

// mayJoin refuses to let an actor open a way of joining, or change the role of people who join, above what
// the actor has (rule R6).
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

// setSubdomains sets, or gives up, the subdomains without a proof of their own.
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

// Release gives up a claim in any state. The name is free for others at once. The roles that the domain
// gave go too (rule M10). Its members stay (rule D5); a member who is left without a role gets the
// organization's default. An actor must cover the roles that go (rule R6). If a sign-in policy or active
// connections depend on the domain, the actor also needs the permissions for those (rule D8).
//
// Release is one transaction, unless the domain gave over 25 roles. Then it first switches Joining off,
// takes the roles back in transactions of up to 25, so that nobody waits for long, and then deletes the
// claim (rule G18). If the call fails in between, call it again. In a transaction of the caller's, all is
// one transaction.
//
// Errors: [ErrNotFound]; [ErrForbidden], with what depends on the domain in Reason and Counts; [ErrTooLarge]
// with Counts for more than Config.DeleteLimit roles: switch its Joining off instead.
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

// release is Release in one transaction. It reports whether that is too much for one transaction; then it
// has only checked that the actor may do it.
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

// mayNarrow refuses an actor who would give up a verified domain, or the names below it, without the
// permissions for what depends on it (rule D8): the policy that binds the people on the domain, and the
// connections that sign them in. Without this check, people could free themselves of the policy that binds
// them.
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

// takeBack takes back the roles that a domain gave, or reports that they are too many for one transaction.
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

// closeJoining stops a domain from letting people in. Otherwise people who join meanwhile could keep the
// steps of a Release going without end.
func (dm domainRules) closeJoining(ctx context.Context, before Domain) error {
	d := before
	d.Joining = JoiningOff
	return save(ctx, dm.c, dm.c.tx.Domains().Update, before, &d, EventDomainUpdated)
}

// Challenge returns what to publish to prove a claim (rule D4). The methods of the result spell out the DNS
// record, the meta tag and the file. Set its Subdomains to get what VerifySubdomains looks for. A claim
// that failed gets a new challenge at the next Verify.
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
