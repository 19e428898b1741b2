package tenancyhttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// session stands for the host's own: here the header says who it is.
func session(svc *tenancy.Service) func(*http.Request) (tenancy.UserID, error) {
	return func(r *http.Request) (tenancy.UserID, error) {
		user, err := svc.Users.GetByEmail(r.Context(), r.Header.Get("From"))
		if err != nil {
			return tenancy.UserID{}, tenancyhttp.ErrUnauthenticated
		}
		return user.ID, nil
	}
}

// offices is a Service with two organizations: Ada owns acme, Bob is a member of it,
// and Eve owns evil.
func offices() *tenancy.Service {
	ctx := context.Background()
	svc := give(tenancy.New(tenancy.Config{Store: memory.New()}))
	for _, p := range []rbac.Permission{"documents:read", "documents:write"} {
		give(0, svc.Declare(ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{{Slug: p}}}))
	}
	give(0, svc.Declare(ctx, 1, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: rbac.Member, Name: "Member", Grants: []rbac.Grant{"documents:read"}}}}))
	ada := give(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"}))
	bob := give(svc.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example"}))
	eve := give(svc.Users.Create(ctx, tenancy.NewUser{Email: "eve@evil.example"}))
	acme := give(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", Owner: ada.ID}))
	give(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Evil", Slug: "evil", Owner: eve.ID}))
	give(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: bob.ID}))
	return svc
}

func give[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// get asks a handler, as somebody.
func get(h http.Handler, email, url string) string {
	r := httptest.NewRequest(http.MethodGet, url, nil)
	r.Header.Set("From", email)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return fmt.Sprint(rec.Code, " ", strings.TrimSpace(rec.Body.String()))
}

// The path selects an organization; membership and its roles decide.
func Example() {
	svc := offices()
	guard, err := tenancyhttp.New(tenancyhttp.Config{
		Service:      svc,
		User:         session(svc),
		Organization: tenancyhttp.PathValue("org"),
	})
	if err != nil {
		panic(err)
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "welcome") })
	mux := http.NewServeMux()
	mux.Handle("GET /{org}/documents", guard.Require("documents:read")(ok))
	mux.Handle("GET /{org}/documents/new", guard.Require("documents:write")(ok))

	fmt.Println(get(mux, "ada@acme.example", "/acme/documents/new"))
	fmt.Println(get(mux, "bob@acme.example", "/acme/documents"))
	fmt.Println(get(mux, "bob@acme.example", "/acme/documents/new"))
	fmt.Println(get(mux, "eve@evil.example", "/acme/documents"))
	fmt.Println(get(mux, "eve@evil.example", "/nowhere/documents"))
	fmt.Println(get(mux, "", "/acme/documents"))
	// Output:
	// 200 welcome
	// 200 welcome
	// 403 {"title":"Forbidden","status":403,"code":"forbidden","detail":"not_granted"}
	// 404 {"title":"Not Found","status":404,"code":"not_found"}
	// 404 {"title":"Not Found","status":404,"code":"not_found"}
	// 401 {"title":"Unauthorized","status":401,"code":"unauthenticated"}
}

// A handler works through the Service that is bound to its user, and reports what it
// refuses as the middlewares do.
func ExampleService() {
	svc := offices()
	guard := give(tenancyhttp.New(tenancyhttp.Config{
		Service: svc, User: session(svc), Organization: tenancyhttp.PathValue("org"),
	}))
	leave := func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		err := tenancyhttp.Service(ctx).Memberships.Leave(ctx, tenancyhttp.Organization(ctx), tenancyhttp.User(ctx))
		if err != nil {
			guard.Error(w, r, err)
			return
		}
		fmt.Fprint(w, "goodbye")
	}
	mux := http.NewServeMux()
	mux.Handle("/{org}/leave", guard.Member(http.HandlerFunc(leave)))

	fmt.Println(get(mux, "bob@acme.example", "/acme/leave"))
	fmt.Println(get(mux, "ada@acme.example", "/acme/leave")[:61])
	// Output:
	// 200 goodbye
	// 409 {"title":"Conflict","status":409,"code":"last_owner","ids
}

// A page shows a button only to those whom it serves.
func ExampleCan() {
	svc := offices()
	guard := give(tenancyhttp.New(tenancyhttp.Config{
		Service: svc, User: session(svc), Organization: tenancyhttp.Subdomain("app.example"),
	}))
	page := guard.Member(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, give(tenancyhttp.Can(r.Context(), "documents:write")))
	}))
	fmt.Println(get(page, "ada@acme.example", "http://acme.app.example/"))
	fmt.Println(get(page, "bob@acme.example", "http://acme.app.example/"))
	fmt.Println(get(page, "eve@evil.example", "http://evil.app.example:8080/"))
	// Output:
	// 200 true
	// 200 false
	// 200 true
}

// A browser is sent to the page for signing in; everything else stays a problem.
func ExampleConfig() {
	svc := offices()
	guard := give(tenancyhttp.New(tenancyhttp.Config{
		Service: svc,
		User:    session(svc),
		Error: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, tenancyhttp.ErrUnauthenticated) {
				w.Header().Set("Location", "/login")
				w.WriteHeader(http.StatusSeeOther)
				return
			}
			tenancyhttp.WriteError(w, err)
		},
	}))
	account := guard.SignedIn(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		me := give(tenancyhttp.Service(r.Context()).Users.Get(r.Context(), tenancyhttp.User(r.Context())))
		fmt.Fprint(w, me.Email)
	}))
	fmt.Println(get(account, "ada@acme.example", "/account"))
	fmt.Println(get(account, "", "/account"))
	// Output:
	// 200 ada@acme.example
	// 303
}

// A client without cookies signs in, and sends the token of its session as Bearer. A
// route of the program's own, such as the one for signing in, is behind Public.
func ExampleSessions() {
	svc := offices()
	sessions := give(tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: svc}))
	guard := give(tenancyhttp.New(tenancyhttp.Config{Service: svc, Sessions: sessions}))
	signIn := func(w http.ResponseWriter, r *http.Request) {
		user := give(svc.Users.GetByEmail(r.Context(), r.FormValue("email"))) // and check the password
		acme := give(svc.Organizations.GetBySlug(r.Context(), "acme"))
		started := give(svc.Sessions.Start(r.Context(), tenancy.NewSession{
			UserID: user.ID, OrganizationID: acme.ID, Method: tenancy.MethodPassword,
		}))
		fmt.Fprint(w, started.Token.Reveal())
	}
	me := func(w http.ResponseWriter, r *http.Request) {
		found := give(sessions.Authenticate(r))
		fmt.Fprint(w, found.User.Email, " from ", found.Session.Address)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /sign-in", guard.Public(http.HandlerFunc(signIn)))
	mux.Handle("POST /sign-out", guard.Public(http.HandlerFunc(sessions.SignOut)))
	mux.Handle("GET /me", guard.Member(http.HandlerFunc(me)))

	ask := func(method, url, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, url, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, r)
		return rec
	}
	token := ask(http.MethodPost, "/sign-in?email=bob@acme.example", "").Body.String()
	fmt.Println(ask(http.MethodGet, "/me", token).Body)
	fmt.Println(ask(http.MethodPost, "/sign-out", token).Code)
	fmt.Println(ask(http.MethodGet, "/me", token).Code)
	// Output:
	// bob@acme.example from 192.0.2.1
	// 204
	// 401
}
