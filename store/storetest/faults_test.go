package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-dev/freehold/store"
)

// fault is a mutant and a rule that it breaks.
type fault struct {
	breaks string
	mutant mutant
}

// caught wants each fault, made of a store of its own, to break its rule.
func caught(t *testing.T, s *suite, good func() store.Store, faults ...fault) {
	t.Helper()
	for i, f := range faults {
		f.mutant.Store = good()
		if err := ruleNamed(t, s, f.breaks).check(f.mutant); err == nil {
			t.Errorf("fault %d: %s passes on a store that breaks it", i, f.breaks)
		} else if testing.Verbose() {
			t.Logf("%s: %.200s", f.breaks, err)
		}
	}
}

// A rule that no faulty store breaks proves nothing: each of these faults, of a kind
// that backends come with, is found by the rule that it breaks.
func TestSuiteFindsFaults(t *testing.T) {
	caught(t, suiteOf(t, tenancySchema()), func() store.Store { return NewWeak() },
		slices.Concat(writeFaults(), readFaults(), logFaults(), transactionFaults())...)
}

func writeFaults() []fault {
	insert := func(breaks string, alter func(t *store.Table, row store.Row)) fault {
		return fault{breaks, mutant{rows: func(r store.Rows) store.Rows { return badInsert{r, alter} }}}
	}
	each := func(kind store.Type, fn func(x *store.Value)) func(t *store.Table, row store.Row) {
		return func(t *store.Table, row store.Row) {
			for i, column := range t.Columns {
				if column.Type == kind && i > 1 {
					fn(&row[i])
				}
			}
		}
	}
	update := func(breaks string, alter func(t *store.Table, row, old store.Row)) fault {
		return fault{breaks, mutant{rows: func(r store.Rows) store.Rows { return badUpdate{r, alter} }}}
	}
	nothing := func(*store.Table, store.Row, store.Row) {}
	return []fault{
		insert("user/times", each(store.Time, func(x *store.Value) { x.Int = x.Int / 1000 * 1000 })),
		insert("secret/times", each(store.Time, func(x *store.Value) { x.Null = x.Null || x.Int == 0 })),
		insert("membership/odd_text", each(store.Text, func(x *store.Value) { x.Text = strings.TrimRight(x.Text, " ") })),
		insert("organization/unique_slug/exact", each(store.Text, func(x *store.Value) { x.Text = strings.ToLower(x.Text) })),
		insert("organization/long_text", each(store.Text, func(x *store.Value) { x.Text = x.Text[:min(len(x.Text), 60_000)] })),
		insert("organization/numbers", each(store.Int, func(x *store.Value) { x.Int %= 1 << 16 })),
		insert("organization/unique_slug/null", each(store.Text, func(x *store.Value) { x.Null = false })),
		insert("invitation/unique_email/null", func(t *store.Table, row store.Row) {
			if i := t.Index("pending_email_key"); i > 0 {
				row[i].Null = false
			}
		}),
		insert("domain/unique_verified_name/insert", func(t *store.Table, row store.Row) {
			if i := t.Index("verified_name"); i > 0 {
				row[i].Text += string(row[0].ID[:2])
			}
		}),
		insert("organization/round_trip_bare", each(store.Int, func(x *store.Value) { x.Null, x.Int = false, 7 })),
		insert("role_assignment/round_trip_full", func(t *store.Table, row store.Row) {
			if i := t.Index("scope"); i > 0 {
				row[i].Text = ""
			}
		}),
		insert("role_assignment/unique_role/insert", func(t *store.Table, row store.Row) {
			if i := t.Index("source_id"); i > 0 {
				row[i].Text += string(row[0].ID[:2])
			}
		}),
		insert("membership/delete", func(_ *store.Table, row store.Row) { row[0].ID[0] &^= 0x80 }),
		update("identity/update_version", func(_ *store.Table, row, old store.Row) { row[1].Int = old[1].Int + 1 }),
		update("user/update", func(t *store.Table, row, old store.Row) {
			copy(row[t.Index("metadata"):][:1], old[t.Index("metadata"):])
		}),
		update("membership/update", nothing), // but for the touched column, which it overwrites
		{"membership/touch", mutant{rows: func(r store.Rows) store.Rows { return badTouch{r} }}},
		{"membership/update_all", mutant{rows: func(r store.Rows) store.Rows { return badUpdateAll{r, 2, 0} }}},
		{"user/update_all", mutant{rows: func(r store.Rows) store.Rows { return badUpdateAll{r, 1, 1} }}},
		{"organization/ids", mutant{rows: func(r store.Rows) store.Rows { return badGet{r} }}},
		{"secret/delete", mutant{rows: func(r store.Rows) store.Rows { return badDelete{r} }}},
	}
}

func readFaults() []fault {
	where := func(breaks string, alter func(t *store.Table, cond *store.Cond)) fault {
		return fault{breaks, mutant{rows: func(r store.Rows) store.Rows { return badWhere{r, alter} }}}
	}
	span := func(breaks string, alter func(r *store.Range)) fault {
		return fault{breaks, mutant{rows: func(r store.Rows) store.Rows { return badRange{r, alter} }}}
	}
	first := func(_ *store.Table, cond *store.Cond) { cond.Values = cond.Values[:min(1, len(cond.Values))] }
	return []fault{
		where("organization/filter_slug", first),
		{"organization/filter_slug", mutant{rows: func(r store.Rows) store.Rows { return badCountTo{r, 1} }}},
		{"organization/filter_slug", mutant{rows: func(r store.Rows) store.Rows { return badCountTo{r, -1} }}},
		where("user/filter_merged_into", func(t *store.Table, cond *store.Cond) {
			if t.Columns[cond.Column].Name == "merged_into" && len(cond.Values) > 0 {
				cond.Op = store.NotNull
			}
		}),
		where("role_assignment/filter_active", func(t *store.Table, cond *store.Cond) {
			if t.Columns[cond.Column].Type == store.Bool {
				cond.Op = 0
			}
		}),
		where("membership/filter_and", func(t *store.Table, cond *store.Cond) {
			if t.Columns[cond.Column].Name == "status" {
				cond.Op = 0
			}
		}),
		where("secret/filter_expires_at", func(_ *store.Table, cond *store.Cond) {
			if cond.Op == store.Less {
				cond.Values[0].Int++
			}
		}),
		where("invitation/filter_expires_at", func(_ *store.Table, cond *store.Cond) {
			if cond.Op == store.AtLeast {
				cond.Values[0].Int--
			}
		}),
		where("user/filter_email_key", func(_ *store.Table, cond *store.Cond) {
			if cond.Op == store.NoneOf && len(cond.Values) > 1 {
				cond.Values = cond.Values[:1]
			}
		}),
		where("membership/filter_display_name", func(_ *store.Table, cond *store.Cond) {
			if cond.Op == store.NoneOf && len(cond.Values) == 0 {
				cond.Op, cond.Values = store.OneOf, nil
			}
		}),
		where("user/filter_prefix_exact", func(_ *store.Table, cond *store.Cond) {
			if cond.Op == store.Prefix {
				cond.Values[0].Text = strings.TrimRight(cond.Values[0].Text, "%\U0010FFFF")
			}
		}),
		where("organization/page_name_key_asc_walk", first),
		span("organization/page_name_key_desc_walk", func(r *store.Range) { r.Desc = false }),
		span("user/page_email_key_asc_walk", func(r *store.Range) { r.Limit = max(r.Limit-1, 1) }),
		span("membership/page_name_key_asc_walk", func(r *store.Range) {
			if r.After != nil {
				r.After.ID = [16]byte{} // ties come again
			}
		}),
		span("membership/page_email_key_desc_walk", func(r *store.Range) {
			if r.After != nil {
				r.After.ID = [16]byte{} // and the other way are lost
			}
		}),
		span("secret/page_expires_at_asc_walk", func(r *store.Range) {
			if r.After != nil {
				r.After.Sort.Int++
			}
		}),
		span("identity/page_id_asc_after", func(r *store.Range) {
			if r.After != nil {
				r.After.ID[8]--
			}
		}),
		span("organization/filter_own_writes", func(r *store.Range) { r.Limit = min(r.Limit, 10) }),
	}
}

func logFaults() []fault {
	nothing := func(*int64, *bool) {}
	asGiven := func(*store.LogSpan) {}
	events := func(breaks string, alter func(*store.LogSpan), after func(*int64, *bool)) fault {
		return fault{breaks, mutant{rows: func(r store.Rows) store.Rows { return badEvents{r, alter, after} }}}
	}
	redact := func(breaks string,
		with func(rows store.Rows, ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error),
	) fault {
		return fault{breaks, mutant{rows: func(r store.Rows) store.Rows { return badRedact{r, with} }}}
	}
	return []fault{
		events("log/pages", func(span *store.LogSpan) { span.Desc = false }, nothing),
		events("log/pages", func(span *store.LogSpan) { span.Limit++ }, nothing),
		events("log/pages", func(span *store.LogSpan) { span.After = max(span.After-1, 0) }, nothing),
		events("log/end", asGiven, func(_ *int64, done *bool) { *done = true }),
		events("log/end", asGiven, func(_ *int64, done *bool) { *done = false }),
		events("log/bounded", asGiven, func(_ *int64, done *bool) { *done = true }),
		events("log/empty", asGiven, func(next *int64, _ *bool) { *next++ }),
		events("prune/floor", func(span *store.LogSpan) { span.After++ }, nothing),
		{"prune/before", mutant{rows: func(r store.Rows) store.Rows { return badPrune{r} }}},
		{"redact/people", mutant{rows: func(r store.Rows) store.Rows { return badAppend{r} }}},
		redact("redact/person", func(rows store.Rows, ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error) {
			n, next, err := rows.Redact(ctx, l, person, after, limit)
			return min(n, 1), next, err
		}),
		redact("redact/steps", func(rows store.Rows, ctx context.Context, l *store.Log, person [16]byte, _ int64, limit int) (int, int64, error) {
			return rows.Redact(ctx, l, person, 0, limit)
		}),
		redact("redact/steps", func(rows store.Rows, ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error) {
			return rows.Redact(ctx, l, person, after, limit+1)
		}),
		redact("redact/steps", func(rows store.Rows, ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error) {
			n, _, err := rows.Redact(ctx, l, person, after, limit)
			return n, 0, err
		}),
	}
}

func transactionFaults() []fault {
	savepoint := func(breaks string) fault {
		return fault{breaks, mutant{rows: func(r store.Rows) store.Rows { return badSavepoint{r} }}}
	}
	update := func(breaks string, fn func(s store.Store, ctx context.Context, fn func(store.Rows) error) error) fault {
		return fault{breaks, mutant{update: fn}}
	}
	view := func(breaks string, fn func(s store.Store, ctx context.Context, fn func(store.Rows) error) error) fault {
		return fault{breaks, mutant{view: fn}}
	}
	writable := func(s store.Store, ctx context.Context, fn func(store.Rows) error) error { return s.Update(ctx, fn) }
	return []fault{
		savepoint("savepoint/fails_alone"), savepoint("savepoint/panic"), savepoint("savepoint/nested"),
		savepoint("savepoint/undoes_everything"), savepoint("savepoint/events_in_order"), savepoint("savepoint/log_changes"),
		savepoint("identity/unique_subject/savepoint"),
		view("view/refuses_log_writes", writable),
		view("secret/view_refuses_writes", writable),
		view("snapshot/stays", writable),
		view("snapshot/pages", writable),
		update("update/rolls_back_on_error", keepsOnError),
		update("user/unique_email/rollback", keepsOnError),
		update("log/rollback", keepsOnError),
		update("update/rolls_back_on_panic", keepsOnPanic),
		update("update/commits", func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
			return s.View(ctx, fn)
		}),
		update("update/error_kept_by_caller", func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
			if err := s.Update(ctx, fn); err != nil {
				return &store.Error{Code: store.CodeOf(err), Err: err}
			}
			return nil
		}),
		update("context/canceled_before", func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
			return s.Update(context.WithoutCancel(ctx), fn)
		}),
		update("context/canceled_midway", func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
			return s.Update(context.WithoutCancel(ctx), func(tx store.Rows) error {
				_ = fn(tx)
				return nil
			})
		}),
		update("race/no_conflict", func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
			return s.View(ctx, fn)
		}),
		update("race/version", func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
			_ = s.Update(ctx, fn)
			return nil
		}),
	}
}

func keepsOnError(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
	var kept error
	if err := s.Update(ctx, func(tx store.Rows) error {
		kept = fn(tx)
		return nil
	}); err != nil {
		return err
	}
	return kept
}

func keepsOnPanic(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
	var raised any
	err := s.Update(ctx, func(tx store.Rows) error {
		defer func() { raised = recover() }()
		return fn(tx)
	})
	if raised != nil {
		panic(raised)
	}
	return err
}
