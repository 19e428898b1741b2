package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// remembering is a transaction that knows some rows again that it has read by their id or
// written: one call asks for the organization, the people and the invitation that it is
// about several times over. It begins with the first lock, and each further lock makes it
// forget, because what was read before a lock is read again behind it.
//
// For an import it outlives the call and its locks, which stay until the end of the
// transaction. There it also knows which users are too new to be members, or to have asked to
// be, and which organizations remember nobody who is gone: an import asks for that with every member.
type remembering struct {
	store.Rows
	known map[rowID]store.Row // organizations, users and invitations; nil: begins with a lock
	fresh map[[16]byte]bool   // users without a membership or a request; nil but in an import
	bare  map[[16]byte]bool   // organizations that remember nobody; nil but in an import
}

// rowID is a row of whichever table.
type rowID struct {
	table *store.Table
	id    [16]byte
}

const mostRemembered = 1000

var (
	// userColumn is where a table names the user of whom fresh tells.
	userColumn = map[*store.Table]int{
		membershipRows.Table:  membershipRows.Table.Index("user_id"),
		joinRequestRows.Table: joinRequestRows.Table.Index("user_id"),
	}
	// keepsGone is where a table of those who are remembered names the organization of which bare tells.
	keepsGone = map[*store.Table]int{
		removalRows.Table:       removalRows.Table.Index("organization_id"),
		memberAddressRows.Table: memberAddressRows.Table.Index("organization_id"),
	}
	_ store.Rows = (*remembering)(nil)
)

// remember gives the rows of a call that writes. In an import they are remembered already.
func remember(rows store.Rows) store.Rows {
	if _, is := rows.(*remembering); is {
		return rows
	}
	return &remembering{Rows: rows}
}

func rememberAll(rows store.Rows) store.Rows {
	return &remembering{Rows: rows, known: map[rowID]store.Row{}, fresh: map[[16]byte]bool{}, bare: map[[16]byte]bool{}}
}

// remembers reports whether rows of a table are remembered.
func (r *remembering) remembers(t *store.Table) bool {
	return r.known != nil && (t == organizationRows.Table || t == userRows.Table || t == invitationRows.Table)
}

func (r *remembering) forget() {
	clear(r.known)
	clear(r.fresh)
	clear(r.bare)
}

// Lock begins anew, but in an import.
func (r *remembering) Lock(ctx context.Context, keys ...store.LockKey) error {
	switch {
	case r.fresh != nil:
	case r.known == nil:
		r.known = map[rowID]store.Row{}
	default:
		r.forget()
	}
	return r.Rows.Lock(ctx, keys...)
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
		return canceled(ctx)
	}
	err := r.Rows.Get(ctx, t, id, row)
	if err == nil {
		r.know(t, row)
	}
	return err
}

// canceled is the error of a statement that did not reach the store.
func canceled(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &store.Error{Code: ErrCanceled, Err: err}
	}
	return nil
}

func (r *remembering) Insert(ctx context.Context, t *store.Table, row store.Row) error {
	err := r.Rows.Insert(ctx, t, row)
	switch {
	case err != nil:
	case userColumn[t] > 0:
		delete(r.fresh, row[userColumn[t]].ID)
	case keepsGone[t] > 0:
		delete(r.bare, row[keepsGone[t]].ID)
	case r.fresh != nil && r.remembers(t):
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

// List knows without asking that a user who has just arrived has no membership and no
// request, and that an organization remembers nobody.
func (r *remembering) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	if at := userColumn[t]; at > 0 && r.fresh[only(where, at)] {
		return canceled(ctx)
	}
	if at := keepsGone[t]; at > 0 && r.bare != nil {
		if bare, err := r.isBare(ctx, only(where, at)); err != nil || bare {
			return err
		}
	}
	return r.Rows.List(ctx, t, where, span, yield)
}

// only is the one id that a column is to have; zero: there is no such condition.
func only(where []store.Cond, column int) (id [16]byte) {
	for _, c := range where {
		if c.Column == column && c.Op == store.OneOf && len(c.Values) == 1 {
			return c.Values[0].ID
		}
	}
	return id
}

// isBare reports whether an organization remembers nobody who was removed or left, and no
// address. It asks once about each.
func (r *remembering) isBare(ctx context.Context, id [16]byte) (bool, error) {
	if id == [16]byte{} || r.bare[id] {
		return r.bare[id], canceled(ctx)
	}
	found := false
	for _, t := range []*store.Table{removalRows.Table, memberAddressRows.Table} {
		theirs := []store.Cond{{Column: keepsGone[t], Op: store.OneOf, Values: []store.Value{{ID: id}}}}
		err := r.Rows.List(ctx, t, theirs, store.Range{Limit: 1}, func(store.Row) error { found = true; return nil })
		if err != nil || found {
			return false, err
		}
	}
	if len(r.bare) >= mostRemembered {
		clear(r.bare)
	}
	r.bare[id] = true
	return true, nil
}

func (r *remembering) Update(ctx context.Context, t *store.Table, row store.Row) error {
	delete(r.known, rowID{t, row[0].ID})
	if at := userColumn[t]; at > 0 {
		delete(r.fresh, row[at].ID)
	}
	return r.Rows.Update(ctx, t, row)
}

func (r *remembering) UpdateAll(ctx context.Context, t *store.Table, where []store.Cond, set []store.Set) (int, error) {
	if r.remembers(t) {
		clear(r.known)
	}
	return r.Rows.UpdateAll(ctx, t, where, set)
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
	r.forget()
	err := r.Rows.Savepoint(ctx, fn)
	if err != nil {
		r.forget()
	}
	return err
}

// Query passes a query on.
func (r *remembering) Query(ctx context.Context, q *store.Query, args []store.Value, yield func(store.Row) error) (bool, error) {
	return store.RunQuery(ctx, r.Rows, q, args, yield)
}

// Unwrap is the transaction underneath.
func (r *remembering) Unwrap() store.Rows { return r.Rows }
