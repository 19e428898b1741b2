package sqlite

import (
	"context"
	"database/sql"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
)

// rows is the [store.Rows] of one transaction. One goroutine at a time may use it.
type rows struct {
	guard      store.Guard
	statements preparer
	session    *session
	scratch    *scratch
	sessions   *sessions // of the Store; SQLTx registers this transaction there
	seen       *seen     // nil: the transaction only reads
}

// preparer is a *txStatements or a *reader.
type preparer interface {
	statement(ctx context.Context, text string) (*sql.Stmt, error)
}

func (r *rows) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	cells, err := r.one(ctx, sqlrows.Of(t).Get, len(t.Columns), sqlrows.ID(t, 0, id))
	if err != nil {
		return err
	}
	if cells == nil {
		return t.NotFound(id)
	}
	if err := sqlrows.Fill(t.Kind, t.Columns, row, cells); err != nil {
		return err
	}
	r.saw(t, row)
	return nil
}

func (r *rows) Insert(ctx context.Context, t *store.Table, row store.Row) error {
	args := make([]any, len(row))
	for i := range row {
		args[i] = sqlrows.Bind(t.Columns, i, &row[i])
	}
	if _, err := r.exec(ctx, sqlrows.Of(t).Insert, args...); err != nil {
		return r.refused(ctx, t, row, true, err)
	}
	return nil
}

func (r *rows) Update(ctx context.Context, t *store.Table, row store.Row) error {
	if done, err := r.narrowUpdate(ctx, t, row); done || err != nil {
		return err
	}
	args := make([]any, 0, len(row)+1)
	for i := 1; i < len(row); i++ {
		if t.Touch == 0 || i != t.Touch {
			args = append(args, sqlrows.Bind(t.Columns, i, &row[i]))
		}
	}
	args = append(args, sqlrows.Bind(t.Columns, 0, &row[0]), row[1].Int-1)
	n, err := r.exec(ctx, sqlrows.Of(t).Update, args...)
	if err != nil {
		return r.refused(ctx, t, row, false, err)
	}
	if n > 0 {
		r.saw(t, row)
		return nil
	}
	there, err := r.one(ctx, sqlrows.Of(t).Exists, 1, sqlrows.Bind(t.Columns, 0, &row[0]))
	switch {
	case err != nil:
		return err
	case there == nil:
		return t.NotFound(row[0].ID)
	default:
		return t.Stale(row[0].ID)
	}
}

func (r *rows) Touch(ctx context.Context, t *store.Table, id [16]byte, micros int64) error {
	_, err := r.exec(ctx, sqlrows.Of(t).Touch, micros, sqlrows.ID(t, 0, id))
	return err
}

func (r *rows) Delete(ctx context.Context, t *store.Table, id [16]byte) error {
	n, err := r.exec(ctx, sqlrows.Of(t).Remove, sqlrows.ID(t, 0, id))
	if err != nil {
		return referenced(t, sqlrows.ID(t, 0, id), err)
	}
	if n == 0 {
		return t.NotFound(id)
	}
	return nil
}

// Lock does nothing. A transaction of the Store holds SQLite's one write lock from its beginning, and in a
// host's transaction, joining has taken it.
func (r *rows) Lock(context.Context, ...store.LockKey) error { return nil }

// All savepoints have this one name: of nested savepoints, SQLite finds the innermost.
const (
	savepoint = `SAVEPOINT tenancy`
	release   = `RELEASE tenancy`
	rollback  = `ROLLBACK TO tenancy`
)

func (r *rows) Savepoint(ctx context.Context, fn func() error) error {
	if _, err := r.exec(ctx, savepoint); err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			r.undo(ctx)
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if _, err := r.exec(ctx, release); err != nil {
		return err
	}
	kept = true
	return nil
}

// undo rolls back to the innermost savepoint. If that no longer exists, SQLite has rolled back everything, and
// no statement may follow.
func (r *rows) undo(ctx context.Context) {
	r.seen.forget()
	failed := r.session.failed
	r.session.failed = nil // the statements that undo are allowed
	for _, text := range []string{rollback, release} {
		if _, err := r.exec(ctx, text); err != nil && failed == nil {
			failed = err
		}
	}
	r.session.failed = failed
}

// lockText writes nothing, but takes the write lock.
const lockText = `DELETE FROM tenancy_schema WHERE 0`

// lock takes the write lock if the transaction does not hold it yet.
func (r *rows) lock(ctx context.Context) error {
	if r.session.locked {
		return nil
	}
	_, err := r.exec(ctx, lockText)
	r.session.locked = err == nil
	return err
}

var _ store.Rows = (*rows)(nil)

var _ store.Store = (*Store)(nil)
