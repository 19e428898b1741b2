package faults

import (
	"context"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// settleDomains lays what the calls on domains need: a claim, and a verified domain that
// gives who joins one of acme's own roles, as it has given cyd.
func (w *faultWorld) settleDomains() {
	w.claimed, w.held = w.Claim(w.acme.ID, "claimed.example"), w.Holds(w.acme.ID, "held.example")
	var err error
	w.held, err = w.Svc.Domains.Update(w.Ctx, w.acme.ID, w.held.ID, tenancy.DomainUpdate{Role: servicetest.Ptr(servicetest.Editor)})
	w.NoError(err)
	w.Assign(w.Member(w.acme, w.cyd), servicetest.Helper, tenancy.RoleDomain, w.held.ID.String())
}

func domainCalls() []faultCall {
	return []faultCall{
		{method: "Domains.Claim", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Domains.Claim(ctx, tenancy.NewDomain{OrganizationID: w.beta.ID, Name: "beta.example", Role: servicetest.Clerk})
		}},
		{method: "Domains.Claim", variant: " verified", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Domains.Claim(ctx, tenancy.NewDomain{OrganizationID: w.beta.ID, Name: "beta.example", Verified: true})
		}},
		{method: "Organizations.Create", variant: " with domains", call: func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) (any, error) {
			return svc.Organizations.Create(ctx, tenancy.NewOrganization{
				DisplayName: "New", Domains: []tenancy.NewDomain{{Name: "new.example"}, {Name: "newer.example", Verified: true}},
			})
		}},
		{method: "Domains.Update", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Domains.Update(ctx, w.acme.ID, w.claimed.ID, tenancy.DomainUpdate{Joining: servicetest.Ptr(tenancy.JoiningAuto), Role: servicetest.Ptr(servicetest.Helper)})
		}},
		{method: "Domains.Verify", alone: true, commits: 2, call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Domains.Verify(ctx, w.acme.ID, w.claimed.ID, domains.MethodFile)
		}},
		{method: "Domains.VerifySubdomains", alone: true, commits: 2, call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Domains.VerifySubdomains(ctx, w.acme.ID, w.held.ID)
		}},
		{method: "Domains.MarkVerified", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Domains.MarkVerified(ctx, w.acme.ID, w.claimed.ID)
		}},
		{method: "Domains.Release", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Domains.Release(ctx, w.acme.ID, w.held.ID)
		})},
	}
}
