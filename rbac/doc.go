// Package rbac computes access. It has permissions, grants that give permissions, roles that hold grants and extend
// one another, and compiled sets. A check on a compiled set is one lookup and one bit.
//
// For most uses, write this:
//
//	registry, err := rbac.NewRegistry("documents:read", "documents:write") // what can be checked
//	roles, err := rbac.NewRoles(0, append(rbac.Builtin(), editor)...)      // which role holds what
//	grants, err := roles.Grants("editor", "member")                        // the union, parents included
//	set, err := rbac.Compile(registry, grants)                             // once
//	ok, err := set.Can("documents:write")                                  // often
//
// A [Permission] is what a program checks: an exact, case-sensitive text that is declared in a [Registry]. A
// [Grant] is what a role holds: a permission, or a wildcard (documents:*, or * alone). A wildcard also covers
// permissions that are declared later. Permission and Grant are one type. The management permissions begin with
// tenancy: and are constants of this package; * never covers them.
//
// [Grants.Covers] compares grants as they are written, and not by the permissions that they give today. That
// comparison is the ceiling, which prevents privilege escalation (rule R6). It needs no registry.
//
// The package implements the rules on permissions, roles and the ceiling (R1 to R4, R6), as far as they concern
// values. It does no I/O, knows no users and no organizations, and stores nothing. Registry, Roles, Grants and Set
// are immutable, share no slice with their callers, and are safe for concurrent use.
//
// Numbers in brackets, such as (rule R1), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package rbac
