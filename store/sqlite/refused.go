package sqlite

import (
	"context"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/internal/sqlrows"
)

// refused returns the error for a row that violates a constraint. SQLite's code shows the kind of constraint.
// refused finds out which key or parent it was, in the same transaction: such an error leaves the transaction
// as it was.
func (r *rows) refused(ctx context.Context, t *store.Table, row store.Row, fresh bool, cause error) error {
	switch constraint(cause) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return r.taken(ctx, t, row, fresh, cause)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return r.orphan(ctx, t, row, cause)
	default:
		return cause
	}
}

// taken finds the key that another row has: the id first, then the others in the order of the table's keys.
func (r *rows) taken(ctx context.Context, t *store.Table, row store.Row, fresh bool, cause error) error {
	id := sqlrows.Bind(t.Columns, 0, &row[0])
	if fresh {
		if there, err := r.one(ctx, sqlrows.Of(t).Exists, 1, id); there != nil || err != nil {
			return orElse(err, t.Taken(t.Columns[0].Name))
		}
	}
	for i, key := range t.Unique {
		var args []any
		for _, column := range key.Columns {
			args = append(args, sqlrows.Bind(t.Columns, column, &row[column]))
		}
		holder, err := r.one(ctx, sqlrows.Of(t).Holders[i], 1, append(args, id)...)
		if holder != nil || err != nil {
			return orElse(err, t.Taken(key.Field))
		}
	}
	return &store.Error{
		Code: store.ErrAlreadyExists, Kind: t.Kind, Reason: "a unique index of the host's own refuses the row", Err: cause,
	}
}

// orphan finds the missing row that this one needs.
func (r *rows) orphan(ctx context.Context, t *store.Table, row store.Row, cause error) error {
	for i := 1; i < len(row); i++ {
		parent := t.Columns[i].References
		if parent == nil || row[i].Null {
			continue
		}
		there, err := r.one(ctx, sqlrows.Of(parent).Exists, 1, sqlrows.Bind(t.Columns, i, &row[i]))
		if there == nil || err != nil {
			return orElse(err, parent.NotFound(row[i].ID))
		}
	}
	return referenced(t, sqlrows.ID(t, 0, row[0].ID), cause)
}

// referenced returns the error for a row that another one needs; it returns any other error unchanged. A host's
// ON DELETE RESTRICT counts as a trigger.
func referenced(t *store.Table, key string, err error) error {
	switch constraint(err) {
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, sqlite3.SQLITE_CONSTRAINT_TRIGGER:
		return &store.Error{Code: store.ErrReferenced, Kind: t.Kind, Key: key, Err: err}
	default:
		return err
	}
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
