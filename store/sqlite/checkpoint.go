package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Sizes of the write-ahead log, in bytes.
const (
	// checkpointAt is the size that begins a checkpoint. Each further growth by this size begins another one.
	checkpointAt = 16 << 20
	// checkpointHard is the size from which the next checkpoint waits longer for readers and other processes.
	checkpointHard = 48 << 20
)

// How long the end of a checkpoint waits for readers, and for writers of other processes. Writers of this Store
// wait meanwhile.
const (
	checkpointWait     = 5 * time.Millisecond
	checkpointHardWait = 100 * time.Millisecond
)

// mostLeft is how many pages may be left for the end of a checkpoint, during which writers wait.
const mostLeft = 1_000

// checkpoints limits the write-ahead log. SQLite itself moves the log into the database in the commit that
// brings it over 1,000 pages. If one process writes, that alone is best: measured on two processors, a
// checkpoint beside the writers cost them as much as it saved. But if several processes write, or somebody
// reads for long, SQLite never starts the moved log again from its beginning. So a long log is moved and cut on
// its own connection. The last part of that takes its turn among the writers of this Store.
type checkpoints struct {
	db      *sql.DB // nil: the host's handle does checkpoints itself
	path    string  // of the log
	mu      sync.Mutex
	ended   bool // no checkpoint may begin any more
	running sync.WaitGroup
	busy    atomic.Bool
	next    atomic.Int64 // the size that begins the next one
}

func newCheckpoints(db *sql.DB, path string) *checkpoints {
	if abs, err := filepath.Abs(path); err == nil { // the working directory may change
		path = abs
	}
	if target, err := filepath.EvalSymlinks(path); err == nil { // SQLite keeps the log beside the target
		path = target
	}
	c := &checkpoints{db: db, path: path + "-wal"}
	c.next.Store(checkpointAt)
	return c
}

// committed begins a checkpoint if the log is long and no checkpoint is running.
func (s *Store) committed() {
	c := s.checkpoints
	if c == nil || c.busy.Load() {
		return
	}
	size := c.size()
	if size < c.next.Load() {
		if size < checkpointAt { // the log has been cut
			c.next.Store(checkpointAt)
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || !c.busy.CompareAndSwap(false, true) {
		return
	}
	c.running.Go(func() {
		defer c.busy.Store(false)
		s.checkpoint(size >= checkpointHard)
		c.next.Store(c.size() + checkpointAt)
	})
}

func (c *checkpoints) size() int64 {
	log, err := os.Stat(c.path)
	if err != nil {
		return 0
	}
	return log.Size()
}

// checkpoint moves the log. Then, in its turn among the writers, it moves what was written meanwhile, and cuts
// the log. If a step fails, it is tried again later, when the log is longer.
func (s *Store) checkpoint(hard bool) {
	ctx := context.Background()
	c := s.checkpoints
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	var busy, frames, moved int
	err = conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &frames, &moved)
	if err != nil || frames-moved > mostLeft {
		return
	}
	wait := checkpointWait
	if hard {
		wait = checkpointHardWait
	}
	if _, err := conn.ExecContext(ctx, `PRAGMA busy_timeout = `+milliseconds(wait)); err != nil {
		return
	}
	if s.enqueue(ctx) != nil { // the Store is closed
		return
	}
	defer func() { <-s.queue }()
	_, _ = conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
}

// close waits for a running checkpoint, and lets no other one begin.
func (c *checkpoints) close() error {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.running.Wait()
	return c.db.Close()
}
