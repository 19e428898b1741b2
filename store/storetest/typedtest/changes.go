package typedtest

import (
	"slices"

	"github.com/freehold-dev/freehold/tenancy"
)

// changeRules are about Insert, Update, Touch and Delete.
func (s *subject[V, F]) changeRules() []rule {
	return []rule{
		s.rule("insert_twice", "an id that is there already is already_exists; nothing changes and the transaction goes on.", s.insertTwice),
		s.rule("update", "an update replaces the row: every field, those that it empties too, and a touched column never.", s.update),
		s.rule("update_version", "an update is refused as conflict unless the stored Version is the one before.", s.updateVersion),
		s.rule("update_missing", "an update of a row that is not there is not_found.", func(c *check) {
			rows := s.seed(c, 3)
			c.update(func(tx tenancy.Tx) {
				c.code(s.table(tx).Update(c.ctx, s.withVersion(s.full(20), 2)), tenancy.ErrNotFound, "Update")
				c.code(s.table(tx).Update(c.ctx, s.full(20)), tenancy.ErrNotFound, "Update to Version 1")
				s.insert(c, tx, s.full(21))
			})
			s.keeps(c, "afterwards", append(rows, s.full(21))...)
		}),
		s.rule("touch", "Touch sets its one column, moves no Version and minds no missing row; without such a column it is invalid.", s.touch),
		s.rule("delete", "Delete takes one row away, or answers not_found; its id is free again, in the same transaction too.", s.delete),
		s.rule("delete_all_unconstrained", "DeleteAll is invalid for a filter that constrains nothing.", func(c *check) {
			rows := s.seed(c, 4)
			c.update(func(tx tenancy.Tx) {
				var f F
				n, err := s.table(tx).DeleteAll(c.ctx, f)
				c.code(err, tenancy.ErrInvalid, "DeleteAll")
				c.equal(n, 0, "how many went")
				s.insert(c, tx, s.full(20))
			})
			s.keeps(c, "afterwards", append(rows, s.full(20))...)
		}),
	}
}

func (s *subject[V, F]) insertTwice(c *check) {
	rows := s.seed(c, 3)
	again := s.withID(s.full(20), s.id(rows[1]))
	field := s.entity.Table.Columns[0].Name
	c.update(func(tx tenancy.Tx) {
		c.taken(s.table(tx).Insert(c.ctx, again), field, "Insert under the id of a committed row")
		s.insert(c, tx, s.full(21))
		c.taken(s.table(tx).Insert(c.ctx, s.withID(again, s.id(s.full(21)))), field, "Insert under the id of a row of this transaction")
		s.insert(c, tx, s.full(22))
	})
	s.keeps(c, "afterwards", append(rows, s.full(21), s.full(22))...)
}

func (s *subject[V, F]) update(c *check) {
	full, bare, other := s.full(1), s.bare(2), s.full(3)
	s.prepare(c, full, bare, other)
	emptied, filled := s.next(full, s.bare(31)), s.next(bare, s.full(32))
	c.update(func(tx tenancy.Tx) {
		c.ok(s.table(tx).Update(c.ctx, emptied), "Update")
		c.ok(s.table(tx).Update(c.ctx, filled), "Update")
	})
	emptied, filled = s.stored(full, emptied), s.stored(bare, filled)
	s.keeps(c, "after two updates", emptied, filled, other)

	twice := s.next(emptied, s.full(33))
	c.update(func(tx tenancy.Tx) {
		c.ok(s.table(tx).Update(c.ctx, twice), "Update")
		c.ok(s.table(tx).Update(c.ctx, s.next(twice, twice)), "Update again, in the same transaction")
	})
	s.keeps(c, "after two more", s.stored(full, s.next(twice, twice)), filled, other)
}

func (s *subject[V, F]) updateVersion(c *check) {
	v := s.withVersion(s.full(1), 5)
	s.prepare(c, v, s.full(2))
	c.update(func(tx tenancy.Tx) {
		for _, version := range []int64{-1, 0, 1, 4, 5, 7} {
			c.code(s.table(tx).Update(c.ctx, s.withVersion(s.withID(s.full(20), s.id(v)), version)), tenancy.ErrConflict, "Update")
		}
		s.holds(c, tx, "after stale updates", v, s.full(2))
		c.ok(s.table(tx).Update(c.ctx, s.withVersion(v, 6)), "Update to the next Version")
		c.code(s.table(tx).Update(c.ctx, s.withVersion(v, 6)), tenancy.ErrConflict, "the same Update again")
	})
	s.keeps(c, "afterwards", s.withVersion(v, 6), s.full(2))
}

func (s *subject[V, F]) touch(c *check) {
	rows := s.seed(c, 3)
	if s.entity.Table.Touch == 0 {
		c.update(func(tx tenancy.Tx) {
			c.code(s.table(tx).Touch(c.ctx, s.id(rows[1]), clock(500)), tenancy.ErrInvalid, "Touch")
		})
		s.keeps(c, "afterwards", rows...)
		return
	}
	touched := func(v V, n int) V {
		row := s.row(v)
		row[s.entity.Table.Touch].Null, row[s.entity.Table.Touch].Int = false, clock(n).UnixMicro()
		return s.entity.Read(row)
	}
	c.update(func(tx tenancy.Tx) {
		c.ok(s.table(tx).Touch(c.ctx, s.id(s.full(20)), clock(500)), "Touch of a row that is not there")
		c.ok(s.table(tx).Touch(c.ctx, s.id(rows[0]), clock(501)), "Touch of a row never touched")
		c.ok(s.table(tx).Touch(c.ctx, s.id(rows[1]), clock(502)), "Touch")
		s.holds(c, tx, "in the transaction", touched(rows[0], 501), touched(rows[1], 502), rows[2])
	})
	changed := s.next(rows[1], s.full(21))
	c.update(func(tx tenancy.Tx) { c.ok(s.table(tx).Update(c.ctx, changed), "Update after Touch") })
	s.keeps(c, "after Touch and Update", touched(rows[0], 501), touched(changed, 502), rows[2])
}

func (s *subject[V, F]) delete(c *check) {
	rows := s.seed(c, 5)
	again := s.withID(s.full(20), s.id(rows[3]))
	c.update(func(tx tenancy.Tx) {
		c.code(s.table(tx).Delete(c.ctx, s.id(s.full(20))), tenancy.ErrNotFound, "Delete of a row that never was")
		c.ok(s.table(tx).Delete(c.ctx, s.id(rows[1])), "Delete")
		c.code(s.table(tx).Delete(c.ctx, s.id(rows[1])), tenancy.ErrNotFound, "Delete again")
		c.code(s.table(tx).Update(c.ctx, s.next(rows[1], rows[1])), tenancy.ErrNotFound, "Update of what was deleted")
		c.ok(s.table(tx).Delete(c.ctx, s.id(rows[3])), "Delete")
		s.insert(c, tx, again)
	})
	c.update(func(tx tenancy.Tx) {
		c.code(s.table(tx).Delete(c.ctx, s.id(rows[1])), tenancy.ErrNotFound, "Delete again, in a later transaction")
	})
	rows[3] = again
	s.keeps(c, "afterwards", slices.Delete(rows, 1, 2)...)
}
