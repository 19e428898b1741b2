package store

import (
	"cmp"
	"strings"
)

// Type says how the values of a column are kept and compared.
type Type uint8

// The types of columns.
const (
	ID   Type = iota + 1 // 16 bytes, compared as such; in SQL the TypeID text, which orders alike
	Text                 // UTF-8, compared by bytes
	Int                  // 64 bits, signed
	Bool                 // Int is 0 or 1
	Time                 // Int is microseconds since 1970, UTC
	JSON                 // Text is a JSON document; never compared
)

// Value is one field of a row. Which member holds it goes by the column's [Type];
// a null value has none.
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

// The comparisons. A null value passes IsNull alone.
const (
	OneOf   Op = iota + 1 // equal to one of the Values; without any, nothing passes
	Prefix                // a text that begins with the one Value
	Less                  // less than the one Value
	AtLeast               // the one Value, or more
	IsNull                // null; no Values
	NotNull               // anything but null; no Values
	NoneOf                // not null, and equal to none of the Values; without any, as NotNull
)

// Cond is one condition on one column. The conditions of a statement are joined by
// and.
type Cond struct {
	// Column is an index into Table.Columns.
	Column int
	// Op is the comparison, and says how many Values there are.
	Op Op
	// Values are what the column is compared with, in the form of its [Type].
	Values []Value
}

// Set is what [Rows.UpdateAll] sets a column to.
type Set struct {
	// Column is an index into Table.Columns: no id, version or reference, not Table.Touch, and
	// of no unique key.
	Column int
	// Value is in the form of the column's [Type].
	Value Value
}

// Place is where in an order a list begins: after the row with this sort value and
// id.
type Place struct {
	// Sort is the value of the column that the list goes along; unused where that is
	// the id alone.
	Sort Value
	// ID settles ties.
	ID [16]byte
}

// Range says which rows of an order to list, and in which direction.
type Range struct {
	// Sort is the column to go along, with ties by id; 0 is the id alone. The others are
	// those of Table.Orders. A row in which that column is null has no place in the
	// order and is left out.
	Sort int
	// After is where to begin; nil is the start.
	After *Place
	// Limit is at least 1.
	Limit int
	// Desc goes backwards.
	Desc bool
}

// LogSpan says which events of a log to read.
type LogSpan struct {
	// After is the position to begin behind; 0 is the start, or the end if Desc.
	After int64
	// Limit is at least 1.
	Limit int
	// Desc goes backwards.
	Desc bool
}

// LockKey names what [Rows.Lock] excludes.
type LockKey struct {
	// Class is the kind of thing. Keys are taken in the order of their classes, which
	// the caller gives.
	Class uint8
	// Value tells things of one class apart.
	Value string
}

// Compare orders keys: by class, then by value.
func (k LockKey) Compare(other LockKey) int {
	if c := cmp.Compare(k.Class, other.Class); c != 0 {
		return c
	}
	return strings.Compare(k.Value, other.Value)
}
