package typed

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Table is the table of one entity in one transaction. It has the errors, the limits and the lifetime of
// [store.Rows]. It copies values: a caller may change a value that it passed or received.
type Table[V, F any] struct {
	rows    store.Rows
	entity  *Entity[V, F]
	scratch *store.Row
}

// Bind returns the table of an entity in a transaction.
func Bind[V, F any](rows store.Rows, e *Entity[V, F]) Table[V, F] {
	return BindTo(rows, new(store.Row), e)
}

// BindTo is Bind with a row that all tables of the transaction may share as a buffer. It grows to the widest of
// them.
func BindTo[V, F any](rows store.Rows, scratch *store.Row, e *Entity[V, F]) Table[V, F] {
	return Table[V, F]{rows: rows, entity: e, scratch: scratch}
}

// Place is the place in an order where a list begins: after the row with this sort value and id. Set Text or
// Int as the order needs; the order by id needs neither.
type Place struct {
	// Text is the value of a column of texts.
	Text string
	// Int is the value of a column of numbers, or the microseconds of a time.
	Int int64
	// ID orders rows with equal sort values.
	ID [16]byte
}

// Span says which rows of an order to list.
type Span struct {
	// After is where the list begins; nil means at the start.
	After *Place
	// Limit is at least 1.
	Limit int
	// Order is one of the entity's orders.
	Order Order
	// Desc lists in descending order.
	Desc bool
}

// blank returns a row as wide as the entity.
func (t Table[V, F]) blank() store.Row {
	width := len(t.entity.fields)
	if len(*t.scratch) < width {
		*t.scratch = make(store.Row, width)
	}
	return (*t.scratch)[:width]
}

func (t Table[V, F]) row(v *V) store.Row {
	row := t.blank()
	t.entity.Write(v, row)
	return row
}

// Get returns one row.
func (t Table[V, F]) Get(ctx context.Context, id [16]byte) (V, error) {
	row := t.blank()
	if err := t.rows.Get(ctx, t.entity.Table, id, row); err != nil {
		var none V
		return none, err
	}
	return t.entity.Read(row), nil
}

// List returns up to span.Limit rows that pass the filter, in span's order.
func (t Table[V, F]) List(ctx context.Context, filter F, span Span) ([]V, error) {
	sort, ok := t.entity.orders[span.Order]
	if !ok {
		sort = -1 // no store has this order
	}
	r := store.Range{Sort: sort, Limit: span.Limit, Desc: span.Desc}
	if span.After != nil {
		r.After = &store.Place{Sort: store.Value{Text: span.After.Text, Int: span.After.Int}, ID: span.After.ID}
	}
	var list []V
	err := t.rows.List(ctx, t.entity.Table, t.entity.Conds(filter), r, func(row store.Row) error {
		if list == nil {
			list = make([]V, 0, min(r.Limit, 64)) // a page's worth
		}
		list = append(list, t.entity.Read(row))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// Count counts the rows that pass the filter.
func (t Table[V, F]) Count(ctx context.Context, filter F) (int, error) {
	return t.rows.Count(ctx, t.entity.Table, t.entity.Conds(filter))
}

// CountTo counts the rows that pass the filter, and stops at limit: see [store.CountTo].
func (t Table[V, F]) CountTo(ctx context.Context, filter F, limit int) (int, error) {
	return store.CountTo(ctx, t.rows, t.entity.Table, t.entity.Conds(filter), limit)
}

// Insert adds a row.
func (t Table[V, F]) Insert(ctx context.Context, v V) error {
	return t.rows.Insert(ctx, t.entity.Table, t.row(&v))
}

// Update replaces the row with v's id. The stored version must be one less than v's. The touched column does
// not change.
func (t Table[V, F]) Update(ctx context.Context, v V) error {
	return t.rows.Update(ctx, t.entity.Table, t.row(&v))
}

// UpdateAll sets the named columns to their values in v, in the rows that pass the filter and that have another
// value there. The filter must constrain something. UpdateAll raises the versions of these rows by one, unless
// all the columns are [Filled], and returns their number.
func (t Table[V, F]) UpdateAll(ctx context.Context, filter F, v V, columns ...string) (int, error) {
	row, places := t.row(&v), t.entity.Table.Places(columns...)
	set := make([]store.Set, len(places))
	for i, column := range places {
		set[i] = store.Set{Column: column, Value: row[column]}
	}
	return t.rows.UpdateAll(ctx, t.entity.Table, t.entity.Conds(filter), set)
}

// Touch sets the one column that is not part of the versioned row.
func (t Table[V, F]) Touch(ctx context.Context, id [16]byte, at time.Time) error {
	return t.rows.Touch(ctx, t.entity.Table, id, at.UnixMicro())
}

// Delete removes a row.
func (t Table[V, F]) Delete(ctx context.Context, id [16]byte) error {
	return t.rows.Delete(ctx, t.entity.Table, id)
}

// DeleteAll removes the rows that pass the filter, and returns their number. The filter must constrain
// something.
func (t Table[V, F]) DeleteAll(ctx context.Context, filter F) (int, error) {
	return t.rows.DeleteAll(ctx, t.entity.Table, t.entity.Conds(filter))
}
