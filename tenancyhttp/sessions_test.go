package tenancyhttp_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

func (w *world) sessions(change ...func(*tenancyhttp.SessionsConfig)) *tenancyhttp.Sessions {
	config := tenancyhttp.SessionsConfig{Service: w.svc}
	for _, c := range change {
		c(&config)
	}
	return must(tenancyhttp.NewSessions(config))(w.T)
}

// signIn starts a session and gives its cookie.
func (w *world) signIn(s *tenancyhttp.Sessions, user tenancy.User, org tenancy.OrganizationID) *http.Cookie {
	started := must(w.svc.Sessions.Start(w.ctx, tenancy.NewSession{UserID: user.ID, OrganizationID: org, Method: "password"}))(w.T)
	rec := httptest.NewRecorder()
	s.Set(rec, started)
	return w.cookie(rec)
}

// cookie is the one cookie that an answer sets.
func (w *world) cookie(rec *httptest.ResponseRecorder) *http.Cookie {
	cookies := rec.Result().Cookies()
	require.Len(w.T, cookies, 1)
	return cookies[0]
}

func with(cookies ...*http.Cookie) func(*http.Request) {
	return func(r *http.Request) {
		for _, c := range cookies {
			r.AddCookie(c)
		}
	}
}

// post sends a form of the site itself.
func (w *world) post(h http.HandlerFunc, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(w.ctx, http.MethodPost, "https://app.example/switch", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	h(rec, r)
	return rec
}

func TestCookie(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	s := w.sessions(func(c *tenancyhttp.SessionsConfig) { c.Now = func() time.Time { return now } })
	user := must(w.svc.Users.Create(t.Context(), tenancy.NewUser{Email: "cookie@acme.example", EmailVerified: true}))(t)
	started := must(w.svc.Sessions.Start(t.Context(), tenancy.NewSession{UserID: user.ID, Method: tenancy.MethodPassword}))(t)
	started.ExpiresAt = now.Add(90*time.Minute + time.Millisecond)
	rec := httptest.NewRecorder()
	s.Set(rec, tenancy.StartedSession{Session: started.Session}) // as after a switch
	require.Empty(t, rec.Header())
	s.Set(rec, started)
	require.Equal(t, "__Host-session="+started.Token.Reveal()+"; Path=/; Max-Age=5400; HttpOnly; Secure; SameSite=Lax", rec.Header().Get("Set-Cookie"))
	require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	rec = httptest.NewRecorder()
	s.Clear(rec)
	require.Equal(t, "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", rec.Header().Get("Set-Cookie"))

	plain := w.sessions(func(c *tenancyhttp.SessionsConfig) { c.Insecure = true })
	rec = httptest.NewRecorder()
	plain.Clear(rec)
	require.Equal(t, "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", rec.Header().Get("Set-Cookie"))

	for field, c := range map[string]tenancyhttp.SessionsConfig{
		"service": {}, "name": {Service: w.svc, Name: "a b"},
	} {
		_, err := tenancyhttp.NewSessions(c)
		var e *tenancy.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, tenancy.ErrInvalid, e.Code)
		require.Equal(t, field, e.Field)
	}
	for _, name := range []string{"__Host-x", "__Secure-x"} {
		_, err := tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: w.svc, Name: name, Insecure: true})
		require.ErrorIs(t, err, tenancy.ErrInvalid)
	}
}

// sessionGuard is a Guard that knows people, and where they are, by their cookies.
func (w *world) sessionGuard(s *tenancyhttp.Sessions) *tenancyhttp.Guard {
	return must(tenancyhttp.New(tenancyhttp.Config{Service: w.svc, Sessions: s}))(w.T)
}

// S1, S2: the guard lets in whom a living session names, where it is, and nobody else.
func TestGuardBySession(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	g := w.sessionGuard(s)
	read := g.Require("documents:read")(http.HandlerFunc(echo))
	nobody := tenancy.UserID{}
	bob, none := w.signIn(s, w.bob, w.acme.ID), w.signIn(s, w.bob, tenancy.OrganizationID{})

	rec := w.ask(read, nobody, "/", with(bob))
	require.Equal(t, 200, rec.Code)
	require.Equal(t, w.bob.ID.String(), rec.Header().Get("User"))
	require.Equal(t, w.acme.ID.String(), rec.Header().Get("Organization"))
	require.Equal(t, 400, w.ask(read, nobody, "/", with(none)).Code) // none chosen
	require.Equal(t, 200, w.ask(g.SignedIn(http.HandlerFunc(echo)), nobody, "/", with(none)).Code)
	require.Equal(t, 401, w.ask(read, nobody, "/").Code)
	require.Equal(t, 401, w.ask(read, nobody, "/", with(bob, none)).Code) // which of them is unclear
	require.Equal(t, 401, w.ask(read, nobody, "/", with(&http.Cookie{Name: bob.Name, Value: bob.Value + "x"})).Code)
	require.Equal(t, 401, w.ask(read, nobody, "/", with(&http.Cookie{Name: "session", Value: bob.Value})).Code)

	must(w.svc.Memberships.Deactivate(w.ctx, w.acme.ID, w.bob.ID))(t)
	require.Equal(t, 401, w.ask(read, nobody, "/", with(bob)).Code) // the very next request
	require.NoError(t, w.svc.Sessions.RevokeAll(w.ctx, w.bob.ID))
	require.Equal(t, 401, w.ask(g.SignedIn(http.HandlerFunc(echo)), nobody, "/", with(none)).Code)
}

// A request is authenticated once, however often it is asked who makes it.
func TestAuthenticateOnce(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	g := w.sessionGuard(s)
	cookie := w.signIn(s, w.bob, w.acme.ID)
	var found tenancy.Authenticated
	inner := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for range 3 {
			found = must(s.Authenticate(r))(t)
		}
	})
	handler := g.Member(inner)
	w.ask(handler, tenancy.UserID{}, "/", with(cookie)) // the compiled access is there now
	before := w.store.views.Load()
	w.ask(handler, tenancy.UserID{}, "/", with(cookie))
	once := w.store.views.Load() - before
	require.Equal(t, w.acme.ID, found.Organization.ID)
	require.Equal(t, []string{"member"}, found.Member.Roles)
	before = w.store.views.Load()
	require.NoError(t, w.svc.Check(w.ctx, w.bob.ID, w.acme.ID, "documents:read"))
	require.Equal(t, w.store.views.Load()-before+1, once)
}

// What a request was found to be is asked again once its session has changed.
func TestAuthenticateAfterChange(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	for _, change := range []http.HandlerFunc{s.SignOut, s.Switch} {
		after := w.sessionGuard(s).SignedIn(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			must(s.Authenticate(r))(t)
			change(rw, r)
			found, err := s.Authenticate(r)
			if out := rw.Header().Get("Set-Cookie") != ""; out { // signed out
				require.ErrorIs(t, err, tenancyhttp.ErrUnauthenticated)
				require.Zero(t, found.User)
				return
			}
			require.NoError(t, err)
			require.Zero(t, found.Organization)
		}))
		rec := w.post(after.ServeHTTP, url.Values{"organization": {""}}, with(w.signIn(s, w.ada, w.acme.ID)))
		require.Equal(t, http.StatusSeeOther, rec.Code)
	}
}

func TestSwitch(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	other := w.organization("other", w.ada)
	cookie := w.signIn(s, w.ada, w.acme.ID)
	form := func(org, back string) url.Values { return url.Values{"organization": {org}, "return": {back}} }

	rec := w.post(s.Switch, form(other.ID.String(), "/orgs?x=1"), with(cookie))
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "/orgs?x=1", rec.Header().Get("Location"))
	require.Empty(t, rec.Result().Cookies()) // the token stays
	current := func() tenancy.OrganizationID {
		return must(w.svc.Sessions.Authenticate(w.ctx, cookie.Value, tenancy.OrganizationID{}))(t).Organization.ID
	}
	require.Equal(t, other.ID, current())

	rec = w.post(s.Switch, form("", ""), with(cookie))
	require.Equal(t, "/", rec.Header().Get("Location"))
	require.Zero(t, current())

	for org, status := range map[string]int{w.evil.ID.String(): 404, decoyID: 404, "acme": 400, "org_x": 400} {
		rec := w.post(s.Switch, form(org, ""), with(cookie))
		require.Equal(t, status, rec.Code, org)
		require.Empty(t, rec.Result().Cookies())
	}
	there, absent := w.post(s.Switch, form(w.evil.ID.String(), ""), with(cookie)), w.post(s.Switch, form(decoyID, ""), with(cookie))
	require.Equal(t, absent.Body.String(), there.Body.String()) // G7
	require.Zero(t, current())
	require.Equal(t, 401, w.post(s.Switch, form(w.acme.ID.String(), "")).Code)
}

const decoyID = "org_01h455vb4pex5vsknk084sn02q"

// Nothing leads away from the site, in any browser.
func TestReturn(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	for back, want := range map[string]string{
		"": "/", "/a/b?c=d#e": "/a/b?c=d#e", "/": "/", "a": "/", "//evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/",
		"https://evil.example": "/", "/\t/evil.example": "/", "/\n/evil.example": "/", " //evil.example": "/", "javascript:alert(1)": "/",
		"/%09/evil.example": "/%09/evil.example", "///evil.example": "/", "/ /evil.example": "/",
	} {
		rec := w.post(s.SignOut, url.Values{"return": {back}}, with(w.signIn(s, w.ada, w.acme.ID)))
		require.Equal(t, http.StatusSeeOther, rec.Code)
		require.Equal(t, want, rec.Header().Get("Location"), "%q", back)
	}
}

func TestSignOut(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	cookie, stays := w.signIn(s, w.ada, w.acme.ID), w.signIn(s, w.ada, w.acme.ID)
	for _, c := range [][]*http.Cookie{{cookie}, {cookie}, nil, {{Name: cookie.Name, Value: "nonsense"}}} { // also who is out already
		rec := w.post(s.SignOut, nil, with(c...))
		require.Equal(t, http.StatusSeeOther, rec.Code)
		require.Negative(t, w.cookie(rec).MaxAge)
	}
	_, err := w.svc.Sessions.Authenticate(w.ctx, cookie.Value, tenancy.OrganizationID{})
	require.ErrorIs(t, err, tenancy.ErrSessionEnded)
	must(w.svc.Sessions.Authenticate(w.ctx, stays.Value, tenancy.OrganizationID{}))(t)
}

// Another site's forms, and other methods, do nothing.
func TestHandlersOfTheSiteItself(t *testing.T) {
	w := newWorld(t)
	trusted := http.NewCrossOriginProtection()
	require.NoError(t, trusted.AddTrustedOrigin("https://partner.example"))
	s := w.sessions()
	partner := w.sessions(func(c *tenancyhttp.SessionsConfig) { c.CrossOrigin = trusted })
	cookie := w.signIn(s, w.ada, w.acme.ID)
	for name, handler := range map[string]http.HandlerFunc{"switch": s.Switch, "sign-out": s.SignOut} {
		for _, change := range []func(*http.Request){
			func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
			func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				r.Header.Set("Origin", "https://partner.example")
			},
		} {
			rec := w.post(handler, nil, with(cookie), change)
			require.Equal(t, 403, rec.Code, name)
			require.Empty(t, rec.Result().Cookies())
		}
		rec := w.post(handler, nil, with(cookie), func(r *http.Request) { r.Method = http.MethodGet })
		require.Equal(t, 405, rec.Code)
		require.Equal(t, "POST", rec.Header().Get("Allow"))
	}
	must(w.svc.Sessions.Authenticate(w.ctx, cookie.Value, tenancy.OrganizationID{}))(t)
	rec := w.post(partner.SignOut, nil, with(cookie), func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://partner.example")
	})
	require.Equal(t, http.StatusSeeOther, rec.Code)
}

// A store that fails is told to the log, and signs nobody in or out.
func TestSessionsFail(t *testing.T) {
	w := newWorld(t)
	var log strings.Builder
	s := w.sessions(func(c *tenancyhttp.SessionsConfig) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	cookie := w.signIn(s, w.ada, w.acme.ID)
	ended, cancel := context.WithCancel(w.ctx)
	cancel()
	for _, handler := range []http.HandlerFunc{s.Switch, s.SignOut} {
		rec := w.post(handler, url.Values{"organization": {""}}, with(cookie), func(r *http.Request) { *r = *r.WithContext(ended) })
		require.Equal(t, 503, rec.Code)
		require.Empty(t, rec.Result().Cookies())
	}
	w.store.fail.Store(error(&tenancy.Error{Code: tenancy.ErrCorrupt, Reason: "page 7 of app.db"}))
	rec := w.ask(w.sessionGuard(s).Member(http.HandlerFunc(echo)), tenancy.UserID{}, "/", with(cookie))
	require.Equal(t, 500, rec.Code)
	require.NotContains(t, log.String(), cookie.Value)
}

// P3, P6: a session opens the organization that it is at and, by a path, no other one of
// the person's; a confined one does nothing to their account.
func TestSessionStaysWhereItIs(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	w.add(w.evil, w.bob)
	byPath := must(tenancyhttp.New(tenancyhttp.Config{Service: w.svc, Sessions: s, Organization: tenancyhttp.PathValue("org")}))(t)
	nobody := tenancy.UserID{}
	bob := w.signIn(s, w.bob, w.acme.ID)
	require.Equal(t, 200, w.ask(at(byPath.Member), nobody, "/orgs/acme", with(bob)).Code)
	require.Equal(t, 404, w.ask(at(byPath.Member), nobody, "/orgs/evil", with(bob)).Code)
	require.Equal(t, 404, w.ask(at(byPath.Require("documents:read")), nobody, "/orgs/"+w.evil.ID.String(), with(bob)).Code)
	require.Equal(t, 404, w.ask(at(byPath.Member), nobody, "/orgs/acme", with(w.signIn(s, w.bob, tenancy.OrganizationID{}))).Code)

	started := must(w.svc.Sessions.Start(w.ctx, tenancy.NewSession{
		UserID: w.bob.ID, OrganizationID: w.acme.ID, Method: "password", Confined: true,
	}))(t)
	rec := httptest.NewRecorder()
	s.Set(rec, started)
	ran := false
	w.ask(byPath.SignedIn(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		svc := tenancyhttp.Service(r.Context())
		_, err := svc.Identities.Link(r.Context(), w.bob.ID, tenancy.NewIdentity{Provider: "google", Subject: "evil"})
		require.ErrorIs(t, err, tenancy.ErrForbidden)
		ran = true
	})), nobody, "/", with(rec.Result().Cookies()[0]))
	require.True(t, ran)
}
