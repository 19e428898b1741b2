package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
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
	live := joinCodeFilter{OpenFor: typed.Of(org.ID), DueAfter: rr.c.now}
	err = walk(ctx, rr.c.tx.JoinCodes(), live, func(c JoinCode) error {
		slugs = append(slugs, c.Role)
		return nil
	})
	slices.Sort(slugs)
	slugs = slices.DeleteFunc(slices.Compact(slugs), func(slug string) bool { return slug == "" })
	return slugs, err
}

// staysAutomatic refuses own roles that may manage something, as they are in after, where people
// get one of them in an organization without anyone choosing it (rule R3). It reads neither
// domains nor join codes, of which there may be a hundred each (rule G9).
func (rr roleRules) staysAutomatic(ctx context.Context, org Organization, after *rbac.Roles, slugs ...string) error {
	var refused error
	var harmful []string
	for _, slug := range slugs {
		grants, err := after.Grants(slug)
		if err != nil {
			return rbacError("extends", err)
		}
		if err := grants.CheckAutomatic(); err != nil {
			refused, harmful = rbacError("grants", err), append(harmful, slug)
		}
	}
	if len(harmful) == 0 {
		return nil
	}
	if slices.Contains(harmful, rr.fallbackRole(org)) {
		return refused
	}
	n, err := rr.c.tx.Domains().Count(ctx, domainFilter{OrganizationID: typed.Of(org.ID), Role: typed.Of(harmful...)})
	if err == nil && n == 0 {
		n, err = rr.c.tx.JoinCodes().Count(ctx, joinCodeFilter{OpenFor: typed.Of(org.ID), Role: typed.Of(harmful...), DueAfter: rr.c.now})
	}
	if err == nil && n > 0 {
		err = refused
	}
	return err
}

// descendants are a role and those of an organization's own that extend it, or one that does.
func descendants(own []Role, slug string) []string {
	found := []string{slug}
	for i := 0; i < len(found); i++ {
		for _, r := range own {
			if r.Extends == found[i] && !slices.Contains(found, r.Slug) {
				found = append(found, r.Slug)
			}
		}
	}
	return found
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
