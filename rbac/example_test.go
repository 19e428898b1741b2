package rbac_test

import (
	"errors"
	"fmt"

	"github.com/freehold-dev/freehold/rbac"
)

// Declare what can be checked, say who carries what, compile once, check often.
func Example() {
	registry, _ := rbac.NewRegistry("documents:read", "documents:write")
	roles, _ := rbac.NewRoles(0,
		rbac.Role{Slug: "member", Grants: []rbac.Grant{"documents:read"}},
		rbac.Role{Slug: "editor", Extends: "member", Grants: []rbac.Grant{"documents:write"}},
	)
	grants, _ := roles.Grants("editor")
	set, _ := rbac.Compile(registry, grants)

	fmt.Println(set.Can("documents:write"))
	fmt.Println(set.Can("documents:read"))
	// Output:
	// true <nil>
	// true <nil>
}

// A permission that was never declared is an error, so a typing mistake in a
// guard is found the first time it runs.
func ExampleSet_Can() {
	registry, _ := rbac.NewRegistry("documents:read")
	grants, _ := rbac.NewGrants("documents:*")
	set, _ := rbac.Compile(registry, grants)

	_, err := set.Can("document:read")
	fmt.Println(err, errors.Is(err, rbac.ErrUnknownPermission))
	// Output: unknown_permission "document:read" true
}

// The star is everything of the host's, and no management permission.
func ExampleGrant_Covers() {
	fmt.Println(rbac.Grant("*").Covers("documents:read"))
	fmt.Println(rbac.Grant("*").Covers(rbac.WriteMembers))
	fmt.Println(rbac.Grant("tenancy:*").Covers(rbac.WriteMembers))
	// Output:
	// true
	// false
	// true
}

// The ceiling compares grants as they are written: to give documents:* one must
// hold it, or *.
func ExampleGrants_Covers() {
	actor, _ := rbac.NewGrants("documents:read", "documents:write")
	role, _ := rbac.NewGrants("documents:*")
	fmt.Println(actor.Covers(role), role.Covers(actor))
	// Output: false true
}

// A default role gives nothing that a person should have to choose.
func ExampleGrants_CheckAutomatic() {
	grants, _ := rbac.NewGrants("documents:*", rbac.WriteInvitations)
	fmt.Println(grants.CheckAutomatic())
	// Output: not_automatic "tenancy:invitations:write"
}

// With shows a change before it is made.
func ExampleRoles_With() {
	roles, _ := rbac.NewRoles(0, rbac.Builtin()...)
	_, err := roles.With(
		rbac.Role{Slug: "author", Extends: "editor"},
		rbac.Role{Slug: "editor", Extends: "author"},
	)
	fmt.Println(err)
	// Output: role_cycle "author"
}

func ExampleRoles_Explain() {
	roles, _ := rbac.NewRoles(0,
		rbac.Role{Slug: "member", Grants: []rbac.Grant{"documents:*"}},
		rbac.Role{Slug: "editor", Extends: "member"},
	)
	why, _ := roles.Explain("documents:write", "editor")
	fmt.Println(why)
	// Output: editor, which extends member, grants documents:*
}

// The first role by priority is the primary one.
func ExampleRoles_Sort() {
	roles, _ := rbac.NewRoles(0, rbac.Builtin()...)
	fmt.Println(roles.Sort(rbac.Guest, rbac.Admin, rbac.Member))
	// Output: [admin member guest]
}
