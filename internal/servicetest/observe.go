package servicetest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// Observed is a Service on which a proof plays random operations.
type Observed struct {
	Ctx   context.Context
	Svc   *tenancy.Service // the host's own
	Store store.Store      // the store of Svc, to look past it
	Now   func() time.Time // the clock of Svc
}

// Observer looks at an [Observed] while somebody else plays on it, so that one proof can use
// the random operations of another without importing it.
type Observer interface {
	// After looks after each operation that is not inside a transaction, and fails t.
	After(t require.TestingT)
	// End looks after the last operation, and fails t.
	End(t require.TestingT)
}

// Observe makes an Observer. It is called before the first operation.
type Observe func(Observed) Observer
