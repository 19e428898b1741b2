package servicetest

import (
	"context"
	"errors"

	"github.com/freehold-dev/freehold/store"
)

// ErrStop is an error of the host's.
var ErrStop = errors.New("stop")

// Joined is a store inside a transaction of the host's, as a SQL backend has it.
type Joined struct {
	Rows store.Rows  // the transaction
	Over store.Store // what it is on
}

// Root is the store that the transaction is on.
func (j Joined) Root() store.Store { return j.Over }

// View reads in the transaction.
func (j Joined) View(_ context.Context, fn func(store.Rows) error) error { return fn(j.Rows) }

// Update is a savepoint of the transaction.
func (j Joined) Update(ctx context.Context, fn func(store.Rows) error) error {
	return j.Rows.Savepoint(ctx, func() error { return fn(j.Rows) })
}
