package tenancy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// office is Acme with documents: members read them, editors write them too. Ada owns
// Acme, Bob is an editor, and Eve a reviewer, which is a role of Acme's own.
func office() (svc *tenancy.Service, org tenancy.Organization, ada, bob, eve tenancy.User) {
	ctx := context.Background()
	svc, org, ada, bob, eve = acme(tenancy.Config{})
	done(svc.Declare(ctx, 1, tenancy.Schema{Permissions: []tenancy.PermissionSpec{
		{Slug: "documents:read"},
		{Slug: "documents:write"},
		{Slug: "documents:comment"},
	}, Roles: []tenancy.RoleSpec{
		{Slug: "member", Grants: []rbac.Grant{"documents:read"}},
		{Slug: "editor", Extends: "member", Grants: []rbac.Grant{"documents:write"}},
	}}))
	must(svc.Roles.Create(ctx, org.ID, tenancy.NewRole{Slug: "org-reviewer", Extends: "member", Grants: []rbac.Grant{"documents:comment"}}))
	must(svc.Memberships.SetRoles(ctx, org.ID, bob.ID, "editor"))
	must(svc.Memberships.SetRoles(ctx, org.ID, eve.ID, "org-reviewer"))
	return svc, org, ada, bob, eve
}

func done(err error) {
	if err != nil {
		panic(err)
	}
}

func ExampleService_Can() {
	ctx := context.Background()
	svc, acme, _, bob, _ := office()
	fmt.Println(svc.Can(ctx, bob.ID, acme.ID, "documents:write"))
	must(svc.Memberships.Deactivate(ctx, acme.ID, bob.ID))
	fmt.Println(svc.Can(ctx, bob.ID, acme.ID, "documents:write"))
	_, err := svc.Can(ctx, bob.ID, acme.ID, "documents:wirte")
	fmt.Println(errors.Is(err, tenancy.ErrUnknownPermission)) // not just false
	// Output:
	// true <nil>
	// false <nil>
	// true
}

// Check is for the head of a function that needs a permission.
func ExampleService_Check() {
	ctx := context.Background()
	svc, acme, _, bob, eve := office()
	fmt.Println(svc.Check(ctx, bob.ID, acme.ID, "documents:write"))
	fmt.Println(tenancy.CodeOf(svc.Check(ctx, eve.ID, acme.ID, "documents:write")))
	done(svc.Memberships.Remove(ctx, acme.ID, eve.ID))
	fmt.Println(tenancy.CodeOf(svc.Check(ctx, eve.ID, acme.ID, "documents:write"))) // as if Acme were not there
	// Output:
	// <nil>
	// forbidden
	// not_found
}

// A role gives what it says, and what its parents say.
func ExampleService_Explain() {
	ctx := context.Background()
	svc, acme, _, bob, _ := office()
	fmt.Println(must(svc.Explain(ctx, bob.ID, acme.ID, "documents:write")))
	fmt.Println(must(svc.Explain(ctx, bob.ID, acme.ID, "documents:read")))
	// Output:
	// allowed: editor grants documents:write
	// allowed: editor, which extends member, grants documents:read
}

// An owner has everything of the host's by one wildcard.
func ExampleService_Explain_wildcard() {
	ctx := context.Background()
	svc, acme, ada, _, _ := office()
	fmt.Println(must(svc.Explain(ctx, ada.ID, acme.ID, "documents:comment")))
	// Output:
	// allowed: owner grants *
}

// What a member lacks is told beside the roles that they have.
func ExampleService_Explain_notGranted() {
	ctx := context.Background()
	svc, acme, _, _, eve := office()
	why := must(svc.Explain(ctx, eve.ID, acme.ID, "documents:write"))
	fmt.Println(why, why.Roles)
	// Output:
	// denied: not_granted [org-reviewer]
}

// Somebody whose access is at rest keeps their roles, and has nothing by them.
func ExampleService_Explain_inactive() {
	ctx := context.Background()
	svc, acme, _, bob, _ := office()
	must(svc.Memberships.Deactivate(ctx, acme.ID, bob.ID))
	fmt.Println(must(svc.Explain(ctx, bob.ID, acme.ID, "documents:write")))
	// Output:
	// denied: membership_inactive
}

// An organization that was suspended has nobody in it, its owner included.
func ExampleService_Explain_suspended() {
	ctx := context.Background()
	svc, acme, ada, _, _ := office()
	must(svc.Organizations.Suspend(ctx, acme.ID))
	fmt.Println(must(svc.Explain(ctx, ada.ID, acme.ID, "documents:write")))
	// Output:
	// denied: organization_suspended
}

// A request handler works with a Service that is bound to who asks.
func ExampleService_As() {
	ctx := context.Background()
	svc, acme, ada, bob, eve := office()
	_, err := svc.As(tenancy.UserPrincipal(bob.ID)).Memberships.Deactivate(ctx, acme.ID, eve.ID)
	fmt.Println(tenancy.CodeOf(err))
	resting, err := svc.As(tenancy.UserPrincipal(ada.ID)).Memberships.Deactivate(ctx, acme.ID, eve.ID)
	fmt.Println(resting.Status, err)
	other := must(svc.Organizations.Create(ctx, tenancy.NewOrganization{DisplayName: "Other"}))
	_, err = svc.As(tenancy.UserPrincipal(ada.ID)).Organizations.Get(ctx, other.ID)
	fmt.Println(tenancy.CodeOf(err)) // as if it were not there
	// Output:
	// forbidden
	// inactive <nil>
	// not_found
}

// An owner makes a role of the organization's own, and can put nothing into it that
// they do not have.
func ExampleRoles_Create() {
	ctx := context.Background()
	svc, acme, ada, _, _ := office()
	role := must(svc.As(tenancy.UserPrincipal(ada.ID)).Roles.Create(ctx, acme.ID, tenancy.NewRole{
		Slug: "org-publisher", Name: "Publisher", Extends: "editor", Grants: []rbac.Grant{"documents:comment"},
	}))
	fmt.Println(role.Slug, role.Extends, role.Grants)
	// Output:
	// org-publisher editor [documents:comment]
}

// The application declares its roles at each start. The same again changes nothing,
// and neither does an older revision.
func ExampleService_Declare() {
	ctx := context.Background()
	svc, acme, _, _, _ := office()
	declare := func(revision int64, grants ...rbac.Grant) int {
		done(svc.Declare(ctx, revision, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "reader", Grants: grants}}}))
		return len(must(svc.Roles.Get(ctx, acme.ID, "reader")).Grants)
	}
	fmt.Println(declare(2, "documents:read"), declare(2, "documents:read"), declare(1), declare(3))
	// Output:
	// 1 1 1 0
}

func ExampleService_MembersWith() {
	ctx := context.Background()
	svc, acme, _, _, _ := office()
	for _, m := range must(svc.MembersWith(ctx, acme.ID, "documents:write", tenancy.MemberQuery{})).Items {
		fmt.Println(m.Name, m.Roles)
	}
	// Output:
	// Ada [owner]
	// Bob [editor]
}

// Refusals are counted by the minute, for those who look after the organization.
func ExampleEvents_Denials() {
	ctx := context.Background()
	svc, acme, _, bob, eve := office()
	_ = svc.As(tenancy.UserPrincipal(bob.ID)).Memberships.Remove(ctx, acme.ID, eve.ID)
	for _, d := range must(svc.Events.Denials(ctx, tenancy.DenialQuery{OrganizationID: acme.ID})).Items {
		fmt.Println(d.Actor.Kind, d.Actor.ID == bob.ID.String(), d.Method, d.Count)
	}
	// Output:
	// user true Memberships.Remove 1
}
