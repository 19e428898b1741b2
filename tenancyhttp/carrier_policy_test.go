package tenancyhttp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// S6, P3 attack: an API takes a Bearer token to an organization whose policy the session
// does not meet.
func TestBearerKeepsThePolicy(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	w.add(w.evil, w.bob)
	must(w.svc.Policies.Set(w.ctx, w.evil.ID, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}}))(t)
	byPath := must(tenancyhttp.New(tenancyhttp.Config{Service: w.svc, Sessions: s, Organization: tenancyhttp.PathValue("org")}))(t)
	token := w.start(w.bob, w.acme.ID, false)
	ask := func(org, token string) *httptest.ResponseRecorder {
		return w.ask(at(byPath.Member), tenancy.UserID{}, "/orgs/"+org, bearer(token))
	}
	require.Equal(t, 200, ask("acme", token).Code)
	require.Equal(t, 404, ask("evil", token).Code)
	refused := w.post(s.Switch, url.Values{"organization": {w.evil.ID.String()}}, bearer(token))
	require.Equal(t, 403, refused.Code)
	require.Contains(t, refused.Body.String(), `"code":"sign_in_wanted"`)
	require.Equal(t, 200, ask("acme", token).Code) // it stays as it was, where it was
	require.Equal(t, 404, ask("evil", token).Code)

	// Nor does the bound Service of that request get there.
	ran := false
	w.ask(byPath.SignedIn(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := tenancyhttp.Service(r.Context()).Memberships.List(r.Context(), w.evil.ID, tenancy.MemberQuery{})
		require.ErrorIs(t, err, tenancy.ErrNotFound)
		ran = true
	})), tenancy.UserID{}, "/", bearer(token))
	require.True(t, ran)

	// With what the policy demands it does.
	started := must(w.svc.Sessions.Start(w.ctx, tenancy.NewSession{
		UserID: w.bob.ID, OrganizationID: w.evil.ID, Method: "password", SecondFactor: true,
	}))(t)
	require.Equal(t, 200, ask("evil", started.Token.Reveal()).Code)
	// And a session that is over opens nothing, by the same carrier, in the next request.
	require.NoError(t, w.svc.Sessions.Revoke(w.ctx, started.Session.ID))
	require.Equal(t, 401, ask("evil", started.Token.Reveal()).Code)
}
