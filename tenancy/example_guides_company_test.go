package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// company makes the one organization of the program, with its provider. It runs at each start. It does not
// make an organization or a connection a second time, and it updates the groups.
func company(ctx context.Context, svc *tenancy.Service, groups map[string]string) (tenancy.Organization, tenancy.Connection, error) {
	var org tenancy.Organization
	var c tenancy.Connection
	err := svc.Transact(ctx, func(ctx context.Context, tx *tenancy.Service) (err error) {
		if org, err = tx.Organizations.GetByExternalID(ctx, "company"); tenancy.CodeOf(err) == tenancy.ErrNotFound {
			org, err = tx.Organizations.Create(ctx, tenancy.NewOrganization{
				DisplayName: "Acme", ExternalID: "company",
				Settings: tenancy.Settings{SingleSignOnJoins: true, DefaultRole: rbac.Guest},
				Domains:  []tenancy.NewDomain{{Name: "acme.example", Verified: true}}, // the domain is yours
			})
		}
		if err != nil {
			return err
		}
		there, err := tx.Connections.List(ctx, org.ID, tenancy.ConnectionQuery{})
		if err != nil {
			return err
		}
		if len(there.Items) > 0 {
			c, err = tx.Connections.Update(ctx, org.ID, there.Items[0].ID, tenancy.ConnectionUpdate{Groups: &groups})
			return err
		}
		c, err = tx.Connections.Create(ctx, tenancy.NewConnection{
			OrganizationID: org.ID, Protocol: tenancy.ProtocolOIDC, Name: "Acme", State: tenancy.ConnectionActive,
			Issuer: "https://sso.acme.example", Groups: groups,
		})
		if err != nil {
			return err
		}
		_, err = tx.Policies.Set(ctx, org.ID, tenancy.PolicyUpdate{Organization: &tenancy.OrganizationPolicy{SingleSignOn: true, ConnectionID: c.ID}})
		return err
	})
	return org, c, err
}

func Example_company() {
	ctx := context.Background()
	svc := service(tenancy.Config{Registration: tenancy.RegistrationClosed})
	done(svc.Declare(ctx, 1, tenancy.Schema{
		Permissions: []tenancy.PermissionSpec{{Slug: "reports:read"}, {Slug: "reports:write"}},
		Roles: []tenancy.RoleSpec{
			{Slug: "reader", Grants: []rbac.Grant{"reports:read"}},
			{Slug: "editor", Extends: "reader", Grants: []rbac.Grant{"reports:write"}},
		},
	}))
	groups := map[string]string{"everybody": "reader", "controlling": "editor", "it": rbac.Admin}
	for range 2 { // the second start changes nothing
		_, _, err := company(ctx, svc, groups)
		done(err)
	}
	acme, c, err := company(ctx, svc, groups)
	done(err)
	come := func(subject, email string, groups ...string) tenancy.Decision {
		return must(svc.SignIn(ctx, tenancy.Attempt{
			Evidence: tenancy.ConnectionEvidence(c, tenancy.Assertion{Subject: subject, Email: email, Groups: groups}),
		}))
	}
	roles := func(d tenancy.Decision) []string {
		return must(svc.Memberships.Get(ctx, acme.ID, d.User.ID)).Roles
	}

	// Bob signs in for the first time. His groups say what he may do.
	bob := come("b1", "bob@acme.example", "everybody", "controlling")
	fmt.Println(bob.Kind, bob.Created, roles(bob))

	// He changes departments. At his next sign-in he gets other roles.
	fmt.Println(roles(come("b1", "bob@acme.example", "everybody")))

	// Eve is in no group that is mapped to a role. She has the default role, which gives nothing.
	eve := come("e1", "eve@acme.example", "canteen")
	fmt.Println(roles(eve), must(svc.Permissions.Of(ctx, eve.User.ID, acme.ID)))

	// The provider has an account for a supplier, whose address is on another domain.
	fmt.Println(come("s1", "sam@supplier.example", "everybody").Kind)

	// Nobody gets in without the provider.
	link := tenancy.Attempt{Evidence: tenancy.MailboxEvidence("bob@acme.example")}
	fmt.Println(must(svc.SignIn(ctx, link)).Kind)
	link.Evidence = tenancy.MailboxEvidence("zoe@mail.example")
	fmt.Println(must(svc.SignIn(ctx, link)).Kind)
	// Output:
	// signed_in true [reader editor]
	// [reader]
	// [guest] []
	// invitation_needed
	// use_single_sign_on
	// invitation_needed
}
