// Package sqlrows writes the SQL of a table: its statements, the text of a filter, a page and a walk along a
// log. It also converts values to columns and back. It runs nothing. The text is SQLite's.
package sqlrows

import (
	"slices"
	"strings"
	"sync"

	"github.com/freehold-dev/freehold/store"
)

// Statements is the SQL of one table that never varies.
type Statements struct {
	Columns string // all columns, for a select
	Get     string
	Exists  string
	Insert  string
	Update  string // all columns except the id and the touched one, by id and version
	Narrow  string // the same, for an update that does not change the columns Keyed; "" without such columns
	Keyed   []int  // the columns of keys, indexes and references, which Narrow does not write
	Rest    []int  // the columns that Narrow writes
	Touch   string // "" if the table has no touched column
	Remove  string
	Holders []string // finds the row that has a unique key, except one id; as Table.Unique
}

// composed caches the statements by table: *store.Table to *Statements, and *store.Log to *LogStatements.
var composed sync.Map

// Of returns the statements of a table. It composes them once.
func Of(t *store.Table) *Statements {
	if s, ok := composed.Load(t); ok {
		return s.(*Statements)
	}
	s, _ := composed.LoadOrStore(t, compose(t))
	return s.(*Statements)
}

// OfLog returns the statements of a log. It composes them once.
func OfLog(l *store.Log) *LogStatements {
	if s, ok := composed.Load(l); ok {
		return s.(*LogStatements)
	}
	s, _ := composed.LoadOrStore(l, composeLog(l))
	return s.(*LogStatements)
}

func compose(t *store.Table) *Statements {
	names := columnNames(t)
	s := &Statements{
		Columns: strings.Join(names, ", "),
		Exists:  "SELECT 1 FROM " + t.Name + " WHERE id = ?",
		Remove:  "DELETE FROM " + t.Name + " WHERE id = ?",
	}
	s.Get = "SELECT " + s.Columns + " FROM " + t.Name + " WHERE id = ?"
	s.Insert = insertText(t.Name, s.Columns, len(names))
	var set []string
	for i := 1; i < len(names); i++ {
		if t.Touch == 0 || i != t.Touch {
			set = append(set, names[i]+" = ?")
		}
	}
	s.Update = "UPDATE " + t.Name + " SET " + strings.Join(set, ", ") + " WHERE id = ? AND version = ?"
	s.narrow(t, names)
	if t.Touch != 0 {
		s.Touch = "UPDATE " + t.Name + " SET " + names[t.Touch] + " = ? WHERE id = ?"
	}
	for _, key := range t.Unique {
		s.Holders = append(s.Holders, holderText(t, key))
	}
	return s
}

// narrow composes an update that does not set indexed columns: SQLite writes every index with a column that an
// update sets, even if the value does not change.
func (s *Statements) narrow(t *store.Table, names []string) {
	keyed := map[int]bool{}
	add := func(columns ...int) {
		for _, i := range columns {
			keyed[i] = true
		}
	}
	for _, x := range t.Indexes {
		add(x.Columns...)
		add(x.Null...)
		add(x.NotNull...)
	}
	for _, key := range t.Unique {
		add(key.Columns...)
	}
	var set, same []string
	for i := 1; i < len(names); i++ {
		switch {
		case t.Touch != 0 && i == t.Touch:
		case keyed[i] || t.Columns[i].References != nil:
			s.Keyed, same = append(s.Keyed, i), append(same, " AND +"+names[i]+" IS ?") // the plus keeps SQLite from searching an index
		default:
			s.Rest, set = append(s.Rest, i), append(set, names[i]+" = ?")
		}
	}
	if len(s.Keyed) > 0 {
		s.Narrow = "UPDATE " + t.Name + " SET " + strings.Join(set, ", ") + " WHERE id = ? AND version = ?" + strings.Join(same, "")
	}
}

// LogStatements is the SQL of one log that never varies.
type LogStatements struct {
	Columns  string
	Insert   string
	Person   string // adds a person whom an event is about
	Sequence string // the highest position ever assigned, also after the rows are gone
	Floor    string
	Since    string // the first position, up to a given one, of an event from a time on, or the position after it
	Last     string // the last event that a prune removes
	Raise    string // raises the floor
	Prune    [2]string
	Redact   [3]string
}

func composeLog(l *store.Log) *LogStatements {
	names := columnNames(&l.Table)
	columns := strings.Join(names, ", ")
	concerning := func(until string) string {
		return "SELECT position FROM " + l.Name + " WHERE " + names[l.Person] + " = :person AND position > :after" + until +
			" UNION SELECT position FROM " + l.People + " WHERE user_id = :person AND position > :after" + until
	}
	blank := ""
	for _, column := range l.Blank {
		blank += names[column] + " = NULL, "
	}
	return &LogStatements{
		Columns:  columns,
		Insert:   appendText(l, names),
		Person:   "INSERT OR IGNORE INTO " + l.People + " (position, user_id) VALUES (?, ?)",
		Sequence: "SELECT seq FROM sqlite_sequence WHERE name = '" + l.Name + "'",
		Floor:    "SELECT position FROM " + l.Floor + " WHERE id = 1",
		Since:    sinceText(l.Name, names[l.Time]),
		Last: "SELECT max(position) FROM (SELECT position, " + names[l.Time] + " AS instant FROM " + l.Name +
			" ORDER BY position LIMIT :limit) WHERE instant < :before",
		Raise: "UPDATE " + l.Floor + " SET position = ? WHERE id = 1",
		Prune: [2]string{
			"DELETE FROM " + l.People + " WHERE position <= ?",
			"DELETE FROM " + l.Name + " WHERE position <= ?",
		},
		Redact: [3]string{
			"SELECT count(*), coalesce(max(position), 0) FROM (" + concerning("") + " ORDER BY position LIMIT :limit)",
			"UPDATE " + l.Name + " SET " + blank + names[l.Redacted] + " = 1 WHERE " + names[l.Redacted] + " = 0 AND position IN (" +
				concerning(" AND position <= :last") + ")",
			"DELETE FROM " + l.People + " WHERE user_id = :person AND position > :after AND position <= :last",
		},
	}
}

// sinceText is a binary search: it halves the range of positions until one is left. Every event before low is
// too early, and none from high on is. Positions may have gaps: a position in the middle represents the event
// there or the next one.
func sinceText(log, instant string) string {
	return `
WITH RECURSIVE search (low, high) AS (
	SELECT (SELECT min(position) FROM ` + log + `), min(:last, (SELECT max(position) FROM ` + log + `)) + 1
	UNION ALL
	SELECT iif(event.` + instant + ` < :instant, (low + high) / 2 + 1, low), iif(event.` + instant + ` < :instant, high, (low + high) / 2)
	FROM search CROSS JOIN ` + log + ` AS event
	WHERE low < high AND event.position = (SELECT min(position) FROM ` + log + ` WHERE position >= (low + high) / 2)
)
SELECT coalesce(max(low), 1) FROM search`
}

func columnNames(t *store.Table) []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

func insertText(table, columns string, n int) string {
	return valuesText(table, columns, slices.Repeat([]string{"?"}, n))
}

// appendText inserts an event that is no earlier than the newest one. The newest one is on the page that the
// insert writes anyway.
func appendText(l *store.Log, names []string) string {
	places := slices.Repeat([]string{"?"}, len(names))
	newest := "(SELECT " + names[l.Time] + " FROM " + l.Name + " ORDER BY position DESC LIMIT 1)"
	places[l.Time] = "max(?, coalesce(" + newest + ", -9223372036854775808))"
	return valuesText(l.Name, strings.Join(names, ", "), places)
}

func valuesText(table, columns string, places []string) string {
	return "INSERT INTO " + table + " (" + columns + ") VALUES (" + strings.Join(places, ", ") + ")"
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
