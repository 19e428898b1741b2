package main

import (
	"net/http"

	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancyhttp"
)

// toys replace, with -demo, what is outside of the program: a company's name server and its single sign-on.
// Both believe everything. A real program uses the DNS, and a library that implements SAML or OpenID Connect
// and checks every signature before the program makes an Attempt.
type toys struct {
	*accounts
	dns *toyDNS
}

func (t *toys) dnsPage(w http.ResponseWriter, r *http.Request) {
	t.show(w, r, "toy_dns", "Toy name server", struct{ Name, Value string }{r.FormValue("name"), r.FormValue("value")})
}

func (t *toys) publish(w http.ResponseWriter, r *http.Request) {
	t.dns.publish(r.PostFormValue("name"), r.PostFormValue("value"))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (t *toys) providerPage(w http.ResponseWriter, r *http.Request) {
	c, err := t.connection(r)
	if err != nil {
		t.guard.Error(w, r, err)
		return
	}
	t.show(w, r, "toy_provider", "Toy single sign-on", struct {
		tenancy.Connection
		Invitation string
	}{c, r.FormValue("invitation")})
}

// assert is the provider's statement who a person is. Freehold decides whom to believe: on the organization's
// own verified domains everything, elsewhere nothing.
func (t *toys) assert(w http.ResponseWriter, r *http.Request) {
	c, err := t.connection(r)
	if err != nil {
		t.guard.Error(w, r, err)
		return
	}
	email := r.PostFormValue("email")
	t.enter(w, r, tenancy.Attempt{
		Evidence:   tenancy.ConnectionEvidence(c, tenancy.Assertion{Subject: email, Email: email}),
		Invitation: r.PostFormValue("invitation"),
	})
}

// connection returns the connection in the path, if people can sign in with it.
func (t *toys) connection(r *http.Request) (tenancy.Connection, error) {
	id, err := tenancyhttp.ID[tenancy.Connection](r, "connection")
	if err != nil {
		return tenancy.Connection{}, err
	}
	return t.service.Connections.GetByID(r.Context(), id)
}
