package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/typed"
)

// automaticRoles returns the roles that people get in an organization without anybody's choice: by default, by
// a domain, or by a join code (rule R3).
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

// staysAutomatic refuses a change after which an automatic role of an organization could manage it (rule R3).
// An automatic role is one that people get without anybody's choice. after has the roles as they will be. The
// check reads neither domains nor join codes: there may be a hundred of each (rule G9).
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

// descendants returns a role, and those of an organization's own roles that extend it directly or through
// others.
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

// isAutomatic reports whether some organization gives a declared role without anybody's choice.
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

// domainsOf reads the domains that give a role to new members: those of an organization, or, for a declared
// role, those of all.
func (rr roleRules) domainsOf(ctx context.Context, organization OrganizationID, role string) ([]Domain, error) {
	filter := domainFilter{Role: typed.Of(role)}
	if !organization.IsZero() {
		filter.OrganizationID = typed.Of(organization)
	}
	return collect(ctx, rr.c.tx.Domains(), filter)
}

// moveDomains writes the replacement into the domains that give the role.
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
