package rules

import (
	"context"

	"github.com/freehold-dev/freehold/tenancy"
)

// grownBeside are the lists of an organization and of a user that have little, in a store where
// others have much. A store that walks along all ids, in the hope to meet a few that match, has to walk past
// those of the others.
func grownBeside() map[string]growthCall {
	calls := map[string]growthCall{
		"Events.List of an organization beside": {call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Events.List(ctx, tenancy.EventQuery{OrganizationID: c.shut})
			return err
		}},
		"Invitations.List of every state beside": {call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Invitations.List(ctx, c.shut, tenancy.InvitationQuery{States: []tenancy.InvitationState{
				tenancy.InvitationPending, tenancy.InvitationAccepted, tenancy.InvitationRevoked, tenancy.InvitationDeclined, tenancy.InvitationExpired, tenancy.InvitationVoid,
			}})
			return err
		}},
		"Sessions.List, ended, too, beside": {call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.List(ctx, c.shut, tenancy.SessionQuery{Ended: true})
			return err
		}},
		"Sessions.ListByUser, ended, too, beside": {call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			_, err := s.Sessions.ListByUser(ctx, c.outsider, tenancy.SessionQuery{Ended: true})
			return err
		}},
	}
	all := actorCalls()
	for _, name := range []string{
		"Connections.List", "Domains.List", "Identities.List", "Invitations.List", "Invitations.ListByUser", "JoinCodes.List",
		"JoinRequests.List", "Memberships.List", "Memberships.ListByUser", "Roles.List", "Sessions.List", "Sessions.ListByUser",
	} {
		list := all[name]
		calls[name+" beside"] = growthCall{call: func(ctx context.Context, s *tenancy.Service, c cast) error {
			c.org, c.member = c.shut, c.outsider
			return list(ctx, s, c)
		}}
	}
	return calls
}
