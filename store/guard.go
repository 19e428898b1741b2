package store

import (
	"context"
	"slices"
)

// Guard checks the calls of one transaction before the [Rows] of a backend get them. It refuses:
//
//   - anything after the transaction's end ([ErrClosed]);
//   - anything with a context that has ended ([ErrCanceled]);
//   - a write in a View ([ErrReadOnly]);
//   - a function that is nil ([ErrInvalid], with the field "fn" or "yield");
//   - a list along a column that is not among Table.Orders, a limit below 1, a Touch of a table that has no
//     such column, an UpdateAll or a DeleteAll without a condition, and an UpdateAll of no column or of one
//     that must not be set, see [Set] ([ErrInvalid], checked in this order after the above).
//
// It answers a condition [OneOf] without values itself, because no row passes it. It sorts the keys of a Lock
// and removes duplicates. It adds to a list the condition that its sort column is not null.
//
// A backend embeds a Guard by value in the object that it makes for each transaction. That costs no allocation.
type Guard struct {
	rows     Rows
	readOnly bool
	ended    bool
}

// Run puts the Guard in front of rows, calls fn with it, and ends it when fn returns or panics. A backend calls
// Run inside View, with readOnly set, and inside Update.
func (g *Guard) Run(rows Rows, readOnly bool, fn func(Rows) error) error {
	if fn == nil {
		return isNil("fn")
	}
	*g = Guard{rows: rows, readOnly: readOnly}
	defer func() { g.ended = true }()
	return fn(g)
}

// Underlying returns the rows that a backend passed to [Guard.Run], so that the backend finds its own
// transaction again. ok is false after the transaction's end, and for Rows without a Guard. Underlying looks
// through wrappers that have a method Unwrap() Rows.
func Underlying(r Rows) (rows Rows, ok bool) {
	for {
		switch x := r.(type) {
		case *Guard:
			return x.rows, !x.ended
		case interface{ Unwrap() Rows }:
			r = x.Unwrap()
		default:
			return nil, false
		}
	}
}

func (g *Guard) mayRead(ctx context.Context) error {
	if g.ended {
		return &Error{Code: ErrClosed, Reason: "the transaction has ended"}
	}
	if err := ctx.Err(); err != nil {
		return &Error{Code: ErrCanceled, Err: err}
	}
	return nil
}

func (g *Guard) mayWrite(ctx context.Context) error {
	if err := g.mayRead(ctx); err != nil {
		return err
	}
	if g.readOnly {
		return &Error{Code: ErrReadOnly, Reason: "a view does not write"}
	}
	return nil
}

func isNil(field string) *Error { return &Error{Code: ErrInvalid, Field: field, Reason: "is nil"} }

// nothing reports whether no row can pass the conditions.
func nothing(where []Cond) bool {
	for i := range where {
		if where[i].Op == OneOf && len(where[i].Values) == 0 {
			return true
		}
	}
	return false
}

// Get implements [Rows].
func (g *Guard) Get(ctx context.Context, t *Table, id [16]byte, row Row) error {
	if err := g.mayRead(ctx); err != nil {
		return err
	}
	return g.rows.Get(ctx, t, id, row)
}

// List implements [Rows].
func (g *Guard) List(ctx context.Context, t *Table, where []Cond, r Range, yield func(Row) error) error {
	if err := g.mayRead(ctx); err != nil {
		return err
	}
	if r.Sort != 0 && !slices.Contains(t.Orders, r.Sort) {
		return &Error{Code: ErrInvalid, Field: "order"}
	}
	if r.Limit < 1 {
		return &Error{Code: ErrInvalid, Field: "limit"}
	}
	if yield == nil {
		return isNil("yield")
	}
	if nothing(where) {
		return nil
	}
	if t.Columns[r.Sort].Null {
		where = append(slices.Clip(where), Cond{Column: r.Sort, Op: NotNull})
	}
	return g.rows.List(ctx, t, where, r, yield)
}

// Count implements [Rows].
func (g *Guard) Count(ctx context.Context, t *Table, where []Cond) (int, error) {
	if err := g.mayRead(ctx); err != nil || nothing(where) {
		return 0, err
	}
	return g.rows.Count(ctx, t, where)
}

// CountTo implements [LimitedCounter] with the backend's CountTo if it has one.
func (g *Guard) CountTo(ctx context.Context, t *Table, where []Cond, limit int) (int, error) {
	if err := g.mayRead(ctx); err != nil {
		return 0, err
	}
	if limit < 1 {
		return 0, &Error{Code: ErrInvalid, Field: "limit"}
	}
	if nothing(where) {
		return 0, nil
	}
	return CountTo(ctx, g.rows, t, where, limit)
}

// Insert implements [Rows].
func (g *Guard) Insert(ctx context.Context, t *Table, row Row) error {
	if err := g.mayWrite(ctx); err != nil {
		return err
	}
	return g.rows.Insert(ctx, t, row)
}

// Update implements [Rows].
func (g *Guard) Update(ctx context.Context, t *Table, row Row) error {
	if err := g.mayWrite(ctx); err != nil {
		return err
	}
	return g.rows.Update(ctx, t, row)
}

// UpdateAll implements [Rows].
func (g *Guard) UpdateAll(ctx context.Context, t *Table, where []Cond, set []Set) (int, error) {
	if err := g.mayWrite(ctx); err != nil {
		return 0, err
	}
	if len(where) == 0 {
		return 0, &Error{Code: ErrInvalid, Kind: t.Kind, Field: "filter", Reason: "constrains nothing"}
	}
	if len(set) == 0 {
		return 0, &Error{Code: ErrInvalid, Kind: t.Kind, Field: "set", Reason: "sets nothing"}
	}
	for i := range set {
		if !t.settable(set[i].Column) {
			return 0, &Error{Code: ErrInvalid, Kind: t.Kind, Field: "set", Reason: "has a column that is not set in many rows"}
		}
	}
	if nothing(where) {
		return 0, nil
	}
	return g.rows.UpdateAll(ctx, t, where, set)
}

// Touch implements [Rows].
func (g *Guard) Touch(ctx context.Context, t *Table, id [16]byte, micros int64) error {
	if err := g.mayWrite(ctx); err != nil {
		return err
	}
	if t.Touch == 0 {
		return &Error{Code: ErrInvalid, Kind: t.Kind, Reason: "nothing to touch"}
	}
	return g.rows.Touch(ctx, t, id, micros)
}

// Delete implements [Rows].
func (g *Guard) Delete(ctx context.Context, t *Table, id [16]byte) error {
	if err := g.mayWrite(ctx); err != nil {
		return err
	}
	return g.rows.Delete(ctx, t, id)
}

// DeleteAll implements [Rows].
func (g *Guard) DeleteAll(ctx context.Context, t *Table, where []Cond) (int, error) {
	if err := g.mayWrite(ctx); err != nil || nothing(where) {
		return 0, err
	}
	if len(where) == 0 {
		return 0, &Error{Code: ErrInvalid, Kind: t.Kind, Field: "filter", Reason: "constrains nothing"}
	}
	return g.rows.DeleteAll(ctx, t, where)
}

// Lock implements [Rows].
func (g *Guard) Lock(ctx context.Context, keys ...LockKey) error {
	if err := g.mayWrite(ctx); err != nil {
		return err
	}
	sorted := slices.SortedFunc(slices.Values(keys), LockKey.Compare)
	return g.rows.Lock(ctx, slices.Compact(sorted)...)
}

// Savepoint implements [Rows].
func (g *Guard) Savepoint(ctx context.Context, fn func() error) error {
	if err := g.mayWrite(ctx); err != nil {
		return err
	}
	if fn == nil {
		return isNil("fn")
	}
	return g.rows.Savepoint(ctx, fn)
}

// Append implements [Rows].
func (g *Guard) Append(ctx context.Context, l *Log, event Row, people [][16]byte) error {
	if err := g.mayWrite(ctx); err != nil {
		return err
	}
	return g.rows.Append(ctx, l, event, people)
}

// Events implements [Rows].
func (g *Guard) Events(ctx context.Context, l *Log, where []Cond, span LogSpan, yield func(int64, Row) error) (int64, bool, error) {
	if err := g.mayRead(ctx); err != nil {
		return 0, false, err
	}
	if span.Limit < 1 {
		return 0, false, &Error{Code: ErrInvalid, Field: "limit"}
	}
	if yield == nil {
		return 0, false, isNil("yield")
	}
	if nothing(where) {
		return span.After, true, nil
	}
	return g.rows.Events(ctx, l, where, span, yield)
}

// Last implements [Rows].
func (g *Guard) Last(ctx context.Context, l *Log) (int64, error) {
	if err := g.mayRead(ctx); err != nil {
		return 0, err
	}
	return g.rows.Last(ctx, l)
}

// Prune implements [Rows].
func (g *Guard) Prune(ctx context.Context, l *Log, before int64, limit int) (int, error) {
	if err := g.mayWrite(ctx); err != nil {
		return 0, err
	}
	if limit < 1 {
		return 0, &Error{Code: ErrInvalid, Field: "limit"}
	}
	return g.rows.Prune(ctx, l, before, limit)
}

// Redact implements [Rows].
func (g *Guard) Redact(ctx context.Context, l *Log, person [16]byte, after int64, limit int) (int, int64, error) {
	if err := g.mayWrite(ctx); err != nil {
		return 0, 0, err
	}
	if limit < 1 {
		return 0, 0, &Error{Code: ErrInvalid, Field: "limit"}
	}
	return g.rows.Redact(ctx, l, person, after, limit)
}

// Query implements [Querier] with the backend's Query if it has one.
func (g *Guard) Query(ctx context.Context, q *Query, args []Value, yield func(Row) error) (bool, error) {
	if err := g.mayRead(ctx); err != nil {
		return false, err
	}
	if yield == nil {
		return false, isNil("yield")
	}
	return RunQuery(ctx, g.rows, q, args, yield)
}
