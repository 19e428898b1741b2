package faults

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/tenancy"
)

// sessionCalls are the calls on sessions for [Run].
func sessionCalls() []faultCall {
	return []faultCall{
		{method: "Sessions.Start", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Sessions.Start(ctx, servicetest.Starting(w.cyd.ID, w.acme.ID))
		}},
		{
			method: "Sessions.Start", variant: " one too many", config: func(c *tenancy.Config) { c.Limits.UserSessions = 3 },
			call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
				return svc.Sessions.Start(ctx, servicetest.Starting(w.bob.ID, servicetest.NowhereYet))
			},
		},
		{method: "Sessions.Switch", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Sessions.Switch(ctx, w.started.Token.Reveal(), servicetest.NowhereYet)
		}},
		{method: "Sessions.Switch", variant: " by a new entry", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Sessions.Switch(ctx, w.parked.Token.Reveal(), w.acme.ID)
		}},
		{method: "Sessions.Enter", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Sessions.Enter(ctx, w.parked.Token.Reveal(), w.acme.ID)
		}},
		{method: "Sessions.Revoke", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Sessions.Revoke(ctx, w.started.Session.ID)
		})},
		{method: "Sessions.RevokeAll", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Sessions.RevokeAll(ctx, w.bob.ID)
		})},
		{method: "Sessions.RevokeByOrganization", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Sessions.RevokeByOrganization(ctx, w.acme.ID)
		})},
		{method: "Sessions.SignOut", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Sessions.SignOut(ctx, w.started.Token.Reveal())
		})},
		{method: "Sessions.Sweep", call: func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) (any, error) {
			return svc.Sessions.Sweep(ctx)
		}},
	}
}

// sessionReads are the methods on sessions that change nothing.
func sessionReads() []string {
	return []string{
		"Sessions.Authenticate", "Sessions.Claims", "Sessions.Get", "Sessions.List", "Sessions.All", "Sessions.ListByUser", "Sessions.AllByUser",
	}
}

// settleSessions lays what the calls on sessions need: bob has two at acme and one at no organization, eve one,
// and one ran out long ago.
func (w *faultWorld) settleSessions() {
	w.Clock.Advance(-90 * servicetest.Day)
	w.Session(w.cyd, servicetest.NowhereYet)
	w.Clock.Advance(90 * servicetest.Day)
	w.Session(w.bob, w.acme.ID)
	w.started = w.Session(w.bob, w.acme.ID)
	w.parked = w.Session(w.bob, servicetest.NowhereYet)
	w.Session(w.eve, servicetest.NowhereYet)
}
