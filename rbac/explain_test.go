package rbac_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freehold-dev/freehold/rbac"
)

func TestExplain(t *testing.T) { // R7
	roles := newRoles(t,
		rbac.Role{Slug: "member", Priority: 3, Grants: []rbac.Grant{"documents:*", "documents:pages:*", "*"}},
		rbac.Role{Slug: "author", Priority: 2, Extends: "member"},
		rbac.Role{Slug: "editor", Priority: 1, Extends: "author", Grants: []rbac.Grant{"*", "documents:write", "documents:", "documents:*"}},
	)
	for _, c := range []struct {
		permission rbac.Permission
		slugs      []string
		want       rbac.Explanation
		text       string
	}{
		{"documents:write", []string{"editor"}, rbac.Explanation{Role: "editor", Grant: "documents:write"}, "editor grants documents:write"},
		{"documents:", []string{"editor"}, rbac.Explanation{Role: "editor", Grant: "documents:"}, "editor grants documents:"},
		{"documents:read", []string{"member", "editor"}, rbac.Explanation{Role: "editor", Grant: "documents:*"}, "editor grants documents:*"},
		{
			"documents:pages:read",
			[]string{"author"},
			rbac.Explanation{Role: "author", Parents: []string{"member"}, Grant: "documents:pages:*"},
			"author, which extends member, grants documents:pages:*",
		},
		{"tenancy:members:read", []string{"editor", "member"}, rbac.Explanation{}, ""},
		{"documents:read", nil, rbac.Explanation{}, ""},
	} {
		got, err := roles.Explain(c.permission, c.slugs...)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
		require.Equal(t, c.text, got.String())
	}
	_, err := roles.Explain("documents:read", "editor", "gone")
	require.ErrorIs(t, err, rbac.ErrUnknownRole)
}

// There is an explanation exactly where a check says yes, and it is true.
func TestExplainAgreesWithGrants(t *testing.T) { // R7
	rapid.Check(t, func(t *rapid.T) {
		list := lattice(t)
		roles := newRoles(t, list...)
		var slugs []string
		for _, role := range rapid.SliceOfN(rapid.SampledFrom(list), 0, 4).Draw(t, "held") {
			slugs = append(slugs, role.Slug)
		}
		p := permission.Draw(t, "permission")
		e, err := roles.Explain(p, slugs...)
		require.NoError(t, err)
		held := grantsOf(t, roles, slugs...).Covers(newGrants(t, p))
		require.Equal(t, held, e.Role != "")
		if !held {
			require.Zero(t, e)
			return
		}
		require.Contains(t, slugs, e.Role)
		holder, _ := roles.Get(e.Role)
		for _, parent := range e.Parents {
			require.Equal(t, parent, holder.Extends)
			holder, _ = roles.Get(parent)
		}
		require.Contains(t, holder.Grants, e.Grant)
		require.True(t, e.Grant.Covers(p))
	})
}
