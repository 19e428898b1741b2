package sqlite

import (
	"database/sql"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// SQLTx gives the *sql.Tx under the Service that [tenancy.Service.Transact] hands to
// its function, so that the host can write rows of its own in the same transaction.
// The transaction stays the Service's: do not commit it or roll it back, and do not
// keep it. [Store.InTx] of it works too.
//
// Errors: [tenancy.ErrInvalid] for a Service that is not in a transaction of its own,
// or not over a Store of this package.
func SQLTx(svc *tenancy.Service) (*sql.Tx, error) {
	tx, err := svc.Tx()
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
