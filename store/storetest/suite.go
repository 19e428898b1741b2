package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// suite is the rules over one schema.
type suite struct {
	subjects []*subject
	logs     []*logbook
	// main is a table that refers to no other. The rules about transactions use it, and also second, if there
	// is another such table.
	main, second *subject
	// keyed and touched are tables like main that have a unique key, and a Touch column; nil if there is none.
	keyed, touched *subject
	asked          []question // made at their first use
}

// newSuite reads a schema.
func newSuite(schema Schema) (*suite, error) {
	s := &suite{}
	of := map[*store.Table]*subject{}
	for _, table := range schema.Tables {
		x := newSubject(table)
		x.kind = named(table.Kind)
		for _, column := range table.Columns {
			if parent := column.References; parent != nil && parent != table && of[parent] == nil {
				return nil, fmt.Errorf("storetest: table %s refers to %s, which is not listed before it", table.Name, parent.Name)
			}
		}
		if err := x.check(); err != nil {
			return nil, err
		}
		x.parents = x.ancestors(of)
		of[table] = x
		s.subjects = append(s.subjects, x)
	}
	for i, log := range schema.Logs {
		s.logs = append(s.logs, newLogbook(log, i == 0))
	}
	s.choose()
	if s.main == nil || len(s.logs) == 0 {
		return nil, errors.New("storetest: a schema takes a log and a table that refers to no other")
	}
	s.plan(of)
	return s, nil
}

// choose picks the tables for the rules about whole transactions.
func (s *suite) choose() {
	for _, x := range s.subjects {
		if len(x.parents) > 0 {
			continue
		}
		switch {
		case s.main == nil:
			s.main = x
		case s.second == nil:
			s.second = x
		}
		if s.keyed == nil && len(x.table.Unique) > 0 {
			s.keyed = x
		}
		if s.touched == nil && x.table.Touch != 0 {
			s.touched = x
		}
	}
}

// cycles are how many rows of other tables a column refers to in turn. No two have a common divisor, so that
// two such columns make a hundred different pairs.
var cycles = [...]int{7, 15, 4, 11}

// keyRows is how many rows have no key in common.
const keyRows = 100

func newSubject(table *store.Table) *subject {
	s := &subject{table: table, unique: make([]bool, len(table.Columns)), cycle: map[int]int{}}
	for i, column := range table.Columns {
		if column.References != nil && column.References != table {
			s.cycle[i] = cycles[len(s.cycle)%len(cycles)]
		}
	}
	for _, key := range table.Unique {
		if i := s.telling(key); i >= 0 {
			s.unique[i] = true
		} else if len(key.Columns) == 1 {
			s.cycle[key.Columns[0]] = keyRows
		}
	}
	return s
}

// telling returns the column of a key that distinguishes rows: the last one that may contain any text, or else
// any value; -1 if all are references.
func (s *subject) telling(key store.Key) int {
	found := -1
	for _, i := range key.Columns {
		column := &s.columns()[i]
		switch {
		case column.References != nil || column.Type == store.Bool || column.Type == store.JSON:
		case column.Type == store.Text || found < 0 || s.columns()[found].Type != store.Text:
			found = i
		}
	}
	return found
}

// check checks that the rows are as described.
func (s *subject) check() error {
	for _, key := range s.table.Unique {
		seen := map[string]bool{}
		for n := range keyRows {
			row, at := s.full(n), ""
			for _, i := range key.Columns {
				at += fmt.Sprintf("%+v", row[i])
			}
			if seen[at] {
				return fmt.Errorf("storetest: cannot make rows of %s with different keys %s", s.table.Name, key.Field)
			}
			seen[at] = true
		}
	}
	return nil
}

// ancestors lists the rows of earlier tables that the rows of s need.
func (s *subject) ancestors(of map[*store.Table]*subject) []family {
	var all []family
	add := func(f family) {
		at := slices.IndexFunc(all, func(x family) bool { return x.of == f.of })
		if at < 0 {
			all = append(all, f)
		} else {
			all[at].size = max(all[at].size, f.size)
		}
	}
	for i, column := range s.columns() {
		if s.cycle[i] > 0 {
			parent := of[column.References]
			for _, f := range parent.parents {
				add(f)
			}
			add(family{parent, s.cycle[i]})
		}
	}
	return all
}

// scene is the rows of a table in the rules about whole stores, by numbers of samples.
type scene struct {
	rows     []int // inserted by writeAll
	changed  int   // the first of three rows that nothing refers to
	removed  int
	dropped  int
	inserted int // by changeAll
}

// plan makes the scenes. Parents have the rows that their children refer to, and more.
func (s *suite) plan(of map[*store.Table]*subject) {
	needed := map[*subject]map[int]bool{}
	for _, x := range s.subjects {
		needed[x] = map[int]bool{}
	}
	for _, x := range slices.Backward(s.subjects) {
		rows := needed[x]
		free := func() int {
			for n := 1; ; n++ {
				if !rows[n] {
					rows[n] = true
					return n
				}
			}
		}
		x.scene.changed, x.scene.removed, x.scene.dropped, x.scene.inserted = free(), free(), free(), free()
		for n := range rows {
			for i, column := range x.columns() {
				if x.cycle[i] > 0 {
					needed[of[column.References]][n%x.cycle[i]] = true
				}
			}
			if n != x.scene.inserted {
				x.scene.rows = append(x.scene.rows, n)
			}
		}
		slices.Sort(x.scene.rows)
	}
}

// writeAll writes rows to every table and an event to every log.
func (s *suite) writeAll(c *check) { c.update(func(tx store.Rows) { s.write(c, tx) }) }

func (s *suite) write(c *check, tx store.Rows) {
	for _, x := range s.subjects {
		for _, n := range x.scene.rows {
			x.insert(c, tx, x.sample(n))
		}
	}
	for _, l := range s.logs {
		l.append(c, tx, l.event(1))
	}
}

// change returns an update of the n-th sample that does not change its references and keys.
func (s *subject) change(n int) store.Row {
	old, other := s.sample(n), s.full(n+41)
	return s.edit(withVersion(old, 2), func(row store.Row) {
		for i, column := range s.columns() {
			keyed := slices.ContainsFunc(s.table.Unique, func(key store.Key) bool { return slices.Contains(key.Columns, i) })
			if i > 1 && !keyed && column.References == nil {
				row[i] = other[i]
			}
		}
	})
}

// changeAll inserts, updates, touches and deletes rows of the tables that writeAll wrote, and appends to the
// logs.
func (s *suite) changeAll(c *check, tx store.Rows) {
	for _, x := range s.subjects {
		x.insert(c, tx, x.sample(x.scene.inserted))
		x.update(c, tx, x.change(x.scene.changed))
		if x.table.Touch != 0 {
			c.ok(tx.Touch(c.ctx, x.table, newID(x.scene.changed), clock(9)), "Touch")
		}
	}
	for _, x := range slices.Backward(s.subjects) {
		x.remove(c, tx, x.sample(x.scene.removed))
		c.equal(x.deleteAll(c, tx, byID(x.sample(x.scene.dropped))), 1, "how many DeleteAll took")
	}
	for _, l := range s.logs {
		l.append(c, tx, l.event(2))
	}
}

// written returns the rows of a table after writeAll, or after changeAll.
func (s *subject) written(changed bool) []store.Row {
	var rows []store.Row
	for _, n := range s.scene.rows {
		row := s.sample(n)
		switch {
		case changed && n == s.scene.changed:
			row = s.stored(row, s.change(n))
			if s.table.Touch != 0 {
				row = s.touched(row, clock(9))
			}
		case changed && (n == s.scene.removed || n == s.scene.dropped):
			continue
		}
		rows = append(rows, row)
	}
	if changed {
		rows = append(rows, s.sample(s.scene.inserted))
	}
	return rows
}

// writeMore checks that a store on which writeAll was called can still be written to.
func (s *suite) writeMore(c *check) {
	c.update(func(tx store.Rows) { s.changeAll(c, tx) })
	c.view(func(tx store.Rows) { s.main.get(c, tx, newID(s.main.scene.inserted)) })
}

// state is everything in a store, to compare before and after.
type state struct {
	rows   map[string][]store.Row
	events map[string][]event
	last   map[string]int64
}

func (s *suite) state(c *check) (all state) {
	c.view(func(tx store.Rows) { all = s.stateOf(c, tx) })
	return all
}

func (s *suite) stateOf(c *check, tx store.Rows) state {
	all := state{rows: map[string][]store.Row{}, events: map[string][]event{}, last: map[string]int64{}}
	for _, x := range s.subjects {
		all.rows[x.kind] = x.list(c, tx, nil, everything)
	}
	for _, l := range s.logs {
		all.events[l.log.Name], all.last[l.log.Name] = l.events(c, tx), l.last(c, tx)
	}
	return all
}

// unchanged checks that the store contains the same after fn as before.
func (s *suite) unchanged(c *check, fn func()) {
	before := s.state(c)
	fn()
	c.equal(s.state(c), before, "what the store holds afterwards")
}

// put inserts the n-th row of main.
func (s *suite) put(c *check, tx store.Rows, n int) { s.main.insert(c, tx, s.main.full(n)) }

// add is put for transactions that compete with others.
func (s *suite) add(c *check, tx store.Rows, n int) error { return s.main.put(c, tx, s.main.full(n)) }

// has checks that the transaction sees exactly these rows of main.
func (s *suite) has(c *check, tx store.Rows, numbers ...int) {
	var rows []store.Row
	for _, n := range numbers {
		rows = append(rows, s.main.full(n))
	}
	s.main.holds(c, tx, "rows", rows...)
}

// kept checks that a later transaction finds exactly these rows of main.
func (s *suite) kept(c *check, numbers ...int) {
	c.view(func(tx store.Rows) { s.has(c, tx, numbers...) })
}
