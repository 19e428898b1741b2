package typedtest

import (
	"fmt"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// parentPlaces is how many organizations there are for what each has but one of.
const parentPlaces = 100

// bareDomain is not verified: it does not hold its name against other organizations.
func bareDomain(n int) tenancy.Domain {
	return tenancy.Domain{
		ID: newID[tenancy.Domain](n), Version: 1, OrganizationID: newID[tenancy.Organization](n % parentOrganizations),
		Name: fmt.Sprintf("x%d.example", n), Challenge: fmt.Sprintf("token-%d", n),
		State:   pick(n, tenancy.DomainPending, tenancy.DomainLapsed, tenancy.DomainDormant, tenancy.DomainFailed),
		Joining: tenancy.JoiningOff, CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

func fullDomain(n int) tenancy.Domain {
	v := bareDomain(n)
	v.State, v.Subdomains, v.Method = tenancy.DomainVerified, true, pick(n, "dns", "file")
	v.Joining = pick(n, tenancy.JoiningSuggest, tenancy.JoiningRequest, tenancy.JoiningAuto)
	v.Role = pick(n, "member", "guest", "Member")
	v.VerifiedAt, v.ProvedAt, v.MissingSince, v.DueAt = clock(n+2), clock(n+3), clock(n+4), clock(n/2)
	v.SubdomainsProvedAt, v.SubdomainsMissingSince = clock(n+5), clock(n+6)
	return v
}

func bareConnection(n int) tenancy.Connection {
	return tenancy.Connection{
		ID: newID[tenancy.Connection](n), Version: 1, OrganizationID: newID[tenancy.Organization](n % parentOrganizations),
		Protocol: pick(n, tenancy.ProtocolSAML, tenancy.ProtocolOIDC), Name: name(n),
		State: pick(n, tenancy.ConnectionActive, tenancy.ConnectionInactive), CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

func fullConnection(n int) tenancy.Connection {
	v := bareConnection(n)
	v.Provider, v.Issuer = pick(n, "okta", "entra"), fmt.Sprintf("https://id%d.example/?a=1&b=<2>", n)
	v.Settings, v.Groups = dictionary(n), map[string]string{"Engineering": "member", name(n): "guest"}
	v.UpdatesEmail, v.Epoch, v.SessionsEpoch = true, int64(n+1), int64(n+2)
	return v
}

func barePolicy(n int) tenancy.Policy {
	return tenancy.Policy{
		ID: newID[tenancy.Policy](n), Version: 1, OrganizationID: newID[tenancy.Organization](n),
		CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

func fullPolicy(n int) tenancy.Policy {
	v := barePolicy(n)
	v.Domain = tenancy.DomainPolicy{
		Methods:      []tenancy.SignInMethod{"password", tenancy.SignInMethod(name(n)), `quo"te`},
		ConnectionID: newID[tenancy.Connection](mentioned + n), SecondFactor: true,
	}
	v.Organization = tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: newID[tenancy.Connection](mentioned + n), SecondFactor: true}
	v.Exempt = []tenancy.UserID{newID[tenancy.User](mentioned + n), newID[tenancy.User](mentioned)}
	v.BindsOwners = true
	return v
}

func bareSession(n int) tenancy.Session {
	return tenancy.Session{
		ID: newID[tenancy.Session](n), Version: 1, UserID: newID[tenancy.User](n % parentUsers),
		SelectedAt: clock(n), ExpiresAt: clock(n / 2), CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

// fullSession is of a membership, by an identity and through a connection that are gone.
func fullSession(n int) tenancy.Session {
	v := bareSession(n)
	v.OrganizationID = newID[tenancy.Organization](n % parentOrganizations)
	v.MembershipID, v.IdentityID = newID[tenancy.Membership](mentioned+n%4), newID[tenancy.Identity](mentioned+n)
	v.Method, v.ConnectionID = pick(n, tenancy.MethodSingleSignOn, "password"), newID[tenancy.Connection](mentioned+n)
	v.SecondFactor, v.Confined, v.ConnectionEpoch = true, true, int64(n+1)
	v.UserAgent, v.Address = "Browser "+name(n), fmt.Sprintf("192.0.2.%d", n)
	v.EndedAt, v.EndReason, v.LastSeenAt = clock(n+2), pick(n, tenancy.EndedSignOut, tenancy.EndedRevoked), clock(n+3)
	return v
}

// fullSettings are an organization's, durations in whole seconds.
func fullSettings(n int) tenancy.Settings {
	return tenancy.Settings{
		SeatLimit: n + 1, DefaultRole: pick(n, "member", "guest"), CreatorRole: pick(n, "owner", "Owner", "org-owner"),
		Features:       map[string]bool{"sso": true, "beta": n%2 == 0},
		AllowedDomains: []string{"acme.example", fmt.Sprintf("x%d.example", n)}, BlockedDomains: []string{"evil.example"},
		AcceptOnDomains: true, SingleSignOnJoins: true,
		SessionIdle: time.Duration(n+1) * time.Second, SessionFor: time.Duration(n+1) * 24 * time.Hour,
	}
}

// manyPlaces inserts an organization for each row that takes one of its own.
func manyPlaces(c *check, tx tenancy.Tx) {
	for n := range parentPlaces {
		c.ok(tx.Organizations().Insert(c.ctx, bareOrganization(n)), "Insert an organization")
	}
}
