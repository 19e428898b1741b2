package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/tenancy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the program on a server, with the two organizations of seed in it.
type world struct {
	*testing.T
	*app
	server *httptest.Server
	codes  map[string]string // the last code mailed to an address
	acme   place
	init   place
}

// place is an organization and a document in it.
type place struct {
	org   tenancy.OrganizationID
	doc   string
	users map[string]tenancy.UserID // by name: ada, bob, ...
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, codes: map[string]string{}}
	var err error
	w.app, err = open(t.Context(), settings{
		path: filepath.Join(t.TempDir(), "webapp.db"), log: slog.New(slog.DiscardHandler),
		mail: func(address, code string) { w.codes[address] = code },
	})
	require.NoError(t, err)
	t.Cleanup(w.close)
	w.server = httptest.NewServer(w.handler())
	t.Cleanup(w.server.Close)
	return w
}

func startSeeded(t *testing.T) *world {
	t.Helper()
	w := start(t)
	require.NoError(t, w.seed(t.Context()))
	for org, err := range w.service.Organizations.All(t.Context(), tenancy.OrganizationQuery{}) {
		require.NoError(t, err)
		p := place{org: org.ID, users: map[string]tenancy.UserID{}}
		for m, err := range w.service.Memberships.All(t.Context(), org.ID, tenancy.MemberQuery{}) {
			require.NoError(t, err)
			name, _, _ := strings.Cut(m.Email, "@")
			p.users[name] = m.UserID
		}
		done, err := w.db.ExecContext(t.Context(), insertDocument, org.ID, nil, "Plans of "+org.DisplayName, "secret", 0)
		require.NoError(t, err)
		id, err := done.LastInsertId()
		require.NoError(t, err)
		p.doc = fmt.Sprint(id)
		if org.DisplayName == "Acme" {
			w.acme = p
		} else {
			w.init = p
		}
	}
	return w
}

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
	require.Equal(w, http.StatusOK, b.post("/login", "email", email).status)
	require.Equal(w, http.StatusSeeOther, b.post("/login/code", "email", email, "code", w.codes[email]).status)
	return b
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

// dump is every row of every table but those that a refused request may write.
func (w *world) dump() string {
	w.Helper()
	ctx := context.WithoutCancel(w.Context())
	var out strings.Builder
	tables := w.column(ctx, `SELECT name FROM sqlite_master WHERE type = 'table'
		AND name NOT IN ('sessions', 'login_codes', 'tenancy_denials') ORDER BY name`)
	for _, table := range tables {
		rows, err := w.db.QueryContext(ctx, `SELECT * FROM `+table)
		require.NoError(w, err)
		columns, err := rows.Columns()
		require.NoError(w, err)
		for rows.Next() {
			cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
			for i := range cells {
				into[i] = &cells[i]
			}
			require.NoError(w, rows.Scan(into...))
			fmt.Fprintln(&out, table, cells)
		}
		require.NoError(w, rows.Close())
	}
	return out.String()
}

func (w *world) column(ctx context.Context, query string, args ...any) []string {
	w.Helper()
	rows, err := w.db.QueryContext(ctx, query, args...)
	require.NoError(w, err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var cell string
		require.NoError(w, rows.Scan(&cell))
		found = append(found, cell)
	}
	return found
}
