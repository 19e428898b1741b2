package tenancy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// notes is an application that stores the notes of organizations. It has no Service: a handler uses the
// Service in the context of its request, which is bound to the person.
type notes struct {
	guard *tenancyhttp.Guard
	of    map[tenancy.OrganizationID][]string
}

// routes gives each route, and says who may send a request to it.
func (n *notes) routes(sessions *tenancyhttp.Sessions) http.Handler {
	read, write := n.guard.Require("notes:read"), n.guard.Require("notes:write")
	mux := http.NewServeMux()
	mux.Handle("POST /sign-out", n.guard.Public(http.HandlerFunc(sessions.SignOut)))        // anybody
	mux.Handle("GET /account", n.guard.SignedIn(http.HandlerFunc(n.account)))               // a person, in no organization
	mux.Handle("GET /orgs/{org}", n.guard.Follow(n.guard.Member(http.HandlerFunc(n.home)))) // any active member
	mux.Handle("GET /orgs/{org}/notes", n.guard.Follow(read(http.HandlerFunc(n.list))))
	mux.Handle("POST /orgs/{org}/notes", write(http.HandlerFunc(n.add))) // no Follow: a form adds no entry
	return mux
}

func (n *notes) account(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	user, err := tenancyhttp.Service(ctx).Users.Get(ctx, tenancyhttp.User(ctx))
	if err != nil {
		n.guard.Error(w, r, err)
		return
	}
	fmt.Fprint(w, user.Email)
}

func (n *notes) home(w http.ResponseWriter, r *http.Request) {
	member, err := tenancyhttp.Member(r.Context())
	if err != nil {
		n.guard.Error(w, r, err)
		return
	}
	fmt.Fprint(w, member.OrganizationName, " ", member.Roles)
}

func (n *notes) list(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, n.of[tenancyhttp.Organization(r.Context())])
}

func (n *notes) add(w http.ResponseWriter, r *http.Request) {
	org := tenancyhttp.Organization(r.Context())
	n.of[org] = append(n.of[org], r.PostFormValue("note"))
	fmt.Fprint(w, "added")
}

// own is a Config.User: it finds the user of a request for a program that has its own sessions.
func own(r *http.Request) (tenancy.UserID, error) {
	if id, err := tenancy.ParseUserID(r.Header.Get("X-Test-User")); err == nil {
		return id, nil
	}
	return tenancy.UserID{}, tenancyhttp.ErrUnauthenticated
}

// ask sends a request and prints the answer. sign adds the cookie or token of a person to the request.
func ask(app http.Handler, method, path string, form url.Values, sign func(*http.Request)) {
	r, answer := httptest.NewRequest(method, "https://notes.example"+path, strings.NewReader(form.Encode())), httptest.NewRecorder()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sign(r)
	app.ServeHTTP(answer, r)
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(answer.Code, strings.TrimSpace(string(body)))
}

func Example_http() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	done(svc.Declare(ctx, 1, tenancy.Schema{
		Permissions: []tenancy.PermissionSpec{{Slug: "notes:read"}, {Slug: "notes:write"}},
		Roles:       []tenancy.RoleSpec{{Slug: rbac.Member, Grants: []rbac.Grant{"notes:read"}}},
	}))
	sessions := must(tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: svc}))
	guard := must(tenancyhttp.New(tenancyhttp.Config{
		Service: svc, Sessions: sessions, Organization: tenancyhttp.PathValue("org"),
	}))
	app := (&notes{guard, map[tenancy.OrganizationID][]string{}}).routes(sessions)

	// Ada owns Acme and is a member of Beta. She is not in Evil.
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@mail.example", EmailVerified: true}))
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", Owner: ada.ID}))
	beta := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Beta", Slug: "beta"}))
	must(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: beta.ID, UserID: ada.ID}))
	must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Evil", Slug: "evil"}))

	// A browser carries the cookie that Set gave it at the sign-in.
	started := must(svc.Sessions.Start(ctx, tenancy.NewSession{UserID: ada.ID, OrganizationID: acme.ID, Method: tenancy.MethodPassword}))
	answer := httptest.NewRecorder()
	sessions.Set(answer, started)
	browser := func(r *http.Request) {
		r.AddCookie(answer.Result().Cookies()[0])
		r.Header.Set("Sec-Fetch-Site", "same-origin") // a browser says which site a request comes from
	}
	ask(app, "POST", "/orgs/acme/notes", url.Values{"note": {"Plan"}}, browser)
	ask(app, "GET", "/orgs/acme/notes", nil, browser)
	ask(app, "GET", "/account", nil, browser)

	// A link into Beta adds an entry for Beta. The form in the other tab is still posted to Acme.
	ask(app, "GET", "/orgs/beta", nil, browser)
	ask(app, "POST", "/orgs/acme/notes", url.Values{"note": {"From the other tab"}}, browser)
	ask(app, "GET", "/orgs/acme/notes", nil, browser)

	// Refused: the permission is missing; she is not a member; the organization does not exist; nobody is signed in.
	ask(app, "POST", "/orgs/beta/notes", url.Values{"note": {"Mine"}}, browser)
	ask(app, "GET", "/orgs/evil", nil, browser)
	ask(app, "GET", "/orgs/nowhere", nil, browser)
	ask(app, "GET", "/orgs/acme", nil, func(*http.Request) {})

	// A script sends the same token as a Bearer token. A form on another site sends the cookie, and is refused.
	ask(app, "GET", "/orgs/acme", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+started.Token.Reveal()) })
	ask(app, "POST", "/orgs/acme/notes", url.Values{"note": {"Forged"}}, func(r *http.Request) {
		browser(r)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	})

	// The same application, with its own sessions in place of Freehold's.
	guard = must(tenancyhttp.New(tenancyhttp.Config{
		Service: svc, User: own, Organization: tenancyhttp.PathValue("org"), CrossOrigin: http.NewCrossOriginProtection(),
	}))
	app = (&notes{guard, map[tenancy.OrganizationID][]string{}}).routes(sessions)
	ask(app, "GET", "/orgs/beta", nil, func(r *http.Request) { r.Header.Set("X-Test-User", ada.ID.String()) })
	// Output:
	// 200 added
	// 200 [Plan]
	// 200 ada@mail.example
	// 200 Beta [member]
	// 200 added
	// 200 [Plan From the other tab]
	// 403 {"title":"Forbidden","status":403,"code":"forbidden","detail":"not_granted"}
	// 404 {"title":"Not Found","status":404,"code":"not_found"}
	// 404 {"title":"Not Found","status":404,"code":"not_found"}
	// 401 {"title":"Unauthorized","status":401,"code":"unauthenticated"}
	// 200 Acme [owner]
	// 403 {"title":"Forbidden","status":403,"code":"forbidden","detail":"comes from another site"}
	// 200 Beta [member]
}
