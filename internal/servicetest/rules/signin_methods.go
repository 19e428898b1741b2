package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

func noConnection() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown connection": func(c *cast) {
			c.sso, c.spare = tenancy.ConnectionID(servicetest.Nowhere), tenancy.ConnectionID(servicetest.Nowhere)
		},
		"zero connection":                   func(c *cast) { c.sso, c.spare = tenancy.ConnectionID{}, tenancy.ConnectionID{} },
		"another organization's connection": func(c *cast) { c.org = c.shut },
	}
}

func connectionMethods() map[string]method {
	return map[string]method{
		"Create": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Connections.Create(ctx, tenancy.NewConnection{OrganizationID: c.org, Protocol: tenancy.ProtocolSAML, Name: "New"})
			return err
		}, noOrg()),
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Connections.Get(ctx, c.org, c.sso)
			return err
		}, noOrg(), noConnection()),
		"GetByID": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Connections.GetByID(ctx, c.sso)
			return err
		}, map[string]func(*cast){
			"unknown connection": func(c *cast) { c.sso = tenancy.ConnectionID(servicetest.Nowhere) },
			"zero connection":    func(c *cast) { c.sso = tenancy.ConnectionID{} },
		}),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Connections.List(ctx, c.org, tenancy.ConnectionQuery{})
			return err
		}, noOrg()),
		"All": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.Connections.All(ctx, c.org, tenancy.ConnectionQuery{Limit: 1}))
		}, noOrg()),
		"Update": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Connections.Update(ctx, c.org, c.sso, tenancy.ConnectionUpdate{Groups: &map[string]string{"g": rbac.Guest}})
			return err
		}, noOrg(), noConnection()),
		"Delete": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return s.Connections.Delete(ctx, c.org, c.spare)
		}, noOrg(), noConnection()),
	}
}

func policyMethods() map[string]method {
	return map[string]method{
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Policies.Get(ctx, c.org)
			return err
		}, noOrg()),
		"Set": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Policies.Set(ctx, c.org, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}})
			return err
		}, noOrg()),
	}
}

// doorCalls are the calls on the Service itself that sign people in.
func doorCalls() map[string]func(ctx context.Context, s *tenancy.Service, c cast) error {
	return map[string]func(ctx context.Context, s *tenancy.Service, c cast) error{
		"SignIn": func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.SignIn(ctx, servicetest.ByMail("owner@acme.example"))
			return err
		},
		"Route": func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Route(ctx, "owner@acme.example", tenancy.RouteHints{OrganizationID: c.org})
			return err
		},
	}
}

// doorMethodRules are what methodRules make of the table, for the two that are in no
// group.
func doorMethodRules() []rule {
	return []rule{
		{"SignIn and Route: canceled, closed, in_transaction", on(doorEnds)},
	}
}

func doorEnds(w *world) {
	c := newCast(w)
	ended, cancel := context.WithCancel(w.Ctx)
	cancel()
	each := func(ctx context.Context, code tenancy.Code) {
		for _, call := range doorCalls() {
			w.Failed(call(ctx, w.Svc, c), code, "")
		}
	}
	w.unchanged(func() {
		each(ended, tenancy.ErrCanceled)
		w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, _ *tenancy.Service) error {
			each(ctx, tenancy.ErrInTransaction)
			return nil
		}))
		w.Equal(servicetest.ErrStop, w.Store.Update(w.Ctx, func(rows store.Rows) error { // the host's own transaction
			_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
			w.NoError(err)
			got, err := in.SignIn(w.Ctx, servicetest.ByMail("new@mail.example"))
			w.NoError(err)
			w.Equal(tenancy.DecisionSignedIn, got.Kind)
			got, err = in.SignIn(w.Ctx, servicetest.ByPassword("c", "other@mail.example"))
			w.NoError(err)
			w.Equal(tenancy.DecisionVerifyEmail, got.Kind)
			return servicetest.ErrStop
		}))
	})
	shut, ok := w.Store.(interface{ Close() error })
	w.True(ok)
	w.NoError(shut.Close())
	each(w.Ctx, tenancy.ErrClosed)
}
