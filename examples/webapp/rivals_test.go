package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// Who runs two organizations runs each on its own pages, once a link has led there and its policy was asked.
func TestTwoOrganizationsOneAdministrator(t *testing.T) {
	w := startSeeded(t)
	_, err := w.service.Memberships.Add(t.Context(), tenancy.NewMembership{
		OrganizationID: w.init.org, UserID: w.acme.users["ada"], Roles: []string{"owner"},
	})
	require.NoError(t, err)
	ada := w.browser()
	ada.login("ada@acme.example")
	require.Equal(t, 303, ada.post("/login/organization", "organization", w.acme.org.String()).status)
	mixed := w.init
	mixed.org = w.acme.org
	before := w.dump()
	for _, r := range w.routes() {
		method, pattern, _ := strings.Cut(r.pattern, " ")
		if !strings.Contains(pattern, "{org}") {
			continue
		}
		if method != "GET" { // a link is followed, a form is not
			require.Equal(t, 404, ada.send(method, w.init.fill(pattern, "joe"), everything(), nil).status, r.pattern)
		}
		if strings.Count(pattern, "{") > 1 {
			require.Equal(t, 404, ada.send(method, mixed.fill(pattern, "joe"), everything(), nil).status, r.pattern)
		}
	}
	require.Equal(t, before, w.dump())
	require.Equal(t, 200, ada.get("/orgs/"+w.init.org.String()).status, "a link into the other one")
	require.Equal(t, 200, ada.get("/orgs/"+w.acme.org.String()).status, "and the session is in both")
}

// A token in somebody else's hands: the address decides, and they have to prove it.
func TestInvitationOfSomebodyElse(t *testing.T) {
	w := startSeeded(t)
	_, token := w.link("late@acme.example")
	joe, nobody := w.as("joe@initech.example"), w.browser()
	before := w.dump()
	require.Equal(t, 403, joe.post("/invitation/join", "invitation", token).status)

	// With an address that they can prove, they get a code, and then the refusal.
	asked := nobody.post("/login", "invitation", token, "email", "mallory@evil.example")
	require.Contains(t, asked.body, "A mail is on its way")
	refused := nobody.post("/login/code", "code", w.code("mallory@evil.example"), "invitation", token)
	require.Equal(t, 403, refused.status)
	require.Contains(t, refused.body, "another address")
	for _, bad := range []string{"", "x", strings.Repeat("A", len(token)), token + "A", strings.ToUpper(token)} {
		require.Equal(t, 400, nobody.get("/invitation?token="+url.QueryEscape(bad)).status)
		require.NotEqual(t, 303, nobody.post("/invitation", "invitation", bad, "email", "late@acme.example").status)
	}
	require.Equal(t, before, w.dump())
	require.Equal(t, 303, nobody.post("/invitation", "invitation", token, "email", "late@acme.example").status, "it still stands")
}

// Switching goes where one belongs, by this site's own forms.
func TestSwitchToForeign(t *testing.T) {
	w := startSeeded(t)
	joe := w.as("joe@initech.example")
	before := w.dump()
	never := joe.post("/switch", "organization", tenancy.OrganizationID{0: 1}.String())
	require.Equal(t, 404, never.status)
	require.Equal(t, never, joe.post("/switch", "organization", w.acme.org.String(), "return", w.acme.fill("/orgs/{org}", "")))
	require.Equal(t, 404, w.browserAt(joe).post("/switch", "organization", w.acme.org.String()).status)
	require.Equal(t, before, w.dump())
	require.Equal(t, 200, joe.get(w.init.fill("/orgs/{org}", "")).status)
	for _, away := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)"} {
		require.Equal(t, "/", joe.post("/switch", "organization", w.init.org.String(), "return", away).location)
	}
	// What was proved chooses no other organization than a session.
	nobody := w.browser()
	require.Equal(t, "/signup", nobody.login("mallory@evil.example").location)
	require.Equal(t, 403, nobody.post("/login/organization", "organization", w.acme.org.String()).status)
	require.Equal(t, "/login", w.browser().post("/login/organization", "organization", w.acme.org.String()).location)
}

// browserAt is another browser with the same session.
func (w *world) browserAt(b *browser) *browser {
	other := w.browser()
	other.setCookie("session", b.cookie("session"))
	return other
}

// Each sign-in makes the cookie before worthless, and signing out all of them.
func TestOldCookie(t *testing.T) {
	w := startSeeded(t)
	ada := w.as("ada@acme.example")
	thief := w.browserAt(ada)
	home := w.acme.fill("/orgs/{org}", "")
	require.Equal(t, 200, thief.get(home).status)
	ada.login("ada@acme.example") // in the same browser: the session gets a new token
	require.Equal(t, 200, ada.get(home).status)
	before := w.dump()
	for _, path := range []string{"/", home} {
		require.Equal(t, "/login", thief.get(path).location)
	}
	require.Equal(t, "/login", thief.post("/switch", "organization", w.acme.org.String()).location)
	require.Equal(t, before, w.dump())
	require.Equal(t, 200, ada.get(home).status, "the thief ended nothing")

	thief = w.browserAt(ada)
	next := ada.post("/orgs", "name", "Second").location
	ada.login("ada@acme.example")
	require.Equal(t, 303, ada.post("/login/organization", "organization", strings.TrimPrefix(next, "/orgs/")).status)
	require.Equal(t, "/login", thief.get(next).location, "one session a browser")

	thief = w.browserAt(ada)
	require.Equal(t, 303, ada.post("/logout").status)
	require.Empty(t, ada.cookie("session"))
	require.Equal(t, "/login", thief.get(next).location)
}

// A cookie that somebody was given before they sign in is not the one that they have
// afterwards, and stays whose it was, or nobody's.
func TestSessionFixation(t *testing.T) {
	w := startSeeded(t)
	mallory := w.as("joe@initech.example")
	for _, planted := range []string{mallory.cookie("session"), strings.Repeat("A", len(mallory.cookie("session")))} {
		victim := w.browser()
		victim.setCookie("session", planted)
		require.Equal(t, 303, victim.login("ada@acme.example").status)
		require.NotEqual(t, planted, victim.cookie("session"))
		other := w.browser()
		other.setCookie("session", planted)
		require.NotEqual(t, 200, other.get(w.acme.fill("/orgs/{org}", "")).status)
		require.NotContains(t, other.get("/").body, "Acme")
	}
	// The same for a sign-in that goes on, which a code begins anew.
	first := w.browser()
	first.login("new@new.example")
	second := w.browser()
	second.setCookie("session-pending", first.cookie("session-pending"))
	second.login("other@new.example")
	require.NotEqual(t, first.cookie("session-pending"), second.cookie("session-pending"))
	require.Equal(t, 303, first.post("/signup", "name", "New", "organization", "First").status)
	_, err := w.service.Users.GetByEmail(t.Context(), "new@new.example")
	require.NoError(t, err)
}

// P6: what one company's single sign-on says of another's people, or of anybody outside
// its own domains, is worth nothing.
func TestForeignSingleSignOn(t *testing.T) {
	w := startSeeded(t)
	ada, home := w.as("ada@acme.example"), w.acme.fill("/orgs/{org}", "")
	require.Equal(t, 303, ada.post(w.acme.fill("/orgs/{org}/domains/{domain}/verify", "")).status, "its proof is published")
	sso := ada.requireSingleSignOn(home, "bob@acme.example")
	for _, email := range []string{"ida@initech.example", "joe@initech.example", "anybody@elsewhere.example"} {
		b := w.browser()
		require.Equal(t, 403, b.post(sso, "email", email).status, email)
		require.Equal(t, "/login", b.get("/").location)
		// Nor does it help to have been here before.
		require.Equal(t, 403, w.as("ida@initech.example").post(sso, "email", email).status)
	}
	require.Equal(t, 400, w.browser().post(sso, "email", "").status)
	for _, id := range []string{"x", w.acme.org.String(), tenancy.ConnectionID{0: 1}.String()} {
		require.Equal(t, 404, w.browser().post("/toy/sso/"+id, "email", "ida@initech.example").status)
	}
	require.Empty(t, w.column(t.Context(), `SELECT subject FROM tenancy_identities`), "nobody was linked")
	require.Equal(t, home, w.browser().post(sso, "email", "bob@acme.example").location, "its own people")
}

// The first to prove a domain has it, and the other's people stay out of its reach.
func TestDomainOfRival(t *testing.T) {
	w := startSeeded(t)
	ada, ida := w.as("ada@acme.example"), w.as("ida@initech.example")
	require.Equal(t, 303, ada.post(w.acme.fill("/orgs/{org}/domains/{domain}/verify", "")).status)
	claims := w.init.fill("/orgs/{org}/domains", "")
	require.Equal(t, 303, ida.post(claims, "name", "acme.example", "joining", "auto").status, "anybody may claim")
	before := w.dump()
	page := ida.get(w.init.fill("/orgs/{org}/settings", "")).body
	row := page[strings.Index(page, "acme.example"):]
	require.Equal(t, 409, ida.post(claims+"/"+between(t, row, claims+"/", "/verify")+"/verify").status)
	require.Equal(t, 400, ida.post(claims, "name", "gmail.com").status)
	require.Equal(t, before, w.dump())
	require.NotContains(t, w.as("new@acme.example").get("/").body, "Initech")
}

// Without -demo there are no toys.
func TestNoToys(t *testing.T) {
	w := start(t)
	w.toys = nil
	for _, r := range w.routes() {
		require.NotContains(t, r.pattern, "toy")
		require.NotContains(t, r.pattern, "connections")
	}
}
