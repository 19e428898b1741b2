package rules

import (
	"context"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// unclaimed is the id of a claim that is not there.
var unclaimed = tenancy.DomainID{0x01, 0xff, 6: 0x70, 8: 0x80, 15: 4}

func noDomain() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown domain":                func(c *cast) { c.claim, c.held = unclaimed, unclaimed },
		"zero domain":                   func(c *cast) { c.claim, c.held = tenancy.DomainID{}, tenancy.DomainID{} },
		"another organization's domain": func(c *cast) { c.org = c.shut },
	}
}

// apart makes a method one that no transaction can hold.
func apart(m method) method {
	m.alone = true
	return m
}

func domainMethods() map[string]method {
	all := map[string]method{
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Domains.Get(ctx, c.org, c.claim)
			return err
		}, noOrg(), noDomain()),
		"Challenge": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Domains.Challenge(ctx, c.org, c.claim)
			return err
		}, noOrg(), noDomain()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Domains.List(ctx, c.org, tenancy.DomainQuery{})
			return err
		}, noOrg()),
		"All": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.Domains.All(ctx, c.org, tenancy.DomainQuery{Limit: 1}))
		}, noOrg()),
		"Owner": reads(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Domains.Owner(ctx, "somebody@held.example")
			return err
		}),
	}
	for name, m := range domainWrites() {
		all[name] = m
	}
	return all
}

func domainWrites() map[string]method {
	return map[string]method{
		"Claim": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Domains.Claim(ctx, tenancy.NewDomain{OrganizationID: c.org, Name: "new.example"})
			return err
		}, noOrg()),
		"Update": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Domains.Update(ctx, c.org, c.claim, tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningAuto)})
			return err
		}, noOrg(), noDomain()),
		"Verify": apart(writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Domains.Verify(ctx, c.org, c.claim, domains.MethodDNS)
			return err
		}, noOrg(), noDomain())),
		"VerifySubdomains": apart(writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Domains.VerifySubdomains(ctx, c.org, c.held)
			return err
		}, noOrg(), noDomain())),
		"MarkVerified": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Domains.MarkVerified(ctx, c.org, c.claim)
			return err
		}, noOrg(), noDomain()),
		"Recheck": apart(writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Domains.Recheck(ctx)
			return err
		})),
		"Release": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Domains.Release(ctx, c.org, c.claim)
		}, noOrg(), noDomain()),
	}
}
