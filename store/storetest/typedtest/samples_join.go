package typedtest

import (
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// mentioned is the number from which on ids name nothing: what a row only mentions
// need not be there.
const mentioned = 7000

// bareInvitation is into the application, and decided: it holds no key.
func bareInvitation(n int) tenancy.Invitation {
	address := fmt.Sprintf("%s.%d@example.com", name(n), n)
	return tenancy.Invitation{
		ID: newID[tenancy.Invitation](n), Version: 1, Email: address, EmailKey: address,
		State:  pick(n, tenancy.InvitationAccepted, tenancy.InvitationRevoked, tenancy.InvitationExpired),
		SentAt: clock(n), ExpiresAt: clock(n / 2), CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

// fullInvitation is pending, though it has been decided by its other fields.
func fullInvitation(n int) tenancy.Invitation {
	v := bareInvitation(n)
	v.OrganizationID, v.State = newID[tenancy.Organization](n%parentOrganizations), tenancy.InvitationPending
	v.Email = fmt.Sprintf("%s.%d@Example.com", name(n), n)
	v.Roles, v.Metadata = []string{"member", `quo"te`, name(n)}, dictionary(n)
	v.InviterID, v.UserID = newID[tenancy.User](mentioned+n%3), newID[tenancy.User](mentioned+n%4)
	v.Sends, v.SentAt, v.DecidedAt = n+1, clock(n+3), clock(n+2)
	return v
}

func bareJoinCode(n int) tenancy.JoinCode {
	return tenancy.JoinCode{
		ID: newID[tenancy.JoinCode](n), Version: 1, OrganizationID: newID[tenancy.Organization](n % parentOrganizations),
		ExpiresAt: clock(n), CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

func fullJoinCode(n int) tenancy.JoinCode {
	v := bareJoinCode(n)
	v.Role, v.AllowedDomains = pick(n, "member", "guest", "Member"), []string{"acme.example", fmt.Sprintf("x%d.example", n)}
	v.MaxUses, v.Uses, v.CreatorID = n+2, n+1, newID[tenancy.User](mentioned+n%3)
	v.RevokedAt = clock(n + 2)
	return v
}

// bareJoinRequest is decided: it holds no key.
func bareJoinRequest(n int) tenancy.JoinRequest {
	return tenancy.JoinRequest{
		ID: newID[tenancy.JoinRequest](n), Version: 1,
		OrganizationID: newID[tenancy.Organization](n % parentOrganizations), UserID: newID[tenancy.User](n % parentUsers),
		State:     pick(n, tenancy.JoinRequestApproved, tenancy.JoinRequestDeclined, tenancy.JoinRequestCanceled),
		CreatedAt: clock(n), UpdatedAt: clock(n + 1),
	}
}

func fullJoinRequest(n int) tenancy.JoinRequest {
	v := bareJoinRequest(n)
	v.Note, v.State = "I am "+name(n), tenancy.JoinRequestPending
	v.DeciderID, v.DecidedAt = newID[tenancy.User](mentioned+n%3), clock(n+2)
	return v
}
