package tenancyhttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
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
	// CrossOrigin says which requests may switch and sign out; default: those of the
	// site itself.
	CrossOrigin *http.CrossOriginProtection
	// Error answers a request that is refused or has failed; default: [WriteError].
	Error func(http.ResponseWriter, *http.Request, error)
	// Logger hears of every error that is answered with 500 or above; default: nobody
	// does.
	Logger *slog.Logger
	// Now is the clock of the cookie's Max-Age; default time.Now.
	Now func() time.Time
}

// Sessions keeps a session's token in a cookie, and knows people by it. For most uses,
// hand it to a [Guard], and mount two of its methods:
//
//	sessions, err := tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: svc})
//	guard, err := tenancyhttp.New(tenancyhttp.Config{Service: svc, Sessions: sessions})
//	mux.HandleFunc("POST /switch", sessions.Switch)
//	mux.HandleFunc("POST /sign-out", sessions.SignOut)
//
// Whoever signs somebody in calls [Sessions.Set]. The cookie is HttpOnly, Secure,
// SameSite=Lax and for the whole site; no script sees it. It is immutable and safe for
// concurrent use.
type Sessions struct{ config SessionsConfig }

const (
	opNewSessions    = "new sessions"
	opAuthenticate   = "authenticate"
	maxForm          = 64 << 10 // bytes
	formOrganization = "organization"
	formReturn       = "return"
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

// Set gives a browser a session that was just started or switched. It lasts as long as
// the session can.
func (s *Sessions) Set(w http.ResponseWriter, started tenancy.StartedSession) {
	left := started.Session.ExpiresAt.Sub(s.config.Now())
	s.cookie(w, started.Token.Reveal(), max(1, int(left/time.Second)))
}

// Clear takes the cookie from a browser. The session goes on: see [Sessions.SignOut].
func (s *Sessions) Clear(w http.ResponseWriter) { s.cookie(w, "", -1) }

func (s *Sessions) cookie(w http.ResponseWriter, value string, seconds int) {
	w.Header().Add("Cache-Control", "no-store")
	http.SetCookie(w, &http.Cookie{
		Name: s.config.Name, Value: value, Domain: s.config.Domain, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: !s.config.Insecure, SameSite: http.SameSiteLaxMode,
	})
}

// Token is the token in a request's cookie; "" where there is none, or more than one.
func (s *Sessions) Token(r *http.Request) string {
	cookies := r.CookiesNamed(s.config.Name)
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}

// Authenticate says who makes a request, and where: once a request behind a [Guard],
// however often it is asked.
//
// Errors: [ErrUnauthenticated] for nobody, also for a session that has ended, and what
// the Service could not do.
func (s *Sessions) Authenticate(r *http.Request) (tenancy.Authenticated, error) {
	m, _ := r.Context().Value(memoKey{}).(*memo)
	if m == nil {
		return s.authenticate(r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of != s {
		m.found, m.err = s.authenticate(r)
		m.of = s
	}
	return m.found, m.err
}

func (s *Sessions) authenticate(r *http.Request) (tenancy.Authenticated, error) {
	found, err := s.config.Service.Sessions.Authenticate(r.Context(), s.Token(r))
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

// organization selects the one that the session is at.
func (s *Sessions) organization(r *http.Request) (string, error) {
	found, err := s.Authenticate(r)
	if err != nil || found.Organization.ID.IsZero() {
		return "", err
	}
	return found.Organization.ID.String(), nil
}

// memo is what a Sessions has found out about one request.
type memo struct {
	mu    sync.Mutex
	of    *Sessions // nil: nothing yet
	found tenancy.Authenticated
	err   error
}

type memoKey struct{}

// remembering is r with a memo.
func remembering(r *http.Request) *http.Request {
	if r.Context().Value(memoKey{}) != nil {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), memoKey{}, &memo{}))
}

// Switch is the handler of an organization switcher: a form with the organization's id
// in "organization", empty for none, and in "return" a path of this site to go to
// afterwards, "/" if it is anything else. The session is the same and has a new
// token, in a new cookie.
//
// Refused: other methods than POST with 405; requests from other sites with 403; a form
// without "organization" with 400, and one over 64 KiB with 413; who is not signed in
// with 401; an organization that they are no active member of with
// 404; where a policy wants another way to sign in, [tenancy.ErrSignInRefused].
func (s *Sessions) Switch(w http.ResponseWriter, r *http.Request) {
	if !s.mayPost(w, r) {
		return
	}
	if status := readForm(r); status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	var to tenancy.OrganizationID
	if id := r.PostFormValue(formOrganization); id != "" {
		var err error
		if to, err = tenancy.ParseOrganizationID(id); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	started, err := s.config.Service.Sessions.Switch(r.Context(), s.Token(r), to)
	if err != nil {
		// The cookie stays: another window may have switched, and have a new one by now.
		s.fail(w, r, anonymous(err))
		return
	}
	s.Set(w, started)
	http.Redirect(w, r, localPath(r.PostFormValue(formReturn)), http.StatusSeeOther)
}

// readForm reads a form that has to say where to: one that is cut off, or of something
// else, must not be taken for a wish to be nowhere.
func readForm(r *http.Request) (status int) {
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(maxForm)
	}
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return http.StatusRequestEntityTooLarge
	case err != nil && !errors.Is(err, http.ErrNotMultipart), !r.PostForm.Has(formOrganization):
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// SignOut is the handler that ends the session and takes its cookie, then goes to
// "return" as Switch does. It serves whoever is signed out already, too.
//
// Refused: other methods than POST with 405; requests from other sites with 403.
func (s *Sessions) SignOut(w http.ResponseWriter, r *http.Request) {
	if !s.mayPost(w, r) {
		return
	}
	err := anonymous(s.config.Service.Sessions.SignOut(r.Context(), s.Token(r)))
	if err != nil && !errors.Is(err, ErrUnauthenticated) {
		s.fail(w, r, err)
		return
	}
	s.Clear(w)
	http.Redirect(w, r, localPath(r.PostFormValue(formReturn)), http.StatusSeeOther)
}

// mayPost answers requests that are no POST of this site's.
func (s *Sessions) mayPost(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return false
	}
	if err := s.config.CrossOrigin.Check(r); err != nil {
		s.fail(w, r, &tenancy.Error{Code: tenancy.ErrForbidden, Op: opAuthenticate, Reason: "comes from another site", Err: err})
		return false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	return true
}

func (s *Sessions) fail(w http.ResponseWriter, r *http.Request, err error) {
	answer(s.config.Logger, s.config.Error, w, r, err)
}

// localPath is a path of this site, or "/" for whatever leads elsewhere, or might in
// some browser.
func localPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(c rune) bool {
		return c == '\\' || c <= ' ' || c == 0x7f
	}) {
		return "/"
	}
	return path
}
