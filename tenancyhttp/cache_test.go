package tenancyhttp_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// S6 attack: a cache in front of the program shows one person's page to another one.
func TestGuardedAnswersAreNotShared(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	g := w.sessionGuard(s)
	cookie := w.signIn(s, w.bob, w.acme.ID)
	say := func(values ...string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for _, value := range values {
				w.Header().Set("Cache-Control", value)
			}
			fmt.Fprint(w, "for your eyes")
		})
	}
	for name, middleware := range map[string]func(http.Handler) http.Handler{
		"signed in": g.SignedIn, "member": g.Member, "require": g.Require("documents:read"),
		"nested": func(next http.Handler) http.Handler { return g.Member(g.SignedIn(next)) },
		"in front, laxer": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "public, max-age=3600")
				g.Member(next).ServeHTTP(w, r)
			})
		},
	} {
		rec := w.ask(middleware(say()), tenancy.UserID{}, "/", with(cookie))
		require.Equal(t, 200, rec.Code)
		require.Equal(t, []string{"private, no-cache"}, rec.Header().Values("Cache-Control"), name)
		require.Equal(t, []string{"Cookie, Authorization"}, rec.Header().Values("Vary"), name)
		rec = w.ask(middleware(say("no-store")), tenancy.UserID{}, "/", with(cookie))
		require.Equal(t, []string{"no-store"}, rec.Header().Values("Cache-Control"), name)
		require.Equal(t, "no-store", w.ask(middleware(say()), tenancy.UserID{}, "/").Header().Get("Cache-Control"), name) // 401
	}
	inFront := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Vary", "Accept-Encoding")
		g.Member(say()).ServeHTTP(w, r)
	})
	rec := w.ask(inFront, tenancy.UserID{}, "/", with(cookie))
	require.Equal(t, []string{"no-store"}, rec.Header().Values("Cache-Control"))
	require.Equal(t, []string{"Accept-Encoding", "Cookie, Authorization"}, rec.Header().Values("Vary"))
}

// A header that selects the organization is one that answers vary by.
func TestVaryByHeader(t *testing.T) {
	w := newWorld(t)
	g := w.guard(func(c *tenancyhttp.Config) {
		byHeader := tenancyhttp.Header("x-organization")
		c.Organization = func(r *http.Request) (string, error) { return byHeader(r) }
	})
	in := func(r *http.Request) { r.Header.Set("X-Organization", "acme") }
	want := []string{"Cookie, Authorization", "X-Organization"}
	h := g.Member(g.Require("documents:read")(http.HandlerFunc(echo)))
	require.Equal(t, want, w.ask(h, w.bob.ID, "/", in).Header().Values("Vary"))
	require.Equal(t, want, w.ask(h, w.bob.ID, "/").Header().Values("Vary")) // it selects nothing
	require.Equal(t, want[:1], w.ask(g.SignedIn(http.HandlerFunc(echo)), w.bob.ID, "/", in).Header().Values("Vary"))
}

// A host's own error writer does not have to think of caches.
func TestErrorsAreNotStored(t *testing.T) {
	w := newWorld(t)
	g := w.guard(func(c *tenancyhttp.Config) {
		c.Error = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusNotFound) }
	})
	require.Equal(t, "no-store", w.ask(at(g.Member), w.eve.ID, "/orgs/acme").Header().Get("Cache-Control"))
	failing := g.Member(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Error(w, r, tenancy.ErrNotFound) }))
	require.Equal(t, "no-store", w.ask(at(func(http.Handler) http.Handler { return failing }), w.bob.ID, "/orgs/acme").Header().Get("Cache-Control"))
}
