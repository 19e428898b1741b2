package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// The program says what it has checked, here that the person read a mail; SignIn decides.
func ExampleService_SignIn() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	for range 2 {
		d := must(svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.MailboxEvidence("ada@acme.example")}))
		fmt.Println(d.Kind, d.Created) // d.Token goes into the person's cookie
	}
	// Output:
	// signed_in true
	// signed_in false
}

// A sign-in page asks for the address first. The answer shows what the domain's organization
// demands, and not whether anybody is registered.
func ExampleService_Route() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{
		DisplayName: "Acme", Domains: []tenancy.NewDomain{{Name: "acme.example", Verified: true}},
	}))
	okta := must(svc.Connections.Create(ctx, tenancy.NewConnection{
		OrganizationID: acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Acme's Okta", State: tenancy.ConnectionActive,
	}))
	must(svc.Policies.Set(ctx, acme.ID, tenancy.PolicyUpdate{Domain: &tenancy.DomainPolicy{ConnectionID: okta.ID}}))
	for _, email := range []string{"ada@acme.example", "eve@elsewhere.example"} {
		route := must(svc.Route(ctx, email, tenancy.RouteHints{}))
		fmt.Print(email, " ", route.Methods)
		for _, c := range route.Connections {
			fmt.Print(" ", c.Name)
		}
		fmt.Println()
	}
	// Output:
	// ada@acme.example [single_sign_on] Acme's Okta
	// eve@elsewhere.example [password magic_link]
}

// Without a Mailer the program mails the token. Who brings it back has read the mailbox.
func ExampleInvitations_Send() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"}))
	sent := must(svc.Invitations.Send(ctx, tenancy.NewInvitation{OrganizationID: acme.ID, Email: "bob@acme.example"}))
	link := sent.Token.Reveal()
	fmt.Println(sent.State, must(svc.Invitations.Preview(ctx, link)).Email)

	bob := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "bob@acme.example", EmailVerified: true}))
	member := must(svc.Invitations.Accept(ctx, link, bob.ID))
	fmt.Println(member.OrganizationName, member.Roles)
	// Output:
	// pending b***@acme.example
	// Acme [member]
}

// A code is for a group of people, so it says how many, and on which domains.
func ExampleJoinCodes_Create() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"}))
	issued := must(svc.JoinCodes.Create(ctx, tenancy.NewJoinCode{
		OrganizationID: acme.ID, MaxUses: 1, AllowedDomains: []string{"acme.example"},
	}))
	for _, email := range []string{"eve@elsewhere.example", "ada@acme.example", "bob@acme.example"} {
		user := must(svc.Users.Create(ctx, tenancy.NewUser{Email: email, EmailVerified: true}))
		if member, err := svc.JoinCodes.Use(ctx, issued.Token.Reveal(), user.ID); err != nil {
			fmt.Println(email, tenancy.CodeOf(err))
		} else {
			fmt.Println(email, member.Roles)
		}
	}
	// Output:
	// eve@elsewhere.example email_domain_not_allowed
	// ada@acme.example [member]
	// bob@acme.example join_code_spent
}

// A connection is set up first. Nobody signs in by it until it is switched on.
func ExampleConnections_Create() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"}))
	c := must(svc.Connections.Create(ctx, tenancy.NewConnection{
		OrganizationID: acme.ID, Protocol: tenancy.ProtocolOIDC, Name: "Acme's Okta", Issuer: "https://acme.okta.example",
	}))
	fmt.Println(c.State)
	active := tenancy.ConnectionActive
	c = must(svc.Connections.Update(ctx, acme.ID, c.ID, tenancy.ConnectionUpdate{Version: c.Version, State: &active}))
	fmt.Println(c.State)
	// Output:
	// inactive
	// active
}

// A policy is asked at each entry: what was proved before is kept while the person proves more.
func ExamplePolicies_Set() {
	ctx := context.Background()
	svc, org, _, bob, _ := acme(tenancy.Config{})
	must(svc.Policies.Set(ctx, org.ID, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}}))

	d := must(svc.SignIn(ctx, tenancy.Attempt{Evidence: tenancy.MailboxEvidence(bob.Email), OrganizationID: org.ID}))
	fmt.Println(d.Kind)
	// Here the program checks the second factor.
	d = must(svc.SignIn(ctx, tenancy.Attempt{
		Evidence: tenancy.PendingEvidence(d.Pending.Reveal()).WithSecondFactor(), OrganizationID: org.ID,
	}))
	fmt.Println(d.Kind)
	// Output:
	// second_factor
	// signed_in
}
