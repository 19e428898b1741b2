package sqlite

import (
	"context"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
)

// Query implements [store.Querier]. It runs the text of the dialect "sqlite" if there is one, and otherwise the
// common text.
func (r *rows) Query(ctx context.Context, q *store.Query, args []store.Value, yield func(store.Row) error) (bool, error) {
	text := q.SQL
	if own, ok := q.Dialect["sqlite"]; ok {
		text = own
	}
	bound := make([]any, len(args))
	for i := range args {
		bound[i] = sqlrows.Bind(q.Args, i, &args[i])
	}
	row := make(store.Row, len(q.Columns))
	err := r.read(context.WithoutCancel(ctx), text, bound, len(row), func(cells []any) (bool, error) {
		if err := sqlrows.Fill(q.Name, q.Columns, row, cells); err != nil {
			return false, err
		}
		return true, yield(row)
	})
	return true, err
}

var (
	_ store.Querier        = (*rows)(nil)
	_ store.LimitedCounter = (*rows)(nil)
)

// SingleWriter implements [store.SingleWriter]: SQLite has one write lock.
func (s *Store) SingleWriter() bool { return true }

// ReadersWait implements [store.ReadersWait]. A read waits for an open transaction of the host if the host's
// handle has a single connection (SetMaxOpenConns(1)).
func (s *Store) ReadersWait() bool {
	return s.readers == nil && s.writers.db.Stats().MaxOpenConnections == 1
}
