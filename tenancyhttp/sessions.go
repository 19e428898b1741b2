package tenancyhttp

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// SessionsConfig is what [NewSessions] needs. Set Service.
type SessionsConfig struct {
	// Service is the trusted Service. It must not be bound.
	Service *tenancy.Service
	// Name is the name of the cookie. Default: "__Host-session"; with a Domain "__Secure-session"; with
	// Insecure "session". A browser accepts the prefix __Host- only over https, from the host that it sends the
	// cookie back to, and only without a Domain.
	Name string
	// Domain makes browsers send the cookie to a domain and to every host below it: with "app.example", to
	// app.example and to acme.app.example. Default: only to the host that set it.
	//
	// A Domain is dangerous if a host below it serves the content of tenants, or is not yours. Such a host
	// receives the session tokens of all its visitors. With a cookie of the same name it can sign visitors out,
	// or sign them in as another user.
	//
	// Domain is an ASCII name (A-labels), without scheme and port. Case and one leading dot do not matter.
	// NewSessions refuses IP addresses, public suffixes ("co.uk", "github.io") and single labels ("localhost"),
	// because browsers reject cookies for them.
	Domain string
	// Insecure allows the cookie over plain http, for development.
	Insecure bool
	// CrossOrigin says which requests [Sessions.Switch] and [Sessions.SignOut] accept from a browser; default:
	// those of the site itself. They accept requests with a Bearer token without this check. For all other
	// routes, set Config.CrossOrigin.
	CrossOrigin *http.CrossOriginProtection
	// Error answers a request that was refused or has failed; default: [WriteError].
	Error func(http.ResponseWriter, *http.Request, error)
	// Logger logs every error that is answered with 500 or above; default: no logging.
	Logger *slog.Logger
	// Now is the clock for the cookie's Max-Age; default time.Now.
	Now func() time.Time
}

// Sessions finds the session of a request by its token. For most uses, give it to a [Guard], and mount two of
// its methods:
//
//	sessions, err := tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: svc})
//	guard, err := tenancyhttp.New(tenancyhttp.Config{Service: svc, Sessions: sessions})
//	mux.Handle("POST /switch", guard.Public(http.HandlerFunc(sessions.Switch)))
//	mux.Handle("POST /sign-out", guard.Public(http.HandlerFunc(sessions.SignOut)))
//
// A request carries the token in one of two ways. Both give the same access: the same organization, under the
// same policy (rule S6).
//
//   - A browser has the token in a cookie, which [Sessions.Set] sets after sign-in. The cookie is HttpOnly,
//     Secure, SameSite=Lax and valid for the whole site; scripts cannot read it.
//   - Any other client sends "Authorization: Bearer" and the token. The program gives the client the token after
//     sign-in, from [tenancy.Token.Reveal].
//
// Sessions answers a request that has both, or two Authorization headers, with [ErrTwoCarriers]. A request with
// two cookies of this name carries no token, and so has no user. An Authorization header with another scheme,
// such as Basic, does not matter.
//
// It is immutable and safe for concurrent use.
type Sessions struct{ config SessionsConfig }

const (
	opNewSessions  = "new sessions"
	opAuthenticate = "authenticate"
)

// NewSessions makes a Sessions.
//
// Errors: [tenancy.ErrInvalid] with the field "service" if Service is missing; "domain" for a Domain that
// browsers reject; "name" for a name that a cookie cannot have, or whose prefix contradicts Insecure or Domain.
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

// Set gives a browser the cookie of a session that has just started, or to which a sign-in has added an entry.
// The cookie lasts as long as the token can. Clients that send a Bearer token need no cookie: give them the
// token in the answer. If started has no token, as after [tenancy.Sessions.Switch], the browser's cookie does
// not change.
func (s *Sessions) Set(w http.ResponseWriter, started tenancy.StartedSession) {
	if started.Token.IsZero() {
		return
	}
	left := started.ExpiresAt.Sub(s.config.Now())
	s.cookie(w, started.Token.Reveal(), max(1, int(left/time.Second)))
}

// Clear removes the cookie from a browser. The session itself does not end: see [Sessions.SignOut].
func (s *Sessions) Clear(w http.ResponseWriter) { s.cookie(w, "", -1) }

func (s *Sessions) cookie(w http.ResponseWriter, value string, seconds int) {
	w.Header().Set("Cache-Control", "no-store")
	http.SetCookie(w, &http.Cookie{
		Name: s.config.Name, Value: value, Domain: s.config.Domain, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: !s.config.Insecure, SameSite: http.SameSiteLaxMode,
	})
}

// Token returns the token that a request carries, in the cookie or as Bearer. It returns "" if the request
// carries no token, or more than one.
func (s *Sessions) Token(r *http.Request) string {
	c, err := s.carried(r)
	if err != nil {
		return ""
	}
	return c.token
}

// Authenticate returns the user of a request, and the current organization of their session. Behind a [Guard]
// it asks the Service once a request, and again after [Sessions.Switch] or [Sessions.SignOut] has run in the
// same request. It does not check from which site the request comes: a Guard does that.
//
// Errors: [ErrUnauthenticated] if nobody is signed in, or the session has ended; [ErrTwoCarriers]; and the
// errors of the Service.
func (s *Sessions) Authenticate(r *http.Request) (tenancy.Authenticated, error) {
	return s.entered(r, tenancy.OrganizationID{})
}

// entered is Authenticate for the entry into an organization; the zero id means the current one.
//
// Errors: also [tenancy.ErrNotFound] if the session has no entry there.
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
		if at := known.found.Organization.ID; known.err == nil && in.IsZero() { // the current entry is the entry there, too
			m.found[at] = known
		}
	}
	return known.found, known.err
}

// forget makes the next Authenticate of a request ask the Service again.
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

// anonymous turns the error of a session that no longer exists into [ErrUnauthenticated].
func anonymous(err error) error {
	switch tenancy.CodeOf(err) {
	case tenancy.ErrInvalidToken, tenancy.ErrSessionEnded, tenancy.ErrSessionExpired:
		return &tenancy.Error{Code: ErrUnauthenticated, Op: opAuthenticate, Err: err}
	}
	return err
}

// organization selects the session's current organization.
func (s *Sessions) organization(r *http.Request) (string, error) {
	found, err := s.Authenticate(r)
	if err != nil || found.Organization.ID.IsZero() {
		return "", err
	}
	return found.Organization.ID.String(), nil
}

// memo caches what this package knows about one request.
type memo struct {
	mu    sync.Mutex
	of    *Sessions // nil: no call has authenticated yet, or the answer is out of date
	found map[tenancy.OrganizationID]authenticated
	vary  []string // names of the headers that selected the organization
}

// authenticated is an answer of the Service.
type authenticated struct {
	found tenancy.Authenticated
	err   error
}

type memoKey struct{}

// memoOf returns the memo of a request; nil if no middleware stands in front.
func memoOf(r *http.Request) *memo {
	m, _ := r.Context().Value(memoKey{}).(*memo)
	return m
}

// remembering returns ctx with a memo.
func remembering(ctx context.Context) context.Context {
	if ctx.Value(memoKey{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, memoKey{}, &memo{})
}
