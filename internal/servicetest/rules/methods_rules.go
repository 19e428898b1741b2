package rules

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

// methodRules are made from the table of methods.
func methodRules() []rule {
	return []rule{
		{"every method is in the table", over(tabled)},
		{"G7 isolation: what is not there or elsewhere is not_found", on(isolation)},
		{"G8 each writing method changes rows, and undone leaves none", on(undone)},
		{"G8 inside Transact a failing part undoes only itself", on(partly)},
		{"a context that has ended is canceled", on(canceled)},
		{"a closed store is closed", on(closed)},
		{"the outer Service inside a transaction is in_transaction at once", on(outer)},
		{"a reading method writes nothing", on(readers)},
	}
}

func tabled(t *testing.T, open servicetest.Opener) {
	w, table := newWorld(t, open, func(*tenancy.Config) {}), methods()
	groups := reflect.TypeFor[tenancy.Service]()
	for i := range groups.NumField() {
		group := groups.Field(i)
		if !group.IsExported() {
			continue
		}
		for j := range group.Type.NumMethod() {
			name := group.Name + "." + group.Type.Method(j).Name
			w.Contains(table, name, "a method without an entry: %s", name)
			delete(table, name)
		}
	}
	w.Empty(table, "entries without a method")
}

// eachMethod runs check as a subtest for every method, in order of name.
func eachMethod(w *world, check func(w *world, m method)) {
	table := methods()
	for _, name := range slices.Sorted(maps.Keys(table)) {
		w.each(name, func(w *world) { check(w, table[name]) })
	}
}

func isolation(w *world) {
	known := newCast(w)
	before := w.Dump()
	eachMethod(w, func(w *world, m method) {
		for name, change := range m.strange {
			w.each(name, func(w *world) {
				c := known
				change(&c)
				w.Failed(m.call(w.Ctx, w.Svc, c), tenancy.ErrNotFound, "")
				w.Equal(before, w.Dump())
				err := w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error { return m.call(ctx, tx, c) })
				if m.alone {
					w.Failed(err, tenancy.ErrInTransaction, "")
					return
				}
				w.Failed(err, tenancy.ErrNotFound, "")
				w.Equal(before, w.Dump())
			})
		}
	})
}

func undone(w *world) {
	c := newCast(w)
	before := w.Dump()
	eachMethod(w, func(w *world, m method) {
		if m.alone {
			w.standsAlone(m, c)
			return
		}
		w.Equal(servicetest.ErrStop, w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			w.NoError(m.call(ctx, tx, c))
			return servicetest.ErrStop
		}))
		w.Equal(before, w.Dump())
		w.Equal(servicetest.ErrStop, w.Store.Update(w.Ctx, func(rows store.Rows) error { // the host's own transaction
			_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
			w.NoError(err)
			w.NoError(m.call(w.Ctx, in, c))
			if m.writes && !m.log {
				w.differs(rows, before)
			}
			return servicetest.ErrStop
		}))
		w.Equal(before, w.Dump())
	})
}

// standsAlone checks that a method refuses to run in a transaction of either kind, at
// once and without a trace.
func (w *world) standsAlone(m method, c cast) {
	w.T.Helper()
	w.unchanged(func() {
		w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			w.Failed(m.call(ctx, tx, c), tenancy.ErrInTransaction, "")
			return nil
		}))
		w.NoError(w.Store.Update(w.Ctx, func(rows store.Rows) error {
			_, in, err := w.Svc.Join(w.Ctx, servicetest.Joined{Rows: rows, Over: w.Store})
			w.NoError(err)
			w.Failed(m.call(w.Ctx, in, c), tenancy.ErrInTransaction, "")
			return nil
		}))
	})
}

// differs checks that something but events was written: those are seen after the
// commit only.
func (w *world) differs(rows store.Rows, before servicetest.Dump) {
	w.T.Helper()
	after, err := servicetest.DumpOf(w.Ctx, rows)
	w.NoError(err)
	before.Events, after.Events = nil, nil
	w.NotEqual(before, after, "a method that writes wrote nothing")
}

func partly(w *world) {
	c := newCast(w)
	eachMethod(w, func(w *world, m method) {
		if m.alone {
			return
		}
		before := w.Dump()
		w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			err := tx.Transact(ctx, func(ctx context.Context, part *tenancy.Service) error {
				w.NoError(m.call(ctx, part, c))
				return servicetest.ErrStop
			})
			w.Equal(servicetest.ErrStop, err)
			for _, change := range m.strange {
				strange := c
				change(&strange)
				w.Error(m.call(ctx, tx, strange))
			}
			return nil
		}))
		w.Equal(before, w.Dump())
	})
}

func canceled(w *world) {
	c := newCast(w)
	before := w.Dump()
	ended, cancel := context.WithCancel(w.Ctx)
	cancel()
	late, stop := context.WithDeadline(w.Ctx, time.Now().Add(-time.Second))
	defer stop()
	eachMethod(w, func(w *world, m method) {
		for cause, ctx := range map[error]context.Context{context.Canceled: ended, context.DeadlineExceeded: late} {
			err := m.call(ctx, w.Svc, c)
			w.Failed(err, tenancy.ErrCanceled, "")
			w.ErrorIs(err, cause)
			w.Equal(before, w.Dump())
		}
		if m.alone {
			return
		}
		// It ends in the middle of a transaction: nothing is half done.
		err := w.Svc.Transact(w.Ctx, func(ctx context.Context, tx *tenancy.Service) error {
			ctx, cancel := context.WithCancel(ctx)
			w.NoError(m.call(ctx, tx, c))
			cancel()
			return m.call(ctx, tx, c)
		})
		w.Failed(err, tenancy.ErrCanceled, "")
		w.Equal(before, w.Dump())
	})
}

func closed(w *world) {
	c := newCast(w)
	shut, ok := w.Store.(interface{ Close() error })
	w.True(ok, "the store has no Close")
	w.NoError(shut.Close())
	eachMethod(w, func(w *world, m method) {
		w.Failed(m.call(w.Ctx, w.Svc, c), tenancy.ErrClosed, "")
	})
	err := w.Svc.Transact(w.Ctx, func(context.Context, *tenancy.Service) error { return nil })
	w.Failed(err, tenancy.ErrClosed, "")
}

func outer(w *world) {
	c := newCast(w)
	before := w.Dump()
	w.NoError(w.Svc.Transact(w.Ctx, func(ctx context.Context, _ *tenancy.Service) error {
		eachMethod(w, func(w *world, m method) {
			w.Failed(m.call(ctx, w.Svc, c), tenancy.ErrInTransaction, "")
		})
		err := w.Svc.Transact(ctx, func(context.Context, *tenancy.Service) error { return errors.New("it ran") })
		w.Failed(err, tenancy.ErrInTransaction, "")
		return nil
	}))
	w.Equal(before, w.Dump())
}

func readers(w *world) {
	c := newCast(w)
	eachMethod(w, func(w *world, m method) {
		if !m.writes {
			w.silent(func() error { return m.call(w.Ctx, w.Svc, c) })
		}
	})
}
