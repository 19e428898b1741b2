package sqlite

import (
	"context"
	"time"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
)

// Sessions is how many transactions a Store knows of.
func Sessions(s *Store) int {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	return len(s.sessions.known)
}

// Prepared is how many statements a Store's writers keep.
func Prepared(s *Store) int {
	s.writers.mu.RLock()
	defer s.writers.mu.RUnlock()
	return len(s.writers.prepared)
}

// ListSQL is the statement of a list, with its arguments.
func ListSQL(t *store.Table, where []store.Cond, span store.Range) (string, []any) {
	q := sqlrows.List(t, where, span)
	return q.String(), q.Args
}

// Exec runs a statement in a transaction, behind the kit's back.
func Exec(ctx context.Context, r store.Rows, text string) error {
	_, err := r.(*rows).exec(ctx, text)
	return err
}

// OpenReaders is how many connections a Store reads with at the moment.
func OpenReaders(s *Store) int { return s.readers.db.Stats().OpenConnections }

// MostPrepared bounds Prepared.
const MostPrepared = mostPrepared

// Snapshot identifies the commit that a View reads, where one of the Store's own readers
// serves it, and is else nil: SQLite counts on each connection what others have committed.
func (r *rows) Snapshot() any {
	c, ok := r.statements.(*reader)
	if !ok {
		return nil
	}
	type snapshot struct {
		of      *reader
		version int
	}
	is := snapshot{of: c}
	stmt, err := c.statement(context.Background(), `PRAGMA data_version`)
	if err == nil {
		err = stmt.QueryRow().Scan(&is.version)
	}
	if err != nil {
		return nil
	}
	return is
}

// Holds are those of a Store.
type Holds struct{ h holds }

func NewHolds() *Holds { return &Holds{} }

func (h *Holds) Note(purpose string, began, ended time.Time) { h.h.note(purpose, began, ended) }

func (h *Holds) Slowest(now time.Time) []Hold { return h.h.slowest(now) }

// CodeOfResult is the code of a result of SQLite's.
func CodeOfResult(result int) store.Code {
	code, _ := explain(result)
	return code
}

// ResultOf is the result of SQLite's that an error of a driver's tells.
func ResultOf(err error) (int, bool) { return resultOf(err) }

// CheckpointAt is the size of a log that is cut.
const CheckpointAt = checkpointAt

// LogPath is where a Store looks for its write-ahead log.
func LogPath(s *Store) string { return s.checkpoints.path }
