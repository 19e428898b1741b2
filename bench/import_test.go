package bench

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/store/sqlite"
)

// tables are what an import fills, parents first.
var tables = []string{
	"tenancy_organizations", "tenancy_users", "tenancy_memberships", "tenancy_role_assignments", "tenancy_events",
}

// BenchmarkImport brings 100,000 memberships of 10,000 organizations in through the
// public API, 10,000 people to a transaction, and then puts the very same rows of
// all tables into an empty file by raw prepared statements, in batches of the same
// size. rows/s counts memberships.
func BenchmarkImport(b *testing.B) {
	orgs, members, batch := 10_000, 10, 10_000
	if testing.Short() {
		orgs, batch = 100, 500
	}
	for b.Loop() {
		w := openWorld(b)
		start := time.Now()
		must(b, w.load(b.Context(), orgs, members, batch))
		ours := time.Since(start)
		bare := replay(b, w.path, orgs*members/batch)
		n := float64(orgs * members)
		b.ReportMetric(n/ours.Seconds(), "rows/s")
		b.ReportMetric(n/bare.Seconds(), "raw-rows/s")
		b.ReportMetric(bare.Seconds()/ours.Seconds(), "of-raw")
		b.ReportMetric(float64(w.size())/(1<<20), "MB")
		must(b, w.store.Close())
	}
}

// replay copies the rows of a file into an empty one, and says how long the inserts
// took.
func replay(b *testing.B, from string, batches int) time.Duration {
	b.Helper()
	source := raw(b, from)
	path := filepath.Join(b.TempDir(), "raw.db")
	st, err := (sqlite.Options{Synchronous: sqlite.Normal}).Open(b.Context(), path)
	must(b, err)
	defer func() { _ = st.Close() }()
	db := st.DB() // set up as the other one is
	all := make([][][]any, len(tables))
	inserts := make([]*sql.Stmt, len(tables))
	for i, table := range tables {
		var columns []string
		columns, all[i] = read(b, source, table)
		inserts[i] = prepare(b, db, fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table,
			strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1)))
	}
	start := time.Now()
	for k := range batches {
		tx, err := db.Begin()
		must(b, err)
		for i := range tables {
			stmt := tx.Stmt(inserts[i])
			part := len(all[i]) / batches
			for _, row := range all[i][k*part : (k+1)*part] {
				_, err := stmt.Exec(row...)
				must(b, err)
			}
		}
		must(b, tx.Commit())
	}
	return time.Since(start)
}

func read(b *testing.B, db *sql.DB, table string) (columns []string, rows [][]any) {
	b.Helper()
	found, err := db.Query("SELECT * FROM " + table + " ORDER BY rowid")
	must(b, err)
	defer found.Close()
	columns, err = found.Columns()
	must(b, err)
	for found.Next() {
		row := make([]any, len(columns))
		dest := make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		must(b, found.Scan(dest...))
		rows = append(rows, row)
	}
	must(b, found.Err())
	return columns, rows
}
