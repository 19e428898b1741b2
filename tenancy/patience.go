package tenancy

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// errWaited is why a transaction that did not begin in time was given up.
var errWaited = errors.New("waited too long for the database")

// patient opens a transaction that answers [ErrBusy] where it cannot begin within
// Config.WriteWait (rule G13). Most often the one who holds the database is the caller's
// own transaction, and the call would wait for itself.
func (s *Service) patient(ctx context.Context, open func(context.Context, func(store.Rows) error) error, fn func(store.Rows) error) error {
	wait := s.instance.config.WriteWait
	if s.txn != nil || wait < 0 {
		return open(ctx, fn)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var begun atomic.Bool
	timer := time.AfterFunc(wait, func() {
		if !begun.Load() {
			cancel(errWaited)
		}
	})
	defer timer.Stop()
	err := open(ctx, func(rows store.Rows) error {
		begun.Store(true)
		return fn(rows)
	})
	if err != nil && context.Cause(ctx) == errWaited {
		return &Error{
			Code: ErrBusy, Err: err,
			Reason: fmt.Sprintf("no turn at the database within %s: is a transaction of the caller's own open? Then join it with Service.Join", wait),
		}
	}
	return err
}

// updating is a writing transaction of the store.
func (s *Service) updating(ctx context.Context, fn func(store.Rows) error) error {
	return fromStore(s.patient(ctx, s.store.Update, fn))
}

// viewing is a reading one. It is patient only on a store whose readers can wait
// for a transaction: on the others a read should not pay for a context that can end.
func (s *Service) viewing(ctx context.Context, fn func(store.Rows) error) error {
	if wait := s.instance.readersWait; wait == nil || !wait.ReadersWait() {
		return fromStore(s.store.View(ctx, fn))
	}
	return fromStore(s.patient(ctx, s.store.View, fn))
}
