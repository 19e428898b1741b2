package tenancy_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/freehold-dev/freehold/internal/servicetest"
	"github.com/freehold-dev/freehold/internal/servicetest/rules"
	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/storetest"
	"github.com/freehold-dev/freehold/tenancy"
)

func openClosable(*testing.T) store.Store { return &closable{Weak: storetest.NewWeak()} }

// closable gives the weak store the end that every other has.
type closable struct {
	*storetest.Weak
	closed atomic.Bool
}

func (c *closable) Close() error {
	c.closed.Store(true)
	return nil
}

func (c *closable) View(ctx context.Context, fn func(store.Rows) error) error {
	if c.closed.Load() {
		return tenancy.ErrClosed
	}
	return c.Weak.View(ctx, fn)
}

func (c *closable) Update(ctx context.Context, fn func(store.Rows) error) error {
	if c.closed.Load() {
		return tenancy.ErrClosed
	}
	return c.Weak.Update(ctx, fn)
}

func TestService(t *testing.T) { rules.Run(t, onMemory) }

// TestServiceOnWeak: the rules hold where only Lock excludes.
func TestServiceOnWeak(t *testing.T) {
	rules.Run(t, servicetest.Backend{Open: openClosable, Kind: servicetest.Weak})
}
