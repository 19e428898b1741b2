package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// P6: who comes first through the organization's provider, with an address on its
// verified domain, is a user and a member from then on.
func TestFirstSignInJoins(t *testing.T) {
	w := start(t)
	w.sso.person = ada()
	in := w.browser().login("/login?email=Ada@ACME.example")
	require.Equal(t, answer{http.StatusOK, "ada@acme.example, by single_sign_on, at Acme as member\n"}, in)

	user, err := w.service.Users.GetByEmail(t.Context(), "ada@acme.example")
	require.NoError(t, err)
	require.Equal(t, "Ada Lovelace", user.DisplayName)
	require.False(t, user.EmailVerifiedAt.IsZero())
	m, err := w.service.Memberships.Get(t.Context(), w.acme.OrganizationID, user.ID)
	require.NoError(t, err)
	require.Equal(t, tenancy.JoinedSingleSignOn, m.JoinedVia)

	w.RequireEvent(tenancy.EventMembershipCreated, w.acme.OrganizationID, user.ID)

	events := w.Events(func() {
		require.Equal(t, in, w.browser().login("/login?email=ada@acme.example")) // the same person again
	})
	require.Len(t, events, 1)
	require.Equal(t, tenancy.EventSessionStarted, events[0].Type)
}

// P6: an organization's provider has no say about addresses that are not its own.
func TestProviderIsBelievedAtHome(t *testing.T) {
	w := start(t)
	w.sso.person = ada("email", "cyd@initech.example", "email_verified", true)
	w.browser().refused("/login?with="+w.acme.ID.String(), tenancy.DecisionInvitationNeeded)
}

func TestEverybodysProvider(t *testing.T) {
	w := start(t)
	w.google.person = ada("email", "eve@gmail.com", "email_verified", true)
	require.Equal(t, "eve@gmail.com, by google\n", w.browser().login("/login?email=eve@gmail.com").body)
	require.Equal(t, "eve@gmail.com, by google\n", w.browser().login("/login").body)
}

// U4: only the boolean true says that an address was verified.
func TestVerifiedIsABoolean(t *testing.T) {
	w := start(t)
	for _, claim := range []any{"true", 1, "yes", false, nil, []any{true}} {
		w.google.person = ada("email", "eve@gmail.com", "email_verified", claim)
		w.browser().refused("/login", tenancy.DecisionVerifyEmail)
	}
}

// U4, P5: a company's provider that says no is heard: an intern who may type any address
// there does not become the owner of it.
func TestProviderSaysNo(t *testing.T) {
	w := start(t)
	owner := w.User("owner@acme.example")
	for _, claim := range []any{false, "false", "true", 1, nil} {
		w.sso.person = ada("sub", "intern", "email", "owner@acme.example", "email_verified", claim)
		w.browser().refused("/login?with="+w.acme.ID.String(), tenancy.DecisionVerifyEmail)
	}
	linked, err := w.service.Identities.List(t.Context(), owner.ID)
	require.NoError(t, err)
	require.Empty(t, linked)
}

// P8: groups are roles for as long as the provider says so.
func TestGroupsAreRoles(t *testing.T) {
	w := start(t)
	for _, step := range []struct {
		groups []string
		role   string
	}{
		{[]string{"administrators", "chess"}, rbac.Admin},
		{[]string{"administrators", "contractors"}, "admin and guest"},
		{[]string{"contractors"}, rbac.Guest},
		{[]string{"owner", "Administrators"}, rbac.Member}, // none that is mapped: the default
		{[]string{"administrators"}, rbac.Admin},
		{nil, rbac.Admin}, // it asserts none, which says nothing
		{[]string{}, rbac.Member},
	} {
		w.sso.person = ada("groups", step.groups)
		got := w.browser().login("/login?email=ada@acme.example")
		require.Equal(t, "ada@acme.example, by single_sign_on, at Acme as "+step.role+"\n", got.body, "%v", step.groups)
	}
	w.google.person = ada("email_verified", true, "groups", []string{"administrators"})
	got := w.browser().login("/login?with=google")
	require.Equal(t, "ada@acme.example, by google, at Acme as member\n", got.body, "everybody's provider has no say about groups")
}

// P2: where the domain's owner demands it, everybody's provider is not enough.
func TestDomainDemandsItsProvider(t *testing.T) {
	w := start(t)
	_, err := w.service.Policies.Set(t.Context(), w.acme.OrganizationID, tenancy.PolicyUpdate{
		Domain: &tenancy.DomainPolicy{ConnectionID: w.acme.ID},
	})
	require.NoError(t, err)
	w.google.person = ada("email_verified", true)
	w.sso.person = ada("groups", []string{"contractors"})
	b := w.browser()
	page := b.refused("/login", tenancy.DecisionUseSingleSignOn)
	require.Equal(t, "ada@acme.example, by single_sign_on, at Acme as guest\n", b.follow(page).body)
}

// P7: who is in several organizations says where to, on a second trip.
func TestChooseOrganization(t *testing.T) {
	w := start(t)
	w.google.person = ada("email", "eve@gmail.com", "email_verified", true)
	b := w.browser()
	b.login("/login")
	for _, name := range []string{"Books", "Coins"} {
		w.Organization(name, "eve@gmail.com")
	}
	page := b.refused("/login", tenancy.DecisionChooseOrganization)
	require.Contains(t, page.body, ">Coins<")
	for line := range strings.Lines(page.body) {
		if strings.Contains(line, ">Books<") {
			require.Equal(t, "eve@gmail.com, by google, at Books as owner\n", b.follow(answer{body: line}).body)
			return
		}
	}
	require.Fail(t, "no Books", page.body)
}

// The state, the nonce, the verifier and the token are each looked at.
func TestForgeries(t *testing.T) {
	set := func(name string, value any) func(*issuer, *issuer) {
		return func(at, _ *issuer) { at.bend = func(claims map[string]any) { claims[name] = value } }
	}
	back := func(change func(url.Values)) func(*issuer, *issuer) {
		return func(at, _ *issuer) { at.lead = change }
	}
	forgeries := map[string]func(at, other *issuer){
		"another nonce":          set("nonce", "another"),
		"no nonce":               set("nonce", ""),
		"another audience":       set("aud", "another client"),
		"audiences without us":   set("aud", []string{"one", "two"}),
		"expired":                set("exp", time.Now().Add(-time.Hour).Unix()),
		"another issuer":         func(at, other *issuer) { set("iss", other.url)(at, other) },
		"another issuer's key":   func(at, other *issuer) { at.hand = other.key },
		"another state":          back(func(v url.Values) { v.Set("state", "another") }),
		"no state":               back(func(v url.Values) { v.Del("state") }),
		"another code":           back(func(v url.Values) { v.Set("code", "another") }),
		"the provider's refusal": back(func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") }),
		"another trip's verifier": func(at, _ *issuer) {
			back(func(v url.Values) { at.codes[v.Get("code")].Set("code_challenge", "x") })(at, nil)
		},
		"another secret": func(at, _ *issuer) { at.client.secret = "another" },
	}
	for name, forge := range forgeries {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.sso.person = ada()
			forge(w.sso, w.google)
			b := w.browser()
			w.notIn(b, func() answer { return b.login("/login?email=ada@acme.example") })
		})
	}
}

// notIn wants an answer that was refused before Freehold heard of it.
func (w *world) notIn(b *browser, try func() answer) {
	w.Helper()
	var got answer
	require.Empty(w, w.Events(func() { got = try() }), "something was left")
	require.Equal(w, http.StatusBadRequest, got.status, got.body)
	require.Contains(w, got.body, string(tenancy.ErrInvalidToken))
	site, err := url.Parse(w.server.URL)
	require.NoError(w, err)
	require.Empty(w, b.client.Jar.Cookies(site), "a cookie was left")
}

// An answer is for the browser that asked for it, for the provider that was asked, and
// for once.
func TestAnswerIsBound(t *testing.T) {
	w := start(t)
	w.sso.person, w.google.person = ada(), ada("email_verified", true)
	var answered string
	w.sso.lead = func(back url.Values) { answered = back.Encode() }
	own, home := "/callback/google?", "/callback/"+w.acme.ID.String()+"?"

	stop := w.browser()
	stop.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/callback/") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	stop.login("/login?email=ada@acme.example")
	victim := w.browser()
	w.notIn(victim, func() answer { return victim.get(home + answered) }) // a link that somebody else was sent
	w.notIn(stop, func() answer { return stop.get(own + answered) })      // passed on to another provider

	b := w.browser()
	require.Equal(t, http.StatusOK, b.login("/login?email=ada@acme.example").status)
	require.Equal(t, http.StatusBadRequest, b.get(home+answered).status) // twice
}

// A link, or another site, signs nobody in; and nobody is made somebody else without
// knowing it: whoever was led to a stranger's account would work in it.
func TestSignedInAsSomebodyElse(t *testing.T) {
	w := start(t)
	w.google.person = ada("sub", "e-1", "email", "eve@gmail.com", "email_verified", true)
	w.sso.person = ada()
	eve, link := w.browser(), "/login?with="+w.acme.ID.String()
	require.Contains(t, eve.login("/login").body, "eve@gmail.com")

	require.Empty(t, w.Events(func() {
		require.Contains(t, eve.get(link).body, "<button>Sign in</button>")
		for _, header := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"https://evil.example"}}} {
			require.Equal(t, http.StatusForbidden, eve.send(http.MethodPost, "/login", url.Values{"with": {w.acme.ID.String()}}, header).status)
		}
	}), "something was left")

	asked := eve.login(link)
	require.Equal(t, http.StatusConflict, asked.status)
	require.Contains(t, asked.body, "signed in as eve@gmail.com. To go on as ada@acme.example,")
	require.Contains(t, eve.get("/").body, "eve@gmail.com", "she is who she was")
	user, err := w.service.Users.GetByEmail(t.Context(), "ada@acme.example")
	require.NoError(t, err)
	sessions, err := w.service.Sessions.ListByUser(t.Context(), user.ID, tenancy.SessionQuery{})
	require.NoError(t, err)
	require.Empty(t, sessions.Items, "a session that nobody has")

	// She may be both, and says so.
	again := eve.press(asked)
	require.Contains(t, again.body, w.acme.ID.String(), "she need not choose again")
	require.Equal(t, "ada@acme.example, by single_sign_on, at Acme as member\n", eve.press(again).body)
	require.Equal(t, http.StatusOK, eve.login(link).status, "the same person")
}
