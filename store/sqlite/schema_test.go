package sqlite_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
	"github.com/freehold-dev/freehold/tenancy"
)

// TestSchemaIsTheCatalogue holds the hand-written tables to the one description that
// all backends read.
func TestSchemaIsTheCatalogue(t *testing.T) {
	db := open(t).DB()
	for _, table := range tenancy.Tables() {
		t.Run(table.Name, func(t *testing.T) {
			require.Equal(t, wantColumns(table), hasColumns(t, db, table.Name))
			unique, indexes := hasIndexes(t, db, table.Name)
			var wantUnique []string
			for _, key := range table.Unique {
				wantUnique = append(wantUnique, names(table, key.Columns))
			}
			require.ElementsMatch(t, wantUnique, unique)
			var wantIndexes []string
			for _, x := range table.Indexes {
				wantIndexes = append(wantIndexes, sqlrows.CreateIndex(table, &x, "id"))
			}
			require.ElementsMatch(t, wantIndexes, indexes)
		})
	}
}

// TestLogIsTheCatalogue is the same for the log, whose key is the position.
func TestLogIsTheCatalogue(t *testing.T) {
	db := open(t).DB()
	table := &eventLog.Table
	want := wantColumns(table)
	want[0] = "id TEXT NOT NULL"
	require.Equal(t, append([]string{"position INTEGER NOT NULL KEY"}, want...), hasColumns(t, db, table.Name))
	unique, indexes := hasIndexes(t, db, table.Name)
	require.Empty(t, unique)
	var wantIndexes []string
	for _, x := range table.Indexes {
		wantIndexes = append(wantIndexes, sqlrows.CreateIndex(table, &x, ""))
	}
	require.ElementsMatch(t, wantIndexes, indexes)
}

func wantColumns(table *store.Table) []string {
	var list []string
	for i, c := range table.Columns {
		line := c.Name + " TEXT"
		if c.Type == store.Int || c.Type == store.Bool || c.Type == store.Time {
			line = c.Name + " INTEGER"
		}
		if !c.Null {
			line += " NOT NULL"
		}
		if i == 0 {
			line += " KEY"
		}
		list = append(list, line)
	}
	return list
}

func hasColumns(t *testing.T, db *sql.DB, table string) []string {
	t.Helper()
	return column(t, db, `SELECT name || ' ' || type || iif("notnull", ' NOT NULL', '') || iif(pk, ' KEY', '') FROM pragma_table_xinfo(?) ORDER BY cid`, table)
}

// hasIndexes gives the columns of a table's unique keys, and the text of its other indexes.
func hasIndexes(t *testing.T, db *sql.DB, table string) (unique, others []string) {
	t.Helper()
	const columns = `SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno)`
	for _, index := range column(t, db, `SELECT name FROM pragma_index_list(?) WHERE origin = 'u'`, table) {
		unique = append(unique, column(t, db, columns, index)...)
	}
	for _, text := range column(t, db, `SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?`, table) {
		others = append(others, strings.Join(strings.Fields(text), " "))
	}
	return unique, others
}

func names(table *store.Table, columns []int) string {
	var list []string
	for _, i := range columns {
		list = append(list, table.Columns[i].Name)
	}
	return strings.Join(list, ", ")
}

// column runs a query of one column of text.
func column(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var list []string
	for rows.Next() {
		var text string
		require.NoError(t, rows.Scan(&text))
		list = append(list, text)
	}
	require.NoError(t, rows.Err())
	return list
}

// TestForeignKeys: what hangs on an organization, a user or a membership says so to
// SQLite as well; the log does not (rule E3).
func TestForeignKeys(t *testing.T) {
	db := open(t).DB()
	has := column(t, db, `
		SELECT m.name || '.' || f."from" || ' -> ' || f."table" || ' ' || f.on_delete
		FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table' ORDER BY 1`)
	var want []string
	for _, table := range tenancy.Tables() {
		for _, column := range table.Columns {
			if parent := column.References; parent != nil {
				want = append(want, table.Name+"."+column.Name+" -> "+parent.Name+" NO ACTION")
			}
		}
	}
	slices.Sort(want)
	require.NotEmpty(t, want)
	require.Equal(t, want, has)
}

// TestTablesAreStrict: SQLite keeps no text in a column of integers.
func TestTablesAreStrict(t *testing.T) {
	db := open(t).DB()
	require.Empty(t, column(t, db, `SELECT name FROM pragma_table_list WHERE name LIKE 'tenancy_%' AND NOT strict`))
}
