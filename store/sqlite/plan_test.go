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
	c := store.Describe()
	lists := map[string]struct {
		table *store.Table
		where func() ([]store.Cond, bool)
		order tenancy.Order
		index string
	}{
		"members by id":      {&c.Memberships.Table, members1(tenancy.MembershipFilter{}), tenancy.ByID, "organization_id (organization_id=?"},
		"members by name":    {&c.Memberships.Table, members1(tenancy.MembershipFilter{}), tenancy.ByName, "organization_id_name_key (organization_id=?"},
		"members by address": {&c.Memberships.Table, members1(tenancy.MembershipFilter{}), tenancy.ByEmail, "organization_id_email_key (organization_id=?"},
		"active members": {
			&c.Memberships.Table, members1(tenancy.MembershipFilter{Status: tenancy.Of(tenancy.MembershipActive)}),
			tenancy.ByName, "organization_id_name_key (organization_id=?",
		},
		"members by name's beginning": {
			&c.Memberships.Table, members1(tenancy.MembershipFilter{NamePrefix: "a"}),
			tenancy.ByName, "organization_id_name_key (organization_id=?",
		},
		"a person's organizations": {
			&c.Memberships.Table, func() ([]store.Cond, bool) {
				return c.Memberships.Where(tenancy.MembershipFilter{UserID: tenancy.Of[tenancy.UserID](id(1)), Status: tenancy.Of(tenancy.MembershipActive, tenancy.MembershipPending)})
			}, tenancy.ByID, "user_id (user_id=?",
		},
		"organizations by name": {&c.Organizations.Table, func() ([]store.Cond, bool) { return nil, false }, tenancy.ByName, "name_key"},
		"users by name":         {&c.Users.Table, func() ([]store.Cond, bool) { return nil, false }, tenancy.ByName, "name_key"},
		"users by address": {
			&c.Users.Table, func() ([]store.Cond, bool) {
				return []store.Cond{{Column: c.Users.Index("email_key"), Op: store.NotNull}}, false
			},
			tenancy.ByEmail, "autoindex",
		},
		"secrets due": {&c.Secrets.Table, func() ([]store.Cond, bool) {
			return c.Secrets.Where(tenancy.SecretFilter{DueBefore: noon})
		}, tenancy.ByDue, "expires_at ("},
		"a user's roles": {&c.RoleAssignments.Table, func() ([]store.Cond, bool) {
			return c.RoleAssignments.Where(tenancy.RoleAssignmentFilter{UserID: tenancy.Of[tenancy.UserID](id(1))})
		}, tenancy.ByID, "user_id (user_id=?"},
	}
	check := func(t *testing.T) {
		for name, l := range lists {
			for _, desc := range []bool{false, true} {
				for _, after := range []*store.Place{nil, {}} {
					where, _ := l.where()
					p := plan(t, st, l.table, where, store.Range{Sort: l.table.Orders[l.order], Limit: 50, Desc: desc, After: after})
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

func members1(f tenancy.MembershipFilter) func() ([]store.Cond, bool) {
	f.OrganizationID = tenancy.Of[tenancy.OrganizationID](id(1))
	return func() ([]store.Cond, bool) { return store.Describe().Memberships.Where(f) }
}

// fill gives SQLite statistics that speak for the index by status: one organization
// of a thousand members, few to a status.
func fill(t *testing.T, st *sqlite.Store) {
	t.Helper()
	require.NoError(t, st.Update(t.Context(), func(tx tenancy.Tx) error {
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
