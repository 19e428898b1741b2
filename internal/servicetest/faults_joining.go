package servicetest

import (
	"context"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// joinReads are the methods that change nothing, and Sweep, which is several
// transactions.
func joinReads() []string {
	return []string{
		"Invitations.Get", "Invitations.List", "Invitations.All", "Invitations.ListByUser", "Invitations.AllByUser", "Invitations.Preview",
		"JoinCodes.Get", "JoinCodes.List", "JoinCodes.All", "JoinRequests.Get", "JoinRequests.List", "JoinRequests.All",
	}
}

func joinCalls() []faultCall {
	mailed := func(c *tenancy.Config) { c.MailOnly = true }
	return []faultCall{
		{method: "Invitations.Send", variant: " to a stranger", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Send(ctx, asking(w.acme, "someone@acme.example", rbac.Guest))
		}},
		{method: "Invitations.Send", variant: " to a user, after one that ran out", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Send(ctx, asking(w.acme, w.late.Email))
		}},
		{method: "Invitations.Resend", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Resend(ctx, w.joins.invitation)
		}},
		{method: "Invitations.Revoke", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Revoke(ctx, w.joins.invitation)
		}},
		{method: "Invitations.Accept", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Accept(ctx, w.joins.invite, w.joins.invited)
		}},
		{method: "Invitations.Accept", variant: " of who was a member", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Accept(ctx, w.back.Token.Reveal(), w.dan.ID)
		}},
		{method: "Invitations.Accept", variant: " taking an account over", config: mailed, call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Accept(ctx, w.unproved.Token.Reveal(), w.eve.ID)
		}},
		{method: "Invitations.Sweep", call: func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) (any, error) {
			return svc.Invitations.Sweep(ctx)
		}},
		{method: "Users.Update", variant: " proving an address that is invited", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.Update(ctx, w.eve.ID, tenancy.UserUpdate{EmailVerified: ptr(true)})
		}},
		{method: "Memberships.Remove", variant: " of who is invited", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Memberships.Remove(ctx, w.acme.ID, w.joins.invited)
		})},
		{method: "Users.Erase", variant: " of who is invited", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Users.Erase(ctx, w.joins.invited)
		})},
		{method: "Users.Merge", variant: " of who asks and is invited", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.Merge(ctx, w.joins.asker, w.joins.invited)
		}},
		{method: "JoinCodes.Create", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinCodes.Create(ctx, tenancy.NewJoinCode{OrganizationID: w.acme.ID})
		}},
		{method: "JoinCodes.Revoke", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinCodes.Revoke(ctx, w.joins.code)
		}},
		{method: "JoinCodes.Use", variant: " by who is invited", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinCodes.Use(ctx, w.joins.link, w.joins.invited)
		}},
		{method: "JoinRequests.Create", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinRequests.Create(ctx, w.acme.ID, w.joins.joiner, "please")
		}},
		{method: "JoinRequests.Approve", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinRequests.Approve(ctx, w.joins.request)
		}},
		{method: "JoinRequests.Decline", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinRequests.Decline(ctx, w.joins.request)
		}},
		{method: "JoinRequests.Cancel", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinRequests.Cancel(ctx, w.joins.request)
		}},
	}
}

// settleInvitations lays what the calls on joining need in acme.
func (w *faultWorld) settleInvitations() {
	w.clock.advance(-60 * day)
	w.late = w.user("tardy")
	w.invite(w.acme, w.late.Email)
	w.clock.advance(60 * day)
	w.joins = w.settleJoining(w.acme.ID, "")
	w.back = w.invite(w.acme, w.dan.Email, rbac.Guest)
	w.unproved = w.invite(w.beta, w.eve.Email)
}
