package store

import (
	"fmt"
	"math"
	"slices"

	"github.com/freehold-dev/freehold/internal/typeid"
)

// Table describes rows of one kind. It is known by its address, shared by all who
// use it, and must not be changed once a store has met it. A SQL backend has
// the table made by a migration; a test holds the two together.
type Table struct {
	// Name is the table's name in SQL.
	Name string
	// Kind is what a row is called in errors: "organization".
	Kind string
	// Columns begin with the id, of type [ID], and the version, of type [Int]; a [Log]
	// has no version.
	Columns []Column
	// Unique are the keys, besides the id, that no two rows have in common. A row with a
	// null in one of the columns holds no key.
	Unique []Key
	// Indexes are the other orders in which rows are kept, for lists to select and sort by,
	// the narrower first.
	Indexes []Index
	// Orders are the columns that a list may go along, besides the id.
	Orders []int
	// Touch is the column that [Rows.Touch] sets and [Rows.Update] leaves; 0 for none.
	Touch int
}

// Column describes one field of a row.
type Column struct {
	// Name is the column's name in SQL.
	Name string
	// Type says how values are kept.
	Type Type
	// Prefix is that of the TypeIDs, for the type [ID].
	Prefix string
	// Null says that the column may be null.
	Null bool
	// Derived says that the column follows from others of its row. [Rows.UpdateAll] of
	// such columns alone tells nothing new and leaves the version.
	Derived bool
	// References is the table whose id the column holds, where a row without that other
	// row must not be; nil where it may.
	References *Table
}

// Index is an order in which a store keeps rows: by Columns, and then by the id. Where it has
// Null or NotNull, it holds those rows alone in which these columns are null, or are not.
// Then it is small where such rows are few, and serves only lists that say so: a condition
// [IsNull] on the one, any other on the other.
type Index struct {
	Columns       []int // places in Table.Columns, in this order
	Null, NotNull []int // places in Table.Columns; none = every row
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

// Narrows is how many columns Null and NotNull name besides Columns.
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
	// Field is what errors call it.
	Field string
	// Columns are what makes it up.
	Columns []int
}

// Log describes a table of events, kept by position. The store gives the positions,
// and keeps beside them which people each event is about, and how far the log is
// pruned.
type Log struct {
	// Table is what an event looks like: an id, no version, no unique key, no order, no
	// Touch. Each index is of one column and ends with the position.
	Table
	// People is the name in SQL of the table (position, user_id) of the people besides the one in
	// the column Person.
	People string
	// Floor is the name in SQL of the table (id, position) whose one row says up to where
	// the log is pruned.
	Floor string
	// Time is the column of an instant, which never decreases along positions: see
	// [Rows.Append].
	Time int
	// Person and Redacted are the columns for Redact: the id of the person concerned, a flag.
	Person, Redacted int
	// Blank are the columns that Redact sets to null.
	Blank []int
}

// Between takes the bounds of time out of the conditions of [Rows.Events]: events from the
// instant from on and before the instant until, in microseconds, may pass. They lie side by
// side, because times never decrease along positions, so a search finds the first and the last
// of them. Without a bound from is math.MinInt64 and until is math.MaxInt64. rest is the other
// conditions.
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

// Index gives the place of a column, or -1.
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

// Versioned reports whether an [Rows.UpdateAll] that sets these columns raises versions: one
// of them is not [Column.Derived].
func (t *Table) Versioned(set []Set) bool {
	return slices.ContainsFunc(set, func(s Set) bool { return !t.Columns[s.Column].Derived })
}

// Places gives the places of columns that are there; it panics for one that is not.
func (t *Table) Places(names ...string) []int {
	places := make([]int, len(names))
	for i, name := range names {
		if places[i] = t.Index(name); places[i] < 0 {
			panic(fmt.Sprintf("store: table %s has no column %s", t.Name, name))
		}
	}
	return places
}

// NotFound is the error for a row that is not there.
func (t *Table) NotFound(id [16]byte) error {
	return &Error{Code: ErrNotFound, Kind: t.Kind, Key: t.key(id)}
}

// Stale is the error for an update of another version than the one stored.
func (t *Table) Stale(id [16]byte) error {
	return &Error{Code: ErrConflict, Kind: t.Kind, Key: t.key(id), Field: "version"}
}

// Taken is the error for a unique key, by its Field, that another row holds.
func (t *Table) Taken(field string) error {
	return &Error{Code: ErrAlreadyExists, Kind: t.Kind, Field: field}
}

func (t *Table) key(id [16]byte) string {
	return typeid.String(t.Columns[0].Prefix, id)
}
