package servicetest

import (
	"context"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// What follows reads and writes values past the Service, and its rules.

func insertRow[V tenancy.Entity](ctx context.Context, rows store.Rows, v V) error {
	table, encode, _ := tenancy.RowsOf[V]()
	return rows.Insert(ctx, table, encode(v))
}

func updateRow[V tenancy.Entity](ctx context.Context, rows store.Rows, v V) error {
	table, encode, _ := tenancy.RowsOf[V]()
	return rows.Update(ctx, table, encode(v))
}

func getRow[V tenancy.Entity](ctx context.Context, rows store.Rows, id tenancy.ID[V]) (V, error) {
	table, _, decode := tenancy.RowsOf[V]()
	row := make(store.Row, len(table.Columns))
	err := rows.Get(ctx, table, id, row)
	return decode(row), err
}

// allRows gives a function that reads a table into a slice, by id.
func allRows[V tenancy.Entity](ctx context.Context, rows store.Rows, into *[]V) func() error {
	return func() error {
		table, _, decode := tenancy.RowsOf[V]()
		span := store.Range{Limit: 500}
		for {
			n := 0
			err := rows.List(ctx, table, nil, span, func(row store.Row) error {
				n++
				span.After = &store.Place{ID: row[0].ID}
				*into = append(*into, decode(row))
				return nil
			})
			if err != nil || n < span.Limit {
				return err
			}
		}
	}
}

// allEvents reads the log from its newest event down, since it may have been pruned.
func allEvents(ctx context.Context, rows store.Rows) ([]tenancy.Event, error) {
	_, _, decode := tenancy.RowsOf[tenancy.Event]()
	var all []tenancy.Event
	span := store.LogSpan{Limit: 500, Desc: true}
	for {
		next, done, err := rows.Events(ctx, tenancy.EventLog(), nil, span, func(position int64, row store.Row) error {
			e := decode(row)
			e.Position = tenancy.Position(position)
			all = append(all, e)
			return nil
		})
		if err != nil || done {
			return all, err
		}
		span.After = next
	}
}
