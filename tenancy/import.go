package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// Import is Transact for filling a store: no call that writes can fail alone. The
// first such that fails ends it, every later one answers the same error, and nothing
// is kept, whatever fn returns. For that price a call costs about half of what it does in
// Transact, where each can be undone by itself. For most imports, some thousand
// people to one Import are best.
func (s *Service) Import(ctx context.Context, fn func(ctx context.Context, tx *Service) error) error {
	return s.transact(ctx, serviceImport, fn, func(rows store.Rows) (store.Store, func() error) {
		all := &whole{rows: rows}
		if s.instance.config.OnJoin == nil { // which is given what it could change
			all.rows = remember(rows)
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

// remembering is a transaction that knows the organizations and users it has just
// written or read, and which users are too new to be members: an import asks for that
// with every member.
type remembering struct {
	store.Rows
	known map[rowID]store.Row // organizations and users
	fresh map[[16]byte]bool   // users without a membership
}

// rowID is a row of whichever table.
type rowID struct {
	table *store.Table
	id    [16]byte
}

const mostRemembered = 1000

var (
	membershipUser            = membershipRows.Table.Index("user_id")
	_              store.Rows = (*remembering)(nil)
)

func remember(rows store.Rows) *remembering {
	return &remembering{Rows: rows, known: map[rowID]store.Row{}, fresh: map[[16]byte]bool{}}
}

// remembers reports whether rows of a table are remembered.
func (*remembering) remembers(t *store.Table) bool {
	return t == organizationRows.Table || t == userRows.Table
}

func (r *remembering) know(t *store.Table, row store.Row) {
	if len(r.known) >= mostRemembered {
		clear(r.known)
	}
	r.known[rowID{t, row[0].ID}] = slices.Clone(row)
}

func (r *remembering) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	if !r.remembers(t) {
		return r.Rows.Get(ctx, t, id, row)
	}
	if known := r.known[rowID{t, id}]; known != nil {
		copy(row, known)
		return ctx.Err()
	}
	err := r.Rows.Get(ctx, t, id, row)
	if err == nil {
		r.know(t, row)
	}
	return err
}

func (r *remembering) Insert(ctx context.Context, t *store.Table, row store.Row) error {
	err := r.Rows.Insert(ctx, t, row)
	switch {
	case err != nil:
	case t == membershipRows.Table:
		delete(r.fresh, row[membershipUser].ID)
	case r.remembers(t):
		r.know(t, row)
		if t == userRows.Table {
			if len(r.fresh) >= mostRemembered {
				clear(r.fresh)
			}
			r.fresh[row[0].ID] = true
		}
	}
	return err
}

// List knows without asking that a user who has just arrived has no membership.
func (r *remembering) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	if t == membershipRows.Table {
		for _, c := range where {
			if c.Column == membershipUser && c.Op == store.OneOf && len(c.Values) == 1 && r.fresh[c.Values[0].ID] {
				return ctx.Err()
			}
		}
	}
	return r.Rows.List(ctx, t, where, span, yield)
}

func (r *remembering) Update(ctx context.Context, t *store.Table, row store.Row) error {
	delete(r.known, rowID{t, row[0].ID})
	if t == membershipRows.Table {
		delete(r.fresh, row[membershipUser].ID)
	}
	return r.Rows.Update(ctx, t, row)
}

func (r *remembering) Touch(ctx context.Context, t *store.Table, id [16]byte, micros int64) error {
	delete(r.known, rowID{t, id})
	return r.Rows.Touch(ctx, t, id, micros)
}

func (r *remembering) Delete(ctx context.Context, t *store.Table, id [16]byte) error {
	delete(r.known, rowID{t, id})
	return r.Rows.Delete(ctx, t, id)
}

func (r *remembering) DeleteAll(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	if r.remembers(t) {
		clear(r.known)
	}
	return r.Rows.DeleteAll(ctx, t, where)
}

// Savepoint forgets everything, as what happens inside may be undone.
func (r *remembering) Savepoint(ctx context.Context, fn func() error) error {
	clear(r.known)
	clear(r.fresh)
	err := r.Rows.Savepoint(ctx, fn)
	if err != nil {
		clear(r.known)
		clear(r.fresh)
	}
	return err
}

// Query passes a query on.
func (r *remembering) Query(ctx context.Context, q *store.Query, args []store.Value, yield func(store.Row) error) (bool, error) {
	if one, ok := r.Rows.(store.Querier); ok {
		return one.Query(ctx, q, args, yield)
	}
	return false, nil
}

// Unwrap is the transaction underneath.
func (r *remembering) Unwrap() store.Rows { return r.Rows }
