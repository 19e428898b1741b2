package tenancy_test

import (
	"context"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// The permissions of a program. Handlers check permissions, and never a role.
const (
	readDocuments    rbac.Permission = "documents:read"
	writeDocuments   rbac.Permission = "documents:write"
	publishDocuments rbac.Permission = "documents:publish"
)

// declare says at each start which permissions and roles the program has. Increase the number with each change.
func declare(ctx context.Context, svc *tenancy.Service) error {
	return svc.Declare(ctx, 1, tenancy.Schema{
		Permissions: []tenancy.PermissionSpec{{Slug: readDocuments}, {Slug: writeDocuments}, {Slug: publishDocuments}},
		Roles: []tenancy.RoleSpec{
			{Slug: rbac.Member, Grants: []rbac.Grant{readDocuments}},
			{Slug: "editor", Name: "Editor", Extends: rbac.Member, Grants: []rbac.Grant{writeDocuments}},
			{Slug: "lead", Name: "Lead", Extends: "editor", Grants: []rbac.Grant{
				rbac.ReadMembers, rbac.WriteMembers, rbac.ReadRoles, rbac.WriteRoles,
			}},
		},
	})
}

func Example_roles() {
	ctx := context.Background()
	svc, acme, ada, bob, eve := acme(tenancy.Config{})
	done(declare(ctx, svc))
	asAda, asBob := svc.As(tenancy.UserPrincipal(ada.ID)), svc.As(tenancy.UserPrincipal(bob.ID))

	// Acme's owner makes a role for Acme. No other organization has it.
	publisher := must(asAda.Roles.Create(ctx, acme.ID, tenancy.NewRole{
		Name: "Publisher", Extends: "editor", Grants: []rbac.Grant{publishDocuments},
	}))
	fmt.Println(publisher.Slug, must(asAda.Roles.Effective(ctx, acme.ID, publisher.Slug)).Permissions)

	// Bob is a lead. He can give what he has, and no more.
	must(asAda.Memberships.SetRoles(ctx, acme.ID, bob.ID, "lead"))
	must(asBob.Memberships.SetRoles(ctx, acme.ID, eve.ID, "editor"))
	_, err := asBob.Memberships.SetRoles(ctx, acme.ID, eve.ID, publisher.Slug)
	fmt.Println(tenancy.CodeOf(err))
	_, err = asBob.Roles.Create(ctx, acme.ID, tenancy.NewRole{Name: "Mine", Grants: []rbac.Grant{publishDocuments}})
	fmt.Println(tenancy.CodeOf(err))
	_, err = asBob.Memberships.SetRoles(ctx, acme.ID, ada.ID, "editor") // Ada is an owner
	fmt.Println(tenancy.CodeOf(err))

	// Why may Eve not publish? Ada also gives her the role publisher, and asks again.
	fmt.Println(must(asAda.Explain(ctx, eve.ID, acme.ID, publishDocuments)))
	must(asAda.Memberships.AddRole(ctx, acme.ID, eve.ID, publisher.Slug))
	fmt.Println(must(asAda.Explain(ctx, eve.ID, acme.ID, publishDocuments)))
	fmt.Println(must(asAda.Explain(ctx, eve.ID, acme.ID, readDocuments)))
	// Output:
	// org-publisher [documents:publish documents:read documents:write]
	// forbidden
	// forbidden
	// forbidden
	// denied: not_granted
	// allowed: org-publisher grants documents:publish
	// allowed: editor, which extends member, grants documents:read
}
