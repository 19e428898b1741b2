package tenancyhttp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// A1, R7: who, where, may they.
func TestStatuses(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	suspended := w.user("sue@acme.example")
	w.add(w.acme, suspended)
	must(w.svc.Users.Suspend(w.ctx, suspended.ID))(t)
	closed := w.organization("closed", w.ada)
	must(w.svc.Organizations.Suspend(w.ctx, closed.ID))(t)
	archived := w.organization("archived", w.ada)
	must(w.svc.Organizations.Archive(w.ctx, archived.ID))(t)
	inactive := w.user("ina@acme.example")
	w.add(w.acme, inactive)
	must(w.svc.Memberships.Deactivate(w.ctx, w.acme.ID, inactive.ID))(t)
	gone := w.user("gone@acme.example")
	require.NoError(t, w.svc.Users.Delete(w.ctx, gone.ID))
	merged := w.user("merged@acme.example")
	must(w.svc.Users.Merge(w.ctx, merged.ID, w.bob.ID))(t)

	for _, c := range []struct {
		name                            string
		user                            tenancy.User
		org                             string
		account, member, read, writable int
	}{
		{"nobody", tenancy.User{}, "acme", 401, 401, 401, 401},
		{"owner", w.ada, "acme", 200, 200, 200, 200},
		{"owner by id", w.ada, w.acme.ID.String(), 200, 200, 200, 200},
		{"member", w.bob, "acme", 200, 200, 200, 403},
		{"stranger", w.eve, "acme", 200, 404, 404, 404},
		{"stranger by id", w.eve, w.acme.ID.String(), 200, 404, 404, 404},
		{"no such organization", w.ada, "nowhere", 200, 404, 404, 404},
		{"suspended organization", w.ada, "closed", 200, 403, 403, 403},
		{"suspended organization of others", w.eve, "closed", 200, 404, 404, 404},
		{"archived organization", w.ada, "archived", 200, 404, 404, 404},
		{"inactive membership", inactive, "acme", 200, 404, 404, 404},
		{"suspended user", suspended, "acme", 403, 403, 403, 403},
		{"deleted user", gone, "acme", 401, 404, 404, 404},
		{"merged user", merged, "acme", 401, 404, 404, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, m := range []struct {
				name       string
				middleware func(http.Handler) http.Handler
				want       int
				where      bool
			}{
				{"signed in", g.SignedIn, c.account, false},
				{"member", g.Member, c.member, true},
				{"read", g.Require("documents:read"), c.read, true},
				{"write", g.Require("documents:write"), c.writable, true},
			} {
				rec := w.ask(at(m.middleware), c.user.ID, "/orgs/"+c.org)
				require.Equal(t, m.want, rec.Code, m.name)
				if m.want != http.StatusOK {
					require.Empty(t, rec.Header().Get("User"), "the handler ran")
					continue
				}
				require.Equal(t, c.user.ID.String(), rec.Header().Get("User"))
				if m.where {
					require.Equal(t, w.acme.ID.String(), rec.Header().Get("Organization"))
				} else {
					require.Empty(t, rec.Header().Get("Organization"))
				}
			}
		})
	}
}

// G7: not a member and not existing are the same bytes after the same reads.
func TestNotAMemberIsNotThere(t *testing.T) {
	w := newWorld(t)
	deleted := w.organization("deleted", w.eve)
	require.NoError(t, w.svc.Organizations.Delete(w.ctx, deleted.ID))
	var told []error
	g := w.guard(func(c *tenancyhttp.Config) {
		c.Error = func(w http.ResponseWriter, _ *http.Request, err error) {
			told = append(told, err)
			tenancyhttp.WriteError(w, err)
		}
	})
	for name, middleware := range map[string]func(http.Handler) http.Handler{
		"member": g.Member, "require": g.Require("documents:read"), "require management": g.Require(rbac.ReadMembers),
	} {
		for _, pair := range [][2]string{
			{w.evil.ID.String(), deleted.ID.String()},
			{w.evil.Slug, "nowhere"},
			{w.evil.Slug, deleted.Slug},
		} {
			told = nil
			ask := func(org string) (*httptest.ResponseRecorder, int64) {
				before := w.store.views.Load()
				rec := w.ask(at(middleware), w.ada.ID, "/orgs/"+org)
				return rec, w.store.views.Load() - before
			}
			there, readsThere := ask(pair[0])
			absent, readsAbsent := ask(pair[1])
			require.Equal(t, http.StatusNotFound, there.Code, name)
			require.Equal(t, there.Body.Bytes(), absent.Body.Bytes(), "%s %v", name, pair)
			require.Equal(t, there.Header(), absent.Header(), "%s %v", name, pair)
			require.Equal(t, readsThere, readsAbsent, "%s %v", name, pair)
			require.Equal(t, told[0], told[1], "an error writer can tell them apart")
		}
	}
	require.JSONEq(t, `{"title":"Not Found","status":404,"code":"not_found"}`,
		w.ask(at(g.Member), w.ada.ID, "/orgs/evil").Body.String())
}

// R8: the very next request after a change.
func TestFresh(t *testing.T) {
	w := newWorld(t)
	h := at(w.guard().Require("documents:read"))
	require.Equal(t, 200, w.ask(h, w.bob.ID, "/orgs/acme").Code)
	must(w.svc.Memberships.Deactivate(w.ctx, w.acme.ID, w.bob.ID))(t)
	require.Equal(t, 404, w.ask(h, w.bob.ID, "/orgs/acme").Code)
	must(w.svc.Memberships.Reactivate(w.ctx, w.acme.ID, w.bob.ID))(t)
	require.Equal(t, 200, w.ask(h, w.bob.ID, "/orgs/acme").Code)
}

// R1: a mistake in the program is told to nobody but the log, and lets nobody in.
func TestUndeclaredPermission(t *testing.T) {
	w := newWorld(t)
	for _, p := range []rbac.Permission{"documents:wirte", "documents:*", "", "tenancy:*"} {
		for _, user := range []tenancy.User{w.ada, w.bob, w.eve} {
			rec := w.ask(at(w.guard().Require(p)), user.ID, "/orgs/acme")
			require.Equal(t, http.StatusInternalServerError, rec.Code, p)
			require.NotContains(t, rec.Body.String(), "documents")
		}
	}
}

// A1: what handlers are handed does no more than the user may.
func TestServiceIsBound(t *testing.T) {
	w := newWorld(t)
	ran := false
	mux := http.NewServeMux()
	mux.Handle("/orgs/{org}", w.guard().Member(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		svc := tenancyhttp.Service(r.Context())
		_, err := svc.Users.List(r.Context(), tenancy.UserQuery{})
		require.ErrorIs(t, err, tenancy.ErrForbidden)
		_, err = svc.Memberships.List(r.Context(), w.evil.ID, tenancy.MemberQuery{})
		require.ErrorIs(t, err, tenancy.ErrNotFound)
		_, err = svc.Memberships.SetRoles(r.Context(), w.acme.ID, w.bob.ID, rbac.Owner)
		require.ErrorIs(t, err, tenancy.ErrForbidden)
		_, err = svc.As(tenancy.UserPrincipal(w.ada.ID)).Organizations.Get(r.Context(), w.acme.ID)
		require.ErrorIs(t, err, tenancy.ErrForbidden)
		may, err := tenancyhttp.Can(r.Context(), "documents:read")
		require.NoError(t, err)
		require.True(t, may)
		may, err = tenancyhttp.Can(r.Context(), "documents:write")
		require.NoError(t, err)
		require.False(t, may)
		_, err = tenancyhttp.Can(r.Context(), "documents:wirte")
		require.ErrorIs(t, err, tenancy.ErrUnknownPermission)
		ran = true
	})))
	w.ask(mux, w.bob.ID, "/orgs/acme")
	require.True(t, ran)
}

func TestWithoutMiddleware(t *testing.T) {
	ctx := t.Context()
	require.True(t, tenancyhttp.User(ctx).IsZero())
	require.True(t, tenancyhttp.Organization(ctx).IsZero())
	require.Nil(t, tenancyhttp.Service(ctx))
	may, err := tenancyhttp.Can(ctx, "documents:read")
	require.NoError(t, err)
	require.False(t, may)
}

// Middlewares nest: the user is asked for once, the organization each time.
func TestNested(t *testing.T) {
	w := newWorld(t)
	asked := 0
	g := w.guard(func(c *tenancyhttp.Config) {
		c.User = func(r *http.Request) (tenancy.UserID, error) {
			asked++
			return byHeader(r)
		}
	})
	h := at(func(next http.Handler) http.Handler {
		return g.Member(g.Require("documents:read")(g.SignedIn(next)))
	})
	rec := w.ask(h, w.bob.ID, "/orgs/acme")
	require.Equal(t, 200, rec.Code)
	require.Equal(t, w.acme.ID.String(), rec.Header().Get("Organization"))
	require.Equal(t, 1, asked)
	require.Equal(t, 403, w.ask(at(func(next http.Handler) http.Handler {
		return g.Member(g.Require("documents:write")(next))
	}), w.bob.ID, "/orgs/acme").Code)

	// A router inside may name another organization, and that one counts.
	inner := http.NewServeMux()
	inner.Handle("/orgs/{x}/{org}", g.Require("documents:read")(http.HandlerFunc(echo)))
	outer := http.NewServeMux()
	outer.Handle("/orgs/{org}/{x}", g.Member(inner))
	require.Equal(t, 404, w.ask(outer, w.ada.ID, "/orgs/acme/evil").Code)

	// Another Guard asks for itself.
	other := w.guard(func(c *tenancyhttp.Config) {
		c.User = func(*http.Request) (tenancy.UserID, error) { return tenancy.UserID{}, nil }
	})
	require.Equal(t, 401, w.ask(at(func(next http.Handler) http.Handler { return g.Member(other.Member(next)) }), w.bob.ID, "/orgs/acme").Code)
}

func TestHostErrors(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("pq: password authentication failed"), 500},
		{tenancyhttp.ErrUnauthenticated, 401},
		{&tenancy.Error{Code: tenancy.ErrBusy}, 503},
	} {
		fail := func(*http.Request) (tenancy.UserID, error) { return w.ada.ID, c.err }
		rec := w.ask(at(w.guard(func(cfg *tenancyhttp.Config) { cfg.User = fail }).Member), w.ada.ID, "/orgs/acme")
		require.Equal(t, c.want, rec.Code)
		require.NotContains(t, rec.Body.String(), "password")

		where := func(*http.Request) (string, error) { return "acme", c.err }
		rec = w.ask(at(w.guard(func(cfg *tenancyhttp.Config) { cfg.Organization = where }).Member), w.ada.ID, "/orgs/acme")
		require.Equal(t, c.want, rec.Code)
	}
}

// A store that fails lets nobody in, whichever read it is.
func TestStoreFails(t *testing.T) {
	w := newWorld(t)
	w.store.fail.Store(error(&tenancy.Error{Code: tenancy.ErrCorrupt, Reason: "page 7 of app.db"}))
	g := w.guard()
	for _, middleware := range []func(http.Handler) http.Handler{g.SignedIn, g.Member, g.Require("documents:read")} {
		for _, org := range []string{"acme", "nowhere", w.evil.ID.String()} {
			rec := w.ask(at(middleware), w.eve.ID, "/orgs/"+org)
			require.Equal(t, 500, rec.Code)
			require.JSONEq(t, `{"title":"Internal Server Error","status":500,"code":"corrupt"}`, rec.Body.String())
		}
	}
}

func TestNew(t *testing.T) {
	w := newWorld(t)
	for field, c := range map[string]tenancyhttp.Config{"service": {User: byHeader}, "user": {Service: w.svc}} {
		_, err := tenancyhttp.New(c)
		require.ErrorIs(t, err, tenancy.ErrInvalid)
		var e *tenancy.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, field, e.Field)
	}
	g := must(tenancyhttp.New(tenancyhttp.Config{Service: w.svc, User: byHeader}))(t)
	require.Equal(t, 200, w.ask(g.SignedIn(http.HandlerFunc(echo)), w.ada.ID, "/").Code)
	rec := w.ask(g.Member(http.HandlerFunc(echo)), w.ada.ID, "/")
	require.Equal(t, 400, rec.Code)
	require.Contains(t, rec.Body.String(), "no_organization")
}

// A Service that is bound already could let nobody in.
func TestNewBound(t *testing.T) {
	w := newWorld(t)
	_, err := tenancyhttp.New(tenancyhttp.Config{Service: w.svc.As(tenancy.UserPrincipal(w.ada.ID)), User: byHeader})
	require.ErrorIs(t, err, tenancy.ErrInvalid)
}

// A5: what the middlewares refuse is a denial of the user's, and what they admit is none.
func TestDenials(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	must(w.svc.Memberships.SetRoles(w.ctx, w.acme.ID, w.bob.ID, rbac.Guest))(t)
	require.Equal(t, 200, w.ask(at(g.Member), w.bob.ID, "/orgs/acme").Code)
	require.Equal(t, 403, w.ask(at(g.Require("documents:write")), w.bob.ID, "/orgs/acme").Code)
	require.Equal(t, 404, w.ask(at(g.Member), w.eve.ID, "/orgs/acme").Code)
	require.Equal(t, 404, w.ask(at(g.Member), w.eve.ID, "/orgs/nowhere").Code)
	w.ahead.Store(int64(time.Minute)) // a 404 is written once the minute is over
	require.Equal(t, 404, w.ask(at(g.Member), w.eve.ID, "/orgs/nowhere").Code)
	page := must(w.svc.Events.Denials(w.ctx, tenancy.DenialQuery{}))(t)
	who := map[string]tenancy.OrganizationID{}
	for _, d := range page.Items {
		require.Equal(t, "Check", d.Method)
		who[d.Actor.ID+d.OrganizationID.String()] = d.OrganizationID
	}
	require.Equal(t, map[string]tenancy.OrganizationID{
		w.bob.ID.String() + w.acme.ID.String(): w.acme.ID, w.eve.ID.String() + w.acme.ID.String(): w.acme.ID, w.eve.ID.String(): {},
	}, who)
}

// Whoever hangs up is no failure of the program's.
func TestHangingUp(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	g := w.guard(func(c *tenancyhttp.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	gone, cancel := context.WithCancel(w.ctx)
	cancel()
	w.ask(at(g.Member), w.bob.ID, "/orgs/acme", func(r *http.Request) { *r = *r.WithContext(gone) })
	require.Empty(t, log.String())
}
