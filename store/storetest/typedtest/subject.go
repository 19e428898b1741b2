package typedtest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/freehold-dev/freehold/store"
	"github.com/freehold-dev/freehold/store/typed"
	"github.com/freehold-dev/freehold/tenancy"
)

// subject is an entity under test: its description, and rows to try it with. The
// rules are made from the description, so that nothing here knows what an entity
// is about.
type subject[V tenancy.Entity, F any] struct {
	entity *typed.Entity[V, F]
	table  func(tenancy.Tx) tenancy.Table[V, F]
	// bare is the n-th row with no more than every row has, full the n-th with
	// every field set. Rows of different numbers below 100 have no key in common.
	bare, full func(n int) V
	// parents inserts the rows of other tables that these refer to; nil for none.
	parents func(c *check, tx tenancy.Tx)
	// standing are the rows of this table that others in it may refer to: they are
	// there before the rest and are never taken away alone.
	standing []V
	// mend sets what follows from a field that a rule has changed; nil for nothing.
	mend func(v *V)
	// derived are the columns of a key that follow from another, with that one.
	derived map[string]string
	// release puts a row into a state in which it holds no key under a condition, one
	// with a derived column that may be null; nil where there is none.
	release func(v *V)
	// closed are the text columns with a closed set of values.
	closed []string
	// fields are the fields of F, each once.
	fields []field[V, F]
}

// anySubject is a subject of whichever entity.
type anySubject interface {
	kind() string
	describes() any
	fieldNames() []string
	rules() []rule
	dump(c *check, tx tenancy.Tx) []any
}

func (s *subject[V, F]) kind() string { return s.entity.Table.Kind }

func (s *subject[V, F]) describes() any { return s.entity }

func (s *subject[V, F]) fieldNames() []string {
	var names []string
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	return names
}

// rules makes the rules of the entity.
func (s *subject[V, F]) rules() []rule {
	return slices.Concat(s.rowRules(), s.changeRules(), s.borderRules(), s.keyRules(), s.filterRules(), s.pageRules())
}

// rule names a rule after the entity.
func (s *subject[V, F]) rule(name, why string, run func(c *check)) rule {
	return rule{name: strings.ReplaceAll(s.kind(), " ", "_") + "/" + name, why: s.kind() + ": " + why, run: run}
}

func (s *subject[V, F]) row(v V) store.Row {
	row := make(store.Row, len(s.entity.Table.Columns))
	s.entity.Write(&v, row)
	return row
}

// edit gives v with some of its columns changed.
func (s *subject[V, F]) edit(v V, change func(row store.Row)) V {
	row := s.row(v)
	change(row)
	v = s.entity.Read(row)
	if s.mend != nil {
		s.mend(&v)
	}
	return v
}

func (s *subject[V, F]) id(v V) tenancy.ID[V] { return s.row(v)[0].ID }

func (s *subject[V, F]) version(v V) int64 { return s.row(v)[1].Int }

func (s *subject[V, F]) withID(v V, id [16]byte) V {
	return s.edit(v, func(row store.Row) { row[0].ID = id })
}

func (s *subject[V, F]) withVersion(v V, version int64) V {
	return s.edit(v, func(row store.Row) { row[1].Int = version })
}

// next gives from's columns under the id of v, as the change that follows v.
func (s *subject[V, F]) next(v, from V) V {
	return s.withVersion(s.withID(from, s.id(v)), s.version(v)+1)
}

// stored is what is kept of an update from old to v: a touched column stays.
func (s *subject[V, F]) stored(old, v V) V {
	if s.entity.Table.Touch == 0 {
		return v
	}
	kept := s.row(old)[s.entity.Table.Touch]
	return s.edit(v, func(row store.Row) { row[s.entity.Table.Touch] = kept })
}

// sample is the n-th row of a mixed lot.
func (s *subject[V, F]) sample(n int) V {
	if n%3 == 0 {
		return s.bare(n)
	}
	return s.full(n)
}

func (s *subject[V, F]) samples(n int) []V {
	list := make([]V, n)
	for i := range list {
		list[i] = s.sample(i)
	}
	return list
}

// prepare inserts what the rows need, and then the rows.
func (s *subject[V, F]) prepare(c *check, rows ...V) {
	c.update(func(tx tenancy.Tx) {
		if s.parents != nil {
			s.parents(c, tx)
		}
		s.insert(c, tx, s.standing...)
		s.insert(c, tx, rows...)
	})
}

// seed prepares a store with n rows of a mixed lot, and gives them.
func (s *subject[V, F]) seed(c *check, n int) []V {
	rows := s.samples(n)
	s.prepare(c, rows...)
	return rows
}

// with gives the rows together with the standing ones: all that is in the table.
func (s *subject[V, F]) with(rows []V) []V { return slices.Concat(s.standing, rows) }

func (s *subject[V, F]) insert(c *check, tx tenancy.Tx, rows ...V) {
	for _, v := range rows {
		c.ok(s.table(tx).Insert(c.ctx, v), "Insert")
	}
}

func (s *subject[V, F]) get(c *check, tx tenancy.Tx, id tenancy.ID[V]) V {
	v, err := s.table(tx).Get(c.ctx, id)
	c.ok(err, "Get")
	return v
}

func (s *subject[V, F]) list(c *check, tx tenancy.Tx, f F, span tenancy.Span) []V {
	list, err := s.table(tx).List(c.ctx, f, span)
	c.ok(err, "List")
	return list
}

func (s *subject[V, F]) count(c *check, tx tenancy.Tx, f F) int {
	n, err := s.table(tx).Count(c.ctx, f)
	c.ok(err, "Count")
	return n
}

// everything spans a whole table.
var everything = tenancy.Span{Limit: mostRows}

func (s *subject[V, F]) dump(c *check, tx tenancy.Tx) []any {
	var f F
	var all []any
	for _, v := range s.list(c, tx, f, everything) {
		all = append(all, v)
	}
	return all
}

// holds wants the table to hold these rows, and no others but the standing ones, by
// all ways of reading.
func (s *subject[V, F]) holds(c *check, tx tenancy.Tx, what string, rows ...V) {
	var f F
	want := s.ordered(s.with(rows), tenancy.ByID, false)
	c.equal(s.list(c, tx, f, everything), want, what+": List")
	c.equal(s.count(c, tx, f), len(want), what+": Count")
	for _, v := range want {
		c.equal(s.get(c, tx, s.id(v)), v, what+": Get")
	}
}

// keeps wants a later transaction to find these rows and no others.
func (s *subject[V, F]) keeps(c *check, what string, rows ...V) {
	c.view(func(tx tenancy.Tx) { s.holds(c, tx, what, rows...) })
}

// ordered is what List gives of rows: sorted, without those that have no place in
// the order. It is nil if none is left.
func (s *subject[V, F]) ordered(rows []V, by tenancy.Order, desc bool) []V {
	column, _ := s.entity.Along(typed.Order(by))
	var list []V
	for _, v := range rows {
		if !s.row(v)[column].Null {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b V) int {
		x, y := s.row(a), s.row(b)
		order := cmp.Or(cmp.Compare(x[column].Int, y[column].Int), cmp.Compare(x[column].Text, y[column].Text),
			bytes.Compare(x[0].ID[:], y[0].ID[:]))
		if desc {
			return -order
		}
		return order
	})
	return list
}

// key is v's place in an order.
func (s *subject[V, F]) key(v V, by tenancy.Order) *tenancy.Key {
	row := s.row(v)
	column, _ := s.entity.Along(typed.Order(by))
	place := row[column]
	return &tenancy.Key{Text: place.Text, Int: place.Int, ID: row[0].ID}
}

// orders are those that the entity has.
func (s *subject[V, F]) orders() []tenancy.Order {
	var list []tenancy.Order
	for by := tenancy.ByID; by <= tenancy.ByTime; by++ {
		if _, ok := s.entity.Along(typed.Order(by)); ok {
			list = append(list, by)
		}
	}
	return list
}
