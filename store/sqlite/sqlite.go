// Package sqlite keeps tenancy in an SQLite file, through database/sql and the pure Go driver modernc.org/sqlite,
// or on a host's handle of another driver.
//
// For most uses, call [Open] with the path of a file. It creates the file and its tables, brings older tables up to
// date, and sets what makes SQLite safe and fast (write-ahead log, foreign keys, writers that queue). A program that
// keeps its own tables in the same file can commit its own rows together with rows of tenancy in three ways:
//
//   - begin a transaction on [Store.DB], or on a handle of its own, and give the Service [Store.InTx] of it;
//   - get the *sql.Tx under a Transact with [SQLTx];
//   - give its own handle to [New], which changes nothing about it.
//
// The program may read and join the tables, and its own tables may reference them; the comments in [Migrations] say
// how.
//
// Writers run one at a time. Writers of one Store queue in the order of their arrival. Writers of other handles and
// processes try again and again, for up to [Options.BusyTimeout]. Readers never wait for a writer. A statement that
// writes always runs to its end, because SQLite undoes the whole transaction when such a statement is interrupted.
// The Store checks the context before each statement and before the commit.
package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Store is a [store.Store] in an SQLite database. It is safe for concurrent use. Its errors have a
// [store.Code]; Unwrap returns the driver's error.
//
// A View sees the database as it was at the View's first read.
type Store struct {
	readers  *readers // nil on a host's handle, whose connections the Store must not keep
	writers  *pool
	queue    chan struct{} // holds a token of the one writer of this Store
	closed   chan struct{}
	closing  sync.Once
	patience time.Duration
	sessions sessions
	waiting  atomic.Int64 // number of writers in the queue
	holds    holds

	checkpoints *checkpoints // nil on a host's handle
}

func newStore(readers *readers, writers *pool, patience time.Duration) *Store {
	return &Store{
		readers:  readers,
		writers:  writers,
		queue:    make(chan struct{}, 1),
		closed:   make(chan struct{}),
		patience: patience,
	}
}

// DB returns the handle that writes. For an opened Store it is a pool of a single connection, whose
// transactions take the write lock at their beginning. While a program has a transaction of it open, every
// other writer waits. The program itself waits, too, if it calls outside of that transaction; see [Store.InTx].
// For long reads, use a handle of your own. For a Store made by [New] it is the host's handle.
func (s *Store) DB() *sql.DB { return s.writers.db }

// Close closes the Store. Later calls return [store.ErrClosed], and so do writers that wait; calls that are
// running may finish. A host's handle stays open. To close again does nothing.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		if s.readers == nil {
			s.writers.forget()
			return
		}
		err = s.checkpoints.close()
		if rerr := s.readers.close(); err == nil {
			err = rerr
		}
		if werr := s.writers.db.Close(); err == nil {
			err = werr
		}
	})
	return translate(context.Background(), err)
}

// View implements [store.Store].
func (s *Store) View(ctx context.Context, fn func(store.Rows) error) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	read := func(r *rows) error { return r.guard.Run(r, true, fn) }
	if s.readers != nil {
		return s.readers.view(ctx, read)
	}
	t, err := s.begin(ctx, true)
	if err != nil {
		return err
	}
	defer t.end(ctx)
	return read(t.rows)
}

// Update implements [store.Store]. It waits until ctx ends for other writers of this Store. For writers of
// other handles and processes it waits up to [Options.BusyTimeout], and then returns [store.ErrBusy].
func (s *Store) Update(ctx context.Context, fn func(store.Rows) error) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.enqueue(ctx); err != nil {
		return err
	}
	defer func() { <-s.queue }()
	var t *transaction
	err := persist(ctx, s.patience, func() (err error) {
		t, err = s.begin(ctx, false)
		return err
	})
	if err != nil {
		return err
	}
	defer t.end(ctx)
	began := clock()
	if err := t.rows.guard.Run(t.rows, false, fn); err != nil {
		return err
	}
	if err := t.commit(ctx); err != nil {
		return err
	}
	s.holds.note(store.PurposeOf(ctx), began, clock())
	s.committed()
	return nil
}

// open returns an error for a closed Store and an ended context.
func (s *Store) open(ctx context.Context) error {
	select {
	case <-s.closed:
		return closedError
	default:
		return translate(ctx, ctx.Err())
	}
}

// enqueue waits, in the process, for this Store's turn to write. SQLite's own waiting is polling, which is far
// slower and has no order.
func (s *Store) enqueue(ctx context.Context) error {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	select {
	case s.queue <- struct{}{}:
		return nil
	case <-s.closed:
		return closedError
	case <-ctx.Done():
		return translate(ctx, ctx.Err())
	}
}

// busyPause is how long a writer pauses between two tries for a lock of another process, in addition to
// SQLite's own wait.
const busyPause = 2 * time.Millisecond

// persist calls try again for as long as it returns busy, until ctx ends or patience is over.
func persist(ctx context.Context, patience time.Duration, try func() error) error {
	err := try()
	if store.CodeOf(err) != store.ErrBusy {
		return err
	}
	patient, stop := context.WithTimeout(ctx, patience)
	defer stop()
	pause := time.NewTicker(busyPause)
	defer pause.Stop()
	for store.CodeOf(err) == store.ErrBusy {
		select {
		case <-pause.C:
			err = try()
		case <-patient.Done():
			if ctx.Err() != nil {
				return translate(ctx, ctx.Err())
			}
			return err
		}
	}
	return err
}
