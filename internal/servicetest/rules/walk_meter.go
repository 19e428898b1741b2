package rules

import (
	"context"
	"errors"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// cost counts the work of a store. A call of a table or of the log is one statement. A row is
// read for each row that the statement gives, and written for each row that it changes. bytes
// are those of the texts of the rows that are read.
type cost struct{ transactions, statements, locks, read, written, bytes int }

// meter is a store that counts, and that keeps no change: it rolls each transaction back and
// answers as if it had committed.
type meter struct {
	store.Store
	cost
	keys []store.LockKey // that were locked
	slow bool            // its transactions are no [store.Querier]
}

func (m *meter) View(ctx context.Context, fn func(store.Rows) error) error {
	m.transactions++
	return m.Store.View(ctx, func(rows store.Rows) error { return fn(metered{rows, m}) })
}

func (m *meter) Update(ctx context.Context, fn func(store.Rows) error) error {
	m.transactions++
	err := m.Store.Update(ctx, func(rows store.Rows) error {
		if err := fn(metered{rows, m}); err != nil {
			return err
		}
		return errUndone
	})
	if errors.Is(err, errUndone) {
		return nil
	}
	return err
}

const errUndone = tenancy.Code("undone")

// metered is a transaction of a meter. Where the store runs no query, a Get of an
// organization or a user is a part of reading access, and counts as one row either way.
type metered struct {
	store.Rows
	meter *meter
}

func (r metered) Query(ctx context.Context, q *store.Query, args []store.Value, yield func(store.Row) error) (bool, error) {
	read := 0
	ok, err := r.Rows.(store.Querier).Query(ctx, q, args, func(row store.Row) error {
		read++
		r.meter.weigh(row)
		return yield(row)
	})
	if !ok {
		r.meter.slow = true
		return ok, err
	}
	r.meter.statements++
	r.meter.read += read
	return ok, err
}

func (r metered) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	r.meter.statements++
	err := r.Rows.Get(ctx, t, id, row)
	if err == nil || r.meter.slow && (t.Kind == "organization" || t.Kind == "user") {
		r.meter.read++
	}
	if err == nil {
		r.meter.weigh(row)
	}
	return err
}

func (r metered) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	r.meter.statements++
	return r.Rows.List(ctx, t, where, span, func(row store.Row) error {
		r.meter.read++
		r.meter.weigh(row)
		return yield(row)
	})
}

func (r metered) CountTo(ctx context.Context, t *store.Table, where []store.Cond, limit int) (int, error) {
	r.meter.statements++
	r.meter.read++
	return store.CountTo(ctx, r.Rows, t, where, limit)
}

func (r metered) Count(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	r.meter.statements++
	r.meter.read++
	return r.Rows.Count(ctx, t, where)
}

func (r metered) Insert(ctx context.Context, t *store.Table, row store.Row) error {
	r.meter.wrote(1)
	return r.Rows.Insert(ctx, t, row)
}

func (r metered) Update(ctx context.Context, t *store.Table, row store.Row) error {
	r.meter.wrote(1)
	return r.Rows.Update(ctx, t, row)
}

func (r metered) UpdateAll(ctx context.Context, t *store.Table, where []store.Cond, set []store.Set) (int, error) {
	n, err := r.Rows.UpdateAll(ctx, t, where, set)
	r.meter.wrote(n)
	return n, err
}

func (r metered) Touch(ctx context.Context, t *store.Table, id [16]byte, micros int64) error {
	r.meter.wrote(1)
	return r.Rows.Touch(ctx, t, id, micros)
}

func (r metered) Delete(ctx context.Context, t *store.Table, id [16]byte) error {
	r.meter.wrote(1)
	return r.Rows.Delete(ctx, t, id)
}

func (r metered) DeleteAll(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	n, err := r.Rows.DeleteAll(ctx, t, where)
	r.meter.wrote(n)
	return n, err
}

func (r metered) Lock(ctx context.Context, keys ...store.LockKey) error {
	r.meter.locks += len(keys)
	r.meter.keys = append(r.meter.keys, keys...)
	return r.Rows.Lock(ctx, keys...)
}

func (r metered) Append(ctx context.Context, l *store.Log, event store.Row, people [][16]byte) error {
	r.meter.wrote(1)
	return r.Rows.Append(ctx, l, event, people)
}

func (r metered) Events(ctx context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (int64, bool, error) {
	r.meter.statements++
	return r.Rows.Events(ctx, l, where, span, func(position int64, event store.Row) error {
		r.meter.read++
		r.meter.weigh(event)
		return yield(position, event)
	})
}

func (r metered) Last(ctx context.Context, l *store.Log) (int64, error) {
	r.meter.statements++
	r.meter.read++
	return r.Rows.Last(ctx, l)
}

func (r metered) Prune(ctx context.Context, l *store.Log, before int64, limit int) (int, error) {
	n, err := r.Rows.Prune(ctx, l, before, limit)
	r.meter.wrote(n)
	return n, err
}

func (r metered) Redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error) {
	n, next, err := r.Rows.Redact(ctx, l, person, after, limit)
	r.meter.wrote(n)
	return n, next, err
}

func (m *meter) wrote(rows int) {
	m.statements++
	m.written += rows
}

func (m *meter) weigh(row store.Row) {
	for i := range row {
		m.bytes += len(row[i].Text)
	}
}
