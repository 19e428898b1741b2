package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/rbac"
	"github.com/freehold-dev/freehold/tenancy"
)

// accessInputRules are the inputs of roles, permissions and denials.
func accessInputRules() []rule {
	return []rule{
		{"G9 NewRole", on(func(w *world) { newRoleInput().run(w) })},
		{"G9 RoleUpdate", on(func(w *world) { roleUpdateInput().run(w) })},
		{"G9 PermissionSpec", on(func(w *world) { permissionInput().run(w) })},
		{"G9 RoleSpec", on(func(w *world) { declaredRoleInput().run(w) })},
		{"G9 DenialQuery", on(func(w *world) { denialQueryInput().run(w) })},
		{"G9 limits of roles", with(lowRoleLimits, roleLimits)},
	}
}

// roleSlugCases: R2; what is right for an organization's own role is wrong for a
// declared one, and the other way round.
func roleSlugCases[T any](prefix string, set func(*T, string)) []value[T] {
	cases := []value[T]{
		textCase("slug", "64 characters", prefix+strings.Repeat("a", 64-len(prefix)), "", set),
		textCase("slug", "every kind of character", prefix+"a-z_09-", "", set),
	}
	for name, s := range map[string]string{
		"65 characters": prefix + strings.Repeat("a", 65-len(prefix)), "empty": "", "upper case": prefix + "A", "a dot": prefix + "a.b",
		"a space": prefix + "a b", "beyond ASCII": prefix + "ü", "a line break after": prefix + "a\n", "NUL": prefix + "\x00",
		"invalid UTF-8": prefix + "\xff",
	} {
		cases = append(cases, textCase("slug", name, s, tenancy.ErrInvalid, set))
	}
	return cases
}

func roleNameCases[T any](set func(*T, string)) []value[T] {
	return append(nameOf("name", set), textCase("name", "plain", "Writer", "", set))
}

func descriptionCases[T any](set func(*T, string)) []value[T] {
	return append(text("description", 1000, set), textCase("description", "empty", "", "", set))
}

// grantCases: R1.
func grantCases[T any](set func(*T, ...rbac.Grant)) []value[T] {
	one := func(name string, code tenancy.Code, field string, grants ...rbac.Grant) value[T] {
		return value[T]{name, func(in *T, _ cast) { set(in, grants...) }, code, field}
	}
	return []value[T]{
		one("none", "", ""),
		one("everything", "", "", "*"),
		one("all management", "", "", "tenancy:*"),
		one("wildcards of nothing yet", "", "", "invoices:*", "a.b.*"),
		one("management by name", "", "", "tenancy:members:read"),
		one("one twice", "", "", "documents:read", "documents:read"),
		one("undeclared", tenancy.ErrUnknownPermission, "grants", "documents:read", "documents:burn"),
		one("another case", tenancy.ErrUnknownPermission, "grants", "Documents:read"),
		one("unknown management", tenancy.ErrUnknownPermission, "grants", "tenancy:everything"),
		one("empty", tenancy.ErrInvalid, "grants", ""),
		one("a wildcard in a word", tenancy.ErrInvalid, "grants", "docu*"),
		one("a wildcard in the middle", tenancy.ErrInvalid, "grants", "documents:*:read"),
		one("65 bytes", tenancy.ErrInvalid, "grants", rbac.Grant(strings.Repeat("a", 65))),
		one("a line break", tenancy.ErrInvalid, "grants", "documents:read\n"),
	}
}

func parentCases[T any](own, other string, set func(*T, string)) []value[T] {
	return []value[T]{
		textCase("extends", "none", "", "", set),
		textCase("extends", "a declared one", servicetest.Auditor, "", set),
		textCase("extends", "a built-in one", rbac.Guest, "", set),
		textCase(own, "unknown", "king", tenancy.ErrUnknownRole, set),
		textCase(own, "another case", "Auditor", tenancy.ErrUnknownRole, set),
		textCase(own, "itself", other, tenancy.ErrInvalid, set),
	}
}

func priorityCases[T any](first int, refusal tenancy.Code, set func(*T, int)) []value[T] {
	field := "priority"
	if refusal == "" {
		field = ""
	}
	return []value[T]{
		{"first of all", func(in *T, _ cast) { set(in, first) }, refusal, field},
		{"behind the built-in ones", func(in *T, _ cast) { set(in, 1000) }, "", ""},
		{"last of all", func(in *T, _ cast) { set(in, 1<<30) }, "", ""},
		{"beyond", func(in *T, _ cast) { set(in, 1<<30+1) }, tenancy.ErrInvalid, "priority"},
	}
}

func newRoleInput() input[tenancy.NewRole] {
	type in = tenancy.NewRole
	slug := func(v *in, s string) { v.Slug = s }
	return input[in]{
		base: func(cast) in { return in{Slug: "org-new"} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Roles.Create(ctx, c.org, v)
			return err
		},
		fields: map[string][]value[in]{
			"Slug": append(roleSlugCases("org-", slug),
				textCase("slug", "an application's", "new", tenancy.ErrInvalid, slug),
				textCase("slug", "a built-in one", rbac.Member, tenancy.ErrInvalid, slug),
				textCase("slug", "taken", servicetest.Editor, tenancy.ErrAlreadyExists, slug)),
			"Name": append(roleNameCases(func(v *in, s string) { v.Name = s }),
				textCase("name", "empty", "", "", func(v *in, s string) { v.Name = s })),
			"Description": descriptionCases(func(v *in, s string) { v.Description = s }),
			"Extends":     parentCases("extends", "org-new", func(v *in, s string) { v.Extends = s }),
			"Grants":      grantCases(func(v *in, g ...rbac.Grant) { v.Grants = g }),
			"Priority":    priorityCases(999, tenancy.ErrInvalid, func(v *in, n int) { v.Priority = n }),
		},
	}
}

func roleUpdateInput() input[tenancy.RoleUpdate] {
	type in = tenancy.RoleUpdate
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, c cast, v in) error {
			_, err := s.Roles.Update(ctx, c.org, servicetest.Editor, v)
			return err
		},
		fields: map[string][]value[in]{
			"Version": {
				{"the stored one", func(v *in, _ cast) { v.Version = 1 }, "", ""},
				{"another", func(v *in, _ cast) { v.Version = 2 }, tenancy.ErrConflict, "version"},
				{"negative", func(v *in, _ cast) { v.Version = -1 }, tenancy.ErrConflict, "version"},
			},
			"Name": append(roleNameCases(func(v *in, s string) { v.Name = &s }),
				textCase("name", "empty", "", tenancy.ErrInvalid, func(v *in, s string) { v.Name = &s })),
			"Description": descriptionCases(func(v *in, s string) { v.Description = &s }),
			"Extends":     parentCases("extends", servicetest.Editor, func(v *in, s string) { v.Extends = &s }),
			"Grants":      grantCases(func(v *in, g ...rbac.Grant) { v.Grants = &g }),
			"Add":         grantCases(func(v *in, g ...rbac.Grant) { v.Add = g }),
			"Remove":      free(func(v *in) { v.Remove = []rbac.Grant{"documents:burn", "", "*"} }), // what is not there
			"Priority":    priorityCases(0, tenancy.ErrInvalid, func(v *in, n int) { v.Priority = &n }),
		},
	}
}

func permissionInput() input[tenancy.PermissionSpec] {
	type in = tenancy.PermissionSpec
	slug := func(v *in, s string) { v.Slug = rbac.Permission(s) }
	fields := map[string][]value[in]{
		"Slug": {
			textCase("permission", "64 characters", strings.Repeat("a", 64), "", slug),
			textCase("permission", "every kind of character", "aZ09_-:.", "", slug),
			textCase("permission", "the other order", "read:documents", "", slug),
			textCase("permission", "like a management one", "Tenancy:members:read", "", slug),
		},
		"Description": descriptionCases(func(v *in, s string) { v.Description = s }),
	}
	for name, s := range map[string]string{
		"empty": "", "65 characters": strings.Repeat("a", 65), "a space": "a b", "everything": "*", "a wildcard": "documents:*",
		"beyond ASCII": "ü", "NUL": "a\x00", "a line break after": "a\n", "reserved": "tenancy:documents:read", "a management one": "tenancy:members:read",
	} {
		fields["Slug"] = append(fields["Slug"], textCase("permission", name, s, tenancy.ErrInvalid, slug))
	}
	return input[in]{
		base: func(cast) in { return in{Slug: "invoices:read"} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			return s.Declare(ctx, 2, tenancy.Schema{Permissions: []tenancy.PermissionSpec{v}})
		},
		fields: fields,
	}
}

func declaredRoleInput() input[tenancy.RoleSpec] {
	type in = tenancy.RoleSpec
	slug := func(v *in, s string) { v.Slug = s }
	return input[in]{
		base: func(cast) in { return in{Slug: "cook"} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			return s.Declare(ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{v}})
		},
		fields: map[string][]value[in]{
			"Slug": append(roleSlugCases("", slug),
				textCase("slug", "an organization's own", "org-cook", tenancy.ErrInvalid, slug),
				textCase("slug", "owner", rbac.Owner, tenancy.ErrInvalid, slug),
				textCase("slug", "admin", rbac.Admin, tenancy.ErrInvalid, slug),
				textCase("slug", "member", rbac.Member, "", slug),
				textCase("slug", "guest", rbac.Guest, "", slug)),
			"Name": append(roleNameCases(func(v *in, s string) { v.Name = s }),
				textCase("name", "empty", "", "", func(v *in, s string) { v.Name = s })),
			"Description": descriptionCases(func(v *in, s string) { v.Description = s }),
			"Extends": append(parentCases("roles", "cook", func(v *in, s string) { v.Extends = s }),
				textCase("roles", "an organization's", servicetest.Editor, tenancy.ErrInvalid, func(v *in, s string) { v.Extends = s })),
			"Grants": grantCases(func(v *in, g ...rbac.Grant) { v.Grants = g }),
		},
	}
}

func denialQueryInput() input[tenancy.DenialQuery] {
	type in = tenancy.DenialQuery
	return input[in]{
		base: func(cast) in { return in{} },
		call: func(ctx context.Context, s *tenancy.Service, _ cast, v in) error {
			_, err := s.Events.Denials(ctx, v)
			return err
		},
		fields: map[string][]value[in]{
			"OrganizationID": free(func(v *in) { v.OrganizationID = servicetest.Nowhere }),
			"Actor":          free(func(v *in) { v.Actor = tenancy.Actor{Kind: "ghost"} }),
			"Method":         free(func(v *in) { v.Method = "no method" }),
			"Since":          free(func(v *in) { v.Since = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }),
			"Until":          free(func(v *in) { v.Until = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC) }),
			"Descending":     free(func(v *in) { v.Descending = true }),
			"Limit":          limitOf(func(v *in, n int) { v.Limit = n }),
			"Cursor":         cursorOf(func(v *in, s string) { v.Cursor = s }),
		},
	}
}

func lowRoleLimits(c *tenancy.Config) { c.Limits = tenancy.Limits{RoleGrants: 2, Roles: 3} }

func roleLimits(w *world) {
	w.Declare()
	org := w.Org("Acme").ID
	create := func(n int, grants ...rbac.Grant) func() error {
		return func() error {
			_, err := w.Svc.Roles.Create(w.Ctx, org, tenancy.NewRole{Slug: fmt.Sprintf("org-%d", n), Grants: grants})
			return err
		}
	}
	three := []rbac.Grant{servicetest.ReadDocs, servicetest.WriteDocs, servicetest.Billing}
	w.refuses(tenancy.ErrInvalid, "grants", create(0, three...))
	w.NoError(create(0, append(slices.Clone(three[:2]), three[:2]...)...)())
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		_, err := w.Svc.Roles.Update(w.Ctx, org, "org-0", tenancy.RoleUpdate{Add: three[2:]})
		return err
	})
	w.NoError(create(1)())
	w.NoError(create(2)())
	w.refuses(tenancy.ErrInvalid, "roles", create(3))
	declare := func(slugs ...string) func() error {
		var roles []tenancy.RoleSpec
		for _, slug := range slugs {
			roles = append(roles, tenancy.RoleSpec{Slug: slug})
		}
		return func() error { return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: roles}) }
	}
	w.refuses(tenancy.ErrInvalid, "roles", declare("three", "four")) // two are there
	w.NoError(declare("three")())
	w.NoError(declare("three", servicetest.Auditor)()) // what is there already is no more
	w.refuses(tenancy.ErrInvalid, "grants", func() error {
		return w.Svc.Declare(w.Ctx, 2, tenancy.Schema{Roles: []tenancy.RoleSpec{{Slug: "three", Grants: three}}})
	})
}
