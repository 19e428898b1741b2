package rules

import (
	"context"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

func noInvitation() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown invitation": func(c *cast) { c.Joinable.Invitation = tenancy.InvitationID(servicetest.Nobody) },
		"zero invitation":    func(c *cast) { c.Joinable.Invitation = tenancy.InvitationID{} },
	}
}

func noCode() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown code": func(c *cast) { c.Joinable.Code = tenancy.JoinCodeID(servicetest.Nobody) },
		"zero code":    func(c *cast) { c.Joinable.Code = tenancy.JoinCodeID{} },
	}
}

func noRequest() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown request": func(c *cast) { c.Request = tenancy.JoinRequestID(servicetest.Nobody) },
		"zero request":    func(c *cast) { c.Request = tenancy.JoinRequestID{} },
	}
}

func noJoiner() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown person": func(c *cast) { c.Joiner, c.Invited = servicetest.Nobody, servicetest.Nobody },
		"zero person":    func(c *cast) { c.Joiner, c.Invited = tenancy.UserID{}, tenancy.UserID{} },
	}
}

func unknownOrg() map[string]func(*cast) {
	return map[string]func(*cast){"unknown organization": func(c *cast) { c.org = servicetest.Nowhere }}
}

func invitationMethods() map[string]method {
	return map[string]method{
		"Send": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: c.org, Email: "someone@acme.example"})
			return err
		}, unknownOrg()),
		"Resend": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Resend(ctx, c.Invitation)
			return err
		}, noInvitation()),
		"Revoke": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Revoke(ctx, c.Invitation)
			return err
		}, noInvitation()),
		"SendMany": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.SendMany(ctx, []tenancy.NewInvitation{{OrganizationID: c.org, Email: "someone@acme.example"}}, tenancy.SendOptions{})
			return err
		}, unknownOrg()),
		"Update": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Update(ctx, c.Invitation, tenancy.InvitationUpdate{Roles: tenancy.Set([]string{rbac.Member})})
			return err
		}, noInvitation()),
		"Decline": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Decline(ctx, c.Invite)
			return err
		}),
		"Accept": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Accept(ctx, c.Invite, c.Invited)
			return err
		}, noJoiner()),
		"Sweep": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Invitations.Sweep(ctx)
			return err
		}),
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Get(ctx, c.Invitation)
			return err
		}, noInvitation()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.List(ctx, c.org, tenancy.InvitationQuery{})
			return err
		}, unknownOrg()),
		"All": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.Invitations.All(ctx, c.org, tenancy.InvitationQuery{Limit: 1}))
		}, unknownOrg()),
		"ListByUser": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.ListByUser(ctx, c.member, tenancy.InvitationQuery{})
			return err
		}, noUser()),
		"AllByUser": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.Invitations.AllByUser(ctx, c.member, tenancy.InvitationQuery{Limit: 1}))
		}, noUser()),
		"Preview": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Preview(ctx, c.Invite)
			return err
		}),
	}
}

func joinCodeMethods() map[string]method {
	return map[string]method{
		"Create": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinCodes.Create(ctx, tenancy.NewJoinCode{OrganizationID: c.org})
			return err
		}, noOrg()),
		"Revoke": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinCodes.Revoke(ctx, c.Joinable.Code)
			return err
		}, noCode()),
		"Use": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinCodes.Use(ctx, c.Link, c.Joiner)
			return err
		}, noJoiner()),
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinCodes.Get(ctx, c.Joinable.Code)
			return err
		}, noCode()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinCodes.List(ctx, c.org, tenancy.JoinCodeQuery{})
			return err
		}, noOrg()),
		"All": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.JoinCodes.All(ctx, c.org, tenancy.JoinCodeQuery{Limit: 1}))
		}, noOrg()),
	}
}

func joinRequestMethods() map[string]method {
	return map[string]method{
		"Create": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.Create(ctx, c.org, c.Joiner, "")
			return err
		}, noOrg(), noJoiner()),
		"Approve": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.Approve(ctx, c.Request)
			return err
		}, noRequest()),
		"Decline": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.Decline(ctx, c.Request)
			return err
		}, noRequest()),
		"Cancel": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.Cancel(ctx, c.Request)
			return err
		}, noRequest()),
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.Get(ctx, c.Request)
			return err
		}, noRequest()),
		"List": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.List(ctx, c.org, tenancy.JoinRequestQuery{})
			return err
		}, noOrg()),
		"All": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			return drain(s.JoinRequests.All(ctx, c.org, tenancy.JoinRequestQuery{Limit: 1}))
		}, noOrg()),
	}
}
