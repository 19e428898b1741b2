package rbac_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/rbac"
)

func TestRegistry(t *testing.T) { // R1
	registry, err := rbac.NewRegistry("documents:read", "documents:read", "documents:write")
	require.NoError(t, err)
	management := rbac.Management()
	require.Equal(t, len(management)+2, registry.Len())
	require.Equal(t, append(management, "documents:read", "documents:write"), registry.Permissions())
	for i, p := range registry.Permissions() {
		index, ok := registry.Index(p)
		require.True(t, ok)
		require.Equal(t, i, index)
		require.NoError(t, registry.Check(p))
	}

	for _, bad := range []rbac.Permission{"", "documents:*", "*", "a b"} {
		_, err := rbac.NewRegistry("fine", bad)
		require.ErrorIs(t, err, rbac.ErrInvalidPermission)
		require.ErrorIs(t, registry.Check(bad), rbac.ErrInvalidPermission)
	}
	for _, reserved := range []rbac.Permission{"tenancy:mine", "tenancy:", rbac.ReadMembers} {
		_, err := rbac.NewRegistry(reserved)
		require.ErrorIs(t, err, rbac.ErrReservedPermission)
	}
}

func TestRegistryWith(t *testing.T) { // R1
	first, err := rbac.NewRegistry("a")
	require.NoError(t, err)
	same, err := first.With("a")
	require.NoError(t, err)
	require.Same(t, first, same)

	second, err := first.With("b", "a", "c")
	require.NoError(t, err)
	require.Equal(t, append(first.Permissions(), "b", "c"), second.Permissions(), "indexes stay")
	require.ErrorIs(t, first.Check("b"), rbac.ErrUnknownPermission, "a registry never changes")

	first.Permissions()[0] = "changed"
	require.Equal(t, second.Permissions()[0], first.Permissions()[0])
}

func TestCheckGrant(t *testing.T) { // R1
	registry, err := rbac.NewRegistry("documents:read")
	require.NoError(t, err)
	for _, fine := range []rbac.Grant{"documents:read", "*", "later:*", "tenancy:*", "tenancy:members:read"} {
		require.NoError(t, registry.CheckGrant(fine), fine)
	}
	require.ErrorIs(t, registry.CheckGrant("documents:write"), rbac.ErrUnknownPermission)
	require.ErrorIs(t, registry.CheckGrant("tenancy:members:own"), rbac.ErrUnknownPermission)
	require.ErrorIs(t, registry.CheckGrant("doc*"), rbac.ErrInvalidGrant)
}

func TestSet(t *testing.T) { // R1
	registry, err := rbac.NewRegistry("documents:read", "documents:write", "billing:read")
	require.NoError(t, err)
	grants := newGrants(t, "documents:*", "tenancy:members:read")
	set := compile(t, registry, grants)
	for p, want := range map[rbac.Permission]bool{
		"documents:read": true, "documents:write": true, "billing:read": false,
		rbac.ReadMembers: true, rbac.WriteMembers: false,
	} {
		got, err := set.Can(p)
		require.NoError(t, err)
		require.Equal(t, want, got, p)
	}
	require.Equal(t, []rbac.Permission{rbac.ReadMembers, "documents:read", "documents:write"}, set.Permissions())
	require.True(t, set.Grants().Equal(grants))
	require.False(t, set.Has(-1))
	require.False(t, set.Has(math.MaxInt))

	_, err = set.Can("documents:delete")
	require.ErrorIs(t, err, rbac.ErrUnknownPermission, "also where a wildcard covers it")
	_, err = set.Can("documents:*")
	require.ErrorIs(t, err, rbac.ErrInvalidPermission, "a check is not a wildcard")
	_, err = rbac.Compile(registry, newGrants(t, "documents:delete"))
	require.ErrorIs(t, err, rbac.ErrUnknownPermission)
}

// A set answers for its registry; compiled again it covers what came later.
func TestDeclaredLater(t *testing.T) { // R1
	before, err := rbac.NewRegistry("documents:read")
	require.NoError(t, err)
	after, err := before.With("documents:write")
	require.NoError(t, err)
	grants := newGrants(t, "documents:*")
	old := compile(t, before, grants)
	_, err = old.Can("documents:write")
	require.ErrorIs(t, err, rbac.ErrUnknownPermission)
	index, _ := after.Index("documents:write")
	require.False(t, old.Has(index))
	require.True(t, compile(t, after, grants).Has(index))
}

func TestNilSetAndRegistry(t *testing.T) {
	var set *rbac.Set
	_, err := set.Can("a")
	require.ErrorIs(t, err, rbac.ErrUnknownPermission)
	require.False(t, set.Has(0))
	require.Empty(t, set.Permissions())
	require.Empty(t, set.Grants().All())

	var registry *rbac.Registry
	require.Zero(t, registry.Len())
	require.Empty(t, registry.Permissions())
	require.ErrorIs(t, registry.Check("a"), rbac.ErrUnknownPermission)
	require.Empty(t, compile(t, registry, newGrants(t, "*")).Permissions())
	one, err := registry.With("a")
	require.NoError(t, err)
	require.Equal(t, []rbac.Permission{"a"}, one.Permissions())
	require.Empty(t, new(rbac.Set).Permissions())
}

// A compiled set says what the grants say, one by one.
func TestCompile(t *testing.T) { // R1
	rapid.Check(t, func(t *rapid.T) {
		list := declarable(grantList.Draw(t, "grants"))
		registry := registryFor(t, list)
		set := compile(t, registry, newGrants(t, list...))
		for i, p := range registry.Permissions() {
			want := false
			for _, g := range list {
				want = want || g.Covers(p)
			}
			got, err := set.Can(p)
			require.NoError(t, err)
			require.Equal(t, want, got, p)
			require.Equal(t, want, set.Has(i))
		}
	})
}

// Who covers another's grants has all of the other's permissions, whatever is
// declared; and a union has what either has.
func TestCeilingHoldsInEveryRegistry(t *testing.T) { // R4, R6
	rapid.Check(t, func(t *rapid.T) {
		listA, listB := declarable(grantList.Draw(t, "a")), declarable(grantList.Draw(t, "b"))
		registry := registryFor(t, listA, listB)
		a, b := newGrants(t, listA...), newGrants(t, listB...)
		setA, setB, union := compile(t, registry, a), compile(t, registry, b), compile(t, registry, a.Union(b))
		for i := range registry.Len() {
			require.Equal(t, setA.Has(i) || setB.Has(i), union.Has(i))
		}
		if a.Covers(b) {
			require.Subset(t, setA.Permissions(), setB.Permissions())
		}
	})
}

func TestCheckDoesNotAllocate(t *testing.T) {
	set, index := benchSet(t)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if ok, err := set.Can("documents:150"); !ok || err != nil || !set.Has(index) {
			t.Fail()
		}
	}))
}

func benchSet(tb testing.TB) (*rbac.Set, int) {
	var host []rbac.Permission
	for i := range 200 {
		host = append(host, rbac.Permission(fmt.Sprint("documents:", i)))
	}
	registry, err := rbac.NewRegistry(host...)
	require.NoError(tb, err)
	index, _ := registry.Index("documents:150")
	return compile(tb, registry, newGrants(tb, "documents:*", "tenancy:members:read")), index
}

func BenchmarkCan(b *testing.B) {
	set, _ := benchSet(b)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := set.Can("documents:150"); !ok || err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHas(b *testing.B) {
	set, index := benchSet(b)
	b.ReportAllocs()
	for b.Loop() {
		if !set.Has(index) {
			b.Fatal("not held")
		}
	}
}

// What a first check of a membership adds to reading its rows.
func BenchmarkCompile(b *testing.B) {
	registry, err := rbac.NewRegistry("documents:read", "documents:write", "documents:share", "billing:read")
	require.NoError(b, err)
	application := newRoles(b, rbac.Builtin()...)
	own := rbac.Role{Slug: "org-editor", Extends: rbac.Member, Grants: []rbac.Grant{"documents:*", "billing:read"}}
	b.ReportAllocs()
	for b.Loop() {
		roles, _ := application.With(own)
		grants, _ := roles.Grants("org-editor", rbac.Member)
		if _, err := rbac.Compile(registry, grants); err != nil {
			b.Fatal(err)
		}
	}
}
