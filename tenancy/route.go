package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store/typed"
)

// RouteHints say where a person wants to go, as far as the host knows it from a link or a subdomain. If several
// are set, the first one counts.
type RouteHints struct {
	ConnectionID   ConnectionID   // zero: not known
	OrganizationID OrganizationID // zero: not known
}

// Route says how a person with a certain address may sign in. It follows from domains and policies only, so it
// does not reveal who is registered.
type Route struct {
	// OrganizationID is the organization that the hints, or else the address's domain, lead to; zero: none.
	OrganizationID OrganizationID `json:"organization_id,omitzero"`
	// Methods are the methods that no policy forbids. They include single sign-on where there is a connection
	// for it.
	Methods []SignInMethod `json:"methods"`
	// Connections are the connections to sign in by. Where a policy demands single sign-on, they are those that
	// satisfy it.
	Connections []ConnectionView `json:"connections"`
	// SecondFactor says that a policy will demand a second factor. The organization's own policy does not
	// demand it of users who come by single sign-on.
	SecondFactor bool `json:"second_factor,omitempty"`
}

// Route returns the ways in which a person with an address may sign in (rule P4). The connections are the
// hinted one, those of the hinted organization, or those of the organization that has verified the address's
// domain. Policies that bind such an address there restrict the result (rules P2, P3). A hint counts as missing
// if it leads to a suspended or archived organization, or to a connection that is not active. The result is the
// same whether or not a user has the address. So members whom a policy exempts get the same result as all
// others.
//
// Errors: [ErrInvalid] with the field "email"; [ErrNotFound] for a hint to something that does not exist.
func (s *Service) Route(ctx context.Context, email string, hints RouteHints) (Route, error) {
	return read(ctx, s, serviceRoute, "", func(ctx context.Context, c *call) (Route, error) {
		if err := c.access().authorize(ctx, scope{}); err != nil {
			return Route{}, err
		}
		key := ""
		if email != "" {
			var err error
			if key, err = CanonicalEmail(email); err != nil {
				return Route{}, err
			}
		}
		p := routing{c: c}
		if err := p.run(ctx, key, hints); err != nil {
			return Route{}, err
		}
		return p.route, nil
	})
}

// routing is the state of one Route.
type routing struct {
	c           *call
	route       Route
	connections []Connection // the connections of the route, with all fields
	domain      Domain       // the verified domain of the address; zero: none
}

func (r *routing) run(ctx context.Context, emailKey string, hints RouteHints) (err error) {
	if r.domain, _, err = r.c.domains().verifiedDomain(ctx, emailKey); err != nil {
		return err
	}
	if err := r.follow(ctx, hints); err != nil {
		return err
	}
	rules, err := r.c.policies().read(ctx, r.domain.OrganizationID, r.route.OrganizationID)
	if err != nil {
		return err
	}
	r.restrict(rules[r.route.OrganizationID].Organization)
	holding, err := r.c.policies().resting(ctx, rules[r.domain.OrganizationID])
	if err != nil {
		return err
	}
	if err := r.require(ctx, holding.Domain); err != nil {
		return err
	}
	r.route.Connections = viewsOf(r.connections)
	if len(r.connections) == 0 {
		r.route.Methods = slices.DeleteFunc(r.route.Methods, func(m SignInMethod) bool { return m == MethodSingleSignOn })
	}
	return nil
}

// follow finds the organization, and all connections to sign in by.
func (r *routing) follow(ctx context.Context, hints RouteHints) error {
	r.route.Methods = append(slices.Clone(r.c.instance.config.SignInMethods), MethodSingleSignOn)
	if !hints.ConnectionID.IsZero() {
		c, err := r.c.tx.Connections().Get(ctx, hints.ConnectionID)
		if err != nil {
			return err
		}
		open, err := r.leads(ctx, c.OrganizationID)
		if err != nil {
			return err
		}
		if open && c.State == ConnectionActive {
			r.route.OrganizationID, r.connections = c.OrganizationID, []Connection{c}
			return nil
		}
	}
	for _, id := range []OrganizationID{hints.OrganizationID, r.domain.OrganizationID} {
		if id.IsZero() {
			continue
		}
		open, err := r.leads(ctx, id)
		if err != nil {
			return err
		}
		if open {
			r.route.OrganizationID = id
			r.connections, err = r.c.connections().activeConnections(ctx, id)
			return err
		}
	}
	return nil
}

func (r *routing) leads(ctx context.Context, id OrganizationID) (bool, error) {
	org, err := r.c.tx.Organizations().Get(ctx, id)
	return err == nil && isShut(org) == nil, err
}

// restrict applies the policy of the organization that the route leads to.
func (r *routing) restrict(p OrganizationPolicy) {
	r.route.SecondFactor = p.SecondFactor
	if !p.SingleSignOn {
		return
	}
	r.route.Methods, r.route.SecondFactor = []SignInMethod{MethodSingleSignOn}, false
	if !p.ConnectionID.IsZero() {
		r.connections = slices.DeleteFunc(r.connections, func(c Connection) bool { return c.ID != p.ConnectionID })
	}
}

// require applies the policy of the organization that the address's domain belongs to.
func (r *routing) require(ctx context.Context, p DomainPolicy) (err error) {
	r.route.SecondFactor = r.route.SecondFactor || p.SecondFactor
	r.route.Methods = slices.DeleteFunc(r.route.Methods, func(m SignInMethod) bool { return !p.allows(m) })
	switch {
	case !p.allows(MethodSingleSignOn):
		r.connections = nil
	case len(p.Methods) > 0: // single sign-on is one of them
		r.connections = slices.DeleteFunc(r.connections, func(c Connection) bool {
			return c.OrganizationID != r.domain.OrganizationID
		})
	}
	if p.ConnectionID.IsZero() && (!p.onlySingleSignOn() || len(r.connections) > 0) {
		return nil
	}
	r.route.Methods = []SignInMethod{MethodSingleSignOn}
	if p.ConnectionID.IsZero() {
		r.connections, err = r.c.connections().activeConnections(ctx, r.domain.OrganizationID)
		return err
	}
	r.connections, err = r.c.tx.Connections().List(ctx, connectionFilter{ID: typed.Of(p.ConnectionID), State: typed.Of(ConnectionActive)}, listSpan{Limit: 1})
	return err
}
