package sqlite

import (
	"context"
	"database/sql"

	"github.com/freehold-dev/freehold/store/internal/sqlrows"
)

// exec runs a statement that writes, to its end, and returns how many rows it changed.
func (r *rows) exec(ctx context.Context, text string, args ...any) (int64, error) {
	result, err := r.run(ctx, text, args)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return n, r.failure(ctx, err)
}

func (r *rows) run(ctx context.Context, text string, args []any) (sql.Result, error) {
	if r.session.failed != nil {
		return nil, r.session.failed
	}
	ctx = context.WithoutCancel(ctx)
	stmt, err := r.statements.statement(ctx, text)
	if err != nil {
		return nil, r.failure(ctx, err)
	}
	result, err := stmt.ExecContext(ctx, args...)
	return result, r.failure(ctx, err)
}

// one returns the first row, or nil if there is none. It is for short reads, and does not watch ctx: that would
// cost more than the read.
func (r *rows) one(ctx context.Context, text string, width int, args ...any) ([]any, error) {
	var first []any
	err := r.read(context.WithoutCancel(ctx), text, args, width, func(cells []any) (bool, error) {
		first = cells
		return false, nil
	})
	return first, err
}

// read calls yield with the cells of each row until yield wants no more. The cells are valid until the next
// read; yield must not read.
func (r *rows) read(ctx context.Context, text string, args []any, width int, yield func([]any) (more bool, err error)) error {
	found, err := r.query(ctx, text, args)
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	cells, dest := r.scratch.row(width)
	more := true
	for more && found.Next() {
		if err := found.Scan(dest...); err != nil {
			return r.failure(ctx, err)
		}
		if more, err = yield(cells); err != nil {
			return err
		}
	}
	return r.failure(ctx, found.Err())
}

// gather reads all rows and calls use with their cells, width for each row. Nothing is open any more by then: a
// cursor would see what use writes, and would keep the log from being checkpointed. The cells are valid until
// use returns.
func (r *rows) gather(ctx context.Context, q *sqlrows.Query, width int, use func(cells []any) error) error {
	page := r.scratch.page
	r.scratch.page = nil // use may call gather, too
	err := r.read(ctx, q.String(), q.Args, width, func(cells []any) (bool, error) {
		page = append(page, cells...)
		return true, nil
	})
	if err == nil {
		err = use(page)
	}
	if cap(page) <= mostKept {
		clear(page)
		r.scratch.page = page[:0]
	}
	return err
}

func (r *rows) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if r.session.failed != nil {
		return nil, r.session.failed
	}
	stmt, err := r.statements.statement(ctx, text)
	if err != nil {
		return nil, r.failure(ctx, err)
	}
	found, err := stmt.QueryContext(ctx, args...)
	return found, r.failure(ctx, err)
}

// mostKept limits the cells that a scratch keeps for the next page: 1 MB.
const mostKept = 1 << 16

// scratch is memory that reads reuse.
type scratch struct {
	cells []any // a row is scanned into it
	dest  []any // pointers to cells
	page  []any
}

func (s *scratch) row(width int) (cells, dest []any) {
	if len(s.cells) < width {
		s.cells, s.dest = make([]any, width), make([]any, width)
		for i := range s.cells {
			s.dest[i] = &s.cells[i]
		}
	}
	return s.cells[:width], s.dest[:width]
}

// failure translates a statement's error. After an error that may have ended the transaction, every further
// statement fails with the same error: SQLite would run it outside of a transaction and keep it.
func (r *rows) failure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	ended := ends(err)
	err = translate(ctx, err)
	if ended {
		r.session.failed = err
	}
	return err
}
