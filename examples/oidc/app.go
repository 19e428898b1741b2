package main

import (
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// settings are what the program is started with.
type settings struct {
	url string // where browsers reach it
	own client // at the program's own provider
	// secret is the client's secret at the provider behind a connection.
	secret func(tenancy.ConnectionID) string
	// client talks to the providers. Where organizations enter their issuers themselves,
	// that is a URL of a stranger's: have one that dials no private addresses.
	client *http.Client
	log    *slog.Logger
}

type app struct {
	settings
	insecure bool // browsers reach it by plain http
	service  *tenancy.Service
	sessions *tenancyhttp.Sessions
	guard    *tenancyhttp.Guard
	issuers  sync.Map // *oidc.Provider by issuer
}

func open(s settings) (*app, error) {
	a := &app{settings: s, insecure: strings.HasPrefix(s.url, "http:")}
	var err error
	a.service, err = tenancy.New(tenancy.Config{Store: memory.New(), Logger: s.log, SignInMethods: []tenancy.SignInMethod{social}})
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
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /callback/{provider}", a.callback)
	mux.HandleFunc("POST /sign-out", a.sessions.SignOut)
	// All of it is the program's own: it shows nothing of an organization's.
	return http.NewCrossOriginProtection().Handler(a.guard.Public(mux))
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	who, err := a.sessions.Authenticate(r)
	switch {
	case tenancy.CodeOf(err) == tenancyhttp.ErrUnauthenticated:
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	case err != nil:
		a.fail(w, r, err)
	case who.Organization.ID.IsZero():
		fmt.Fprintf(w, "%s, by %s\n", who.User.Email, who.Session.Method)
	default:
		fmt.Fprintf(w, "%s, by %s, at %s as %s\n", who.User.Email, who.Session.Method,
			who.Organization.DisplayName, strings.Join(who.Member.Roles, " and "))
	}
}

// fail answers what went wrong. Of what a provider, or somebody in its place, has sent
// only the log is told.
func (a *app) fail(w http.ResponseWriter, r *http.Request, err error) {
	a.log.WarnContext(r.Context(), "sign-in", "error", err)
	var known *tenancy.Error
	if !errors.As(err, &known) {
		known = &tenancy.Error{Code: tenancy.ErrInvalidToken, Reason: "the sign-in did not work: start over"}
	}
	tenancyhttp.WriteError(w, known)
}

// refused is a decision that lets nobody in yet, and how the person came.
type refused struct {
	tenancy.Decision
	Trip trip
}

var refusal = template.Must(template.New("refusal").Parse(`<!doctype html>
<title>Sign in</title>
<p>{{.Kind}} {{.Code}}</p>
{{range .Connections}}<p><a href="/login?with={{.ID}}&amp;organization={{$.Trip.Organization}}&amp;invitation={{$.Trip.Invitation}}">{{.Name}}</a></p>
{{end}}{{range .Choices}}<p><a href="/login?with={{$.Trip.Provider}}&amp;organization={{.OrganizationID}}">{{.OrganizationName}}</a></p>
{{end}}`))
