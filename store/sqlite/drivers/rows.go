package drivers

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

var (
	organizationTable = rowtest.Table(tenancy.Tables(), "tenancy_organizations")
	userTable         = rowtest.Table(tenancy.Tables(), "tenancy_users")
	membershipTable   = rowtest.Table(tenancy.Tables(), "tenancy_memberships")
	noon              = time.Date(2026, 3, 4, 12, 0, 0, 1000, time.UTC).UnixMicro()
)

func id(n int) (raw [16]byte) {
	binary.BigEndian.PutUint64(raw[8:], uint64(n))
	return raw
}

func organization(n int) store.Row {
	name := fmt.Sprintf("organization-%d", n)
	return rowtest.Row(organizationTable, map[string]any{
		"id": id(n), "display_name": name, "name_key": name, "slug": name,
		"allowed_domains": "[]", "blocked_domains": "[]", "created_at": noon, "updated_at": noon,
	})
}

func user(n int) store.Row {
	email := fmt.Sprintf("user%07d@example.com", n)
	return rowtest.Row(userTable, map[string]any{
		"id": id(n), "email": email, "email_key": email, "name_key": email, "created_at": noon, "updated_at": noon,
	})
}

func membership(n, organization, user int) store.Row {
	return rowtest.Row(membershipTable, map[string]any{
		"id": id(n), "organization_id": id(organization), "user_id": id(user), "status": "active", "joined_via": "added",
		"joined_at": noon, "created_at": noon, "updated_at": noon, "name_key": "a", "email_key": "a",
	})
}

// insertUsers returns a function for Update that inserts the users with these numbers.
func insertUsers(t *testing.T, numbers ...int) func(store.Rows) error {
	return func(tx store.Rows) error {
		for _, n := range numbers {
			if err := tx.Insert(t.Context(), userTable, user(n)); err != nil {
				return err
			}
		}
		return nil
	}
}

func putUsers(t *testing.T, st store.Store, numbers ...int) {
	t.Helper()
	require.NoError(t, st.Update(t.Context(), insertUsers(t, numbers...)))
}

// hasUser reports whether the store holds the user with this number.
func hasUser(t *testing.T, st store.Store, n int) bool {
	t.Helper()
	var err error
	require.NoError(t, st.View(t.Context(), func(tx store.Rows) error {
		_, err = rowtest.Get(t.Context(), tx, userTable, id(n))
		return nil
	}))
	if err != nil {
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	return err == nil
}

// query runs a query with one column of text, as a host writes them.
func query(ctx context.Context, tx store.Rows, text string) (all []string, err error) {
	q := &store.Query{Name: "of the host", SQL: text, Columns: []store.Column{{Name: "text", Type: store.Text, Null: true}}}
	_, err = store.RunQuery(ctx, tx, q, nil, func(row store.Row) error {
		all = append(all, row[0].Text)
		return nil
	})
	return all, err
}

func execute(t *testing.T, db *sql.DB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		_, err := db.Exec(text)
		require.NoError(t, err, text)
	}
}

func begin(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}
