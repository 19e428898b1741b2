package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Stats are figures about a Store, to show or to watch.
type Stats struct {
	PageSize  int64 // bytes
	Pages     int64 // all pages of the database, including the free ones
	FreePages int64 // kept for later use; VACUUM releases them
	LogBytes  int64 // size of the write-ahead log; a checkpoint empties it, and seldom makes it smaller

	Waiting int    // writers of this Store that wait for their turn
	Writes  uint64 // transactions that this Store has committed since it was opened
	// Slowest are the transactions that held the write lock longest, at most 20: for each purpose, the longest
	// of the last ten minutes.
	Slowest []Hold
}

// Hold is how long a transaction held the write lock.
type Hold struct {
	Purpose string        // the name that tenancy gives to the method, such as "add member"; "" if it has none
	For     time.Duration // from its beginning to its end
	At      time.Time     // when it ended
}

// Stats returns figures about the database and about the writers of this Store. It does not count transactions
// that the host begins. It only reads, and waits for nobody.
//
// Errors: those of any read.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	stats := Stats{Waiting: int(s.waiting.Load()), Writes: s.holds.writes.Load(), Slowest: s.holds.slowest(clock())}
	err := s.onReader(ctx, func(conn *sql.Conn) error {
		for text, n := range map[string]*int64{
			`PRAGMA page_size`: &stats.PageSize, `PRAGMA page_count`: &stats.Pages, `PRAGMA freelist_count`: &stats.FreePages,
		} {
			if err := conn.QueryRowContext(ctx, text).Scan(n); err != nil {
				return err
			}
		}
		path, err := mainFile(ctx, conn)
		if err != nil {
			return err
		}
		if log, err := os.Stat(path + "-wal"); err == nil { // otherwise there is no log
			stats.LogBytes = log.Size()
		}
		return nil
	})
	if err != nil {
		return Stats{}, err
	}
	return stats, nil
}

// onReader runs fn with a connection that reads.
func (s *Store) onReader(ctx context.Context, fn func(conn *sql.Conn) error) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if s.readers != nil {
		r, err := s.readers.take(ctx)
		if err != nil {
			return err
		}
		defer s.readers.give(r, false)
		return translate(ctx, fn(r.conn))
	}
	conn, err := s.writers.db.Conn(ctx)
	if err != nil {
		return translate(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	return translate(ctx, fn(conn))
}

// mainFile is the path of the file that a connection has open.
func mainFile(ctx context.Context, conn *sql.Conn) (path string, err error) {
	err = conn.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path)
	return path, err
}

// clock is only for statistics: nothing stored depends on it.
func clock() time.Time { return time.Now() }

const (
	holdsFor   = 5 * time.Minute // there are two spans, so that the last ten minutes are covered
	mostHolds  = 20
	mostNamed  = 500 // purposes in a span; further ones share one name
	otherHolds = "others"
)

// holds records how long transactions held the write lock.
type holds struct {
	writes atomic.Uint64
	mu     sync.Mutex
	began  time.Time // the current span
	spans  [2]map[string]Hold
}

func (h *holds) note(purpose string, began, ended time.Time) {
	h.writes.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(ended)
	span := h.spans[0]
	if _, known := span[purpose]; !known && len(span) >= mostNamed {
		purpose = otherHolds
	}
	if took := ended.Sub(began); took >= span[purpose].For {
		span[purpose] = Hold{Purpose: purpose, For: took, At: ended}
	}
}

// turn begins a new span when the last one is over.
func (h *holds) turn(now time.Time) {
	switch age := now.Sub(h.began); {
	case h.spans[0] == nil || age >= 2*holdsFor:
		h.spans = [2]map[string]Hold{{}, nil}
	case age >= holdsFor:
		h.spans = [2]map[string]Hold{{}, h.spans[0]}
	default:
		return
	}
	h.began = now
}

func (h *holds) slowest(now time.Time) []Hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(now)
	longest := map[string]Hold{}
	for _, span := range h.spans {
		for purpose, one := range span {
			if one.For > longest[purpose].For {
				longest[purpose] = one
			}
		}
	}
	list := make([]Hold, 0, len(longest))
	for _, one := range longest {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Hold) int { return cmp.Or(cmp.Compare(b.For, a.For), cmp.Compare(a.Purpose, b.Purpose)) })
	return list[:min(len(list), mostHolds)]
}
