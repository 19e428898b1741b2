package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// From nothing to a first document, by the forms.
func TestSignUp(t *testing.T) {
	w := start(t)
	b := w.browser()
	require.Equal(t, "/login", b.get("/").location)
	require.Contains(t, b.get("/login").body, `name="email"`)
	require.Equal(t, 400, b.post("/login", "email", "not an address").status)

	require.Equal(t, 200, b.post("/login", "email", "Ada@New.example").status)
	code := w.code("ada@new.example")
	require.NotEmpty(t, code)
	require.Equal(t, 400, b.post("/login/code", "code", "wrong").status)
	require.Equal(t, "/login", b.get("/signup").location, "no session yet")
	require.Equal(t, "/signup", b.post("/login/code", "code", code).location)
	require.Equal(t, 400, b.post("/login/code", "code", code).status, "a code works once")

	require.Equal(t, "/login", b.get("/").location, "a proved address is nobody yet")
	require.Contains(t, b.get("/signup").body, `name="organization"`)
	require.Equal(t, 400, b.post("/signup", "name", "Ada", "organization", "").status)
	require.Empty(t, w.column(t.Context(), `SELECT id FROM tenancy_users`), "all or nothing")
	first := b.post("/signup", "name", "Ada", "organization", "Analytical <Engines>").location
	require.Contains(t, b.get(first).body, "Welcome")
	require.Equal(t, "/login", b.post("/signup", "name", "Ada", "organization", "Again").location, "what was proved works once")

	user, err := w.service.Users.GetByEmail(t.Context(), "ada@new.example")
	require.NoError(t, err)
	require.False(t, user.EmailVerifiedAt.IsZero(), "the code has proved it")

	page := b.get("/").body
	require.Contains(t, page, "Analytical &lt;Engines&gt;")
	org := w.column(t.Context(), `SELECT id FROM tenancy_organizations`)[0]
	require.Contains(t, b.get("/orgs/"+org).body, "Welcome")

	next := b.post("/orgs", "name", "Second").location
	require.Equal(t, 200, b.get(next).status)
	require.Contains(t, b.get(next).body, "Analytical", "the switcher")
	require.NotContains(t, b.get(next).body, "Welcome")
	require.Contains(t, b.get(next).body, `aria-current="page">Second`)

	require.Equal(t, 303, b.post("/logout").status)
	require.Equal(t, "/login", b.get(next).location)
	b = w.browser()
	require.Contains(t, b.login("ada@new.example").body, "Second", "there are two to choose from")
	require.Equal(t, next, b.post("/login/organization", "organization", strings.TrimPrefix(next, "/orgs/")).location)
	require.Equal(t, 200, b.get(next).status, "signing in again works")
	require.Equal(t, "/login", b.post("/login/organization", "organization", strings.TrimPrefix(next, "/orgs/")).location)
}

// User, organization, the first document and the session are one transaction.
func TestSignUpIsOneTransaction(t *testing.T) {
	w := start(t)
	b := w.as("ada@new.example")
	before := w.dump()
	require.NotContains(t, before, "ada@new.example", "a proved address is nobody yet")
	_, err := w.db.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE INSERT ON documents BEGIN SELECT RAISE(ABORT, 'no room'); END`)
	require.NoError(t, err)
	a := b.post("/signup", "name", "Ada", "organization", "Engines")
	require.Equal(t, 500, a.status)
	require.NotContains(t, a.body, "no room")
	require.Equal(t, before, w.dump())

	_, err = w.db.ExecContext(t.Context(), `DROP TRIGGER refuse`)
	require.NoError(t, err)
	require.Equal(t, 303, b.post("/signup", "name", "Ada", "organization", "Engines").status)
	require.Len(t, w.column(t.Context(), `SELECT title FROM documents`), 1)
}

// A code is good in the browser that asked for it, and five wrong ones end it.
func TestCodeIsNotGuessed(t *testing.T) {
	w := startSeeded(t)
	b := w.browser()
	b.post("/login", "email", "ada@acme.example")
	code := w.code("ada@acme.example")
	require.Equal(t, 400, w.browser().post("/login/code", "code", code).status, "another browser")
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	for range 5 {
		require.Equal(t, 400, b.post("/login/code", "code", wrong).status)
	}
	require.Equal(t, 410, b.post("/login/code", "code", code).status)
}

// The link signs in where it is opened, and a look at it spends nothing.
func TestSignInByLink(t *testing.T) {
	w := startSeeded(t)
	laptop, phone := w.browser(), w.browser()
	laptop.post("/login", "email", "ada@acme.example")
	path, token := w.link("ada@acme.example")
	require.NotContains(t, laptop.get(path).body, "close this page")
	for range 2 { // a scanner, too
		require.Contains(t, phone.get(path).body, "type its code there instead")
	}
	require.Equal(t, 303, phone.post("/login/link", "token", token).status)
	require.Equal(t, 200, phone.get("/").status)
	require.Equal(t, "/login", laptop.get("/").location, "nobody is signed in who did not open it")
	require.Equal(t, 410, laptop.post("/login/code", "code", w.code("ada@acme.example")).status)
	require.Equal(t, 410, laptop.post("/login/link", "token", token).status)
}

// Forms of other sites do nothing, cookie or not.
func TestCrossSite(t *testing.T) {
	w := startSeeded(t)
	ada := w.as("ada@acme.example")
	before := w.dump()
	for _, r := range w.routes() {
		method, path, _ := strings.Cut(w.acme.fill(r.pattern, "bob"), " ")
		if method != http.MethodPost {
			continue
		}
		for _, header := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"https://evil.example"}}} {
			require.Equal(t, 403, ada.send(method, path, everything(), header).status, r.pattern)
		}
	}
	require.Equal(t, before, w.dump())
}

// Sessions and codes run out.
func TestExpiry(t *testing.T) {
	w := startSeeded(t)
	ada, newcomer := w.as("ada@acme.example"), w.as("new@new.example")
	require.Equal(t, 200, ada.get("/").status)
	require.Equal(t, 200, newcomer.get("/signup").status)
	ada.post("/login", "email", "ada@acme.example")
	for _, table := range []string{"tenancy_secrets", "tenancy_sessions", "tenancy_mailbox_proofs", "tenancy_pending_sign_ins"} {
		_, err := w.db.ExecContext(t.Context(), `UPDATE `+table+` SET expires_at = 1`)
		require.NoError(t, err)
	}
	require.Equal(t, "/login", ada.get("/").location)
	require.Equal(t, "/login", newcomer.post("/signup", "name", "New", "organization", "Late").location)
	require.Equal(t, 410, ada.post("/login/code", "code", w.code("ada@acme.example")).status)
}
