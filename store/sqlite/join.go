package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/freehold-dev/freehold/store"
)

// InTx is this Store inside a transaction of the host's, so that rows and events of
// tenancy are kept or vanish together with the host's own:
//
//	tx, err := db.BeginTx(ctx, nil)
//	...
//	inTx, in, err := svc.Join(ctx, st.InTx(tx))
//
// tx is of a handle on the same database with foreign keys on: the one given to
// [New], or [Store.DB], or another one. The host commits it or rolls it back.
//
// An Update is a savepoint: a failing one undoes itself alone, and its function never
// runs twice. The first Update takes the write lock, which the transaction then keeps.
// A transaction that began deferred and has read before may find that another has
// written since: [store.ErrBusy], and the host should roll back and begin anew;
// with _txlock=immediate in the DSN that cannot happen. After the transaction's end
// everything answers [store.ErrClosed], and so does an Update after SQLite has
// rolled back on its own, as it does when the disk is full or a write is interrupted.
//
// Events appended in a transaction are unseen inside it, and so are those of an
// earlier InTx of the same *sql.Tx.
//
// The result is for one goroutine, like tx. While tx is open, calls outside of it
// wait for its end if they write, or if its handle has a single connection
// (SetMaxOpenConns(1)) and they use that handle: on the same goroutine they would
// wait until their context ends.
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

// joined is a Store in a transaction that is not ours to end.
type joined struct {
	store      *Store
	tx         *sql.Tx
	statements *txStatements
	rows       *rows
}

// Root is the Store that InTx was called on.
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
	j.store.committed() // the host's transactions before this one
	return j.rows.Savepoint(ctx, func() error {
		return new(store.Guard).Run(j.rows, false, fn)
	})
}

// open makes sure that SQLite still is in the transaction that database/sql believes
// in. Without one, a savepoint would begin and commit one of its own.
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

// beginText asks whether there is a transaction, for want of a statement that does:
// it fails inside of one, and only there.
const beginText = `BEGIN`

// probe reports whether SQLite is in a transaction, and finds out by the way whose
// handle it is of: database/sql refuses the pool's statement if it is another's.
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
