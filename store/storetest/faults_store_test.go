package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/freehold-dev/freehold/store"
)

// A backend that puts no Guard before its rows is found, by each thing that the Guard
// does.
func TestSuiteFindsAMissingGuard(t *testing.T) {
	bare := func(fn func(store.Rows) error) func(store.Rows) error {
		return func(guarded store.Rows) error {
			rows, _ := store.Underlying(guarded)
			return fn(rows)
		}
	}
	unguarded := mutant{
		update: func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
			return s.Update(ctx, bare(fn))
		},
		view: func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
			return s.View(ctx, bare(fn))
		},
	}
	for _, name := range []string{
		"tag/page_bad_range", "tag/delete_all_unconstrained", "mark/touch", "tag/closed_after_end", "tag/statement_canceled", "tag/view_refuses_writes",
		"tag/page_used_at_asc_walk", "tx/closed_after_end", "tx/statement_canceled", "view/refuses_log_writes", "view/refusal_passed_on",
		"log/bad_limit", "log/filter_none_of", "prune/bad_limit", "guard/order_of_refusals", "context/canceled_view",
	} {
		caught(t, suiteOf(t, notesSchema()), newGood, fault{name, unguarded})
	}
}

// Faults with tables that are met late, and with several logs, are found.
func TestSuiteFindsFaultsOfLearning(t *testing.T) {
	late := of(nil)
	late.view = func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
		return s.View(ctx, func(guarded store.Rows) error {
			rows, _ := store.Underlying(guarded)
			return new(store.Guard).Run(looksAgain{rows.(*linearTx), s.(*linear)}, true, fn)
		})
	}
	late.rows = nil
	var highest int64
	caught(
		t, suiteOf(t, notesSchema()), newGood,
		fault{"learned/in_savepoint", of(func(t *linearTx) store.Rows { return &forgets{linearTx: t} })},
		fault{"learned/in_savepoint", of(func(t *linearTx) store.Rows { return undoesKnown{t} })},
		fault{"savepoint/all_that_there_was", of(func(t *linearTx) store.Rows { return undoesKnown{t} })},
		fault{"learned/by_failing", of(func(t *linearTx) store.Rows { return &forgets{linearTx: t} })},
		fault{"learned/behind_snapshot", late},
		fault{"logs/apart", of(func(t *linearTx) store.Rows { return oneLast{t} })},
		fault{"logs/one_transaction", of(func(t *linearTx) store.Rows { return oneJournal{t} })},
		fault{"logs/prune_apart", of(func(t *linearTx) store.Rows { return prunesAll{t} })},
		fault{"logs/redact_apart", of(func(t *linearTx) store.Rows { return redactsAll{t} })},
		fault{"time/never_back", of(func(t *linearTx) store.Rows { return goesBack{t} })},
		fault{"time/undone", of(func(t *linearTx) store.Rows { return remembers{t, &highest} })},
		fault{"time/after_prune", of(func(t *linearTx) store.Rows { return remembers{t, &highest} })},
		fault{"click/redact/after_prune", of(func(t *linearTx) store.Rows { return countsPruned{t} })},
	)
}

// forgets loses what is written to a table that was first met in a savepoint that
// failed, or by a statement that did.
type forgets struct {
	*linearTx
	lost map[*store.Table]bool
}

func (m *forgets) Savepoint(ctx context.Context, fn func() error) error {
	before := m.own.copy()
	err := m.linearTx.Savepoint(ctx, func() error {
		err := fn()
		for table := range m.own.tables {
			if _, known := before.tables[table]; !known && err != nil {
				m.lose(table)
			}
		}
		return err
	})
	return err
}

func (m *forgets) lose(table *store.Table) {
	if m.lost == nil {
		m.lost = map[*store.Table]bool{}
	}
	m.lost[table] = true
}

func (m *forgets) Delete(ctx context.Context, table *store.Table, id [16]byte) error {
	if _, known := m.own.tables[table]; !known {
		m.lose(table)
	}
	return m.linearTx.Delete(ctx, table, id)
}

func (m *forgets) Insert(ctx context.Context, table *store.Table, row store.Row) error {
	if m.lost[table] {
		return nil
	}
	return m.linearTx.Insert(ctx, table, row)
}

// undoesKnown has nothing to go back to for a table that was first met in a savepoint.
type undoesKnown struct{ *linearTx }

func (m undoesKnown) Savepoint(ctx context.Context, fn func() error) error {
	before := m.own.copy()
	var after *world
	err := m.linearTx.Savepoint(ctx, func() error {
		err := fn()
		after = m.own
		return err
	})
	for table, rows := range after.tables {
		if _, known := before.tables[table]; !known {
			m.own.tables[table] = rows
		}
	}
	return err
}

// looksAgain reads a table that its snapshot lacks from what is committed by now.
type looksAgain struct {
	*linearTx
	store *linear
}

func (m looksAgain) List(ctx context.Context, table *store.Table, where []store.Cond, r store.Range, yield func(store.Row) error) error {
	if m.own.tables[table] == nil {
		m.linearTx = &linearTx{base: m.base, own: m.store.kept.Load()}
	}
	return m.linearTx.List(ctx, table, where, r, yield)
}

// oneLast has one last position for all logs.
type oneLast struct{ *linearTx }

func (m oneLast) Last(context.Context, *store.Log) (last int64, err error) {
	for _, log := range m.base.logs {
		last = max(last, log.last)
	}
	return last, nil
}

// oneJournal fixes what was committed of a log when it is first appended to.
type oneJournal struct{ *linearTx }

func (m oneJournal) Append(ctx context.Context, l *store.Log, row store.Row, people [][16]byte) error {
	if err := m.linearTx.Append(ctx, l, row, people); err != nil {
		return err
	}
	for other := range m.own.logs {
		if other != l {
			m.base = &world{m.base.tables, m.own.copy().logs}
			*m.linearTx = linearTx{base: m.base, own: m.own}
		}
	}
	return nil
}

// goesBack keeps the times of events as they are given.
type goesBack struct{ *linearTx }

func (m goesBack) Append(ctx context.Context, l *store.Log, row store.Row, people [][16]byte) error {
	err := m.linearTx.Append(ctx, l, row, people)
	events := m.own.logs[l].events
	events[len(events)-1].row[l.Time] = row[l.Time]
	return err
}

// remembers lets no event be earlier than one that was undone, or pruned.
type remembers struct {
	*linearTx
	highest *int64
}

func (m remembers) Append(ctx context.Context, l *store.Log, row store.Row, people [][16]byte) error {
	row = slices.Clone(row)
	*m.highest = max(*m.highest, row[l.Time].Int)
	row[l.Time].Int = *m.highest
	return m.linearTx.Append(ctx, l, row, people)
}

// prunesAll prunes every log.
type prunesAll struct{ *linearTx }

func (m prunesAll) Prune(ctx context.Context, l *store.Log, before int64, limit int) (int, error) {
	for other := range m.own.logs {
		if other != l {
			_, _ = m.linearTx.Prune(ctx, other, before, limit)
		}
	}
	return m.linearTx.Prune(ctx, l, before, limit)
}

// redactsAll redacts every log.
type redactsAll struct{ *linearTx }

func (m redactsAll) Redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error) {
	for other := range m.own.logs {
		if other != l {
			_, _, _ = m.linearTx.Redact(ctx, other, person, after, limit)
		}
	}
	return m.linearTx.Redact(ctx, l, person, after, limit)
}

// countsPruned counts a person in what is not there any more.
type countsPruned struct{ *linearTx }

func (m countsPruned) Redact(ctx context.Context, l *store.Log, person [16]byte, after int64, limit int) (int, int64, error) {
	n, next, err := m.linearTx.Redact(ctx, l, person, after, limit)
	return n + min(n, int(m.own.logs[l].floor)), next, err
}

// asking is a store that runs the suite's own queries.
func asking(s *suite, rows func(t *linearTx) *linearTx) mutant {
	return of(func(t *linearTx) store.Rows { return asks{t, s, rows} })
}

type asks struct {
	*linearTx
	suite *suite
	rows  func(t *linearTx) *linearTx
}

func (m asks) Query(_ context.Context, q *store.Query, args []store.Value, yield func(store.Row) error) (bool, error) {
	at := slices.IndexFunc(m.suite.questions(), func(x question) bool { return x.query == q })
	if at < 0 {
		return false, nil
	}
	seen := m.rows(m.linearTx)
	all := func(table *store.Table) []store.Row { return seen.own.tables[table] }
	for _, row := range m.suite.questions()[at].answer(all, args) {
		if err := yield(slices.Clone(row)); err != nil {
			return true, err
		}
	}
	return true, nil
}

// A store that runs queries well passes, and one that runs them badly is found.
func TestSuiteFindsFaultsOfQueries(t *testing.T) {
	s := suiteOf(t, notesSchema())
	well := asking(s, func(t *linearTx) *linearTx { return t })
	for _, r := range s.queryRules() {
		well.Store = newLinear()
		if err := r.check(well); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	l := newLinear()
	committed := func(t *linearTx) *linearTx { return &linearTx{base: t.base, own: t.base} }
	latest := func(*linearTx) *linearTx { return &linearTx{own: l.kept.Load()} }
	empty := func(*linearTx) *linearTx { return &linearTx{own: &world{}} }
	caught(
		t, s, func() store.Store { return l },
		fault{"query/in_view", asking(s, latest)},
	)
	says := func(ok bool, err error) mutant {
		return of(func(t *linearTx) store.Rows { return says{t, ok, err} })
	}
	caught(
		t, s, newGood,
		fault{"query/own_writes", asking(s, committed)},
		fault{"query/savepoint", asking(s, committed)},
		fault{"query/in_view", asking(s, empty)},
		fault{"query/in_view", says(true, nil)},
		fault{"query/in_view", says(false, nil)},
		fault{"query/yield_fails", says(true, nil)},
	)
	bare := well
	bare.view = func(s store.Store, ctx context.Context, fn func(store.Rows) error) error {
		return s.View(ctx, func(guarded store.Rows) error {
			rows, _ := store.Underlying(guarded)
			return fn(well.rows(rows))
		})
	}
	caught(t, s, newGood, fault{"query/canceled", bare}, fault{"query/closed", bare})
}

// says answers each query with one row, whatever it asks, and swallows what yield says.
type says struct {
	*linearTx
	ok  bool
	err error
}

func (m says) Query(_ context.Context, q *store.Query, _ []store.Value, yield func(store.Row) error) (bool, error) {
	_ = yield(make(store.Row, len(q.Columns)))
	return m.ok, m.err
}

// claims is a store that says of itself what may not be so.
type claims struct {
	store.Store
	under store.Store
}

func (claims) SingleWriter() bool { return true }

func (c claims) Unwrap() store.Store { return c.under }

// Wrong claims of a store are found, and right ones pass.
func TestSuiteFindsWrongClaims(t *testing.T) {
	s := suiteOf(t, notesSchema())
	for _, name := range []string{"single_writer/waits", "single_writer/no_two_inside", "single_writer/serial"} {
		w := NewWeak()
		if err := ruleNamed(t, s, name).check(claims{w, w}); err == nil {
			t.Errorf("%s passes on a store that says wrongly that it has a single writer", name)
		}
	}
	if err := ruleNamed(t, s, "wrapper/same_store").check(claims{newLinear(), newLinear()}); err == nil {
		t.Error("a wrapper of another store than it says is not found")
	}
	for _, r := range s.optionalRules() {
		l := newLinear()
		if err := r.check(claims{l, l}); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		if err := r.check(NewWeak()); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	l := newLinear()
	if inner, ok := store.As[*linear](claims{l, l}); !ok || inner != l || store.Innermost(claims{l, l}) != store.Store(l) {
		t.Error("what is wrapped is not found")
	}
}
