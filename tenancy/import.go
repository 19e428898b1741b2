package tenancy

import (
	"context"

	"github.com/freehold-dev/freehold/store"
)

// Import is Transact for filling a store: no call that writes can fail alone. The
// first such that fails ends it, every later one answers the same error, and nothing
// is kept, whatever fn returns. Import returns the error of fn as it is: wrap the error of a call there to
// name the row that it was about. For that price a call costs about half of what it does in
// Transact, where each can be undone by itself. For most imports, some thousand
// people to one Import are best.
//
// It alone brings what was before the import: [UserHistory], [MembershipHistory],
// NewOrganization.CreatedAt, and LastSignInAt of UserUpdate and MembershipUpdate. A Transact
// inside an Import may, too.
//
// Errors: as for Transact.
func (s *Service) Import(ctx context.Context, fn func(ctx context.Context, tx *Service) error) error {
	return s.transact(ctx, serviceImport, fn, func(rows store.Rows) (store.Store, func() error) {
		all := &whole{rows: rows}
		// OnJoin is given what it could change, and so is who has begun the transaction outside.
		if s.instance.config.OnJoin == nil && s.txn == nil {
			all.rows = rememberAll(rows, s.instance.singleWriter)
		}
		return all, func() error { return all.failed }
	})
}

// whole is the Store of a Service in a transaction of which no part can fail alone.
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
