package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// remembering is a transaction that knows some rows again that it has read or written: one
// call asks for the organization, the people and the invitation that it is about several
// times over, by their ids and by their unique keys. What was read before a lock is read
// again behind it. So it begins with the first lock, and each further lock makes it forget,
// unless it lasts.
//
// It also knows what a new row is too new for: no row refers to one that this transaction
// has inserted, except what it has inserted or updated since.
type remembering struct {
	store.Rows
	lasts   bool                                 // nothing changes at a lock
	known   map[rowID]store.Row                  // of the tables in remembered; nil: has not begun
	answers map[*store.Table]map[string][16]byte // whose a unique key is, see keyText; the zero id: nobody's
	born    map[rowID]map[*store.Table]bool      // inserted, with the tables that may have rows which refer to it
	bare    map[[16]byte]bool                    // organizations that remember nobody; nil outside an import
}

// rowID is a row of whichever table.
type rowID struct {
	table *store.Table
	id    [16]byte
}

const mostRemembered = 1000

var (
	// remembered are the tables whose rows a call asks for more than once.
	remembered = map[*store.Table]bool{
		organizationRows.Table: true, userRows.Table: true, identityRows.Table: true, membershipRows.Table: true,
		secretRows.Table: true, invitationRows.Table: true, connectionRows.Table: true, policyRows.Table: true, sessionRows.Table: true,
	}
	// insertedRemembered are those whose new rows it asks for again, too.
	insertedRemembered = map[*store.Table]bool{organizationRows.Table: true, userRows.Table: true, invitationRows.Table: true}
	// parents are the tables whose new rows are noted as such: others refer to them.
	parents = map[*store.Table]bool{organizationRows.Table: true, userRows.Table: true}
	// keepsGone is where a table of those who are remembered names the organization of which bare tells.
	keepsGone = map[*store.Table]int{
		removalRows.Table:       removalRows.Table.Index("organization_id"),
		memberAddressRows.Table: memberAddressRows.Table.Index("organization_id"),
	}
	_ store.Rows = (*remembering)(nil)
)

// remember gives the rows of a call that writes. singleWriter says that one transaction writes
// at a time: then nothing changes at a lock. In an import they are remembered already.
func remember(rows store.Rows, singleWriter bool) store.Rows {
	if _, is := rows.(*remembering); is {
		return rows
	}
	r := &remembering{Rows: rows, lasts: singleWriter}
	if singleWriter {
		r.known = map[rowID]store.Row{}
	}
	return r
}

// rememberAll gives the rows of an import. They outlive the call. An import asks with every
// member whether the organization remembers people who are gone, so it knows of those that
// remember nobody.
func rememberAll(rows store.Rows, singleWriter bool) store.Rows {
	r := remember(rows, singleWriter).(*remembering)
	r.bare = map[[16]byte]bool{}
	return r
}

// forget drops all that may have become another, where something was undone, or written past r.
func (r *remembering) forget() {
	r.forgetRead()
	clear(r.born)
	clear(r.bare)
}

func (r *remembering) forgetRead() {
	clear(r.known)
	clear(r.answers)
}

// Lock makes it begin, or begin anew, unless it lasts.
func (r *remembering) Lock(ctx context.Context, keys ...store.LockKey) error {
	switch {
	case r.lasts:
	case r.known == nil:
		r.known = map[rowID]store.Row{}
	default:
		r.forgetRead()
	}
	return r.Rows.Lock(ctx, keys...)
}

func (r *remembering) remembers(t *store.Table) bool { return r.known != nil && remembered[t] }

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
	if err := r.Rows.Insert(ctx, t, row); err != nil {
		return err
	}
	r.written(t, row)
	if at := keepsGone[t]; at > 0 {
		delete(r.bare, row[at].ID)
	}
	if parents[t] {
		if len(r.born) >= mostRemembered {
			clear(r.born)
		}
		if r.born == nil {
			r.born = map[rowID]map[*store.Table]bool{}
		}
		r.born[rowID{t, row[0].ID}] = map[*store.Table]bool{}
	}
	if r.known != nil && insertedRemembered[t] {
		r.know(t, row)
	}
	return nil
}

// written notes a row that was inserted or updated: to whom it refers, and that it may hold
// another unique key.
func (r *remembering) written(t *store.Table, row store.Row) {
	delete(r.answers, t)
	if len(r.born) == 0 {
		return
	}
	for i := range t.Columns {
		if parent := t.Columns[i].References; parent != nil {
			if with := r.born[rowID{parent, row[i].ID}]; with != nil {
				with[t] = true
			}
		}
	}
}

// tooNew reports whether the conditions want rows which refer to one that is too new to have any.
func (r *remembering) tooNew(t *store.Table, where []store.Cond) bool {
	if len(r.born) == 0 {
		return false
	}
	for i := range where {
		parent := t.Columns[where[i].Column].References
		if parent == nil || where[i].Op != store.OneOf || len(where[i].Values) != 1 {
			continue
		}
		if with, is := r.born[rowID{parent, where[i].Values[0].ID}]; is && !with[t] {
			return true
		}
	}
	return false
}

// List knows without asking which rows have a unique key that was asked for before, that none
// refers to a row which is new, and, in an import, that an organization remembers nobody.
func (r *remembering) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	if r.tooNew(t, where) {
		return canceled(ctx)
	}
	if at := keepsGone[t]; at > 0 && r.bare != nil {
		if bare, err := r.isBare(ctx, only(where, at)); err != nil || bare {
			return err
		}
	}
	if key, asked := r.byKey(t, where, span); len(asked) > 0 {
		return r.listByKey(ctx, t, key, asked, where, span, yield)
	}
	return r.Rows.List(ctx, t, where, span, yield)
}

func (r *remembering) Count(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	if r.tooNew(t, where) {
		return 0, canceled(ctx)
	}
	return r.Rows.Count(ctx, t, where)
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
	before := r.known[rowID{t, row[0].ID}]
	delete(r.known, rowID{t, row[0].ID})
	if err := r.Rows.Update(ctx, t, row); err != nil {
		return err
	}
	r.written(t, row)
	if before != nil {
		touched := before[t.Touch] // which an update leaves
		r.know(t, row)
		if t.Touch > 0 {
			r.known[rowID{t, row[0].ID}][t.Touch] = touched
		}
	}
	return nil
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
	delete(r.answers, t)
	return r.Rows.Delete(ctx, t, id)
}

func (r *remembering) DeleteAll(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	if remembered[t] {
		clear(r.known)
		delete(r.answers, t)
	}
	return r.Rows.DeleteAll(ctx, t, where)
}

// Savepoint forgets everything where what happened inside is undone.
func (r *remembering) Savepoint(ctx context.Context, fn func() error) error {
	kept := false
	defer func() {
		if !kept { // a panic, too
			r.forget()
		}
	}()
	err := r.Rows.Savepoint(ctx, fn)
	kept = err == nil
	return err
}

// CountTo passes a count on.
func (r *remembering) CountTo(ctx context.Context, t *store.Table, where []store.Cond, limit int) (int, error) {
	return store.CountTo(ctx, r.Rows, t, where, limit)
}

// Query passes a query on.
func (r *remembering) Query(ctx context.Context, q *store.Query, args []store.Value, yield func(store.Row) error) (bool, error) {
	return store.RunQuery(ctx, r.Rows, q, args, yield)
}

// Unwrap is the transaction underneath.
func (r *remembering) Unwrap() store.Rows { return r.Rows }
