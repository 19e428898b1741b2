package tenancyhttp

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// SessionsConfig is what [NewSessions] needs. Service must be set.
type SessionsConfig struct {
	// Service is the host's own, not bound to anybody.
	Service *tenancy.Service
	// Name is the name of the cookie; default "__Host-session", "__Secure-session" with a
	// Domain, and "session" if Insecure. A browser accepts the prefix __Host- only over
	// https, from the host that the cookie goes back to, and only without a Domain.
	Name string
	// Domain sends the cookie to a domain and to every host below it: with "app.example"
	// to app.example and to acme.app.example. Default: only to the host that has set it.
	//
	// It is dangerous where a host below the domain serves the content of tenants or is
	// not yours. Such a host receives the session token of everybody who visits it, and
	// can sign visitors out, or in as somebody else, by a cookie of the same name.
	//
	// It is a name in ASCII (A-labels), without scheme and port. Case and one leading dot
	// do not count. IP addresses, public suffixes ("co.uk", "github.io") and single
	// labels ("localhost") are refused, because browsers drop cookies for them.
	Domain string
	// Insecure lets the cookie go over plain http, for development.
	Insecure bool
	// CrossOrigin says which requests [Sessions.Switch] and [Sessions.SignOut] accept from
	// a browser; default: those of the site itself. Requests with a Bearer token are not
	// checked. The check of all other routes is Config.CrossOrigin.
	CrossOrigin *http.CrossOriginProtection
	// Error answers a request that is refused or has failed; default: [WriteError].
	Error func(http.ResponseWriter, *http.Request, error)
	// Logger hears of every error that is answered with 500 or above; default: nobody
	// does.
	Logger *slog.Logger
	// Now is the clock of the cookie's Max-Age; default time.Now.
	Now func() time.Time
}

// Sessions finds the session of a request by its token. For most uses, hand it to a
// [Guard], and mount two of its methods:
//
//	sessions, err := tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: svc})
//	guard, err := tenancyhttp.New(tenancyhttp.Config{Service: svc, Sessions: sessions})
//	mux.Handle("POST /switch", guard.Public(http.HandlerFunc(sessions.Switch)))
//	mux.Handle("POST /sign-out", guard.Public(http.HandlerFunc(sessions.SignOut)))
//
// A request carries the token in one of two ways, and both open the same: the same
// organization, under the same policy (rule S6).
//
//   - A browser has it in a cookie, which [Sessions.Set] sets after sign-in. The cookie is
//     HttpOnly, Secure, SameSite=Lax and for the whole site; no script sees it.
//   - Any other client sends "Authorization: Bearer" and the token. The program gives it
//     the token after sign-in, from [tenancy.Token.Reveal].
//
// A request that has both, or two headers Authorization, is answered with
// [ErrTwoCarriers]. A request with two cookies of this name carries nothing: nobody makes
// it. Authorization with another scheme, such as Basic, does not count.
//
// It is immutable and safe for concurrent use.
type Sessions struct{ config SessionsConfig }

const (
	opNewSessions  = "new sessions"
	opAuthenticate = "authenticate"
)

// NewSessions makes a Sessions.
//
// Errors: [tenancy.ErrInvalid] with the field "service" where it is missing; "domain" for a
// Domain that no browser accepts; "name" for what cannot be the name of a cookie, or has
// a prefix that Insecure or Domain contradicts.
func NewSessions(config SessionsConfig) (*Sessions, error) {
	if config.Service == nil {
		return nil, &tenancy.Error{Code: tenancy.ErrInvalid, Op: opNewSessions, Field: "service", Reason: "is nil"}
	}
	if err := config.nameCookie(); err != nil {
		return nil, err
	}
	if config.CrossOrigin == nil {
		config.CrossOrigin = http.NewCrossOriginProtection()
	}
	if config.Error == nil {
		config.Error = func(w http.ResponseWriter, _ *http.Request, err error) { WriteError(w, err) }
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Sessions{config}, nil
}

// Set gives a browser a session that was just started, or to which a sign-in has added an
// entry, in the cookie. It lasts as long as the token can. It is not for clients that send a Bearer
// token: give them the token in the answer. Without a token, as after [tenancy.Sessions.Switch], the cookie
// stays as it is.
func (s *Sessions) Set(w http.ResponseWriter, started tenancy.StartedSession) {
	if started.Token.IsZero() {
		return
	}
	left := started.ExpiresAt.Sub(s.config.Now())
	s.cookie(w, started.Token.Reveal(), max(1, int(left/time.Second)))
}

// Clear takes the cookie from a browser. The session goes on: see [Sessions.SignOut].
func (s *Sessions) Clear(w http.ResponseWriter) { s.cookie(w, "", -1) }

func (s *Sessions) cookie(w http.ResponseWriter, value string, seconds int) {
	w.Header().Set("Cache-Control", "no-store")
	http.SetCookie(w, &http.Cookie{
		Name: s.config.Name, Value: value, Domain: s.config.Domain, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: !s.config.Insecure, SameSite: http.SameSiteLaxMode,
	})
}

// Token is the token that a request carries, in the cookie or as Bearer; "" where it
// carries no token, or more than one.
func (s *Sessions) Token(r *http.Request) string {
	c, err := s.carried(r)
	if err != nil {
		return ""
	}
	return c.token
}

// Authenticate says who makes a request, and which organization is current in their session.
// Behind a [Guard] it asks the Service once a request, and again after [Sessions.Switch] or
// [Sessions.SignOut] has run in the same request. It does not check from which site the request
// comes: a Guard does.
//
// Errors: [ErrUnauthenticated] for nobody, also for a session that has ended;
// [ErrTwoCarriers]; and what the Service could not do.
func (s *Sessions) Authenticate(r *http.Request) (tenancy.Authenticated, error) {
	return s.entered(r, tenancy.OrganizationID{})
}

// entered is Authenticate for the entry into an organization; zero: the current one.
//
// Errors: also [tenancy.ErrNotFound] where the session has no entry there.
func (s *Sessions) entered(r *http.Request, in tenancy.OrganizationID) (tenancy.Authenticated, error) {
	m := memoOf(r)
	if m == nil {
		return s.authenticate(r, in)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of != s {
		m.of, m.found = s, map[tenancy.OrganizationID]authenticated{}
	}
	known, is := m.found[in]
	if !is {
		known.found, known.err = s.authenticate(r, in)
		m.found[in] = known
		if at := known.found.Organization.ID; known.err == nil && in.IsZero() { // it is the entry there, too
			m.found[at] = known
		}
	}
	return known.found, known.err
}

// forget makes the next Authenticate of a request ask again.
func forget(r *http.Request) {
	if m := memoOf(r); m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.of, m.found = nil, nil
	}
}

func (s *Sessions) authenticate(r *http.Request, in tenancy.OrganizationID) (tenancy.Authenticated, error) {
	c, err := s.carried(r)
	if err != nil {
		return tenancy.Authenticated{}, err
	}
	found, err := s.config.Service.Sessions.Authenticate(tenancy.Trusted(r.Context()), c.token, in)
	return found, anonymous(err)
}

// anonymous makes nobody of whoever has a session that is none any more.
func anonymous(err error) error {
	switch tenancy.CodeOf(err) {
	case tenancy.ErrInvalidToken, tenancy.ErrSessionEnded, tenancy.ErrSessionExpired:
		return &tenancy.Error{Code: ErrUnauthenticated, Op: opAuthenticate, Err: err}
	}
	return err
}

// organization selects the one that is current in the session.
func (s *Sessions) organization(r *http.Request) (string, error) {
	found, err := s.Authenticate(r)
	if err != nil || found.Organization.ID.IsZero() {
		return "", err
	}
	return found.Organization.ID.String(), nil
}

// memo is what this package has found out about one request.
type memo struct {
	mu    sync.Mutex
	of    *Sessions // nil: nobody has authenticated yet, or it is out of date
	found map[tenancy.OrganizationID]authenticated
	vary  []string // names of headers that have selected the organization
}

// authenticated is what the Service has answered.
type authenticated struct {
	found tenancy.Authenticated
	err   error
}

type memoKey struct{}

// memoOf is the memo of a request; nil where no middleware stands in front.
func memoOf(r *http.Request) *memo {
	m, _ := r.Context().Value(memoKey{}).(*memo)
	return m
}

// remembering is ctx with a memo.
func remembering(ctx context.Context) context.Context {
	if ctx.Value(memoKey{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, memoKey{}, &memo{})
}
