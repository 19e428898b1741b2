// Package memory is a backend that keeps everything in the process: for tests, for experiments, and for programs
// that rebuild their state at each start.
//
// For most uses, give [New] to tenancy.New:
//
//	svc, err := tenancy.New(tenancy.Config{Store: memory.New()})
//
// Readers use an immutable snapshot and never wait. Writers run one at a time. Each writes to copies, which share
// what it does not change, and publishes everything at once. So Lock has nothing to do, and a rollback discards the
// copies. Rows are encoded in large slabs of bytes, and indexes hold 32-bit references to them: for the garbage
// collector, a million memberships are a few thousand objects.
package memory

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/freehold-dev/freehold/store"
)

// Store keeps rows in memory. It is safe for concurrent use and starts no goroutine. A table holds at most 16
// GiB of rows; beyond that, writes return [store.ErrStorageFull].
type Store struct {
	schemas  atomic.Pointer[[]*schema] // of the tables used so far, in the order of state.tables
	writer   chan struct{}             // holds one token while someone writes
	current  atomic.Pointer[state]     // what is committed; nil once closed
	learning sync.Mutex                // held to add to schemas
	probes   probes
}

var _ store.Store = (*Store)(nil)

// state is everything at one commit. It never changes. A table that is missing or nil is empty.
type state struct {
	tables []*table
}

// New returns an empty store. It needs no configuration.
func New() *Store {
	s := &Store{writer: make(chan struct{}, 1)}
	s.schemas.Store(&[]*schema{})
	s.current.Store(&state{})
	return s
}

// Close removes all rows. Later calls return [store.ErrClosed], and so does the commit of an Update that is
// running. A View that is running can finish. To close twice is no error.
func (s *Store) Close() error {
	s.current.Store(nil)
	return nil
}

// View runs fn on what is committed now. It never waits.
func (s *Store) View(ctx context.Context, fn func(store.Rows) error) error {
	base := s.current.Load()
	if base == nil {
		return closed()
	}
	if err := ctx.Err(); err != nil {
		return canceled(err)
	}
	tx := s.begin(base)
	defer tx.end()
	return tx.guard.Run(tx, true, fn)
}

// Update runs fn as the only writer, once. It waits for its turn until ctx ends. If ctx ends before the commit,
// nothing is kept.
func (s *Store) Update(ctx context.Context, fn func(store.Rows) error) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-s.writer }()
	base := s.current.Load()
	if base == nil {
		return closed()
	}
	tx := s.begin(base)
	defer tx.end()
	if err := tx.guard.Run(tx, false, fn); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return canceled(err)
	}
	return s.commit(tx)
}

func (s *Store) acquire(ctx context.Context) error {
	if s.current.Load() == nil {
		return closed()
	}
	if err := ctx.Err(); err != nil {
		return canceled(err)
	}
	select {
	case s.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return canceled(ctx.Err())
	}
}

// commit publishes what tx wrote, unless Close came first.
func (s *Store) commit(tx *tx) error {
	if tx.owned == nil {
		return nil
	}
	if !s.current.CompareAndSwap(tx.base, tx.result()) {
		return closed()
	}
	return nil
}

func closed() error {
	return &store.Error{Code: store.ErrClosed, Reason: "the store is closed"}
}

func canceled(cause error) error {
	return &store.Error{Code: store.ErrCanceled, Err: cause}
}
