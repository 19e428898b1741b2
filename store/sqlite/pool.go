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

// mostPrepared bounds the statements kept, for a pool or a reader. The filters have some hundreds of
// shapes in principle, and a program uses a few dozen; the rest run unprepared.
const mostPrepared = 256

func (p *pool) statement(text string) *sql.Stmt {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.prepared[text]
}

// learn prepares what is not prepared yet. It needs a connection, so it must not be
// called by whoever holds one. A statement that cannot be prepared now is prepared in
// each transaction that runs it, and tells there what is wrong with it.
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
		_ = stmt.Close() // another learned it meanwhile
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
	pool    *pool // whose statements serve
	tx      *sql.Tx
	foreign bool // tx is of another handle than the pool's, whose statements do not serve
	bound   map[string]*sql.Stmt
	missing []string // what the pool does not know yet
}

// statement is a statement prepared for the transaction: the pool's where it has
// one. The pool cannot learn it here, as that takes a connection and this
// transaction may hold the last one.
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

// fixed are the statements that a pool prepares ahead: those that nearly every
// transaction runs. The others are learned as they are met, or opening a file would
// take as long as a hundred of them.
func fixed() []string {
	return []string{beginText, savepoint, release, rollback, lockText}
}
