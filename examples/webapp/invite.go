package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// invite sends an invitation by mail. The ceiling holds: nobody gives more than they have.
func (m *members) invite(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	in := tenancy.NewInvitation{OrganizationID: tenancyhttp.Organization(ctx), Email: r.PostFormValue("email")}
	if role := r.PostFormValue("role"); role != "" {
		in.Roles = []string{role}
	}
	_, err := tenancyhttp.Service(ctx).Invitations.Send(ctx, in)
	m.done(w, r, home(r)+"/members", err)
}

func (m *members) resend(w http.ResponseWriter, r *http.Request) {
	id, err := m.invitation(r)
	if err == nil {
		_, err = tenancyhttp.Service(r.Context()).Invitations.Resend(r.Context(), id)
	}
	m.done(w, r, home(r)+"/members", err)
}

func (m *members) revoke(w http.ResponseWriter, r *http.Request) {
	id, err := m.invitation(r)
	if err == nil {
		_, err = tenancyhttp.Service(r.Context()).Invitations.Revoke(r.Context(), id)
	}
	m.done(w, r, home(r)+"/members", err)
}

// invitation returns the id in the path, if that invitation belongs to the organization in the path: a person
// may manage two organizations, but each on its own pages.
func (m *members) invitation(r *http.Request) (tenancy.InvitationID, error) {
	ctx := r.Context()
	id, err := tenancyhttp.ID[tenancy.Invitation](r, "invitation")
	if err != nil {
		return id, err
	}
	found, err := tenancyhttp.Service(ctx).Invitations.Get(ctx, id)
	if err == nil && found.OrganizationID != tenancyhttp.Organization(ctx) {
		err = tenancy.ErrNotFound
	}
	return id, err
}
