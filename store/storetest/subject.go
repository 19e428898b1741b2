package storetest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// subject is a table under test, with what is needed to make rows of it. Rows with different numbers below 100
// have no key in common. If every key has a column that is not a reference, that is true for all numbers.
type subject struct {
	table *store.Table
	kind  string // as the names of rules have it
	event bool   // the table is a log's
	// unique says for each column that no two full rows have the same value there.
	unique []bool
	// cycle is, for a column that refers to another table, how many of that table's rows it refers to in turn.
	cycle map[int]int
	// parents are the rows that the subject's rows need, in the order of the tables, with their numbers.
	parents []family
	// scene is this table's rows in the rules about whole stores; see [suite.writeAll].
	scene scene
}

// family is the first rows of a table.
type family struct {
	of   *subject
	size int
}

func (s *subject) columns() []store.Column { return s.table.Columns }

// full returns the n-th row with each column set.
func (s *subject) full(n int) store.Row {
	row := make(store.Row, len(s.columns()))
	for i := range row {
		column := &s.columns()[i]
		switch {
		case i == 0 || column.References == s.table:
			row[i].ID = newID(n)
		case i == 1 && !s.event:
			row[i].Int = 1
		case column.References != nil:
			row[i].ID = newID(n % s.cycle[i])
		default:
			row[i] = value(column, s.unique[i], i, n)
		}
	}
	return row
}

// bare returns the n-th row with null in each column that may be null.
func (s *subject) bare(n int) store.Row {
	row := s.full(n)
	for i, column := range s.columns() {
		if column.Null {
			row[i] = store.Value{Null: true}
		}
	}
	return row
}

// sample returns the n-th row of a mixed set.
func (s *subject) sample(n int) store.Row {
	if n%3 == 0 {
		return s.bare(n)
	}
	return s.full(n)
}

// edit returns a row with some of its columns changed.
func (s *subject) edit(row store.Row, change func(row store.Row)) store.Row {
	row = slices.Clone(row)
	change(row)
	for i, column := range s.columns() {
		if column.References == s.table && !row[i].Null { // rows refer at most to themselves
			row[i].ID = row[0].ID
		}
	}
	return row
}

func (s *subject) withID(row store.Row, id [16]byte) store.Row {
	return s.edit(row, func(row store.Row) { row[0].ID = id })
}

func withVersion(row store.Row, version int64) store.Row {
	row = slices.Clone(row)
	row[1].Int = version
	return row
}

// next returns the columns of from with the id of row, and the version after it.
func (s *subject) next(row, from store.Row) store.Row {
	return withVersion(s.withID(from, row[0].ID), row[1].Int+1)
}

// stored returns what an update from old to row stores: a touched column does not change.
func (s *subject) stored(old, row store.Row) store.Row {
	row = slices.Clone(row)
	if s.table.Touch != 0 {
		row[s.table.Touch] = old[s.table.Touch]
	}
	return row
}

// touched returns a row as Touch leaves it.
func (s *subject) touched(row store.Row, micros int64) store.Row {
	return s.edit(row, func(row store.Row) { row[s.table.Touch] = store.Value{Int: micros} })
}

// prepare inserts the rows that rows need, and then rows.
func (s *subject) prepare(c *check, rows ...store.Row) {
	c.update(func(tx store.Rows) {
		for _, p := range s.parents {
			for n := range p.size {
				p.of.insert(c, tx, p.of.bare(n))
			}
		}
		s.insert(c, tx, rows...)
	})
}

// seed prepares a store with n rows of a mixed set, and returns them.
func (s *subject) seed(c *check, n int) []store.Row {
	rows := make([]store.Row, n)
	for i := range rows {
		rows[i] = s.sample(i)
	}
	s.prepare(c, rows...)
	return rows
}

// put makes one Insert, and overwrites the row afterwards: the store must have copied it.
func (s *subject) put(c *check, tx store.Rows, row store.Row) error {
	passed := slices.Clone(row)
	err := tx.Insert(c.ctx, s.table, passed)
	spoil(passed)
	return err
}

// replace makes one Update, and overwrites the row afterwards.
func (s *subject) replace(c *check, tx store.Rows, row store.Row) error {
	passed := slices.Clone(row)
	err := tx.Update(c.ctx, s.table, passed)
	spoil(passed)
	return err
}

func (s *subject) insert(c *check, tx store.Rows, rows ...store.Row) {
	for _, row := range rows {
		c.ok(s.put(c, tx, row), "Insert of a "+s.table.Kind)
	}
}

// update checks that updates succeed.
func (s *subject) update(c *check, tx store.Rows, rows ...store.Row) {
	for _, row := range rows {
		c.ok(s.replace(c, tx, row), "Update of a "+s.table.Kind)
	}
}

func (s *subject) remove(c *check, tx store.Rows, rows ...store.Row) {
	for _, row := range rows {
		c.ok(tx.Delete(c.ctx, s.table, row[0].ID), "Delete of a "+s.table.Kind)
	}
}

// spoil overwrites a row.
func spoil(row store.Row) {
	for i := range row {
		row[i] = store.Value{Null: i%2 == 0, Int: 77, Text: "spoilt", ID: [16]byte{7, 7, 7}}
	}
}

// get reads a row into one with other values.
func (s *subject) get(c *check, tx store.Rows, id [16]byte) store.Row {
	row := make(store.Row, len(s.columns()))
	spoil(row)
	c.ok(tx.Get(c.ctx, s.table, id, row), "Get of a "+s.table.Kind)
	return row
}

// missing checks that no row has this id.
func (s *subject) missing(c *check, tx store.Rows, id [16]byte, what string) {
	c.refused(tx.Get(c.ctx, s.table, id, make(store.Row, len(s.columns()))), what, s.table.NotFound(id))
}

// everything is the range of a whole table.
var everything = store.Range{Limit: mostRows}

// mostRows is more than any rule inserts into one table.
const mostRows = 1000

// list lists rows. It overwrites each row that yield gets, and afterwards the conditions: they belong to yield
// and to the caller.
func (s *subject) list(c *check, tx store.Rows, where []store.Cond, r store.Range) []store.Row {
	var list []store.Row
	where = copied(where)
	err := tx.List(c.ctx, s.table, where, r, func(row store.Row) error {
		list = append(list, slices.Clone(row))
		spoil(row)
		return nil
	})
	for i := range where {
		spoil(where[i].Values)
	}
	c.ok(err, "List of "+s.table.Kind)
	return list
}

func copied(where []store.Cond) []store.Cond {
	where = slices.Clone(where)
	for i := range where {
		where[i].Values = slices.Clone(where[i].Values)
	}
	return where
}

func (s *subject) count(c *check, tx store.Rows, where ...store.Cond) int {
	n, err := tx.Count(c.ctx, s.table, copied(where))
	c.ok(err, "Count of "+s.table.Kind)
	return n
}

func (s *subject) countTo(c *check, tx store.Rows, limit int, where ...store.Cond) int {
	n, err := store.CountTo(c.ctx, tx, s.table, copied(where), limit)
	c.ok(err, "CountTo of "+s.table.Kind)
	return n
}

func (s *subject) updateAll(c *check, tx store.Rows, set []store.Set, where ...store.Cond) int {
	given := slices.Clone(set)
	n, err := tx.UpdateAll(c.ctx, s.table, copied(where), given)
	c.ok(err, "UpdateAll of "+s.table.Kind)
	clear(given) // it belongs to the caller again
	return n
}

func (s *subject) deleteAll(c *check, tx store.Rows, where ...store.Cond) int {
	n, err := tx.DeleteAll(c.ctx, s.table, copied(where))
	c.ok(err, "DeleteAll of "+s.table.Kind)
	return n
}

// one returns the condition that a column has one of these values.
func one(column int, values ...store.Value) store.Cond {
	return store.Cond{Column: column, Op: store.OneOf, Values: values}
}

// byID returns the condition that selects these rows.
func byID(rows ...store.Row) store.Cond {
	ids := make([]store.Value, len(rows))
	for i, row := range rows {
		ids[i] = row[0]
	}
	return one(0, ids...)
}

// holds checks that the table contains exactly these rows, by all ways of reading.
func (s *subject) holds(c *check, tx store.Rows, what string, rows ...store.Row) {
	want := s.ordered(rows, 0, false)
	c.equal(s.list(c, tx, nil, everything), want, what+": List")
	c.equal(s.count(c, tx), len(want), what+": Count")
	for _, row := range want {
		c.equal([]store.Row{s.get(c, tx, row[0].ID)}, []store.Row{row}, what+": Get")
	}
}

// keeps checks that a later transaction finds exactly these rows.
func (s *subject) keeps(c *check, what string, rows ...store.Row) {
	c.view(func(tx store.Rows) { s.holds(c, tx, what, rows...) })
}

// ordered returns what List must return for rows: sorted, without those that have no place in the order. It is
// nil if none is left.
func (s *subject) ordered(rows []store.Row, sort int, desc bool) []store.Row {
	var list []store.Row
	for _, row := range rows {
		if !row[sort].Null {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, func(a, b store.Row) int {
		n := order(s.columns()[sort].Type, a[sort], b[sort])
		if n == 0 {
			n = bytes.Compare(a[0].ID[:], b[0].ID[:])
		}
		if desc {
			return -n
		}
		return n
	})
	return list
}

// sorts are the columns that a list may be sorted by.
func (s *subject) sorts() []int { return append([]int{0}, s.table.Orders...) }

// place returns the place of a row in an order.
func place(row store.Row, sort int) *store.Place {
	if sort == 0 {
		return &store.Place{ID: row[0].ID}
	}
	return &store.Place{Sort: row[sort], ID: row[0].ID}
}

// rules makes the rules of the table.
func (s *subject) rules() []rule {
	return slices.Concat(s.rowRules(), s.changeRules(), s.borderRules(), s.referenceRules(), s.keyRules(), s.filterRules(), s.pageRules())
}

// rule names a rule after the table.
func (s *subject) rule(name, why string, run func(c *check)) rule {
	return rule{name: s.kind + "/" + name, why: s.table.Kind + ": " + why, run: run}
}

func named(kind string) string { return strings.ReplaceAll(kind, " ", "_") }
