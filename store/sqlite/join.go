package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/freehold-dev/freehold/store"
)

// InTx returns this Store inside a transaction of the host. The rows and events of tenancy are then kept or
// rolled back together with the host's own:
//
//	tx, err := db.BeginTx(ctx, nil)
//	...
//	inTx, in, err := svc.Join(ctx, st.InTx(tx))
//
// tx belongs to a handle on the same database with foreign keys on: the handle given to [New], or [Store.DB],
// or another one. The host commits it or rolls it back.
//
// An Update is a savepoint: if it fails, only that Update is undone, and its function never runs twice. The
// first Update takes the write lock, which the transaction then keeps. A transaction that began deferred and
// has read before may find that another one has written since. The Update then returns [store.ErrBusy], and the
// host should roll back and begin again; with _txlock=immediate in the DSN that cannot happen. After the
// transaction's end all calls return [store.ErrClosed]. An Update also returns it after SQLite has rolled back
// by itself, as it does when the disk is full or a write is interrupted.
//
// The transaction does not see the events that it appends, including those of an earlier InTx of the same
// *sql.Tx.
//
// Use the result from one goroutine, like tx. While tx is open, calls outside of it wait for its end if they
// write, or if its handle has a single connection (SetMaxOpenConns(1)) and they use that handle. On the same
// goroutine they would wait until their context ends.
func (s *Store) InTx(tx *sql.Tx) store.Store {
	if tx == nil {
		return &joined{store: s}
	}
	statements := &txStatements{pool: s.writers, tx: tx}
	return &joined{store: s, tx: tx, statements: statements, rows: &rows{
		seen:       newSeen(),
		statements: statements, session: s.sessions.of(tx), scratch: &scratch{}, sessions: &s.sessions,
	}}
}

// joined is a Store in a transaction of the host, who ends it.
type joined struct {
	store      *Store
	tx         *sql.Tx
	statements *txStatements
	rows       *rows
}

// Root returns the Store whose InTx was called.
func (j *joined) Root() store.Store { return j.store }

func (j *joined) View(ctx context.Context, fn func(store.Rows) error) error {
	if err := j.open(ctx); err != nil {
		return err
	}
	return new(store.Guard).Run(j.rows, true, fn)
}

func (j *joined) Update(ctx context.Context, fn func(store.Rows) error) error {
	if err := j.open(ctx); err != nil {
		return err
	}
	if err := j.rows.lock(ctx); err != nil {
		return err
	}
	j.store.committed() // counts the host's transactions before this one
	return j.rows.Savepoint(ctx, func() error {
		return new(store.Guard).Run(j.rows, false, fn)
	})
}

// open checks that SQLite is still in the transaction that database/sql believes in. Without a transaction, a
// savepoint would begin and commit one of its own.
func (j *joined) open(ctx context.Context) error {
	if err := j.store.open(ctx); err != nil {
		return err
	}
	if j.tx == nil {
		return invalid("tx", "is nil")
	}
	if j.rows.session.failed != nil {
		return j.rows.session.failed
	}
	alive, err := j.statements.probe(ctx)
	if alive || err != nil {
		return translate(ctx, err)
	}
	_, err = j.tx.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
	j.rows.session.failed = &store.Error{
		Code: store.ErrClosed, Reason: "SQLite has rolled back the transaction after an earlier error", Err: err,
	}
	return j.rows.session.failed
}

// beginText finds out whether there is a transaction, because SQLite has no statement that says so: it fails
// inside of a transaction, and only there.
const beginText = `BEGIN`

// probe reports whether SQLite is in a transaction. It also finds out whether the transaction is of the pool's
// handle: database/sql refuses a statement of the pool in a transaction of another handle.
func (s *txStatements) probe(ctx context.Context) (alive bool, err error) {
	stmt, err := s.statement(ctx, beginText)
	if err == nil {
		_, err = stmt.ExecContext(context.WithoutCancel(ctx))
	}
	_, faulty := resultOf(err)
	switch {
	case err == nil:
		return false, nil
	case faulty:
		return true, nil
	case errors.Is(err, sql.ErrTxDone) || s.foreign:
		return false, err
	default:
		s.foreign = true
		clear(s.bound)
		return s.probe(ctx)
	}
}
