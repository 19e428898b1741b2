package tenancyhttp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// paths is a Guard whose organizations are in the path, and a page behind Follow.
func (w *world) paths(s *tenancyhttp.Sessions, change ...func(*tenancyhttp.Config)) (*tenancyhttp.Guard, http.Handler) {
	config := tenancyhttp.Config{Service: w.svc, Sessions: s, Organization: tenancyhttp.PathValue("org")}
	for _, c := range change {
		c(&config)
	}
	g := must(tenancyhttp.New(config))(w.T)
	mux := http.NewServeMux()
	mux.Handle("/orgs/{org}", g.Require("documents:read")(http.HandlerFunc(echo)))
	mux.Handle("/links/{org}", g.Follow(g.Require("documents:read")(http.HandlerFunc(echo))))
	return g, mux
}

// S1: two tabs work in two organizations by one cookie, and a link into another one enters it.
func TestFollow(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	_, h := w.paths(s)
	other := w.organization("other", w.ada)
	cookie := with(w.signIn(s, w.ada, w.acme.ID))
	ask := func(path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
		return w.ask(h, tenancy.UserID{}, path, append(change, cookie)...)
	}
	require.Equal(t, 200, ask("/orgs/acme").Code)
	require.Equal(t, 404, ask("/orgs/other").Code) // not entered yet
	post := func(r *http.Request) { r.Method = http.MethodPost; r.Header.Set("Sec-Fetch-Site", "same-origin") }
	require.Equal(t, 404, ask("/links/other", post).Code) // nothing unsafe enters
	require.Equal(t, 404, ask("/orgs/other").Code)

	for _, path := range []string{"/links/other", "/links/" + other.ID.String(), "/orgs/other", "/orgs/acme", "/links/acme"} {
		rec := ask(path)
		require.Equal(t, 200, rec.Code, path)
		require.Empty(t, rec.Result().Cookies())
		want := other.ID
		if path[len(path)-4:] == "acme" {
			want = w.acme.ID
		}
		require.Equal(t, want.String(), rec.Header().Get("Organization"), path)
	}
	require.Equal(t, 200, ask("/orgs/other", post).Code) // a form goes to the organization that it was opened in
	require.Equal(t, w.acme.ID, must(w.svc.Sessions.Authenticate(w.ctx, must(sessionOf(s, cookie))(t), tenancy.OrganizationID{}))(t).Organization.ID)

	// G7: where they are no member, and where there is nothing.
	before := w.store.views.Load()
	there := ask("/links/evil")
	reads := w.store.views.Load() - before
	absent := ask("/links/nowhere")
	require.Equal(t, 404, there.Code)
	require.Equal(t, there.Body.String(), absent.Body.String())
	require.Equal(t, there.Header(), absent.Header())
	require.Equal(t, reads, w.store.views.Load()-before-reads)
	require.Equal(t, 401, w.ask(h, tenancy.UserID{}, "/links/acme").Code)
}

func sessionOf(s *tenancyhttp.Sessions, cookie func(*http.Request)) (string, error) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	cookie(r)
	return s.Token(r), nil
}

// S1: a link into an organization that wants another sign-in says which.
func TestFollowWants(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	other := w.organization("other", w.ada)
	w.add(other, w.bob)
	must(w.svc.Policies.Set(w.ctx, other.ID, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}}))(t)
	cookie := with(w.signIn(s, w.bob, w.acme.ID))
	_, h := w.paths(s)
	rec := w.ask(h, tenancy.UserID{}, "/links/other", cookie)
	require.Equal(t, 403, rec.Code)
	require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	require.JSONEq(t, `{"title":"Forbidden","status":403,"code":"sign_in_wanted","detail":"second_factor"}`, rec.Body.String())
	_, h = w.paths(s, func(c *tenancyhttp.Config) {
		c.SignIn = func(rw http.ResponseWriter, r *http.Request, d tenancy.Decision) {
			http.Redirect(rw, r, "/sign-in?"+url.Values{"want": {string(d.Kind)}, "organization": {d.OrganizationID.String()}}.Encode(), http.StatusSeeOther)
		}
	})
	rec = w.ask(h, tenancy.UserID{}, "/links/other", cookie)
	require.Equal(t, "/sign-in?organization="+other.ID.String()+"&want=second_factor", rec.Header().Get("Location"))
	switched := w.post(s.Switch, url.Values{"organization": {other.ID.String()}}, cookie)
	require.Equal(t, 403, switched.Code)
	require.Contains(t, switched.Body.String(), "sign_in_wanted")
}

// S1 attack: a form that was opened before another tab switched.
func TestFormField(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	other := w.organization("other", w.ada)
	g := must(tenancyhttp.New(tenancyhttp.Config{Service: w.svc, Sessions: s, Organization: s.FormField("org")}))(t)
	h := g.Require("documents:write")(http.HandlerFunc(echo))
	cookie := with(w.signIn(s, w.ada, w.acme.ID))
	require.Equal(t, w.acme.ID.String(), w.ask(h, tenancy.UserID{}, "/", cookie).Header().Get("Organization"))
	form := url.Values{"org": {w.acme.ID.String()}, "title": {"Plan"}}
	require.Equal(t, 303, w.post(s.Switch, url.Values{"organization": {other.ID.String()}}, cookie).Code)
	require.Equal(t, w.acme.ID.String(), w.post(h.ServeHTTP, form, cookie).Header().Get("Organization"))
	require.Equal(t, 400, w.post(h.ServeHTTP, url.Values{"title": {"Plan"}}, cookie).Code)
	require.Equal(t, 404, w.post(h.ServeHTTP, url.Values{"org": {w.evil.ID.String()}}, cookie).Code)
	require.Equal(t, 401, w.post(h.ServeHTTP, form).Code)
	require.Equal(t, other.ID.String(), w.ask(h, tenancy.UserID{}, "/", cookie).Header().Get("Organization"))
}

// S4: what wants a fresh sign-in looks at the entry's evidence.
func TestFresh10(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	s := w.sessions(func(c *tenancyhttp.SessionsConfig) { c.Now = func() time.Time { return now } })
	g, _ := w.paths(s)
	mux := http.NewServeMux()
	mux.Handle("/orgs/{org}", g.Member(g.Fresh(10*time.Minute)(http.HandlerFunc(echo))))
	mux.Handle("/bare", g.Fresh(10*time.Minute)(http.HandlerFunc(echo)))
	mux.Handle("/account", g.SignedIn(g.Fresh(10*time.Minute)(http.HandlerFunc(echo))))
	cookie := with(w.signIn(s, w.ada, w.acme.ID))
	require.Equal(t, 200, w.ask(mux, tenancy.UserID{}, "/orgs/acme", cookie).Code)
	now = now.Add(11 * time.Minute)
	rec := w.ask(mux, tenancy.UserID{}, "/orgs/acme", cookie)
	require.Equal(t, 403, rec.Code)
	require.Contains(t, rec.Body.String(), "step_up_needed")
	require.Equal(t, 500, w.ask(mux, tenancy.UserID{}, "/bare", cookie).Code)
	require.Equal(t, 500, w.ask(mux, tenancy.UserID{}, "/account", cookie).Code)
	own := w.guard()
	require.Equal(t, 500, w.ask(at(func(next http.Handler) http.Handler { return own.Member(own.Fresh(time.Hour)(next)) }), w.ada.ID, "/orgs/acme").Code)
}
