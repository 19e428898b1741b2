// Command readme is the program on the first screen of the README.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/freehold-dev/freehold/store/memory"
	"github.com/freehold-dev/freehold/tenancy"
)

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func main() {
	ctx := context.Background()
	svc := must(tenancy.New(tenancy.Config{Store: memory.New()}))
	ada := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "ada@acme.example", DisplayName: "Ada Lovelace"}))
	bob := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "Bob@acme.example", DisplayName: "Bob Noyce"}))
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme", Owner: ada.ID}))
	must(svc.Memberships.Add(ctx, tenancy.NewMembership{OrganizationID: acme.ID, UserID: bob.ID}))

	for m, err := range svc.Memberships.All(ctx, acme.ID, tenancy.MemberQuery{Order: tenancy.ByName}) {
		fmt.Println(must(m.Name, err), m.Email, m.Roles)
	}
	fmt.Println(svc.Memberships.Leave(ctx, acme.ID, ada.ID) != nil, "- the last owner cannot leave")
}
