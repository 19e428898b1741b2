package tenancy

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// errWaited is the cause for canceling a transaction that did not begin in time.
var errWaited = errors.New("waited too long for the database")

// patient opens a transaction, and answers [ErrBusy] if it cannot begin within Config.WriteWait (rule G13).
// Most often the database is held by the caller's own transaction, so that the call would wait for itself.
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

// updating runs a writing transaction of the store.
func (s *Service) updating(ctx context.Context, fn func(store.Rows) error) error {
	return fromStore(s.patient(ctx, s.store.Update, fn))
}

// viewing runs a reading transaction. It waits with a limit only on a store whose readers may have to wait for
// a transaction. On other stores a read should not pay for a context with a timeout.
func (s *Service) viewing(ctx context.Context, fn func(store.Rows) error) error {
	if wait := s.instance.readersWait; wait == nil || !wait.ReadersWait() {
		return fromStore(s.store.View(ctx, fn))
	}
	return fromStore(s.patient(ctx, s.store.View, fn))
}
