package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancytest"
)

// What each role may do to documents, and which buttons it is shown.
func TestDocuments(t *testing.T) {
	w := startSeeded(t)
	list, doc := w.acme.fill("/orgs/{org}", ""), w.acme.fill("/orgs/{org}/documents/{id}", "")
	for _, c := range []struct {
		who           string
		write, remove bool
	}{
		{"bob", false, false}, {"eli", true, false}, {"cyd", true, true}, {"ada", true, true},
	} {
		b := w.as(c.who + "@acme.example")
		status := func(allowed bool) int {
			if allowed {
				return 303
			}
			return 403
		}
		require.Contains(t, b.get(list).body, "Plans of Acme")
		require.Equal(t, c.write, strings.Contains(b.get(list).body, `action="`+list+`/documents"`), c.who)
		require.Contains(t, b.get(doc).body, "secret")
		require.Equal(t, c.remove, strings.Contains(b.get(doc).body, "/delete"), c.who)
		require.Equal(t, status(c.write), b.post(list+"/documents", "title", "By "+c.who, "body", "<b>").status)
		require.Equal(t, c.write, strings.Contains(b.get(list).body, "By "+c.who))
		require.Equal(t, status(c.write), b.post(doc, "title", "Plans of Acme", "body", "secret, says "+c.who).status)
		require.Equal(t, c.write, strings.Contains(b.get(doc).body, "says "+c.who))
		mine := w.column(t.Context(), `SELECT max(id) FROM documents WHERE organization_id = ?`, w.acme.org)[0]
		require.Equal(t, status(c.remove), b.post(list+"/documents/"+mine+"/delete").status)
	}
	left := w.column(t.Context(), `SELECT title FROM documents WHERE organization_id = ? ORDER BY id`, w.acme.org)
	require.Equal(t, []string{"Plans of Acme", "By eli"}, left)
}

// N3: no page of documents shows those of another organization.
func TestDocumentsDoNotLeak(t *testing.T) {
	w, ids := start(t), map[tenancy.OrganizationID]string{}
	tenancytest.Leaks(&tenancytest.World{TB: t, Service: w.service}, func(tenant *tenancytest.Tenant) tenancytest.Queries {
		org := tenant.Organization.ID
		done, err := w.db.ExecContext(t.Context(), insertDocument, org, tenant.Owner.ID, "Plans, "+tenant.Mark, tenant.Mark, 0)
		require.NoError(t, err)
		id, err := done.LastInsertId()
		require.NoError(t, err)
		ids[org] = fmt.Sprint(id)
		browser := w.as(tenant.Owner.Email)
		page := func(path func() string) func() (any, error) {
			return func() (any, error) { return browser.get("/orgs/" + org.String() + path()).body, nil }
		}
		return tenancytest.Queries{
			"the list":                page(func() string { return "" }),
			"a document":              page(func() string { return "/documents/" + ids[org] }),
			"a document of the other": page(func() string { return "/documents/" + ids[tenant.Other.Organization.ID] }),
			"the members":             page(func() string { return "/members" }),
		}
	})
}

// A change of role holds from the very next request on (rule R8).
func TestMembers(t *testing.T) {
	w := startSeeded(t)
	bob, cyd := w.as("bob@acme.example"), w.as("cyd@acme.example")
	members := w.acme.fill("/orgs/{org}/members", "")
	require.Contains(t, bob.get(members).body, "ada@acme.example")
	require.NotContains(t, bob.get(members).body, "<select")
	require.NotContains(t, bob.get(members).body, "initech")
	require.Contains(t, cyd.get(members).body, `<option value="editor">Editor</option>`)

	write := w.acme.fill("/orgs/{org}/documents", "")
	role := w.acme.fill("/orgs/{org}/members/{user}/role", "bob")
	for range 3 {
		require.Equal(t, 403, bob.post(write, "title", "x").status)
		require.Equal(t, 303, cyd.post(role, "role", editor).status)
		require.Equal(t, 303, bob.post(write, "title", "x").status)
		require.Equal(t, 303, cyd.post(role, "role", "member").status)
	}
	require.Equal(t, "/", bob.post(w.acme.fill("/orgs/{org}/leave", "")).location)
	require.Equal(t, "/login", bob.get(members).location, "the session was there")
}

func TestHostileInput(t *testing.T) {
	w := startSeeded(t)
	ada := w.as("ada@acme.example")
	list := w.acme.fill("/orgs/{org}", "")
	before := w.dump()
	for _, title := range []string{"", strings.Repeat("x", 201), "\xff"} {
		require.Equal(t, 400, ada.post(list+"/documents", "title", title).status)
	}
	require.Equal(t, 400, ada.post(list+"/documents", "title", "x", "body", strings.Repeat("x", 1<<20)).status, "over the limit")
	for _, id := range []string{"0", "-1", "x", "1e0", "99999999999999999999", w.init.doc, "1;2", "%00", "1%2F..%2F1"} {
		require.Equal(t, 404, ada.get(list+"/documents/"+id).status, id)
		require.Equal(t, 404, ada.post(list+"/documents/"+id+"/delete").status, id)
	}
	for _, user := range []string{"x", w.acme.org.String(), "usr_" + strings.Repeat("0", 26), w.init.users["ida"].String()} {
		require.Equal(t, 404, ada.post(list+"/members/"+user+"/role", "role", "owner").status, user)
	}
	require.Equal(t, 400, ada.get(list+"/members?after=x").status)
	require.Equal(t, before, w.dump())

	require.Equal(t, 303, ada.post(list+"/documents", "title", `<script>alert(1)</script>`, "body", `</textarea><script>`).status)
	require.NotContains(t, ada.get(list).body, "<script>")
}

// The program comes up, answers, and goes when it is told.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a, err := open(ctx, options{path: filepath.Join(t.TempDir(), "a b?.db"), mailer: tenancytest.NewMailbox(), log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer a.close()
	require.NoError(t, a.seed(ctx))
	require.NoError(t, a.seed(ctx), "once is enough")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error)
	go func() { ended <- a.serve(ctx, listener) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + listener.Addr().String() + "/login")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 200, res.StatusCode)
	cancel()
	require.NoError(t, <-ended)

	// Its tables and seed are there the next time.
	_, err = open(t.Context(), options{mailer: tenancytest.NewMailbox(), path: filepath.Join(t.TempDir(), "no such directory", "x.db"), log: slog.New(slog.DiscardHandler)})
	require.Error(t, err)
}
