package main

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// between is what a page has between two texts.
func between(t *testing.T, page, before, after string) string {
	t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(before) + "([^<>]*?)" + regexp.QuoteMeta(after)).FindStringSubmatch(page)
	require.NotEmpty(t, found, "%s ... %s in %s", before, after, page)
	return found[1]
}

// signUp makes a company: its owner's browser, and the path of its pages.
func (w *world) signUp(email, organization string) (*browser, string) {
	w.Helper()
	b := w.browser()
	require.Equal(w, "/signup", b.login(email).location)
	home := b.post("/signup", "name", "Ada", "organization", organization).location
	require.Contains(w, b.get(home).body, "Welcome")
	return b, home
}

// verify claims a domain and proves it, as the settings page and the toys offer it.
func (b *browser) verify(home, name string) {
	b.w.Helper()
	require.Equal(b.w, 303, b.post(home+"/domains", "name", name, "joining", "auto").status)
	page := b.get(home + "/settings").body
	verify := between(b.w.T, page, `action="`+home+"/domains/", `/verify"`)
	require.Equal(b.w, 409, b.post(home+"/domains/"+verify+"/verify").status, "nothing is published")
	record := regexp.MustCompile(`<code>(.*?)</code> <code>(.*?)</code>`).FindStringSubmatch(page)
	require.Equal(b.w, 303, b.post("/toy/dns", "name", record[1], "value", record[2]).status)
	require.Equal(b.w, 303, b.post(home+"/domains/"+verify+"/verify").status)
	require.Contains(b.w, b.get(home+"/settings").body, "verified")
}

// requireSingleSignOn sets single sign-on up and makes it the only way in, for
// everybody except owners. It gives the path to sign in by.
func (b *browser) requireSingleSignOn(home, colleague string) (sso string) {
	b.w.Helper()
	require.Equal(b.w, 303, b.post(home+"/connections", "name", "Engine ID").status)
	offered := b.w.browser().post("/login", "email", colleague).body
	sso = "/toy/sso/" + between(b.w.T, offered, `href="/toy/sso/`, `"`)
	require.Equal(b.w, 303, b.post(home+"/policy", "single_sign_on", "on").status)
	return sso
}

// From nothing to a company with invited people, a domain, single sign-on, and somebody
// thrown out: all by the pages.
func TestStory(t *testing.T) {
	w := start(t)
	ada, home := w.signUp("ada@engines.example", "Engines")

	// An invitation goes by mail alone, and the link in it is enough to be in.
	require.Equal(t, 303, ada.post(home+"/invitations", "email", "Bob@Elsewhere.example", "role", editor).status)
	link, token := w.link("Bob@elsewhere.example")
	require.NotContains(t, ada.get(home+"/members").body, token)
	require.Contains(t, ada.get(home+"/members").body, "Bob@Elsewhere.example")
	bob := w.browser()
	page := bob.get(link).body
	require.Contains(t, page, "B***@Elsewhere.example is invited to Engines")
	require.Contains(t, page, "<button>Accept</button>")
	require.Equal(t, home, bob.post("/invitation", "invitation", token, "email", between(t, page, `name="email" value="`, `"`)).location)
	require.Equal(t, 303, bob.post(home+"/documents", "title", "By Bob").status, "an editor")
	require.Contains(t, bob.get(link).body, "This invitation is accepted")

	// Once the domain is verified, a colleague is in by signing in.
	ada.verify(home, "engines.example")
	cyd := w.as("cyd@engines.example")
	require.Contains(t, cyd.get(home).body, "By Bob")
	require.Equal(t, 403, cyd.get(home+"/settings").status, "a member and no more")

	// From now on a code is not enough, and its bearer is sent to the connection.
	sso := ada.requireSingleSignOn(home, "cyd@engines.example")
	require.Equal(t, 200, cyd.get(home).status, "who is in stays in")
	again := w.browser()
	refused := again.login("cyd@engines.example")
	require.Equal(t, 403, refused.status)
	require.Contains(t, refused.body, `href="`+sso+`"`)
	require.Equal(t, "/login", again.get(home).location)
	require.Contains(t, again.get(sso).body, "stands for Engine ID")
	require.Equal(t, home, again.post(sso, "email", "cyd@engines.example").location)
	require.Equal(t, home, w.browser().post(sso, "email", "dan@engines.example").location, "a colleague who is new")
	require.Equal(t, 403, w.browser().login("bob@elsewhere.example").status, "guests have to, too")
	require.Equal(t, home, w.browser().login("ada@engines.example").location, "an owner is free to")

	// The switcher.
	second := cyd.post("/orgs", "name", "Second").location
	require.Contains(t, cyd.get(second).body, `aria-current="page">Second`)
	require.Contains(t, cyd.get(second).body, `<button>Engines</button>`)
	require.Equal(t, 200, cyd.get(home).status, "the session has an entry into each")
	refused = cyd.post("/switch", "organization", strings.TrimPrefix(home, "/orgs/"), "return", home)
	require.Equal(t, 403, refused.status, "cyd came by a code")
	require.Contains(t, refused.body, "another way")
	require.Equal(t, 403, again.post("/switch", "organization", strings.TrimPrefix(second, "/orgs/"), "return", second).status, "what Engines' provider says counts at Engines")
	require.Equal(t, 403, again.get(second).status, "nor does a link lead there")
	require.Equal(t, home, again.post("/switch", "organization", strings.TrimPrefix(home, "/orgs/"), "return", home).location)
	require.Equal(t, 200, again.get(home).status)

	// Thrown out at once, wherever they are signed in there, and not let in again.
	members := ada.get(home + "/members").body
	row := members[strings.Index(members, "cyd@engines.example"):]
	member := home + "/members/" + between(t, row, home+"/members/", "/deactivate")
	require.Equal(t, 303, ada.post(member+"/deactivate").status)
	require.Equal(t, "/login", again.get(home).location)
	require.Equal(t, 200, cyd.get(second).status, "elsewhere is not their matter")
	require.Equal(t, 403, w.browser().post(sso, "email", "cyd@engines.example").status)
	require.Equal(t, 303, ada.post(member+"/reactivate").status)
	require.Equal(t, home, w.browser().post(sso, "email", "cyd@engines.example").location)
}

// An invitation that was sent again works by the new link alone; one that was taken
// back not at all.
func TestInvitations(t *testing.T) {
	w := start(t)
	ada, home := w.signUp("ada@engines.example", "Engines")
	require.Equal(t, 303, ada.post(home+"/invitations", "email", "bob@elsewhere.example").status)
	require.Equal(t, 409, ada.post(home+"/invitations", "email", "bob@elsewhere.example").status)
	_, old := w.link("bob@elsewhere.example")
	invitation := home + "/invitations/" + between(t, ada.get(home+"/members").body, home+"/invitations/", "/resend")
	require.Equal(t, 303, ada.post(invitation+"/resend").status)
	link, token := w.link("bob@elsewhere.example")
	require.NotEqual(t, old, token)
	bob := w.browser()
	require.Equal(t, 403, bob.post("/invitation", "invitation", old, "email", "bob@elsewhere.example").status)
	require.Equal(t, 303, ada.post(invitation+"/revoke").status)
	require.Contains(t, bob.get(link).body, "is revoked")
	require.Equal(t, 403, bob.post("/invitation", "invitation", token, "email", "bob@elsewhere.example").status)
	require.Equal(t, 410, ada.post(invitation+"/resend").status)

	// Who is somebody already joins as who they are, and one has only to ask.
	require.Equal(t, 303, ada.post(home+"/invitations", "email", "eve@elsewhere.example").status)
	link, token = w.link("eve@elsewhere.example")
	eve, _ := w.signUp("eve@elsewhere.example", "Eve's")
	page := eve.get(link).body
	require.Contains(t, page, "Join as eve@elsewhere.example")
	require.Contains(t, page, "<button>Sign out eve@elsewhere.example and accept as e***@elsewhere.example</button>")
	require.Equal(t, home, eve.post("/invitation/join", "invitation", token).location)
	require.Contains(t, eve.get(home).body, `aria-current="page">Engines`)
}

// An invitation is declined by a POST with its token, without an account, and ends for good.
func TestDeclines(t *testing.T) {
	w := start(t)
	ada, home := w.signUp("ada@engines.example", "Engines")
	require.Equal(t, 303, ada.post(home+"/invitations", "email", "bob@elsewhere.example").status)
	link, token := w.link("bob@elsewhere.example")
	bob := w.browser()
	require.Contains(t, bob.get(link).body, "<button>Decline</button>")
	require.Contains(t, bob.get(link).body, "<button>Decline</button>", "looking declines nothing")
	require.Equal(t, 405, bob.get("/invitation/decline?invitation="+token).status)
	declined := bob.post("/invitation/decline", "invitation", token)
	require.Equal(t, 200, declined.status)
	require.Contains(t, declined.body, "declined the invitation to Engines")
	require.Equal(t, 400, bob.post("/invitation/decline", "invitation", token).status)
	require.Equal(t, 400, bob.get(link).status)
	require.Equal(t, 409, ada.post(home+"/invitations", "email", "bob@elsewhere.example").status)
}

// The mail server is down: the invitation is there and can be sent again.
func TestMailFails(t *testing.T) {
	w := start(t)
	ada, home := w.signUp("ada@engines.example", "Engines")
	w.mails.Fail(errors.New("the mail server is down"))
	failed := ada.post(home+"/invitations", "email", "bob@elsewhere.example")
	require.Equal(t, 502, failed.status)
	require.Contains(t, failed.body, "could not be mailed")
	require.Contains(t, ada.get(home+"/members").body, "bob@elsewhere.example")
}
