package rbac_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/rbac"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Names are drawn from few segments, so that wildcards meet what they cover,
// nest, and stand beside tenancy: and what only looks like it.
var (
	segment   = rapid.SampledFrom([]string{"a", "b", "ab", "tenancy"})
	separator = rapid.SampledFrom([]string{":", ".", ":", "::"})
)

func stem(t *rapid.T, atLeast int) string {
	var b strings.Builder
	for range rapid.IntRange(atLeast, 3).Draw(t, "segments") {
		b.WriteString(segment.Draw(t, "segment"))
		b.WriteString(separator.Draw(t, "separator"))
	}
	return b.String()
}

// permission draws what anyone may check, under tenancy: or not.
var permission = rapid.Custom(func(t *rapid.T) rbac.Permission {
	ends := rapid.SampledFrom([]string{"a", "b", "read", "write", ""})
	return rbac.Permission(stem(t, 1) + ends.Draw(t, "end"))
})

// hostPermission draws what a host may declare.
var hostPermission = permission.Filter(func(p rbac.Permission) bool { return !p.IsManagement() })

var grant = rapid.Custom(func(t *rapid.T) rbac.Grant {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return "*"
	case 1, 2:
		return rbac.Grant(stem(t, 1) + "*")
	default:
		return permission.Draw(t, "permission")
	}
})

var grantList = rapid.SliceOfN(grant, 0, 8)

// declarable leaves out the grants by name that no registry of a host has.
func declarable(list []rbac.Grant) []rbac.Grant {
	management := rbac.Management()
	return slices.DeleteFunc(slices.Clone(list), func(g rbac.Grant) bool {
		return !g.IsWildcard() && g.IsManagement() && !slices.Contains(management, g)
	})
}

// registryFor declares what the grants name and some permissions besides.
func registryFor(t *rapid.T, lists ...[]rbac.Grant) *rbac.Registry {
	host := rapid.SliceOfN(hostPermission, 0, 100).Draw(t, "declared")
	for _, g := range slices.Concat(lists...) {
		if !g.IsWildcard() && !g.IsManagement() {
			host = append(host, g)
		}
	}
	registry, err := rbac.NewRegistry(host...)
	require.NoError(t, err)
	return registry
}

func newGrants(t require.TestingT, list ...rbac.Grant) rbac.Grants {
	g, err := rbac.NewGrants(list...)
	require.NoError(t, err)
	return g
}

func compile(t require.TestingT, registry *rbac.Registry, grants rbac.Grants) *rbac.Set {
	set, err := rbac.Compile(registry, grants)
	require.NoError(t, err)
	return set
}

// lattice draws roles in which each extends one drawn before it, or none.
func lattice(t *rapid.T) []rbac.Role {
	var roles []rbac.Role
	depth := map[string]int{}
	for i := range rapid.IntRange(1, 12).Draw(t, "roles") {
		role := rbac.Role{
			Slug:     fmt.Sprintf("role-%d", i),
			Grants:   grantList.Draw(t, "grants"),
			Priority: rapid.IntRange(0, 3).Draw(t, "priority"),
		}
		if i > 0 {
			parent := roles[rapid.IntRange(0, i-1).Draw(t, "parent")].Slug
			if depth[parent] < rbac.MaxDepth && rapid.Bool().Draw(t, "extends") {
				role.Extends = parent
				depth[role.Slug] = depth[parent] + 1
			}
		}
		roles = append(roles, role)
	}
	return roles
}

func newRoles(t require.TestingT, roles ...rbac.Role) *rbac.Roles {
	all, err := rbac.NewRoles(0, roles...)
	require.NoError(t, err)
	return all
}

func grantsOf(t require.TestingT, roles *rbac.Roles, slugs ...string) rbac.Grants {
	g, err := roles.Grants(slugs...)
	require.NoError(t, err)
	return g
}
