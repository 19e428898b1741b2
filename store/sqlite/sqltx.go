package sqlite

import (
	"context"
	"database/sql"

	"github.com/freehold-dev/freehold/store"
)

// Transactor is a [*tenancy.Service], seen from here.
//
// [*tenancy.Service]: https://pkg.go.dev/github.com/freehold-dev/freehold/tenancy#Service
type Transactor[S any] interface {
	// Transact runs fn in one transaction of the store.
	Transact(ctx context.Context, fn func(ctx context.Context, tx S) error) error
	// Rows is that transaction.
	Rows() (store.Rows, error)
}

// Transact is [Service.Transact] that also gives the *sql.Tx under it, so that the host
// writes rows of its own in the same transaction:
//
//	err := sqlite.Transact(ctx, svc, func(ctx context.Context, in *tenancy.Service, tx *sql.Tx) error {
//		if _, err := in.Memberships.Add(ctx, bob); err != nil {
//			return err
//		}
//		_, err := tx.ExecContext(ctx, `INSERT INTO projects ...`)
//		return err
//	})
//
// What holds for tx, and the further errors, are those of [SQLTx].
//
// [Service.Transact]: https://pkg.go.dev/github.com/freehold-dev/freehold/tenancy#Service.Transact
func Transact[S Transactor[S]](ctx context.Context, svc S, fn func(ctx context.Context, in S, tx *sql.Tx) error) error {
	if fn == nil {
		return svc.Transact(ctx, nil) // which says so
	}
	return svc.Transact(ctx, func(ctx context.Context, in S) error {
		tx, err := SQLTx(in)
		if err != nil {
			return err
		}
		return fn(ctx, in, tx)
	})
}

// SQLTx gives the *sql.Tx under the Service that Service.Transact or Import hands to
// its function, so that the host can write rows of its own in the same transaction.
// The transaction stays the Service's: do not commit it or roll it back, and do not
// keep it. [Store.InTx] of it works too.
//
// Errors: [store.ErrInvalid] for a Service that is not in a transaction of its own,
// or not over a Store of this package; what Rows answers for a Service that is bound to
// somebody: begin on the program's own, and bind it inside.
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
