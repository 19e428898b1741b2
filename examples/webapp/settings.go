package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// settings is the page on which an organization sets which people join by themselves, and how people must sign
// in.
type settings struct{ *site }

type settingsPage struct {
	Domains     []claim
	Connections []tenancy.Connection
	Policy      tenancy.Policy
	Demo        bool
}

// claim is a domain, with the proof to publish for it.
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
	s.show(w, r, "settings", "Settings", page)
}

// connect sets up the toy that replaces the company's single sign-on. A real program configures SAML or OpenID
// Connect here.
func (s *settings) connect(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	_, err := tenancyhttp.Service(ctx).Connections.Create(ctx, tenancy.NewConnection{
		OrganizationID: tenancyhttp.Organization(ctx), Name: r.PostFormValue("name"),
		Protocol: tenancy.ProtocolOIDC, Provider: "toy", State: tenancy.ConnectionActive,
	})
	s.done(w, r, home(r)+"/settings", err)
}

// setPolicy sets whether people must use single sign-on, and whether owners must, too. If owners need not, they
// can still sign in when single sign-on fails.
func (s *settings) setPolicy(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	bindsOwners := r.PostFormValue("binds_owners") != ""
	_, err := tenancyhttp.Service(ctx).Policies.Set(ctx, tenancyhttp.Organization(ctx), tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SingleSignOn: r.PostFormValue("single_sign_on") != ""},
		BindsOwners:  &bindsOwners,
	})
	s.done(w, r, home(r)+"/settings", err)
}
