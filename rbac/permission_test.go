package rbac_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/rbac"
)

func TestParsePermission(t *testing.T) { // R1
	for _, good := range []string{
		"a", "documents:read", "read:documents", "Documents.Read", "a_b-c", "0", ":", "a:", "..",
		"tenancy:members:read", strings.Repeat("a", 64),
	} {
		p, err := rbac.ParsePermission(good)
		require.NoError(t, err, good)
		require.Equal(t, good, string(p), "exact, as it was given")
	}
	for _, bad := range []string{
		"", "*", "a:*", "a*", "a b", "a/b", "é", "a\x00", "a\n", "a\xff", "\u212A", "a+b", strings.Repeat("a", 65),
	} {
		p, err := rbac.ParsePermission(bad)
		require.ErrorIs(t, err, rbac.ErrInvalidPermission, bad)
		require.Empty(t, p)
	}
}

func TestManagement(t *testing.T) { // R1, R3
	seen := map[rbac.Permission]bool{}
	for _, p := range rbac.Management() {
		_, err := rbac.ParsePermission(string(p))
		require.NoError(t, err)
		require.True(t, p.IsManagement(), p)
		require.False(t, seen[p], p)
		require.Equal(t, !strings.HasSuffix(string(p), ":read"), p.Writes(), p)
		seen[p] = true
	}
	require.False(t, rbac.Permission("tenancy").IsManagement())
	require.False(t, rbac.Permission("tenancy.members:read").IsManagement())
	require.False(t, rbac.Permission("Tenancy:members:read").IsManagement())
	require.False(t, rbac.Permission("documents:write").Writes(), "the host's own")
	require.True(t, rbac.Permission("tenancy:later:thing").Writes(), "unknown counts as writing")
}

func TestErrorText(t *testing.T) { // G7
	_, err := rbac.ParsePermission("a\nb")
	require.EqualError(t, err, `invalid_permission "a\nb"`)
	require.EqualError(t, rbac.ErrCycle, "role_cycle")
	require.NotErrorIs(t, err, rbac.ErrCycle)
}

var permissionGrammar = regexp.MustCompile(`\A[A-Za-z0-9_:.-]{1,64}\z`)

func FuzzParsePermission(f *testing.F) { // R1
	f.Fuzz(func(t *testing.T, s string) {
		p, err := rbac.ParsePermission(s)
		require.Equal(t, permissionGrammar.MatchString(s), err == nil)
		if err == nil {
			require.Equal(t, s, string(p))
			return
		}
		require.ErrorIs(t, err, rbac.ErrInvalidPermission)
		require.Empty(t, p)
	})
}
