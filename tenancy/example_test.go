package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

// service is what the examples start from: nothing is in it yet.
func service(config tenancy.Config) *tenancy.Service {
	config.Store, config.AllowTestDomains = memory.New(), true
	return must(tenancy.New(config))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func Example() {
	ctx := context.Background()
	svc, err := tenancy.New(tenancy.Config{Store: memory.New()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ada, err := svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example", GivenName: "Ada"})
	if err != nil {
		fmt.Println(err)
		return
	}
	acme, err := svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Owner: ada.ID})
	if err != nil {
		fmt.Println(err)
		return
	}
	member, err := svc.Memberships.Get(ctx, acme.ID, ada.ID)
	fmt.Println(member.Name, member.Roles, err)
	// Output: Ada [owner] <nil>
}

func ExampleParseUserID() {
	_, err := tenancy.ParseUserID("org_01h455vb4pex5vsknk084sn02q")
	fmt.Println(err)
	// Output: invalid: id: has the prefix org, want usr
}

func ExampleCanonicalEmail() {
	fmt.Println(tenancy.CanonicalEmail("Ada.Lovelace+news@BüCHER.Example"))
	_, err := tenancy.CanonicalEmail(`"ada@evil.example"@acme.example`)
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// ada.lovelace+news@xn--bcher-kva.example <nil>
	// invalid
}

func ExampleToken() {
	ctx, svc := context.Background(), service(tenancy.Config{})
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example"}))
	proof := must(svc.Users.ChangeEmail(ctx, ada.ID, "ada@other.example"))
	fmt.Println(proof.Token, len(proof.Token.Reveal())) // a log shows nothing
	// Output: [redacted] 69
}
