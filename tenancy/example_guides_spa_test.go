package tenancy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// step is the JSON that the script posts: first an address and a password, then the one thing that the
// last decision asks for. The fields of an Attempt prove nothing, so the body of a request may set them.
type step struct {
	tenancy.Attempt
	Email    string `json:"email"`
	Password string `json:"password"`
	Code     string `json:"code"` // from the person's phone
}

// program has the parts that Freehold does not have: passwords and second factors.
type program struct {
	svc      *tenancy.Service
	sessions *tenancyhttp.Sessions
}

// password is where your program checks a password, and code is where it checks a code from a phone.
func (p *program) password(email, password string) (credential string, ok bool) {
	return "c-" + email, password == "correct horse"
}

func (p *program) code(code string) bool { return code == "123456" }

// ServeHTTP answers each step with the decision as JSON. The tokens go into cookies that no script reads.
func (p *program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in step
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	credential, right := p.password(in.Email, in.Password)
	switch pending := p.sessions.Pending(r); {
	case in.Email != "" && right:
		in.Evidence = tenancy.PasswordEvidence(credential, in.Email)
	case in.Email == "" && pending != "":
		in.Evidence = tenancy.PendingEvidence(pending)
	default:
		http.Error(w, "wrong password, or too late", http.StatusUnauthorized)
		return
	}
	if p.code(in.Code) {
		in.Evidence = in.Evidence.WithSecondFactor()
	}
	d, err := p.svc.SignIn(r.Context(), in.Attempt)
	if err != nil {
		tenancyhttp.WriteError(w, err)
		return
	}
	p.sessions.SetPending(w, d)
	if d.Kind == tenancy.DecisionSignedIn {
		p.sessions.Set(w, d.Started())
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(d)
}

// answer has the fields of a decision that the script reads.
type answer struct {
	Kind    string `json:"kind"`
	Pending bool   `json:"pending"` // send only the next thing: the server knows what was proved
	Choices []struct {
		OrganizationID   string `json:"organization_id"`
		OrganizationName string `json:"organization_name"`
	} `json:"choices"`
	User    tenancy.User    `json:"user"`
	Session tenancy.Session `json:"session"`
}

// post does what the script does: fetch("/sign-in", {method: "POST", body: JSON.stringify(body)}).
func post(browser *http.Client, url string, body any) answer {
	response := must(browser.Post(url, "application/json", bytes.NewReader(must(json.Marshal(body)))))
	defer func() { done(response.Body.Close()) }()
	var a answer
	done(json.NewDecoder(response.Body).Decode(&a))
	return a
}

func Example_spa() {
	ctx := context.Background()
	svc := service(tenancy.Config{SignInMethods: []tenancy.SignInMethod{tenancy.MethodPassword}})
	p := &program{svc, must(tenancyhttp.NewSessions(tenancyhttp.SessionsConfig{Service: svc, Insecure: true}))}
	site := httptest.NewServer(http.NewCrossOriginProtection().Handler(p))
	defer site.Close()
	browser := site.Client()
	browser.Jar = must(cookiejar.New(nil))

	// Ada is in two organizations. One of them requires a second factor.
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@mail.example", EmailVerified: true}))
	must(svc.Identities.Link(ctx, ada.ID, tenancy.NewIdentity{Provider: string(tenancy.MethodPassword), Subject: "c-ada@mail.example"}))
	for _, name := range []string{"Acme", "Engines"} {
		must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: name, Owner: ada.ID}))
	}
	engines := must(svc.Memberships.ListByUser(ctx, ada.ID, tenancy.MemberQuery{})).Items[1]
	binds := true
	must(svc.Policies.Set(ctx, engines.OrganizationID, tenancy.PolicyUpdate{
		Organization: &tenancy.OrganizationPolicy{SecondFactor: true}, BindsOwners: &binds,
	}))

	a := post(browser, site.URL, map[string]string{"email": "ada@mail.example", "password": "correct horse"})
	fmt.Println(a.Kind, a.Pending, a.Choices[0].OrganizationName, a.Choices[1].OrganizationName)
	a = post(browser, site.URL, map[string]string{"organization_id": a.Choices[1].OrganizationID})
	fmt.Println(a.Kind, a.Pending)
	a = post(browser, site.URL, map[string]string{"code": "123456"})
	fmt.Println(a.Kind, a.Pending, a.User.Email, a.Session.OrganizationID == engines.OrganizationID)
	// Output:
	// choose_organization true Acme Engines
	// second_factor true
	// signed_in false ada@mail.example true
}
