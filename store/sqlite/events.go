package sqlite

import (
	"context"
	"database/sql"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
)

func (r *rows) Append(ctx context.Context, l *store.Log, row store.Row, people [][16]byte) error {
	if len(people) == 0 {
		return r.insertEvent(ctx, l, row, nil)
	}
	return r.Savepoint(ctx, func() error { return r.insertEvent(ctx, l, row, people) })
}

func (r *rows) insertEvent(ctx context.Context, l *store.Log, row store.Row, people [][16]byte) error {
	args := make([]any, len(row))
	for i := range row {
		args[i] = sqlrows.Bind(l.Columns, i, &row[i])
	}
	result, err := r.run(ctx, sqlrows.OfLog(l).Insert, args)
	if err != nil {
		return err
	}
	position, err := result.LastInsertId()
	if err != nil {
		return r.failure(ctx, err)
	}
	r.session.base(l, position-1)
	for _, person := range people {
		if _, err := r.exec(ctx, sqlrows.OfLog(l).Person, position, sqlrows.ID(&l.Table, l.Person, person)); err != nil {
			return err
		}
	}
	return nil
}

func (r *rows) Last(ctx context.Context, l *store.Log) (int64, error) { return r.committed(ctx, l) }

// committed returns the last position that was committed before this transaction, which also sees its own
// events after it. The first call, or the first append, fixes it: everything committed by then is in the
// transaction's snapshot, and as long as that lasts, only its own events come after.
func (r *rows) committed(ctx context.Context, l *store.Log) (int64, error) {
	if base, ok := r.session.based(l); ok {
		return base, nil
	}
	cells, err := r.one(ctx, sqlrows.OfLog(l).Sequence, 1)
	if err != nil {
		return 0, err
	}
	var last int64
	if cells != nil {
		last = sqlrows.Number(cells[0])
	}
	r.session.base(l, last)
	return last, nil
}

// Prune implements [store.Rows].
func (r *rows) Prune(ctx context.Context, l *store.Log, before int64, limit int) (int, error) {
	var floor int64
	args := []any{sql.Named("limit", int64(limit)), sql.Named("before", before)}
	err := r.read(ctx, sqlrows.OfLog(l).Last, args, 1, func(cells []any) (bool, error) {
		floor = sqlrows.Number(cells[0])
		return false, nil
	})
	if err != nil || floor == 0 {
		return 0, err
	}
	var gone int64
	err = r.Savepoint(ctx, func() (err error) {
		gone, err = r.pruneTo(ctx, l, floor)
		return err
	})
	return int(gone), err
}

func (r *rows) pruneTo(ctx context.Context, l *store.Log, floor int64) (int64, error) {
	texts := sqlrows.OfLog(l)
	if _, err := r.exec(ctx, texts.Prune[0], floor); err != nil {
		return 0, err
	}
	if _, err := r.exec(ctx, texts.Raise, floor); err != nil {
		return 0, err
	}
	return r.exec(ctx, texts.Prune[1], floor)
}

// Redact implements [store.Rows].
func (r *rows) Redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (changed int, next int64, err error) {
	texts := sqlrows.OfLog(l).Redact
	args := []any{
		sql.Named("person", sqlrows.ID(&l.Table, l.Person, person)), sql.Named("after", after), sql.Named("limit", int64(limit)),
	}
	var found, last int64
	err = r.read(ctx, texts[0], args, 2, func(cells []any) (bool, error) {
		found, last = sqlrows.Number(cells[0]), sqlrows.Number(cells[1])
		return false, nil
	})
	if err != nil || found == 0 {
		return 0, 0, err
	}
	args[2] = sql.Named("last", last)
	err = r.Savepoint(ctx, func() error {
		n, err := r.exec(ctx, texts[1], args...)
		if err != nil {
			return err
		}
		changed = int(n)
		_, err = r.exec(ctx, texts[2], args...)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	if found == int64(limit) {
		next = last
	}
	return changed, next, nil
}
