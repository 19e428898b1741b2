package tenancy_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/tenancy"
	"github.com/freehold-dev/freehold/tenancytest"
)

// claimDomain claims a domain for an organization. The challenge has the DNS record that the customer must publish.
func claimDomain(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, name string) (tenancy.Domain, domains.Challenge, error) {
	claim, err := svc.Domains.Claim(ctx, tenancy.NewDomain{OrganizationID: org, Name: name})
	if err != nil {
		return tenancy.Domain{}, domains.Challenge{}, err
	}
	challenge, err := svc.Domains.Challenge(ctx, org, claim.ID)
	return claim, challenge, err
}

// connect adds a customer's provider. The settings have the client id of the program at that provider. The
// program stores the client secret elsewhere, because events show settings.
func connect(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, issuer, client string) (tenancy.Connection, error) {
	return svc.Connections.Create(ctx, tenancy.NewConnection{
		OrganizationID: org, Protocol: tenancy.ProtocolOIDC, Name: "Acme's sign-in", State: tenancy.ConnectionActive,
		Issuer: issuer, Settings: map[string]string{"client_id": client},
	})
}

// signInPage gives the page for a person who has typed an address into the sign-in form.
func signInPage(ctx context.Context, svc *tenancy.Service, email string) (string, error) {
	route, err := svc.Route(ctx, email, tenancy.RouteHints{})
	if err != nil {
		return "", err
	}
	if len(route.Connections) > 0 { // to the provider, with a state and a nonce of this browser
		c, err := svc.Connections.GetByID(ctx, route.Connections[0].ID)
		return c.Issuer + "/authorize?client_id=" + c.Settings["client_id"], err
	}
	return "/code", nil
}

// callback signs in a person who comes back from the provider of a connection. verify exchanges the code
// for an ID token, checks the token against the connection, and returns its claims: a library does that.
func callback(ctx context.Context, svc *tenancy.Service, id tenancy.ConnectionID,
	verify func(tenancy.Connection) (json.RawMessage, error),
) (tenancy.Decision, error) {
	c, err := svc.Connections.GetByID(ctx, id)
	if err != nil {
		return tenancy.Decision{}, err
	}
	claims, err := verify(c)
	if err != nil {
		return tenancy.Decision{}, err
	}
	return svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.ConnectionEvidence(c, tenancy.AssertionFromClaims(claims))})
}

// switchOff switches a connection off. In the same transaction it first changes the policy that requires it.
func switchOff(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, id tenancy.ConnectionID) error {
	return svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) error {
		_, err := tx.Policies.Set(ctx, org, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{}, Organization: &tenancy.OrganizationPolicy{}})
		if err != nil {
			return err
		}
		off := tenancy.ConnectionInactive
		_, err = tx.Connections.Update(ctx, org, id, tenancy.ConnectionUpdate{State: &off})
		return err
	})
}

func Example_domainsSingleSignOn() {
	ctx, dns := context.Background(), tenancytest.NewProver()
	svc := service(tenancy.Config{Prover: dns, App: "notes"})
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example", EmailVerified: true}))
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{
		DisplayName: "Acme", Owner: ada.ID, Settings: tenancy.Settings{SingleSignOnJoins: true},
	}))
	asAda := svc.As(tenancy.UserPrincipal(ada.ID))

	// 1. Acme claims its domain, publishes the record, and verifies.
	claim, challenge, err := claimDomain(ctx, asAda, acme.ID, "acme.example")
	done(err)
	fmt.Println(claim.State, challenge.TXTName())
	dns.Publish(challenge)
	fmt.Println(must(asAda.Domains.Verify(ctx, acme.ID, claim.ID, domains.MethodDNS)).State)

	// 2. Acme adds its provider. 3. Acme requires the provider for everybody on the domain.
	c := must(connect(ctx, asAda, acme.ID, "https://sso.acme.example", "notes"))
	must(asAda.Policies.Set(ctx, acme.ID, tenancy.PolicyUpdate{
		Domain:       &tenancy.DomainPolicy{ConnectionID: c.ID},
		Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: c.ID},
	}))

	// 4. An address on the domain is sent to the provider, even if it belongs to no user yet.
	fmt.Println(must(signInPage(ctx, svc, "bob@acme.example")))
	fmt.Println(must(signInPage(ctx, svc, "zoe@mail.example")))

	// 5. Bob comes back from the provider. Now he is a user and a member.
	bob := must(callback(ctx, svc, c.ID, func(tenancy.Connection) (json.RawMessage, error) {
		return json.RawMessage(`{"sub": "b1", "email": "bob@acme.example", "name": "Bob"}`), nil
	}))
	fmt.Println(bob.Kind, bob.Created, bob.Member.OrganizationName, bob.Member.Roles)

	// A mailed link is not enough for Bob. The decision names the connection that he must use.
	link := tenancy.Attempt{Evidence: tenancy.MailboxEvidence("bob@acme.example")}
	d := must(svc.SignIn(ctx, link))
	fmt.Println(d.Kind, d.Connections[0].Name)

	// 6. Switching the connection off ends the sessions that came through it.
	off := tenancy.ConnectionInactive
	_, err = asAda.Connections.Update(ctx, acme.ID, c.ID, tenancy.ConnectionUpdate{State: &off})
	fmt.Println(tenancy.CodeOf(err))
	done(switchOff(ctx, asAda, acme.ID, c.ID))
	_, err = svc.Sessions.Authenticate(ctx, bob.Token.Reveal(), acme.ID)
	fmt.Println(tenancy.CodeOf(err))
	fmt.Println(must(svc.SignIn(ctx, link)).Kind)
	// Output:
	// pending _notes-challenge.acme.example
	// verified
	// https://sso.acme.example/authorize?client_id=notes
	// /code
	// signed_in true Acme [member]
	// use_single_sign_on Acme's sign-in
	// connection_in_use
	// session_ended
	// signed_in
}
