package sqlite_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/internal/rowtest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/sqlite"
	"github.com/freehold-dev/freehold/tenancy"
)

// members is how many memberships the benchmarks read from.
const members = 20_000

// crowd is a Store with one organization of many members, and a raw handle set up
// like ours on the same file.
func crowd(b *testing.B) (*sqlite.Store, *sql.DB) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "bench.db")
	st := openAt(b, path)
	put(b, st, func(ctx context.Context, tx store.Rows) error {
		if err := tx.Insert(ctx, organizationTable, organization(1)); err != nil {
			return err
		}
		for n := 1; n <= members; n++ {
			if err := tx.Insert(ctx, userTable, user(n)); err != nil {
				return err
			}
			if err := tx.Insert(ctx, membershipTable, membership(n, 1, n)); err != nil {
				return err
			}
		}
		return nil
	})
	raw := handle(b, path, "_pragma=synchronous(NORMAL)", "_txlock=immediate")
	raw.SetMaxOpenConns(1)
	return st, raw
}

func prepare(b *testing.B, db *sql.DB, text string) *sql.Stmt {
	b.Helper()
	stmt, err := db.Prepare(text)
	require.NoError(b, err)
	b.Cleanup(func() { _ = stmt.Close() })
	return stmt
}

func columns(t *store.Table) string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// drain scans every row of a raw query.
func drain(b *testing.B, stmt *sql.Stmt, args ...any) int {
	rows, err := stmt.Query(args...)
	require.NoError(b, err)
	names, err := rows.Columns()
	require.NoError(b, err)
	cells, dest := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		dest[i] = &cells[i]
	}
	n := 0
	for ; rows.Next(); n++ {
		require.NoError(b, rows.Scan(dest...))
	}
	require.NoError(b, rows.Close())
	return n
}

func BenchmarkGet(b *testing.B) {
	st, raw := crowd(b)
	text := prepare(b, raw, "SELECT "+columns(membershipTable)+" FROM tenancy_memberships WHERE id = ?")
	b.Run("raw", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			require.Equal(b, 1, drain(b, text, tenancy.MembershipID(id(1+rand.IntN(members))).String()))
		}
	})
	view := func(b *testing.B, ctx context.Context) {
		b.ReportAllocs()
		for b.Loop() {
			id := id(1 + rand.IntN(members))
			err := st.View(ctx, func(tx store.Rows) error {
				_, err := rowtest.Get(ctx, tx, membershipTable, id)
				return err
			})
			require.NoError(b, err)
		}
	}
	b.Run("view", func(b *testing.B) { view(b, context.Background()) })
	b.Run("view-cancellable", func(b *testing.B) {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		view(b, ctx)
	})
}

func BenchmarkPage(b *testing.B) {
	st, raw := crowd(b)
	text := prepare(b, raw, "SELECT "+columns(membershipTable)+
		" FROM tenancy_memberships WHERE organization_id = ? AND status = 'active' AND (name_key, id) > (?, ?) ORDER BY name_key, id LIMIT 50")
	org := tenancy.OrganizationID(id(1))
	b.Run("raw", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			after := tenancy.MembershipID(id(1 + rand.IntN(members-100)))
			require.Equal(b, 50, drain(b, text, org.String(), email(int(after[15])), after.String()))
		}
	})
	view := func(b *testing.B, ctx context.Context) {
		b.ReportAllocs()
		for b.Loop() {
			after := id(1 + rand.IntN(members-100))
			active := []store.Cond{rowtest.OneOf(membershipTable, "organization_id", id(1)), rowtest.OneOf(membershipTable, "status", "active")}
			span := store.Range{Limit: 50, Sort: membershipTable.Index("name_key"), After: &store.Place{Sort: store.Value{Text: email(int(after[15]))}, ID: after}}
			err := st.View(ctx, func(tx store.Rows) error {
				list, err := rowtest.List(ctx, tx, membershipTable, active, span)
				require.Len(b, list, 50)
				return err
			})
			require.NoError(b, err)
		}
	}
	b.Run("view", func(b *testing.B) { view(b, context.Background()) })
	b.Run("view-cancellable", func(b *testing.B) {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		view(b, ctx)
	})
}

func BenchmarkUpdate(b *testing.B) {
	st, raw := crowd(b)
	b.Run("raw", func(b *testing.B) {
		update := prepare(b, raw, `UPDATE tenancy_users SET version = ?, email = ?, email_key = ?, email_verified_at = ?, pending_email = ?,
			given_name = ?, family_name = ?, display_name = ?, name_key = ?, picture = ?, phone = ?, locale = ?, attributes = ?, metadata = ?,
			external_id = ?, suspended_at = ?, merged_into = ?, created_at = ?, updated_at = ? WHERE id = ? AND version = ?`)
		log := prepare(b, raw, `INSERT INTO tenancy_events (id, type, organization_id, user_id, subject, actor, time, data, previous, redacted)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
		version, usr := 1, tenancy.UserID(id(1))
		b.ReportAllocs()
		for b.Loop() {
			tx, err := raw.Begin()
			require.NoError(b, err)
			_, err = tx.Stmt(update).Exec(version+1, email(1), email(1), nil, nil, nil, nil, nil, email(1), nil, nil, nil, nil, nil,
				nil, nil, nil, 1, 1, usr.String(), version)
			require.NoError(b, err)
			_, err = tx.Stmt(log).Exec(tenancy.EventID(id(1)).String(), "user.created", tenancy.OrganizationID(id(1)).String(), usr.String(), "usr_x", "host", 1, "{}", nil, 0)
			require.NoError(b, err)
			require.NoError(b, tx.Commit())
			version++
		}
	})
	b.Run("update", func(b *testing.B) {
		u, e := user(2), event(1)
		require.NoError(b, st.View(context.Background(), func(tx store.Rows) (err error) {
			u, err = rowtest.Get(context.Background(), tx, userTable, id(2))
			return err
		}))
		b.ReportAllocs()
		for b.Loop() {
			u = next(u)
			err := st.Update(context.Background(), func(tx store.Rows) error {
				if err := tx.Update(context.Background(), userTable, u); err != nil {
					return err
				}
				return tx.Append(context.Background(), eventLog, e, nil)
			})
			require.NoError(b, err)
		}
	})
}
