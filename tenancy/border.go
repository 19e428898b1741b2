package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// fromStore turns an error of the store into an [*Error]. Other errors pass unchanged, so a transaction
// returns the error of a caller's function as it is.
func fromStore(err error) error {
	if e, ok := err.(*store.Error); ok {
		return &Error{Code: e.Code, Kind: e.Kind, Key: e.Key, Field: e.Field, Reason: e.Reason, Err: e.Err}
	}
	return err
}

// border is a transaction of the store that returns our errors. Errors are translated only here, in
// [Service.viewing] and in [Service.updating].
type border struct{ rows store.Rows }

var (
	_ store.Rows           = (*border)(nil)
	_ store.Querier        = (*border)(nil)
	_ store.LimitedCounter = (*border)(nil)
)

func (b *border) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	return fromStore(b.rows.Get(ctx, t, id, row))
}

func (b *border) List(ctx context.Context, t *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	return fromStore(b.rows.List(ctx, t, where, r, yield))
}

func (b *border) Count(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	n, err := b.rows.Count(ctx, t, where)
	return n, fromStore(err)
}

func (b *border) CountTo(ctx context.Context, t *store.Table, where []store.Cond, limit int) (int, error) {
	n, err := store.CountTo(ctx, b.rows, t, where, limit)
	return n, fromStore(err)
}

func (b *border) Insert(ctx context.Context, t *store.Table, row store.Row) error {
	return fromStore(b.rows.Insert(ctx, t, row))
}

func (b *border) Update(ctx context.Context, t *store.Table, row store.Row) error {
	return fromStore(b.rows.Update(ctx, t, row))
}

func (b *border) UpdateAll(ctx context.Context, t *store.Table, where []store.Cond, set []store.Set) (int, error) {
	n, err := b.rows.UpdateAll(ctx, t, where, set)
	return n, fromStore(err)
}

func (b *border) Touch(ctx context.Context, t *store.Table, id [16]byte, micros int64) error {
	return fromStore(b.rows.Touch(ctx, t, id, micros))
}

func (b *border) Delete(ctx context.Context, t *store.Table, id [16]byte) error {
	return fromStore(b.rows.Delete(ctx, t, id))
}

func (b *border) DeleteAll(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	n, err := b.rows.DeleteAll(ctx, t, where)
	return n, fromStore(err)
}

func (b *border) Lock(ctx context.Context, keys ...store.LockKey) error {
	return fromStore(b.rows.Lock(ctx, keys...))
}

func (b *border) Savepoint(ctx context.Context, fn func() error) error {
	return fromStore(b.rows.Savepoint(ctx, fn))
}

func (b *border) Append(ctx context.Context, l *store.Log, event store.Row, people [][16]byte) error {
	return fromStore(b.rows.Append(ctx, l, event, people))
}

func (b *border) Events(ctx context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (int64, bool, error) {
	next, done, err := b.rows.Events(ctx, l, where, span, yield)
	return next, done, fromStore(err)
}

func (b *border) Last(ctx context.Context, l *store.Log) (int64, error) {
	last, err := b.rows.Last(ctx, l)
	return last, fromStore(err)
}

func (b *border) Prune(ctx context.Context, l *store.Log, before int64, limit int) (int, error) {
	n, err := b.rows.Prune(ctx, l, before, limit)
	return n, fromStore(err)
}

func (b *border) Redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error) {
	n, next, err := b.rows.Redact(ctx, l, person, after, limit)
	return n, next, fromStore(err)
}

func (b *border) Query(ctx context.Context, q *store.Query, args []store.Value, yield func(store.Row) error) (bool, error) {
	ok, err := store.RunQuery(ctx, b.rows, q, args, yield)
	return ok, fromStore(err)
}
