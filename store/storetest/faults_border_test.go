package storetest

import (
	"context"
	"slices"
	"testing"
	"unsafe"

	"github.com/freehold-dev/freehold/store"
)

// of makes a mutant of what wraps the transactions of a linear store.
func of(wrap func(t *linearTx) store.Rows) mutant {
	return mutant{rows: func(r store.Rows) store.Rows { return wrap(r.(*linearTx)) }}
}

func newGood() store.Store { return newLinear() }

// Faults at the border between a caller and a store are found: rows and texts that are
// not copied, and what yield does.
func TestSuiteFindsFaultsAtTheBorder(t *testing.T) {
	passed := "/row_passed_is_the_callers"
	caught(
		t, suiteOf(t, notesSchema()), newGood,
		fault{"tag" + passed, of(func(t *linearTx) store.Rows { return keepsRow{t, true, false} })},
		fault{"app_note" + passed, of(func(t *linearTx) store.Rows { return keepsRow{t, false, true} })},
		fault{"log/copied", of(func(t *linearTx) store.Rows { return keepsEvent{t, true} })},
		fault{"click/log/copied", of(func(t *linearTx) store.Rows { return keepsEvent{t, false} })},
		fault{"tag/row_yielded_keeps_its_texts", of(func(t *linearTx) store.Rows { return givesAway{t} })},
		fault{"tag/row_yielded_keeps_its_texts", of(func(t *linearTx) store.Rows { return &oneBuffer{linearTx: t} })},
		fault{"tag/round_trip_bare", of(func(t *linearTx) store.Rows { return leavesTexts{t} })},
		fault{"tag/yield_writes", of(func(t *linearTx) store.Rows { return listsLive{t} })},
		fault{"tag/yield_fails", of(func(t *linearTx) store.Rows { return swallows{t} })},
		fault{"app_note/yield_fails", of(func(t *linearTx) store.Rows { return swallows{t} })},
		fault{"log/yield_fails", of(func(t *linearTx) store.Rows { return swallows{t} })},
		fault{"app_note/unique_slug/whole", of(func(t *linearTx) store.Rows { return halfKeys{t} })},
		fault{"pin/unique_note/whole", of(func(t *linearTx) store.Rows { return halfKeys{t} })},
		fault{"tag/zero_values", of(func(t *linearTx) store.Rows { return zeroIsNull{t} })},
		fault{"pin/reference_missing", of(func(t *linearTx) store.Rows { return wrongParent{t} })},
		fault{"pin/reference_held", of(func(t *linearTx) store.Rows { return takesAll{t} })},
	)
}

// keepsRow keeps the caller's row.
type keepsRow struct {
	*linearTx
	inserts, updates bool
}

func (m keepsRow) Insert(ctx context.Context, table *store.Table, row store.Row) error {
	err := m.linearTx.Insert(ctx, table, row)
	if err == nil && m.inserts {
		_, at := m.find(table, row[0].ID)
		m.replace(table, at, row)
	}
	return err
}

func (m keepsRow) Update(ctx context.Context, table *store.Table, row store.Row) error {
	err := m.linearTx.Update(ctx, table, row)
	if err == nil && m.updates {
		_, at := m.find(table, row[0].ID)
		m.replace(table, at, row)
	}
	return err
}

// keepsEvent keeps the caller's people, or the event.
type keepsEvent struct {
	*linearTx
	people bool
}

func (m keepsEvent) Append(ctx context.Context, l *store.Log, row store.Row, people [][16]byte) error {
	err := m.linearTx.Append(ctx, l, row, people)
	log := m.own.logs[l]
	if m.people {
		log.events[len(log.events)-1].people = people
	} else {
		log.events[len(log.events)-1].row = row
	}
	return err
}

// givesAway yields its own rows.
type givesAway struct{ *linearTx }

func (m givesAway) List(ctx context.Context, table *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	return m.linearTx.List(ctx, table, where, r, func(row store.Row) error {
		rows, at := m.find(table, row[0].ID)
		if at < 0 {
			return yield(row)
		}
		return yield(rows[at])
	})
}

// oneBuffer yields texts that all lie in the same place.
type oneBuffer struct {
	*linearTx
	buffer [1 << 12]byte
}

func (m *oneBuffer) List(ctx context.Context, table *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	return m.linearTx.List(ctx, table, where, r, func(row store.Row) error {
		at := 0
		for i := range row {
			if n := copy(m.buffer[at:], row[i].Text); n > 0 && n == len(row[i].Text) {
				row[i].Text = unsafe.String(&m.buffer[at], n)
				at += n
			}
		}
		return yield(row)
	})
}

// leavesTexts leaves in the row of a Get what null does not overwrite.
type leavesTexts struct{ *linearTx }

func (m leavesTexts) Get(ctx context.Context, table *store.Table, id [16]byte, row store.Row) error {
	before := slices.Clone(row)
	err := m.linearTx.Get(ctx, table, id, row)
	for i := range row {
		if row[i].Null {
			row[i].Text = before[i].Text
		}
	}
	return err
}

// listsLive looks each row up when its turn comes.
type listsLive struct{ *linearTx }

func (m listsLive) List(ctx context.Context, table *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	left := r.Limit
	r.Limit = 1
	for more := true; more && left > 0; left-- {
		more = false
		err := m.linearTx.List(ctx, table, where, r, func(row store.Row) error {
			more = true
			r.After = place(row, r.Sort)
			return yield(row)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// swallows takes an error of yield for its own end.
type swallows struct{ *linearTx }

func (m swallows) List(ctx context.Context, table *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	_ = m.linearTx.List(ctx, table, where, r, yield)
	return nil
}

func (m swallows) Events(ctx context.Context, l *store.Log, where []store.Cond, span store.LogSpan, yield func(int64, store.Row) error) (int64, bool, error) {
	next, done, _ := m.linearTx.Events(ctx, l, where, span, yield)
	return next, done, nil
}

// halfKeys takes the first column of a key for the whole.
type halfKeys struct{ *linearTx }

func (m halfKeys) Insert(ctx context.Context, table *store.Table, row store.Row) error {
	for _, key := range table.Unique {
		if n, err := m.Count(ctx, table, []store.Cond{one(key.Columns[0], row[key.Columns[0]])}); n > 0 || err != nil {
			return table.Taken(key.Field)
		}
	}
	return m.linearTx.Insert(ctx, table, row)
}

// zeroIsNull takes a text without letters for null.
type zeroIsNull struct{ *linearTx }

func (m zeroIsNull) Insert(ctx context.Context, table *store.Table, row store.Row) error {
	row = slices.Clone(row)
	for i, column := range table.Columns {
		if column.Type == store.Text && column.Null {
			row[i].Null = row[i].Text == ""
		}
	}
	return m.linearTx.Insert(ctx, table, row)
}

// wrongParent says of a row without a parent that the row itself is not there.
type wrongParent struct{ *linearTx }

func (m wrongParent) Insert(ctx context.Context, table *store.Table, row store.Row) error {
	for i, column := range table.Columns {
		if column.References != nil && !row[i].Null {
			if _, at := m.find(column.References, row[i].ID); at < 0 {
				return table.NotFound(row[0].ID)
			}
		}
	}
	return m.linearTx.Insert(ctx, table, row)
}

// takesAll deletes a row and then says that it is needed.
type takesAll struct{ *linearTx }

func (m takesAll) Delete(ctx context.Context, table *store.Table, id [16]byte) error {
	if err := m.linearTx.Delete(ctx, table, id); err != nil {
		return err
	}
	return &store.Error{Code: store.ErrReferenced, Kind: table.Kind, Key: table.NotFound(id).(*store.Error).Key}
}
