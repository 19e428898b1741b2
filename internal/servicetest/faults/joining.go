package faults

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
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

func invitationCalls() []faultCall {
	return []faultCall{
		{method: "Invitations.SendMany", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			rows := []tenancy.NewInvitation{servicetest.Asking(w.acme, "someone@acme.example", rbac.Guest), servicetest.Asking(w.acme, w.late.Email)}
			return svc.Invitations.SendMany(ctx, rows, tenancy.SendOptions{})
		}},
		{method: "Invitations.SendMany", variant: " all or none", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			rows := []tenancy.NewInvitation{servicetest.Asking(w.acme, "someone@acme.example", rbac.Guest), servicetest.Asking(w.acme, w.late.Email)}
			return svc.Invitations.SendMany(ctx, rows, tenancy.SendOptions{All: true})
		}},
		{method: "Invitations.Update", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Update(ctx, w.joins.Invitation, tenancy.InvitationUpdate{
				Roles: tenancy.Set([]string{rbac.Member}), Metadata: tenancy.SetKeys(map[string]string{"a": "1"}),
			})
		}},
		{method: "Invitations.Decline", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Decline(ctx, w.joins.Invite)
		}},
	}
}

func joinCalls() []faultCall {
	mailed := func(c *tenancy.Config) { c.MailOnly = true }
	return []faultCall{
		{method: "Invitations.Send", variant: " to a stranger", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Send(ctx, servicetest.Asking(w.acme, "someone@acme.example", rbac.Guest))
		}},
		{method: "Invitations.Send", variant: " to a user, after one that ran out", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Send(ctx, servicetest.Asking(w.acme, w.late.Email))
		}},
		{method: "Invitations.Resend", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Resend(ctx, w.joins.Invitation)
		}},
		{method: "Invitations.Revoke", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Revoke(ctx, w.joins.Invitation)
		}},
		{method: "Invitations.Accept", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Accept(ctx, w.joins.Invite, w.joins.Invited)
		}},
		{method: "Invitations.Accept", variant: " of who was a member", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Accept(ctx, w.back.Token.Reveal(), w.dan.ID)
		}},
		{method: "Invitations.Accept", variant: " taking an account over", config: mailed, call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Accept(ctx, w.unproved.Token.Reveal(), w.eve.ID)
		}},
		{method: "Invitations.Accept", variant: " founding an organization", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Invitations.Accept(ctx, w.founding.Token.Reveal(), w.dan.ID)
		}},
		{method: "Invitations.Sweep", call: func(ctx context.Context, svc *tenancy.Service, _ *faultWorld) (any, error) {
			return svc.Invitations.Sweep(ctx)
		}},
		{method: "Users.Update", variant: " proving an address that is invited", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.Update(ctx, w.eve.ID, tenancy.UserUpdate{EmailVerified: servicetest.Ptr(true)})
		}},
		{method: "Memberships.Remove", variant: " of who is invited", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Memberships.Remove(ctx, w.acme.ID, w.joins.Invited)
		})},
		{method: "Users.Erase", variant: " of who is invited", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Users.Erase(ctx, w.joins.Invited)
		})},
		{method: "Users.Merge", variant: " of who asks and is invited", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Users.Merge(ctx, w.joins.Asker, w.joins.Invited)
		}},
		{method: "JoinCodes.Create", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinCodes.Create(ctx, tenancy.NewJoinCode{OrganizationID: w.acme.ID})
		}},
		{method: "JoinCodes.Revoke", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinCodes.Revoke(ctx, w.joins.Code)
		}},
		{method: "JoinCodes.Use", variant: " by who is invited", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinCodes.Use(ctx, w.joins.Link, w.joins.Invited)
		}},
		{method: "JoinCodes.Use", variant: " taking an invitation up", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.As(tenancy.UserPrincipal(w.joins.Invited)).JoinCodes.Use(ctx, w.joins.Link, w.joins.Invited)
		}},
		{method: "Memberships.Add", variant: " over an invitation", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: w.acme.ID, UserID: w.joins.Invited})
		}},
		{method: "Memberships.Add", variant: " naming an invitation", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.Memberships.Add(ctx, tenancy.NewMembership{
				OrganizationID: w.acme.ID, UserID: w.joins.Invited, InvitationID: w.joins.Invitation, Roles: []string{rbac.Guest},
			})
		}},
		{method: "Memberships.Remove", variant: " of who left", call: only(func(ctx context.Context, svc *tenancy.Service, w *faultWorld) error {
			return svc.Memberships.Remove(ctx, w.acme.ID, w.eve.ID)
		})},
		{method: "JoinRequests.Create", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinRequests.Create(ctx, w.acme.ID, w.joins.Joiner, "please")
		}},
		{method: "JoinRequests.Approve", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinRequests.Approve(ctx, w.joins.Request)
		}},
		{method: "JoinRequests.Decline", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinRequests.Decline(ctx, w.joins.Request)
		}},
		{method: "JoinRequests.Cancel", call: func(ctx context.Context, svc *tenancy.Service, w *faultWorld) (any, error) {
			return svc.JoinRequests.Cancel(ctx, w.joins.Request)
		}},
	}
}

// settleInvitations lays what the calls on joining need in acme.
func (w *faultWorld) settleInvitations() {
	w.Clock.Advance(-60 * servicetest.Day)
	w.late = w.User("tardy")
	w.Invite(w.acme, w.late.Email)
	w.Clock.Advance(60 * servicetest.Day)
	w.joins = w.SettleJoining(w.acme.ID, "")
	w.back = w.Invite(w.acme, w.dan.Email, rbac.Guest)
	w.unproved = w.Invite(w.beta, w.eve.Email)
	var err error
	w.founding, err = w.Svc.Invitations.Send(w.Ctx, tenancy.NewInvitation{
		Email: w.dan.Email, Found: &tenancy.NewOrganization{DisplayName: "Founded", Slug: "beta-1", ExternalID: "crm-9"},
	})
	w.NoError(err)
}
