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
	// checkpointAt begins a checkpoint, and begins another whenever as much has come since.
	checkpointAt = 16 << 20
	// checkpointHard makes the next one wait longer for readers and for other processes.
	checkpointHard = 48 << 20
)

// How long the end of a checkpoint waits for readers, and for writers of other processes,
// while writers of this Store wait for it.
const (
	checkpointWait     = 5 * time.Millisecond
	checkpointHardWait = 100 * time.Millisecond
)

// mostLeft is how many pages may be left to the end of a checkpoint, for which writers wait.
const mostLeft = 1_000

// checkpoints bounds the write-ahead log. SQLite has the writer move it into the database whose
// commit brings it over 1,000 pages, and that alone is best where one process writes: measured on
// two processors, a checkpoint beside the writers took from them what it spared them. But where
// several processes write, or somebody reads for long, a log that was moved never begins anew. So
// one that is long is moved and cut on a connection of its own, the last part of it in turn with
// the writers of this Store.
type checkpoints struct {
	db      *sql.DB // nil: a host's handle, which does it by itself
	path    string  // of the log
	mu      sync.Mutex
	ended   bool // no more begin
	running sync.WaitGroup
	busy    atomic.Bool
	next    atomic.Int64 // the size that begins one
}

func newCheckpoints(db *sql.DB, path string) *checkpoints {
	if abs, err := filepath.Abs(path); err == nil { // the directory may change
		path = abs
	}
	if target, err := filepath.EvalSymlinks(path); err == nil { // where SQLite keeps the log
		path = target
	}
	c := &checkpoints{db: db, path: path + "-wal"}
	c.next.Store(checkpointAt)
	return c
}

// committed begins a checkpoint where the log is long and none is under way.
func (s *Store) committed() {
	c := s.checkpoints
	if c == nil || c.busy.Load() {
		return
	}
	size := c.size()
	if size < c.next.Load() {
		if size < checkpointAt { // it was cut
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

// checkpoint moves the log, and then, in turn with the writers, what came meanwhile, and cuts it. What fails is tried again later, when the log is longer.
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
	if s.enqueue(ctx) != nil { // closed
		return
	}
	defer func() { <-s.queue }()
	_, _ = conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
}

// close waits for a checkpoint that is under way, and lets none begin.
func (c *checkpoints) close() error {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.running.Wait()
	return c.db.Close()
}
