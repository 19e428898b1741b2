package rbac_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/rbac"
)

func TestNewGrants(t *testing.T) {
	list := []rbac.Grant{"documents:write", "documents:*", "*", "tenancy:members:read", "*", "billing:read"}
	g := newGrants(t, list...)
	require.Equal(t, []rbac.Grant{"*", "tenancy:members:read"}, g.All())
	require.Equal(t, rbac.Grant("documents:write"), list[0], "the caller's slice is left alone")

	g.All()[0] = "changed"
	require.Equal(t, rbac.Grant("*"), g.All()[0])

	_, err := rbac.NewGrants("fine", "doc*")
	require.ErrorIs(t, err, rbac.ErrInvalidGrant)
}

func TestCeiling(t *testing.T) { // R6
	reads := newGrants(t, "documents:read", "documents:write")
	wildcard := newGrants(t, "documents:*")
	require.True(t, wildcard.Covers(reads))
	require.False(t, reads.Covers(wildcard), "holding all that is declared is not the wildcard")
	require.True(t, reads.Covers(rbac.Grants{}))
	require.False(t, rbac.Grants{}.Covers(reads))

	everything := newGrants(t, "*")
	require.True(t, everything.Covers(wildcard))
	require.False(t, everything.Covers(newGrants(t, "tenancy:members:read")))
}

// The ceiling over the built-in roles, exhaustively.
func TestCeilingOfBuiltins(t *testing.T) { // R3, R6
	roles := newRoles(t, rbac.Builtin()...)
	covered := map[string][]string{
		rbac.Owner:  {rbac.Owner, rbac.Admin, rbac.Member, rbac.Guest},
		rbac.Admin:  {rbac.Admin, rbac.Member, rbac.Guest},
		rbac.Member: {rbac.Member, rbac.Guest},
		rbac.Guest:  {rbac.Member, rbac.Guest}, // equal until the host grants them something
	}
	for actor, want := range covered {
		var got []string
		for _, target := range []string{rbac.Owner, rbac.Admin, rbac.Member, rbac.Guest} {
			if grantsOf(t, roles, actor).Covers(grantsOf(t, roles, target)) {
				got = append(got, target)
			}
		}
		require.Equal(t, want, got, actor)
	}
}

// coversAsWritten is R6 read literally.
func coversAsWritten(above, below []rbac.Grant) bool {
	for _, b := range below {
		found := false
		for _, a := range above {
			found = found || a.Covers(b)
		}
		if !found {
			return false
		}
	}
	return true
}

func TestCeilingIsPartialOrder(t *testing.T) { // R6
	rapid.Check(t, func(t *rapid.T) {
		listA, listB := grantList.Draw(t, "a"), grantList.Draw(t, "b")
		a, b, c := newGrants(t, listA...), newGrants(t, listB...), newGrants(t, grantList.Draw(t, "c")...)
		require.Equal(t, coversAsWritten(listA, listB), a.Covers(b), "canonical form loses nothing")
		require.True(t, a.Covers(a))
		require.Equal(t, a.Equal(b), a.Covers(b) && b.Covers(a), "antisymmetric")
		if a.Covers(b) && b.Covers(c) {
			require.True(t, a.Covers(c))
		}
	})
}

func TestUnion(t *testing.T) { // R4
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := newGrants(t, grantList.Draw(t, "a")...), newGrants(t, grantList.Draw(t, "b")...), newGrants(t, grantList.Draw(t, "c")...)
		union := a.Union(b)
		require.True(t, union.Covers(a))
		require.True(t, union.Covers(b))
		if c.Covers(a) && c.Covers(b) {
			require.True(t, c.Covers(union), "the least that covers both")
		}
		if a.Covers(b) {
			require.True(t, a.Union(c).Covers(b.Union(c)), "monotone")
		}
		require.True(t, union.Equal(b.Union(a)))
		require.True(t, union.Union(c).Equal(a.Union(b.Union(c))))
		require.True(t, a.Union(a).Equal(a))
	})
}

func TestCheckAutomatic(t *testing.T) { // R3
	for _, fine := range [][]rbac.Grant{nil, {"documents:*"}, {"documents:write", "tenancy:members:read"}, {"tenancy.x:write"}} {
		require.NoError(t, newGrants(t, fine...).CheckAutomatic())
	}
	for _, gated := range []rbac.Grant{
		"*", "tenancy:*", "tenancy:members:*", "tenancy:events:*", "tenancy:members:write", "tenancy:ownership:transfer",
		"tenancy:organization:update", "tenancy:organization:delete",
	} {
		err := newGrants(t, "documents:read", gated).CheckAutomatic()
		require.ErrorIs(t, err, rbac.ErrNotAutomatic, gated)
		require.ErrorContains(t, err, string(gated))
	}
	for _, role := range rbac.Builtin() {
		err := newGrants(t, role.Grants...).CheckAutomatic()
		require.Equal(t, role.Slug == rbac.Member || role.Slug == rbac.Guest, err == nil, role.Slug)
	}
}
