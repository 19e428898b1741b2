package storetest

import (
	"slices"

	"github.com/freehold-dev/freehold/store"
)

// changeRules are about Insert, Update, Touch and Delete.
func (s *subject) changeRules() []rule {
	return []rule{
		s.rule("insert_twice", "an id that is there already is already_exists; nothing changes and the transaction goes on.", s.insertTwice),
		s.rule("update", "an update replaces the row: every column, those that it empties too, and a touched one never.", s.updates),
		s.rule("update_version", "an update is refused as conflict unless the stored version is the one before.", s.updateVersion),
		s.rule("update_missing", "an update of a row that is not there is not_found.", s.updateMissing),
		s.rule("update_all", "UpdateAll sets columns of the rows that pass, raises the versions of those that it changes, not for derived columns alone, and counts them.", s.updatesAll),
		s.rule("update_all_invalid", "UpdateAll without a condition, of no column, or of a column that is not for it is invalid.", s.updateAllInvalid),
		s.rule("touch", "Touch sets its one column, moves no version and minds no missing row; without such a column it is invalid.", s.touches),
		s.rule("delete", "Delete takes one row away, or answers not_found; its id is free again, in the same transaction too.", s.deletes),
		s.rule("delete_all_unconstrained", "DeleteAll without a condition is invalid.", s.deleteAllUnconstrained),
	}
}

func (s *subject) insertTwice(c *check) {
	rows := s.seed(c, 3)
	again := s.withID(s.full(20), rows[1][0].ID)
	taken := s.table.Taken(s.columns()[0].Name)
	c.update(func(tx store.Rows) {
		c.refused(s.put(c, tx, again), "Insert under the id of a committed row", taken)
		s.insert(c, tx, s.full(21))
		c.refused(s.put(c, tx, s.withID(again, newID(21))), "Insert under the id of a row of this transaction", taken)
		s.insert(c, tx, s.full(22))
	})
	s.keeps(c, "afterwards", append(rows, s.full(21), s.full(22))...)
}

func (s *subject) updates(c *check) {
	full, bare, other := s.full(1), s.bare(2), s.full(3)
	s.prepare(c, full, bare, other)
	emptied, filled := s.next(full, s.bare(31)), s.next(bare, s.full(32))
	c.update(func(tx store.Rows) { s.update(c, tx, emptied, filled) })
	emptied, filled = s.stored(full, emptied), s.stored(bare, filled)
	s.keeps(c, "after two updates", emptied, filled, other)

	twice := s.next(emptied, s.full(33))
	c.update(func(tx store.Rows) { s.update(c, tx, twice, s.next(twice, twice)) })
	s.keeps(c, "after two more", s.stored(full, s.next(twice, twice)), filled, other)
}

func (s *subject) updateVersion(c *check) {
	row := withVersion(s.full(1), 5)
	s.prepare(c, row, s.full(2))
	stale := s.table.Stale(row[0].ID)
	c.update(func(tx store.Rows) {
		for _, version := range []int64{-1, 0, 1, 4, 5, 7} {
			c.refused(s.replace(c, tx, withVersion(s.withID(s.full(20), row[0].ID), version)), "Update", stale)
		}
		s.holds(c, tx, "after stale updates", row, s.full(2))
		s.update(c, tx, withVersion(row, 6))
		c.refused(s.replace(c, tx, withVersion(row, 6)), "the same Update again", stale)
	})
	s.keeps(c, "afterwards", withVersion(row, 6), s.full(2))
}

func (s *subject) updateMissing(c *check) {
	rows := s.seed(c, 3)
	missing := s.table.NotFound(newID(20))
	c.update(func(tx store.Rows) {
		c.refused(s.replace(c, tx, withVersion(s.full(20), 2)), "Update", missing)
		c.refused(s.replace(c, tx, s.full(20)), "Update to version 1", missing)
		s.insert(c, tx, s.full(21))
	})
	s.keeps(c, "afterwards", append(rows, s.full(21))...)
}

// sets returns the values of a row, for all columns that UpdateAll may set.
func (s *subject) sets(row store.Row) []store.Set {
	var set []store.Set
	for i, column := range s.columns() {
		unique := slices.ContainsFunc(s.table.Unique, func(key store.Key) bool { return slices.Contains(key.Columns, i) })
		if i > 1 && i != s.table.Touch && column.References == nil && !unique {
			set = append(set, store.Set{Column: i, Value: row[i]})
		}
	}
	return set
}

// after returns a row as an UpdateAll that selects it leaves it.
func (s *subject) after(row store.Row, set []store.Set) store.Row {
	row = slices.Clone(row)
	changed := false
	for _, x := range set {
		changed = changed || row[x.Column] != x.Value
		row[x.Column] = x.Value
	}
	if changed && s.table.Versioned(set) {
		row[1].Int++
	}
	return row
}

func (s *subject) updatesAll(c *check) {
	rows := s.seed(c, 7)
	full, bare := s.sets(s.full(20)), s.sets(s.bare(21))
	if len(full) == 0 {
		return
	}
	c.update(func(tx store.Rows) {
		change := func(set []store.Set, places ...int) {
			var where []store.Row
			n := 0
			for _, i := range places {
				where = append(where, rows[i])
				next := s.after(rows[i], set)
				if !slices.Equal(next, rows[i]) {
					n++
				}
				rows[i] = next
			}
			c.equal(s.updateAll(c, tx, set, byID(where...)), n, "how many UpdateAll changed")
			s.holds(c, tx, "after UpdateAll", rows...)
		}
		change(full, 1, 2, 6)
		change(full, 2, 3) // one of them has these values already
		change(bare, 3, 4)
		for i := range full {
			change(full[i:i+1], 0, 3)
			change(bare[i:i+1], 0, 6)
		}
		c.fails(tx, func() { s.updateAll(c, tx, bare, byID(rows...)) })
		s.holds(c, tx, "after one that was undone", rows...)
		s.update(c, tx, s.next(rows[5], rows[5]))
		rows[5] = s.stored(rows[5], s.next(rows[5], rows[5]))
		c.refused(s.replace(c, tx, withVersion(rows[1], rows[1][1].Int)), "Update from before UpdateAll", s.table.Stale(rows[1][0].ID))
		changed := s.next(rows[1], s.full(40))
		s.update(c, tx, changed)
		rows[1] = s.stored(rows[1], changed)
	})
	s.keeps(c, "afterwards", rows...)
}

func (s *subject) updateAllInvalid(c *check) {
	rows := s.seed(c, 3)
	set := s.sets(s.full(20))
	c.update(func(tx store.Rows) {
		try := func(field string, where []store.Cond, set ...store.Set) {
			n, err := tx.UpdateAll(c.ctx, s.table, where, set)
			c.invalid(err, field, "UpdateAll")
			c.equal(n, 0, "how many changed")
		}
		try("filter", nil, set...)
		try("set", []store.Cond{byID(rows[0])})
		for i := -1; i <= len(s.columns()); i++ {
			if !slices.ContainsFunc(set, func(x store.Set) bool { return x.Column == i }) {
				try("set", []store.Cond{byID(rows[0])}, append(slices.Clone(set), store.Set{Column: i})...)
			}
		}
	})
	s.keeps(c, "afterwards", rows...)
}

func (s *subject) touches(c *check) {
	rows := s.seed(c, 3)
	if s.table.Touch == 0 {
		c.update(func(tx store.Rows) { c.invalid(tx.Touch(c.ctx, s.table, rows[1][0].ID, clock(500)), "", "Touch") })
		s.keeps(c, "afterwards", rows...)
		return
	}
	c.update(func(tx store.Rows) {
		c.ok(tx.Touch(c.ctx, s.table, newID(20), clock(500)), "Touch of a row that is not there")
		c.ok(tx.Touch(c.ctx, s.table, rows[0][0].ID, clock(501)), "Touch of a row never touched")
		c.ok(tx.Touch(c.ctx, s.table, rows[1][0].ID, clock(502)), "Touch")
		s.holds(c, tx, "in the transaction", s.touched(rows[0], clock(501)), s.touched(rows[1], clock(502)), rows[2])
	})
	changed := s.next(rows[1], s.full(21))
	c.update(func(tx store.Rows) { s.update(c, tx, changed) })
	s.keeps(c, "after Touch and Update", s.touched(rows[0], clock(501)), s.touched(changed, clock(502)), rows[2])
}

func (s *subject) deletes(c *check) {
	rows := s.seed(c, 5)
	again := s.withID(s.full(20), rows[3][0].ID)
	missing := s.table.NotFound(rows[1][0].ID)
	remove := func(tx store.Rows, row store.Row) error { return tx.Delete(c.ctx, s.table, row[0].ID) }
	c.update(func(tx store.Rows) {
		c.refused(remove(tx, s.full(20)), "Delete of a row that never was", s.table.NotFound(newID(20)))
		s.remove(c, tx, rows[1])
		c.refused(remove(tx, rows[1]), "Delete again", missing)
		c.refused(s.replace(c, tx, s.next(rows[1], rows[1])), "Update of what was deleted", missing)
		s.remove(c, tx, rows[3])
		s.insert(c, tx, again)
	})
	c.update(func(tx store.Rows) { c.refused(remove(tx, rows[1]), "Delete again, in a later transaction", missing) })
	rows[3] = again
	s.keeps(c, "afterwards", slices.Delete(rows, 1, 2)...)
}

func (s *subject) deleteAllUnconstrained(c *check) {
	rows := s.seed(c, 4)
	c.update(func(tx store.Rows) {
		n, err := tx.DeleteAll(c.ctx, s.table, nil)
		c.invalid(err, "filter", "DeleteAll")
		c.equal(n, 0, "how many went")
		s.insert(c, tx, s.full(20))
	})
	s.keeps(c, "afterwards", append(rows, s.full(20))...)
}
