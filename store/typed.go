package store

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/tenancy"
)

// table is one entity's table in a tx.
type table[V tenancy.Entity, F any] struct {
	tx      *tx
	entity  *Entity[V, F]
	scratch Row // for one statement at a time
}

func bind[V tenancy.Entity, F any](t *tx, e *Entity[V, F]) table[V, F] {
	return table[V, F]{tx: t, entity: e}
}

func (t *table[V, F]) Get(ctx context.Context, id tenancy.ID[V]) (V, error) {
	var none V
	if err := t.tx.mayRead(ctx); err != nil {
		return none, err
	}
	row := t.blank()
	if err := t.tx.rows.Get(ctx, &t.entity.Table, id, row); err != nil {
		return none, err
	}
	return t.entity.Read(row), nil
}

func (t *table[V, F]) List(ctx context.Context, filter F, span Span) ([]V, error) {
	if err := t.tx.mayRead(ctx); err != nil {
		return nil, err
	}
	r, err := t.rangeOf(span)
	if err != nil {
		return nil, err
	}
	where, none := t.entity.Where(filter)
	if none {
		return nil, nil
	}
	if t.entity.Columns[r.Sort].Null {
		where = append(where, Cond{Column: r.Sort, Op: NotNull})
	}
	var list []V
	err = t.tx.rows.List(ctx, &t.entity.Table, where, r, func(row Row) error {
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

func (t *table[V, F]) rangeOf(span Span) (Range, error) {
	column, ok := t.entity.Orders[span.Order]
	if !ok {
		return Range{}, badSpan("order")
	}
	if span.Limit < 1 {
		return Range{}, badSpan("limit")
	}
	r := Range{Sort: column, Limit: span.Limit, Desc: span.Desc}
	if span.After != nil {
		r.After = &Place{Sort: Value{Text: span.After.Text, Int: span.After.Int}, ID: span.After.ID}
	}
	return r, nil
}

func (t *table[V, F]) Count(ctx context.Context, filter F) (int, error) {
	if err := t.tx.mayRead(ctx); err != nil {
		return 0, err
	}
	where, none := t.entity.Where(filter)
	if none {
		return 0, nil
	}
	return t.tx.rows.Count(ctx, &t.entity.Table, where)
}

func (t *table[V, F]) Insert(ctx context.Context, v V) error {
	if err := t.tx.mayWrite(ctx); err != nil {
		return err
	}
	return t.tx.rows.Insert(ctx, &t.entity.Table, t.row(&v))
}

func (t *table[V, F]) Update(ctx context.Context, v V) error {
	if err := t.tx.mayWrite(ctx); err != nil {
		return err
	}
	return t.tx.rows.Update(ctx, &t.entity.Table, t.row(&v))
}

func (t *table[V, F]) row(v *V) Row {
	row := t.blank()
	t.entity.Write(v, row)
	return row
}

func (t *table[V, F]) blank() Row {
	if t.scratch == nil {
		t.scratch = make(Row, len(t.entity.Columns))
	}
	return t.scratch
}

func (t *table[V, F]) Touch(ctx context.Context, id tenancy.ID[V], at time.Time) error {
	if err := t.tx.mayWrite(ctx); err != nil {
		return err
	}
	if t.entity.Table.Touch == 0 {
		return &tenancy.Error{Code: tenancy.ErrInvalid, Kind: t.entity.Kind, Reason: "nothing to touch"}
	}
	return t.tx.rows.Touch(ctx, &t.entity.Table, id, at.UnixMicro())
}

func (t *table[V, F]) Delete(ctx context.Context, id tenancy.ID[V]) error {
	if err := t.tx.mayWrite(ctx); err != nil {
		return err
	}
	return t.tx.rows.Delete(ctx, &t.entity.Table, id)
}

func (t *table[V, F]) DeleteAll(ctx context.Context, filter F) (int, error) {
	if err := t.tx.mayWrite(ctx); err != nil {
		return 0, err
	}
	where, none := t.entity.Where(filter)
	if none {
		return 0, nil
	}
	if len(where) == 0 {
		return 0, &tenancy.Error{Code: tenancy.ErrInvalid, Kind: t.entity.Kind, Field: "filter", Reason: "constrains nothing"}
	}
	return t.tx.rows.DeleteAll(ctx, &t.entity.Table, where)
}
