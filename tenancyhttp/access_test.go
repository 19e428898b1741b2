package tenancyhttp_test

import (
	"context"
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

// A transaction that a handler begins on the program's own Service, bound to who asks: their limits
// hold, what the program wrote beside is undone with a refusal, and events name them.
func TestPrincipal(t *testing.T) {
	w := newWorld(t)
	s := w.sessions()
	var refused error
	deactivate := func(who tenancy.UserID) http.Handler {
		return w.sessionGuard(s).Member(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			refused = w.svc.Transact(tenancy.Trusted(r.Context()), func(ctx context.Context, in *tenancy.Service) error {
				if _, err := in.Organizations.Update(ctx, w.acme.ID, tenancy.OrganizationUpdate{DisplayName: tenancy.Set("Renamed")}); err != nil {
					return err
				}
				_, err := in.As(tenancyhttp.Principal(ctx)).Memberships.Deactivate(ctx, w.acme.ID, who)
				return err
			})
		}))
	}
	w.ask(deactivate(w.ada.ID), tenancy.UserID{}, "/", with(w.signIn(s, w.bob, w.acme.ID)))
	require.ErrorIs(t, refused, tenancy.ErrForbidden)
	require.Equal(t, w.acme.DisplayName, must(w.svc.Organizations.Get(w.ctx, w.acme.ID))(t).DisplayName)

	w.ask(deactivate(w.bob.ID), tenancy.UserID{}, "/", with(w.signIn(s, w.ada, w.acme.ID)))
	require.NoError(t, refused)
	page := must(w.svc.Events.List(w.ctx, tenancy.EventQuery{OrganizationID: w.acme.ID, Types: []tenancy.EventType{tenancy.EventMembershipDeactivated}}))(t)
	require.Equal(t, w.ada.ID.String(), page.Items[0].Actor.ID)

	_, err := w.svc.As(tenancyhttp.Principal(w.ctx)).Memberships.ListByUser(w.ctx, w.ada.ID, tenancy.MemberQuery{})
	require.ErrorIs(t, err, tenancy.ErrForbidden, "without a Guard it is nobody")
}
