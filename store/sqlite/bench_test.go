package sqlite_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
	put(b, st, func(ctx context.Context, tx tenancy.Tx) error {
		if err := tx.Organizations().Insert(ctx, organization(1)); err != nil {
			return err
		}
		for n := 1; n <= members; n++ {
			if err := tx.Users().Insert(ctx, user(n)); err != nil {
				return err
			}
			if err := tx.Memberships().Insert(ctx, membership(n, 1, n)); err != nil {
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
	text := prepare(b, raw, "SELECT "+columns(tenancy.Describe().Memberships.Table)+" FROM tenancy_memberships WHERE id = ?")
	b.Run("raw", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			id := membership(1+rand.IntN(members), 1, 1).ID
			require.Equal(b, 1, drain(b, text, id.String()))
		}
	})
	view := func(b *testing.B, ctx context.Context) {
		b.ReportAllocs()
		for b.Loop() {
			id := membership(1+rand.IntN(members), 1, 1).ID
			err := tenancy.Typed(st).View(ctx, func(tx tenancy.Tx) error {
				_, err := tx.Memberships().Get(ctx, id)
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
	text := prepare(b, raw, "SELECT "+columns(tenancy.Describe().Memberships.Table)+
		" FROM tenancy_memberships WHERE organization_id = ? AND (name_key, id) > (?, ?) ORDER BY name_key, id LIMIT 50")
	org := organization(1).ID
	b.Run("raw", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			after := membership(1+rand.IntN(members-100), 1, 1)
			require.Equal(b, 50, drain(b, text, org.String(), user(int(after.ID[15])).NameKey, after.ID.String()))
		}
	})
	view := func(b *testing.B, ctx context.Context) {
		b.ReportAllocs()
		for b.Loop() {
			after := membership(1+rand.IntN(members-100), 1, 1)
			span := tenancy.Span{Limit: 50, Order: tenancy.ByName, After: &tenancy.Key{Text: user(int(after.ID[15])).NameKey, ID: after.ID}}
			err := tenancy.Typed(st).View(ctx, func(tx tenancy.Tx) error {
				list, err := tx.Memberships().List(ctx, tenancy.MembershipFilter{OrganizationID: tenancy.Of(org)}, span)
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
		u, e := user(1), event(1)
		b.ReportAllocs()
		for b.Loop() {
			tx, err := raw.Begin()
			require.NoError(b, err)
			_, err = tx.Stmt(update).Exec(u.Version+1, u.Email, u.EmailKey, nil, nil, nil, nil, nil, u.NameKey, nil, nil, nil, nil, nil,
				nil, nil, nil, 1, 1, u.ID.String(), u.Version)
			require.NoError(b, err)
			_, err = tx.Stmt(log).Exec(e.ID.String(), string(e.Type), e.OrganizationID.String(), e.UserID.String(), e.Subject, "host", 1, string(e.Data), nil, 0)
			require.NoError(b, err)
			require.NoError(b, tx.Commit())
			u.Version++
		}
	})
	b.Run("update", func(b *testing.B) {
		u, e := user(2), event(1)
		require.NoError(b, tenancy.Typed(st).View(context.Background(), func(tx tenancy.Tx) (err error) {
			u, err = tx.Users().Get(context.Background(), u.ID)
			return err
		}))
		b.ReportAllocs()
		for b.Loop() {
			u.Version++
			err := tenancy.Typed(st).Update(context.Background(), func(tx tenancy.Tx) error {
				if err := tx.Users().Update(context.Background(), u); err != nil {
					return err
				}
				return tx.Events().Append(context.Background(), e)
			})
			require.NoError(b, err)
		}
	})
}
