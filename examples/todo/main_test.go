package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancytest"
)

type world struct {
	*testing.T
	server *httptest.Server
	mails  *tenancytest.Mailbox
}

func start(t *testing.T) world {
	mails := tenancytest.NewMailbox()
	a, err := open(t.Context(), filepath.Join(t.TempDir(), "todo.db"), mails)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.store.Close()) })
	server := httptest.NewServer(a.routes())
	t.Cleanup(server.Close)
	return world{t, server, mails}
}

// browser follows redirects, as one does.
type browser struct {
	w      world
	client *http.Client
}

func (w world) browser() browser {
	jar, err := cookiejar.New(nil)
	require.NoError(w, err)
	return browser{w, &http.Client{Jar: jar}}
}

type answer struct {
	status     int
	path, body string
}

func (b browser) get(path string) answer { return b.read(b.client.Get(b.w.server.URL + path)) }

func (b browser) post(path string, form ...string) answer {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return b.read(b.client.PostForm(b.w.server.URL+path, values))
}

func (b browser) read(r *http.Response, err error) answer {
	b.w.Helper()
	require.NoError(b.w, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(b.w, err)
	return answer{r.StatusCode, r.Request.URL.Path, string(body)}
}

func (w world) code(email string) string {
	return w.mails.Message(w, email, tenancy.MessageMailboxProof).Code.Reveal()
}

const (
	ada, bob = "ada@acme.example", "bob@acme.example"
	password = "correct horse battery"
)

// From nothing to a shared list, and back in by the password.
func TestTodo(t *testing.T) {
	w := start(t)
	a, b := w.browser(), w.browser()
	require.Equal(t, "/login", a.get("/").path)
	require.Equal(t, 400, a.post("/signup", "email", ada, "password", "short").status)
	require.Equal(t, 200, a.post("/signup", "email", ada, "password", password).status)
	require.Equal(t, 401, a.post("/login", "email", ada, "password", password).status, "not proved yet")
	require.Equal(t, "/", a.post("/code", "code", w.code(ada)).path)
	list := a.post("/orgs", "name", "Acme").path
	require.Contains(t, a.post(list+"/todos", "text", "Buy <milk>").body, "Buy &lt;milk&gt;")
	require.Equal(t, 200, a.post(list+"/invitations", "email", bob).status)

	// Bob comes by the invitation, sets a password on the way, and sees the list.
	invitation := w.mails.Token(w, bob)
	require.Contains(t, b.get("/invitation?token="+invitation).body, "Acme")
	require.Equal(t, 200, b.post("/signup", "email", bob, "password", password, "invitation", invitation).status)
	require.Equal(t, "/", b.post("/code", "code", w.code(bob), "invitation", invitation).path)
	require.Contains(t, b.get(list).body, "milk")
	require.Contains(t, b.post(list+"/todos/1").body, "<s>Buy")
	require.Equal(t, 403, b.post(list+"/invitations", "email", "eve@evil.example").status)

	require.Equal(t, "/login", a.post("/logout").path)
	require.Equal(t, "/login", a.get(list).path)
	require.Equal(t, 401, a.post("/login", "email", ada, "password", "wrong").status)
	require.Equal(t, "/", a.post("/login", "email", ada, "password", password).path)
	require.Equal(t, list, a.post("/switch", "organization", list[len("/orgs/"):], "return", list).path)

	// Who has two organizations gets in by a reset, too, and keeps the new password.
	require.Contains(t, a.post("/orgs", "name", "Second").path, "/orgs/")
	a.post("/logout")
	a.post("/signup", "email", ada, "password", password+"!")
	require.Equal(t, "/", a.post("/code", "code", w.code(ada)).path)
	require.Contains(t, a.get("/").body, "Second")
	a.post("/logout")
	require.Equal(t, "/", a.post("/login", "email", ada, "password", password+"!").path)

	stranger := w.browser()
	stranger.post("/signup", "email", "eve@evil.example", "password", password)
	require.Equal(t, "/", stranger.post("/code", "code", w.code("eve@evil.example")).path)
	require.Equal(t, 404, stranger.get(list).status)
	require.Equal(t, 404, stranger.post(list+"/todos/1").status)
}

// A password that was typed in one browser is not kept by a link that is opened in another.
func TestLinkElsewhere(t *testing.T) {
	w := start(t)
	laptop, phone := w.browser(), w.browser()
	laptop.post("/signup", "email", ada, "password", "of somebody else")
	link := linkTo(w.mails.Message(w, ada, tenancy.MessageMailboxProof))
	require.Contains(t, phone.get(link).body, "set a password afterwards")
	token := w.mails.Token(w, ada)
	require.Equal(t, "/", phone.post("/proof", "token", token).path)
	require.Equal(t, "/login", laptop.get("/").path)
	require.Equal(t, 410, laptop.post("/code", "code", w.code(ada)).status)
	require.Equal(t, 401, laptop.post("/login", "email", ada, "password", "of somebody else").status)

	// A reset ends other sessions.
	laptop.post("/signup", "email", ada, "password", password)
	require.Equal(t, "/", laptop.post("/code", "code", w.code(ada)).path)
	require.Equal(t, "/login", phone.get("/").path)
	require.Equal(t, "/", phone.post("/login", "email", ada, "password", password).path)
}

// Ten wrong ones, and only the mailbox helps.
func TestWrongPasswords(t *testing.T) {
	w := start(t)
	a := w.browser()
	a.post("/signup", "email", ada, "password", password)
	a.post("/code", "code", w.code(ada))
	a.post("/logout")
	for range 10 {
		require.Equal(t, 401, a.post("/login", "email", ada, "password", "wrong one").status)
	}
	require.Equal(t, 401, a.post("/login", "email", ada, "password", password).status)
	a.post("/signup", "email", ada, "password", password)
	require.Equal(t, "/", a.post("/code", "code", w.code(ada)).path)
}
