package main

import (
	"context"
	"net/http"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// claims returns the organization's domains, with the proof to publish for those that are not verified.
func (s *settings) claims(r *http.Request) ([]claim, error) {
	ctx := r.Context()
	svc, org := tenancyhttp.Service(ctx), tenancyhttp.Organization(ctx)
	page, err := svc.Domains.List(ctx, org, tenancy.DomainQuery{})
	if err != nil {
		return nil, err
	}
	claims := make([]claim, len(page.Items))
	for i, d := range page.Items {
		claims[i].Domain = d
		if d.State == tenancy.DomainVerified {
			continue
		}
		if claims[i].Challenge, err = svc.Domains.Challenge(ctx, org, d.ID); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// claimDomain has no effect until the domain is verified. From then on, if the form says so, every person who
// signs in with an address on it joins.
func (s *settings) claimDomain(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	in := tenancy.NewDomain{OrganizationID: tenancyhttp.Organization(ctx), Name: r.PostFormValue("name"), Joining: tenancy.JoiningOff}
	if r.PostFormValue("joining") != "" {
		in.Joining = tenancy.JoiningAuto
	}
	_, err := tenancyhttp.Service(ctx).Domains.Claim(ctx, in)
	s.done(w, r, home(r)+"/settings", err)
}

func (s *settings) verifyDomain(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, func(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, id tenancy.DomainID) error {
		_, err := svc.Domains.Verify(ctx, org, id, domains.MethodDNS)
		return err
	})
}

func (s *settings) releaseDomain(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, func(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, id tenancy.DomainID) error {
		return svc.Domains.Release(ctx, org, id)
	})
}

// change changes the domain in the path.
func (s *settings) change(w http.ResponseWriter, r *http.Request,
	fn func(context.Context, *tenancy.Service, tenancy.OrganizationID, tenancy.DomainID) error,
) {
	ctx := r.Context()
	id, err := tenancyhttp.ID[tenancy.Domain](r, "domain")
	if err == nil {
		err = fn(ctx, tenancyhttp.Service(ctx), tenancyhttp.Organization(ctx), id)
	}
	s.done(w, r, home(r)+"/settings", err)
}
