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

var allStatements = sync.OnceValue(func() map[*store.Table]*statements {
	c := store.Describe()
	all := make(map[*store.Table]*statements)
	for _, t := range c.Tables() {
		all[t] = compose(t)
	}
	all[&c.Events.Table] = composeLog(&c.Events.Table)
	return all
})

func statementsOf(t *store.Table) *statements { return allStatements()[t] }

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

func composeLog(t *store.Table) *statements {
	names := columnNames(t)
	columns := strings.Join(names, ", ")
	return &statements{columns: columns, insert: insertText(t.Name, columns, len(names))}
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
	return []string{
		beginText, savepoint, release, rollback, lockText, sequenceText, floorText, personText,
		statementsOf(&store.Describe().Events.Table).insert,
	}
}
