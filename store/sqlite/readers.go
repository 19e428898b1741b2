package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
)

// readers are the connections with which an opened Store reads. Each is kept out of its pool forever, with its
// own prepared statements. A read of one row costs 1.2 times a bare one that way. In a *sql.Tx, which starts a
// goroutine for itself and one for each query, it costs 1.8 times a bare one.
type readers struct {
	db    *sql.DB
	slots chan struct{} // one for each reader in use
	mu    sync.Mutex
	idle  []*reader // the last used one is taken first, because its cache is warm
	ended bool
}

// reader is one connection.
type reader struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	scratch  scratch
}

func newReaders(db *sql.DB, size int) *readers {
	return &readers{db: db, slots: make(chan struct{}, size)}
}

// take waits for a reader.
func (p *readers) take(ctx context.Context) (*reader, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, translate(ctx, ctx.Err())
	}
	p.mu.Lock()
	if last := len(p.idle) - 1; last >= 0 {
		c := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	conn, err := p.db.Conn(ctx)
	if err != nil {
		<-p.slots
		return nil, translate(ctx, err)
	}
	return &reader{conn: conn, prepared: make(map[string]*sql.Stmt)}, nil
}

// give returns a reader to the pool; a lost one is closed.
func (p *readers) give(c *reader, lost bool) {
	p.mu.Lock()
	defer func() { p.mu.Unlock(); <-p.slots }()
	switch {
	case lost:
		c.forget()
		_ = c.conn.Raw(func(any) error { return driver.ErrBadConn }) // otherwise it goes back to the pool as it is
		_ = c.conn.Close()
	case p.ended:
		c.close()
	default:
		p.idle = append(p.idle, c)
	}
}

// close closes the connections. Those in use are closed when they are returned.
func (p *readers) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
	return p.db.Close()
}

// view runs fn in a read transaction of one of the readers.
func (p *readers) view(ctx context.Context, fn func(*rows) error) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	lost := true
	defer func() { p.give(c, lost) }()
	if err := c.exec(ctx, `BEGIN`); err != nil {
		return translate(ctx, err)
	}
	defer func() { lost = c.exec(ctx, `ROLLBACK`) != nil }()
	return fn(&rows{statements: c, session: &session{}, scratch: &c.scratch})
}

// statement returns the prepared statement of a text.
func (c *reader) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt := c.prepared[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := c.conn.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, err
	}
	if len(c.prepared) >= mostPrepared {
		c.forget()
	}
	c.prepared[text] = stmt
	return stmt, nil
}

func (c *reader) exec(ctx context.Context, text string) error {
	stmt, err := c.statement(ctx, text)
	if err == nil {
		_, err = stmt.ExecContext(context.WithoutCancel(ctx))
	}
	return err
}

// forget closes the statements. database/sql does not do that for those of a *sql.Conn, and SQLite keeps a
// connection that has an open statement.
func (c *reader) forget() {
	for _, stmt := range c.prepared {
		_ = stmt.Close()
	}
	clear(c.prepared)
}

func (c *reader) close() {
	c.forget()
	_ = c.conn.Close()
}
