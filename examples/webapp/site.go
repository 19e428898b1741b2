package main

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"path"
	"strings"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

//go:embed pages/*.html
var files embed.FS

// site is what all handlers share. It has no Service: they take the Service that the guard puts into their
// request.
type site struct {
	db       *sql.DB
	guard    *tenancyhttp.Guard
	sessions *tenancyhttp.Sessions
	pages    map[string]*template.Template
	demo     bool
}

// loadPages parses each page with the layout around it.
func loadPages() (map[string]*template.Template, error) {
	names, err := files.ReadDir("pages")
	if err != nil {
		return nil, err
	}
	pages := make(map[string]*template.Template, len(names))
	for _, file := range names {
		page, err := template.ParseFS(files, "pages/layout.html", path.Join("pages", file.Name()))
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(file.Name(), ".html")] = page
	}
	return pages, nil
}

// view is the data of a page.
type view struct {
	Title    string
	SignedIn bool
	Switcher []tenancy.Member // the user's organizations
	Here     tenancy.Member   // the user in the organization of this page, if the page has one
	Data     any

	ctx context.Context
}

// Can reports whether to show a button.
func (v view) Can(permission string) (bool, error) {
	return tenancyhttp.Can(v.ctx, rbac.Permission(permission))
}

func (s *site) show(w http.ResponseWriter, r *http.Request, name, title string, data any) {
	s.showAs(w, r, http.StatusOK, name, title, data)
}

func (s *site) showAs(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) {
	v := view{Title: title, Data: data, ctx: r.Context()}
	err := v.locate()
	if err == nil {
		err = s.write(w, name, status, v)
	}
	if err != nil {
		s.guard.Error(w, r, err)
	}
}

// locate finds the user's organization on this page, and the user's other organizations.
func (v *view) locate() error {
	svc, org, user := tenancyhttp.Service(v.ctx), tenancyhttp.Organization(v.ctx), tenancyhttp.User(v.ctx)
	if svc == nil {
		return nil
	}
	mine, err := svc.Memberships.ListByUser(v.ctx, user, tenancy.MemberQuery{})
	if err != nil {
		return err
	}
	v.SignedIn, v.Switcher = true, mine.Items
	if !org.IsZero() {
		v.Here, err = svc.Memberships.Get(v.ctx, org, user)
	}
	return err
}

// write builds the whole page before it sends any of it.
func (s *site) write(w http.ResponseWriter, name string, status int, v view) error {
	var page bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&page, "layout", v); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin") // some URLs contain a token
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // an error means that the browser has gone
	return nil
}

// sorry answers a refused request. It sends a person who is not signed in to the sign-in page. Others get a
// page that says no more than the problem does.
func (s *site) sorry(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, tenancyhttp.ErrUnauthenticated) {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	problem := tenancyhttp.ProblemOf(err)
	if s.write(w, "problem", problem.Status, view{Title: problem.Title, Data: problem, ctx: r.Context()}) != nil {
		tenancyhttp.WriteError(w, err)
	}
}

// done redirects after a change, or shows why there was none.
func (s *site) done(w http.ResponseWriter, r *http.Request, next string, err error) {
	if err != nil {
		s.guard.Error(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// home returns the page of the request's organization.
func home(r *http.Request) string { return pathOf(tenancyhttp.Organization(r.Context())) }

func pathOf(org tenancy.OrganizationID) string {
	if org.IsZero() {
		return "/"
	}
	return "/orgs/" + org.String()
}

// organizations is the switcher as a page, for people who are in no organization yet.
func (s *site) organizations(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, "organizations", "Your organizations", nil)
}

func (s *site) createOrganization(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	org, err := tenancyhttp.Service(ctx).Organizations.Create(ctx, tenancy.NewOrganization{
		DisplayName: r.PostFormValue("name"), Owner: tenancyhttp.User(ctx),
	})
	if err != nil {
		s.guard.Error(w, r, err)
		return
	}
	s.moveTo(w, r, org.ID)
}

// moveTo switches the session to an organization, as the switcher does.
func (s *site) moveTo(w http.ResponseWriter, r *http.Request, org tenancy.OrganizationID) {
	ctx := r.Context()
	d, err := tenancyhttp.Service(ctx).Sessions.Switch(ctx, s.sessions.Token(r), org)
	if err == nil && d.Kind != tenancy.DecisionSignedIn {
		err = &tenancy.Error{Code: tenancyhttp.ErrSignInWanted, Op: "switch", Reason: string(d.Kind)}
	}
	s.done(w, r, pathOf(org), err)
}
