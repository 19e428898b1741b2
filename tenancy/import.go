package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// Import is Transact for filling a store. In it, no writing call can fail alone: after the first failure,
// every later call returns the same error, and nothing is kept, whatever fn returns. Import returns the
// error of fn unchanged: wrap the error of a call in fn to name the row of your data. In return, a call
// costs about half of what it costs in Transact, where each call can be undone alone. Some thousand people
// to one Import suit most imports.
//
// Only Import accepts times from before the import: [UserHistory], [MembershipHistory],
// NewOrganization.CreatedAt, and LastSignInAt of UserUpdate and MembershipUpdate. A Transact inside an
// Import accepts them, too.
//
// Errors: as for Transact.
func (s *Service) Import(ctx context.Context, fn func(ctx context.Context, tx *Service) error) error {
	return s.transact(ctx, serviceImport, fn, func(rows store.Rows) (store.Store, func() error) {
		all := &whole{rows: rows}
		// Rows are remembered only if no other code writes in this transaction: OnJoin can, and so can
		// the code of an outer transaction.
		if s.instance.config.OnJoin == nil && s.txn == nil {
			all.rows = rememberAll(rows, s.instance.singleWriter)
		}
		return all, func() error { return all.failed }
	})
}

// whole is the Store of a Service in a transaction in which no part can fail alone.
type whole struct {
	rows   store.Rows
	failed error
}

func (w *whole) View(_ context.Context, fn func(store.Rows) error) error { return fn(w.rows) }

func (w *whole) Update(_ context.Context, fn func(store.Rows) error) error {
	if w.failed == nil {
		w.failed = fn(w.rows)
	}
	return w.failed
}
