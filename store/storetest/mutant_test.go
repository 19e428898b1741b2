package storetest

import (
	"context"
	"errors"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// mutant is a store with one fault: the suite has to find it. The statements of a
// good store go through rows, and its transactions through update and view.
type mutant struct {
	store.Store
	rows   func(store.Rows) store.Rows
	update func(s store.Store, ctx context.Context, fn func(store.Rows) error) error
	view   func(s store.Store, ctx context.Context, fn func(store.Rows) error) error
}

func (m mutant) Update(ctx context.Context, fn func(store.Rows) error) error {
	if m.update != nil {
		return m.update(m.Store, ctx, fn)
	}
	return m.Store.Update(ctx, m.through(fn, false))
}

func (m mutant) View(ctx context.Context, fn func(store.Rows) error) error {
	if m.view != nil {
		return m.view(m.Store, ctx, fn)
	}
	return m.Store.View(ctx, m.through(fn, true))
}

func (m mutant) through(fn func(store.Rows) error, readOnly bool) func(store.Rows) error {
	if m.rows == nil {
		return fn
	}
	return func(guarded store.Rows) error {
		rows, ok := store.Underlying(guarded)
		if !ok {
			return store.ErrInternal
		}
		return new(store.Guard).Run(m.rows(rows), readOnly, fn)
	}
}

// A fault in some method of Rows; the others are as they should be.
type (
	badGet    struct{ store.Rows }
	badInsert struct {
		store.Rows
		alter func(t *store.Table, row store.Row)
	}
	badUpdate struct {
		store.Rows
		alter func(t *store.Table, row, old store.Row)
	}
	badTouch  struct{ store.Rows }
	badDelete struct{ store.Rows }
	// badUpdateAll sets up to so many columns, and says that it changed more rows than it did.
	badUpdateAll struct {
		store.Rows
		most, more int
	}
	badWhere struct {
		store.Rows
		alter func(t *store.Table, cond *store.Cond)
	}
	badCountTo struct {
		store.Rows
		more int
	}
	badRange struct {
		store.Rows
		alter func(r *store.Range)
	}
	badSavepoint struct{ store.Rows }
	badAppend    struct{ store.Rows }
	badEvents    struct {
		store.Rows
		alter func(span *store.LogSpan)
		after func(next *int64, done *bool)
	}
	badPrune  struct{ store.Rows }
	badRedact struct {
		store.Rows
		with func(rows store.Rows, ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error)
	}
)

func (m badGet) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	short := id
	short[15] &^= 1 // ids that differ in the last bit are one
	if m.Rows.Get(ctx, t, short, row) == nil {
		return nil
	}
	return m.Rows.Get(ctx, t, id, row)
}

func (m badInsert) Insert(ctx context.Context, t *store.Table, row store.Row) error {
	m.alter(t, row)
	return m.Rows.Insert(ctx, t, row)
}

func (m badUpdate) Update(ctx context.Context, t *store.Table, row store.Row) error {
	old := make(store.Row, len(row))
	if err := m.Rows.Get(ctx, t, row[0].ID, old); err == nil {
		m.alter(t, row, old)
	}
	touched := row[max(t.Touch, 1)].Int
	if err := m.Rows.Update(ctx, t, row); err != nil || t.Touch == 0 {
		return err
	}
	return m.Rows.Touch(ctx, t, row[0].ID, touched)
}

func (m badTouch) Touch(ctx context.Context, t *store.Table, id [16]byte, micros int64) error {
	row := make(store.Row, len(t.Columns))
	if err := m.Rows.Get(ctx, t, id, row); err != nil {
		return err
	}
	return m.Rows.Touch(ctx, t, id, micros)
}

func (m badDelete) Delete(ctx context.Context, t *store.Table, id [16]byte) error {
	if err := m.Rows.Delete(ctx, t, id); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

func (m badUpdateAll) UpdateAll(ctx context.Context, t *store.Table, where []store.Cond, set []store.Set) (int, error) {
	n, err := m.Rows.UpdateAll(ctx, t, where, set[:min(m.most, len(set))])
	return n + m.more, err
}

func (m badWhere) where(t *store.Table, where []store.Cond) []store.Cond {
	where = slices.Clone(where)
	for i := range where {
		where[i].Values = slices.Clone(where[i].Values)
		m.alter(t, &where[i])
	}
	return slices.DeleteFunc(where, func(cond store.Cond) bool { return cond.Op == 0 })
}

func (m badWhere) List(ctx context.Context, t *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	return m.Rows.List(ctx, t, m.where(t, where), r, yield)
}

func (m badWhere) Count(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	return m.Rows.Count(ctx, t, m.where(t, where))
}

func (m badCountTo) CountTo(ctx context.Context, t *store.Table, where []store.Cond, limit int) (int, error) {
	return store.CountTo(ctx, m.Rows, t, where, limit+m.more)
}

func (m badWhere) DeleteAll(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	return m.Rows.DeleteAll(ctx, t, m.where(t, where))
}

func (m badWhere) UpdateAll(ctx context.Context, t *store.Table, where []store.Cond, set []store.Set) (int, error) {
	return m.Rows.UpdateAll(ctx, t, m.where(t, where), set)
}

func (m badRange) List(ctx context.Context, t *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	m.alter(&r)
	return m.Rows.List(ctx, t, where, r, yield)
}

func (m badSavepoint) Savepoint(_ context.Context, fn func() error) error { return fn() }

func (m badAppend) Append(ctx context.Context, l *store.Log, row store.Row, _ [][16]byte) error {
	return m.Rows.Append(ctx, l, row, nil)
}

func (m badEvents) Events(ctx context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (next int64, done bool, err error) {
	m.alter(&span)
	next, done, err = m.Rows.Events(ctx, l, where, span, yield)
	m.after(&next, &done)
	return next, done, err
}

func (m badPrune) Prune(ctx context.Context, l *store.Log, before int64, limit int) (int, error) {
	return m.Rows.Prune(ctx, l, before+1, limit)
}

func (m badRedact) Redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error) {
	return m.with(m.Rows, ctx, l, person, after, limit)
}
