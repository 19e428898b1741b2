package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// automaticRoles are the roles that people get in an organization without anyone
// choosing them: by default, by a domain, by a join code (rule R3).
func (rr roleRules) automaticRoles(ctx context.Context, org Organization) ([]string, error) {
	slugs := []string{rr.fallbackRole(org)}
	err := walk(ctx, rr.c.tx.Domains(), domainFilter{OrganizationID: typed.Of(org.ID)}, func(d Domain) error {
		slugs = append(slugs, d.Role)
		return nil
	})
	if err != nil {
		return nil, err
	}
	live := joinCodeFilter{OrganizationID: typed.Of(org.ID), Revoked: typed.Of(false)}
	err = walk(ctx, rr.c.tx.JoinCodes(), live, func(c JoinCode) error {
		slugs = append(slugs, c.Role)
		return nil
	})
	slices.Sort(slugs)
	slugs = slices.DeleteFunc(slices.Compact(slugs), func(slug string) bool { return slug == "" })
	return slugs, err
}

// isAutomatic reports whether people get a declared role somewhere without anyone
// choosing it.
func (rr roleRules) isAutomatic(ctx context.Context, slug string) (bool, error) {
	for _, count := range []func() (int, error){
		func() (int, error) {
			return rr.c.tx.Organizations().Count(ctx, organizationFilter{DefaultRole: typed.Of(slug)})
		},
		func() (int, error) { return rr.c.tx.Domains().Count(ctx, domainFilter{Role: typed.Of(slug)}) },
		func() (int, error) {
			return rr.c.tx.JoinCodes().Count(ctx, joinCodeFilter{Role: typed.Of(slug), Revoked: typed.Of(false)})
		},
	} {
		if n, err := count(); err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// domainsOf reads the domains that give a role to who joins: an organization's, or, for
// a declared role, everybody's.
func (rr roleRules) domainsOf(ctx context.Context, organization OrganizationID, role string) ([]Domain, error) {
	filter := domainFilter{Role: typed.Of(role)}
	if !organization.IsZero() {
		filter.OrganizationID = typed.Of(organization)
	}
	return collect(ctx, rr.c.tx.Domains(), filter)
}

// moveDomains puts the replacement where a domain gave the role.
func (d *roleDeletion) moveDomains(ctx context.Context) error {
	for _, before := range d.domains {
		if err := d.c.roles().automatic(ctx, before.OrganizationID, "replacement", d.replacement); err != nil {
			return err
		}
		domain := before
		domain.Role = d.replacement
		if err := save(ctx, d.c, d.c.tx.Domains().Update, before, &domain, EventDomainUpdated); err != nil {
			return err
		}
	}
	return nil
}
