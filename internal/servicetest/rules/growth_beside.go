package rules

import (
	"context"

	"github.com/freehold-dev/freehold/tenancy"
)

// grownBeside are the lists of an organization and of a user that have little, in a store where
// others have much. A store that walks along all ids, in the hope to meet a few that match, has to walk past
// those of the others.
func grownBeside() map[string]growthCall {
	calls := map[string]growthCall{}
	list := func(name string, call func(ctx context.Context, s *tenancy.Service, c cast) error) {
		calls[name+" beside"] = growthCall{call: call}
	}
	list("Connections.List", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Connections.List(ctx, c.shut, tenancy.ConnectionQuery{})
		return err
	})
	list("Domains.List", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Domains.List(ctx, c.shut, tenancy.DomainQuery{})
		return err
	})
	list("Events.List of an organization", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Events.List(ctx, tenancy.EventQuery{OrganizationID: c.shut})
		return err
	})
	list("Invitations.List", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Invitations.List(ctx, c.shut, tenancy.InvitationQuery{})
		return err
	})
	list("Invitations.List of every state", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Invitations.List(ctx, c.shut, tenancy.InvitationQuery{States: []tenancy.InvitationState{
			tenancy.InvitationPending, tenancy.InvitationAccepted, tenancy.InvitationRevoked, tenancy.InvitationDeclined, tenancy.InvitationExpired, tenancy.InvitationVoid,
		}})
		return err
	})
	list("JoinCodes.List", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.JoinCodes.List(ctx, c.shut, tenancy.JoinCodeQuery{})
		return err
	})
	list("JoinRequests.List", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.JoinRequests.List(ctx, c.shut, tenancy.JoinRequestQuery{})
		return err
	})
	list("Memberships.List", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Memberships.List(ctx, c.shut, tenancy.MemberQuery{})
		return err
	})
	list("Roles.List", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Roles.List(ctx, c.shut)
		return err
	})
	list("Sessions.List", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Sessions.List(ctx, c.shut, tenancy.SessionQuery{Ended: true})
		return err
	})
	list("Identities.List", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Identities.List(ctx, c.outsider)
		return err
	})
	list("Invitations.ListByUser", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Invitations.ListByUser(ctx, c.outsider, tenancy.InvitationQuery{})
		return err
	})
	list("Memberships.ListByUser", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Memberships.ListByUser(ctx, c.outsider, tenancy.MemberQuery{})
		return err
	})
	list("Sessions.ListByUser", func(ctx context.Context, s *tenancy.Service, c cast) error {
		_, err := s.Sessions.ListByUser(ctx, c.outsider, tenancy.SessionQuery{Ended: true})
		return err
	})
	return calls
}
