package store

import "github.com/freehold-dev/freehold/tenancy"

func (t *tx) Invitations() tenancy.Table[tenancy.Invitation, tenancy.InvitationFilter] {
	return &t.invitations
}

func (t *tx) JoinCodes() tenancy.Table[tenancy.JoinCode, tenancy.JoinCodeFilter] { return &t.joinCodes }

func (t *tx) JoinRequests() tenancy.Table[tenancy.JoinRequest, tenancy.JoinRequestFilter] {
	return &t.joinRequests
}

func (t *tx) Domains() tenancy.Table[tenancy.Domain, tenancy.DomainFilter] { return &t.domains }

func (t *tx) Connections() tenancy.Table[tenancy.Connection, tenancy.ConnectionFilter] {
	return &t.connections
}

func (t *tx) Policies() tenancy.Table[tenancy.Policy, tenancy.PolicyFilter] { return &t.policies }

func (t *tx) Sessions() tenancy.Table[tenancy.Session, tenancy.SessionFilter] { return &t.sessions }
