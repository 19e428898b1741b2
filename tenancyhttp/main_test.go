package tenancyhttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counted is a store that counts its snapshots.
type counted struct {
	store.Store
	views atomic.Int64
	fail  atomic.Value // error
}

func (c *counted) View(ctx context.Context, fn func(store.Rows) error) error {
	c.views.Add(1)
	if err, ok := c.fail.Load().(error); ok {
		return err
	}
	return c.Store.View(ctx, fn)
}

// world has two organizations: Ada owns Acme and Bob is a member of it; Eve owns Evil.
type world struct {
	*testing.T
	ctx           context.Context
	store         *counted
	ahead         atomic.Int64 // how far the clock was advanced, in nanoseconds
	svc           *tenancy.Service
	ada, bob, eve tenancy.User
	acme, evil    tenancy.Organization
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), store: &counted{Store: memory.New()}}
	w.svc = must(tenancy.New(tenancy.Config{
		Store: w.store, Staleness: -1, Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) },
	}))(t)
	require.NoError(t, w.svc.Declare(w.ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{
		{Slug: "documents:read"}, {Slug: "documents:write"},
	}, Roles: []tenancy.RoleSpec{
		{Slug: rbac.Member, Name: "Member", Grants: []rbac.Grant{"documents:read"}},
	}}))
	w.ada, w.bob, w.eve = w.user("ada@acme.example"), w.user("bob@acme.example"), w.user("eve@evil.example")
	w.acme, w.evil = w.organization("acme", w.ada), w.organization("evil", w.eve)
	w.add(w.acme, w.bob)
	return w
}

func (w *world) user(email string) tenancy.User {
	return must(w.svc.Users.Create(w.ctx, tenancy.NewUser{Email: email}))(w.T)
}

func (w *world) organization(slug string, owner tenancy.User) tenancy.Organization {
	return must(w.svc.Organizations.Create(w.ctx, tenancy.NewOrganization{DisplayName: slug, Slug: slug, Owner: owner.ID}))(w.T)
}

func (w *world) add(org tenancy.Organization, user tenancy.User) {
	must(w.svc.Memberships.Add(w.ctx, tenancy.NewMembership{OrganizationID: org.ID, UserID: user.ID}))(w.T)
}

// guard is one whose session is a header, and whose organization is in the path.
func (w *world) guard(change ...func(*tenancyhttp.Config)) *tenancyhttp.Guard {
	config := tenancyhttp.Config{Service: w.svc, User: byHeader, Organization: tenancyhttp.PathValue("org")}
	for _, c := range change {
		c(&config)
	}
	return must(tenancyhttp.New(config))(w.T)
}

func byHeader(r *http.Request) (tenancy.UserID, error) {
	id := r.Header.Get("Test-User")
	if id == "" {
		return tenancy.UserID{}, nil
	}
	return tenancy.ParseUserID(id)
}

// ask sends a request by a user (zero = nobody) to a handler.
func (w *world) ask(h http.Handler, user tenancy.UserID, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(w.ctx, http.MethodGet, target, nil)
	if !user.IsZero() {
		r.Header.Set("Test-User", user.String())
	}
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// at mounts a middleware on the path that the tests ask for.
func at(middleware func(http.Handler) http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/orgs/{org}", middleware(http.HandlerFunc(echo)))
	return mux
}

// echo tells what the context holds.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("User", tenancyhttp.User(r.Context()).String())
	w.Header().Set("Organization", tenancyhttp.Organization(r.Context()).String())
	w.WriteHeader(http.StatusOK)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}
