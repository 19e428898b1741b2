package sqlite

import (
	"database/sql"
	"runtime"
	"sync"
	"weak"

	"github.com/freehold-dev/freehold/store"
)

// session is what is known about a transaction while it lasts, shared by all that work in it. It must not refer
// to the *sql.Tx, which would then never be garbage collected.
type session struct {
	bases  []base
	inline [1]base // space for the first
	locked bool    // the transaction holds the write lock
	failed error   // the error that has ended the transaction
}

// base is the last position of a log that was committed before a transaction; see [rows.committed].
type base struct {
	log      *store.Log
	position int64
}

func (s *session) based(l *store.Log) (position int64, ok bool) {
	for _, b := range s.bases {
		if b.log == l {
			return b.position, true
		}
	}
	return 0, false
}

// base records the position of a log, unless it is recorded already.
func (s *session) base(l *store.Log, position int64) {
	if _, ok := s.based(l); !ok {
		if s.bases == nil {
			s.bases = s.inline[:0]
		}
		s.bases = append(s.bases, base{l, position})
	}
}

// sessions finds the session of a *sql.Tx, so that a second [Store.InTx] of it continues where the first one
// was. Its weak pointers keep no transaction alive.
type sessions struct {
	mu    sync.Mutex
	known map[weak.Pointer[sql.Tx]]*session
}

// of returns tx's session, a new one if there is none.
func (s *sessions) of(tx *sql.Tx) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[weak.Make(tx)]; known != nil {
		return known
	}
	fresh := &session{}
	s.add(tx, fresh)
	return fresh
}

// put records the session of tx.
func (s *sessions) put(tx *sql.Tx, its *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[weak.Make(tx)] == nil {
		s.add(tx, its)
	}
}

func (s *sessions) add(tx *sql.Tx, its *session) {
	if s.known == nil {
		s.known = make(map[weak.Pointer[sql.Tx]]*session)
	}
	key := weak.Make(tx)
	s.known[key] = its
	runtime.AddCleanup(tx, s.remove, key)
}

func (s *sessions) remove(key weak.Pointer[sql.Tx]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, key)
}
