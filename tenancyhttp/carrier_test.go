package tenancyhttp_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// start begins a session by password, and gives its token.
func (w *world) start(user tenancy.User, org tenancy.OrganizationID, confined bool) string {
	started := must(w.svc.Sessions.Start(w.ctx, tenancy.NewSession{
		UserID: user.ID, OrganizationID: org, Method: "password", Confined: confined,
	}))(w.T)
	return started.Token.Reveal()
}

// authorized gives a request headers Authorization.
func authorized(values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Authorization"] = values }
}

func bearer(token string) func(*http.Request) { return authorized("Bearer " + token) }

// crossSite makes a request what a form or a script of another site sends.
func crossSite(method string) func(*http.Request) {
	return func(r *http.Request) {
		r.Method = method
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://evil.example")
	}
}

// S6: a Bearer token opens what the same token in the cookie opens, and for as long.
func TestBearer(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	g := w.sessionGuard(s)
	read, write := g.Require("documents:read")(http.HandlerFunc(echo)), g.Require("documents:write")(http.HandlerFunc(echo))
	token := w.start(w.bob, w.acme.ID, false)
	for _, value := range []string{"Bearer " + token, "bearer " + token, "BEARER   " + token + " ", "Bearer\t" + token} {
		rec := w.ask(read, tenancy.UserID{}, "/", authorized(value))
		require.Equal(t, 200, rec.Code, value)
		require.Equal(t, w.bob.ID.String(), rec.Header().Get("User"))
		require.Equal(t, w.acme.ID.String(), rec.Header().Get("Organization"))
	}
	require.Equal(t, 403, w.ask(write, tenancy.UserID{}, "/", bearer(token)).Code)
	for _, value := range []string{
		"", "Bearer", "Bearer ", token, "Basic " + token, "Token " + token, "Bearer " + token + "x", "Bearer " + token + ", Bearer " + token,
		"Bearer" + token, "Bearer=" + token, "Basic x, Bearer " + token, "Bearer \"" + token + "\"",
	} {
		require.Equal(t, 401, w.ask(read, tenancy.UserID{}, "/", authorized(value)).Code, value)
	}
	require.Equal(t, 401, w.ask(read, tenancy.UserID{}, "/?access_token="+token).Code)
	require.Equal(t, 401, w.ask(read, tenancy.UserID{}, "/", func(r *http.Request) { r.Header.Set("Proxy-Authorization", "Bearer "+token) }).Code)

	require.NoError(t, w.svc.Sessions.RevokeAll(w.ctx, w.bob.ID))
	require.Equal(t, 401, w.ask(read, tenancy.UserID{}, "/", bearer(token)).Code) // the very next request
}

// S6, P3, P6: the carrier changes nothing of what a session may do.
func TestBearerKeepsConfinement(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	w.add(w.evil, w.bob)
	byPath := must(tenancyhttp.New(tenancyhttp.Config{Service: w.svc, Sessions: s, Organization: tenancyhttp.PathValue("org")}))(t)
	nobody := tenancy.UserID{}
	token := w.start(w.bob, w.acme.ID, false)
	require.Equal(t, 200, w.ask(at(byPath.Member), nobody, "/orgs/acme", bearer(token)).Code)
	require.Equal(t, 404, w.ask(at(byPath.Member), nobody, "/orgs/evil", bearer(token)).Code)
	require.Equal(t, 404, w.ask(at(byPath.Require("documents:read")), nobody, "/orgs/"+w.evil.ID.String(), bearer(token)).Code)

	confined := w.start(w.bob, w.acme.ID, true)
	ran := false
	rec := w.ask(byPath.SignedIn(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		svc := tenancyhttp.Service(r.Context())
		_, err := svc.Identities.Link(r.Context(), w.bob.ID, tenancy.NewIdentity{Provider: "google", Subject: "evil"})
		require.ErrorIs(t, err, tenancy.ErrForbidden)
		_, err = svc.Memberships.Get(r.Context(), w.evil.ID, w.bob.ID)
		require.Error(t, err)
		ran = true
	})), nobody, "/", bearer(confined))
	require.Equal(t, 200, rec.Code)
	require.True(t, ran)
	rec = w.post(s.Switch, url.Values{"organization": {w.evil.ID.String()}}, bearer(confined))
	require.Equal(t, 403, rec.Code)
	require.Contains(t, rec.Body.String(), "sign_in_wanted")
	require.Equal(t, w.acme.ID, must(w.svc.Sessions.Authenticate(w.ctx, confined, tenancy.OrganizationID{}))(t).Organization.ID)
}

// S6 attack: a request carries two tokens, so that each of two readers takes another one.
func TestTwoCarriers(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	g := w.sessionGuard(s)
	cookie, token := w.signIn(s, w.ada, w.acme.ID), w.start(w.bob, w.acme.ID, false)
	for name, change := range map[string][]func(*http.Request){
		"cookie and token":           {with(cookie), bearer(token)},
		"the same twice":             {with(cookie), bearer(cookie.Value)},
		"cookie and another's token": {with(cookie), bearer("eyJhbGciOiJIUzI1NiJ9.e30.x")},
		"cookie and nothing":         {with(cookie), authorized("Bearer")},
		"cookie and empty token":     {with(cookie), authorized("bearer \t ")},
		"empty cookie and token":     {with(&http.Cookie{Name: cookie.Name}), bearer(token)},
		"dead cookie and token":      {with(&http.Cookie{Name: cookie.Name, Value: "x"}), bearer(token)},
		"two cookies and a token":    {with(cookie, cookie), bearer(token)},
		"two tokens":                 {authorized("Bearer "+token, "Bearer "+cookie.Value)},
		"one token twice":            {authorized("Bearer "+token, "Bearer "+token)},
		"token and Basic":            {authorized("Basic YTpi", "Bearer "+token)},
		"two of another scheme":      {authorized("Basic YTpi", "Basic YTpi"), with(cookie)},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			rec := w.ask(g.Member(http.HandlerFunc(echo)), tenancy.UserID{}, "/", append(change, func(r *http.Request) { r.Method = method })...)
			require.Equal(t, 400, rec.Code, name)
			require.Contains(t, rec.Body.String(), `"code":"two_carriers"`, name)
		}
		for _, handler := range []http.HandlerFunc{s.Switch, s.SignOut} {
			rec := w.post(handler, url.Values{"organization": {""}}, change...)
			require.Equal(t, 400, rec.Code, name)
			require.Contains(t, rec.Body.String(), `"code":"two_carriers"`, name)
			require.Empty(t, rec.Result().Cookies())
		}
		r := must(http.NewRequestWithContext(w.ctx, http.MethodGet, "/", nil))(t)
		for _, c := range change {
			c(r)
		}
		require.Empty(t, s.Token(r), name)
		_, err := s.Authenticate(r)
		require.ErrorIs(t, err, tenancyhttp.ErrTwoCarriers)
	}
	must(w.svc.Sessions.Authenticate(w.ctx, cookie.Value, tenancy.OrganizationID{}))(t) // nothing was spent
	must(w.svc.Sessions.Authenticate(w.ctx, token, tenancy.OrganizationID{}))(t)

	// A password for a proxy in front is no carrier.
	rec := w.ask(g.Member(http.HandlerFunc(echo)), tenancy.UserID{}, "/", with(cookie), authorized("Basic YTpi"))
	require.Equal(t, 200, rec.Code)
	require.Equal(t, w.ada.ID.String(), rec.Header().Get("User"))
	// Two cookies are nobody's, and signing out still removes the one that it can.
	require.Equal(t, 401, w.ask(g.Member(http.HandlerFunc(echo)), tenancy.UserID{}, "/", with(cookie, cookie)).Code)
	require.Negative(t, w.cookie(w.post(s.SignOut, nil, with(cookie, cookie))).MaxAge)
}

// S6 attack: a page of another site makes a browser send what the cookie carries. A Bearer
// token is sent by nobody else's page, and is not checked.
func TestBearerAndCrossOrigin(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	trusted := http.NewCrossOriginProtection()
	require.NoError(t, trusted.AddTrustedOrigin("https://evil.example"))
	g := w.sessionGuard(s)
	partner := must(tenancyhttp.New(tenancyhttp.Config{Service: w.svc, Sessions: s, CrossOrigin: trusted}))(t)
	cookie, token := w.signIn(s, w.bob, w.acme.ID), w.start(w.bob, w.acme.ID, false)
	for name, middleware := range map[string]func(http.Handler) http.Handler{
		"signed in": g.SignedIn, "member": g.Member, "require": g.Require("documents:read"),
	} {
		h := middleware(http.HandlerFunc(echo))
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			rec := w.ask(h, tenancy.UserID{}, "/", with(cookie), crossSite(method))
			require.Equal(t, 403, rec.Code, "%s %s", name, method)
			require.Contains(t, rec.Body.String(), "comes from another site")
			require.Empty(t, rec.Header().Get("User"), "the handler ran")
			require.Equal(t, 200, w.ask(h, tenancy.UserID{}, "/", bearer(token), crossSite(method)).Code, "%s %s", name, method)
			require.Equal(t, 400, w.ask(h, tenancy.UserID{}, "/", bearer(token), with(cookie), crossSite(method)).Code, "%s %s", name, method)
			require.Equal(t, 401, w.ask(h, tenancy.UserID{}, "/", crossSite(method)).Code, "%s %s", name, method)
			own := func(r *http.Request) { r.Method = method; r.Header.Set("Sec-Fetch-Site", "same-origin") }
			require.Equal(t, 200, w.ask(h, tenancy.UserID{}, "/", with(cookie), own).Code, "%s %s", name, method)
			sibling := func(r *http.Request) { r.Method = method; r.Header.Set("Sec-Fetch-Site", "same-site") }
			require.Equal(t, 403, w.ask(h, tenancy.UserID{}, "/", with(cookie), sibling).Code, "%s %s", name, method)
		}
		require.Equal(t, 200, w.ask(h, tenancy.UserID{}, "/", with(cookie), crossSite("GET")).Code, name)
	}
	require.Equal(t, 200, w.ask(partner.Member(http.HandlerFunc(echo)), tenancy.UserID{}, "/", with(cookie), crossSite("POST")).Code)
	for _, handler := range []http.HandlerFunc{s.Switch, s.SignOut} {
		require.Equal(t, 403, w.post(handler, url.Values{"organization": {""}}, with(cookie), crossSite("POST")).Code)
		require.Less(t, w.post(handler, url.Values{"organization": {""}}, bearer(w.start(w.bob, w.acme.ID, false)), crossSite("POST")).Code, 300)
	}
	must(w.svc.Sessions.Authenticate(w.ctx, cookie.Value, tenancy.OrganizationID{}))(t)
}

// Sessions of the host's own are checked only where the host asks for it, and then always.
func TestCrossOriginOfHostSessions(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, 200, w.ask(at(w.guard().Member), w.bob.ID, "/orgs/acme", crossSite("POST")).Code)
	checked := w.guard(func(c *tenancyhttp.Config) { c.CrossOrigin = http.NewCrossOriginProtection() })
	require.Equal(t, 403, w.ask(at(checked.Member), w.bob.ID, "/orgs/acme", crossSite("POST")).Code)
	require.Equal(t, 403, w.ask(at(checked.Member), w.bob.ID, "/orgs/acme", crossSite("POST"), bearer("x")).Code)
	require.Equal(t, 403, w.ask(at(checked.Member), tenancy.UserID{}, "/orgs/acme", crossSite("POST")).Code)
	require.Equal(t, 200, w.ask(at(checked.Member), w.bob.ID, "/orgs/acme", crossSite("GET")).Code)
	require.Equal(t, 200, w.ask(at(checked.Member), w.bob.ID, "/orgs/acme", func(r *http.Request) { r.Method = "POST" }).Code)
}

// S1, S6: a client without cookies is told where its session is.
func TestSwitchByBearer(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	other := w.organization("other", w.ada)
	token := w.start(w.ada, w.acme.ID, false)
	to := func(org string) url.Values { return url.Values{"organization": {org}, "return": {"/somewhere"}} }

	rec := w.post(s.Switch, to(other.ID.String()), bearer(token))
	require.Equal(t, 200, rec.Code)
	require.Empty(t, rec.Result().Cookies())
	require.Empty(t, rec.Header().Get("Location"))
	require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	var told map[string]string
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &told))
	require.Len(t, told, 2)
	require.Equal(t, other.ID.String(), told["organization"])
	found := must(w.svc.Sessions.Authenticate(w.ctx, token, tenancy.OrganizationID{}))(t)
	require.Equal(t, other.ID, found.Organization.ID)
	require.Equal(t, found.Session.ExpiresAt, must(time.Parse(time.RFC3339, told["expires_at"]))(t))

	for org, status := range map[string]int{w.evil.ID.String(): 404, decoyID: 404, "acme": 400} {
		rec := w.post(s.Switch, to(org), bearer(token))
		require.Equal(t, status, rec.Code, org)
		require.Equal(t, "application/problem+json", rec.Header().Get("Content-Type"))
	}
	require.Equal(t, 400, w.post(s.Switch, nil, bearer(token)).Code)
	must(w.svc.Sessions.Authenticate(w.ctx, token, tenancy.OrganizationID{}))(t)
}

func TestSignOutByBearer(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	token, stays := w.start(w.ada, w.acme.ID, false), w.start(w.ada, w.acme.ID, false)
	for _, value := range []string{token, token, "nonsense", ""} { // also a token that is worth nothing any more
		rec := w.post(s.SignOut, nil, bearer(value))
		require.Equal(t, 204, rec.Code)
		require.Empty(t, rec.Result().Cookies())
		require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
		require.Zero(t, rec.Body.Len())
	}
	_, err := w.svc.Sessions.Authenticate(w.ctx, token, tenancy.OrganizationID{})
	require.ErrorIs(t, err, tenancy.ErrSessionEnded)
	must(w.svc.Sessions.Authenticate(w.ctx, stays, tenancy.OrganizationID{}))(t)
	require.Equal(t, 405, w.post(s.SignOut, nil, bearer(stays), func(r *http.Request) { r.Method = http.MethodGet }).Code)
}
