package tenancyhttp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// An id in a path is one of its kind, or nothing is there.
func TestID(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	var got tenancy.UserID
	mux := http.NewServeMux()
	handle := func(pattern, name string) {
		mux.Handle(pattern, g.SignedIn(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, err := tenancyhttp.ID[tenancy.User](r, name)
			if err != nil {
				require.Zero(t, id)
				g.Error(w, r, err)
				return
			}
			got = id
		})))
	}
	handle("/users/{user}", "user")
	handle("/others/{user}", "another")
	rec := w.ask(mux, w.ada.ID, "/users/"+w.bob.ID.String())
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, w.bob.ID, got)
	for _, path := range []string{
		"/users/nonsense", "/users/" + w.acme.ID.String(), "/users/%00", "/users/" + strings.ToUpper(w.bob.ID.String()),
		"/users/" + strings.Repeat("x", 1<<12), "/others/" + w.bob.ID.String(),
	} {
		rec := w.ask(mux, w.ada.ID, path)
		require.Equal(t, http.StatusNotFound, rec.Code, path)
		require.JSONEq(t, `{"title":"Not Found","status":404,"code":"not_found"}`, rec.Body.String())
	}
}

// Behind a Guard a handler knows its user's membership; where the session was read, for nothing.
func TestMember(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	var got tenancy.Member
	var failed error
	var reads int64
	look := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		before := w.store.views.Load()
		got, failed = tenancyhttp.Member(r.Context())
		reads = w.store.views.Load() - before
	})
	want := must(w.svc.Memberships.Get(w.ctx, w.acme.ID, w.bob.ID))(t)
	bob := with(w.signIn(s, w.bob, w.acme.ID))

	w.ask(w.sessionGuard(s).Member(look), tenancy.UserID{}, "/", bob)
	require.NoError(t, failed)
	require.Equal(t, want.ID, got.ID)
	require.Equal(t, []string{rbac.Member}, got.Roles)
	require.Equal(t, "bob@acme.example", got.Email)
	require.Zero(t, reads)

	w.ask(at(func(http.Handler) http.Handler { return w.guard().Member(look) }), w.bob.ID, "/orgs/acme")
	require.NoError(t, failed)
	require.Equal(t, want.ID, got.ID)
	require.Equal(t, int64(1), reads)

	nowhere := with(w.signIn(s, w.bob, tenancy.OrganizationID{}))
	for name, ask := range map[string]func(){
		"signed in":              func() { w.ask(w.guard().SignedIn(look), w.bob.ID, "/") },
		"signed in, by session":  func() { w.ask(w.sessionGuard(s).SignedIn(look), tenancy.UserID{}, "/", bob) },
		"signed in, at no one's": func() { w.ask(w.sessionGuard(s).SignedIn(look), tenancy.UserID{}, "/", nowhere) },
		"no guard":               func() { w.ask(look, w.bob.ID, "/") },
	} {
		got, failed = want, nil
		ask()
		require.ErrorIs(t, failed, tenancy.ErrNotFound, name)
		require.Zero(t, got, name)
	}
}
