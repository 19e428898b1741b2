package tenancy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/domains"
	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// published stands for the DNS: a Prover of a program is domains/prove's.
type published map[string]string

func (p published) Prove(_ context.Context, c domains.Challenge, _ domains.Method) (domains.Finding, error) {
	if c.MatchTXT([]string{p[c.TXTName()]}) {
		return domains.Finding{Outcome: domains.Proved, Reason: domains.ReasonFound}, nil
	}
	return domains.Finding{Outcome: domains.Refuted, Reason: domains.ReasonNoRecord}, nil
}

// A claim has no effect until what was asked for is published.
func ExampleDomains_Verify() {
	ctx, dns := context.Background(), published{}
	svc, err := tenancy.New(tenancy.Config{
		Store: memory.New(), Prover: dns, App: "notes",
		AllowTestDomains: true, VerifyEvery: -1, // for an example that does not wait
	})
	if err != nil {
		panic(err)
	}
	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme"})
	if err != nil {
		panic(err)
	}
	claim, err := svc.Domains.Claim(ctx, tenancy.NewDomain{OrganizationID: acme.ID, Name: "Acme.Example"})
	if err != nil {
		panic(err)
	}
	challenge, err := svc.Domains.Challenge(ctx, acme.ID, claim.ID)
	if err != nil {
		panic(err)
	}
	fmt.Println("publish at", challenge.TXTName())

	_, err = svc.Domains.Verify(ctx, acme.ID, claim.ID, domains.MethodDNS)
	fmt.Println(errors.Is(err, tenancy.ErrDomainNotVerified), claim.State)

	dns[challenge.TXTName()] = challenge.TXTValue()
	verified, err := svc.Domains.Verify(ctx, acme.ID, claim.ID, domains.MethodDNS)
	fmt.Println(err, verified.State)

	owner, err := svc.Domains.Owner(ctx, "ada@acme.example")
	fmt.Println(err, owner.OrganizationID == acme.ID)
	// Output:
	// publish at _notes-challenge.acme.example
	// true pending
	// <nil> verified
	// <nil> true
}
