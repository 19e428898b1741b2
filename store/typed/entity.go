// Package typed turns Go values into rows of package store and back.
//
// An [Entity] describes once how a Go type lies in a row: its columns bound to its
// fields, its unique keys, indexes and orders, and how a filter becomes conditions.
// [Bind] gives the [Table] of an entity in a transaction:
//
//	var notes = typed.Describe[Note, NoteFilter]("app_notes", "note",
//		typed.ID("id", func(n *Note) *NoteID { return &n.ID }),
//		typed.Integer("version", func(n *Note) *int64 { return &n.Version }),
//		typed.Text("title", func(n *Note) *string { return &n.Title }),
//	).Where(func(c *typed.Conds, f NoteFilter) { typed.OneText(c, "title", f.Title) })
//
//	err := typed.Bind(tx, notes).Insert(ctx, Note{ID: id, Version: 1, Title: "Hello"})
//
// An entity is described in a package-level variable: mistakes in it, such as a column
// that is not there, panic.
package typed

import "github.com/freehold-dev/freehold/store"

// Key is an id of 16 bytes that knows the prefix of its TypeID.
type Key interface {
	~[16]byte
	// Prefix is the kind, as it stands before the underscore of a TypeID.
	Prefix() string
}

// Order names an order of an entity. 0 is the order by id, which every entity has; what
// the others mean, the entity's package says.
type Order uint8

// Entity describes how values of V lie in rows of one table, and how filters of F select
// them. It is safe for concurrent use once it is described.
type Entity[V, F any] struct {
	// Table is what backends are told. It must not be changed.
	Table *store.Table

	fields []Field[V]
	orders map[Order]int
	where  func(*Conds, F)
	fill   func(*V, store.Row) // nil: nothing
}

// Describe begins the description of an entity with its table's name in SQL, what
// errors call a row of it, and its fields: the id first, then, but for the events of a log,
// the version.
func Describe[V, F any](name, kind string, fields ...Field[V]) *Entity[V, F] {
	e := &Entity[V, F]{
		Table:  &store.Table{Name: name, Kind: kind},
		fields: fields,
		orders: map[Order]int{0: 0},
		where:  func(*Conds, F) {},
	}
	for _, f := range fields {
		e.Table.Columns = append(e.Table.Columns, f.column)
	}
	return e
}

// Unique adds a unique key under the name that errors give it.
func (e *Entity[V, F]) Unique(field string, columns ...string) *Entity[V, F] {
	e.Table.Unique = append(e.Table.Unique, store.Key{Field: field, Columns: e.Table.Places(columns...)})
	return e
}

// Index adds an index over some columns, the narrower first; without columns it is one by id,
// for WhileNull and WhileSet.
func (e *Entity[V, F]) Index(columns ...string) *Entity[V, F] {
	e.Table.Indexes = append(e.Table.Indexes, store.Index{Columns: e.Table.Places(columns...)})
	return e
}

// WhileNull limits the index that was added last to the rows in which a column is null.
func (e *Entity[V, F]) WhileNull(column string) *Entity[V, F] {
	last := &e.Table.Indexes[len(e.Table.Indexes)-1]
	last.Null = append(last.Null, e.Table.Places(column)...)
	return e
}

// WhileSet limits the index that was added last to the rows in which a column is not null.
func (e *Entity[V, F]) WhileSet(column string) *Entity[V, F] {
	last := &e.Table.Indexes[len(e.Table.Indexes)-1]
	last.NotNull = append(last.NotNull, e.Table.Places(column)...)
	return e
}

// Order adds an order along a column.
func (e *Entity[V, F]) Order(by Order, column string) *Entity[V, F] {
	e.orders[by] = e.Table.Places(column)[0]
	e.Table.Orders = append(e.Table.Orders, e.orders[by])
	return e
}

// Touch names the column that Table.Touch sets.
func (e *Entity[V, F]) Touch(column string) *Entity[V, F] {
	e.Table.Touch = e.Table.Places(column)[0]
	return e
}

// Where says how a filter becomes conditions; where it is not called, a filter
// constrains nothing.
func (e *Entity[V, F]) Where(where func(c *Conds, filter F)) *Entity[V, F] {
	e.where = where
	return e
}

// Fill has a function fill columns that follow from other fields, several of them at once: their fields are
// [Filled]. It is called with each row that is written, when all other columns have their values.
func (e *Entity[V, F]) Fill(fill func(v *V, row store.Row)) *Entity[V, F] {
	e.fill = fill
	return e
}

// Write puts v into row, which has a place for each column.
func (e *Entity[V, F]) Write(v *V, row store.Row) {
	for i := range e.fields {
		row[i] = store.Value{}
		e.fields[i].get(v, &row[i])
	}
	if e.fill != nil {
		e.fill(v, row)
	}
}

// Read is the value that row holds.
func (e *Entity[V, F]) Read(row store.Row) V {
	var v V
	for i := range e.fields {
		if !row[i].Null {
			e.fields[i].set(&v, &row[i])
		}
	}
	return v
}

// Conds are the conditions of a filter.
func (e *Entity[V, F]) Conds(filter F) []store.Cond {
	c := &Conds{table: e.Table}
	c.list, c.values = c.someConds[:0], c.someValues[:0]
	e.where(c, filter)
	if len(c.list) == 0 {
		return nil
	}
	return c.list
}
