package servicetest

import (
	"context"
	"errors"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// ErrFault is what breaks; it carries a code of the store's own.
var ErrFault = errors.New("the disk is on fire")

// FaultCode is the code of a [Fault].
const FaultCode = tenancy.ErrStorageFull

// Fault is the error of a statement that breaks.
func Fault() error { return &tenancy.Error{Code: FaultCode, Err: ErrFault} }

// Fine is the hook of a [FaultStore] that breaks nothing.
func Fine() error { return nil }

// FaultStore is a store whose transactions and statements meet hooks first, so
// that a test decides which of them fails, and how.
type FaultStore struct {
	Inner     store.Store
	Statement func() error // before each statement; its error is the statement's
	Commit    func() error // before each commit; its error rolls back
	Repeat    bool         // rolls the first attempt of each Update back and runs it again
	Begin     func()       // before each attempt
}

var _ store.Store = (*FaultStore)(nil)

// View breaks as its statements do; it has no commit.
func (s *FaultStore) View(ctx context.Context, fn func(store.Rows) error) error {
	return s.Inner.View(ctx, func(rows store.Rows) error { return fn(faultRows{rows, s}) })
}

// Update breaks as its statements do, or at its commit.
func (s *FaultStore) Update(ctx context.Context, fn func(store.Rows) error) error {
	attempt := func(commit func() error) error {
		return s.Inner.Update(ctx, func(rows store.Rows) error {
			s.Begin()
			if err := fn(faultRows{rows, s}); err != nil {
				return err
			}
			return commit()
		})
	}
	if s.Repeat {
		if err := attempt(func() error { return errRepeat }); !errors.Is(err, errRepeat) {
			return err
		}
	}
	return attempt(s.Commit)
}

// errRepeat rolls back an attempt that is to be made again.
const errRepeat = tenancy.Code("repeat")

// faultRows is a transaction of a FaultStore. It is no [store.Querier], so that reads go
// to the tables, one by one.
type faultRows struct {
	store.Rows
	store *FaultStore
}

func (r faultRows) Get(ctx context.Context, t *store.Table, id [16]byte, row store.Row) error {
	if err := r.store.Statement(); err != nil {
		return err
	}
	return r.Rows.Get(ctx, t, id, row)
}

func (r faultRows) List(ctx context.Context, t *store.Table, where []store.Cond, span store.Range, yield func(store.Row) error) error {
	if err := r.store.Statement(); err != nil {
		return err
	}
	return r.Rows.List(ctx, t, where, span, yield)
}

func (r faultRows) Count(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	if err := r.store.Statement(); err != nil {
		return 0, err
	}
	return r.Rows.Count(ctx, t, where)
}

func (r faultRows) CountTo(ctx context.Context, t *store.Table, where []store.Cond, limit int) (int, error) {
	if err := r.store.Statement(); err != nil {
		return 0, err
	}
	return store.CountTo(ctx, r.Rows, t, where, limit)
}

func (r faultRows) Insert(ctx context.Context, t *store.Table, row store.Row) error {
	if err := r.store.Statement(); err != nil {
		return err
	}
	return r.Rows.Insert(ctx, t, row)
}

func (r faultRows) Update(ctx context.Context, t *store.Table, row store.Row) error {
	if err := r.store.Statement(); err != nil {
		return err
	}
	return r.Rows.Update(ctx, t, row)
}

func (r faultRows) UpdateAll(ctx context.Context, t *store.Table, where []store.Cond, set []store.Set) (int, error) {
	if err := r.store.Statement(); err != nil {
		return 0, err
	}
	return r.Rows.UpdateAll(ctx, t, where, set)
}

func (r faultRows) Touch(ctx context.Context, t *store.Table, id [16]byte, micros int64) error {
	if err := r.store.Statement(); err != nil {
		return err
	}
	return r.Rows.Touch(ctx, t, id, micros)
}

func (r faultRows) Delete(ctx context.Context, t *store.Table, id [16]byte) error {
	if err := r.store.Statement(); err != nil {
		return err
	}
	return r.Rows.Delete(ctx, t, id)
}

func (r faultRows) DeleteAll(ctx context.Context, t *store.Table, where []store.Cond) (int, error) {
	if err := r.store.Statement(); err != nil {
		return 0, err
	}
	return r.Rows.DeleteAll(ctx, t, where)
}

func (r faultRows) Lock(ctx context.Context, keys ...store.LockKey) error {
	if err := r.store.Statement(); err != nil {
		return err
	}
	return r.Rows.Lock(ctx, keys...)
}

func (r faultRows) Savepoint(ctx context.Context, fn func() error) error {
	if err := r.store.Statement(); err != nil {
		return err
	}
	return r.Rows.Savepoint(ctx, fn)
}

func (r faultRows) Append(ctx context.Context, l *store.Log, event store.Row, people [][16]byte) error {
	if err := r.store.Statement(); err != nil {
		return err
	}
	return r.Rows.Append(ctx, l, event, people)
}

func (r faultRows) Prune(ctx context.Context, l *store.Log, before int64, limit int) (int, error) {
	if err := r.store.Statement(); err != nil {
		return 0, err
	}
	return r.Rows.Prune(ctx, l, before, limit)
}

func (r faultRows) Redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error) {
	if err := r.store.Statement(); err != nil {
		return 0, 0, err
	}
	return r.Rows.Redact(ctx, l, person, after, limit)
}
