package sqlite

import (
	"database/sql"
	"runtime"
	"sync"
	"weak"
)

// session is what is known of a transaction for as long as it lasts, across all who
// work in it. It must not lead to the *sql.Tx, which would then never be collected.
type session struct {
	base   int64 // see [rows.committed]
	based  bool
	locked bool  // the write lock is held
	failed error // what has ended the transaction from within
}

// sessions finds the session of a *sql.Tx, so that a second [Store.InTx] of it
// continues where the first one was. It keeps no transaction alive.
type sessions struct {
	mu    sync.Mutex
	known map[weak.Pointer[sql.Tx]]*session
}

// of is tx's session, a new one if there is none.
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

// put says which session tx has.
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
