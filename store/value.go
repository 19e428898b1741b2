package store

// Type says how a column's values are kept and compared.
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
	Null bool
	Int  int64
	Text string
	ID   [16]byte
}

// Row is the values of one row, in the order of [Table.Columns].
type Row []Value

// Op is how a [Cond] compares.
type Op uint8

// The comparisons. A null value passes IsNull alone.
const (
	OneOf   Op = iota + 1 // equal to one of the Values; there is at least one
	Prefix                // a text that begins with the one Value
	Less                  // less than the one Value
	AtLeast               // the one Value, or more
	IsNull                // null; no Values
	NotNull               // anything but null; no Values
)

// Cond is one condition of a filter, on one column.
type Cond struct {
	Column int // index into Table.Columns
	Op     Op
	Values []Value
}

// Place is where in an order a list begins: after the row with this sort value and
// id.
type Place struct {
	Sort Value // unused where the order is by id
	ID   [16]byte
}

// Range says which rows of an order to list, and in which direction.
type Range struct {
	Sort  int    // the column to go along, with ties by id; 0 is the id alone
	After *Place // nil: from the start
	Limit int    // at least 1
	Desc  bool
}
