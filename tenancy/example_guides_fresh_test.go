package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
	"github.com/freehold-dev/freehold/tenancytest"
)

// danger is a page on which an owner deletes their organization.
type danger struct {
	svc      *tenancy.Service
	sessions *tenancyhttp.Sessions
	guard    *tenancyhttp.Guard
}

func (d *danger) routes() http.Handler {
	mux := http.NewServeMux()
	owner, fresh := d.guard.Require(rbac.DeleteOrganization), d.guard.Fresh(10*time.Minute)
	mux.Handle("GET /orgs/{org}/danger", owner(fresh(http.HandlerFunc(d.page))))
	mux.Handle("POST /orgs/{org}/delete", owner(fresh(http.HandlerFunc(d.remove))))
	mux.Handle("GET /again", d.guard.Public(http.HandlerFunc(d.form)))
	mux.Handle("POST /again", d.guard.Public(http.HandlerFunc(d.again)))
	return http.NewCrossOriginProtection().Handler(mux)
}

// refused is Config.Error of the Guard. If the sign-in is too old, it redirects to a new sign-in.
func refused(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, tenancyhttp.ErrStepUp) {
		tenancyhttp.WriteError(w, err)
		return
	}
	http.Redirect(w, r, "/again?organization="+url.QueryEscape(r.PathValue("org")), http.StatusSeeOther)
}

func (d *danger) form(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "your password, please") }

// again signs the person in with their existing session. The sign-in renews the session's entry for the
// organization, and the session gets a new token.
func (d *danger) again(w http.ResponseWriter, r *http.Request) {
	org, err := tenancy.ParseOrganizationID(r.PostFormValue("organization"))
	if err != nil {
		tenancyhttp.WriteError(w, err)
		return
	}
	if r.PostFormValue("password") != "correct horse" { // stands for the check of a password
		http.Error(w, "wrong password", http.StatusUnauthorized)
		return
	}
	decision, err := d.svc.SignIn(r.Context(), tenancy.Attempt{
		Evidence: tenancy.PasswordEvidence("c-ada", "ada@mail.example"), OrganizationID: org, Session: d.sessions.Token(r),
	})
	if err != nil {
		tenancyhttp.WriteError(w, err)
		return
	}
	d.sessions.SetPending(w, decision)
	if decision.Kind != tenancy.DecisionSignedIn {
		http.Redirect(w, r, "/sign-in?why="+string(decision.Kind), http.StatusSeeOther)
		return
	}
	d.sessions.Set(w, decision.Started())
	http.Redirect(w, r, "/orgs/"+org.String()+"/danger", http.StatusSeeOther)
}

func (d *danger) page(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "really delete it?") }

func (d *danger) remove(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := tenancyhttp.Service(ctx).Organizations.Delete(ctx, tenancyhttp.Organization(ctx)); err != nil {
		d.guard.Error(w, r, err)
		return
	}
	fmt.Fprint(w, "deleted")
}

func Example_freshSignIn() {
	ctx, clock := context.Background(), tenancytest.NewClock(tenancytest.Start)
	svc := service(tenancy.Config{Now: clock.Now, SignInMethods: []tenancy.SignInMethod{tenancy.MethodPassword}})
	sessions := must(tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: svc, Now: clock.Now, Insecure: true}))
	guard := must(tenancyhttp.New(tenancyhttp.Config{
		Service: svc, Sessions: sessions, Organization: tenancyhttp.PathValue("org"), Error: refused,
	}))
	d := &danger{svc, sessions, guard}
	site := httptest.NewServer(d.routes())
	defer site.Close()
	browser := site.Client()
	browser.Jar = must(cookiejar.New(nil))
	show := func(response *http.Response, err error) {
		done(err)
		defer func() { done(response.Body.Close()) }()
		fmt.Println(string(must(io.ReadAll(response.Body))))
	}

	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@mail.example", EmailVerified: true}))
	must(svc.Identities.Link(ctx, ada.ID, tenancy.NewIdentity{Provider: string(tenancy.MethodPassword), Subject: "c-ada"}))
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID}))
	home, password := site.URL+"/orgs/"+acme.ID.String(), url.Values{"organization": {acme.ID.String()}, "password": {"correct horse"}}
	show(browser.PostForm(site.URL+"/again", password)) // her first sign-in of the day

	// An hour later the page asks for the password. After that it works for ten minutes.
	clock.Advance(time.Hour)
	show(browser.Get(home + "/danger"))
	show(browser.PostForm(site.URL+"/again", password))
	fmt.Println(len(must(svc.Sessions.ListByUser(ctx, ada.ID, tenancy.SessionQuery{})).Items), "session")

	// A form that was open for too long deletes nothing.
	clock.Advance(11 * time.Minute)
	show(browser.PostForm(home+"/delete", nil))
	show(browser.PostForm(site.URL+"/again", password))
	show(browser.PostForm(home+"/delete", nil))
	// Output:
	// really delete it?
	// your password, please
	// really delete it?
	// 1 session
	// your password, please
	// really delete it?
	// deleted
}
