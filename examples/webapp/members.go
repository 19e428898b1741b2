package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// members is the page on which an organization looks after its people. All that it
// asks is asked as the one who makes the request, and the rules are not here.
type members struct{ *site }

type membersPage struct {
	tenancy.Page[tenancy.Member]
	Roles []tenancy.Role // to choose from; none for those who may not
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
	page.Page, err = svc.Memberships.List(ctx, org, tenancy.MemberQuery{Order: tenancy.ByName, Cursor: r.FormValue("after")})
	if err != nil {
		return page, err
	}
	for _, needed := range []rbac.Permission{rbac.WriteMembers, rbac.ReadRoles} {
		if may, err := tenancyhttp.Can(ctx, needed); err != nil || !may {
			return page, err
		}
	}
	page.Roles, err = svc.Roles.List(ctx, org)
	return page, err
}

func (m *members) setRole(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	user, err := member(r)
	if err == nil {
		_, err = tenancyhttp.Service(ctx).Memberships.SetRoles(ctx, tenancyhttp.Organization(ctx), user, r.PostFormValue("role"))
	}
	m.done(w, r, home(r)+"/members", err)
}

func (m *members) remove(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	user, err := member(r)
	if err == nil {
		err = tenancyhttp.Service(ctx).Memberships.Remove(ctx, tenancyhttp.Organization(ctx), user)
	}
	m.done(w, r, home(r)+"/members", err)
}

func (m *members) leave(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	err := tenancyhttp.Service(ctx).Memberships.Leave(ctx, tenancyhttp.Organization(ctx), tenancyhttp.User(ctx))
	m.done(w, r, "/", err)
}

func (m *members) done(w http.ResponseWriter, r *http.Request, next string, err error) {
	if err != nil {
		m.guard.Error(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// member is the user in the path. What is no user's id is nobody.
func member(r *http.Request) (tenancy.UserID, error) {
	id, err := tenancy.ParseUserID(r.PathValue("user"))
	if err != nil {
		return id, tenancy.ErrNotFound
	}
	return id, nil
}
