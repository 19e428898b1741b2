package main

import (
	"context"
	"net/http"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// members is the page on which an organization manages its people. It makes all calls as the user of the
// request. It contains no rules; the Service does.
type members struct{ *site }

type membersPage struct {
	tenancy.Page[tenancy.Member]
	Roles       []tenancy.Role       // the choices; empty for users who may not change roles
	Invitations []tenancy.Invitation // the pending ones; empty for users who may not see them
}

func (m *members) list(w http.ResponseWriter, r *http.Request) {
	page, err := m.page(r)
	if err != nil {
		m.guard.Error(w, r, err)
		return
	}
	m.show(w, r, "members", "Members", page)
}

func (m *members) page(r *http.Request) (page membersPage, err error) {
	ctx := r.Context()
	svc, org := tenancyhttp.Service(ctx), tenancyhttp.Organization(ctx)
	page.Page, err = svc.Memberships.List(ctx, org, tenancy.MemberQuery{
		Statuses: []tenancy.MembershipStatus{tenancy.MembershipActive, tenancy.MembershipInactive},
		Order:    tenancy.ByName, Cursor: r.FormValue("after"),
	})
	if err != nil {
		return page, err
	}
	for _, needed := range []rbac.Permission{rbac.WriteMembers, rbac.ReadRoles, rbac.ReadInvitations} {
		if may, err := tenancyhttp.Can(ctx, needed); err != nil || !may {
			return page, err
		}
	}
	if page.Roles, err = svc.Roles.List(ctx, org); err != nil {
		return page, err
	}
	waiting, err := svc.Invitations.List(ctx, org, tenancy.InvitationQuery{
		States: []tenancy.InvitationState{tenancy.InvitationPending, tenancy.InvitationExpired}, Descending: true,
	})
	page.Invitations = waiting.Items
	return page, err
}

func (m *members) setRole(w http.ResponseWriter, r *http.Request) {
	m.change(w, r, func(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, user tenancy.UserID) error {
		_, err := svc.Memberships.SetRoles(ctx, org, user, r.PostFormValue("role"))
		return err
	})
}

// deactivate removes a member's access: their sessions in this organization have ended by the next request.
func (m *members) deactivate(w http.ResponseWriter, r *http.Request) {
	m.change(w, r, func(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, user tenancy.UserID) error {
		_, err := svc.Memberships.Deactivate(ctx, org, user)
		return err
	})
}

func (m *members) reactivate(w http.ResponseWriter, r *http.Request) {
	m.change(w, r, func(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, user tenancy.UserID) error {
		_, err := svc.Memberships.Reactivate(ctx, org, user)
		return err
	})
}

func (m *members) remove(w http.ResponseWriter, r *http.Request) {
	m.change(w, r, func(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, user tenancy.UserID) error {
		return svc.Memberships.Remove(ctx, org, user)
	})
}

// leave also ends the session, because that is in the organization left.
func (m *members) leave(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	err := tenancyhttp.Service(ctx).Memberships.Leave(ctx, tenancyhttp.Organization(ctx), tenancyhttp.User(ctx))
	m.done(w, r, "/", err)
}

// change changes the member in the path. A text that is not a user's id names no member.
func (m *members) change(w http.ResponseWriter, r *http.Request,
	fn func(context.Context, *tenancy.Service, tenancy.OrganizationID, tenancy.UserID) error,
) {
	ctx := r.Context()
	user, err := tenancyhttp.ID[tenancy.User](r, "user")
	if err == nil {
		err = fn(ctx, tenancyhttp.Service(ctx), tenancyhttp.Organization(ctx), user)
	}
	m.done(w, r, home(r)+"/members", err)
}
