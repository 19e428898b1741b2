package main

import (
	"net/http"
	"slices"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// settings is the page on which an organization says who gets in by themselves, and how
// people have to sign in.
type settings struct{ *site }

type settingsPage struct {
	Domains     []claim
	Connections []tenancy.Connection
	Policy      tenancy.Policy
	Exempt      bool // the policy does not bind who looks at the page
	Demo        bool
}

// claim is a domain, with what to publish for it.
type claim struct {
	tenancy.Domain
	domains.Challenge
}

func (s *settings) page(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	svc, org := tenancyhttp.Service(ctx), tenancyhttp.Organization(ctx)
	page := settingsPage{Demo: s.demo}
	var connections tenancy.Page[tenancy.Connection]
	claims, err := s.claims(r)
	if err == nil {
		connections, err = svc.Connections.List(ctx, org, tenancy.ConnectionQuery{})
	}
	if err == nil {
		page.Policy, err = svc.Policies.Get(ctx, org)
	}
	if err != nil {
		s.guard.Error(w, r, err)
		return
	}
	page.Domains, page.Connections = claims, connections.Items
	page.Exempt = slices.Contains(page.Policy.Exempt, tenancyhttp.User(ctx))
	s.show(w, r, "settings", "Settings", page)
}

// connect sets up the toy that stands for the company's single sign-on. In a real
// program this is where SAML or OpenID Connect is configured.
func (s *settings) connect(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	_, err := tenancyhttp.Service(ctx).Connections.Create(ctx, tenancy.NewConnection{
		OrganizationID: tenancyhttp.Organization(ctx), Name: r.PostFormValue("name"),
		Protocol: tenancy.ProtocolOIDC, Provider: "toy", State: tenancy.ConnectionActive,
	})
	s.done(w, r, home(r)+"/settings", err)
}

// setPolicy says whether people have to come by single sign-on, and whether the one who
// says so has to, too: an owner who has not is not locked out when it breaks.
func (s *settings) setPolicy(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	svc, org, me := tenancyhttp.Service(ctx), tenancyhttp.Organization(ctx), tenancyhttp.User(ctx)
	policy, err := svc.Policies.Get(ctx, org)
	if err == nil {
		exempt := slices.DeleteFunc(policy.Exempt, func(user tenancy.UserID) bool { return user == me })
		if r.PostFormValue("exempt") != "" {
			exempt = append(exempt, me)
		}
		_, err = svc.Policies.Set(ctx, org, tenancy.PolicyUpdate{
			Version:      policy.Version,
			Organization: &tenancy.OrganizationPolicy{SingleSignOn: r.PostFormValue("single_sign_on") != ""},
			Exempt:       &exempt,
		})
	}
	s.done(w, r, home(r)+"/settings", err)
}
