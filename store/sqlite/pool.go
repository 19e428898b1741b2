package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// pool is a handle and the statements prepared on it, by their text.
type pool struct {
	db       *sql.DB
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
}

// mostPrepared limits the prepared statements of a pool or a reader. Filters can have some hundreds of shapes,
// and a program uses a few dozen; the rest run unprepared.
const mostPrepared = 256

func (p *pool) statement(text string) *sql.Stmt {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.prepared[text]
}

// learn prepares the statements that are not prepared yet. It needs a connection, so a caller that holds one
// must not call it. A statement that cannot be prepared now is prepared in each transaction that runs it, and
// reports its error there.
func (p *pool) learn(ctx context.Context, texts []string) {
	for _, text := range texts {
		if ctx.Err() != nil || p.full() || p.statement(text) != nil {
			continue
		}
		if stmt, err := p.db.PrepareContext(ctx, text); err == nil {
			p.keep(text, stmt)
		}
	}
}

func (p *pool) full() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.prepared) >= mostPrepared
}

func (p *pool) keep(text string, stmt *sql.Stmt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.prepared == nil {
		p.prepared = make(map[string]*sql.Stmt)
	}
	if other := p.prepared[text]; other != nil {
		_ = stmt.Close() // another call learned it meanwhile
		return
	}
	p.prepared[text] = stmt
}

// forget closes the statements and leaves the handle open.
func (p *pool) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stmt := range p.prepared {
		_ = stmt.Close()
	}
	p.prepared = nil
}

// txStatements are the statements of one *sql.Tx, by their text.
type txStatements struct {
	pool    *pool // its statements are used
	tx      *sql.Tx
	foreign bool // tx is of another handle than the pool, so the pool's statements cannot be used
	bound   map[string]*sql.Stmt
	missing []string // not yet in the pool
}

// statement returns a statement for the transaction: the pool's prepared one if there is one. The pool cannot
// learn the statement here, because that needs a connection, and this transaction may hold the last one.
func (s *txStatements) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt := s.bound[text]; stmt != nil {
		return stmt, nil
	}
	ctx = context.WithoutCancel(ctx)
	var stmt *sql.Stmt
	if prepared := s.pool.statement(text); prepared != nil && !s.foreign {
		stmt = s.tx.StmtContext(ctx, prepared)
	} else {
		var err error
		if stmt, err = s.tx.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
		s.missing = append(s.missing, text)
	}
	if s.bound == nil {
		s.bound = make(map[string]*sql.Stmt)
	}
	s.bound[text] = stmt
	return stmt, nil
}

// fixed are the statements that a pool prepares in advance: those that nearly every transaction runs. The
// others are learned at their first use. Otherwise, to open a file would take as long as to prepare a hundred
// statements.
func fixed() []string {
	return []string{beginText, savepoint, release, rollback, lockText}
}
