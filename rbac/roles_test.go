package rbac_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/rbac"
)

func TestCheckSlug(t *testing.T) { // R2
	for _, good := range []string{"a", "owner", "org-billing_2", "-", strings.Repeat("a", 64)} {
		require.NoError(t, rbac.CheckSlug(good), good)
	}
	for _, bad := range []string{"", "Owner", "a b", "a:b", "a.b", "é", "a\n", strings.Repeat("a", 65)} {
		require.ErrorIs(t, rbac.CheckSlug(bad), rbac.ErrInvalidSlug, bad)
	}
	require.True(t, rbac.IsOrganizationSlug("org-billing"))
	require.False(t, rbac.IsOrganizationSlug("organization"))
	require.False(t, rbac.IsOrganizationSlug("my-org-billing"))
}

func FuzzCheckSlug(f *testing.F) { // R2
	f.Fuzz(func(t *testing.T, slug string) {
		fine := slug != "" && len(slug) <= 64
		for _, r := range slug {
			fine = fine && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-')
		}
		require.Equal(t, fine, rbac.CheckSlug(slug) == nil)
	})
}

func TestBuiltin(t *testing.T) { // R3
	roles := newRoles(t, rbac.Builtin()...)
	registry, err := rbac.NewRegistry("documents:read")
	require.NoError(t, err)
	owner := compile(t, registry, grantsOf(t, roles, rbac.Owner))
	require.Equal(t, registry.Permissions(), owner.Permissions(), "everything")

	admin := compile(t, registry, grantsOf(t, roles, rbac.Admin))
	beyond := slices.DeleteFunc(registry.Permissions(), func(p rbac.Permission) bool {
		return slices.Contains(admin.Permissions(), p)
	})
	require.ElementsMatch(t, []rbac.Permission{rbac.DeleteOrganization, rbac.TransferOwnership}, beyond)

	require.Empty(t, compile(t, registry, grantsOf(t, roles, rbac.Member, rbac.Guest)).Permissions())
	require.Equal(t, []string{rbac.Owner, rbac.Admin, rbac.Member, rbac.Guest},
		roles.Sort(rbac.Guest, rbac.Member, rbac.Admin, rbac.Owner))
}

func TestNewRolesRefuses(t *testing.T) { // R2
	for what, c := range map[string]struct {
		roles []rbac.Role
		want  rbac.Reason
	}{
		"slug":               {[]rbac.Role{{Slug: "Editor"}}, rbac.ErrInvalidSlug},
		"grant":              {[]rbac.Role{{Slug: "a", Grants: []rbac.Grant{"doc*"}}}, rbac.ErrInvalidGrant},
		"two of one slug":    {[]rbac.Role{{Slug: "a"}, {Slug: "a"}}, rbac.ErrDuplicateRole},
		"missing parent":     {[]rbac.Role{{Slug: "a", Extends: "b"}}, rbac.ErrUnknownRole},
		"itself":             {[]rbac.Role{{Slug: "a", Extends: "a"}}, rbac.ErrCycle},
		"each other":         {[]rbac.Role{{Slug: "a", Extends: "b"}, {Slug: "b", Extends: "a"}}, rbac.ErrCycle},
		"leads into a cycle": {[]rbac.Role{{Slug: "a", Extends: "b"}, {Slug: "b", Extends: "b"}}, rbac.ErrCycle},
		"extends organization's": {
			[]rbac.Role{{Slug: "a", Extends: "org-b"}, {Slug: "org-b"}}, rbac.ErrForeignParent,
		},
	} {
		t.Run(what, func(t *testing.T) {
			roles, err := rbac.NewRoles(0, c.roles...)
			require.ErrorIs(t, err, c.want)
			require.Nil(t, roles)
		})
	}
	newRoles(t, rbac.Role{Slug: "org-a", Extends: "org-b"}, rbac.Role{Slug: "org-b", Extends: "c"}, rbac.Role{Slug: "c"})
}

// ladder is a role with n parents above one another.
func ladder(n int) []rbac.Role {
	roles := []rbac.Role{{Slug: "r0", Grants: []rbac.Grant{"documents:read"}}}
	for i := range n {
		roles = append(roles, rbac.Role{Slug: fmt.Sprint("r", i+1), Extends: fmt.Sprint("r", i)})
	}
	return roles
}

func TestDepth(t *testing.T) { // R2, G9
	for _, c := range []struct{ limit, most int }{{0, rbac.MaxDepth}, {1, 1}, {20, 20}, {-1, 0}} {
		roles, err := rbac.NewRoles(c.limit, ladder(c.most)...)
		require.NoError(t, err)
		require.True(t, grantsOf(t, roles, fmt.Sprint("r", c.most)).Equal(newGrants(t, "documents:read")))

		_, err = rbac.NewRoles(c.limit, ladder(c.most+1)...)
		require.ErrorIs(t, err, rbac.ErrTooDeep)
		_, err = roles.With(rbac.Role{Slug: "one-more", Extends: fmt.Sprint("r", c.most)})
		require.ErrorIs(t, err, rbac.ErrTooDeep, "the limit stays with the roles")
	}
}

func TestWith(t *testing.T) { // R2
	base := newRoles(t, rbac.Builtin()...)
	more, err := base.With(
		rbac.Role{Slug: rbac.Member, Grants: []rbac.Grant{"documents:read"}},
		rbac.Role{Slug: "org-editor", Extends: rbac.Member, Grants: []rbac.Grant{"documents:write"}})
	require.NoError(t, err)
	require.True(t, grantsOf(t, more, "org-editor").Equal(newGrants(t, "documents:read", "documents:write")))
	require.Empty(t, grantsOf(t, base, rbac.Member).All(), "roles never change")
	_, there := base.Get("org-editor")
	require.False(t, there)

	_, err = more.With(rbac.Role{Slug: rbac.Member, Extends: "org-editor"})
	require.ErrorIs(t, err, rbac.ErrForeignParent)
	_, err = more.With(rbac.Role{Slug: "a"}, rbac.Role{Slug: "a"})
	require.ErrorIs(t, err, rbac.ErrDuplicateRole)
}

func TestRolesShareNothing(t *testing.T) {
	given := rbac.Role{Slug: "a", Name: "A", Description: "d", Priority: 7, Grants: []rbac.Grant{"x"}}
	roles := newRoles(t, given)
	given.Grants[0] = "*"
	got, there := roles.Get("a")
	require.True(t, there)
	require.Equal(t, rbac.Role{Slug: "a", Name: "A", Description: "d", Priority: 7, Grants: []rbac.Grant{"x"}}, got)
	got.Grants[0] = "*"
	require.True(t, grantsOf(t, roles, "a").Equal(newGrants(t, "x")))

	var none rbac.Roles
	_, err := none.Grants("a")
	require.ErrorIs(t, err, rbac.ErrUnknownRole)
}

func TestSort(t *testing.T) { // R4
	roles := newRoles(t, rbac.Role{Slug: "b", Priority: 1}, rbac.Role{Slug: "a", Priority: 1}, rbac.Role{Slug: "z", Priority: -1})
	given := []string{"gone", "b", "a", "absent", "z"}
	require.Equal(t, []string{"z", "a", "b", "absent", "gone"}, roles.Sort(given...))
	require.Equal(t, "gone", given[0], "the caller's slice is left alone")
}

func TestInheritance(t *testing.T) { // R2, R4
	rapid.Check(t, func(t *rapid.T) {
		list := lattice(t)
		roles := newRoles(t, list...)
		bySlug := map[string]rbac.Role{}
		for _, role := range list {
			bySlug[role.Slug] = role
		}
		held := rapid.SliceOfN(rapid.SampledFrom(list), 0, 4).Draw(t, "held")
		var slugs []string
		var written []rbac.Grant
		for _, role := range held {
			slugs = append(slugs, role.Slug)
			for at := role; ; at = bySlug[at.Extends] {
				require.True(t, grantsOf(t, roles, role.Slug).Covers(grantsOf(t, roles, at.Slug)), "transitive")
				written = append(written, at.Grants...)
				if at.Extends == "" {
					break
				}
			}
		}
		require.True(t, grantsOf(t, roles, slugs...).Equal(newGrants(t, written...)), "the union, parents included")

		extra := rapid.SampledFrom(list).Draw(t, "extra").Slug
		require.True(t, grantsOf(t, roles, append(slugs, extra)...).Covers(grantsOf(t, roles, slugs...)), "monotone")
	})
}

// Any parents at all: refused exactly where a walk finds a cycle or goes too far.
func TestParentsAtRandom(t *testing.T) { // R2
	rapid.Check(t, func(t *rapid.T) {
		parents := rapid.SliceOfN(rapid.IntRange(-1, 11), 12, 12).Draw(t, "parents")
		var list []rbac.Role
		for i, parent := range parents {
			role := rbac.Role{Slug: fmt.Sprint("r", i)}
			if parent >= 0 {
				role.Extends = fmt.Sprint("r", parent)
			}
			list = append(list, role)
		}
		cyclic, deep := false, false
		for i := range parents {
			steps, at := 0, i
			for ; parents[at] >= 0 && steps < 100; steps++ {
				at = parents[at]
			}
			cyclic = cyclic || steps == 100
			deep = deep || steps < 100 && steps > 3
		}
		_, err := rbac.NewRoles(3, list...)
		require.Equal(t, cyclic || deep, err != nil)
		if err != nil {
			require.True(t, cyclic && errors.Is(err, rbac.ErrCycle) || deep && errors.Is(err, rbac.ErrTooDeep))
		}
	})
}
