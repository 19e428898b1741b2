package sqlite

import (
	"slices"
	"strings"
	"sync"

	"github.com/freehold-dev/freehold/store"
)

// statements is the SQL on one table that does not vary.
type statements struct {
	columns string // every one, for a select
	get     string
	exists  string
	insert  string
	update  string // all but the id and the touched column, by id and version
	touch   string // "" where nothing is touched
	remove  string
	holders []string // a unique key's holder but for one id; as Table.Unique
}

// composed are the statements of the tables met so far, by the table: *store.Table to
// *statements, and *store.Log to *logStatements.
var composed sync.Map

func statementsOf(t *store.Table) *statements {
	if s, ok := composed.Load(t); ok {
		return s.(*statements)
	}
	s, _ := composed.LoadOrStore(t, compose(t))
	return s.(*statements)
}

func logStatementsOf(l *store.Log) *logStatements {
	if s, ok := composed.Load(l); ok {
		return s.(*logStatements)
	}
	s, _ := composed.LoadOrStore(l, composeLog(l))
	return s.(*logStatements)
}

func compose(t *store.Table) *statements {
	names := columnNames(t)
	s := &statements{
		columns: strings.Join(names, ", "),
		exists:  "SELECT 1 FROM " + t.Name + " WHERE id = ?",
		remove:  "DELETE FROM " + t.Name + " WHERE id = ?",
	}
	s.get = "SELECT " + s.columns + " FROM " + t.Name + " WHERE id = ?"
	s.insert = insertText(t.Name, s.columns, len(names))
	var set []string
	for i := 1; i < len(names); i++ {
		if t.Touch == 0 || i != t.Touch {
			set = append(set, names[i]+" = ?")
		}
	}
	s.update = "UPDATE " + t.Name + " SET " + strings.Join(set, ", ") + " WHERE id = ? AND version = ?"
	if t.Touch != 0 {
		s.touch = "UPDATE " + t.Name + " SET " + names[t.Touch] + " = ? WHERE id = ?"
	}
	for _, key := range t.Unique {
		s.holders = append(s.holders, holderText(t, key))
	}
	return s
}

// logStatements is the SQL on one log that does not vary.
type logStatements struct {
	columns  string
	insert   string
	person   string // adds a person whom an event is about
	sequence string // the highest position ever given, which outlives the rows
	floor    string
	last     string // the last event that a prune takes
	raise    string // the floor
	prune    [2]string
	redact   string
}

func composeLog(l *store.Log) *logStatements {
	names := columnNames(&l.Table)
	columns := strings.Join(names, ", ")
	blank := ""
	for _, column := range l.Blank {
		blank += names[column] + " = NULL, "
	}
	return &logStatements{
		columns:  columns,
		insert:   insertText(l.Name, columns, len(names)),
		person:   "INSERT OR IGNORE INTO " + l.People + " (position, user_id) VALUES (?, ?)",
		sequence: "SELECT seq FROM sqlite_sequence WHERE name = '" + l.Name + "'",
		floor:    "SELECT position FROM " + l.Floor + " WHERE id = 1",
		last: `
SELECT max(position) FROM (
	SELECT position FROM ` + l.Name + `
	WHERE position < coalesce((
		SELECT position FROM (SELECT position, ` + names[l.Time] + ` AS instant FROM ` + l.Name + ` ORDER BY position LIMIT :limit)
		WHERE instant >= :before ORDER BY position LIMIT 1), 9223372036854775807)
	ORDER BY position LIMIT :limit)`,
		raise: "UPDATE " + l.Floor + " SET position = ? WHERE id = 1",
		prune: [2]string{
			"DELETE FROM " + l.People + " WHERE position <= ?",
			"DELETE FROM " + l.Name + " WHERE position <= ?",
		},
		redact: `
UPDATE ` + l.Name + ` SET ` + blank + names[l.Redacted] + ` = 1
WHERE ` + names[l.Redacted] + ` = 0 AND position IN (
	SELECT position FROM ` + l.Name + ` WHERE ` + names[l.Person] + ` = ?
	UNION SELECT position FROM ` + l.People + ` WHERE user_id = ?)`,
	}
}

func columnNames(t *store.Table) []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

func insertText(table, columns string, n int) string {
	places := strings.Join(slices.Repeat([]string{"?"}, n), ", ")
	return "INSERT INTO " + table + " (" + columns + ") VALUES (" + places + ")"
}

func holderText(t *store.Table, key store.Key) string {
	var b strings.Builder
	b.WriteString("SELECT 1 FROM " + t.Name + " WHERE ")
	for _, i := range key.Columns {
		b.WriteString(t.Columns[i].Name + " = ? AND ")
	}
	b.WriteString("id <> ?")
	return b.String()
}

// fixed are the statements that a pool prepares ahead: those that nearly every
// transaction runs. The others are learned as they are met, or opening a file would
// take as long as a hundred of them.
func fixed() []string {
	return []string{beginText, savepoint, release, rollback, lockText}
}
