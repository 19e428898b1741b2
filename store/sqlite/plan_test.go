package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// plan is how SQLite runs a list.
func plan(t *testing.T, st *sqlite.Store, table *store.Table, where []store.Cond, span store.Range) string {
	t.Helper()
	text, args := sqlite.ListSQL(table, where, span)
	rows, err := st.DB().Query("EXPLAIN QUERY PLAN "+text, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		lines = append(lines, detail)
	}
	require.NoError(t, rows.Err())
	return strings.Join(lines, "; ")
}

// TestPlans: the lists that the program lives by are read along an index, in order,
// on empty tables without statistics and on full ones with misleading ones.
func TestPlans(t *testing.T) {
	st := open(t)
	c := tenancy.Describe()
	lists := map[string]lister{
		"members by id":      members1(tenancy.MembershipFilter{}, tenancy.ByID, "organization_id (organization_id=?"),
		"members by name":    members1(tenancy.MembershipFilter{}, tenancy.ByName, "organization_id_name_key (organization_id=?"),
		"members by address": members1(tenancy.MembershipFilter{}, tenancy.ByEmail, "organization_id_email_key (organization_id=?"),
		"active members": members1(tenancy.MembershipFilter{Status: tenancy.Of(tenancy.MembershipActive)},
			tenancy.ByName, "organization_id_name_key (organization_id=?"),
		"members by name's beginning": members1(tenancy.MembershipFilter{NamePrefix: "a"},
			tenancy.ByName, "organization_id_name_key (organization_id=?"),
		"a person's organizations": along(c.Memberships, tenancy.MembershipFilter{
			UserID: tenancy.Of[tenancy.UserID](id(1)), Status: tenancy.Of(tenancy.MembershipActive, tenancy.MembershipPending),
		}, tenancy.ByID, "user_id (user_id=?"),
		"organizations by name": along(c.Organizations, tenancy.OrganizationFilter{}, tenancy.ByName, "name_key"),
		"users by name":         along(c.Users, tenancy.UserFilter{}, tenancy.ByName, "name_key"),
		"secrets due":           along(c.Secrets, tenancy.SecretFilter{DueBefore: noon}, tenancy.ByDue, "expires_at ("),
		"a user's roles": along(c.RoleAssignments, tenancy.RoleAssignmentFilter{UserID: tenancy.Of[tenancy.UserID](id(1))},
			tenancy.ByID, "user_id (user_id=?"),
	}
	byAddress := along(c.Users, tenancy.UserFilter{}, tenancy.ByEmail, "")
	byAddress.where, byAddress.index = []store.Cond{{Column: c.Users.Table.Index("email_key"), Op: store.NotNull}}, "autoindex"
	lists["users by address"] = byAddress
	check := func(t *testing.T) {
		for name, l := range lists {
			for _, desc := range []bool{false, true} {
				for _, after := range []*store.Place{nil, {}} {
					p := plan(t, st, l.table, l.where, store.Range{Sort: l.sort, Limit: 50, Desc: desc, After: after})
					require.Contains(t, p, l.index, name)
					require.NotContains(t, p, "TEMP B-TREE", name)
				}
			}
		}
	}
	check(t)
	fill(t, st)
	check(t)
}

func members1(f tenancy.MembershipFilter, order tenancy.Order, index string) lister {
	f.OrganizationID = tenancy.Of[tenancy.OrganizationID](id(1))
	return along(tenancy.Describe().Memberships, f, order, index)
}

// fill gives SQLite statistics that speak for the index by status: one organization
// of a thousand members, few to a status.
func fill(t *testing.T, st *sqlite.Store) {
	t.Helper()
	require.NoError(t, tenancy.Typed(st).Update(t.Context(), func(tx tenancy.Tx) error {
		require.NoError(t, tx.Organizations().Insert(t.Context(), organization(1)))
		for n := range 1000 {
			require.NoError(t, tx.Users().Insert(t.Context(), user(n)))
			m := membership(n, 1, n)
			m.Status = tenancy.MembershipStatus(fmt.Sprint(n / 10))
			require.NoError(t, tx.Memberships().Insert(t.Context(), m))
		}
		return nil
	}))
	_, err := st.DB().Exec(`ANALYZE`)
	require.NoError(t, err)
}
