package sqlite

import (
	"context"
	"database/sql"
	"math"
	"strconv"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
)

// Events reads along one index: that of the organization or of the user if the filter fixes one, otherwise the
// positions between the limits of time. It asks for one row more than the limit, to know whether there are
// more.
func (r *rows) Events(ctx context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (int64, bool, error) {
	base, err := r.committed(ctx, l)
	if err == nil && !span.Desc {
		err = r.aboveFloor(ctx, l, span.After)
	}
	if err != nil {
		return 0, false, err
	}
	from, until, where := l.Between(where)
	low, err := r.since(ctx, l, from, base)
	if err != nil {
		return 0, false, err
	}
	high, err := r.since(ctx, l, until, base)
	if err != nil {
		return 0, false, err
	}
	limit := min(span.Limit, store.MaxExamined-1)
	w := sqlrows.NewWalk(l, where, span, low, high)
	next, done := span.After, true
	err = r.gather(ctx, w.List(limit+1), w.Width, func(cells []any) (err error) {
		switch {
		case len(cells) > limit*w.Width:
			cells, done = cells[:limit*w.Width], false
			next = w.Last(cells)
		case w.Examines():
			next, done, err = r.examined(ctx, w, span.After)
		case len(cells) > 0:
			next = w.Last(cells)
		}
		if err != nil {
			return err
		}
		return w.Each(cells, yield)
	})
	return next, done, err
}

// since returns the first position whose event is from a given time on and was committed up to base. If there
// is no such event, it returns the position after the last.
func (r *rows) since(ctx context.Context, l *store.Log, instant, base int64) (int64, error) {
	switch instant {
	case math.MinInt64:
		return 1, nil
	case math.MaxInt64:
		return base + 1, nil
	}
	cells, err := r.one(ctx, sqlrows.OfLog(l).Since, 1, sql.Named("last", base), sql.Named("instant", instant))
	if err != nil {
		return 0, err
	}
	return sqlrows.Number(cells[0]), nil
}

// aboveFloor refuses to continue from a position whose next events have been pruned. To begin at the start is
// always allowed.
func (r *rows) aboveFloor(ctx context.Context, l *store.Log, after int64) error {
	if after == 0 {
		return nil
	}
	cells, err := r.one(ctx, sqlrows.OfLog(l).Floor, 1)
	if err != nil {
		return err
	}
	if cells != nil && after < sqlrows.Number(cells[0]) {
		return &store.Error{Code: store.ErrEventsPruned, Key: strconv.FormatInt(after, 10)}
	}
	return nil
}

// examined returns how far a walk came that found less than its limit.
func (r *rows) examined(ctx context.Context, w *sqlrows.Walk, after int64) (next int64, done bool, err error) {
	next = after
	q := w.Extent()
	err = r.read(ctx, q.String(), q.Args, 2, func(cells []any) (bool, error) {
		n := sqlrows.Number(cells[0])
		done = n < store.MaxExamined
		if n > 0 {
			next = sqlrows.Number(cells[1])
		}
		return false, nil
	})
	return next, done, err
}
