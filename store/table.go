package store

import (
	"fmt"
	"math"
	"slices"

	"github.com/freehold-dev/freehold/internal/typeid"
)

// Table describes rows of one kind. It is identified by its address, shared by all its users, and must not be
// changed after its first use. A migration of an SQL backend makes the table; a test compares the two.
type Table struct {
	// Name is the table's name in SQL.
	Name string
	// Kind is the name of a row in errors: "organization".
	Kind string
	// Columns begin with the id, of type [ID], and the version, of type [Int]; a [Log] has no version.
	Columns []Column
	// Unique are the unique keys besides the id: no two rows have the same key. A row with a null in one of the
	// key's columns has no key.
	Unique []Key
	// Indexes are further orders of the rows, by which lists select and sort, the narrower first.
	Indexes []Index
	// Orders are the columns that a list may be sorted by, besides the id.
	Orders []int
	// Touch is the column that [Rows.Touch] sets and that [Rows.Update] does not change; 0 for none.
	Touch int
}

// Column describes one field of a row.
type Column struct {
	// Name is the column's name in SQL.
	Name string
	// Type says how values are kept and compared.
	Type Type
	// Prefix is the prefix of the TypeIDs, for the type [ID].
	Prefix string
	// Null says that the column may be null.
	Null bool
	// Derived says that the column follows from others of its row. A [Rows.UpdateAll] that sets only such
	// columns adds no information, and does not change the version.
	Derived bool
	// References is the table whose id the column holds, if the row must not exist without that other row; nil
	// if it may.
	References *Table
}

// Index is an order in which a store keeps rows: by Columns, and then by the id. With Null or NotNull it
// contains only the rows in which these columns are null, or are not null. It is then small if such rows are
// few. It serves only lists with matching conditions: [IsNull] on the Null columns, and any other condition on
// the NotNull columns.
type Index struct {
	Columns       []int // indexes into Table.Columns, in this order
	Null, NotNull []int // indexes into Table.Columns; empty = every row
}

// Serves reports whether every row that passes the conditions is in the index.
func (x *Index) Serves(where []Cond) bool {
	has := func(column int, null bool) bool {
		for i := range where {
			if where[i].Column == column && (where[i].Op == IsNull) == null {
				return true
			}
		}
		return false
	}
	for _, column := range x.Null {
		if !has(column, true) {
			return false
		}
	}
	for _, column := range x.NotNull {
		if !has(column, false) {
			return false
		}
	}
	return true
}

// Narrows returns how many columns Null and NotNull name in addition to Columns.
func (x *Index) Narrows() int {
	n := len(x.Null)
	for _, column := range x.NotNull {
		if !slices.Contains(x.Columns, column) {
			n++
		}
	}
	return n
}

// Key is a unique key.
type Key struct {
	// Field is the key's name in errors.
	Field string
	// Columns are the columns of the key.
	Columns []int
}

// Log describes a table of events, kept by position. The store assigns the positions. It also keeps which
// people each event is about, and up to which position the log is pruned.
type Log struct {
	// Table describes an event: an id, no version, no unique key, no order, no Touch. Each index has one column
	// and ends with the position.
	Table
	// People is the name in SQL of the table (position, user_id). It has the people of each event, except the
	// one in the column Person.
	People string
	// Floor is the name in SQL of the table (id, position). Its one row has the position up to which the log is
	// pruned.
	Floor string
	// Time is the column of the event's time, which never decreases along positions: see [Rows.Append].
	Time int
	// Person and Redacted are columns for Redact: the id of the person concerned, and a flag.
	Person, Redacted int
	// Blank are the columns that Redact sets to null.
	Blank []int
}

// Between takes the limits of time out of the conditions of [Rows.Events]. Events may pass from the time from
// on and before the time until, in microseconds. They are adjacent, because times never decrease along
// positions, so a search finds the first and the last of them. Without a limit, from is math.MinInt64 and until
// is math.MaxInt64. rest is the other conditions.
func (l *Log) Between(where []Cond) (from, until int64, rest []Cond) {
	from, until = math.MinInt64, math.MaxInt64
	for i := range where {
		switch c := &where[i]; {
		case c.Column == l.Time && c.Op == AtLeast:
			from = max(from, c.Values[0].Int)
		case c.Column == l.Time && c.Op == Less:
			until = min(until, c.Values[0].Int)
		default:
			rest = append(rest, *c)
		}
	}
	return from, until, rest
}

// Index returns the index of a column in Columns, or -1.
func (t *Table) Index(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// settable reports whether [Rows.UpdateAll] may set a column.
func (t *Table) settable(column int) bool {
	return column > 1 && column < len(t.Columns) && column != t.Touch && t.Columns[column].References == nil &&
		!slices.ContainsFunc(t.Unique, func(key Key) bool { return slices.Contains(key.Columns, column) })
}

// Versioned reports whether an [Rows.UpdateAll] that sets these columns raises versions: whether one of them is
// not [Column.Derived].
func (t *Table) Versioned(set []Set) bool {
	return slices.ContainsFunc(set, func(s Set) bool { return !t.Columns[s.Column].Derived })
}

// Places returns the indexes of columns; it panics if one does not exist.
func (t *Table) Places(names ...string) []int {
	places := make([]int, len(names))
	for i, name := range names {
		if places[i] = t.Index(name); places[i] < 0 {
			panic(fmt.Sprintf("store: table %s has no column %s", t.Name, name))
		}
	}
	return places
}

// NotFound returns the error for a row that does not exist.
func (t *Table) NotFound(id [16]byte) error {
	return &Error{Code: ErrNotFound, Kind: t.Kind, Key: t.key(id)}
}

// Stale returns the error for an update whose version does not follow the stored one.
func (t *Table) Stale(id [16]byte) error {
	return &Error{Code: ErrConflict, Kind: t.Kind, Key: t.key(id), Field: "version"}
}

// Taken returns the error for a unique key, named by its Field, that another row has.
func (t *Table) Taken(field string) error {
	return &Error{Code: ErrAlreadyExists, Kind: t.Kind, Field: field}
}

func (t *Table) key(id [16]byte) string {
	return typeid.String(t.Columns[0].Prefix, id)
}
