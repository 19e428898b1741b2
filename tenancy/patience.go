package tenancy

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// errWaited is why a transaction that did not begin in time was given up.
var errWaited = errors.New("waited too long for the database")

// patient opens a transaction that answers [ErrBusy] where it cannot begin within
// Config.WriteWait (rule G13). Most often the one who holds the database is the caller's
// own transaction, and the call would wait for itself.
func (s *Service) patient(ctx context.Context, open func(context.Context, func(Tx) error) error, fn func(Tx) error) error {
	wait := s.family.config.WriteWait
	if s.within != nil || wait < 0 {
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
	err := open(ctx, func(tx Tx) error {
		begun.Store(true)
		return fn(tx)
	})
	if err != nil && context.Cause(ctx) == errWaited {
		return &Error{
			Code: ErrBusy, Err: err,
			Reason: fmt.Sprintf("no turn at the database within %s: is a transaction of the caller's own open? Then join it with Service.WithStore", wait),
		}
	}
	return err
}

// updating is a writing transaction of the store.
func (s *Service) updating(ctx context.Context, fn func(Tx) error) error {
	return s.patient(ctx, s.store.Update, fn)
}

// viewing is a reading one. It is patient only on a store whose readers can wait
// for a transaction: on the others a read should not pay for a context that can end.
func (s *Service) viewing(ctx context.Context, fn func(Tx) error) error {
	if !s.family.readersWait {
		return s.store.View(ctx, fn)
	}
	return s.patient(ctx, s.store.View, fn)
}
