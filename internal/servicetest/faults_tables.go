package servicetest

import "github.com/freehold-dev/freehold/tenancy"

func (t faultTx) Invitations() tenancy.Table[tenancy.Invitation, tenancy.InvitationFilter] {
	return faultTable[tenancy.Invitation, tenancy.InvitationFilter]{t.Tx.Invitations(), t.store}
}

func (t faultTx) JoinCodes() tenancy.Table[tenancy.JoinCode, tenancy.JoinCodeFilter] {
	return faultTable[tenancy.JoinCode, tenancy.JoinCodeFilter]{t.Tx.JoinCodes(), t.store}
}

func (t faultTx) JoinRequests() tenancy.Table[tenancy.JoinRequest, tenancy.JoinRequestFilter] {
	return faultTable[tenancy.JoinRequest, tenancy.JoinRequestFilter]{t.Tx.JoinRequests(), t.store}
}

func (t faultTx) Domains() tenancy.Table[tenancy.Domain, tenancy.DomainFilter] {
	return faultTable[tenancy.Domain, tenancy.DomainFilter]{t.Tx.Domains(), t.store}
}

func (t faultTx) Connections() tenancy.Table[tenancy.Connection, tenancy.ConnectionFilter] {
	return faultTable[tenancy.Connection, tenancy.ConnectionFilter]{t.Tx.Connections(), t.store}
}

func (t faultTx) Policies() tenancy.Table[tenancy.Policy, tenancy.PolicyFilter] {
	return faultTable[tenancy.Policy, tenancy.PolicyFilter]{t.Tx.Policies(), t.store}
}

func (t faultTx) Sessions() tenancy.Table[tenancy.Session, tenancy.SessionFilter] {
	return faultTable[tenancy.Session, tenancy.SessionFilter]{t.Tx.Sessions(), t.store}
}
