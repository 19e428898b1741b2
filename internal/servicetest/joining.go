package servicetest

import (
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// Invite sends an invitation of the host's.
func (w *World) Invite(org tenancy.Organization, email string, roles ...string) tenancy.SentInvitation {
	w.T.Helper()
	return w.InviteBy(w.Svc, org, email, roles...)
}

// InviteBy sends an invitation through a Service that may be bound to somebody.
func (w *World) InviteBy(svc *tenancy.Service, org tenancy.Organization, email string, roles ...string) tenancy.SentInvitation {
	w.T.Helper()
	sent, err := svc.Invitations.Send(w.Ctx, Asking(org, email, roles...))
	w.NoError(err)
	return sent
}

// Asking is the input that invites an address.
func Asking(org tenancy.Organization, email string, roles ...string) tenancy.NewInvitation {
	return tenancy.NewInvitation{OrganizationID: org.ID, Email: email, Roles: roles}
}

// Code makes a join code of the host's.
func (w *World) Code(org tenancy.Organization) tenancy.IssuedJoinCode {
	w.T.Helper()
	code, err := w.Svc.JoinCodes.Create(w.Ctx, tenancy.NewJoinCode{OrganizationID: org.ID})
	w.NoError(err)
	return code
}

// Joinable is what the calls on invitations, join codes and join requests need, in one
// organization.
type Joinable struct {
	Invitation tenancy.InvitationID // pending, to the address of invited
	Invited    tenancy.UserID
	Invite     string // its token
	Code       tenancy.JoinCodeID
	Link       string                // its token
	Request    tenancy.JoinRequestID // asker's, pending
	Asker      tenancy.UserID
	Joiner     tenancy.UserID // in nothing
}

// SettleJoining lays what is [Joinable], and an invitation that ran out long ago.
func (w *World) SettleJoining(org tenancy.OrganizationID, suffix string) Joinable {
	w.T.Helper()
	at := tenancy.Organization{ID: org}
	w.Clock.Advance(-90 * Day)
	w.Invite(at, "late"+suffix+"@acme.example")
	w.Clock.Advance(90 * Day)
	invited, asker, joiner := w.User("invited"+suffix), w.User("asker"+suffix), w.User("joiner"+suffix)
	sent, code := w.Invite(at, invited.Email, rbac.Guest), w.Code(at)
	_, err := w.Svc.Organizations.Update(w.Ctx, org, tenancy.OrganizationUpdate{JoinRequests: Ptr(true)})
	w.NoError(err)
	req, err := w.Svc.JoinRequests.Create(w.Ctx, org, asker.ID, "please")
	w.NoError(err)
	return Joinable{
		Invitation: sent.ID, Invited: invited.ID, Invite: sent.Token.Reveal(), Code: code.ID, Link: code.Token.Reveal(),
		Request: req.ID, Asker: asker.ID, Joiner: joiner.ID,
	}
}
