package tenancy_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// endContracts removes each guest of an organization after their last day, such as 2026-12-31. Run it
// once a day.
func endContracts(ctx context.Context, svc *tenancy.Service, org tenancy.OrganizationID, today string) error {
	for m, err := range svc.Memberships.All(ctx, org, tenancy.MemberQuery{}) {
		if err != nil {
			return err
		}
		until := m.Metadata["until"]
		if !slices.Contains(m.Roles, rbac.Guest) || until == "" || until >= today {
			continue
		}
		if err := svc.Memberships.Remove(ctx, org, m.UserID); err != nil {
			return err
		}
	}
	return nil
}

func Example_contractors() {
	ctx := context.Background()
	svc, acme, _, _, _ := office()
	done(svc.Declare(ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: rbac.Guest, Grants: []rbac.Grant{"documents:comment"}}}}))

	// Vera has a company of her own, and works for Acme until the end of the year.
	vera := must(svc.Users.Create(ctx, tenancy.NewUser{Email: "vera@studio.example", EmailVerified: true}))
	studio := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Studio", Owner: vera.ID}))
	invited := must(svc.Invitations.Send(ctx, tenancy.NewInvitation{
		OrganizationID: acme.ID, Email: vera.Email, Roles: []string{rbac.Guest}, Metadata: map[string]string{"until": "2026-12-31"},
	}))
	must(svc.Invitations.Accept(ctx, invited.Token.Reveal(), vera.ID))

	// Acme's policy binds its guests too, but only when they sign in to Acme.
	must(svc.Policies.Set(ctx, acme.ID, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SecondFactor: true}}))
	link := tenancy.Attempt{Evidence: tenancy.MailboxEvidence(vera.Email)}
	for _, link.OrganizationID = range []tenancy.OrganizationID{studio.ID, acme.ID} {
		fmt.Println(must(svc.SignIn(ctx, link)).Kind)
	}

	fmt.Println(must(svc.Permissions.Of(ctx, vera.ID, acme.ID)))
	done(endContracts(ctx, svc, acme.ID, "2026-12-31"))
	fmt.Println(svc.Can(ctx, vera.ID, acme.ID, "documents:comment"))
	done(endContracts(ctx, svc, acme.ID, "2027-01-01"))
	fmt.Println(svc.Can(ctx, vera.ID, acme.ID, "documents:comment"))
	// Output:
	// signed_in
	// second_factor
	// [documents:comment]
	// true <nil>
	// false <nil>
}
