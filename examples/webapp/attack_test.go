package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
)

// fill makes the path of a route's pattern, with this place's ids in it.
func (p place) fill(pattern, user string) string {
	return strings.NewReplacer("{org}", p.org.String(), "{id}", p.doc, "{user}", p.users[user].String(),
		"{invitation}", p.invitation.String(), "{domain}", p.domain.String(), "{$}", "").Replace(pattern)
}

// everything is a form that would do for any route.
func everything() url.Values {
	return url.Values{
		"title": {"pwned"}, "body": {"pwned"}, "role": {"owner"}, "name": {"pwned.example"}, "organization": {"pwned"},
		"email": {"pwned@pwned.example"}, "joining": {"auto"}, "single_sign_on": {"on"}, "binds_owners": {"on"},
	}
}

// Two tenants attack each other: whoever they are at home, every address of the other's
// is not there, reads exactly like one that never was, and nothing has changed.
func TestTenantsAttackEachOther(t *testing.T) {
	w := startSeeded(t)
	nowhere := place{
		org: tenancy.OrganizationID{0: 1}, doc: "99999", invitation: tenancy.InvitationID{0: 1}, domain: tenancy.DomainID{0: 1},
		users: map[string]tenancy.UserID{"ada": {0: 1}, "ida": {0: 1}},
	}
	attackers := []struct {
		email        string
		home, victim place
		target       string // a member of the victim's
	}{
		{"ada@acme.example", w.acme, w.init, "ida"},
		{"cyd@acme.example", w.acme, w.init, "ida"},
		{"eli@acme.example", w.acme, w.init, "ida"},
		{"bob@acme.example", w.acme, w.init, "ida"},
		{"ida@initech.example", w.init, w.acme, "ada"},
		{"joe@initech.example", w.init, w.acme, "ada"},
	}
	browsers := map[string]*browser{}
	for _, a := range attackers {
		browsers[a.email] = w.as(a.email)
	}
	before, attacks := w.dump(), 0
	for _, a := range attackers {
		b := browsers[a.email]
		for _, r := range w.routes() {
			if !strings.Contains(r.pattern, "{org}") {
				continue
			}
			attack := func(p place, user string) answer {
				attacks++
				method, path, _ := strings.Cut(p.fill(r.pattern, user), " ")
				return b.send(method, path, everything(), nil)
			}
			never := attack(nowhere, a.target)
			require.Equal(t, 404, never.status, r.pattern)
			// The victim's organization, with the victim's ids, and with one's own.
			require.Equal(t, never, attack(a.victim, a.target), "%s %s", a.email, r.pattern)
			mixed := a.home
			mixed.org = a.victim.org
			for user := range a.home.users {
				require.Equal(t, never, attack(mixed, user), "%s %s", a.email, r.pattern)
			}
			// One's own organization, with the victim's ids in it.
			if strings.Count(r.pattern, "{") > 1 {
				mixed = a.victim
				mixed.org = a.home.org
				got := attack(mixed, a.target)
				require.Contains(t, []int{403, 404}, got.status, "%s %s", a.email, r.pattern)
				require.NotContains(t, got.body, "secret")
			}
		}
	}
	require.Greater(t, attacks, 400)
	require.Equal(t, before, w.dump())
	require.Equal(t, 200, browsers["ada@acme.example"].get("/orgs/"+w.acme.org.String()+"/documents/"+w.acme.doc).status, "it is there for its own")
}

// Nobody gets anywhere, and is sent to sign in.
func TestNobody(t *testing.T) {
	w := startSeeded(t)
	stolen := &http.Cookie{Name: "session", Value: strings.Repeat("A", 26), Path: "/"}
	before := w.dump()
	for _, b := range []*browser{w.browser(), w.browser()} {
		for _, r := range w.routes() {
			if !strings.Contains(r.pattern, "/orgs") && r.pattern != "GET /{$}" {
				continue
			}
			method, path, _ := strings.Cut(w.acme.fill(r.pattern, "ada"), " ")
			got := b.send(method, path, everything(), nil)
			require.Equal(t, answer{303, "/login", got.body}, got, r.pattern)
		}
		site, err := url.Parse(w.server.URL)
		require.NoError(t, err)
		b.client.Jar.SetCookies(site, []*http.Cookie{stolen})
	}
	require.Equal(t, before, w.dump())
}

// R6: nobody raises themselves, nobody touches who has more, only owners touch owners.
func TestRaising(t *testing.T) {
	w := startSeeded(t)
	browsers := map[string]*browser{}
	for user := range w.acme.users {
		browsers[user] = w.as(user + "@acme.example")
	}
	before := w.dump()
	for _, c := range []struct {
		who, whom, role string
		want            int
	}{
		{"bob", "bob", "owner", 403},
		{"bob", "bob", "admin", 403},
		{"bob", "bob", editor, 403},
		{"bob", "ada", "member", 403},
		{"eli", "eli", "admin", 403},
		{"eli", "bob", editor, 403},
		{"cyd", "cyd", "owner", 403},
		{"cyd", "bob", "owner", 403},
		{"cyd", "ada", "member", 403},
		{"cyd", "ada", "owner", 403},
		{"ada", "ada", "member", 409}, // the last owner
		{"ada", "bob", "no-such-role", 400},
		{"ada", "bob", "", 400},
		{"ada", "bob", "org-x", 400},
		{"ada", "bob", "owner,admin", 400},
		{"ada", "bob", "OWNER", 400},
	} {
		got := browsers[c.who].post(w.acme.fill("/orgs/{org}/members/{user}/role", c.whom), "role", c.role)
		require.Equal(t, c.want, got.status, "%+v", c)
	}
	for _, c := range [][2]string{{"bob", "cyd"}, {"eli", "bob"}, {"cyd", "ada"}, {"bob", "ada"}} {
		require.Equal(t, 403, browsers[c[0]].post(w.acme.fill("/orgs/{org}/members/{user}/remove", c[1])).status, "%v", c)
	}
	for path, want := range map[string]string{
		"/orgs/{org}/leave": "needs an owner", "/orgs/{org}/members/{user}/remove": "needs an owner",
	} {
		got := browsers["ada"].post(w.acme.fill(path, "ada"))
		require.Equal(t, 409, got.status)
		require.Contains(t, got.body, want)
	}
	require.Equal(t, before, w.dump())
}
