package sqlite_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
)

// plan is how SQLite runs a list.
func plan(t *testing.T, st *sqlite.Store, table *store.Table, where []store.Cond, span store.Range) string {
	t.Helper()
	text, args := sqlite.ListSQL(table, where, span)
	rows, err := st.DB().Query("EXPLAIN QUERY PLAN "+text, args...)
	require.NoError(t, err)
	return planOf(t, rows)
}

// planOf joins the lines of a plan.
func planOf(t *testing.T, rows *sql.Rows) string {
	t.Helper()
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
	acme, every := is("organization_id", id(1)), is("status", "active", "inactive", "pending")
	lists := map[string]lister{
		"members by id":               along("memberships", "id", "organization_id_status (organization_id=? AND status=?", acme, every),
		"members by name":             along("memberships", "name_key", "organization_id_status_name_key (organization_id=? AND status=?", acme, every),
		"members by address":          along("memberships", "email_key", "organization_id_status_email_key (organization_id=? AND status=?", acme, every),
		"active members":              along("memberships", "name_key", "organization_id_status_name_key (organization_id=? AND status=?", acme, is("status", "active")),
		"members by name's beginning": along("memberships", "name_key", "organization_id_status_name_key (organization_id=? AND status=?", acme, every, has("name_key", store.Prefix, "a")),
		"a person's organizations":    along("memberships", "id", "user_id_status (user_id=? AND status=?", is("user_id", id(1)), is("status", "active", "pending")),
		"users by name":               along("users", "name_key", "name_key"),
		"secrets due":                 along("secrets", "expires_at", "expires_at (", due("expires_at")),
		"a user's roles":              along("role_assignments", "id", "user_id (user_id=?", is("user_id", id(1))),
	}
	// As Users.List and Organizations.List ask.
	here, live := has("merged_into", store.IsNull), has("archived_at", store.IsNull)
	lists["users by name who were not merged"] = along("users", "name_key", "name_key", here)
	lists["users by a name's beginning"] = along("users", "name_key", "name_key (", here, has("name_key", store.Prefix, "a"))
	lists["organizations by name that are not archived"] = along("organizations", "name_key", "name_key_null_archived_at", live)
	lists["organizations that are archived, by name"] = along("organizations", "name_key", "name_key_set_archived_at", has("archived_at", store.NotNull))
	lists["organizations that are archived"] = along("organizations", "id", "set_archived_at", has("archived_at", store.NotNull))
	lists["organizations that are suspended"] = along("organizations", "id", "set_suspended_at", live, has("suspended_at", store.NotNull))
	lists["users who are suspended, by name"] = along("users", "name_key", "name_key_set_suspended_at", here, has("suspended_at", store.NotNull))
	notMerged := along("users", "email_key", "", has("email_key", store.NotNull), here)
	notMerged.index = "autoindex"
	lists["users by address who were not merged"] = notMerged
	byAddress := along("users", "email_key", "", has("email_key", store.NotNull))
	byAddress.index = "autoindex"
	lists["users by address"] = byAddress
	check := func(t *testing.T) {
		for name, l := range lists {
			for _, desc := range []bool{false, true} {
				for _, after := range []*store.Place{nil, {}} {
					p := plan(t, st, l.table, l.where, store.Range{Sort: l.sort, Limit: 50, Desc: desc, After: after})
					require.Contains(t, p, l.index, name)
					sortsNothing(t, p, name)
				}
			}
		}
	}
	check(t)
	fill(t, st)
	check(t)
}

// sortsNothing fails for a plan that sorts what it finds. One that merges several ranges sorts
// the beginning of each, as long as a page.
func sortsNothing(t *testing.T, plan, name string) {
	t.Helper()
	if !strings.HasPrefix(plan, "MERGE (UNION ALL)") && !strings.HasPrefix(plan, "COMPOUND QUERY") {
		require.NotContains(t, plan, "TEMP B-TREE", name)
	}
	require.NotRegexp(t, `SCAN tenancy_\w+(;|$)`, plan, name)
}

// fill gives SQLite statistics that speak for the index by status: one organization
// of a thousand members, few to a status.
func fill(t *testing.T, st *sqlite.Store) {
	t.Helper()
	require.NoError(t, st.Update(t.Context(), func(tx store.Rows) error {
		require.NoError(t, tx.Insert(t.Context(), organizationTable, organization(1)))
		for n := range 1000 {
			require.NoError(t, tx.Insert(t.Context(), userTable, user(n)))
			m := rowtest.With(membershipTable, membership(n, 1, n), map[string]any{"status": fmt.Sprint(n / 10)})
			require.NoError(t, tx.Insert(t.Context(), membershipTable, m))
		}
		return nil
	}))
	_, err := st.DB().Exec(`ANALYZE`)
	require.NoError(t, err)
}
