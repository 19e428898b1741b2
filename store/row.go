package store

import (
	"cmp"
	"strings"
)

// Type says how a store keeps and compares the values of a column.
type Type uint8

// The types of columns.
const (
	ID   Type = iota + 1 // 16 bytes, compared as bytes; in SQL the TypeID text, which sorts in the same order
	Text                 // UTF-8, compared by bytes
	Int                  // 64 bits, signed
	Bool                 // Int is 0 or 1
	Time                 // Int is microseconds since 1970, UTC
	JSON                 // Text is a JSON document; never compared
)

// Value is one field of a row. The column's [Type] says which member holds it; a null value uses none.
type Value struct {
	// Null says that there is no value. Int, Text and ID are zero then.
	Null bool
	// Int holds a value of the types [Int], [Bool] and [Time].
	Int int64
	// Text holds a value of the types [Text] and [JSON].
	Text string
	// ID holds a value of the type [ID].
	ID [16]byte
}

// Row is the values of one row, in the order of [Table.Columns].
type Row []Value

// Op is how a [Cond] compares.
type Op uint8

// The comparisons. A null value passes only IsNull.
const (
	OneOf   Op = iota + 1 // equal to one of the Values; without Values, no row passes
	Prefix                // a text that begins with the one Value
	Less                  // less than the one Value
	AtLeast               // the one Value or greater
	IsNull                // null; no Values
	NotNull               // not null; no Values
	NoneOf                // not null, and equal to none of the Values; without Values, the same as NotNull
)

// Cond is one condition on one column. A row must pass all conditions of a statement.
type Cond struct {
	// Column is an index into Table.Columns.
	Column int
	// Op is the comparison. It determines the number of Values.
	Op Op
	// Values are compared with the column, in the form of its [Type].
	Values []Value
}

// Set is a column and the value that [Rows.UpdateAll] gives to it.
type Set struct {
	// Column is an index into Table.Columns. It must not be the id, the version, a reference, Table.Touch or
	// part of a unique key.
	Column int
	// Value has the form of the column's [Type].
	Value Value
}

// Place is the place in an order where a list begins: after the row with this sort value and id.
type Place struct {
	// Sort is the row's value in the sort column; unused if the list is sorted by id alone.
	Sort Value
	// ID orders rows with equal sort values.
	ID [16]byte
}

// Range says which rows of an order to list, and in which direction.
type Range struct {
	// Sort is the column to sort by, then by id; 0 means by id alone. Other columns must be in Table.Orders.
	// The list leaves out rows in which that column is null.
	Sort int
	// After is where the list begins; nil means at the start.
	After *Place
	// Limit is at least 1.
	Limit int
	// Desc lists in descending order.
	Desc bool
}

// LogSpan says which events of a log to read.
type LogSpan struct {
	// After is the position after which to begin; 0 is the start, or the end if Desc is set.
	After int64
	// Limit is at least 1.
	Limit int
	// Desc reads in descending order.
	Desc bool
}

// LockKey names something that [Rows.Lock] locks.
type LockKey struct {
	// Class is the kind of thing. The caller numbers the classes, and keys are locked in the order of their
	// classes.
	Class uint8
	// Value distinguishes things of one class.
	Value string
}

// Compare orders keys: by class, then by value.
func (k LockKey) Compare(other LockKey) int {
	if c := cmp.Compare(k.Class, other.Class); c != 0 {
		return c
	}
	return strings.Compare(k.Value, other.Value)
}
