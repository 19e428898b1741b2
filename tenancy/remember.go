package tenancy

import (
	"context"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// remembering is a transaction that remembers some of the rows which it has read or written. One call asks for
// its organization, users and invitation several times, by id and by unique key. A row that was read before a
// lock must be read again after it. So remembering starts with the first lock, and every further lock clears
// the memory, unless lasts is set.
//
// It also remembers which rows it has inserted: no other row can refer to these yet, except rows that this
// transaction has inserted or updated since. So it answers some queries without asking the store.
type remembering struct {
	store.Rows
	lasts   bool                                 // nothing can change at a lock
	known   map[rowID]store.Row                  // rows of the tables in remembered; nil: before the first lock
	answers map[*store.Table]map[string][16]byte // which row holds a unique key, see keyText; the zero id: none
	born    map[rowID]map[*store.Table]bool      // inserted rows, with the tables whose rows may refer to them
	bare    map[[16]byte]bool                    // organizations without records of removals; nil outside an import
}

// rowID identifies a row of any table.
type rowID struct {
	table *store.Table
	id    [16]byte
}

const mostRemembered = 1000

var (
	// remembered are the tables whose rows one call reads more than once.
	remembered = map[*store.Table]bool{
		organizationRows.Table: true, userRows.Table: true, identityRows.Table: true, membershipRows.Table: true,
		secretRows.Table: true, invitationRows.Table: true, connectionRows.Table: true, policyRows.Table: true, sessionRows.Table: true,
	}
	// insertedRemembered are the tables whose inserted rows are read again, too.
	insertedRemembered = map[*store.Table]bool{organizationRows.Table: true, userRows.Table: true, invitationRows.Table: true}
	// parents are the tables whose inserted rows are noted in born, because other rows refer to them.
	parents = map[*store.Table]bool{organizationRows.Table: true, userRows.Table: true}
	// keepsGone are the tables that bare is about, with the column that names the organization.
	keepsGone = map[*store.Table]int{
		removalRows.Table:       removalRows.Table.Index("organization_id"),
		memberAddressRows.Table: memberAddressRows.Table.Index("organization_id"),
	}
	_ store.Rows = (*remembering)(nil)
)

// remember wraps the rows of a call that writes. singleWriter says that one transaction writes at a time, so
// that nothing changes at a lock. The rows of an import have this wrapper already.
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

// rememberAll wraps the rows of an import; the memory outlives single calls. For each member, an import asks
// whether the organization has records of removals, so it remembers which organizations have none.
func rememberAll(rows store.Rows, singleWriter bool) store.Rows {
	r := remember(rows, singleWriter).(*remembering)
	r.bare = map[[16]byte]bool{}
	return r
}

// forget clears everything that may have changed, after a rollback or after writes past r.
func (r *remembering) forget() {
	r.forgetRead()
	clear(r.born)
	clear(r.bare)
}

func (r *remembering) forgetRead() {
	clear(r.known)
	clear(r.answers)
}

// Lock starts the memory, or clears it, unless lasts is set.
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

// canceled returns the error for a statement that was answered without the store, if ctx has ended.
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

// written updates the memory after an insert or an update: what the row refers to, and that it may hold another
// unique key.
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

// tooNew reports whether the conditions ask for rows that refer to a row which is too new to have any.
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

// List answers some queries from memory: by a unique key that was asked for before, for rows that refer to a
// new row, and, in an import, for records of removals of an organization that has none.
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

// only returns the one id that the conditions demand of a column; zero: there is no such condition.
func only(where []store.Cond, column int) (id [16]byte) {
	for _, c := range where {
		if c.Column == column && c.Op == store.OneOf && len(c.Values) == 1 {
			return c.Values[0].ID
		}
	}
	return id
}

// isBare reports whether an organization has no records of removals and of their addresses. It asks the store
// once for each organization.
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
		touched := before[t.Touch] // an update leaves that column
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

// Savepoint clears the memory if the changes inside are rolled back.
func (r *remembering) Savepoint(ctx context.Context, fn func() error) error {
	kept := false
	defer func() {
		if !kept { // also after a panic
			r.forget()
		}
	}()
	err := r.Rows.Savepoint(ctx, fn)
	kept = err == nil
	return err
}

// CountTo passes a count on to the transaction underneath.
func (r *remembering) CountTo(ctx context.Context, t *store.Table, where []store.Cond, limit int) (int, error) {
	return store.CountTo(ctx, r.Rows, t, where, limit)
}

// Query passes a query on to the transaction underneath.
func (r *remembering) Query(ctx context.Context, q *store.Query, args []store.Value, yield func(store.Row) error) (bool, error) {
	return store.RunQuery(ctx, r.Rows, q, args, yield)
}

// Unwrap returns the transaction underneath.
func (r *remembering) Unwrap() store.Rows { return r.Rows }
