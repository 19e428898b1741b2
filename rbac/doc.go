// Package rbac is the arithmetic of access: permissions, the grants that give
// them, roles that carry grants and extend one another, and compiled sets on
// which a check is one look-up and one bit.
//
// For most uses, the way is this:
//
//	registry, err := rbac.NewRegistry("documents:read", "documents:write") // what can be checked
//	roles, err := rbac.NewRoles(0, append(rbac.Builtin(), editor)...)      // who carries what
//	grants, err := roles.Grants("editor", "member")                        // the union, parents included
//	set, err := rbac.Compile(registry, grants)                             // once
//	ok, err := set.Can("documents:write")                                  // often
//
// A [Permission] is what a program checks: exact, case-sensitive text that has
// been declared in a [Registry]. A [Grant] is what a role holds: a permission, or
// a wildcard (documents:*, or * alone) that also covers what is declared later. Both are
// one type.
// Names under tenancy: are the management permissions, listed here as constants;
// * never covers them.
//
// [Grants] are compared as they are written, never by what they happen to give
// today: that comparison, [Grants.Covers], is the ceiling which keeps people from
// raising themselves (rule R6). It needs no registry.
//
// The package holds the rules on permissions, roles and the ceiling (R1 to R4, R6) in so far as they
// are about values: it does no I/O, knows no user and no organization, and keeps nothing. Registry,
// Roles, Grants and Set are immutable, share no slice with their callers, and are
// safe for concurrent use.
//
// Numbers in brackets, such as (rule R1), are rules. They are defined in
// https://github.com/freehold-dev/freehold/blob/main/docs/rules.md.
package rbac
