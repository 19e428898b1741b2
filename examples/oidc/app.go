package main

import (
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// settings configure the program.
type settings struct {
	url string // the URL at which browsers reach it
	own client // the client at the program's own provider
	// secret returns the client's secret at the provider of a connection.
	secret func(tenancy.ConnectionID) string
	// client connects to the providers. If organizations enter their issuers themselves, those URLs come from
	// strangers: use a client that dials no private addresses.
	client *http.Client
	log    *slog.Logger
}

type app struct {
	settings
	insecure bool   // browsers reach it by plain http
	trip     string // the name of a cookie
	service  *tenancy.Service
	sessions *tenancyhttp.Sessions
	guard    *tenancyhttp.Guard
	issuers  sync.Map // *oidc.Provider by issuer
}

func open(s settings) (*app, error) {
	a := &app{settings: s, trip: "__Host-sign-in"} // no other host of the domain can set a cookie with that prefix
	if a.insecure = strings.HasPrefix(s.url, "http:"); a.insecure {
		a.trip = "sign-in"
	}
	var err error
	a.service, err = tenancy.New(tenancy.Config{
		Store: memory.New(), Logger: s.log, SignInMethods: []tenancy.SignInMethod{social},
		AllowTestDomains: true, // for acme.example in this demonstration
	})
	if err != nil {
		return nil, err
	}
	a.sessions, err = tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: a.service, Insecure: a.insecure, Logger: s.log})
	if err != nil {
		return nil, err
	}
	a.guard, err = tenancyhttp.New(tenancyhttp.Config{Service: a.service, Sessions: a.sessions, Logger: s.log})
	return a, err
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.answer(a.home))
	mux.HandleFunc("GET /login", a.answer(a.loginPage))
	mux.HandleFunc("POST /login", a.answer(a.login))
	mux.HandleFunc("GET /callback/{provider}", a.answer(a.callback))
	mux.HandleFunc("POST /sign-out", a.sessions.SignOut)
	// All routes are Public: none shows anything of an organization.
	return http.NewCrossOriginProtection().Handler(a.guard.Public(mux))
}

func (a *app) home(w http.ResponseWriter, r *http.Request) error {
	who, err := a.sessions.Authenticate(r)
	switch {
	case tenancy.CodeOf(err) == tenancyhttp.ErrUnauthenticated:
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return nil
	case err != nil:
		return err
	case who.Organization.ID.IsZero():
		_, err = fmt.Fprintf(w, "%s, by %s\n", who.User.Email, who.Session.Method)
	default:
		_, err = fmt.Fprintf(w, "%s, by %s, at %s as %s\n", who.User.Email, who.Session.Method, who.Organization.DisplayName, strings.Join(who.Member.Roles, " and "))
	}
	return err
}

// answer handles errors of serve. A provider, or an attacker in its place, may have written the error's text,
// so only the log gets it.
func (a *app) answer(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := serve(w, r)
		if err == nil {
			return
		}
		var known *tenancy.Error
		a.log.WarnContext(r.Context(), "sign-in", "error", err)
		if !errors.As(err, &known) {
			known = &tenancy.Error{Code: tenancy.ErrInvalidToken, Reason: "the sign-in did not work: start over"}
		}
		tenancyhttp.WriteError(w, known)
	}
}

// page is what a person sees who is not signed in: a form, or the decision.
type page struct {
	tenancy.Decision
	Trip  trip
	Here  string     // the user who is signed in, if it is another person
	Query url.Values // query of a sign-in link
}

var pages = template.Must(template.New("page").Parse(`<!doctype html><title>Sign in</title>
{{if .Here}}<p>You are signed in as {{.Here}}. To go on as {{.User.Email}}, sign out first.</p>
<form method="post" action="/sign-out"><input type="hidden" name="return" value="/login?with={{.Trip.Provider}}&amp;organization={{.Trip.Organization}}&amp;invitation={{.Trip.Invitation}}"><button>Sign out {{.Here}}</button></form>
{{else if .Kind}}<p>{{.Kind}} {{.Code}}</p>
{{range .Connections}}<p><a href="/login?with={{.ID}}&amp;organization={{$.Trip.Organization}}&amp;invitation={{$.Trip.Invitation}}">{{.Name}}</a></p>
{{end}}{{range .Choices}}<p><a href="/login?with={{$.Trip.Provider}}&amp;organization={{.OrganizationID}}">{{.OrganizationName}}</a></p>
{{end}}{{else}}<form method="post" action="/login">{{range $name, $values := .Query}}<input type="hidden" name="{{$name}}" value="{{index $values 0}}">{{end}}<button>Sign in</button></form>{{end}}`))

func show(w http.ResponseWriter, status int, p page) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	return pages.Execute(w, p)
}
