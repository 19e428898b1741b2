package rbac_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/rbac"
)

func TestParseGrant(t *testing.T) { // R1
	for _, good := range []string{
		"*", "documents:read", "documents:*", "documents.*", "a:b.*", ":*", "a:", "tenancy:*", "tenancy:members:*",
		strings.Repeat("a", 62) + ":*",
	} {
		g, err := rbac.ParseGrant(good)
		require.NoError(t, err, good)
		require.Equal(t, good, string(g))
		require.Equal(t, strings.HasSuffix(good, "*"), g.IsWildcard())
	}
	for _, bad := range []string{
		"", "**", "doc*", "documents-*", "documents_*", "a:**", "*:read", "a:*:b", "a *", "é:*", "a:*\n",
		strings.Repeat("a", 63) + ":*",
	} {
		g, err := rbac.ParseGrant(bad)
		require.ErrorIs(t, err, rbac.ErrInvalidGrant, bad)
		require.Empty(t, g)
	}
}

func TestGrantCovers(t *testing.T) { // R1
	for _, c := range []struct {
		grant      rbac.Grant
		permission rbac.Permission
		want       bool
	}{
		{"documents:read", "documents:read", true},
		{"documents:read", "Documents:read", false},
		{"documents:read", "documents:read:all", false},
		{"documents:*", "documents:read", true},
		{"documents:*", "documents:pages:read", true},
		{"documents:*", "documents", false},
		{"documents:*", "documentsx:read", false},
		{"documents.*", "documents:read", false},
		{"*", "documents:read", true},
		{"*", "tenancy", true},
		{"*", "tenancy.x", true},
		{"*", "tenancy:members:read", false},
		{"tenancy:*", "tenancy:members:read", true},
		{"tenancy:*", "documents:read", false},
		{"tenancy:members:*", "tenancy:members:write", true},
		{"tenancy:members:*", "tenancy:roles:write", false},
	} {
		require.Equal(t, c.want, c.grant.Covers(c.permission), "%s and %s", c.grant, c.permission)
	}
}

func TestGrantCoversWildcard(t *testing.T) { // R6
	for _, c := range []struct {
		above, below rbac.Grant
		want         bool
	}{
		{"*", "*", true},
		{"*", "documents:*", true},
		{"*", "documents:read", true},
		{"*", "tenancy:*", false},
		{"*", "tenancy:members:*", false},
		{"*", "tenancy:members:read", false},
		{"tenancy:*", "*", false},
		{"tenancy:*", "tenancy:members:*", true},
		{"documents:*", "*", false},
		{"documents:*", "documents:*", true},
		{"documents:*", "documents:pages:*", true},
		{"documents:*", "documents.*", false},
		{"documents:pages:*", "documents:*", false},
		{"documents:read", "documents:*", false},
		{"documents:read", "documents:read", true},
	} {
		require.Equal(t, c.want, c.above.Covers(c.below), "%s and %s", c.above, c.below)
	}
}

func TestCoversIsPartialOrder(t *testing.T) { // R6
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := grant.Draw(t, "a"), grant.Draw(t, "b"), grant.Draw(t, "c")
		require.True(t, a.Covers(a))
		if a.Covers(b) && b.Covers(a) {
			require.Equal(t, a, b)
		}
		if a.Covers(b) && b.Covers(c) {
			require.True(t, a.Covers(c))
		}
		p := permission.Draw(t, "p")
		if a.Covers(b) && b.Covers(p) {
			require.True(t, a.Covers(p), "who covers a grant has what it gives")
		}
	})
}

var grantGrammar = regexp.MustCompile(`\A([A-Za-z0-9_:.-]{1,64}|[A-Za-z0-9_:.-]{0,62}[:.]\*|\*)\z`)

func FuzzParseGrant(f *testing.F) { // R1
	f.Fuzz(func(t *testing.T, s string) {
		g, err := rbac.ParseGrant(s)
		require.Equal(t, grantGrammar.MatchString(s), err == nil)
		if err != nil {
			require.ErrorIs(t, err, rbac.ErrInvalidGrant)
			require.Empty(t, g)
			return
		}
		require.Equal(t, s, string(g))
		require.True(t, g.Covers(g))
		_, notPermission := rbac.ParsePermission(s)
		require.Equal(t, g.IsWildcard(), notPermission != nil, "all but wildcards are permissions")
	})
}
