package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// invitationPage is where the link in the mail leads. Looking spends nothing, so it
// does no harm that mail programs look, too.
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

// acceptInvitation signs somebody new in by the link alone: it went to the mailbox and
// nowhere else. Who has an account already is asked for a code.
func (a *accounts) acceptInvitation(w http.ResponseWriter, r *http.Request) {
	a.enter(w, r, tenancy.Attempt{Invitation: r.PostFormValue("invitation")})
}

// joinInvited accepts as whoever is signed in, and goes there.
func (a *accounts) joinInvited(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	joined, err := tenancyhttp.Service(ctx).Invitations.Accept(ctx, r.PostFormValue("invitation"), tenancyhttp.User(ctx))
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.moveTo(w, r, joined.OrganizationID)
}

// declineInvitation ends an invitation. The token is enough, so nobody has to sign in for that. It is
// a POST, because mail programs open the links of a mail.
func (a *accounts) declineInvitation(w http.ResponseWriter, r *http.Request) {
	declined, err := a.service.Invitations.Decline(r.Context(), r.PostFormValue("invitation"))
	if err != nil {
		a.guard.Error(w, r, err)
		return
	}
	a.show(w, r, "declined", "Declined", declined)
}
