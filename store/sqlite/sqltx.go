package sqlite

import (
	"context"
	"database/sql"

	"github.com/freehold-dev/freehold/store"
)

// Transactor is a [*tenancy.Service], in the form that this package needs.
//
// [*tenancy.Service]: https://pkg.go.dev/github.com/freehold-dev/freehold/tenancy#Service
type Transactor[S any] interface {
	// Transact runs fn in one transaction of the store.
	Transact(ctx context.Context, fn func(ctx context.Context, tx S) error) error
	// Rows returns that transaction.
	Rows() (store.Rows, error)
}

// Transact is [Service.Transact] with one more argument: the *sql.Tx of the transaction, so that the host can
// write its own rows in it:
//
//	err := sqlite.Transact(ctx, svc, func(ctx context.Context, in *tenancy.Service, tx *sql.Tx) error {
//		if _, err := in.Memberships.Add(ctx, bob); err != nil {
//			return err
//		}
//		_, err := tx.ExecContext(ctx, `INSERT INTO projects ...`)
//		return err
//	})
//
// For the limits of tx, and for further errors, see [SQLTx].
//
// [Service.Transact]: https://pkg.go.dev/github.com/freehold-dev/freehold/tenancy#Service.Transact
func Transact[S Transactor[S]](ctx context.Context, svc S, fn func(ctx context.Context, in S, tx *sql.Tx) error) error {
	if fn == nil {
		return svc.Transact(ctx, nil) // which reports the nil function
	}
	return svc.Transact(ctx, func(ctx context.Context, in S) error {
		tx, err := SQLTx(in)
		if err != nil {
			return err
		}
		return fn(ctx, in, tx)
	})
}

// SQLTx returns the *sql.Tx under the Service that Service.Transact or Import passes to its function, so that
// the host can write its own rows in the same transaction. The transaction still belongs to the Service: do not
// commit it, roll it back or keep it. You may call [Store.InTx] with it.
//
// Errors: [store.ErrInvalid] for a Service that is not in a transaction of its own, or not over a Store of this
// package; the error of Rows for a bound Service: begin on the trusted Service, and bind it inside.
func SQLTx(svc interface{ Rows() (store.Rows, error) }) (*sql.Tx, error) {
	tx, err := svc.Rows()
	if err != nil {
		return nil, err
	}
	under, ok := store.Underlying(tx)
	if !ok {
		return nil, invalid("service", "its transaction has ended")
	}
	if r, ok := under.(*rows); ok {
		if statements, ok := r.statements.(*txStatements); ok {
			r.sessions.put(statements.tx, r.session)
			return statements.tx, nil
		}
	}
	return nil, invalid("service", "does not write to a store of package sqlite")
}
