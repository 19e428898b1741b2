package sqlite

import (
	"context"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
)

func (r *rows) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	width := len(t.Columns)
	return r.gather(ctx, sqlrows.List(t, where, span), width, func(cells []any) error {
		row, few := make(store.Row, width), len(cells) <= fewRows*width
		for ; len(cells) > 0; cells = cells[width:] {
			if err := sqlrows.Fill(t.Kind, t.Columns, row, cells); err != nil {
				return err
			}
			if few {
				r.saw(t, row)
			}
			if err := yield(row); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *rows) Count(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	return r.count(ctx, sqlrows.Count(t, where))
}

// CountTo implements [store.LimitedCounter].
func (r *rows) CountTo(ctx context.Context, t *store.Table, where []store.Cond, limit int) (int, error) {
	return r.count(ctx, sqlrows.CountTo(t, where, limit))
}

func (r *rows) count(ctx context.Context, q *sqlrows.Query) (int, error) {
	n := 0
	err := r.read(ctx, q.String(), q.Args, 1, func(cells []any) (bool, error) {
		n = int(sqlrows.Number(cells[0]))
		return false, nil
	})
	return n, err
}

func (r *rows) UpdateAll(ctx context.Context, t *store.Table, where []store.Cond, set []store.Set) (int, error) {
	q := sqlrows.UpdateAll(t, where, set)
	n, err := r.exec(ctx, q.String(), q.Args...)
	return int(n), err
}

func (r *rows) DeleteAll(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	q := sqlrows.DeleteAll(t, where)
	n, err := r.exec(ctx, q.String(), q.Args...)
	return int(n), referenced(t, "", err)
}
