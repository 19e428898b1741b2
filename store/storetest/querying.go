package storetest

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// question is a query, and the same read from the tables.
type question struct {
	query *store.Query
	args  func(n int) []store.Value
	// answer returns what the query must return for the arguments, computed from the rows in the tables.
	answer func(rows func(*store.Table) []store.Row, args []store.Value) []store.Row
}

// queryRules are about [store.Querier]. They hold for a backend without it, too: its callers read the tables.
func (s *suite) queryRules() []rule {
	all := []rule{
		{name: "query/canceled", why: "a query whose context has ended is canceled; the transaction goes on.", run: s.queryCanceled},
		{name: "query/closed", why: "a query is closed after the end of its transaction.", run: s.queryClosed},
		{name: "query/yield_fails", why: "an error or panic of yield ends the query and is passed on; the transaction goes on.", run: s.queryYieldFails},
		{name: "query/in_view", why: "a query in a View gives what the tables hold, of the View's state.", run: func(c *check) {
			s.writeAll(c)
			c.view(func(tx store.Rows) {
				s.answers(c, tx)
				c.elsewhere(func() { c.update(func(tx store.Rows) { s.changeAll(c, tx) }) })
				s.answers(c, tx)
			})
			c.view(func(tx store.Rows) { s.answers(c, tx) })
		}},
		{name: "query/own_writes", why: "a query in an Update gives what the Update wrote.", run: func(c *check) {
			c.update(func(tx store.Rows) {
				s.answers(c, tx)
				s.write(c, tx)
				s.answers(c, tx)
				s.changeAll(c, tx)
				s.answers(c, tx)
			})
		}},
		{name: "query/savepoint", why: "a query gives what a savepoint wrote, and nothing of one that failed.", run: func(c *check) {
			s.writeAll(c)
			c.update(func(tx store.Rows) {
				c.fails(tx, func() {
					s.changeAll(c, tx)
					s.answers(c, tx)
				})
				s.answers(c, tx)
				c.nest(tx, func() {
					s.changeAll(c, tx)
					s.answers(c, tx)
				})
				s.answers(c, tx)
			})
		}},
	}
	return all
}

// questions makes queries over the tables: all rows of each table, the rows with an id, those with a value in a
// column, and each table joined with those that it refers to.
func (s *suite) questions() []question {
	if len(s.asked) > 0 {
		return s.asked
	}
	for _, x := range s.subjects {
		columns := x.columns()
		names := make([]string, len(columns))
		for i, column := range columns {
			names[i] = "a." + column.Name
		}
		from := "SELECT " + strings.Join(names, ", ") + " FROM " + x.table.Name + " a"
		s.ask(x, from, -1, nil)
		for i, column := range columns {
			if i < 2 || column.Type != store.JSON && i%5 == 0 {
				s.ask(x, from+" WHERE a."+column.Name+" = ?1", i, &column)
			}
			if x.cycle[i] > 0 {
				s.ask(x, from+" JOIN "+column.References.Name+" b ON b.id = a."+column.Name+" WHERE b.id = ?1", i, &column)
			}
		}
	}
	return s.asked
}

// ask adds a query for the rows of a table, or for those with the argument in a column.
func (s *suite) ask(x *subject, text string, column int, of *store.Column) {
	q := question{query: &store.Query{Name: "storetest: " + x.kind, SQL: text + " ORDER BY a.id", Columns: x.columns()}}
	if of != nil {
		q.query.Args = []store.Column{*of}
	}
	q.args = func(n int) []store.Value {
		if of == nil {
			return nil
		}
		return []store.Value{x.full(n)[column]}
	}
	q.answer = func(rows func(*store.Table) []store.Row, args []store.Value) []store.Row {
		return x.ordered(passing(rows(x.table), func(row store.Row) bool { return of == nil || row[column] == args[0] }), 0, false)
	}
	s.asked = append(s.asked, q)
}

// answers compares each query with the tables.
func (s *suite) answers(c *check, tx store.Rows) {
	tables := map[*store.Table][]store.Row{}
	for _, x := range s.subjects {
		tables[x.table] = x.list(c, tx, nil, everything)
	}
	rows := func(t *store.Table) []store.Row { return tables[t] }
	for _, q := range s.questions() {
		for n := range 4 {
			args := q.args(n)
			got, ok := s.query(c, tx, q.query, args)
			if ok {
				c.equal(got, q.answer(rows, args), q.query.SQL)
			}
		}
	}
}

// query runs one query; ok is false if the backend does not run it.
func (s *suite) query(c *check, tx store.Rows, q *store.Query, args []store.Value) (rows []store.Row, ok bool) {
	querier, is := tx.(store.Querier)
	if !is {
		return nil, false
	}
	args = slices.Clone(args)
	ok, err := querier.Query(c.ctx, q, args, func(row store.Row) error {
		rows = append(rows, slices.Clone(row))
		spoil(row)
		return nil
	})
	c.ok(err, "Query")
	spoil(args)
	if !ok && len(rows) > 0 {
		c.failf("Query gives %d rows and says that it does not run %s", len(rows), q.SQL)
	}
	return rows, ok
}

// refusedQuery checks that a query is refused.
func (s *suite) refusedQuery(c *check, ctx context.Context, tx store.Rows, want store.Code) {
	querier, is := tx.(store.Querier)
	if !is {
		return
	}
	for _, q := range s.questions()[:2] {
		ok, err := querier.Query(ctx, q.query, q.args(1), func(store.Row) error {
			c.failf("a refused query gives a row")
			return nil
		})
		c.code(err, want, "Query")
		c.equal(ok, false, "whether a refused query ran")
	}
}

func (s *suite) queryCanceled(c *check) {
	s.writeAll(c)
	ended, cancel := context.WithCancel(c.ctx)
	cancel()
	try := func(tx store.Rows) {
		s.refusedQuery(c, ended, tx, store.ErrCanceled)
		s.answers(c, tx)
	}
	c.view(try)
	c.update(try)
}

func (s *suite) queryClosed(c *check) {
	s.writeAll(c)
	var kept store.Rows
	c.view(func(tx store.Rows) { kept = tx })
	s.refusedQuery(c, c.ctx, kept, store.ErrClosed)
	c.update(func(tx store.Rows) { kept = tx })
	s.refusedQuery(c, c.ctx, kept, store.ErrClosed)
}

func (s *suite) queryYieldFails(c *check) {
	s.writeAll(c)
	q := s.questions()[0]
	try := func(tx store.Rows) {
		if _, ok := s.query(c, tx, q.query, nil); !ok {
			return
		}
		querier := tx.(store.Querier)
		given := 0
		_, err := querier.Query(c.ctx, q.query, nil, func(store.Row) error {
			given++
			return errOurs
		})
		c.same(err, errOurs, "Query")
		c.equal(given, 1, "how many rows were given")
		c.panics(func() { _, _ = querier.Query(c.ctx, q.query, nil, func(store.Row) error { panic(errOurs) }) })
		s.answers(c, tx)
	}
	c.view(try)
	c.update(try)
}
