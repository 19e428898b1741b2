package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"
)

// transaction is a *sql.Tx of the Store, on a connection that was taken for it.
type transaction struct {
	*rows
	statements *txStatements
	conn       *sql.Conn
}

// begin takes a connection and begins a transaction on it. The transaction holds the write lock unless it only
// reads. ctx limits the wait for the connection. The transaction does not get ctx: database/sql would roll it
// back during a running statement.
func (s *Store) begin(ctx context.Context, readOnly bool) (*transaction, error) {
	conn, err := s.writers.db.Conn(ctx)
	if err != nil {
		return nil, translate(ctx, err)
	}
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: readOnly})
	if err != nil {
		_ = conn.Close()
		return nil, translate(ctx, err)
	}
	statements := &txStatements{pool: s.writers, tx: tx}
	t := &transaction{
		rows:       &rows{seen: newSeen(), statements: statements, session: &session{}, scratch: &scratch{}, sessions: &s.sessions},
		statements: statements,
		conn:       conn,
	}
	if s.readers == nil && !readOnly { // transactions of a host's handle may begin deferred
		if err := t.lock(ctx); err != nil {
			t.end(ctx)
			return nil, err
		}
	}
	return t, nil
}

// learnWait limits how long the end of a transaction waits for a connection to learn statements.
const learnWait = 10 * time.Millisecond

// end returns the connection, and rolls back if nothing was committed.
func (t *transaction) end(ctx context.Context) {
	if err := t.statements.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		t.spare(ctx)
	}
	_ = t.conn.Close()
	if len(t.statements.missing) > 0 {
		ctx, stop := context.WithTimeout(ctx, learnWait)
		defer stop()
		t.statements.pool.learn(ctx, t.statements.missing)
	}
}

// spare closes a connection that can no longer write. SQLite may roll back a read by itself. A driver that sets
// a reading connection to read-only then cannot undo this setting when the rollback fails, and the next writer
// would get the connection in that state.
func (t *transaction) spare(ctx context.Context) {
	var queryOnly int
	err := t.conn.QueryRowContext(context.WithoutCancel(ctx), `PRAGMA query_only`).Scan(&queryOnly)
	if err == nil && queryOnly != 0 {
		_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// commit commits everything, or returns why it kept nothing.
func (t *transaction) commit(ctx context.Context) error {
	if t.session.failed != nil {
		return t.session.failed
	}
	if err := ctx.Err(); err != nil {
		return translate(ctx, err)
	}
	return translate(ctx, t.statements.tx.Commit())
}
