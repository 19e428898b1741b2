// Package sqlite keeps tenancy in a SQLite file, through database/sql and the
// pure Go driver modernc.org/sqlite, or on a host's handle of another driver.
//
// For most uses, call [Open] with the path of a file: it creates the file and its
// tables, brings older tables up to date, and sets what makes SQLite safe and fast
// (write-ahead log, foreign keys, writers that queue). A program that keeps its own
// tables in the same file has three ways to commit a row of its own together with
// rows of tenancy:
//
//   - begin a transaction on [Store.DB], or on a handle of its own, and give the
//     Service [Store.InTx] of it;
//   - ask for the *sql.Tx under a Transact with [SQLTx];
//   - hand its own handle to [New], which changes nothing about it.
//
// The tables are made to be read, joined and referenced by the program's own; the
// comments in [Migrations] say how.
//
// Writers run one at a time. Those of one Store queue in the order of arrival;
// those of other handles and processes wait by asking again, for up to
// [Options.BusyTimeout]. Readers never wait for a writer. A statement that writes
// runs to its end: SQLite undoes the whole transaction when such a one is
// interrupted. The context is looked at before each statement and before the
// commit.
package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-dev/freehold/store"
)

// Store is a [store.Store] in a SQLite database, safe for concurrent use. Its
// errors carry a [store.Code]; what the driver said is behind Unwrap.
//
// A View sees the database as it was at its first read.
type Store struct {
	readers  *readers // nil on a host's handle, whose connections are not ours to keep
	writers  *pool
	queue    chan struct{} // holds the one writer of this Store
	closed   chan struct{}
	closing  sync.Once
	patience time.Duration
	sessions sessions
	waiting  atomic.Int64 // for the queue
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

// DB is the handle that writes: of an opened Store a pool of a single connection,
// whose transactions take the write lock as they begin. While a program holds a
// transaction of it, every other writer waits, and so does the program itself if it
// calls outside that transaction; see [Store.InTx]. Long reads are better done over
// a handle of the program's own. Of a Store made by [New] it is the host's handle.
func (s *Store) DB() *sql.DB { return s.writers.db }

// Close ends the Store: what comes after answers [store.ErrClosed], writers that
// wait included, and what runs may finish. A host's handle stays open. Closing
// again does nothing.
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

// Update implements [store.Store]. It waits until ctx ends for other writers of this
// Store, and for up to [Options.BusyTimeout] for those of other handles and processes:
// then it is [store.ErrBusy].
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

// open tells a closed Store and an ended context.
func (s *Store) open(ctx context.Context) error {
	select {
	case <-s.closed:
		return closedError
	default:
		return translate(ctx, ctx.Err())
	}
}

// enqueue waits for this Store's turn to write, in process: SQLite's own waiting is
// polling, which is slower by far and has no order.
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

// busyPause is how long a writer rests between two tries for a lock that another
// process holds, besides what SQLite itself waits.
const busyPause = 2 * time.Millisecond

// persist runs try again for as long as it answers busy, until ctx ends or patience
// is over.
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
