package servicetest

import (
	"context"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// joinable is what the calls on invitations, join codes and join requests need, in one
// organization.
type joinable struct {
	invitation tenancy.InvitationID // pending, to the address of invited
	invited    tenancy.UserID
	invite     string // its token
	code       tenancy.JoinCodeID
	link       string                // its token
	request    tenancy.JoinRequestID // asker's, pending
	asker      tenancy.UserID
	joiner     tenancy.UserID // in nothing
}

// settleJoining lays it, and an invitation that ran out long ago.
func (w *world) settleJoining(org tenancy.OrganizationID, suffix string) joinable {
	w.t.Helper()
	at := tenancy.Organization{ID: org}
	w.clock.advance(-90 * day)
	w.invite(at, "late"+suffix+"@acme.example")
	w.clock.advance(90 * day)
	invited, asker, joiner := w.user("invited"+suffix), w.user("asker"+suffix), w.user("joiner"+suffix)
	sent, code := w.invite(at, invited.Email, rbac.Guest), w.code(at)
	req, err := w.svc.JoinRequests.Create(w.ctx, org, asker.ID, "please")
	w.NoError(err)
	return joinable{
		invitation: sent.ID, invited: invited.ID, invite: sent.Token.Reveal(), code: code.ID, link: code.Token.Reveal(),
		request: req.ID, asker: asker.ID, joiner: joiner.ID,
	}
}

func noInvitation() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown invitation": func(c *cast) { c.joinable.invitation = tenancy.InvitationID(nobody) },
		"zero invitation":    func(c *cast) { c.joinable.invitation = tenancy.InvitationID{} },
	}
}

func noCode() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown code": func(c *cast) { c.joinable.code = tenancy.JoinCodeID(nobody) },
		"zero code":    func(c *cast) { c.joinable.code = tenancy.JoinCodeID{} },
	}
}

func noRequest() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown request": func(c *cast) { c.request = tenancy.JoinRequestID(nobody) },
		"zero request":    func(c *cast) { c.request = tenancy.JoinRequestID{} },
	}
}

func noJoiner() map[string]func(*cast) {
	return map[string]func(*cast){
		"unknown person": func(c *cast) { c.joiner, c.invited = nobody, nobody },
		"zero person":    func(c *cast) { c.joiner, c.invited = tenancy.UserID{}, tenancy.UserID{} },
	}
}

func unknownOrg() map[string]func(*cast) {
	return map[string]func(*cast){"unknown organization": func(c *cast) { c.org = nowhere }}
}

func invitationMethods() map[string]method {
	return map[string]method{
		"Send": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: c.org, Email: "someone@acme.example"})
			return err
		}, unknownOrg()),
		"Resend": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Resend(ctx, c.invitation)
			return err
		}, noInvitation()),
		"Revoke": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Revoke(ctx, c.invitation)
			return err
		}, noInvitation()),
		"Accept": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Accept(ctx, c.invite, c.invited)
			return err
		}, noJoiner()),
		"Sweep": writes(func(ctx context.Context, s *tenancy.Service, _ cast) error {
			_, err := s.Invitations.Sweep(ctx)
			return err
		}),
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.Get(ctx, c.invitation)
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
			_, err := s.Invitations.Preview(ctx, c.invite)
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
			_, err := s.JoinCodes.Revoke(ctx, c.joinable.code)
			return err
		}, noCode()),
		"Use": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinCodes.Use(ctx, c.link, c.joiner)
			return err
		}, noJoiner()),
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinCodes.Get(ctx, c.joinable.code)
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
			_, err := s.JoinRequests.Create(ctx, c.org, c.joiner, "")
			return err
		}, noOrg(), noJoiner()),
		"Approve": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.Approve(ctx, c.request)
			return err
		}, noRequest()),
		"Decline": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.Decline(ctx, c.request)
			return err
		}, noRequest()),
		"Cancel": writes(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.Cancel(ctx, c.request)
			return err
		}, noRequest()),
		"Get": reads(func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.JoinRequests.Get(ctx, c.request)
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
