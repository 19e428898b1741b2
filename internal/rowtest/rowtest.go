// Package rowtest helps the tests of backends: rows by the names of their columns, and
// a schema that is not that of package tenancy.
package rowtest

import (
	"context"
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// Row makes a row of a table from values by column: a [16]byte, a text, a number, a flag,
// or nil for null. A column that is not named is null if it may be, and else the zero
// value; the version is 1. A name that the table lacks panics.
func Row(t *store.Table, values map[string]any) store.Row {
	row := make(store.Row, len(t.Columns))
	for i, column := range t.Columns {
		row[i].Null = column.Null
		if i == 1 && column.Name == "version" {
			row[i].Int = 1
		}
	}
	return With(t, row, values)
}

// With is a copy of a row with some of its columns changed.
func With(t *store.Table, row store.Row, values map[string]any) store.Row {
	row = slices.Clone(row)
	for name, value := range values {
		row[t.Places(name)[0]] = Value(value)
	}
	return row
}

// Value makes a value of a Go value, as [Row] does.
func Value(value any) store.Value {
	switch x := value.(type) {
	case nil:
		return store.Value{Null: true}
	case [16]byte:
		return store.Value{ID: x}
	case string:
		return store.Value{Text: x}
	case int:
		return store.Value{Int: int64(x)}
	case int64:
		return store.Value{Int: x}
	case bool:
		if x {
			return store.Value{Int: 1}
		}
		return store.Value{}
	default:
		panic(fmt.Sprintf("rowtest: no value is made of %T", value))
	}
}

// At is the value of a row's column.
func At(t *store.Table, row store.Row, name string) store.Value { return row[t.Places(name)[0]] }

// OneOf is the condition that a column has one of these values.
func OneOf(t *store.Table, name string, values ...any) store.Cond {
	cond := store.Cond{Column: t.Places(name)[0], Op: store.OneOf}
	for _, value := range values {
		cond.Values = append(cond.Values, Value(value))
	}
	return cond
}

// Cond is any other condition, with one value or none.
func Cond(t *store.Table, name string, op store.Op, values ...any) store.Cond {
	cond := OneOf(t, name, values...)
	cond.Op = op
	return cond
}

// Table finds a table by its name. It panics if no table has it.
func Table(tables []*store.Table, name string) *store.Table {
	for _, t := range tables {
		if t.Name == name {
			return t
		}
	}
	panic("rowtest: no table " + name)
}

// Get is the row with an id.
func Get(ctx context.Context, rows store.Rows, t *store.Table, id [16]byte) (store.Row, error) {
	row := make(store.Row, len(t.Columns))
	if err := rows.Get(ctx, t, id, row); err != nil {
		return nil, err
	}
	return row, nil
}

// List is the rows of a list.
func List(ctx context.Context, rows store.Rows, t *store.Table, where []store.Cond, r store.Range) (list []store.Row, err error) {
	err = rows.List(ctx, t, where, r, func(row store.Row) error {
		list = append(list, slices.Clone(row))
		return nil
	})
	return list, err
}

// Event is one event of a log.
type Event struct {
	Position int64
	Row      store.Row
}

// Events is one page of a log.
func Events(ctx context.Context, rows store.Rows, l *store.Log, where []store.Cond, span store.LogSpan) (list []Event, next int64, done bool, err error) {
	next, done, err = rows.Events(ctx, l, where, span, func(position int64, row store.Row) error {
		list = append(list, Event{position, slices.Clone(row)})
		return nil
	})
	return list, next, done, err
}
