package storetest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
)

// subject is a table under test, with what it takes to make rows of it. Rows of
// different numbers below 100 have no key in common; where no key is made of nothing but
// references, that is so for all numbers.
type subject struct {
	table *store.Table
	kind  string // as in the names of rules
	event bool   // the table is that of a log
	// unique says by column that no two full rows have the same value there.
	unique []bool
	// cycle is, for a column that refers to another table, how many of its rows are
	// referred to in turn.
	cycle map[int]int
	// parents are all that rows need, in the order of the tables, and how many of each.
	parents []family
	// scene is what this table has in the rules about whole stores; see [suite.writeAll].
	scene scene
}

// family is the first rows of a table.
type family struct {
	of   *subject
	size int
}

func (s *subject) columns() []store.Column { return s.table.Columns }

// full is the n-th row with each column set.
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

// bare is the n-th row with each column null that may be.
func (s *subject) bare(n int) store.Row {
	row := s.full(n)
	for i, column := range s.columns() {
		if column.Null {
			row[i] = store.Value{Null: true}
		}
	}
	return row
}

// sample is the n-th row of a mixed lot.
func (s *subject) sample(n int) store.Row {
	if n%3 == 0 {
		return s.bare(n)
	}
	return s.full(n)
}

// edit gives a row with some of its columns changed.
func (s *subject) edit(row store.Row, change func(row store.Row)) store.Row {
	row = slices.Clone(row)
	change(row)
	for i, column := range s.columns() {
		if column.References == s.table && !row[i].Null { // rows refer to themselves at most
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

// next gives from's columns under the id of a row, as the change that follows it.
func (s *subject) next(row, from store.Row) store.Row {
	return withVersion(s.withID(from, row[0].ID), row[1].Int+1)
}

// stored is what is kept of an update from old to row: a touched column stays.
func (s *subject) stored(old, row store.Row) store.Row {
	row = slices.Clone(row)
	if s.table.Touch != 0 {
		row[s.table.Touch] = old[s.table.Touch]
	}
	return row
}

// touched is a row after Touch.
func (s *subject) touched(row store.Row, micros int64) store.Row {
	return s.edit(row, func(row store.Row) { row[s.table.Touch] = store.Value{Int: micros} })
}

// prepare inserts what the rows need, and then the rows.
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

// seed prepares a store with n rows of a mixed lot, and gives them.
func (s *subject) seed(c *check, n int) []store.Row {
	rows := make([]store.Row, n)
	for i := range rows {
		rows[i] = s.sample(i)
	}
	s.prepare(c, rows...)
	return rows
}

// put is one Insert of a row that is spoilt afterwards: it is the caller's again.
func (s *subject) put(c *check, tx store.Rows, row store.Row) error {
	passed := slices.Clone(row)
	err := tx.Insert(c.ctx, s.table, passed)
	spoil(passed)
	return err
}

// replace is one Update, as put.
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

// update wants updates to go well.
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

// spoil writes over a row.
func spoil(row store.Row) {
	for i := range row {
		row[i] = store.Value{Null: i%2 == 0, Int: 77, Text: "spoilt", ID: [16]byte{7, 7, 7}}
	}
}

// get reads a row into one that holds something else.
func (s *subject) get(c *check, tx store.Rows, id [16]byte) store.Row {
	row := make(store.Row, len(s.columns()))
	spoil(row)
	c.ok(tx.Get(c.ctx, s.table, id, row), "Get of a "+s.table.Kind)
	return row
}

// missing wants no row to have this id.
func (s *subject) missing(c *check, tx store.Rows, id [16]byte, what string) {
	c.refused(tx.Get(c.ctx, s.table, id, make(store.Row, len(s.columns()))), what, s.table.NotFound(id))
}

// everything spans a whole table.
var everything = store.Range{Limit: mostRows}

// mostRows is more than any rule inserts into one table.
const mostRows = 1000

// list spoils each row that it is given, and the conditions afterwards: they are its
// own.
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
	clear(given) // it is the caller's again
	return n
}

func (s *subject) deleteAll(c *check, tx store.Rows, where ...store.Cond) int {
	n, err := tx.DeleteAll(c.ctx, s.table, copied(where))
	c.ok(err, "DeleteAll of "+s.table.Kind)
	return n
}

// one is the condition that a column has one of these values.
func one(column int, values ...store.Value) store.Cond {
	return store.Cond{Column: column, Op: store.OneOf, Values: values}
}

// byID is the condition that selects these rows.
func byID(rows ...store.Row) store.Cond {
	ids := make([]store.Value, len(rows))
	for i, row := range rows {
		ids[i] = row[0]
	}
	return one(0, ids...)
}

// holds wants the table to hold these rows and no others, by all ways of reading.
func (s *subject) holds(c *check, tx store.Rows, what string, rows ...store.Row) {
	want := s.ordered(rows, 0, false)
	c.equal(s.list(c, tx, nil, everything), want, what+": List")
	c.equal(s.count(c, tx), len(want), what+": Count")
	for _, row := range want {
		c.equal([]store.Row{s.get(c, tx, row[0].ID)}, []store.Row{row}, what+": Get")
	}
}

// keeps wants a later transaction to find these rows and no others.
func (s *subject) keeps(c *check, what string, rows ...store.Row) {
	c.view(func(tx store.Rows) { s.holds(c, tx, what, rows...) })
}

// ordered is what List gives of rows: sorted, without those that have no place in
// the order. It is nil if none is left.
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

// sorts are the columns that a list may go along.
func (s *subject) sorts() []int { return append([]int{0}, s.table.Orders...) }

// place is where a row stands in an order.
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
