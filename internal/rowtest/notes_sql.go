package rowtest

import (
	"fmt"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// NotesSQL are the statements, in SQLite's dialect, that make [NotesTables] and [NotesLogs].
// index is how an index is made, which ends with the column last, if any.
func NotesSQL(index func(t *store.Table, x *store.Index, last string) string) (texts []string) {
	indexes := func(t *store.Table, last string) {
		for i := range t.Indexes {
			texts = append(texts, index(t, &t.Indexes[i], last))
		}
	}
	for _, t := range NotesTables() {
		texts = append(texts, create(t))
		indexes(t, "id")
	}
	for _, l := range NotesLogs() {
		texts = append(texts, createLog(l)...)
		indexes(&l.Table, "")
	}
	return texts
}

func create(t *store.Table) string {
	lines := columnLines(t)
	lines[0] += " PRIMARY KEY"
	for _, key := range t.Unique {
		lines = append(lines, "UNIQUE ("+listed(t, key.Columns)+")")
	}
	for i, column := range t.Columns {
		if column.References != nil {
			lines[i] += " REFERENCES " + column.References.Name + " (id)"
		}
	}
	return createText(t.Name, lines)
}

// createLog makes the three tables of a log.
func createLog(l *store.Log) []string {
	lines := append([]string{"position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"}, columnLines(&l.Table)...)
	return []string{
		createText(l.Name, lines),
		createText(l.People, []string{"position INTEGER NOT NULL", "user_id TEXT NOT NULL", "PRIMARY KEY (position, user_id)"}) + ", WITHOUT ROWID",
		createText(l.Floor, []string{"id INTEGER NOT NULL PRIMARY KEY", "position INTEGER NOT NULL"}),
		"INSERT INTO " + l.Floor + " (id, position) VALUES (1, 0)",
	}
}

func createText(name string, lines []string) string {
	return "CREATE TABLE " + name + " (" + strings.Join(lines, ", ") + ") STRICT"
}

func columnLines(t *store.Table) []string {
	var lines []string
	for _, column := range t.Columns {
		line := column.Name + " TEXT"
		switch column.Type {
		case store.Int, store.Time:
			line = column.Name + " INTEGER"
		case store.Bool:
			line = fmt.Sprintf("%[1]s INTEGER CHECK (%[1]s IN (0, 1))", column.Name)
		case store.JSON:
			line += " CHECK (json_valid(" + column.Name + "))"
		}
		if !column.Null {
			line += " NOT NULL"
		}
		lines = append(lines, line)
	}
	return lines
}

func listed(t *store.Table, columns []int) string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = t.Columns[column].Name
	}
	return strings.Join(names, ", ")
}
