package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// invitationPage is the page of the link in the mail. It does not use up the token, because mail programs open
// links, too.
func (a *accounts) invitationPage(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("token")
	preview, err := a.service.Invitations.Preview(r.Context(), token)
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	found, err := a.sessions.Authenticate(r)
	if err != nil && tenancy.CodeOf(err) != tenancyhttp.ErrUnauthenticated {
		a.guard.Error(w, r, err)
		return
	}
	a.show(w, r, "invitation", "You are invited", struct {
		tenancy.InvitationPreview
		Invitation, Address, SignedInAs string
	}{preview, token, r.FormValue("email"), found.User.Email})
}

// acceptInvitation signs a new person in by the link alone: only their mailbox received it. A person who has an
// account already must enter a code.
func (a *accounts) acceptInvitation(w http.ResponseWriter, r *http.Request) {
	a.enter(w, r, tenancy.Attempt{Invitation: r.PostFormValue("invitation")})
}

// joinInvited accepts the invitation as the signed-in user, and switches to the organization.
func (a *accounts) joinInvited(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	joined, err := tenancyhttp.Service(ctx).Invitations.Accept(ctx, r.PostFormValue("invitation"), tenancyhttp.User(ctx))
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.moveTo(w, r, joined.OrganizationID)
}

// declineInvitation ends an invitation. The token is enough, so the person need not sign in. It is a POST,
// because mail programs open the links of a mail.
func (a *accounts) declineInvitation(w http.ResponseWriter, r *http.Request) {
	declined, err := a.service.Invitations.Decline(r.Context(), r.PostFormValue("invitation"))
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.show(w, r, "declined", "Declined", declined)
}
