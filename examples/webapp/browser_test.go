package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"
)

// browser is one with cookies, which shows redirects instead of following them.
type browser struct {
	w      *world
	client *http.Client
}

type answer struct {
	status   int
	location string
	body     string
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(w, err)
	return &browser{w, &http.Client{
		Jar: jar, Transport: w.server.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// as is a browser in which somebody has signed in, by the code in their mail.
func (w *world) as(email string) *browser {
	w.Helper()
	b := w.browser()
	require.Equal(w, http.StatusSeeOther, b.login(email).status)
	return b
}

// login signs in by the code in the mail, as far as that goes.
func (b *browser) login(email string) answer {
	b.w.Helper()
	require.Equal(b.w, http.StatusOK, b.post("/login", "email", email).status)
	return b.post("/login/code", "code", b.w.code(email))
}

// cookie is one of the browser's own.
func (b *browser) cookie(name string) string {
	site, err := url.Parse(b.w.server.URL)
	require.NoError(b.w, err)
	for _, c := range b.client.Jar.Cookies(site) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) setCookie(name, value string) {
	site, err := url.Parse(b.w.server.URL)
	require.NoError(b.w, err)
	b.client.Jar.SetCookies(site, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func (b *browser) get(path string) answer { return b.send(http.MethodGet, path, nil, nil) }

func (b *browser) post(path string, fields ...string) answer {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.send(http.MethodPost, path, form, nil)
}

func (b *browser) send(method, path string, form url.Values, header http.Header) answer {
	b.w.Helper()
	r, err := http.NewRequestWithContext(b.w.Context(), method, b.w.server.URL+path, strings.NewReader(form.Encode()))
	require.NoError(b.w, err)
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.client.Do(r)
	require.NoError(b.w, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.w, err)
	return answer{res.StatusCode, res.Header.Get("Location"), string(body)}
}
