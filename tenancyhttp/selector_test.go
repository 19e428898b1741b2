package tenancyhttp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

func TestSubdomain(t *testing.T) {
	for host, want := range map[string]string{
		"acme.app.example":                           "acme",
		"ACME.App.Example":                           "acme",
		"acme.app.example:8443":                      "acme",
		"acme.app.example.":                          "acme",
		"acme.app.example.:443":                      "acme",
		"org_01h455vb4pex5vsknk084sn02q.app.example": "org_01h455vb4pex5vsknk084sn02q",

		"":                                "",
		":8080":                           "",
		".":                               "",
		"app.example":                     "",
		".app.example":                    "",
		"evil.com":                        "",
		"acme":                            "",
		"localhost:8080":                  "",
		"acme.evil.com":                   "",
		"acme.app.example.evil.com":       "",
		"acmeapp.example":                 "",
		"evilapp.example":                 "",
		"a.acme.app.example":              "",
		"evil.com/acme.app.example":       "",
		"evil.com#.app.example":           "",
		"evil@acme.app.example":           "",
		"ac%6de.app.example":              "",
		"acme .app.example":               "",
		"acme..app.example":               "",
		"acme.app.example..":              "",
		"acmé.app.example":                "",
		"acme\x00.app.example":            "",
		"127.0.0.1":                       "",
		"127.0.0.1:80":                    "",
		"[::1]":                           "",
		"[::1]:8080":                      "",
		"[::ffff:1.2.3.4%25eth0]:80":      "",
		"[acme.app.example]:80":           "acme",
		"acme.app.example:80:90":          "",
		strings.Repeat("a.", 1<<15) + "x": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "acme.app.example")
		r.Header.Set("Forwarded", "host=acme.app.example")
		for _, base := range []string{"app.example", "APP.example.", "app.example:8080"} {
			got, err := tenancyhttp.Subdomain(base)(r)
			require.NoError(t, err)
			require.Equal(t, want, got, "%q", host)
		}
	}
}

func TestHeader(t *testing.T) {
	w := newWorld(t)
	h := w.guard(func(c *tenancyhttp.Config) { c.Organization = tenancyhttp.Header("X-Organization") }).
		Require("documents:read")(http.HandlerFunc(echo))
	with := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["X-Organization"] = values }
	}
	require.Equal(t, 200, w.ask(h, w.bob.ID, "/", with("acme")).Code)
	require.Equal(t, 404, w.ask(h, w.bob.ID, "/", with("evil")).Code)
	require.Equal(t, 404, w.ask(h, w.bob.ID, "/", with("acme, evil")).Code)
	require.Equal(t, 400, w.ask(h, w.bob.ID, "/").Code)
	require.Equal(t, 400, w.ask(h, w.bob.ID, "/", with("")).Code)
	// Twice, and in either order: refused, not the first nor the last of them.
	for _, values := range [][]string{{"acme", "evil"}, {"evil", "acme"}, {"acme", "acme"}} {
		rec := w.ask(h, w.bob.ID, "/", with(values...))
		require.Equal(t, 400, rec.Code)
		require.Contains(t, rec.Body.String(), `"field":"organization"`)
	}
	require.Equal(t, 401, w.ask(h, tenancy.UserID{}, "/", with("acme", "evil")).Code, "nobody is told anything")
}

// Whatever is no id and no slug is not there, at no cost.
func TestHostileNames(t *testing.T) {
	w := newWorld(t)
	// An organization without a slug must not be what an empty or odd one finds.
	must(w.svc.Organizations.Create(w.ctx, tenancy.NewOrganization{DisplayName: "No slug", Owner: w.ada.ID}))(t)
	h := at(w.guard().Member)
	want := w.ask(h, w.ada.ID, "/orgs/nowhere").Body.String()
	for _, name := range []string{
		strings.Repeat("a", 1<<20), strings.Repeat("a", 64), "org_" + strings.Repeat("0", 26), "org_" + strings.Repeat("z", 26),
		"org_01H455VB4PEX5VSKNK084SN02Q", strings.ToUpper(w.acme.ID.String()), w.acme.ID.String() + "0", w.acme.ID.String() + "%00",
		w.ada.ID.String(), "acme%2Fevil", "acme%2F..%2Fevil", "..%2Facme", "acme%00", "ACME", "acme%20", "%20acme", "acm%C3%A9",
		"acme'--", "%25", "a_b", "%E2%80%AEacme", "acme%0d%0aSet-Cookie:x", "*", "acme;evil",
	} {
		before := w.store.views.Load()
		rec := w.ask(h, w.ada.ID, "/orgs/"+name)
		require.Equal(t, http.StatusNotFound, rec.Code, "%.80s", name)
		require.Equal(t, want, rec.Body.String(), "%.80s", name)
		if name != "org_"+strings.Repeat("z", 26) {
			require.Zero(t, w.store.views.Load()-before, "%.80s", name)
		}
	}
}

// A router without SetPathValue gives its parameter by a function.
func TestOwnSelector(t *testing.T) {
	w := newWorld(t)
	h := w.guard(func(c *tenancyhttp.Config) {
		c.Organization = func(r *http.Request) (string, error) { return r.URL.Query().Get("org"), nil }
	}).Member(http.HandlerFunc(echo))
	require.Equal(t, 200, w.ask(h, w.bob.ID, "/?org=acme").Code)
	require.Equal(t, 404, w.ask(h, w.bob.ID, "/?org=evil").Code)
	require.Equal(t, 400, w.ask(h, w.bob.ID, "/").Code)
}
