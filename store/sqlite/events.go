package sqlite

import (
	"context"
	"database/sql"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/tenancy"
)

const (
	// sequenceText gives the highest position ever given, which outlives the rows.
	sequenceText = `SELECT seq FROM sqlite_sequence WHERE name = 'tenancy_events'`
	personText   = `INSERT OR IGNORE INTO tenancy_event_people (position, user_id) VALUES (?, ?)`
	floorText    = `SELECT position FROM tenancy_event_floor WHERE id = 1`
)

func (r *rows) Append(ctx context.Context, t *store.Table, row store.Row, people []tenancy.UserID) error {
	if len(people) == 0 {
		return r.insertEvent(ctx, t, row, nil)
	}
	return r.Savepoint(ctx, func() error { return r.insertEvent(ctx, t, row, people) })
}

func (r *rows) insertEvent(ctx context.Context, t *store.Table, row store.Row, people []tenancy.UserID) error {
	args := make([]any, len(row))
	for i := range row {
		args[i] = bind(t, i, &row[i])
	}
	result, err := r.run(ctx, statementsOf(t).insert, args)
	if err != nil {
		return err
	}
	position, err := result.LastInsertId()
	if err != nil {
		return r.failure(ctx, err)
	}
	if !r.session.based {
		r.session.base, r.session.based = position-1, true
	}
	for _, person := range people {
		if _, err := r.exec(ctx, personText, position, person.String()); err != nil {
			return err
		}
	}
	return nil
}

func (r *rows) Last(ctx context.Context) (tenancy.Position, error) {
	last, err := r.committed(ctx)
	return tenancy.Position(last), err
}

// committed is the last position that was committed before this transaction, which
// sees its own beyond it (rule E1). It is fixed by the first to ask or to append: what
// was committed by then is in the transaction's snapshot, and while that lasts
// nothing but its own comes after.
func (r *rows) committed(ctx context.Context) (int64, error) {
	if r.session.based {
		return r.session.base, nil
	}
	cells, err := r.one(ctx, sequenceText, 1)
	if err != nil {
		return 0, err
	}
	if cells != nil {
		r.session.base = number(cells[0])
	}
	r.session.based = true
	return r.session.base, nil
}

const pruneText = `
SELECT max(position) FROM (
	SELECT position FROM tenancy_events
	WHERE position < coalesce((
		SELECT position FROM (SELECT position, time FROM tenancy_events ORDER BY position LIMIT :limit)
		WHERE time >= :before ORDER BY position LIMIT 1), 9223372036854775807)
	ORDER BY position LIMIT :limit)`

// Prune takes the oldest in the order of positions, which is nearly that of times,
// and stops at the first that is too young.
func (r *rows) Prune(ctx context.Context, before int64, limit int) (int, error) {
	var floor int64
	args := []any{sql.Named("limit", int64(limit)), sql.Named("before", before)}
	err := r.read(ctx, pruneText, args, 1, func(cells []any) (bool, error) {
		floor = number(cells[0])
		return false, nil
	})
	if err != nil || floor == 0 {
		return 0, err
	}
	var gone int64
	err = r.Savepoint(ctx, func() (err error) {
		gone, err = r.pruneTo(ctx, floor)
		return err
	})
	return int(gone), err
}

func (r *rows) pruneTo(ctx context.Context, floor int64) (int64, error) {
	if _, err := r.exec(ctx, `DELETE FROM tenancy_event_people WHERE position <= ?`, floor); err != nil {
		return 0, err
	}
	if _, err := r.exec(ctx, `UPDATE tenancy_event_floor SET position = ? WHERE id = 1`, floor); err != nil {
		return 0, err
	}
	return r.exec(ctx, `DELETE FROM tenancy_events WHERE position <= ?`, floor)
}

const redactText = `
UPDATE tenancy_events SET data = NULL, previous = NULL, redacted = 1
WHERE redacted = 0 AND position IN (
	SELECT position FROM tenancy_events WHERE user_id = ?
	UNION SELECT position FROM tenancy_event_people WHERE user_id = ?)`

func (r *rows) Redact(ctx context.Context, person tenancy.UserID) (int, error) {
	n, err := r.exec(ctx, redactText, person.String(), person.String())
	return int(n), err
}
