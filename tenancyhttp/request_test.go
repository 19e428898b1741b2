package tenancyhttp_test

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// marked reports whether a context trips the unbound Service.
func (w *world) marked(ctx context.Context) bool {
	_, err := w.svc.Organizations.List(ctx, tenancy.OrganizationQuery{})
	if err != nil {
		require.ErrorIs(w.T, err, tenancy.ErrUnboundInRequest)
	}
	return err != nil
}

// G13: behind every middleware of a Guard the context is marked, and only behind it.
func TestGuardMarksRequests(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	g := w.sessionGuard(s)
	cookie := w.signIn(s, w.bob, w.acme.ID)
	ask := func(middleware func(http.Handler) http.Handler) (marked bool) {
		ran := false
		w.ask(middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ran, marked = true, w.marked(r.Context())
		})), tenancy.UserID{}, "/", with(cookie))
		require.True(t, ran)
		return marked
	}
	require.True(t, ask(g.SignedIn))
	require.True(t, ask(g.Member))
	require.True(t, ask(g.Require("documents:read")))
	require.True(t, ask(func(next http.Handler) http.Handler { return g.Public(g.Member(next)) }))
	require.True(t, ask(func(next http.Handler) http.Handler { return g.Member(g.SignedIn(next)) }))
	require.False(t, ask(g.Public))
	require.False(t, ask(func(next http.Handler) http.Handler { return g.Member(g.Public(next)) }))
	require.False(t, w.marked(w.ctx))
}

// G13 attack: a handler asks the unbound Service for what its user may not have.
func TestUnboundServiceInHandler(t *testing.T) {
	w := newWorld(t)
	ran := false
	h := w.guard().Member(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		_, err := w.svc.Memberships.List(ctx, w.evil.ID, tenancy.MemberQuery{})
		require.ErrorIs(t, err, tenancy.ErrUnboundInRequest)
		_, err = w.svc.Memberships.Deactivate(ctx, w.evil.ID, w.eve.ID)
		require.ErrorIs(t, err, tenancy.ErrUnboundInRequest)
		require.Equal(t, 500, tenancyhttp.ProblemOf(err).Status)

		// What belongs into a handler works: the bound Service, checks, and what goes on later.
		must(tenancyhttp.Service(ctx).Memberships.ListByUser(ctx, w.bob.ID, tenancy.MemberQuery{}))(t)
		require.True(t, must(tenancyhttp.Can(ctx, "documents:read"))(t))
		require.True(t, must(w.svc.Can(ctx, w.bob.ID, w.acme.ID, "documents:read"))(t))
		require.False(t, w.marked(tenancy.Detach(ctx)))
		require.False(t, w.marked(tenancy.Trusted(ctx)))
		ran = true
	}))
	w.ask(at(func(http.Handler) http.Handler { return h }), w.bob.ID, "/orgs/acme")
	require.True(t, ran)
	require.Equal(t, tenancy.MembershipActive, must(w.svc.Memberships.Get(w.ctx, w.evil.ID, w.eve.ID))(t).Status)
}

// G13: what this package calls by itself works behind a Guard, whatever it is mounted behind.
func TestHandlersBehindAGuard(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	g, bySlug := w.sessionGuard(s), must(tenancyhttp.New(tenancyhttp.Config{
		Service: w.svc, Sessions: s, Organization: tenancyhttp.Header("X-Organization"),
	}))(t)
	in := func(r *http.Request) { r.Header.Set("X-Organization", "acme") }
	behind := func(h http.HandlerFunc) http.HandlerFunc { return g.SignedIn(bySlug.Member(h)).ServeHTTP }
	cookie := w.signIn(s, w.bob, w.acme.ID)
	rec := w.post(behind(s.Switch), url.Values{"organization": {w.acme.ID.String()}}, with(cookie), in)
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, []string{"no-store"}, rec.Header().Values("Cache-Control"))
	rec = w.post(behind(s.SignOut), nil, with(cookie), in)
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Negative(t, w.cookie(rec).MaxAge)
	require.Equal(t, 200, w.post(behind(s.Switch), url.Values{"organization": {""}}, bearer(w.start(w.bob, w.acme.ID, false)), in).Code)
	require.Equal(t, 204, w.post(behind(s.SignOut), nil, bearer(w.start(w.bob, w.acme.ID, false)), in).Code)
}

// G13: the functions of Config are the program's own, and work as without a Guard.
func TestFunctionsOfConfigAreUnmarked(t *testing.T) {
	w := newWorld(t)
	var marked map[string]bool
	note := func(name string, r *http.Request) { marked[name] = marked[name] || w.marked(r.Context()) }
	inner := w.guard(func(c *tenancyhttp.Config) {
		c.User = func(r *http.Request) (tenancy.UserID, error) { note("user", r); return byHeader(r) }
		c.Organization = func(r *http.Request) (string, error) { note("organization", r); return "acme", nil }
		c.ClientAddress = func(r *http.Request) netip.Addr { note("address", r); return netip.Addr{} }
		c.RequestID = func(r *http.Request) string { note("id", r); return "" }
		c.Error = func(_ http.ResponseWriter, r *http.Request, _ error) { note("error", r) }
	})
	failing := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		require.True(t, w.marked(r.Context()))
		inner.Error(rw, r, tenancy.ErrNotFound)
	})
	for _, h := range []http.Handler{inner.Member(failing), w.guard().SignedIn(inner.Member(failing)), w.guard().SignedIn(inner.Require("documents:write")(failing))} {
		marked = map[string]bool{}
		w.ask(h, w.bob.ID, "/")
		require.Equal(t, map[string]bool{"user": false, "organization": false, "address": false, "id": false, "error": false}, marked)
	}
}

// G11: a handler's context says where its request came from, in the words of the program.
func TestRequestFacts(t *testing.T) {
	w := newWorld(t)
	own := func(c *tenancyhttp.Config) {
		c.ClientAddress = func(r *http.Request) netip.Addr {
			a, _ := netip.ParseAddr(r.Header.Get("X-Real-Ip"))
			return a
		}
		c.RequestID = func(r *http.Request) string { return r.Header.Get("X-Request-Id") }
	}
	ask := func(g *tenancyhttp.Guard, change ...func(*http.Request)) (facts tenancy.Request) {
		kept := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { facts = tenancy.RequestOf(r.Context()) })
		w.ask(g.Public(kept), tenancy.UserID{}, "/", change...)
		public := facts
		w.ask(g.SignedIn(kept), w.bob.ID, "/", change...)
		require.Equal(t, public, facts)
		return facts
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	from := func(end string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = end } }
	plain, told := w.guard(), w.guard(own)
	forwarded := []func(*http.Request){
		set("X-Forwarded-For", "198.51.100.9"), set("Forwarded", "for=198.51.100.9"), set("X-Real-Ip", "198.51.100.9"), set("X-Request-Id", "7"),
	}

	require.Equal(t, tenancy.Request{Address: netip.MustParseAddr("192.0.2.1"), UserAgent: "Mozilla"}, ask(plain, append(forwarded, set("User-Agent", "Mozilla"))...))
	require.Equal(t, tenancy.Request{Address: netip.MustParseAddr("198.51.100.9"), ID: "7"}, ask(told, forwarded...))
	for end, want := range map[string]string{
		"[2001:db8::1]:443": "2001:db8::1", "[::ffff:192.0.2.9]:1": "192.0.2.9", "[fe80::1%eth0]:1": "fe80::1",
	} {
		require.Equal(t, netip.MustParseAddr(want), ask(plain, from(end)).Address, end)
		require.Equal(t, netip.Addr{}, ask(told, from(end)).Address, "the function does not know")
	}
	for _, end := range []string{"", "@", "192.0.2.1", "host:80"} {
		require.Equal(t, netip.Addr{}, ask(plain, from(end)).Address, end)
	}
	require.Equal(t, netip.MustParseAddr("fe80::1"), ask(told, set("X-Real-Ip", "fe80::1%<script>")).Address)

	long := ask(told, set("User-Agent", strings.Repeat("é", 300)), set("X-Request-Id", strings.Repeat("x", 257)))
	require.Equal(t, strings.Repeat("é", 256), long.UserAgent)
	require.Equal(t, strings.Repeat("x", 256), long.ID)
	require.Equal(t, strings.Repeat("y", 256), ask(plain, set("User-Agent", strings.Repeat("y", 256))).UserAgent)
	require.Equal(t, "ab", ask(plain, set("User-Agent", "a\xff\xfeb")).UserAgent)
}

// G11: what the program has put into the context itself stands where Config has no function.
func TestRequestOfTheProgram(t *testing.T) {
	w := newWorld(t)
	mine := tenancy.Request{Address: netip.MustParseAddr("203.0.113.5"), UserAgent: "Mobile app", ID: "42"}
	in := func(r *http.Request) { *r = *r.WithContext(tenancy.WithRequest(r.Context(), mine)) }
	var facts tenancy.Request
	kept := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { facts = tenancy.RequestOf(r.Context()) })
	w.ask(w.guard().SignedIn(kept), w.bob.ID, "/", in)
	require.Equal(t, mine, facts)
	calls := 0
	g := w.guard(func(c *tenancyhttp.Config) {
		c.ClientAddress = func(*http.Request) netip.Addr { calls++; return netip.MustParseAddr("203.0.113.6") }
	})
	w.ask(g.SignedIn(g.SignedIn(g.Public(kept))), w.bob.ID, "/", in)
	require.Equal(t, tenancy.Request{Address: netip.MustParseAddr("203.0.113.6"), UserAgent: "Mobile app", ID: "42"}, facts)
	require.Equal(t, 1, calls)
	// Another Guard inside, which knows no better, does not put the proxy's address instead.
	w.ask(g.SignedIn(w.guard().SignedIn(kept)), w.bob.ID, "/", in)
	require.Equal(t, "203.0.113.6", facts.Address.String())
}
