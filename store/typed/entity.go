// Package typed turns Go values into rows of package store and back.
//
// An [Entity] describes once how a Go type is stored in a row: the columns and the fields that they hold,
// unique keys, indexes and orders, and how a filter becomes conditions. [Bind] returns the [Table] of an entity
// in a transaction:
//
//	var notes = typed.Describe[Note, NoteFilter]("app_notes", "note",
//		typed.ID("id", func(n *Note) *NoteID { return &n.ID }),
//		typed.Integer("version", func(n *Note) *int64 { return &n.Version }),
//		typed.Text("title", func(n *Note) *string { return &n.Title }),
//	).Where(func(c *typed.Conds, f NoteFilter) { typed.OneText(c, "title", f.Title) })
//
//	err := typed.Bind(tx, notes).Insert(ctx, Note{ID: id, Version: 1, Title: "Hello"})
//
// Describe an entity in a package-level variable: mistakes in it, such as a column that does not exist, panic.
package typed

import "github.com/freehold-dev/freehold/store"

// Key is an id of 16 bytes with a TypeID prefix.
type Key interface {
	~[16]byte
	// Prefix returns the part of the TypeID before the underscore.
	Prefix() string
}

// Order names an order of an entity. 0 is the order by id, which every entity has; the entity's package defines
// the others.
type Order uint8

// Entity describes how values of V are stored in rows of one table, and how filters of F select them. It is
// safe for concurrent use once its description is complete.
type Entity[V, F any] struct {
	// Table is the description for backends. It must not be changed.
	Table *store.Table

	fields []Field[V]
	orders map[Order]int
	where  func(*Conds, F)
	fill   func(*V, store.Row) // nil: no filled columns
}

// Describe begins the description of an entity, with its table's name in SQL, the name of a row in errors, and
// its fields. The id is the first field. The version is the second, except for the events of a log, which have
// none.
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

// Unique adds a unique key. Errors call it field.
func (e *Entity[V, F]) Unique(field string, columns ...string) *Entity[V, F] {
	e.Table.Unique = append(e.Table.Unique, store.Key{Field: field, Columns: e.Table.Places(columns...)})
	return e
}

// Index adds an index over some columns, the narrower first. Without columns it is an index by id, for
// WhileNull and WhileSet.
func (e *Entity[V, F]) Index(columns ...string) *Entity[V, F] {
	e.Table.Indexes = append(e.Table.Indexes, store.Index{Columns: e.Table.Places(columns...)})
	return e
}

// WhileNull limits the last added index to the rows in which a column is null.
func (e *Entity[V, F]) WhileNull(column string) *Entity[V, F] {
	last := &e.Table.Indexes[len(e.Table.Indexes)-1]
	last.Null = append(last.Null, e.Table.Places(column)...)
	return e
}

// WhileSet limits the last added index to the rows in which a column is not null.
func (e *Entity[V, F]) WhileSet(column string) *Entity[V, F] {
	last := &e.Table.Indexes[len(e.Table.Indexes)-1]
	last.NotNull = append(last.NotNull, e.Table.Places(column)...)
	return e
}

// Order adds an order by a column.
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

// Where sets the function that turns a filter into conditions. Without it, every row passes every filter.
func (e *Entity[V, F]) Where(where func(c *Conds, filter F)) *Entity[V, F] {
	e.where = where
	return e
}

// Fill sets a function that fills several columns which follow from other fields; these columns are [Filled]
// fields. It is called with each row that is written, when all other columns have their values.
func (e *Entity[V, F]) Fill(fill func(v *V, row store.Row)) *Entity[V, F] {
	e.fill = fill
	return e
}

// Write writes v to row, which has a place for each column.
func (e *Entity[V, F]) Write(v *V, row store.Row) {
	for i := range e.fields {
		row[i] = store.Value{}
		e.fields[i].get(v, &row[i])
	}
	if e.fill != nil {
		e.fill(v, row)
	}
}

// Read returns the value of row.
func (e *Entity[V, F]) Read(row store.Row) V {
	var v V
	for i := range e.fields {
		if !row[i].Null {
			e.fields[i].set(&v, &row[i])
		}
	}
	return v
}

// Conds returns the conditions of a filter.
func (e *Entity[V, F]) Conds(filter F) []store.Cond {
	c := &Conds{table: e.Table}
	c.list, c.values = c.someConds[:0], c.someValues[:0]
	e.where(c, filter)
	if len(c.list) == 0 {
		return nil
	}
	return c.list
}
