package bench

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// lay puts n users and memberships of one organization into a file by raw SQL: the one
// place where that is done.
func (w *world) lay(b *testing.B, n int) tenancy.OrganizationID {
	b.Helper()
	org, err := w.svc.Organizations.Create(b.Context(), tenancy.NewOrganization{DisplayName: "Large"})
	must(b, err)
	for _, text := range []string{
		`INSERT INTO tenancy_users (id, version, email, email_key, name_key, created_at, updated_at)
		 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		 SELECT 'usr_' || printf('%026d', i), 1, i || '@example.com', i || '@example.com', 'person ' || i, 1, 1 FROM n WHERE ?2 <> ''`,
		`INSERT INTO tenancy_memberships (id, version, organization_id, user_id, status, joined_via, joined_at, created_at, updated_at, name_key, email_key)
		 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		 SELECT 'mem_' || printf('%026d', i), 1, ?2, 'usr_' || printf('%026d', i), 'active', 'added', 1, 1, 1, 'person ' || i, i || '@example.com' FROM n`,
	} {
		_, err := w.store.DB().Exec(text, n, org.ID.String())
		must(b, err)
	}
	return org.ID
}

// BenchmarkPage reads 50 of a million members, at the start and at the end, through
// the Store and by a raw prepared statement.
func BenchmarkPage(b *testing.B) {
	n := 1_000_000
	if testing.Short() {
		n = 20_000
	}
	w := openWorld(b)
	org := w.lay(b, n)
	bare := prepare(b, raw(b, w.path), `SELECT id, version, organization_id, user_id, status, display_name, attributes, metadata,
		joined_via, joined_at, last_sign_in_at, created_at, updated_at, name_key, email_key
		FROM tenancy_memberships WHERE organization_id = ? AND status = 'active' AND id > ? ORDER BY id LIMIT 50`)
	per := map[string]float64{}
	for _, at := range []struct {
		name string
		from int
	}{{"first", 0}, {"last", n - 100}} {
		id, err := tenancy.ParseID[tenancy.Membership](fmt.Sprintf("mem_%026d", max(at.from, 1)))
		must(b, err)
		b.Run(at.name+"/raw", func(b *testing.B) {
			for b.Loop() {
				rawPage(b, bare, org.String(), id.String())
			}
		})
		table, _, decode := tenancy.RowsOf[tenancy.Membership]()
		where := []store.Cond{
			{Column: table.Index("organization_id"), Op: store.OneOf, Values: []store.Value{{ID: org}}},
			{Column: table.Index("status"), Op: store.OneOf, Values: []store.Value{{Text: string(tenancy.MembershipActive)}}},
		}
		b.Run(at.name+"/freehold", func(b *testing.B) {
			for b.Loop() {
				must(b, w.store.View(b.Context(), func(rows store.Rows) error {
					var page []tenancy.Membership
					err := rows.List(b.Context(), table, where, store.Range{After: &store.Place{ID: id}, Limit: 50}, func(row store.Row) error {
						page = append(page, decode(row))
						return nil
					})
					if len(page) != 50 {
						b.Fatal(len(page), err)
					}
					return err
				}))
			}
			per[at.name] = float64(b.Elapsed()) / float64(b.N)
			if first := per["first"]; at.name == "last" && first > 0 {
				b.ReportMetric(per["last"]/first, "last/first")
			}
		})
	}
}

func rawPage(b *testing.B, stmt *sql.Stmt, args ...any) {
	b.Helper()
	rows, err := stmt.Query(args...)
	must(b, err)
	var text [11]sql.NullString
	var number [5]sql.NullInt64
	n := 0
	for ; rows.Next(); n++ {
		must(b, rows.Scan(&text[0], &number[0], &text[1], &text[2], &text[3], &text[4], &text[5], &text[6],
			&text[7], &number[1], &number[2], &number[3], &number[4], &text[8], &text[9]))
	}
	must(b, rows.Err())
	must(b, rows.Close())
	if n != 50 {
		b.Fatal(n)
	}
}
