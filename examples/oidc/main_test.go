package main

import (
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the program on a server, with a provider for everybody, and Acme, which has
// acme.example and a provider of its own.
type world struct {
	*tenancytest.World
	*app
	server *httptest.Server
	google *issuer
	sso    *issuer
	acme   tenancy.Connection
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{World: &tenancytest.World{TB: t}, google: newIssuer(t, "shop at google"), sso: newIssuer(t, "shop at acme")}
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.handler().ServeHTTP(rw, r)
	}))
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	secrets := map[tenancy.ConnectionID]string{}
	var err error
	w.app, err = open(settings{
		url: w.server.URL, own: w.google.client, secret: func(id tenancy.ConnectionID) string { return secrets[id] },
		client: w.server.Client(), log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	w.Service = w.service
	w.acme, err = w.office(t.Context(), "Acme", "acme.example", w.sso.client)
	require.NoError(t, err)
	secrets[w.acme.ID] = w.sso.client.secret
	return w
}

// browser follows redirects and keeps cookies.
type browser struct {
	w      *world
	client *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(w, err)
	return &browser{w, &http.Client{Jar: jar, Transport: w.server.Client().Transport}}
}

type answer struct {
	status int
	body   string
}

func (b *browser) get(path string) answer {
	b.w.Helper()
	return b.send(http.MethodGet, path, nil, nil)
}

func (b *browser) send(method, path string, form url.Values, header http.Header) answer {
	b.w.Helper()
	r, err := http.NewRequestWithContext(b.w.Context(), method, b.w.server.URL+path, strings.NewReader(form.Encode()))
	require.NoError(b.w, err)
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.client.Do(r)
	require.NoError(b.w, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.w, err)
	return answer{res.StatusCode, string(body)}
}

// login goes to a page with a button to sign in by, and presses it.
func (b *browser) login(path string) answer {
	b.w.Helper()
	return b.press(b.get(path))
}

var (
	href   = regexp.MustCompile(`href="([^"]+)"`)
	action = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	field  = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
)

// press sends the only form of a page.
func (b *browser) press(page answer) answer {
	b.w.Helper()
	forms, fields := action.FindAllStringSubmatch(page.body, -1), url.Values{}
	require.Len(b.w, forms, 1, page.body)
	for _, f := range field.FindAllStringSubmatch(page.body, -1) {
		fields.Set(f[1], html.UnescapeString(f[2]))
	}
	return b.send(http.MethodPost, forms[0][1], fields, nil)
}

// follow goes by the only link of a page, which leads to sign in.
func (b *browser) follow(page answer) answer {
	b.w.Helper()
	links := href.FindAllStringSubmatch(page.body, -1)
	require.Len(b.w, links, 1, page.body)
	return b.login(html.UnescapeString(links[0][1]))
}

// refused wants a decision that lets nobody in, and nothing left of the attempt.
func (b *browser) refused(path string, kind tenancy.DecisionKind) answer {
	b.w.Helper()
	var page answer
	require.Empty(b.w, b.w.Events(func() { page = b.login(path) }), "something was left")
	require.Equal(b.w, http.StatusForbidden, page.status, page.body)
	require.Contains(b.w, page.body, "<p>"+string(kind)+" ")
	return page
}

func ada(more ...any) map[string]any {
	person := map[string]any{"sub": "a-1", "email": "ada@acme.example", "name": "Ada Lovelace"}
	for i := 0; i < len(more); i += 2 {
		person[more[i].(string)] = more[i+1]
	}
	return person
}
