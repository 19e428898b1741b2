package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/tenancy"
)

// A page at a former slug redirects to the present one.
func ExampleOrganizations_GetByFormerSlug() {
	ctx := context.Background()
	svc := service(tenancy.Config{})
	acme := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Acme", Slug: "acme"}))
	slug := "acme-group"
	must(svc.Organizations.Update(ctx, acme.ID, tenancy.OrganizationUpdate{Slug: &slug}))

	_, err := svc.Organizations.GetBySlug(ctx, "acme")
	fmt.Println(tenancy.CodeOf(err))
	found := must(svc.Organizations.GetByFormerSlug(ctx, "acme"))
	fmt.Println("redirect to", found.Slug)
	_, err = svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Another", Slug: "acme"})
	fmt.Println(tenancy.CodeOf(err))
	// Output:
	// not_found
	// redirect to acme-group
	// already_exists
}
