package tenancyhttp_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// S6: the cookie goes to other hosts only where the program says so, and never under a
// name that promises it does not.
func TestCookieDomain(t *testing.T) {
	w := newWorld(t)
	for _, domain := range []string{"app.example", "App.Example", ".app.example"} {
		s := w.sessions(func(c *tenancyhttp.SessionsConfig) { c.Domain = domain })
		rec := httptest.NewRecorder()
		s.Clear(rec)
		require.Equal(t, "__Secure-session=; Path=/; Domain=app.example; Max-Age=0; HttpOnly; Secure; SameSite=Lax", rec.Header().Get("Set-Cookie"))
		cookie := w.signIn(s, w.bob, w.acme.ID)
		require.Equal(t, "app.example", cookie.Domain)
		require.Equal(t, 200, w.ask(at(w.sessionGuard(s).SignedIn), tenancy.UserID{}, "/orgs/acme", with(cookie)).Code)
	}
	rec := httptest.NewRecorder()
	w.sessions().Clear(rec)
	require.NotContains(t, rec.Header().Get("Set-Cookie"), "Domain")
	rec = httptest.NewRecorder()
	w.sessions(func(c *tenancyhttp.SessionsConfig) { c.Domain, c.Insecure = "app.example", true }).Clear(rec)
	require.Equal(t, "session=; Path=/; Domain=app.example; Max-Age=0; HttpOnly; SameSite=Lax", rec.Header().Get("Set-Cookie"))

	refused := func(field string, c tenancyhttp.SessionsConfig) (reason string) {
		t.Helper()
		c.Service = w.svc
		_, err := tenancyhttp.NewSessions(c)
		var e *tenancy.Error
		require.ErrorAs(t, err, &e, "%+v", c)
		require.Equal(t, tenancy.ErrInvalid, e.Code)
		require.Equal(t, field, e.Field)
		return e.Reason
	}
	for reason, domains := range map[string][]string{
		"domain name in ASCII": {
			".", "..app.example", "app.example.", "app..example", "https://app.example", "app.example:8080", "app.example/", " app.example",
			"app_1.example", "*.app.example", "appé.example", "app.example; Secure", "app.example\r\n", strings.Repeat("a", 64) + ".example",
			"::1", "[::1]", "1", "127.1",
		},
		"IP address":    {"192.0.2.1", "app.1", "127.0x1", "app.0x1"},
		"public suffix": {"localhost", "com", "co.uk", "github.io"},
	} {
		for _, domain := range domains {
			require.Contains(t, refused("domain", tenancyhttp.SessionsConfig{Domain: domain}), reason, domain)
		}
	}
	for _, name := range []string{"__Host-session", "__host-session", "__HOST-x"} {
		refused("name", tenancyhttp.SessionsConfig{Domain: "app.example", Name: name})
		refused("name", tenancyhttp.SessionsConfig{Insecure: true, Name: name})
	}
	refused("name", tenancyhttp.SessionsConfig{Insecure: true, Name: "__secure-x"})
	w.sessions(func(c *tenancyhttp.SessionsConfig) { c.Domain, c.Name = "app.example", "sid" })
}
