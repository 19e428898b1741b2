package rules

import (
	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func policyRules() []rule {
	return []rule{
		{"P2 P3 policies: what happens to one, and its events", atDoor(policies)},
		{"P2 P3 a policy that nobody could satisfy is refused", atDoor(badPolicies)},
		{"U6 an exemption follows its user through a merge", atDoor(mergeExempt)},
		{"P4 route: connection, then organization, then domain", atDoor(routes)},
		{"P4 route: what policies leave", atDoor(routePolicies)},
		{"P4 O2 route: what is shut leads nowhere", atDoor(routeShut)},
		{"P4 route: the same for who is registered and who is not", atDoor(routeEnumeration)},
	}
}

func policies(d *door) {
	d.Add(d.acme, d.User("bob"))
	bob, err := d.Svc.Users.GetByEmail(d.Ctx, "bob@acme.example")
	d.NoError(err)
	p, err := d.Svc.Policies.Get(d.Ctx, d.acme.ID)
	d.NoError(err)
	d.Equal(tenancy.Policy{OrganizationID: d.acme.ID}, p)
	set := func(in tenancy.PolicyUpdate) func() error {
		return func() (err error) { p, err = d.Svc.Policies.Set(d.Ctx, d.acme.ID, in); return err }
	}
	d.silent(set(tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}, Exempt: &[]tenancy.UserID{}}))
	events := d.emits(set(tenancy.PolicyUpdate{
		Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Google, tenancy.MethodSingleSignOn, servicetest.Google}, SecondFactor: true},
		Exempt: &[]tenancy.UserID{bob.ID, d.owner.ID, bob.ID},
	}), some(tenancy.EventPolicyUpdated))
	d.tells(events[0], event{
		kind: tenancy.EventPolicyUpdated, org: d.acme.ID, subject: p.ID.String(), data: p, previous: anything,
	})
	d.Equal([]tenancy.SignInMethod{servicetest.Google, tenancy.MethodSingleSignOn}, p.Domain.Methods)
	d.Equal([]tenancy.UserID{d.owner.ID, bob.ID}, p.Exempt)
	d.Clock.Advance(1e9)
	d.emits(set(tenancy.PolicyUpdate{Version: 1, Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: d.okta.ID}}),
		some(tenancy.EventPolicyUpdated))
	d.True(p.Domain.SecondFactor) // what is not given stays
	d.Equal(int64(2), p.Version)
	d.refuses(tenancy.ErrConflict, "version", func() error {
		_, err := d.Svc.Policies.Set(d.Ctx, d.acme.ID, tenancy.PolicyUpdate{Version: 1, Exempt: &[]tenancy.UserID{}})
		return err
	})
	got, err := d.Svc.Policies.Get(d.Ctx, d.acme.ID)
	d.NoError(err)
	d.Equal(p, got)
}

func badPolicies(d *door) {
	idle, err := d.Svc.Connections.Create(d.Ctx, tenancy.NewConnection{OrganizationID: d.acme.ID, Protocol: tenancy.ProtocolSAML, Name: "Idle"})
	d.NoError(err)
	bare := d.Org("Bare")
	outsider, resting := d.User("outsider"), d.User("resting")
	d.Add(d.acme, resting)
	d.Deactivate(d.acme, resting)
	sso := []tenancy.SignInMethod{tenancy.MethodSingleSignOn}
	for name, bad := range map[string]struct {
		org   tenancy.Organization
		in    tenancy.PolicyUpdate
		code  tenancy.Code
		field string
	}{
		"a connection that is not there": {
			d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: tenancy.ConnectionID(servicetest.Nowhere)}}, tenancy.ErrNotFound, "",
		},
		"a connection that is not active": {
			d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: idle.ID}}, tenancy.ErrInvalid, "connection_id",
		},
		"the same for the organization": {
			d.acme,
			tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: idle.ID}},
			tenancy.ErrInvalid, "connection_id",
		},
		"a connection without single sign-on": {
			d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{ConnectionID: d.okta.ID}}, tenancy.ErrInvalid, "connection_id",
		},
		"single sign-on without a connection": {
			bare, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}}, tenancy.ErrInvalid, "single_sign_on",
		},
		"a method that nobody offers": {
			d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{"passwrd"}}}, tenancy.ErrInvalid, "methods",
		},
		"a connection that the methods rule out": {
			d.acme,
			tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Google}, ConnectionID: d.okta.ID}},
			tenancy.ErrInvalid, "methods",
		},
		"exempt: no member": {
			d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{Methods: sso}, Exempt: &[]tenancy.UserID{outsider.ID}}, tenancy.ErrNotFound, "",
		},
		"exempt: no active member": {d.acme, tenancy.PolicyUpdate{Exempt: &[]tenancy.UserID{resting.ID}}, tenancy.ErrInvalid, "exempt"},
		"exempt: too many":         {d.acme, tenancy.PolicyUpdate{Exempt: servicetest.Ptr(make([]tenancy.UserID, 101))}, tenancy.ErrInvalid, "exempt"},
	} {
		d.each(name, func(w *world) {
			w.refuses(bad.code, bad.field, func() error { _, err := w.Svc.Policies.Set(w.Ctx, bad.org.ID, bad.in); return err })
		})
	}
}

func mergeExempt(d *door) {
	from, into := d.User("from"), d.User("into")
	d.Add(d.acme, from)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}, Exempt: &[]tenancy.UserID{from.ID}})
	_, err := d.Svc.Users.Merge(d.Ctx, from.ID, into.ID)
	d.NoError(err)
	p, err := d.Svc.Policies.Get(d.Ctx, d.acme.ID)
	d.NoError(err)
	d.Equal([]tenancy.UserID{into.ID}, p.Exempt)
	d.enters(servicetest.ByMail("into@acme.example"))
}

// views is what strangers see of connections (P11).
func views(connections ...tenancy.Connection) []tenancy.ConnectionView {
	var seen []tenancy.ConnectionView
	for _, c := range connections {
		seen = append(seen, tenancy.ConnectionView{ID: c.ID, Name: c.Name, Protocol: c.Protocol, Provider: c.Provider})
	}
	return seen
}

// routed asks for a route.
func (w *world) routed(email string, hints tenancy.RouteHints) tenancy.Route {
	w.T.Helper()
	r, err := w.Svc.Route(w.Ctx, email, hints)
	w.NoError(err)
	return r
}

func routes(d *door) {
	plain := []tenancy.SignInMethod{tenancy.MethodPassword, tenancy.MethodMagicLink, servicetest.Google, servicetest.Github}
	all := append(plain[:len(plain):len(plain)], tenancy.MethodSingleSignOn)
	second := d.Connect(d.acme, "Second")
	acme := tenancy.Route{OrganizationID: d.acme.ID, Methods: all, Connections: views(d.okta, second)}
	beta := tenancy.Route{OrganizationID: d.beta.ID, Methods: all, Connections: views(d.entra)}
	none := tenancy.Route{Methods: plain}
	byDomain, bare := tenancy.RouteHints{}, d.Org("Bare")
	d.Equal(acme, d.routed("Nobody@ACME.example", byDomain))
	d.Equal(none, d.routed("nobody@mail.example", byDomain))
	d.Equal(none, d.routed("nobody@sub.acme.example", byDomain)) // D6
	d.Equal(none, d.routed("", byDomain))
	d.Equal(beta, d.routed("nobody@acme.example", tenancy.RouteHints{OrganizationID: d.beta.ID}))
	d.Equal(beta, d.routed("", tenancy.RouteHints{OrganizationID: d.beta.ID}))
	d.Equal(tenancy.Route{OrganizationID: bare.ID, Methods: plain}, d.routed("nobody@acme.example", tenancy.RouteHints{OrganizationID: bare.ID}))
	d.Equal(beta, d.routed("nobody@acme.example", tenancy.RouteHints{ConnectionID: d.entra.ID, OrganizationID: d.acme.ID}))
	acme.Connections = acme.Connections[1:]
	d.Equal(acme, d.routed("nobody@beta.example", tenancy.RouteHints{ConnectionID: second.ID}))

	for name, bad := range map[string]struct {
		email string
		hints tenancy.RouteHints
		code  tenancy.Code
		field string
	}{
		"no address":           {"nobody", byDomain, tenancy.ErrInvalid, "email"},
		"two addresses":        {"a@evil.example@acme.example", byDomain, tenancy.ErrInvalid, "email"},
		"unknown organization": {"", tenancy.RouteHints{OrganizationID: servicetest.Nowhere}, tenancy.ErrNotFound, ""},
		"unknown connection":   {"", tenancy.RouteHints{ConnectionID: tenancy.ConnectionID(servicetest.Nowhere)}, tenancy.ErrNotFound, ""},
	} {
		d.each(name, func(w *world) {
			w.refuses(bad.code, bad.field, func() error { _, err := w.Svc.Route(w.Ctx, bad.email, bad.hints); return err })
		})
	}
}

func routePolicies(d *door) {
	second := d.Connect(d.acme, "Second")
	only := []tenancy.SignInMethod{tenancy.MethodSingleSignOn}
	at := func() tenancy.Route { d.T.Helper(); return d.routed("nobody@acme.example", tenancy.RouteHints{}) }
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true}})
	d.Equal(tenancy.Route{OrganizationID: d.acme.ID, Methods: only, Connections: views(d.okta, second)}, at())
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: second.ID}})
	d.Equal(tenancy.Route{OrganizationID: d.acme.ID, Methods: only, Connections: views(second)}, at())
	d.demand(d.acme, tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, Domain: &tenancy.DomainPolicy{Methods: []tenancy.SignInMethod{servicetest.Google}},
	})
	d.Equal(tenancy.Route{OrganizationID: d.acme.ID, Methods: []tenancy.SignInMethod{servicetest.Google}, SecondFactor: true}, at())
	// The domain's policy holds wherever the person goes.
	d.demand(d.acme, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{}, Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}})
	d.Equal(tenancy.Route{OrganizationID: d.beta.ID, Methods: only, Connections: views(d.okta)},
		d.routed("nobody@acme.example", tenancy.RouteHints{OrganizationID: d.beta.ID}))
	d.Equal(views(d.entra), d.routed("nobody@beta.example", tenancy.RouteHints{}).Connections)
}

func routeShut(d *door) {
	plain := d.routed("nobody@mail.example", tenancy.RouteHints{})
	_, err := d.Svc.Connections.Update(d.Ctx, d.beta.ID, d.entra.ID, tenancy.ConnectionUpdate{State: servicetest.Ptr(tenancy.ConnectionInactive)})
	d.NoError(err)
	d.Equal(plain, d.routed("", tenancy.RouteHints{ConnectionID: d.entra.ID}))
	d.suspend(d.acme)
	d.Equal(plain, d.routed("owner@acme.example", tenancy.RouteHints{}))
	for _, hints := range []tenancy.RouteHints{{ConnectionID: d.okta.ID}, {OrganizationID: d.acme.ID}} {
		d.Equal(plain, d.routed("nobody@mail.example", hints))
	}
	d.Archive(d.acme)
	for _, hints := range []tenancy.RouteHints{{}, {ConnectionID: d.okta.ID}, {OrganizationID: d.acme.ID}} {
		d.Equal(plain, d.routed("owner@acme.example", hints))
	}
}

// routeEnumeration: whoever types addresses into a sign-in page learns nothing of who
// has an account, where, or whom a policy exempts.
func routeEnumeration(d *door) {
	d.Add(d.acme, d.User("member"), rbac.Admin)
	d.demand(d.acme, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: d.okta.ID}, Exempt: &[]tenancy.UserID{d.owner.ID}})
	d.visitor(d.beta, "guest@mail.example")
	_, err := d.Svc.Users.Suspend(d.Ctx, d.User("barred").ID)
	d.NoError(err)
	for _, hints := range []tenancy.RouteHints{{}, {OrganizationID: d.acme.ID}, {OrganizationID: d.beta.ID}, {ConnectionID: d.okta.ID}} {
		for domain, locals := range map[string][]string{"acme.example": {"owner", "member", "barred"}, "mail.example": {"guest"}} {
			for _, local := range locals {
				d.Equal(d.routed("nobody@"+domain, hints), d.routed(local+"@"+domain, hints))
			}
		}
	}
}
